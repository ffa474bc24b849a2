"""Another key: everything is shut again while the service runs, and then the old key is not needed any more."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clients.token import Token
from customer import Member
from ledger import tables as t
from ledger.database import Database
from ledger.keeps import TokenVault
from ledger.keys import KeyCheck
from ledger.members import Members
from ledger.rotate import Rotation, StillWritten
from ledger.seal import NO_SEAL, Seal, WrongKey, new_key
from tests.conftest import NOON, Clock
from tests.ledger_cases import Ledger, delivery_of, done, failed, person

OLD, NEW = new_key(), new_key()
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


def fill(database: Database, clock: Clock, first: int = 1) -> None:
    """A bit of everything that is sealed."""
    KeyCheck(database).check()
    ledger = Ledger(database)
    for i in range(first, first + 120):
        ledger.hear(delivery_of(person(i), body=f'{{"id":{i}}}'.encode()), now=clock())
    ledger.carry(done("m", last_name="0123abcd"), now=clock())
    ledger.carry(failed(), "hubspot", now=clock())
    Members(database).put([Member(f"{first}", "c", None, (f"hanako{first}@example.jp",), "0")], NOON)
    TokenVault(database, Token).write("smaregi", Token("an-invented-token", NOON, NOON))


def rotate(database: Database) -> int:
    return sum(Rotation(database).run(rest=lambda _: None))


@pytest.mark.parametrize("before", [(), (OLD,)], ids=["plain", "old key"])
def test_after_a_rotation_the_new_key_alone_is_enough(opened: Open, clock: Clock, before: tuple[str, ...]) -> None:
    fill(opened(*before), clock)
    both = opened(NEW, *before)
    KeyCheck(both).check()
    count = Rotation(both).count()
    assert count > 4 * 120
    assert rotate(both) == count
    assert Rotation(both).count() == 0

    new = opened(NEW)
    KeyCheck(new).check()
    ledger = Ledger(new)
    assert ledger.known(7).customer == person(7)
    assert ledger.task(7)["sent"] == {"last_name": "0123abcd"}
    assert ledger.task(7, "hubspot")["why"] == "two members have this e-mail"
    assert {row["body"] for row in ledger.rows(t.deliveries, customer_id=7)} == {b'{"id":7}'}
    assert [m.id for m in Members(new).by_mail("hanako1@example.jp")] == ["1"]
    assert (token := TokenVault(new, Token).read("smaregi"))
    assert token.value == "an-invented-token"


def test_a_rotation_that_was_stopped_goes_on_where_it_was(opened: Open, clock: Clock) -> None:
    fill(opened(OLD), clock)
    both = opened(NEW, OLD)
    KeyCheck(both).check()
    total = Rotation(both).count()
    steps = Rotation(both).run(rest=lambda _: None)
    done_before = next(steps) + next(steps)
    steps.close()
    with pytest.raises(WrongKey):  # half of it is not all of it
        KeyCheck(opened(NEW)).check()
    assert rotate(both) == total - done_before
    KeyCheck(opened(NEW)).check()


def test_what_another_process_writes_with_the_old_key_meanwhile_is_found(opened: Open, clock: Clock) -> None:
    old, both = opened(OLD, NEW), opened(NEW, OLD)
    fill(old, clock)
    KeyCheck(both).check()
    steps = Rotation(both).run(rest=lambda _: None)
    next(steps)
    Ledger(old).hear(delivery_of(person(1, last_name="例")), now=clock())  # behind the back of the first step
    for _ in steps:
        pass
    assert Ledger(opened(NEW)).known(1).customer.last_name == "例"


def test_a_value_that_changed_since_it_was_read_is_not_undone(
    opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, both = opened(OLD), opened(NEW, OLD)
    fill(old, clock)
    KeyCheck(both).check()
    rotation, lock = Rotation(both), both.lock_customers

    def somebody_is_faster(c: Any, ids: list[int]) -> None:
        lock(c, ids)
        monkeypatch.setattr(both, "lock_customers", lock)
        known = Ledger(both).known(1)
        c.execute(
            t.customers.update()
            .where(t.customers.c.id == 1)
            .values(state={**known.customer.to_json(), "last_name": "例"})
        )

    monkeypatch.setattr(both, "lock_customers", somebody_is_faster)
    for _ in rotation.run(rest=lambda _: None):
        pass
    assert Ledger(opened(NEW)).known(1).customer.last_name == "例"


def test_a_process_that_goes_on_with_the_old_key_is_told_of(opened: Open, clock: Clock) -> None:
    old, both = opened(OLD, NEW), opened(NEW, OLD)
    fill(old, clock)
    KeyCheck(both).check()
    steps = Rotation(both).run(rest=lambda _: None)
    with pytest.raises(StillWritten):
        deque(Ledger(old).hear(delivery_of(person(1)), now=clock()) for _ in steps)
    with pytest.raises(WrongKey):
        KeyCheck(opened(NEW)).check()


def test_a_ledger_says_which_keys_it_needs(opened: Open) -> None:
    KeyCheck(opened()).check()
    KeyCheck(opened(OLD)).check()
    KeyCheck(opened(NEW, OLD)).check()
    with pytest.raises(WrongKey, match=r"DATA_KEYS is not set"):
        KeyCheck(opened()).check()
    with pytest.raises(WrongKey, match=rf"DATA_KEYS lacks the key {Seal([OLD]).key_ids[0]}") as e:
        KeyCheck(opened(NEW)).once()
    assert NEW not in str(e.value)
    KeyCheck(opened(OLD, NEW)).once()
    assert not NO_SEAL
