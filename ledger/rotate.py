"""Another key: shut everything again with the newest one, in short steps, while the service runs.

A value is replaced only where it is still the one that was opened, so whoever writes at the same moment is not undone;
what they wrote with an old key the next round finds. Which columns are sealed, the tables themselves say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Table,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)

from ledger import tables as t
from ledger.columns import SealedBytes, SealedJson, SealedText
from ledger.database import Database
from ledger.keys import write_keys_in_use
from ledger.members import Members
from ledger.seal import Seal
from ledger.search_words import SearchWords
from ledger.steps import FIRST_SIZE, next_size, rest_s

_SEALED: Final = (SealedText, SealedJson, SealedBytes)
_ROUNDS: Final = 5


class StillWritten(Exception):
    """Rows with another key keep coming: some process has another first key, or none."""


class Rotation:
    """Brings every row under the first of the keys. The seal must have one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seal = database.seal
        self._members = Members(database)
        self._search = SearchWords(database)
        self._hashed: list[tuple[Column[Any], Column[Any]]] = [
            (t.member_mails.c.member_id, t.member_mails.c.mail),
            (t.search_words.c.customer_id, t.search_words.c.word),
        ]
        self._tables = [table for table in t.metadata.tables.values() if _sealed(table)]

    def count(self) -> int:
        """How many rows are plain, or under another key."""
        with self._database.reading() as c:
            counts = [
                c.execute(select(func.count()).select_from(table).where(_stale(table, self._seal))).scalar_one()
                for table in self._tables
            ]
            for whose, word in self._hashed:
                hashed = select(func.count(whose.distinct())).where(self._other_hash(word))
                counts.append(c.execute(hashed).scalar_one())
            return sum(counts)

    def run(self, *, rest: Callable[[float], object]) -> Generator[int, None, None]:
        """Rotate, a step each time the next one is asked for, which tells how many rows it took; ``rest(seconds)``
        is called between two. At the end no other key is in use any more. Raises ``StillWritten``, ``StoreBusy``.
        """
        for _ in range(_ROUNDS):
            for table in self._tables:
                yield from self._steps(rest, partial(self._step, table))
            for whose, word in self._hashed:
                yield from self._steps(rest, partial(self._hash_step, whose, word))
            if not self.count():
                with self._database.writing() as c:
                    write_keys_in_use(c, [self._seal.key_ids[0]])
                return
        raise StillWritten

    def _steps(
        self, rest: Callable[[float], object], step: Callable[[Any, int], tuple[int, Any, float]]
    ) -> Iterator[int]:
        size, after = FIRST_SIZE, None
        while True:
            count, after, held_s = step(after, size)
            if count:
                yield count
            if count < size:  # whoever comes behind us meanwhile is for the next round
                return
            size = next_size(size, held_s)
            rest(rest_s(held_s))

    def _step(self, table: Table, after: Any, size: int) -> tuple[int, Any, float]:
        """The next rows of this table: how many, the last one's key, and for how long the store was held."""
        keys, sealed = list(table.primary_key.columns), _sealed(table)
        page = select(*keys, *(_raw(column).label(f"raw_{column.name}") for column in sealed))
        page = page.where(_stale(table, self._seal)).order_by(*keys).limit(size)
        if after is not None:
            page = page.where(tuple_(*keys) > tuple_(*after))
        with self._database.reading() as c:
            rows = c.execute(page).mappings().all()
        if not rows:
            return 0, None, 0.0
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for row in rows:
            changes = {column.name: row[f"raw_{column.name}"] for column in sealed if row[f"raw_{column.name}"]}
            values = {f"key_{key.name}": row[key.name] for key in keys}
            values |= {f"old_{name}": old for name, old in changes.items()}
            values |= {f"new_{name}": self._again(old) for name, old in changes.items()}
            groups.setdefault(tuple(changes), []).append(values)
        with self._database.writing(loose=True) as c:
            began = time.perf_counter()
            if table in (t.customers, t.tasks):
                self._database.lock_customers(c, [row[keys[0].name] for row in rows])
            for names, batch in groups.items():
                c.execute(_replace(table, names), batch)
        return len(rows), [rows[-1][key.name] for key in keys], time.perf_counter() - began

    def _again(self, kept: str | bytes) -> str | bytes:
        if isinstance(kept, str):
            return self._seal.shut_text(self._seal.open_text(kept))
        return self._seal.shut_bytes(self._seal.open_bytes(bytes(kept)))

    def _hash_step(self, whose: Column[Any], word: Column[Any], after: Any, size: int) -> tuple[int, Any, float]:
        """The next members, or customers, whose words stand there plain, or under another key."""
        page = select(whose).where(self._other_hash(word)).group_by(whose).order_by(whose)
        if after is not None:
            page = page.where(whose > after)
        with self._database.reading() as c:
            ids: Sequence[Any] = c.execute(page.limit(size)).scalars().all()
        began = time.perf_counter()
        if ids and whose.table is t.member_mails:
            self._members.hash_again(ids)
        elif ids:
            return len(ids), ids[-1], self._search.rewrite(ids)
        return len(ids), ids[-1] if ids else None, time.perf_counter() - began

    def _other_hash(self, word: Column[Any]) -> ColumnElement[bool]:
        return func.substr(word, 1, len(self._seal.hash_mark)) != self._seal.hash_mark


def _sealed(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if isinstance(column.type, _SEALED)]


def _raw(column: Column[Any]) -> ColumnElement[Any]:
    """The column as it is kept."""
    return type_coerce(column, LargeBinary if isinstance(column.type, SealedBytes) else Text)


def _stale(table: Table, seal: Seal) -> ColumnElement[bool]:
    """Whether a row holds anything that is plain, or shut with another key than the first."""
    stale = []
    for column in _sealed(table):
        mark: str | bytes = seal.bytes_mark if isinstance(column.type, SealedBytes) else seal.text_mark
        raw = _raw(column)
        stale.append(and_(raw.is_not(None), func.length(raw) > 0, func.substr(raw, 1, len(mark)) != mark))
    return or_(*stale)


def _replace(table: Table, names: Sequence[str]) -> Any:
    same = [column == bindparam(f"key_{column.name}") for column in table.primary_key.columns]
    same += [_raw(table.c[name]) == bindparam(f"old_{name}") for name in names]
    new = {name: bindparam(f"new_{name}", type_=_raw(table.c[name]).type) for name in names}
    return update(table).where(*same).values(new)
