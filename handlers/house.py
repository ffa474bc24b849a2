"""Every part of the service, built once by `app.py`, as it is handed to the commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from clients.lane import Lane
from clients.mail.letters import Letters
from handlers.adding_up import AddingUp
from handlers.console.setup import ConsoleSetup
from handlers.indexer import Indexer
from handlers.janitor import Janitor
from handlers.tally import Tally
from handlers.watchman import Watchman
from handlers.worker import Worker
from ledger.alerts import Alerts
from ledger.audit import Audit
from ledger.book import Book
from ledger.browse import Browse
from ledger.census import Census
from ledger.database import Database
from ledger.deliveries import Deliveries
from ledger.erase import Erasing
from ledger.inbox import Inbox
from ledger.keeps import Tallies
from ledger.keys import KeyCheck
from ledger.mails import Mails
from ledger.members import Members
from ledger.prune import Pruning
from ledger.report import Report
from ledger.resync import Resync
from ledger.rollups import Rollups
from ledger.search import Search
from ledger.search_index import SearchIndex
from ledger.unreadable import Unreadable
from ledger.unseen import Unseen
from ledger.waiting import Waiting

#: The lane that nobody waits for: a customer is in sync with or without their welcome mail.
MAIL = "mail"
#: Every lane's word, in the order in which a customer meets them.
LANES = ("shopify", "smaregi", "hubspot", MAIL)
#: Those that keep customers equal: the one that is read from, and the destinations. A mail is sent once.
READS, *DESTINATIONS = SYNCED = LANES[:-1]


@dataclass(frozen=True, slots=True)
class House:
    """The parts. ``lanes`` builds the clients when they are first needed: the web door never needs them. ``letters``
    are the welcome mail's templates.

    ``secrets`` are (label, secret) pairs, the first of which signs what `flask deliver` posts. ``lanes_off`` maps each
    lane that is switched off to the reason in words.
    """

    shop: str
    secrets: Sequence[tuple[str, str]]
    database: Database
    inbox: Inbox
    book: Book
    members: Members
    report: Report
    rollups: Rollups
    census: Census
    resync: Resync
    search: Search
    search_index: SearchIndex
    browse: Browse
    unseen: Unseen
    mails: Mails
    waiting: Waiting
    deliveries: Deliveries
    unreadable: Unreadable
    pruning: Pruning
    erasing: Erasing
    alerts: Alerts
    watchman: Watchman
    audit: Audit
    console: ConsoleSetup
    keys: KeyCheck
    tallies: Tallies
    tally: Tally
    lanes: Callable[[], Sequence[Lane]]
    letters: Callable[[], Letters]
    lanes_off: Mapping[str, str]
    updates_too: bool
    now: Callable[[], datetime]

    def close(self) -> None:
        """Give everything back; the house cannot be used afterwards."""
        self.tally.close()
        self.database.close()

    def worker(self) -> Worker:
        """A worker over all lanes; not yet started."""
        janitor = Janitor(self.pruning, self.erasing, self.now)
        adding_up = AddingUp(self.rollups, self.census, self.now)
        return Worker(
            self.book,
            self.lanes(),
            now=self.now,
            lanes_off=self.lanes_off,
            updates_too=self.updates_too,
            upkeep=[
                janitor.loop,
                adding_up.loop,
                Indexer(self.search_index, self.now).loop,
                self.watchman.look_loop,
                self.watchman.tell_loop,
            ],
        )
