"""Many rows with one statement whose text is made once: the hot path's way to write.

SQLAlchemy puts a statement together for each execution, which on the receiving path cost more than carrying it out.
Here the text is made once for each database from the table's own columns; the values still pass through the columns'
own types, so what stands in the database is the same whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Connection, Dialect, Table

Prepare: TypeAlias = Callable[[Any], Any] | None


class Insert:
    """An ``INSERT`` of these columns with what stands behind it (``ON CONFLICT ...``, in words both databases know).

    On PostgreSQL no two rows of one call may meet in the same conflict.
    """

    def __init__(self, table: Table, columns: Sequence[str], on_conflict: str) -> None:
        self._table = table
        self._columns: list[Column[Any]] = [table.c[name] for name in columns]
        self._on_conflict = on_conflict
        self._made: WeakKeyDictionary[Dialect, tuple[str, str, list[Prepare]]] = WeakKeyDictionary()

    def run(self, c: Connection, rows: Iterable[Sequence[Any]]) -> int:
        """Write these rows, each with its values in the order of the columns; how many were inserted or changed."""
        before, after, prepares = self._made.get(c.dialect) or self._make(c.dialect)
        columns = [
            values if prepare is None else [prepare(value) for value in values]
            for values, prepare in zip(zip(*rows, strict=True), prepares, strict=False)
        ]
        if not columns:
            return 0
        if c.dialect.name == "postgresql":
            # An array for each column: one round trip, planned once, however many rows there are.
            return c.exec_driver_sql(before + after, tuple(list(values) for values in columns)).rowcount
        return _in_few_steps(c, before, after, list(zip(*columns, strict=True)))

    def _make(self, dialect: Dialect) -> tuple[str, str, list[Prepare]]:
        names = ", ".join(column.name for column in self._columns)
        before = f"INSERT INTO {self._table.name} ({names})"
        if dialect.name == "postgresql":
            arrays = ", ".join(f"%b::{column.type.compile(dialect)}[]" for column in self._columns)
            before = f"{before} SELECT * FROM unnest({arrays}) WHERE true"  # noqa: S608 - our own names
        prepares: list[Prepare] = [
            column.type.dialect_impl(dialect).bind_processor(dialect) for column in self._columns
        ]
        made = self._made[dialect] = (before, f" {self._on_conflict}", prepares)
        return made


def _in_few_steps(c: Connection, before: str, after: str, rows: Sequence[Sequence[Any]]) -> int:
    """On SQLite: up to 32 rows a statement, in powers of two, so that few texts are prepared once and kept.

    Python's driver lets go of the interpreter for each step of a statement, and with ``executemany`` a row is a step:
    beside a busy event loop, the clerk would wait for its turn a hundred times in each group.
    """
    changed, start, size = 0, 0, 32
    row = f"({', '.join('?' for _ in rows[0])})"
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        text = f"{before} VALUES {', '.join([row] * size)}{after}"
        values = tuple(value for one in rows[start : start + size] for value in one)
        changed += c.exec_driver_sql(text, values).rowcount
        start += size
    return changed


class Lookup:
    """The rows of a table whose key is among some whole numbers, as tuples of these columns."""

    def __init__(self, table: Table, key: str, columns: Sequence[str]) -> None:
        self._table = table
        self._key = key
        self._columns: list[Column[Any]] = [table.c[name] for name in columns]
        self._made: WeakKeyDictionary[Dialect, tuple[str, list[Prepare]]] = WeakKeyDictionary()

    def run(self, c: Connection, keys: Iterable[int]) -> list[tuple[Any, ...]]:
        """The rows that are there, in no order."""
        text, readers = self._made.get(c.dialect) or self._make(c.dialect)
        among: Any = list(keys)
        if c.dialect.name != "postgresql":
            among = f"[{','.join(map(str, among))}]"
        return [
            tuple(value if reader is None else reader(value) for value, reader in zip(row, readers, strict=True))
            for row in c.exec_driver_sql(text, (among,))
        ]

    def _make(self, dialect: Dialect) -> tuple[str, list[Prepare]]:
        names = ", ".join(column.name for column in self._columns)
        among = "= ANY(%s::bigint[])" if dialect.name == "postgresql" else "IN (SELECT value FROM json_each(?))"
        text = f"SELECT {names} FROM {self._table.name} WHERE {self._key} {among}"  # noqa: S608 - our own names
        made: tuple[str, list[Prepare]] = (
            text,
            [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in self._columns],
        )
        self._made[dialect] = made
        return made
