"""Many customers in a ledger at once: a few that went through the whole service, multiplied under ids of their own.

The shape cannot drift from what the service leaves behind, because the service left it: only what must differ from
customer to customer is replaced, the marks of what was sent included.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import sql

from clients.lane import fingerprint
from ledger.database import Database

#: The refs of multiplied customers begin here, far above what the sandbox hands out by itself.
FIRST_REF: Final = {"smaregi": 10_000_000, "hubspot": 90_000_000_000}
#: No more of them than this.
MOST: Final = 5_000_000
_CHUNK: Final = 20_000

#: Each table with the rows of one customer in it, in the order in which they are written.
_ROWS_OF: Final = {
    "customers": "id = {id}",
    "deliveries": "customer_id = {id}",
    "tasks": "customer_id = {id}",
    "attempts": "customer_id = {id}",
    "members": "number = '{id}'",
    "member_mails": "member_id IN (SELECT id FROM members WHERE number = '{id}')",
}
_NUMBERED: Final = ("deliveries", "attempts")

Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class New:
    """The customer that is being cast: whose rows they were, who it is now, and the marks that take others' place."""

    was: int
    id: int
    place: int
    marks: Mapping[str, str]


Change: TypeAlias = Callable[[Any, New], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """One row to be cast again and again: its table, its values, and which of them differ from customer to customer."""

    table: str
    values: Row
    changes: Sequence[tuple[int, Change]]


@dataclass(frozen=True, slots=True)
class Mould:
    """One customer's rows as the service left them; ``marks`` are those of what was sent that speak of the id."""

    id: int
    shapes: Sequence[Shape]
    marks: Mapping[str, Any]

    def cast(self, place: int, new_id: int) -> Iterator[tuple[str, Row]]:
        """The same rows for another customer, the ``place``th of the many."""
        new = New(
            self.id, new_id, place, {mark: fingerprint(_put(v, self.id, new_id)) for mark, v in self.marks.items()}
        )
        for shape in self.shapes:
            row = list(shape.values)
            for at, change in shape.changes:
                row[at] = change(row[at], new)
            yield shape.table, tuple(row)


def moulds(database: Database, ids: Sequence[int]) -> list[Mould]:
    """The rows of these customers, who have been carried everywhere and are at rest."""
    with database.reading() as c:
        made = []
        for i in ids:
            rows = []
            for table, which in _ROWS_OF.items():
                found = c.exec_driver_sql(f"SELECT * FROM {table} WHERE {which.format(id=i)}")
                rows += [(table, dict(row)) for row in found.mappings()]
            tasks = [row for table, row in rows if table == "tasks"]
            assert all(task["state"] == "done" for task in tasks), f"customer {i} is not at rest"
            sent = {mark for task in tasks for mark in json.loads(task["sent"] or "{}").values()}
            values = [i, str(i), *_texts_with(json.loads(rows[0][1]["state"]), str(i))]
            marks = {fingerprint(value): value for value in values if fingerprint(value) in sent}
            shapes = [Shape(table, tuple(row.values()), list(_changes(table, row, i))) for table, row in rows]
            made.append(Mould(i, shapes, marks))
    return made


def _changes(table: str, row: Mapping[str, Any], customer_id: int) -> Iterator[tuple[int, Change]]:
    """Where a row differs from customer to customer, and how."""
    for at, (name, value) in enumerate(row.items()):
        match table, name:
            case "deliveries" | "attempts", "id":
                yield at, lambda _, __: None  # numbered by the database
            case "deliveries", "webhook_id":
                yield at, lambda _, __: str(uuid.uuid4())
            case "tasks", "sent":
                yield at, _sent
            case ("tasks", "ref") if row["lane"] in FIRST_REF:
                yield at, _ref(FIRST_REF[row["lane"]])
            case ("members", "id") | ("member_mails", "member_id"):
                yield at, _ref(FIRST_REF["smaregi"])
            case _ if _put(value, customer_id, 0) != value:
                yield at, lambda value, new: _put(value, new.was, new.id)


def _ref(first: int) -> Change:
    return lambda _, new: str(first + new.place)


def _sent(value: str | None, new: New) -> str | None:
    for mark, fresh in new.marks.items():
        value = value and value.replace(mark, fresh)
    return value


def multiply(database: Database, casts: Sequence[Mould], first_id: int, places: range) -> None:
    """Put these customers in, ``first_id`` plus their place; indexes are taken away meanwhile, as a restore does.

    No worker may run; the ledger is as whole afterwards as before.
    """
    load = _into_postgresql if database.on_postgresql else _into_sqlite
    load(database, _chunks(casts, first_id, places))


def _chunks(casts: Sequence[Mould], first_id: int, places: range) -> Iterator[dict[str, list[Row]]]:
    for start in range(0, len(places), _CHUNK):
        chunk: dict[str, list[Row]] = {table: [] for table in _ROWS_OF}
        for place in places[start : start + _CHUNK]:
            for table, row in casts[place % len(casts)].cast(place, first_id + place):
                chunk[table].append(row)
        yield chunk


def _into_sqlite(database: Database, chunks: Iterator[dict[str, list[Row]]]) -> None:
    with closing(sqlite3.connect(str(database.url.database), timeout=30, isolation_level=None)) as c:
        c.execute("PRAGMA synchronous=OFF")
        c.execute("PRAGMA cache_size=-400000")
        indexes = c.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
        for name, _ in indexes:
            c.execute(f"DROP INDEX {name}")
        for chunk in chunks:
            c.execute("BEGIN IMMEDIATE")
            for table, rows in chunk.items():
                c.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
            c.execute("COMMIT")
        for _, create in indexes:
            c.execute(create)
        c.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _into_postgresql(database: Database, chunks: Iterator[dict[str, list[Row]]]) -> None:
    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as c:
        indexes = c.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            (list(_ROWS_OF),),
        ).fetchall()
        for name, _ in indexes:
            c.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        numbers = {table: itertools.count(_last_id(c, table) + 1) for table in _NUMBERED}
        for chunk in chunks:
            for table, rows in chunk.items():
                number = numbers.get(table)
                with c.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                    for row in rows:
                        copy.write_row(row if number is None else (next(number), *row[1:]))
        for table, number in numbers.items():
            c.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table, next(number)))
        for _, create in indexes:
            c.execute(create)
        # What autovacuum would have done by the time so many had come one by one.
        c.execute("VACUUM ANALYZE")


def _last_id(c: psycopg.Connection[Any], table: str) -> int:
    found = c.execute(sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(sql.Identifier(table))).fetchone()
    return int(found[0]) if found else 0


def _put(value: Any, old: int, new: int) -> Any:
    """The value with the new id wherever the old one stood, as a number, as text, or in the midst of text."""
    if isinstance(value, str):
        return value.replace(str(old), str(new))
    if isinstance(value, bytes):
        return value.replace(b"%d" % old, b"%d" % new)
    return new if value == old else value


def _texts_with(value: Any, part: str) -> Iterator[str]:
    """Every text in a JSON value that has this part in it."""
    if isinstance(value, str):
        if part in value:
            yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts_with(one, part)
    elif isinstance(value, list):
        for one in value:
            yield from _texts_with(one, part)
