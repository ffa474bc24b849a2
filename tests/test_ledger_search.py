"""Whoever is typed in any way is found, whatever was changed, erased or shut with another key since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from customer import Address, Customer, Member
from ledger import tables as t
from ledger.database import Database
from ledger.erase import Erasing
from ledger.members import Members
from ledger.rotate import Rotation
from ledger.seal import NO_SEAL, Seal, new_key
from ledger.search import Search
from ledger.search_index import SearchIndex
from ledger.words import Query, read_query, words_of
from tests.conftest import NOON, Clock
from tests.ledger_cases import DESTINATIONS, SAVED, Ledger, delivery_of, done, person

OLD, NEW = new_key(), new_key()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", Query("")),
        ("  ", Query("")),
        ("7654321000001", Query("7654321000001", 7654321000001, ("7654321000001",), None, "7654321000001")),
        ("７６５４", Query("７６５４", 7654, ("7654",), None, "7654")),
        ("503", Query("503", 503, ("503",))),
        ("gid://shopify/Customer/12", Query("gid://shopify/Customer/12", 12)),
        ("https://admin.shopify.com/customers/77?x=1", Query("https://admin.shopify.com/customers/77?x=1", 77)),
        ("0" * 30, Query("0" * 30, None, ("0" * 30,), None, "0" * 20)),
        ("9" * 19, Query("9" * 19, None, ("9" * 19,), None, "9" * 19)),
        ("+81 90 0000 9003", Query("+81 90 0000 9003", phone="09000009003")),
        ("+81900", Query("+81900", codes=("+81900",), phone="0900")),
        (
            "０９０－００００－９００３",
            Query("０９０－００００－９００３", codes=("090-0000-9003",), phone="09000009003"),
        ),
        ("(03) 3581 0101", Query("(03) 3581 0101", phone="0335810101")),
        (" Hanako@Example.JP ", Query("Hanako@Example.JP", mail="hanako@example.jp")),
        ("hanako@exa", Query("hanako@exa", mail="hanako@exa")),
        ("Ｈanako", Query("Ｈanako", codes=("Hanako", "HANAKO"), mail="hanako", names=("hanako",))),
        ("CARD00012345", Query("CARD00012345", None, ("CARD00012345",), "card00012345", None, ("card00012345",))),
        ("見本　花子", Query("見本　花子", names=("見本", "花子"))),
        ("ﾐﾎﾝ はなこ", Query("ﾐﾎﾝ はなこ", names=("ミホン", "ハナコ"))),
        ("髙橋・一郎", Query("髙橋・一郎", names=("高橋一郎",))),
        ("a\x00b", Query("a\x00b", names=("a", "b"))),
        ("★☆", Query("★☆")),
    ],
)
def test_what_is_typed_is_understood(typed: str, meant: Query) -> None:
    assert read_query(typed) == meant


def test_a_customer_has_the_same_words_however_they_are_written() -> None:
    one = Customer(
        1, phone="+81 90-0000-9003", last_name="髙橋", first_name="花 子", last_kana="ﾀｶﾊｼ", first_kana="はなこ"
    )
    other = Customer(
        2,
        phone="０９０ー００００ー９００３",
        last_name="高橋",
        first_name="花子",
        last_kana="タカハシ",
        first_kana="ﾊﾅｺ",
    )
    assert words_of(one, whole=False) == words_of(other, whole=False)
    assert words_of(one, whole=True) == words_of(other, whole=True)
    assert words_of(Customer(3), whole=True) == frozenset()


Open = Callable[..., Database]


@pytest.fixture
def opened(database_url: str) -> Iterator[Open]:
    """The same database with whatever keys."""
    made: list[Database] = []

    def open_with(*keys: str) -> Database:
        made.append(Database(database_url, busy_s=5, seal=Seal(keys)))
        return made[-1]

    yield open_with
    for database in made:
        database.close()


@pytest.fixture(params=[(), (NEW,)], ids=["plain", "sealed"])
def keys(request: pytest.FixtureRequest) -> tuple[str, ...]:
    given: tuple[str, ...] = request.param
    return given


@pytest.fixture
def database(opened: Open, keys: tuple[str, ...]) -> Database:
    return opened(*keys)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


@pytest.fixture
def index(database: Database) -> SearchIndex:
    return SearchIndex(database)


def look(index: SearchIndex, clock: Clock) -> None:
    """As the worker does, for a while."""
    for _ in range(4):
        while index.run(now=clock, rest=lambda _: None).more:
            pass
        clock.forward(seconds=2)


def found(database: Database, typed: str) -> list[int]:
    return list(Search(database, lanes=DESTINATIONS).find(read_query(typed)).customer_ids)


def words_in(database: Database) -> list[str]:
    with database.reading() as c:
        return sorted(c.execute(t.search_words.select()).scalars())


def hanako(i: int = 1, **told: Any) -> Customer:
    return person(
        i,
        **{
            "last_name": "見本",
            "first_name": "花子",
            "last_kana": "ﾐﾎﾝ",
            "first_kana": "はなこ",
            "phone": "+81 90-0000-9003",
            "address": Address(phone="03-3581-0101"),
            **told,
        },
    )


@pytest.mark.parametrize(
    "typed",
    [
        "見本 花子", "見本花子", "見本", "花子", "花子　見本", "ミホン", "みほん", "ﾐﾎﾝ ﾊﾅｺ", "はなこ みほん",
        "Hanako1@example.jp", "hanako1", "090-0000-9003", "09000009003", "+81 90 0000 9003", "0335810101",
    ],
)  # fmt: skip
def test_a_customer_is_found_however_they_are_typed(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock, typed: str
) -> None:
    ledger.hear(delivery_of(hanako()), delivery_of(person(2, last_name="例", phone="080-1234-5678")), now=clock())
    look(index, clock)
    assert found(database, typed) == [1]


@pytest.mark.parametrize(
    "typed", ["見", "見本花", "見本 花", "花 見", "みほ", "hanako1@ex", "han", "0900000", "+81900", "03-3581"]
)
@pytest.mark.parametrize("keys", [()])
def test_without_keys_the_beginning_of_a_word_is_enough(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock, typed: str
) -> None:
    ledger.hear(delivery_of(hanako()), delivery_of(person(2, last_name="例", email="rei@example.jp")), now=clock())
    look(index, clock)
    assert found(database, typed) == [1]


@pytest.mark.parametrize("keys", [(NEW,)])
def test_with_keys_no_word_can_be_read_in_the_database(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock
) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    look(index, clock)
    words = words_in(database)
    assert words
    assert all(word.startswith(database.seal.hash_mark) for word in words)


def test_nobody_else_is_found(database: Database, ledger: Ledger, index: SearchIndex, clock: Clock) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    look(index, clock)
    for typed in ("", "%", "_", "見本 太郎", "本", "1@example.jp", "99", "'; DROP TABLE tasks", "\ud800"):
        assert found(database, typed) == []


def test_a_customer_is_found_by_every_id_they_have(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock
) -> None:
    ledger.hear(delivery_of(person(7654321000001)), now=clock())
    ledger.carry(done("801"), "smaregi", now=clock())
    ledger.carry(done("503"), "hubspot", now=clock())
    Members(database).put([Member("801", "CARD-12", "7654321000001", (), "0")], NOON)
    for typed in ("7654321000001", "gid://shopify/Customer/7654321000001", "801", "503", "CARD-12", "ｃａｒｄ-12"):
        assert found(database, typed) == [7654321000001], typed


def test_a_member_whom_no_customer_is_linked_to_is_told(database: Database, ledger: Ledger, clock: Clock) -> None:
    """Is this customer known at the till? Yes, but not as one of Shopify's."""
    member = Member("801", "CARD-12", None, ("mise@example.jp",), "0")
    Members(database).put([member], NOON)
    search = Search(database, lanes=DESTINATIONS)
    for typed in ("card-12", "Mise@example.jp"):
        assert search.find(read_query(typed)).members == [member]
    ledger.hear(delivery_of(person(1)), now=clock())
    ledger.carry(done("801"), "smaregi", now=clock())
    told = search.find(read_query("card-12"))
    assert (told.customer_ids, told.members) == ([1], [])


def test_who_changes_is_found_by_the_new_words_alone(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock
) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    look(index, clock)
    ledger.hear(delivery_of(hanako(last_name="例", saved=SAVED + timedelta(minutes=1))), now=clock())
    look(index, clock)
    assert found(database, "例") == [1]
    assert found(database, "見本") == []
    ledger.carry(done("gid", found=hanako(last_name="新", saved=SAVED + timedelta(minutes=1))), "shopify", now=clock())
    look(index, clock)
    assert found(database, "新 花子") == [1]
    assert found(database, "例") == []


def test_those_who_were_there_before_the_index_are_put_in_and_the_share_is_told(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock
) -> None:
    ledger.hear(*(delivery_of(hanako(i)) for i in range(1, 101)), now=clock())
    assert not index.progress().full
    for _ in range(2):
        index.run(now=clock, rest=lambda _: True)  # stopped after a page
        clock.forward(seconds=4)
    assert 0 < index.progress().share < 1
    assert not index.progress().full
    look(index, clock)
    assert index.progress().full
    assert len(found(database, "見本花子")) == 100


def test_of_very_many_the_first_are_told_and_that_there_are_more(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.search.MOST", 3)
    ledger.hear(*(delivery_of(hanako(i)) for i in range(1, 6)), now=clock())
    look(index, clock)
    told = Search(database, lanes=DESTINATIONS).find(read_query("見本 花子"))
    assert (len(told.customer_ids), told.more) == (3, True)


def test_when_nothing_is_new_nothing_is_written(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    look(index, clock)
    monkeypatch.setattr(database, "writing", None)
    assert not index.run(now=clock, rest=lambda _: None).more


def test_one_process_at_a_time_indexes_and_the_right_ends_by_itself(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock
) -> None:
    look(index, clock)
    other = SearchIndex(database)
    look(other, clock)
    ledger.hear(delivery_of(hanako()), now=clock())
    assert index._take(clock())  # and dies
    look(other, clock)
    assert found(database, "見本") == []
    clock.forward(minutes=3)
    look(other, clock)
    assert found(database, "見本") == [1]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer
def test_what_commits_late_is_not_passed_over(opened: Open, clock: Clock) -> None:
    """On PostgreSQL a row may be committed after one with a higher number."""
    database = opened()
    index, slow, quick = SearchIndex(database), Ledger(database), Ledger(opened())
    look(index, clock)
    commit = database.notify

    def meanwhile(c: Any) -> None:
        commit(c)
        quick.hear(delivery_of(person(2, last_name="例")), now=clock())
        look(index, clock)
        look(index, clock)

    database.notify = meanwhile  # type: ignore[method-assign,assignment]
    slow.hear(delivery_of(person(1, last_name="遅")), now=clock())
    look(index, clock)
    assert found(database, "遅") == [1]
    assert found(database, "例") == [2]


def test_who_was_erased_is_found_by_the_id_alone(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock
) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    look(index, clock)
    Erasing(database).erase(1, by="mihon", why="", now=clock())
    assert words_in(database) == []
    index.words.rewrite([1])
    assert words_in(database) == []
    assert found(database, "1") == [1]
    assert found(database, "見本") == []

    Erasing(database).undo(1, by="mihon", now=clock())
    look(index, clock)
    assert found(database, "見本") == []
    ledger.hear(delivery_of(hanako()), now=clock())
    look(index, clock)
    assert found(database, "見本") == [1]


def test_somebody_who_is_erased_while_they_are_indexed_leaves_no_words(
    database: Database, ledger: Ledger, index: SearchIndex, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    writing = database.writing

    def erased_first(**how: Any) -> Any:
        monkeypatch.setattr(database, "writing", writing)
        Erasing(database).erase(1, by="mihon", why="", now=clock())
        return writing(**how)

    monkeypatch.setattr(database, "writing", erased_first)
    index.words.rewrite([1])
    assert words_in(database) == []


@pytest.mark.parametrize("before", [(), (OLD,)], ids=["plain", "old key"])
def test_after_a_rotation_no_word_stands_there_under_another_key(
    opened: Open, clock: Clock, before: tuple[str, ...]
) -> None:
    old, both = opened(*before), opened(NEW, *before)
    Ledger(old).hear(*(delivery_of(hanako(i)) for i in range(1, 50)), now=clock())
    look(SearchIndex(old), clock)
    assert len(found(both, "見本 花子")) == 49
    rotation = Rotation(both)
    assert rotation.count() > 49
    for _ in rotation.run(rest=lambda _: None):
        pass
    assert rotation.count() == 0
    new = opened(NEW)
    assert all(word.startswith(new.seal.hash_mark) for word in words_in(new))
    assert len(found(new, "見本 花子")) == 49


def test_with_a_new_key_the_index_is_made_anew_by_itself(opened: Open, clock: Clock) -> None:
    old, both = opened(), opened(NEW)
    assert old.seal == NO_SEAL or not old.seal
    Ledger(old).hear(delivery_of(hanako()), now=clock())
    look(SearchIndex(old), clock)
    look(SearchIndex(both), clock)
    assert all(word.startswith(both.seal.hash_mark) for word in words_in(both))
    assert found(both, "花子") == [1]


def test_the_index_goes_on_when_sqlite_begins_to_number_anew(opened: Open, clock: Clock) -> None:
    """As when every attempt was pruned."""
    database = opened()
    ledger, index = Ledger(database), SearchIndex(database)
    for i in (1, 2, 3):
        ledger.hear(delivery_of(person(i)), now=clock())
    ledger.carry(done("gid", found=None), "shopify", now=clock())
    look(index, clock)
    with database.writing() as c:
        c.execute(delete(t.attempts))
        c.execute(update(t.tasks).values(state="pending", due_at=clock()))
    look(index, clock)
    (one, *_) = ledger.claim("shopify", now=clock())
    i = one.customer_id
    ledger.settle([one], done("gid", found=person(i, last_name="新")), now=clock())
    look(index, clock)
    assert found(database, "新") == [i]
