"""The member index in the database: finding a member, who may poll, and who holds an e-mail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from customer import Freshness, Member
from ledger import tables as t
from ledger.database import Database
from ledger.members import Members
from tests.conftest import NOON, Clock
from tests.ledger_cases import Ledger, delivery_of, done, person

HANAKO = Member("101", "5550001", "7001", ("hanako@example.jp", "hanako.k@example.jp"), "0")
TARO = Member("102", "5550002", None, ("taro@example.jp",), "0")
GHOST = Member("99", "5550003", None, ("hanako@example.jp",), "3")


@pytest.fixture
def members(database: Database) -> Members:
    return Members(database)


def test_a_member_is_found_by_any_of_its_mails_by_code_and_by_number(members: Members) -> None:
    members.put([HANAKO, TARO], NOON)
    assert members.by_mail("hanako@example.jp") == [HANAKO]
    assert members.by_mail("hanako.k@example.jp") == [HANAKO]
    assert members.by_code("5550002") == [TARO]
    assert members.by_number("7001") == [HANAKO]
    assert members.count() == 2


def test_nobody_is_found_by_half_a_mail(members: Members) -> None:
    members.put([HANAKO], NOON)
    for mail in ("hanako", "%", "hanako@example.j_", "HANAKO@example.jp", ""):
        assert members.by_mail(mail) == []


def test_all_who_share_a_mail_are_told_ghosts_too(members: Members) -> None:
    members.put([HANAKO, TARO, GHOST], NOON)
    assert members.by_mail("hanako@example.jp") == [HANAKO, GHOST]
    assert [m.counts for m in members.by_mail("hanako@example.jp")] == [True, False]


def test_a_member_seen_again_is_replaced_with_its_mails(members: Members) -> None:
    members.put([HANAKO], NOON)
    moved = Member("101", "5550009", None, ("new@example.jp",), "1")
    members.put([moved], NOON + timedelta(minutes=1))
    assert members.by_mail("hanako@example.jp") == []
    assert members.by_mail("new@example.jp") == [moved]
    assert members.by_code("5550001") == []
    assert members.by_number("7001") == []
    assert members.count() == 1


def test_the_last_word_on_a_member_counts_within_one_page(members: Members) -> None:
    members.put([HANAKO, Member("101", "5550009", None, (), "0")], NOON)
    assert members.by_code("5550009") == [Member("101", "5550009", None, (), "0")]
    assert members.by_mail("hanako@example.jp") == []
    members.put([], NOON)


def test_the_same_mail_twice_on_one_member_is_no_trouble(members: Members) -> None:
    twice = Member("7", "1", None, ("a@example.jp", "a@example.jp"), "0")
    members.put([twice], NOON)
    assert members.by_mail("a@example.jp") == [twice]


def test_those_no_scan_has_seen_are_forgotten_with_their_mails(members: Members) -> None:
    members.put([HANAKO, GHOST], NOON)
    members.put([TARO], NOON + timedelta(hours=1))
    assert members.forget_unseen(NOON + timedelta(minutes=1)) == 2
    assert members.count() == 1
    assert members.by_mail("hanako@example.jp") == []
    assert members.by_mail("taro@example.jp") == [TARO]


def test_one_member_may_be_forgotten(members: Members) -> None:
    members.put([HANAKO, TARO], NOON)
    members.forget("101")
    members.forget("no such member")
    assert members.by_mail("hanako@example.jp") == []
    assert members.by_code("5550002") == [TARO]


def test_how_fresh_the_index_is_is_told_as_it_was_written(members: Members, clock: Clock) -> None:
    assert members.freshness() == Freshness()
    assert members.may_poll(clock(), clock() + timedelta(minutes=1))
    told = Freshness(scanned_at=NOON, scan_began_at=NOON + timedelta(microseconds=1), scan_page=7, fresh_at=None)
    members.polled(told)
    assert members.freshness() == told
    members.polled(Freshness(fresh_at=NOON))
    assert members.freshness() == Freshness(fresh_at=NOON)


def test_one_at_a_time_may_poll(members: Members, database: Database, clock: Clock) -> None:
    other = Members(database)
    assert members.may_poll(clock(), clock() + timedelta(minutes=1))
    assert not other.may_poll(clock(), clock() + timedelta(minutes=1))
    members.polled(Freshness(fresh_at=clock()))
    assert other.may_poll(clock(), clock() + timedelta(minutes=1))


def test_the_right_to_poll_ends_by_itself_and_what_was_known_stays(members: Members, clock: Clock) -> None:
    members.may_poll(clock(), clock() + timedelta(minutes=1))
    members.polled(Freshness(scan_page=3))
    members.may_poll(clock(), clock() + timedelta(minutes=1))
    assert not members.may_poll(clock.forward(seconds=59), clock() + timedelta(minutes=1))
    assert members.may_poll(clock.forward(seconds=1), clock() + timedelta(minutes=1))
    assert members.freshness() == Freshness(scan_page=3)


def test_who_is_linked_to_a_member_is_told_by_the_tasks(members: Members, database: Database, clock: Clock) -> None:
    ledger = Ledger(database)
    ledger.hear(delivery_of(person(5)), now=clock())
    ledger.carry(done("101"), "smaregi", now=clock())
    ledger.carry(done("102"), "hubspot", now=clock())
    assert members.linked_to("101") == 5
    assert members.linked_to("102") is None  # another lane's ref


def test_a_memo_is_kept_at_once_while_the_task_still_runs(members: Members, database: Database, clock: Clock) -> None:
    ledger = Ledger(database)
    ledger.hear(delivery_of(person(5)), now=clock())
    ledger.claim(now=clock())
    members.remember(5, {"code": "5550001"})
    ledger.book.rescue(now=clock.forward(minutes=2))  # who asked for it died before it settled
    (again,) = ledger.claim(now=clock())
    assert again.task.memo == {"code": "5550001"}
    assert not ledger.task(5, "hubspot")["memo"]


def test_one_customer_at_a_time_holds_a_mail(members: Members, clock: Clock) -> None:
    until = clock() + timedelta(minutes=1)
    assert members.hold_mail("a@example.jp", 1, clock(), until)
    assert members.hold_mail("a@example.jp", 1, clock(), until)
    assert not members.hold_mail("a@example.jp", 2, clock(), until)
    assert members.hold_mail("b@example.jp", 2, clock(), until)
    members.release_mail("a@example.jp", 2)  # not theirs to let go
    assert not members.hold_mail("a@example.jp", 2, clock(), until)
    members.release_mail("a@example.jp", 1)
    assert members.hold_mail("a@example.jp", 2, clock(), until)


def test_a_held_mail_is_free_again_after_a_while(members: Members, clock: Clock) -> None:
    members.hold_mail("a@example.jp", 1, clock(), clock() + timedelta(minutes=1))
    assert not members.hold_mail("a@example.jp", 2, clock.forward(seconds=59), clock() + timedelta(minutes=1))
    assert members.hold_mail("a@example.jp", 2, clock.forward(seconds=1), clock() + timedelta(minutes=1))


def test_mails_that_nobody_let_go_are_not_kept_for_ever(members: Members, database: Database, clock: Clock) -> None:
    members.may_poll(clock(), clock() + timedelta(minutes=1))
    members.hold_mail("a@example.jp", 1, clock(), clock() + timedelta(minutes=1))
    members.polled(Freshness(fresh_at=clock.forward(hours=1)))
    assert not Ledger(database).rows(t.mail_holds)
