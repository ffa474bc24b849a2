"""A whole ledger from one database to another, SQLite to PostgreSQL or back, and the proof that it arrived.

Every table of ours is copied row by row as it is kept: what is shut stays shut, and no key is needed. All is read under
one snapshot. At the end each table is read back and compared by count and checksum, and the source is asked whether it
was written to meanwhile: a copy that is not the whole truth says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    TypeDecorator,
    func,
    inspect,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.exc import DBAPIError

from ledger import tables as t
from ledger.database import Database, StoreBusy
from ledger.lease import LONGEST_LEASE, held
from ledger.migrate import shape_of, upgrade

_PAGE: Final = 1000
# PostgreSQL keeps no NUL in a text, and neither keeps half a letter, as which bytes are read that are no UTF-8.
_UNKEEPABLE: Final = re.compile("[\x00\ud800-\udfff]")
_HALVES: Final = re.compile("[\ud800-\udfff]")


class CannotCopy(Exception):
    """Nothing was copied, or not all of it; the text names the mend."""


@dataclass(frozen=True, slots=True)
class Step:
    """So many rows of a table are done; ``checked``: read back."""

    table: str
    rows: int
    checked: bool = False


@dataclass(slots=True)
class _Sum:
    """How many rows, and a checksum that does not depend on their order."""

    rows: int = 0
    total: int = 0

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.rows += len(rows)
        for row in rows:
            plain = repr([bytes(value) if isinstance(value, memoryview) else value for value in row])
            digest = hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            self.total = (self.total + int.from_bytes(digest)) % (1 << 128)


@dataclass(slots=True)
class Copying:
    """A copy from ``source`` to ``target``. ``mended`` counts, by column, the texts that the target could not hold."""

    source: Database
    target: Database
    mended: dict[str, int] = field(default_factory=dict)

    def count(self) -> int:
        """How many rows there are to copy. Raises ``StoreBusy``."""
        with self.source.reading() as c:
            return sum(c.execute(select(func.count()).select_from(table)).scalar_one() for table in _TABLES)

    def rows_in_target(self) -> int:
        """How many rows of ours stand in the target, in tables that may not be there at all. Raises ``CannotCopy``."""
        try:
            with self.target.reading() as c:
                there = set(inspect(c).get_table_names())
                counts = [select(func.count()).select_from(table) for table in _TABLES if table.name in there]
                return sum(c.execute(query).scalar_one() for query in counts)
        except StoreBusy as e:
            raise CannotCopy(f"the target does not answer ({e}): does the database exist, and may we enter?") from None

    def empty_target(self) -> None:
        """Take every row of ours out of the target."""
        with self.target.reading() as c:
            there = set(inspect(c).get_table_names())
        with self.target.writing() as c:
            for table in _TABLES:
                if table.name in there:
                    c.execute(table.delete())

    def check(self, now: datetime) -> None:
        """Raises ``CannotCopy`` when a copy would be refused or would not be whole, ``StoreBusy``."""
        if _place(self.source) == _place(self.target):
            raise CannotCopy("this is the ledger itself: name another database")
        shape = shape_of(self.source)
        if shape == "behind":
            raise CannotCopy("this ledger lacks a migration: run flask db upgrade")
        if shape == "newer":
            raise CannotCopy(
                "a newer version has migrated this ledger: copy it with that one, so that nothing is left out"
            )
        with self.source.reading() as c:
            live = select(func.count()).where(
                t.tasks.c.state == "running", held(t.tasks.c.lease_until, now, LONGEST_LEASE)
            )
            if carried := c.execute(live).scalar():
                raise CannotCopy(
                    f"a worker is at work ({carried:,} tasks are being carried): stop web and worker first, and wait "
                    "half a minute after a worker that was killed"
                )
        if rows := self.rows_in_target():
            raise CannotCopy(f"the target is not empty ({rows:,} rows): --empty-target takes them out first")

    def run(self) -> Generator[Step, None, None]:
        """Copy and check, a page each time the next step is asked for. Raises ``CannotCopy``, ``StoreBusy``.

        A copy that was stopped is begun anew, on an emptied target.
        """
        upgrade(self.target)
        sums: dict[str, _Sum] = {}
        with _watched(self.source) as has_changed:
            with _snapshot(self.source) as c:
                for table in _TABLES:
                    sums[table.name] = _Sum()
                    for rows in _pages(c, table):
                        kept = [self._storable(table, row) for row in rows]
                        sums[table.name].add(kept)
                        self._write(table, kept)
                        yield Step(table.name, len(kept))
            self._set_sequences()
            yield from self._compare(sums)
            if has_changed():
                raise CannotCopy(
                    "the ledger was written to while it was copied: what came meanwhile is not in the copy. Stop web "
                    "and worker, and copy again with --empty-target"
                )

    def _write(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        names = [column.name for column in table.columns]
        try:
            with self.target.writing(loose=True) as c:
                c.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
        except DBAPIError as e:
            raise CannotCopy(
                f"the target refuses rows of {table.name} ({type(e.orig).__name__}): nothing is lost here, the target "
                "is not whole"
            ) from None

    def _storable(self, table: Table, row: Sequence[Any]) -> tuple[Any, ...]:
        bad = _UNKEEPABLE if self.target.on_postgresql else _HALVES
        kept = []
        for column, value in zip(table.columns, row, strict=True):
            if isinstance(value, str) and bad.search(value):
                name = f"{table.name}.{column.name}"
                self.mended[name] = self.mended.get(name, 0) + 1
                kept.append(_HALVES.sub("\ufffd", value.replace("\x00", "") if bad is _UNKEEPABLE else value))
            else:
                kept.append(value)
        return tuple(kept)

    def _set_sequences(self) -> None:
        """PostgreSQL goes on numbering where the copied rows end; SQLite does so by itself."""
        if not self.target.on_postgresql:
            return
        with self.target.writing() as c:
            for table in t.metadata.sorted_tables:
                if isinstance(number := table.autoincrement_column, Column):
                    sequence = func.pg_get_serial_sequence(table.name, number.name)
                    last = select(func.max(number)).scalar_subquery()
                    c.execute(select(func.setval(sequence, last)).where(sequence.is_not(None), last.is_not(None)))

    def _compare(self, sums: dict[str, _Sum]) -> Iterator[Step]:
        with _snapshot(self.target) as c:
            for table in _TABLES:
                found = _Sum()
                for rows in _pages(c, table):
                    found.add(rows)
                    yield Step(table.name, len(rows), checked=True)
                if found != sums[table.name]:
                    raise CannotCopy(
                        f"{table.name} did not arrive whole ({found.rows:,} of {sums[table.name].rows:,} rows, or "
                        "other ones): did somebody write to the target? Copy again with --empty-target"
                    )


def _plain(column: Column[Any]) -> Any:
    """The type of a column as it is kept, its collation with it, without what our own types make of it."""
    return column.type.impl if isinstance(column.type, TypeDecorator) else column.type


def _as_kept(table: Table, metadata: MetaData) -> Table:
    columns = [Column(c.name, _plain(c), primary_key=c.primary_key, autoincrement=False) for c in table.columns]
    return Table(table.name, metadata, *columns)


_TABLES: Final = [_as_kept(table, kept) for kept in (MetaData(),) for table in t.metadata.sorted_tables]


def _pages(c: Connection, table: Table) -> Iterator[list[tuple[Any, ...]]]:
    keys = list(table.primary_key.columns)
    page = select(table).order_by(*keys).limit(_PAGE)
    places = [list(table.columns).index(key) for key in keys]
    after: list[Any] | None = None
    while True:
        query = page if after is None else page.where(tuple_(*keys) > tuple_(*after))
        rows = [tuple(row) for row in c.execute(query)]
        if rows:
            yield rows
        if len(rows) < _PAGE:
            return
        after = [rows[-1][place] for place in places]


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees one moment, however long it looks."""
    with database.reading() as c:
        if database.on_postgresql:
            c.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            c.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield c
            return
        driver: Any = c.connection.dbapi_connection
        before = driver.text_factory
        driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        try:
            yield c
        finally:
            driver.text_factory = before


@contextmanager
def _watched(database: Database) -> Iterator[Callable[[], bool]]:
    """Tells whether anybody has written to the database since the beginning."""
    if database.on_postgresql:
        before = _versions(database)
        yield lambda: _versions(database) != before
        return
    look = database.engine.raw_connection()
    try:
        # The number changes with each commit of any other connection: https://sqlite.org/pragma.html#pragma_data_version
        seen = look.execute("PRAGMA data_version").fetchone()
        yield lambda: look.execute("PRAGMA data_version").fetchone() != seen
    finally:
        look.close()


def _versions(database: Database) -> list[tuple[Any, ...]]:
    """How many rows, and the sum of who wrote each: any insert, update or delete changes one of the two."""
    writer: ColumnElement[Any] = literal_column("xmin::text::numeric")
    with database.reading() as c:
        return [tuple(c.execute(select(func.count(), func.sum(writer)).select_from(table)).one()) for table in _TABLES]


def _place(database: Database) -> tuple[Any, ...]:
    url = database.url
    if database.on_postgresql:
        return (url.host, url.port or 5432, url.database, dict(url.query).get("host"))
    return ("sqlite", str(Path(url.database or "").resolve()))
