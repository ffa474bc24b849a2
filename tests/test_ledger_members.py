"""The member index in the database: finding a member, who may poll, and who holds an e-mail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from customer import Freshness, Member, Poll
from ledger import tables as t
from ledger.database import Database
from ledger.members import Members
from ledger.outcome import Retry
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
    members.polled(lambda _: told)
    assert members.freshness() == told
    members.polled(lambda _: Freshness(fresh_at=NOON))
    assert members.freshness() == Freshness(fresh_at=NOON)


def test_one_at_a_time_may_poll(members: Members, database: Database, clock: Clock) -> None:
    other = Members(database)
    assert members.may_poll(clock(), clock() + timedelta(minutes=1))
    assert not other.may_poll(clock(), clock() + timedelta(minutes=1))
    members.polled(lambda _: Freshness(fresh_at=clock()))
    assert other.may_poll(clock(), clock() + timedelta(minutes=1))


def test_the_right_to_poll_ends_by_itself_and_what_was_known_stays(members: Members, clock: Clock) -> None:
    members.may_poll(clock(), clock() + timedelta(minutes=1))
    members.polled(lambda _: Freshness(scan_page=3))
    members.may_poll(clock(), clock() + timedelta(minutes=1))
    assert not members.may_poll(clock.forward(seconds=59), clock() + timedelta(minutes=1))
    assert members.may_poll(clock.forward(seconds=1), clock() + timedelta(minutes=1))
    assert members.freshness() == Freshness(scan_page=3)


def test_a_poll_is_begun_by_one_process_and_after_its_time_by_whoever_comes_first(
    members: Members, database: Database, clock: Clock
) -> None:
    other, hold = Members(database), timedelta(milliseconds=200)
    assert members.my_turn("poll", clock(), hold)
    assert not other.my_turn("poll", clock(), hold)
    assert other.my_turn("look_back", clock(), hold)  # a right of its own
    assert members.may_poll(clock(), clock() + timedelta(seconds=30))  # and so is the scan's
    assert other.my_turn("poll", clock.forward(milliseconds=200), hold)  # the first may have been killed
    assert members.my_turn("poll", clock.forward(hours=-1), hold)  # and no clock that went back binds anybody


def test_a_member_that_did_not_change_is_not_written(members: Members, database: Database) -> None:
    later = NOON + timedelta(seconds=1)
    members.put([HANAKO], NOON)
    members.put([HANAKO], later)
    assert [row["seen_at"] for row in Ledger(database).rows(t.members)] == [NOON]
    members.put([HANAKO], later, touch=True)
    assert [row["seen_at"] for row in Ledger(database).rows(t.members)] == [later]
    members.put([HANAKO], NOON, touch=True)
    assert [row["seen_at"] for row in Ledger(database).rows(t.members)] == [later]


def test_what_an_earlier_call_showed_is_not_laid_over_what_a_later_one_did(members: Members) -> None:
    moved = Member("101", "5550001", "7001", ("new@example.jp",), "0")
    members.put([moved], NOON + timedelta(seconds=1))
    members.put([HANAKO], NOON)
    assert members.by_mail("new@example.jp") == [moved]


def test_the_answer_to_a_poll_and_the_freshness_that_it_proves_are_one_step(members: Members) -> None:
    members.polled(lambda _: Freshness(scanned_at=NOON, fresh_at=NOON))
    sent_at = NOON + timedelta(seconds=1)
    members.heard([TARO], Poll(sent_at - timedelta(seconds=10), sent_at))
    assert members.by_mail("taro@example.jp") == [TARO]
    assert members.freshness().fresh_at == sent_at
    # A slow call, sent before that poll, was answered with something else: which of the two is newer?
    members.put([TARO, GHOST], NOON)
    assert members.freshness().fresh_at == sent_at
    members.put([HANAKO], NOON)
    members.put([Member("101", "5550001", "7001", (), "0")], NOON)
    assert members.freshness().fresh_at == NOON


@pytest.mark.parametrize("state", ["pending", "held", "running", "due in a second"])
def test_a_customer_without_a_member_who_is_on_the_way_is_a_newcomer(
    members: Members, database: Database, clock: Clock, state: str
) -> None:
    ledger = Ledger(database)
    assert not members.newcomers(clock(), clock())
    ledger.hear(delivery_of(person(5)), now=clock(), reading_is_on=state == "held")
    if state == "running":
        claimed = ledger.claim(now=clock())
        assert members.newcomers(clock(), clock())
        ledger.settle(claimed, done("101"), now=clock())
        assert not members.newcomers(clock(), clock.forward(hours=1))
    elif state == "due in a second":
        assert not members.newcomers(clock(), clock() - timedelta(seconds=1))
    else:
        assert members.newcomers(clock(), clock.forward(seconds=2))


@pytest.mark.parametrize("barred", ["open", "paused"])
def test_while_the_lane_may_not_go_nobody_who_waits_is_on_the_way(
    members: Members, database: Database, clock: Clock, barred: str
) -> None:
    ledger = Ledger(database)
    ledger.hear(delivery_of(person(5)), now=clock())
    ledger.hear(delivery_of(person(6)), now=clock())
    assert members.newcomers(clock(), clock())
    if barred == "open":
        outcome = Retry(None, "no", "smaregi.credential", stop=True)
    else:
        outcome = Retry(timedelta(seconds=60), "wait", "smaregi.busy", pause=True)
    ledger.book.health_book.note("smaregi", outcome, now=clock())
    assert not members.newcomers(clock(), clock())
    assert members.newcomers(clock(), clock() + timedelta(seconds=61))  # polls begin before the probe does
    clock.forward(seconds=61)
    ledger.claim(now=clock())  # the probe
    assert members.newcomers(clock(), clock())


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
    now = clock.forward(hours=1)
    members.heard([], Poll(now - timedelta(seconds=10), now))
    assert Ledger(database).rows(t.mail_holds)  # most polls leave that to the one that looks far back
    members.heard([], Poll(now - timedelta(minutes=2), now))
    assert not Ledger(database).rows(t.mail_holds)
