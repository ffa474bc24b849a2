"""The words in the search index: in which form they are kept, and how one customer's are brought up to date."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select

from customer import Customer
from ledger import tables as t
from ledger.database import Database
from ledger.rows import insert_of
from ledger.seal import Seal
from ledger.words import words_of

_DIGEST: Final = 16
_INSERT: Final = (
    "INSERT INTO search_words (word, customer_id) SELECT * FROM unnest(%s::text[], %s::bigint[]) ON CONFLICT DO NOTHING"
)


def kept_words(seal: Seal, word: str) -> list[str]:
    """Everything that may stand for a word in the index, the newest first; without keys it is the word itself."""
    *hashes, plain = seal.hashes(word)
    return [*(_short(hashed) for hashed in hashes), plain]


def _short(hashed: str) -> str:
    """Ninety-six bits are enough: a word that is found by chance is no secret, only a wrong line on a page."""
    mark, _, digest = hashed.rpartition(":")
    return f"{mark}:{digest[:_DIGEST]}"


class SearchWords:
    """Writes the words of customers; each call writes them as they should be, so twice does no harm."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_of(database)

    def rewrite(self, customer_ids: Sequence[int]) -> float:
        """Bring these customers' words up to date: for how long the store was held, in seconds. Raises ``StoreBusy``.

        What is slow is done before: only who has not changed since is written.
        """
        customers, words = t.customers.c, t.search_words.c
        seal, ids = self._database.seal, list(customer_ids)
        state = select(customers.id, customers.state, customers.revision, customers.updated_at)
        with self._database.reading() as c:
            rows = {row.id: row for row in c.execute(state.where(customers.id.in_(ids)))}
            there: dict[int, set[str]] = {i: set() for i in ids}
            for word, i in c.execute(select(words.word, words.customer_id).where(words.customer_id.in_(ids))):
                there[i].add(word)
        gone: dict[int, set[str]] = {}
        new: dict[int, set[str]] = {}
        for i in ids:
            told = words_of(Customer.from_json(rows[i].state), whole=bool(seal)) if i in rows else ()
            wanted = {kept_words(seal, word)[0] for word in told}
            if wanted != there[i]:
                gone[i], new[i] = there[i] - wanted, wanted - there[i]
        if not gone:
            return 0.0
        with self._database.writing(loose=True) as c:
            began = time.perf_counter()
            if self._database.on_postgresql:
                c.exec_driver_sql("SET LOCAL synchronous_commit = off")  # lost with the power, it is done again
            # Nobody erases them meanwhile: what is forgotten must not be written down again.
            self._database.lock_customers(c, list(gone))
            as_before = select(customers.id, customers.revision, customers.updated_at).where(customers.id.in_(gone))
            same = {row.id: (row.revision, row.updated_at) for row in c.execute(as_before)}
            was = {i: (row.revision, row.updated_at) for i, row in rows.items()}
            self._write(c, [i for i in gone if same.get(i) == was.get(i)], gone, new)
            return time.perf_counter() - began

    def _write(self, c: Connection, ids: Sequence[int], gone: dict[int, set[str]], new: dict[int, set[str]]) -> None:
        words = t.search_words.c
        old = [{"_word": word, "_id": i} for i in ids for word in sorted(gone[i])]
        if old:
            c.execute(
                delete(t.search_words).where(words.word == bindparam("_word"), words.customer_id == bindparam("_id")),
                old,
            )
        rows = [(word, i) for i in ids for word in sorted(new[i])]
        if rows and self._database.on_postgresql:
            # An array for each column: one round trip, however many rows there are.
            c.exec_driver_sql(_INSERT, tuple(list(column) for column in zip(*rows, strict=True)))
        elif rows:
            insert = self._insert(t.search_words).on_conflict_do_nothing()
            c.execute(insert, [{"word": word, "customer_id": i} for word, i in rows])
