"""A backup is one moment of the ledger, whole, whatever is written while it is taken."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.backup import CannotBackUp, back_up
from ledger.database import Database


@pytest.fixture
def ledger(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    _tally(path, "before", rows=20_000)
    yield database
    database.close()


def _tally(path: Path, name: str, *, rows: int) -> None:
    with sqlite3.connect(path, timeout=10) as c:
        c.executemany(
            "INSERT INTO tallies (day, name, count) VALUES (?, ?, 1)", [(f"{name}-{i}", "x" * 200) for i in range(rows)]
        )
    c.close()


def _count(path: Path, name: str) -> int:
    c = sqlite3.connect(path)
    try:
        return int(c.execute("SELECT count(*) FROM tallies WHERE day LIKE ?", (f"{name}%",)).fetchone()[0])
    finally:
        c.close()


def test_a_backup_holds_one_moment_though_others_write_meanwhile(ledger: Database, tmp_path: Path) -> None:
    source, target = tmp_path / "ledger.db", tmp_path / "copy.db"
    steps: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        if not steps:
            _tally(source, "meanwhile", rows=500)  # would make a copy without a snapshot begin anew
        steps.append((done, total))

    size = back_up(ledger, target, progress)

    assert len(steps) > 1
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == steps[-1][1]
    assert (_count(target, "before"), _count(target, "meanwhile")) == (20_000, 0)
    assert _count(source, "meanwhile") == 500
    assert size == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_nothing_is_written_over(ledger: Database, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("yesterday's")
    with pytest.raises(CannotBackUp, match="a new name"):
        back_up(ledger, target, lambda *_: None)
    assert target.read_text() == "yesterday's"


def test_a_place_that_cannot_be_written_leaves_nothing_behind(ledger: Database, tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match="no copy was made"):
        back_up(ledger, tmp_path / "nowhere" / "copy.db", lambda *_: None)
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []


def test_a_ledger_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match="flask db upgrade"):
        back_up(Database(f"sqlite:///{tmp_path}/none.db"), tmp_path / "copy.db", lambda *_: None)


def test_on_postgresql_it_names_the_tool_that_does_it(postgresql_url: str, tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match="pg_dump"):
        back_up(Database(postgresql_url), tmp_path / "copy.db", lambda *_: None)
