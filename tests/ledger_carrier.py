"""A worker of the barest kind, to be run as a process of its own: it claims, "carries" into a file, and settles.

``python -m tests.ledger_carrier URL LOG [DIE_AT]`` says "ready", and starts with the next line it reads. Each line of
the log says which customer was carried, how often it had been tried, and whether it was in doubt. ``DIE_AT`` ends it
by SIGKILL at that point of its third round.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

from sqlalchemy import event

from ledger.book import Book, Claimed, Settlement
from ledger.database import Database, StoreBusy
from ledger.outcome import Done

LANE: Final = "smaregi"
BATCH: Final = 20
LEASE: Final = timedelta(seconds=60)
DEATHS: Final = ("claimed", "carried", "committing")


def die(*_: Any) -> NoReturn:
    """As if the machine had been pulled from the wall."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def carry_all(url: str, log: Path, die_at: str | None = None) -> None:
    """Carry until nothing is due, or until death."""
    database = Database(url)
    book = Book(database, destinations=(LANE,))
    turn = 0
    with log.open("a") as carried:
        while claimed := _patiently(lambda: book.claim(LANE, BATCH, now=datetime.now(UTC), lease=LEASE)):
            turn += 1
            doomed = die_at if turn == 3 else None
            if doomed == "claimed":
                die()
            for one in claimed:
                carried.write(f"{one.customer_id} {one.task.attempt} {int(one.task.doubt)}\n")
            carried.flush()
            if doomed == "carried":
                die()
            if doomed == "committing":
                event.listen(database.engine, "commit", die)
            settlement = settlement_of(claimed)
            _patiently(lambda: book.settle([settlement], now=datetime.now(UTC)))  # noqa: B023 - called at once
    database.close()


def settlement_of(claimed: list[Claimed]) -> Settlement:
    """All of them arrived."""
    outcomes = [(one, Done(f"m-{one.customer_id}", "created", sent={"a": "1"})) for one in claimed]
    return Settlement(LANE, outcomes, started_at=datetime.now(UTC), duration_ms=1.0)


def _patiently(go: Any) -> Any:
    while True:
        try:
            return go()
        except StoreBusy:
            continue


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # the word to go
    carry_all(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
