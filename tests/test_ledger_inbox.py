"""In: what is kept of a delivery, and what follows from it for the customer and the tasks."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from customer import UNKNOWN, Address, Customer
from ledger import tables as t
from ledger.arrival import Arrival, Known, Recorded, Verdict, is_older, learn, needs_read, read_through
from ledger.clerk import Clerk
from ledger.database import Database
from ledger.inbox import HOLD
from tests.conftest import NOON, Clock
from tests.ledger_cases import LANES, SAVED, Ledger, delivery_of, done, failed, ids, person, retry

ALL_PENDING = dict.fromkeys(LANES, "pending")
ALL_DONE = dict.fromkeys(LANES, "done")


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


# --- what one commit keeps


def test_one_commit_keeps_the_delivery_the_customer_and_a_task_for_each_lane(ledger: Ledger, clock: Clock) -> None:
    commits: list[Any] = []
    event.listen(ledger.database.engine, "commit", commits.append)

    arrival = delivery_of(person(), topic="customers/create", triggered_at=SAVED, received_at=NOON)
    assert ledger.hear(arrival, now=clock()) == [Recorded("changed", repeat=False, revision=1)]

    assert len(commits) == 1
    (delivery,) = ledger.rows(t.deliveries)
    assert delivery["verdict"] == "changed"
    assert (delivery["customer_id"], delivery["updated_at"], delivery["triggered_at"]) == (1, SAVED, SAVED)
    (row,) = ledger.rows(t.customers)
    assert (row["first_topic"], row["first_seen_at"], row["changed_at"]) == ("customers/create", NOON, NOON)
    assert ledger.known() == Known(person(), 1, SAVED, None)
    assert ledger.states() == ALL_PENDING
    assert {row["request_id"] for row in ledger.rows(t.tasks)} == {arrival.request_id}
    assert {row["since"] for row in ledger.rows(t.tasks)} == {NOON}


def test_when_the_commit_does_not_come_nothing_is_kept(ledger: Ledger, clock: Clock) -> None:
    def refuse(_: Any) -> None:
        raise RuntimeError("the power is gone")

    event.listen(ledger.database.engine, "commit", refuse)
    with pytest.raises(RuntimeError):
        ledger.hear(delivery_of(person()), now=clock())
    event.remove(ledger.database.engine, "commit", refuse)

    assert not ledger.rows(t.deliveries)
    assert not ledger.rows(t.customers)
    assert not ledger.rows(t.tasks)


def test_the_body_is_kept_byte_for_byte(ledger: Ledger, clock: Clock) -> None:
    body = bytes(range(256)) + "見本 𠮷".encode() + b"\x00\xff"
    ledger.hear(delivery_of(person(), body=body), now=clock())
    assert ledger.rows(t.deliveries)[0]["body"] == body


def test_ids_up_to_the_largest_are_kept_exactly(ledger: Ledger, clock: Clock) -> None:
    for i in (2**53 + 1, 2**63 - 1):
        ledger.hear(delivery_of(person(i)), now=clock())
        assert ledger.known(i).customer.id == i
        assert ledger.states(i) == ALL_PENDING
    assert sorted(ids(ledger.claim(now=clock()))) == [2**53 + 1, 2**63 - 1]


def test_texts_come_back_as_they_were(ledger: Ledger, clock: Clock) -> None:
    odd = person(
        last_name="𠮷野家 髙橋 Ⅲ 🎉",
        note='back\\slash "quote" \u2028 \t \x00 end',
        tags=("VIP", "店頭"),
        address=Address(zip="150-0001", province_code="JP-13", city="渋谷区", address1="神宮前1-2-3"),
        created_at=SAVED.replace(microsecond=123456),
    )
    ledger.hear(delivery_of(odd), now=clock())
    assert ledger.known().customer == odd


# --- the same delivery again


def test_the_same_delivery_again_keeps_nothing_new(ledger: Ledger, clock: Clock) -> None:
    arrival = delivery_of(person())
    ledger.hear(arrival, now=clock())
    before = [ledger.rows(table) for table in (t.deliveries, t.customers, t.tasks)]

    (again,) = ledger.hear(arrival, now=clock.forward(minutes=1))

    assert again.repeat
    assert [ledger.rows(table) for table in (t.deliveries, t.customers, t.tasks)] == before


def test_the_key_of_a_delivery_is_shop_topic_and_webhook_id(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person(), key="k", topic="customers/create"), now=clock())
    (other_topic,) = ledger.hear(delivery_of(person(), key="k", topic="customers/update"), now=clock())
    assert not other_topic.repeat
    assert len(ledger.rows(t.deliveries)) == 2


def test_the_same_delivery_again_makes_a_failed_task_pending(ledger: Ledger, clock: Clock) -> None:
    arrival = delivery_of(person())
    ledger.hear(arrival, now=clock())
    ledger.carry(failed(), now=clock())
    assert ledger.task()["state"] == "failed"

    ledger.hear(arrival, now=clock.forward(minutes=1))

    assert ledger.task()["state"] == "pending"
    assert ids(ledger.claim(now=clock())) == [1]


def test_the_same_delivery_again_leaves_what_is_done_alone(ledger: Ledger, clock: Clock) -> None:
    arrival = delivery_of(person())
    ledger.hear(arrival, now=clock())
    ledger.carry_everything(now=clock())
    ledger.hear(arrival, now=clock.forward(minutes=1))
    assert ledger.states() == ALL_DONE


def test_twice_in_one_group_is_kept_once(ledger: Ledger, clock: Clock) -> None:
    arrival = delivery_of(person())
    told = ledger.hear(arrival, arrival, now=clock())
    assert [one.repeat for one in told] == [False, True]
    assert len(ledger.rows(t.deliveries)) == 1
    assert ledger.known().revision == 1


def _at_one_instant(go: Callable[[], Recorded], times: int) -> list[Recorded]:
    gate = threading.Barrier(times)

    def one(_: int) -> Recorded:
        gate.wait(10)
        return go()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.mark.parametrize("shared_commit", [True, False], ids=["through the clerk", "each by itself"])
def test_sixteen_of_the_same_at_one_instant_are_kept_once(ledger: Ledger, clock: Clock, *, shared_commit: bool) -> None:
    sixteen = iter([replace(delivery_of(person()), webhook_id="the same") for _ in range(16)])

    def record(arrivals: Sequence[Arrival]) -> list[Recorded]:
        return ledger.inbox.record(arrivals, now=clock(), reading_is_on=True)

    clerk = Clerk("inbox", record)
    told = _at_one_instant(
        lambda: clerk.do(next(sixteen), timeout_s=10) if shared_commit else record([next(sixteen)])[0],
        16,
    )

    assert [one.repeat for one in told].count(False) == 1
    assert len(ledger.rows(t.deliveries)) == 1
    assert ledger.known().revision == 1
    assert [row["wanted"] for row in ledger.rows(t.tasks)] == [1, 1, 1]


def test_a_second_try_of_what_was_committed_after_all_is_no_repeat(ledger: Ledger, clock: Clock) -> None:
    arrival = delivery_of(person())
    for _ in range(2):  # the connection broke with the commit, and nobody knew how it had ended
        told = ledger.inbox.record([arrival], now=clock(), reading_is_on=True)

    assert told == [Recorded("unchanged", repeat=False, revision=1)]
    assert len(ledger.rows(t.deliveries)) == 1
    assert ledger.known().revision == 1


# --- older, equal, the same again


def test_an_older_body_is_kept_as_a_delivery_and_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person(last_name="新田")), now=clock())
    ledger.carry_everything(now=clock())

    told = ledger.hear(
        delivery_of(person(last_name="旧田", saved=SAVED - timedelta(seconds=1))), now=clock.forward(seconds=1)
    )

    assert told == [Recorded("older", repeat=False, revision=1)]
    assert sorted(row["verdict"] for row in ledger.rows(t.deliveries)) == ["changed", "older"]
    assert ledger.known().customer.last_name == "新田"
    assert ledger.states() == ALL_DONE


def test_an_older_body_does_not_try_again_what_failed(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock())
    ledger.carry(failed(), now=clock())
    ledger.hear(delivery_of(person(saved=SAVED - timedelta(seconds=1))), now=clock())
    assert ledger.task()["state"] == "failed"


def test_a_second_change_within_one_second_is_let_in(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person(last_name="一")), now=clock())
    (told,) = ledger.hear(delivery_of(person(last_name="二")), now=clock())
    assert told.verdict == "changed"
    assert ledger.known().customer.last_name == "二"


def test_within_one_second_the_time_of_the_trigger_decides(ledger: Ledger, clock: Clock) -> None:
    late, early = SAVED + timedelta(microseconds=700), SAVED + timedelta(microseconds=300)
    ledger.hear(delivery_of(person(last_name="二"), triggered_at=late), now=clock())
    (told,) = ledger.hear(delivery_of(person(last_name="一"), triggered_at=early), now=clock())
    assert told.verdict == "older"
    assert ledger.known().customer.last_name == "二"


def test_saved_again_unchanged_leaves_nothing_to_carry(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock())
    ledger.carry_everything(now=clock())

    later = SAVED + timedelta(hours=1)
    (told,) = ledger.hear(delivery_of(person(saved=later)), now=clock.forward(hours=1), reading_is_on=True)

    assert told == Recorded("unchanged", repeat=False, revision=1)
    assert ledger.known().customer.updated_at == later
    # Only reading back is asked for: the body does not tell all, and something else may have changed.
    assert ledger.states() == {"shopify": "pending", "smaregi": "done", "hubspot": "done"}


def test_saved_again_unchanged_tries_again_what_had_failed(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock())
    ledger.carry(failed(), "smaregi", now=clock())
    ledger.carry(done(), "hubspot", now=clock())

    ledger.hear(delivery_of(person(saved=SAVED + timedelta(hours=1))), now=clock.forward(hours=1))

    assert ledger.states()["smaregi"] == "pending"
    assert ledger.states()["hubspot"] == "done"


def test_a_body_read_back_already_asks_for_no_second_read(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock())
    ledger.carry(done(found=person(last_kana="ミホン")), "shopify", now=clock())
    ledger.hear(delivery_of(person()), now=clock.forward(seconds=1))
    assert ledger.states()["shopify"] == "done"


@pytest.mark.parametrize("note", ["first", "second"], ids=["seen in no body", "seen in the body"])
def test_a_second_save_in_a_second_that_was_read_back_already_is_read_too(
    ledger: Ledger, clock: Clock, note: str
) -> None:
    """The reading worker's clock was ahead, so that its read seemed to have seen the whole of that second."""
    ledger.hear(delivery_of(person(note="first"), triggered_at=SAVED), now=clock())
    ledger.carry(done(found=person(note="first", last_kana="ミホン")), "shopify", now=clock.forward(minutes=1))
    assert ledger.known().read_through == SAVED
    ledger.hear(delivery_of(person(note=note), triggered_at=SAVED + timedelta(seconds=0.4)), now=clock())
    assert ledger.states()["shopify"] == "pending"


# --- those that tell of no customer to carry


@pytest.mark.parametrize("verdict", ["test", "unreadable", "ignored"])
def test_those_that_tell_of_nobody_keep_only_the_delivery(ledger: Ledger, clock: Clock, verdict: Verdict) -> None:
    arrival = delivery_of(None, verdict=verdict, body=b"<xml/>")
    assert ledger.hear(arrival, now=clock()) == [Recorded(verdict, repeat=False, revision=None)]
    assert ledger.hear(arrival, now=clock())[0].repeat
    (kept,) = ledger.rows(t.deliveries)
    assert (kept["verdict"], kept["body"], kept["customer_id"]) == (verdict, b"<xml/>", None)
    assert not ledger.rows(t.customers)
    assert not ledger.rows(t.tasks)


def test_an_empty_group_is_no_trouble(ledger: Ledger, clock: Clock) -> None:
    assert ledger.hear(now=clock()) == []


def test_a_group_of_all_kinds_is_told_in_its_own_order(ledger: Ledger, clock: Clock) -> None:
    same = delivery_of(person(2))
    told = ledger.hear(
        delivery_of(person(1)),
        delivery_of(None, verdict="unreadable"),
        same,
        delivery_of(person(1, saved=SAVED - timedelta(seconds=5))),
        same,
        delivery_of(person(1, saved=SAVED + timedelta(seconds=5))),
        now=clock(),
    )
    assert [one.verdict for one in told] == ["changed", "unreadable", "changed", "older", "changed", "unchanged"]
    assert [one.repeat for one in told] == [False, False, False, False, True, False]
    kept = {row["webhook_id"]: row["verdict"] for row in ledger.rows(t.deliveries)}
    assert sorted(kept.values()) == ["changed", "changed", "older", "unchanged", "unreadable"]


# --- state to converge, not a list of jobs


@pytest.mark.parametrize("at_once", [True, False], ids=["in one group", "one by one"])
def test_ten_updates_are_one_pending_task_a_lane_with_the_newest_revision(
    ledger: Ledger, clock: Clock, *, at_once: bool
) -> None:
    updates = [delivery_of(person(note=f"{n}", saved=SAVED + timedelta(seconds=n))) for n in range(10)]
    for group in [updates] if at_once else [[one] for one in updates]:
        ledger.hear(*group, now=clock())

    assert ledger.states() == ALL_PENDING
    assert ledger.known().revision == 10
    (claimed,) = ledger.claim(now=clock())
    assert claimed.revision == 10
    assert claimed.task.customer.note == "9"


def test_an_update_may_come_before_its_create(ledger: Ledger, clock: Clock) -> None:
    update = delivery_of(person(last_name="二", saved=SAVED + timedelta(seconds=2)), topic="customers/update")
    create = delivery_of(person(last_name="一"), topic="customers/create")
    assert ledger.hear(update, now=clock())[0].verdict == "changed"
    assert ledger.hear(create, now=clock())[0].verdict == "older"
    assert ledger.known().customer.last_name == "二"
    assert ledger.rows(t.customers)[0]["first_topic"] == "customers/update"


def test_a_create_and_its_update_may_come_in_one_group(ledger: Ledger, clock: Clock) -> None:
    create = delivery_of(person(last_name="一"), topic="customers/create")
    update = delivery_of(person(last_name="二", saved=SAVED + timedelta(seconds=2)))
    told = ledger.hear(create, update, now=clock())
    assert [one.verdict for one in told] == ["changed", "changed"]
    assert ledger.known().customer.last_name == "二"
    assert ledger.states() == ALL_PENDING


def test_a_change_while_it_runs_makes_it_pending_once_more(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person(last_name="一")), now=clock())
    claimed = ledger.claim(now=clock())

    ledger.hear(delivery_of(person(last_name="二", saved=SAVED + timedelta(seconds=1))), now=clock.forward(seconds=1))
    assert ledger.task()["state"] == "running"
    assert ledger.claim(now=clock()) == []

    (settled,) = ledger.settle(claimed, done(), now=clock())
    assert settled.state == "pending"
    (again,) = ledger.claim(now=clock())
    assert again.task.customer.last_name == "二"
    assert ledger.settle([again], done(), now=clock())[0].state == "done"


def test_a_change_during_back_off_cuts_it_short(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock())
    ledger.carry(retry(after=timedelta(hours=6), lane_wide=False), now=clock())
    assert ledger.claim(now=clock.forward(seconds=1)) == []

    ledger.hear(delivery_of(person(last_name="二", saved=SAVED + timedelta(seconds=1))), now=clock())

    (claimed,) = ledger.claim(now=clock())
    assert claimed.task.customer.last_name == "二"
    assert claimed.task.attempt == 1


def test_saved_again_unchanged_cuts_a_back_off_short_too(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock())
    ledger.carry(retry(after=timedelta(hours=6), lane_wide=False), now=clock())
    ledger.hear(delivery_of(person(saved=SAVED + timedelta(seconds=1))), now=clock())
    assert ids(ledger.claim(now=clock())) == [1]


def test_a_change_makes_a_failed_task_pending(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock())
    ledger.carry(failed(), now=clock())
    ledger.hear(delivery_of(person(last_name="二", saved=SAVED + timedelta(seconds=1))), now=clock())
    assert ledger.task()["state"] == "pending"


def test_the_oldest_debt_keeps_its_date(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person(), received_at=NOON), now=clock())
    later = NOON + timedelta(minutes=5)
    changed = delivery_of(person(last_name="二", saved=SAVED + timedelta(minutes=5)), received_at=later)
    ledger.hear(changed, now=later)
    assert ledger.task()["since"] == NOON

    ledger.carry(done(), now=later)
    much_later = NOON + timedelta(hours=1)
    third = delivery_of(person(last_name="三", saved=SAVED + timedelta(hours=1)), received_at=much_later)
    ledger.hear(third, now=much_later)
    assert ledger.task()["since"] == much_later


# --- waiting for the whole customer


def test_destinations_wait_two_seconds_for_the_whole_customer(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock(), reading_is_on=True)
    assert ids(ledger.claim("shopify", now=clock())) == [1]
    assert ledger.claim("smaregi", now=clock()) == []
    assert timedelta(seconds=2) == HOLD
    assert ids(ledger.claim("smaregi", now=clock.forward(seconds=2))) == [1]


def test_they_do_not_wait_when_reading_is_off(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock(), reading_is_on=False)
    assert ids(ledger.claim("smaregi", now=clock())) == [1]


def test_the_read_lets_them_go_at_once_with_what_it_found(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock(), reading_is_on=True)
    ledger.carry(done(found=person(last_kana="ミホン")), "shopify", now=clock.forward(seconds=0.3))
    (claimed,) = ledger.claim("smaregi", now=clock())
    assert claimed.task.customer.last_kana == "ミホン"
    assert ledger.settle([claimed], done(), now=clock())[0].state == "done"


@pytest.mark.parametrize("outcome", [retry(), failed()], ids=["retry", "failed"])
def test_a_read_that_did_not_work_lets_them_go_too(ledger: Ledger, clock: Clock, outcome: Any) -> None:
    ledger.hear(delivery_of(person()), now=clock(), reading_is_on=True)
    ledger.carry(outcome, "shopify", now=clock.forward(seconds=0.3))
    assert ids(ledger.claim("smaregi", now=clock())) == [1]


def test_more_changes_do_not_prolong_the_wait(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock(), reading_is_on=True)
    for n in range(1, 4):
        changed = person(note=f"{n}", saved=SAVED + timedelta(seconds=n))
        ledger.hear(delivery_of(changed), now=clock.forward(seconds=0.6), reading_is_on=True)
    assert ids(ledger.claim("smaregi", now=clock.forward(seconds=0.2))) == [1]


# --- what is known, cleared, and unknown


def test_what_a_body_does_not_tell_never_erases_what_is_known(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person(tags=("VIP",), email_consent="subscribed")), now=clock())
    told = Customer(id=1, last_name="新田", updated_at=SAVED + timedelta(seconds=1))
    ledger.hear(delivery_of(told), now=clock())
    known = ledger.known().customer
    assert (known.last_name, known.tags, known.email_consent, known.email) == (
        "新田",
        ("VIP",),
        "subscribed",
        "hanako1@example.jp",
    )
    assert known.phone is UNKNOWN


def test_a_cleared_field_is_kept_as_cleared(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person(phone="090-0000-1234")), now=clock())
    (told,) = ledger.hear(delivery_of(person(phone=None, saved=SAVED + timedelta(seconds=1))), now=clock())
    assert told.verdict == "changed"
    assert ledger.known().customer.phone is None


def test_a_body_without_the_time_of_its_save_does_not_make_us_forget_the_one_we_know(
    ledger: Ledger, clock: Clock
) -> None:
    ledger.hear(delivery_of(person(last_name="二")), now=clock())
    ledger.hear(delivery_of(person(last_name="三", saved=None)), now=clock())
    (told,) = ledger.hear(delivery_of(person(last_name="一", saved=SAVED - timedelta(hours=1))), now=clock())
    assert told.verdict == "older"
    assert ledger.known().customer.last_name == "三"


def test_what_changed_when_is_told_apart_from_what_was_saved_when(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock())
    ledger.hear(delivery_of(person(saved=SAVED + timedelta(seconds=9))), now=clock.forward(seconds=9))
    assert ledger.rows(t.customers)[0]["changed_at"] == NOON


# --- many at once


def test_groups_in_any_order_of_keys_never_wait_for_each_other_for_ever(ledger: Ledger, clock: Clock) -> None:
    """On PostgreSQL two groups that took the same rows in opposite order would be a deadlock."""

    def groups(step: int) -> list[Recorded]:
        told: list[Recorded] = []
        for turn in range(8):
            numbers = list(range(1, 13))[::step]
            arrivals = [
                delivery_of(person(n, note=f"{turn}/{step}", saved=SAVED + timedelta(seconds=turn)), key=f"{turn}-{n}")
                for n in numbers
            ]
            told += ledger.hear(*arrivals, now=clock(), reading_is_on=True)
        return told

    def workers(lane: str) -> list[Recorded]:
        for _ in range(8):
            ledger.settle(ledger.claim(lane, 5, now=clock() + HOLD), done(), now=clock() + HOLD)
        return []

    with ThreadPoolExecutor(5) as pool:
        futures = [pool.submit(groups, step) for step in (1, -1, 1)] + [pool.submit(workers, lane) for lane in LANES]
        told = [one for future in futures for one in future.result(60)]

    assert sum(not one.repeat for one in told) == 8 * 12
    assert len(ledger.rows(t.deliveries)) == 8 * 12
    assert {ledger.known(n).customer.updated_at for n in range(1, 13)} == {SAVED + timedelta(seconds=7)}


def test_a_write_ahead_log_with_full_flushes_keeps_the_sqlite_ledger(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    with database.writing() as c:
        assert c.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert c.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    with database.writing(loose=True) as c:
        assert c.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    database.close()
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


# --- the pure questions


@pytest.mark.parametrize(
    ("updated", "triggered", "older"),
    [
        (-1, None, True),
        (-1, 9, True),
        (0, None, False),
        (0, 0, False),
        (0, -1, True),
        (0, 1, False),
        (1, -9, False),
        (None, None, False),
    ],
)
def test_older_is_by_the_save_then_by_the_trigger(updated: int | None, triggered: int | None, *, older: bool) -> None:
    known = Known(person(), 1, triggered_at=SAVED)
    updated_at = None if updated is None else SAVED + timedelta(seconds=updated)
    triggered_at = None if triggered is None else SAVED + timedelta(seconds=triggered)
    assert is_older(known, updated_at, triggered_at) is older


def test_nothing_is_older_than_a_customer_never_heard_of() -> None:
    assert not is_older(None, SAVED, None)


def test_the_revision_grows_only_with_a_real_change() -> None:
    first = learn(None, person(), None)
    same = learn(first, person(saved=SAVED + timedelta(seconds=1)), None)
    other = learn(same, person(last_name="新田"), None)
    assert [first.revision, same.revision, other.revision] == [1, 1, 2]


def test_the_latest_trigger_is_remembered() -> None:
    known = Known(person(), 1, triggered_at=SAVED + timedelta(seconds=5))
    assert learn(known, person(), SAVED).triggered_at == SAVED + timedelta(seconds=5)
    assert learn(known, person(), None).triggered_at == SAVED + timedelta(seconds=5)


def test_a_read_is_needed_until_one_has_seen_the_last_save() -> None:
    assert needs_read(Known(person(), 1))
    assert needs_read(Known(person(), 1, read_through=SAVED - timedelta(seconds=1)))
    assert not needs_read(Known(person(), 1, read_through=SAVED))
    assert needs_read(Known(person(saved=None), 1, read_through=SAVED))


def test_a_read_in_the_second_of_a_save_may_have_missed_another_save_in_it() -> None:
    assert read_through(SAVED, SAVED + timedelta(seconds=1)) == SAVED - timedelta(seconds=1)
    assert read_through(SAVED, SAVED + timedelta(seconds=4)) == SAVED
    assert read_through(None, SAVED) is None
