"""The turn to write: one thread of a process at a time, and an error in our words for whoever does not get it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, insert, select

import ledger.database
from ledger import tables as t
from ledger.database import Database, StoreBusy


def tally(database: Database, name: str) -> None:
    with database.writing(loose=True) as c:
        c.execute(insert(t.tallies).values(day="2026-11-22", name=name, count=1))


def test_who_waits_for_another_thread_does_not_ask_the_file(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database, asked = Database(sqlite_url, busy_s=0.2), list[Any]()
    real = ledger.database._patiently

    def heard(go: Any, patience_s: float) -> None:
        asked.append(go)
        real(go, patience_s)

    monkeypatch.setattr(ledger.database, "_patiently", heard)
    with ThreadPoolExecutor(1) as pool, database.writing():
        before = len(asked)
        with pytest.raises(StoreBusy, match="no turn to write"):
            pool.submit(tally, database, "late").result()
        assert before
        assert len(asked) == before
    tally(database, "in time")
    database.close()


def test_another_process_is_waited_for_as_before(sqlite_url: str) -> None:
    ours, theirs = Database(sqlite_url, busy_s=0.2), Database(sqlite_url, busy_s=0.2)
    with theirs.writing(), pytest.raises(StoreBusy, match="busy or gone"):
        tally(ours, "late")
    tally(ours, "in time")
    ours.close()
    theirs.close()


def test_many_threads_all_get_their_turn_whichever_way_they_write(database: Database) -> None:
    def write(number: int) -> None:
        with database.writing(loose=bool(number % 2)) as c:
            c.execute(insert(t.tallies).values(day="2026-11-22", name=f"{number}", count=1))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(64)))
    with database.reading() as c:
        assert c.execute(select(func.count()).select_from(t.tallies)).scalar_one() == 64


def test_the_turn_is_given_back_after_an_error(database: Database) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), database.writing():
            raise KeyError("ours")
    tally(database, "in time")
