"""A copy of a ledger on SQLite, taken while everything runs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ledger.database import Database

_PAGES: Final = 2_000


class CannotBackUp(Exception):
    """No copy was made; the text names the mend."""


def back_up(database: Database, target: Path, progress: Callable[[int, int], None]) -> int:
    """Copy the ledger as it is at this moment to ``target``, readable by its owner alone; the copy's size in bytes.

    Writers are not held up: the copy is read under one snapshot of the write-ahead log. ``progress`` hears the pages
    done and the pages in all. The copy is checked, and has its name only when it is whole. Raises ``CannotBackUp``.
    """
    if database.on_postgresql:
        raise CannotBackUp("this ledger is on PostgreSQL: pg_dump -Fc, with the address of DATABASE_URL, copies it")
    source = Path(database.url.database or "")
    if not source.is_file():
        raise CannotBackUp(f"there is no ledger at {source}: flask db upgrade makes one")
    if target.exists():
        raise CannotBackUp(f"{target} is there already: give the copy a new name")
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(source, part, progress)
        part.replace(target)
    except (OSError, sqlite3.Error) as e:
        part.unlink(missing_ok=True)
        raise CannotBackUp(f"no copy was made at {target} ({e})") from None
    return target.stat().st_size


def _copy(source: Path, part: Path, progress: Callable[[int, int], None]) -> None:
    reader = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)
    writer = sqlite3.connect(part, isolation_level=None)
    try:
        # Held open, so that what others write meanwhile does not make the copy begin anew.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        reader.backup(writer, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total))
        reader.execute("COMMIT")
        said = writer.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise sqlite3.DatabaseError(f"the copy is not sound: {said}")
    finally:
        writer.close()
        reader.close()
