"""A customer is found whichever kanji of their name somebody types, one who was there before the table, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select, update

from ledger import tables as t
from ledger import words
from ledger.database import Database
from ledger.search import Search
from ledger.search_index import CURSOR, SearchIndex
from ledger.words import read_query
from tests.conftest import Clock
from tests.ledger_cases import DESTINATIONS, Ledger, delivery_of, person

NAMES = [
    ("渡邊", "渡邉", "渡辺"),
    ("齋藤", "斎藤", "斉藤"),
    ("櫻井", "桜井"),
    ("濱田", "浜田"),
    ("澤田", "沢田"),
    ("関ヶ原", "関ケ原"),
]


def look(index: SearchIndex, clock: Clock) -> None:
    for _ in range(4):
        while index.run(now=clock, rest=lambda _: None).more:
            pass
        clock.forward(seconds=2)


def found(database: Database, typed: str) -> list[int]:
    return list(Search(database, lanes=DESTINATIONS).find(read_query(typed)).customer_ids)


@pytest.mark.parametrize("spellings", NAMES)
def test_each_spelling_finds_each(database: Database, clock: Clock, spellings: tuple[str, ...]) -> None:
    ledger, index = Ledger(database), SearchIndex(database)
    people = [person(i, last_name=name, first_name="花子") for i, name in enumerate(spellings, 1)]
    ledger.hear(*map(delivery_of, people), now=clock())
    look(index, clock)
    for typed in spellings:
        assert sorted(found(database, typed)) == [one.id for one in people]
        assert sorted(found(database, f"花子 {typed}")) == [one.id for one in people]
        assert sorted(found(database, typed[:1])) == [one.id for one in people]


def test_who_was_indexed_before_the_table_is_found_by_it(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, index = Ledger(database), SearchIndex(database)
    ledger.hear(delivery_of(person(1, last_name="渡邊", first_name="花子")), now=clock())
    with monkeypatch.context() as before:
        before.setattr(words, "folded", lambda text: "".join(text.split()))
        look(index, clock)
        assert found(database, "渡辺") == []
    _write_form(database, words.FORM - 1)
    look(index, clock)
    assert found(database, "渡辺") == [1]


def _write_form(database: Database, form: int) -> None:
    mine = t.cursors.c.name == CURSOR
    with database.writing() as c:
        value: Mapping[str, Any] = c.execute(select(t.cursors.c.value).where(mine)).scalar_one()
        c.execute(update(t.cursors).where(mine).values(value={**value, "form": form}))
