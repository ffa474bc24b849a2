"""The service's own processes, with a trap in them: each stops dead at a chosen line, once.

The trap is laid from outside, around the parts that `app.py` builds; nothing in the service knows of it. Run as
``python -m tests.killing`` this is a starter: everything is imported once, and each line of JSON on its input forks one
process that runs the very command of production (`flask worker`, gunicorn) within milliseconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask.cli
import gunicorn.app.wsgiapp
import gunicorn.workers.gthread
import psutil

import app  # noqa: F401 - imported before the fork, so that no process pays for it again
import clients.hubspot.lane
import clients.mail.lane
import clients.shopify.lane
import clients.smaregi.lane
import clients.token
import handlers.lane_runner
import ledger.database
import ledger.outcome
from ledger.book import Book, Claimed, Settled, Settlement
from ledger.clerk import Clerk
from ledger.inbox import Inbox
from ledger.mails import Mails

#: What a killed worker held comes back after so long. In earnest the lease is 30 s, which no test would wait for.
LEASE = timedelta(seconds=1.2)
#: So long after that, or after an answer that was lost, it is carried once more. In earnest 60 s.
LATE = timedelta(seconds=2)
#: So long a right to fetch a token outlives the process that took it, and a transaction a process that stopped in it.
ABANDONED = timedelta(seconds=1.5)


# A process that stands still within a write to SQLite holds the file, and everybody must wait until it goes on: a
# matter of its own. So who is to be stopped writes one thing at a time, and is stopped when no other thread writes.
_WRITING = threading.RLock()


@dataclass(frozen=True)
class Trap:
    """Where a process stops: at ``point``, for ``lane``, with ``at_least`` customers at once, and by which signal.

    ``armed`` is a file that goes when the trap springs, so whoever is started in this process's place lives.
    """

    point: str
    armed: str
    lane: str = ""
    at_least: int = 1
    by: str = "SIGKILL"

    def spring(self) -> None:
        """Stop this process here, if nobody did before."""
        try:
            Path(self.armed).unlink()
        except FileNotFoundError:
            return
        how = signal.Signals[self.by]
        with _WRITING:
            # To this thread, which meets it at this line; sent to the process, another thread might meet it later.
            signal.pthread_kill(threading.get_ident(), how)
            while how is signal.SIGKILL:
                time.sleep(1)  # the signal is on its way to the other threads

    def meets(self, settlements: Sequence[Settlement]) -> bool:
        """Whether one of these is about the trap's lane."""
        return any(s.lane == self.lane for s in settlements)


def lay(trap: Trap) -> None:
    """Lay the trap around the part it is about."""
    if trap.by == "SIGSTOP":
        _write_one_thing_at_a_time()
    if trap.at_least > 1:
        _let_many_wait(trap)
    {
        "claimed": _after_claim,
        "answered": _before_settle,
        "settling": _within_settle,
        "settled": _after_settle,
        "read": _before_record,
        "recording": _within_record,
        "recorded": _after_record,
        "marked": _after_mark,
        "taken": _before_sent,
        "noted": _after_sent,
    }[trap.point](trap)


def _write_one_thing_at_a_time() -> None:
    writing = ledger.database.Database.writing

    @contextlib.contextmanager
    def trapped(self: ledger.database.Database, *, loose: bool = False) -> Iterator[Any]:
        with _WRITING, writing(self, loose=loose) as connection:
            yield connection

    ledger.database.Database.writing = trapped  # type: ignore[method-assign]


def _let_many_wait(trap: Trap) -> None:
    """The clerk's first group waits until enough others wait behind it: they share the next commit."""
    settle = Clerk._settle

    def trapped(self: Clerk[Any, Any], group: Any) -> None:
        give_up_at = time.monotonic() + 1.5
        while Path(trap.armed).exists() and len(group) < trap.at_least and self._waiting.qsize() < trap.at_least:
            if time.monotonic() > give_up_at:
                break
            time.sleep(0.005)
        settle(self, group)

    Clerk._settle = trapped  # type: ignore[method-assign]


# The worker: claim, carry, judge, settle


def _after_claim(trap: Trap) -> None:
    claim = Book.claim

    def trapped(self: Book, lane: str, *given: Any, **named: Any) -> list[Claimed]:
        claimed = claim(self, lane, *given, **named)
        if lane == trap.lane and len(claimed) >= trap.at_least:
            trap.spring()
        return claimed

    Book.claim = trapped  # type: ignore[method-assign]


def _before_settle(trap: Trap) -> None:
    settle = Book.settle

    def trapped(self: Book, settlements: Sequence[Settlement], **named: Any) -> list[list[Settled]]:
        if trap.meets(settlements):
            trap.spring()
        return settle(self, settlements, **named)

    Book.settle = trapped  # type: ignore[method-assign]


def _within_settle(trap: Trap) -> None:
    settle = Book._settle

    def trapped(self: Book, c: Any, s: Settlement, now: Any) -> list[Settled]:
        settled = settle(self, c, s, now)
        if s.lane == trap.lane:
            trap.spring()
        return settled

    Book._settle = trapped  # type: ignore[method-assign]


def _after_settle(trap: Trap) -> None:
    settle = Book.settle

    def trapped(self: Book, settlements: Sequence[Settlement], **named: Any) -> list[list[Settled]]:
        settled = settle(self, settlements, **named)
        if trap.meets(settlements):
            trap.spring()
        return settled

    Book.settle = trapped  # type: ignore[method-assign]


# The mail: marked, taken by the server, noted


def _after_mark(trap: Trap) -> None:
    mark = Mails.mark

    def trapped(self: Mails, *given: Any) -> bool:
        marked = mark(self, *given)
        trap.spring()
        return marked

    Mails.mark = trapped  # type: ignore[method-assign,assignment]


def _before_sent(trap: Trap) -> None:
    sent = Mails.sent

    def trapped(self: Mails, *given: Any) -> None:
        trap.spring()
        sent(self, *given)

    Mails.sent = trapped  # type: ignore[method-assign,assignment]


def _after_sent(trap: Trap) -> None:
    sent = Mails.sent

    def trapped(self: Mails, *given: Any) -> None:
        sent(self, *given)
        trap.spring()

    Mails.sent = trapped  # type: ignore[method-assign,assignment]


# The web door: read, decide, record, answer


def _before_record(trap: Trap) -> None:
    record = Inbox.record

    def trapped(self: Inbox, arrivals: Any, **named: Any) -> Any:
        trap.spring()
        return record(self, arrivals, **named)

    Inbox.record = trapped  # type: ignore[method-assign]


def _within_record(trap: Trap) -> None:
    write = Inbox._write

    def trapped(self: Inbox, c: Any, fold: Any, *given: Any) -> None:
        write(self, c, fold, *given)
        if len(fold.touched) >= trap.at_least:
            trap.spring()

    Inbox._write = trapped  # type: ignore[method-assign,assignment]


def _after_record(trap: Trap) -> None:
    record = Inbox.record

    def trapped(self: Inbox, arrivals: Any, **named: Any) -> Any:
        recorded = record(self, arrivals, **named)
        if len(arrivals) >= trap.at_least:
            trap.spring()
        return recorded

    Inbox.record = trapped  # type: ignore[method-assign]


# Starting


def shorten_the_waits() -> None:
    """Everything that is held for somebody who may be gone is held for about a second."""
    handlers.lane_runner.LEASE = LEASE
    clients.token.SharedToken.HOLD = ABANDONED
    ledger.database.ABANDONED = ABANDONED
    ledger.outcome.LATE = LATE


def become(order: dict[str, Any]) -> None:
    """Turn this process into the one that was asked for; comes back when its command has ended."""
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["folder"])  # where no .env of the developer's lies
    shorten_the_waits()
    if order["trap"]:
        lay(Trap(**order["trap"]))
    sys.argv = order["command"]
    commands: dict[str, Callable[[], Any]] = {"flask": flask.cli.main, "gunicorn": gunicorn.app.wsgiapp.run}
    commands[sys.argv[0]]()


def main() -> None:
    """Fork a process for each order; when the orders end, so does everything that was started."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody's end is waited for: none stays behind as a zombie
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                become(json.loads(line))
                status = 0
            except SystemExit as e:
                status = e.code if isinstance(e.code, int) else 1
            except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as the starter
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    for child in psutil.Process().children():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
