"""A ledger of many, made from a few: it is what the service would have left behind, and the service goes on with it."""

from __future__ import annotations

import pytest

from bench.many import FIRST_REF, moulds, multiply
from bench.statements import time_statements
from bench.whole import LANES
from clients.lane import fingerprint
from customer import Member
from ledger import tables as t
from ledger.database import Database
from ledger.members import Members
from ledger.outcome import Done
from tests.conftest import Clock
from tests.ledger_cases import Ledger, delivery_of, person

FIRST = 7_000_000_000_000


def mail_of(i: int) -> str:
    return f"hanako{i}@example.jp"


@pytest.fixture
def ledger(database: Database, clock: Clock) -> Ledger:
    """Two customers that have been carried everywhere, and forty more that were made after them."""
    ledger = Ledger(database)
    for i in (FIRST, FIRST + 1):
        ledger.hear(delivery_of(person(i), body=b'{"id":%d}' % i), now=clock())
        for lane in LANES:
            marks = {"mail": fingerprint(mail_of(i)), "code": fingerprint(str(i)), "name": fingerprint("見本")}
            ledger.carry(Done(f"{lane}-{i}", "created", marks), lane, now=clock())
        Members(database).put([Member(f"{i}", f"{i}", f"{i}", (mail_of(i),), "0")], clock())
    multiply(database, moulds(database, [FIRST, FIRST + 1]), FIRST, range(2, 42))
    return ledger


def test_everybody_has_as_many_rows_as_those_they_were_made_after(ledger: Ledger) -> None:
    assert {
        table.name: len(ledger.rows(table)) for table in (t.customers, t.deliveries, t.members, t.member_mails)
    } == {
        "customers": 42,
        "deliveries": 42,
        "members": 42,
        "member_mails": 42,
    }
    assert len(ledger.rows(t.tasks)) == len(ledger.rows(t.attempts)) == 3 * 42
    assert len({row["webhook_id"] for row in ledger.rows(t.deliveries)}) == 42


def test_what_was_sent_speaks_of_the_new_customer_and_not_of_the_old(ledger: Ledger) -> None:
    i = FIRST + 41
    assert ledger.known(i).customer.email == mail_of(i)
    task = ledger.task(i, "smaregi")
    assert task["sent"] == {"mail": fingerprint(mail_of(i)), "code": fingerprint(str(i)), "name": fingerprint("見本")}
    assert task["ref"] == str(FIRST_REF["smaregi"] + 41)
    assert [m.id for m in Members(ledger.database).by_mail(mail_of(i))] == [task["ref"]]
    assert Members(ledger.database).linked_to(task["ref"]) == i
    (delivery,) = ledger.rows(t.deliveries, customer_id=i)
    assert delivery["body"] == b'{"id":%d}' % i


def test_the_service_goes_on_with_such_a_ledger(ledger: Ledger, clock: Clock) -> None:
    now = clock.forward(minutes=1)
    changed = person(FIRST + 7, last_name="新田", saved=now)
    assert [r.revision for r in ledger.hear(delivery_of(changed), delivery_of(person(FIRST + 42)), now=now)] == [2, 1]
    assert sorted(c.customer_id for c in ledger.claim("smaregi", now=now)) == [FIRST + 7, FIRST + 42]


def test_the_indexes_are_back_afterwards(ledger: Ledger) -> None:
    names = {index.name for table in t.metadata.tables.values() for index in table.indexes}
    catalog = "SELECT indexname FROM pg_indexes" if ledger.database.on_postgresql else "SELECT name FROM sqlite_master"
    with ledger.database.reading() as c:
        assert names <= set(c.exec_driver_sql(catalog).scalars())


def test_timing_the_statements_leaves_everybody_at_rest(ledger: Ledger) -> None:
    told = time_statements(ledger.database, range(FIRST, FIRST + 42))
    assert all(ms >= 0 for ms in told.values())
    assert {row["state"] for row in ledger.rows(t.tasks)} == {"done"}


def test_nobody_is_made_after_a_customer_who_is_not_at_rest(database: Database, clock: Clock) -> None:
    ledger = Ledger(database)
    ledger.hear(delivery_of(person(FIRST)), now=clock())
    with pytest.raises(AssertionError, match="not at rest"):
        moulds(database, [FIRST])
