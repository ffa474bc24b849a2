"""What we last wrote to a mail flag is kept apart from the marks, and outlives what blanks them; on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from clients.smaregi.alone import AloneFlags
from clients.smaregi.mail_flag import FlagBook
from customer import FlagWritten
from ledger import tables as t
from ledger.database import Database
from ledger.erase import Erasing
from ledger.mail_flags import MailFlags
from tests.conftest import NOON, Clock
from tests.ledger_cases import LANES, Ledger, delivery_of, done, person

ID = 7700000000001
MADE = FlagWritten("0", NOON)
SENT = FlagWritten("1", NOON + timedelta(seconds=1), "10", over="2026-11-22T12:00:00+09:00")
TAKEN = replace(MADE, changed=True)


@pytest.fixture
def ledger(database: Database, clock: Clock) -> Ledger:
    made = Ledger(database)
    made.hear(delivery_of(person(ID)), delivery_of(person(2)), now=clock())
    return made


@pytest.fixture(params=["kept", "alone"])
def book(request: pytest.FixtureRequest, ledger: Ledger) -> FlagBook:
    """The book in the database, and the one that commands and tests use: they behave alike."""
    return AloneFlags() if request.param == "alone" else MailFlags(ledger.database)


@pytest.mark.parametrize("loose", [False, True])
@pytest.mark.parametrize("written", [MADE, SENT, TAKEN, replace(SENT, over=None)])
def test_what_was_written_is_told_as_it_was(book: FlagBook, written: FlagWritten, loose: bool) -> None:
    assert book.recall(ID) is None
    assert book.put(ID, written, instead_of=None, loose=loose)
    assert book.recall(ID) == written
    assert book.recall(2) is None


def test_it_is_replaced_only_where_it_is_what_the_writer_knew(book: FlagBook) -> None:
    stood = [None, MADE, SENT, TAKEN]
    thought = [*stood, replace(SENT, over=None), replace(SENT, member="11"), replace(SENT, at=NOON)]
    news = [None, MADE, replace(SENT, at=NOON + timedelta(minutes=1))]
    book.put(2, MADE, instead_of=None)
    for stands, knew, new in product(stood, thought, news):
        book.put(ID, stands, instead_of=book.recall(ID))
        if knew == new != stands:
            continue  # nothing is asked for
        assert book.put(ID, new, instead_of=knew) == (stands == knew)
        assert book.recall(ID) == (new if stands == knew else stands)
    assert book.recall(2) == MADE


def test_of_ten_who_write_at_once_one_is_first(database: Database, ledger: Ledger) -> None:
    words = [FlagWritten("0", NOON, str(n)) for n in range(10)]
    books = [MailFlags(database) for _ in words]
    won: list[FlagWritten] = []

    def write(book: MailFlags, word: FlagWritten) -> None:
        if book.put(ID, word, instead_of=None):
            won.append(word)

    threads = [threading.Thread(target=write, args=pair) for pair in zip(books, words, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [MailFlags(database).recall(ID)] == won


def test_no_resync_link_or_prune_takes_it_away(ledger: Ledger, clock: Clock) -> None:
    book = MailFlags(ledger.database)
    ledger.carry(done("m-1", mailReceiveFlag="a mark"), now=clock())
    book.put(ID, SENT, instead_of=None)
    ledger.resync.page(now=clock(), lanes=LANES)
    assert ledger.task(ID)["sent"] == {"mailReceiveFlag": ""}
    ledger.resync.link(ID, "smaregi", "m-2", now=clock())
    assert not (ledger.task(ID)["sent"] or {}).get("mailReceiveFlag")
    assert book.recall(ID) == SENT


def test_to_erase_the_person_erases_it_and_no_worker_brings_it_back(ledger: Ledger, clock: Clock) -> None:
    book = MailFlags(ledger.database)
    book.put(ID, MADE, instead_of=None)
    book.put(2, MADE, instead_of=None)
    Erasing(ledger.database).erase(ID, by="mihon", why="ticket 12", now=clock())
    assert book.recall(ID) is None
    assert not book.put(ID, MADE, instead_of=None)  # a worker that was still carrying them
    assert not book.put(ID, SENT, instead_of=MADE)
    assert [row["customer_id"] for row in ledger.rows(t.mail_flags)] == [2]


def test_of_somebody_who_is_not_carried_nothing_is_kept(ledger: Ledger) -> None:
    assert not MailFlags(ledger.database).put(999, MADE, instead_of=None)
    assert ledger.rows(t.mail_flags) == []


def test_what_it_holds_names_nobody(ledger: Ledger) -> None:
    MailFlags(ledger.database).put(ID, SENT, instead_of=None)
    row: dict[str, Any] = dict(ledger.rows(t.mail_flags)[0])
    assert row == {
        "customer_id": ID,
        "flag": "1",
        "written_at": SENT.at,
        "member_id": "10",
        "over": "2026-11-22T12:00:00+09:00",
        "changed": False,
    }
