"""What can be said of the database itself: where it lies, whether it can be written, and who has been at work."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from ledger import lease
from ledger import tables as t
from ledger.database import Database
from ledger.migrate import Shape, shape_of
from ledger.position import Positions

_LAST: Final = 1000


@dataclass(frozen=True, slots=True)
class Soundness:
    """How a database is. ``journal`` and the bytes are SQLite's; ``settings`` are PostgreSQL's own, by name."""

    on_postgresql: bool
    version: str
    shape: Shape
    journal: str | None = None
    size: int | None = None
    free: int | None = None
    filesystem: str | None = None
    settings: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """Who was at work: ``last_attempt`` began then, ``held`` tasks have a live lease, ``abandoned`` one that ended.

    ``secrets`` counts the last deliveries by the label of the secret they were signed with.
    """

    last_attempt: datetime | None
    held: int
    abandoned: int
    secrets: Mapping[str, int]


def soundness(database: Database) -> Soundness:
    """Look at the database. Raises ``StoreBusy``."""
    shape = shape_of(database)
    with database.reading() as c:
        if database.on_postgresql:
            names = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
            told = {name: str(c.exec_driver_sql(f"SHOW {name}").scalar()) for name in names}
            return Soundness(True, told.pop("server_version"), shape, settings=told)
        version, journal = (
            str(c.exec_driver_sql(ask).scalar()) for ask in ("SELECT sqlite_version()", "PRAGMA journal_mode")
        )
    path = Path(database.url.database or "").resolve()
    return Soundness(
        False,
        version,
        shape,
        journal=journal,
        size=path.stat().st_size,
        free=shutil.disk_usage(path.parent).free,
        filesystem=filesystem_of(path),
    )


def try_to_write(database: Database) -> None:
    """Write a row and take it back. Raises ``StoreBusy``."""
    positions = Positions(database)
    positions.keep("doctor", {})
    positions.drop("doctor")


def life(database: Database, now: datetime) -> Life:
    """Who has been at work lately. Raises ``StoreBusy``."""
    running = (t.tasks.c.state == "running",)
    last = select(t.deliveries.c.secret).order_by(t.deliveries.c.id.desc()).limit(_LAST).subquery()
    with database.reading() as c:
        began = select(t.attempts.c.started_at).order_by(t.attempts.c.id.desc()).limit(1)
        held = select(func.count()).where(*running, lease.held(t.tasks.c.lease_until, now, lease.LONGEST_LEASE))
        abandoned = select(func.count()).where(*running, lease.ended(t.tasks.c.lease_until, now, lease.LONGEST_LEASE))
        labels = c.execute(select(last.c.secret, func.count()).group_by(last.c.secret)).all()
        return Life(
            c.execute(began).scalar(),
            c.execute(held).scalar() or 0,
            c.execute(abandoned).scalar() or 0,
            {row[0]: row[1] for row in labels},
        )


def filesystem_of(path: Path, mounts: str | None = None) -> str | None:
    """The kind of filesystem a file lies on, as Linux names it; None where that cannot be told."""
    try:
        told = Path("/proc/mounts").read_text(encoding="utf-8") if mounts is None else mounts
    except OSError:
        return None
    places: Sequence[list[str]] = [line.split() for line in told.splitlines()]
    over = [
        (len(mount), number, kind)
        for number, (_, mount, kind, *_rest) in enumerate(place for place in places if len(place) > 2)
        if path.is_relative_to(mount.replace("\\040", " "))
    ]
    return max(over)[2] if over else None
