"""Out: who gets which task, how a lane's health is obeyed, and what a settlement leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from ledger import tables as t
from ledger.book import Book, Completed, Settled, Settlement
from ledger.breaker import Health
from ledger.database import Database, StoreBusy
from ledger.health import HealthBook
from ledger.outcome import DEADLY, OPENS_AFTER, PATIENCE, Done, Outcome, Retry
from ledger.report import Report
from tests.conftest import NOON, Clock
from tests.ledger_cases import DESTINATIONS, LANES, LEASE, SAVED, Ledger, delivery_of, done, failed, ids, person, retry


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def deliver(ledger: Ledger, *customers: int, clock: Clock, apart: float = 0) -> None:
    """A delivery for each of these customers, so many seconds apart."""
    for i in customers:
        ledger.hear(delivery_of(person(i)), now=clock())
        clock.forward(seconds=apart)


def change(ledger: Ledger, i: int = 1, *, after: float, now: Any, **told: Any) -> None:
    """A later save of this customer arrives."""
    ledger.hear(delivery_of(person(i, saved=SAVED + timedelta(seconds=after), **told)), now=now)


def health(ledger: Ledger, lane: str = "smaregi") -> Health:
    with ledger.database.reading() as c:
        return HealthBook.look(c, lane)


# --- claiming


def test_what_is_due_first_is_handed_out_first_and_no_more_than_asked_for(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 3, 1, 2, clock=clock, apart=1)
    assert ids(ledger.claim(limit=2, now=clock())) == [3, 1]
    assert ids(ledger.claim(limit=2, now=clock())) == [2]
    assert ledger.claim(limit=2, now=clock()) == []


def test_what_is_not_due_yet_is_not_handed_out(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    assert ledger.claim(now=clock() - timedelta(microseconds=1)) == []
    assert ids(ledger.claim(now=clock())) == [1]


def test_lanes_do_not_take_from_each_other(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    assert [ids(ledger.claim(lane, now=clock())) for lane in LANES] == [[1], [1], [1]]


def test_a_claim_hands_over_all_that_a_lane_needs(ledger: Ledger, clock: Clock) -> None:
    arrival = delivery_of(person(), received_at=NOON)
    ledger.hear(arrival, now=clock())
    (first,) = ledger.claim(now=clock())
    assert (first.task.customer, first.task.ref, first.task.attempt, first.task.doubt) == (person(), None, 1, False)
    assert (first.task.request_id, first.since, first.revision, first.lane) == (arrival.request_id, NOON, 1, "smaregi")

    ledger.settle([first], Done("m-1", "created", sent={"name": "f1"}, memo={"code": "9"}), now=clock())
    change(ledger, after=1, note="x", now=clock())
    (second,) = ledger.claim(now=clock())
    assert (second.task.ref, second.task.sent, second.task.memo) == ("m-1", {"name": "f1"}, {"code": "9"})
    assert (second.task.attempt, second.revision) == (1, 2)


def test_two_books_never_hold_the_same_task(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 21), clock=clock)
    other = Book(ledger.database, destinations=DESTINATIONS)
    mine = ids(ledger.claim(limit=8, now=clock()))
    theirs = ids(other.claim("smaregi", 100, now=clock(), lease=LEASE))
    assert sorted(mine + theirs) == list(range(1, 21))


@contextmanager
def _somebody_else_in_the_middle_of(go: Callable[[Any], None], database: Database) -> Iterator[None]:
    other = Database(database.url.render_as_string(hide_password=False))
    with other.writing() as c:
        go(c)
        yield
    other.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # on SQLite a claim has the file to itself
def test_tasks_that_somebody_is_claiming_this_moment_are_skipped_not_waited_for(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 7), clock=clock)
    first_two = "SELECT 1 FROM tasks WHERE lane = 'smaregi' AND customer_id <= 2 FOR UPDATE"
    with _somebody_else_in_the_middle_of(lambda c: c.exec_driver_sql(first_two), ledger.database):
        assert sorted(ids(ledger.claim(limit=2, now=clock()))) == [3, 4]


def test_updates_may_be_left_waiting_while_new_customers_go(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry_everything(now=clock())
    change(ledger, 1, after=1, note="x", now=clock())
    deliver(ledger, 2, clock=clock)

    assert ids(ledger.claim(now=clock(), updates_too=False)) == [2]
    assert ledger.book.next_due("smaregi", now=clock(), updates_too=False) is None
    assert ledger.book.next_due("smaregi", now=clock()) is not None
    assert ids(ledger.claim(now=clock())) == [1]


def test_what_was_off_is_caught_up_when_it_is_on_again(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 4), clock=clock)
    for n in range(1, 4):
        clock.forward(days=1)
        change(ledger, 2, after=n, note=f"{n}", now=clock())
    claimed = ledger.claim(now=clock())
    assert sorted(ids(claimed)) == [1, 2, 3]
    assert {one.customer_id: one.task.customer.note for one in claimed}[2] == "3"


def test_who_was_read_goes_before_who_was_not_and_of_those_the_newest_first(ledger: Ledger, clock: Clock) -> None:
    came = [delivery_of(person(i), received_at=clock() + timedelta(seconds=i)) for i in range(1, 7)]
    ledger.hear(*came, now=clock(), reading_is_on=True)
    with ledger.database.writing() as c:  # one after the other, as they came
        for i in range(1, 7):
            at = clock() + timedelta(seconds=i)
            c.execute(t.tasks.update().where(t.tasks.c.customer_id == i).values(due_at=at))
    later = clock.forward(seconds=30)
    for claimed in ledger.claim("shopify", 6, now=later):
        if claimed.customer_id in (3, 4):
            ledger.settle([claimed], done("s", found=claimed.task.customer), now=later)

    assert ids(ledger.claim("smaregi", 1, now=later)) == [3]
    assert ids(ledger.claim("smaregi", 3, now=later)) == [4, 6, 5]
    assert ids(ledger.claim("smaregi", 9, now=later)) == [2, 1]


def test_the_newest_go_first_when_it_is_their_turn(ledger: Ledger, clock: Clock) -> None:
    for i in (1, 2, 3):
        ledger.hear(delivery_of(person(i)), now=clock.forward(seconds=1))
    newest = ledger.book.claim("smaregi", 2, now=clock(), lease=LEASE, newest_first=True)
    assert ids(newest) == [3, 2]
    assert ids(ledger.claim(now=clock())) == [1]


def test_next_due_is_the_earliest_pending_moment(ledger: Ledger, clock: Clock) -> None:
    assert ledger.book.next_due("smaregi", now=clock()) is None
    ledger.hear(delivery_of(person()), now=clock(), reading_is_on=True)
    assert ledger.book.next_due("shopify", now=clock()) == NOON
    assert ledger.book.next_due("smaregi", now=clock()) == NOON + timedelta(seconds=2)
    ledger.claim("shopify", now=clock())
    assert ledger.book.next_due("shopify", now=clock()) is None


def test_next_due_knows_when_the_lane_may_be_tried_again(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, clock=clock)
    claimed = ledger.claim(limit=1, now=clock())
    ledger.settle(claimed, retry(stop=True, after=timedelta(0)), now=clock())
    assert ledger.book.next_due("smaregi", now=clock()) == NOON + timedelta(seconds=5)


# --- leases and tokens


def test_a_task_that_is_held_is_nobody_elses(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.claim(now=clock())
    assert ledger.book.rescue(now=clock.forward(seconds=59)) == 0
    assert ledger.claim(now=clock()) == []
    assert ledger.book.rescue(now=clock.forward(seconds=1)) == 1


def test_what_was_held_by_the_dead_comes_back_in_doubt(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.claim(now=clock())
    assert ledger.book.rescue(now=clock.forward(seconds=61)) == 1
    assert ledger.task()["state"] == "pending"
    (again,) = ledger.claim(now=clock())
    assert (again.task.doubt, again.task.attempt) == (True, 2)


def test_a_read_never_undoes_a_save_of_the_same_second_that_came_while_it_was_under_way(
    ledger: Ledger, clock: Clock
) -> None:
    """The next read would put it right, unless the customer is deleted before: then the older state would stay."""
    deliver(ledger, 1, clock=clock)
    reading = ledger.claim("shopify", now=clock())
    ledger.hear(delivery_of(person(1, note="newer"), triggered_at=clock()), now=clock())
    (settled,) = ledger.settle(reading, done(found=person(1, note="older", last_kana="ミホン")), now=clock())
    assert (settled.state, ledger.known().customer.note) == ("pending", "newer")
    ledger.carry(done(found=person(1, note="newer", last_kana="ミホン")), "shopify", now=clock())
    assert (ledger.known().customer.note, ledger.known().customer.last_kana) == ("newer", "ミホン")


def test_after_a_lost_lease_it_is_carried_once_more_when_no_older_write_can_come_any_more(
    ledger: Ledger, clock: Clock
) -> None:
    """Who lost it may stand still with an old state in hand, write it after the newer one, and then die unheard."""
    deliver(ledger, 1, clock=clock)
    ledger.claim(now=clock())
    ledger.book.rescue(now=clock.forward(seconds=61))
    arrived = Done("m-1", "updated", sent={"name": "new"})
    (settled,) = ledger.settle(ledger.claim(now=clock()), arrived, now=clock())
    assert (settled.state, ledger.task()["sent"]) == ("pending", {"name": ""})
    assert ledger.claim(now=clock()) == []
    (again,) = ledger.claim(now=clock.forward(seconds=61))
    assert (again.task.ref, again.task.sent) == ("m-1", {"name": ""})
    (settled,) = ledger.settle([again], arrived, now=clock())
    assert (settled.state, ledger.task()["sent"]) == ("done", {"name": "new"})


def test_a_lost_lease_of_a_read_is_read_once_more_and_no_oftener(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.claim("shopify", now=clock())
    ledger.book.rescue(now=clock.forward(seconds=61))
    (settled,) = ledger.settle(ledger.claim("shopify", now=clock()), done("gid"), now=clock())
    assert settled.state == "done"


def test_a_renewed_lease_holds_longer(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, clock=clock)
    (first,), (second,) = ledger.claim(limit=1, now=clock()), ledger.claim(limit=1, now=clock())
    assert ledger.book.renew([first.token], until=clock() + timedelta(seconds=100)) == 1
    assert ledger.book.renew([], until=clock()) == 0
    assert ledger.book.rescue(now=clock.forward(seconds=61)) == 1
    assert {i: ledger.task(i)["state"] for i in (1, 2)} == {1: "running", 2: "pending"}
    assert ledger.book.renew([second.token], until=clock()) == 0


def test_a_result_without_the_live_token_is_refused(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    stale = ledger.claim(now=clock())
    ledger.book.rescue(now=clock.forward(seconds=61))

    assert ledger.settle(stale, done("m-stale"), now=clock())[0].refused
    assert ledger.task()["state"] == "pending"

    live = ledger.claim(now=clock())
    assert ledger.settle(stale, done("m-stale"), now=clock())[0].refused
    assert ledger.task()["state"] == "running"
    assert ledger.task()["ref"] is None
    assert not ledger.rows(t.attempts)

    (settled,) = ledger.settle(live, done("m-live"), now=clock())
    assert (settled.refused, settled.state) == (False, "pending")  # once more, for who was refused may have written
    assert ledger.task()["ref"] == "m-live"


def test_a_refused_result_says_nothing_about_the_lane(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    stale = ledger.claim(now=clock())
    ledger.book.rescue(now=clock.forward(seconds=61))
    ledger.settle(stale, retry(stop=True), now=clock())
    assert health(ledger) == Health()


def test_a_result_is_settled_once(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    claimed = ledger.claim(now=clock())
    assert not ledger.settle(claimed, done(did="created"), now=clock())[0].refused
    assert ledger.settle(claimed, done(did="created"), now=clock())[0].refused
    assert len(ledger.rows(t.attempts)) == 1


def test_a_result_is_settled_once_even_when_it_is_handed_in_twice_at_once(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    (claimed,) = ledger.claim(now=clock())
    twice = [Settlement("smaregi", [(claimed, done(did="created"))], clock(), 1.0)] * 2
    (first,), (second,) = ledger.book.settle(twice, now=clock())
    assert (first.refused, second.refused) == (False, True)
    assert len(ledger.rows(t.attempts)) == 1


def test_each_row_of_a_batch_is_settled_by_itself(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, 3, 4, clock=clock)
    claimed = ledger.claim(now=clock())
    ledger.book.rescue(now=clock.forward(seconds=61))
    lost = ledger.claim(limit=1, now=clock())  # somebody else has one of them by now
    fresh = ledger.claim(now=clock())
    outcomes: list[Outcome] = [done("m"), failed(), retry()]
    rows = list(zip(fresh, outcomes, strict=True))
    stale = next(one for one in claimed if one.customer_id == lost[0].customer_id)
    settled = ledger.book.settle([Settlement("smaregi", [(stale, done("stale")), *rows], clock(), 5.0)], now=clock())[0]
    assert [one.state for one in settled] == [None, "pending", "failed", "pending"]
    assert [one.refused for one in settled] == [True, False, False, False]


# --- what an outcome leaves


def test_done_leaves_ref_marks_and_an_attempt(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    outcome = Done(
        "m-1",
        "created",
        sent={"name": "f1"},
        memo={"code": "9"},
        corrections=[{"field": "zip", "what": "reformatted"}],
        status=201,
        vendor_request_id="v-1",
    )
    (settled,) = ledger.carry(outcome, now=clock())
    assert settled.state == "done"
    assert settled.states == {"shopify": "pending", "smaregi": "done", "hubspot": "pending"}
    task = ledger.task()
    assert (task["ref"], task["sent"], task["memo"]) == ("m-1", {"name": "f1"}, {"code": "9"})
    assert task["corrections"] == [{"field": "zip", "what": "reformatted"}]
    assert (task["token"], task["lease_until"], task["carrying"], task["settled_at"]) == (None, None, None, NOON)
    (attempt,) = ledger.rows(t.attempts)
    assert (attempt["outcome"], attempt["did"], attempt["attempt"], attempt["revision"]) == ("done", "created", 1, 1)
    assert (attempt["status"], attempt["vendor_request_id"], attempt["duration_ms"]) == (201, "v-1", 12.5)


def test_failed_waits_for_a_person_with_the_choice_spelled_out(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(failed(), now=clock())
    task = ledger.task()
    assert (task["state"], task["kind"], task["why"]) == ("failed", "far.ambiguous", "two members have this e-mail")
    assert task["choices"] == [{"member": "7"}, {"member": "8"}]
    assert ledger.claim(now=clock.forward(days=365)) == []


def test_retry_comes_back_by_itself(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(retry(after=timedelta(minutes=3), doubt=True), now=clock())
    assert ledger.claim(now=clock.forward(minutes=2)) == []
    (again,) = ledger.claim(now=clock.forward(minutes=1))
    assert (again.task.attempt, again.task.doubt) == (2, True)


def test_what_had_nothing_to_send_leaves_no_attempt(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(done(did="unchanged"), now=clock())
    assert ledger.task()["state"] == "done"
    assert not ledger.rows(t.attempts)


def test_after_much_patience_a_person_must_look(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    for _ in range(PATIENCE):
        ledger.carry(retry(lane_wide=False), now=clock.forward(hours=2))
    assert ledger.task()["state"] == "failed"
    assert "gave up" in ledger.task()["why"]


def test_several_carries_are_written_down_in_one_commit_each_in_its_place(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, clock=clock)
    carries = [ledger.claim(lane, now=clock()) for lane in ("smaregi", "hubspot", "shopify")]
    settlements = [Settlement(c[0].lane, [(one, done(c[0].lane)) for one in c], clock(), 1.0) for c in carries]
    commits: list[Any] = []
    event.listen(ledger.database.engine, "commit", commits.append)
    settled = ledger.book.settle(settlements, now=clock())
    assert len(commits) == 1
    assert [[one.customer_id for one in carry] for carry in settled] == [ids(carry) for carry in carries]
    assert ledger.task(1, "hubspot")["ref"] == "hubspot"
    assert ledger.book.settle([], now=clock()) == []


def test_a_settlement_waits_its_time_for_customers_held_elsewhere_then_says_busy(
    database_url: str, clock: Clock
) -> None:
    ledger = Ledger(Database(database_url, busy_s=0.2))
    deliver(ledger, 1, clock=clock)
    claimed = ledger.claim(now=clock())
    lock = ledger.database.lock_customers
    with (
        _somebody_else_in_the_middle_of(lambda c: lock(c, [1]), ledger.database),
        pytest.raises(StoreBusy),
    ):
        ledger.settle(claimed, done(), now=clock())
    assert ledger.task()["state"] == "running"
    assert ledger.settle(claimed, done(), now=clock())[0].state == "done"
    ledger.database.close()


# --- pause and breaker


def test_a_pause_is_obeyed_by_the_whole_lane_and_by_no_other(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, clock=clock)
    claimed = ledger.claim(limit=1, now=clock())
    ledger.settle(claimed, retry(pause=True, after=timedelta(seconds=10)), now=clock())

    assert ledger.claim(now=clock.forward(seconds=9)) == []
    assert len(ledger.claim("hubspot", now=clock())) == 2
    again = ledger.claim(now=clock.forward(seconds=1))
    assert sorted(ids(again)) == [1, 2]
    assert {one.task.attempt for one in again} == {1}  # to be asked to wait is no failure


def open_the_lane(ledger: Ledger, clock: Clock) -> None:
    for _ in range(OPENS_AFTER):
        assert health(ledger).breaker == "closed"
        ledger.settle(ledger.claim(limit=1, now=clock()), retry(after=timedelta(hours=3)), now=clock())
    assert health(ledger).breaker == "open"


def test_five_failures_open_the_lane_and_everything_is_kept(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 9), clock=clock)
    open_the_lane(ledger, clock)
    assert ledger.claim(now=clock.forward(seconds=4)) == []
    assert {row["state"] for row in ledger.rows(t.tasks, lane="smaregi")} == {"pending"}
    assert len(ledger.claim("hubspot", now=clock())) == 8


def test_one_success_in_between_starts_the_count_again(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 20), clock=clock)
    four: list[Outcome] = [retry()] * 4
    for outcome in [*four, done(), *four]:
        ledger.settle(ledger.claim(limit=1, now=clock()), outcome, now=clock())
    assert health(ledger).breaker == "closed"


def test_one_probe_at_a_time_of_all_processes(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 9), clock=clock)
    open_the_lane(ledger, clock)
    other = Book(ledger.database, destinations=DESTINATIONS)
    clock.forward(seconds=5)
    (probe,) = other.claim("smaregi", 100, now=clock(), lease=LEASE)
    assert ledger.claim(now=clock()) == []
    assert other.claim("smaregi", 100, now=clock.forward(seconds=30), lease=LEASE) == []

    # Who probed died: with the end of its lease another may.
    assert len(ledger.claim(now=clock.forward(seconds=30))) == 1
    assert probe.customer_id in range(6, 9)


def test_nobody_probes_for_nothing(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 6), clock=clock)
    open_the_lane(ledger, clock)
    assert ledger.claim(now=clock.forward(seconds=5)) == []
    assert health(ledger).breaker == "open"
    deliver(ledger, 6, clock=clock)
    assert ids(ledger.claim(now=clock())) == [6]


def test_a_probe_goes_with_whoever_was_tried_least(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 6), clock=clock, apart=1)
    for _ in range(OPENS_AFTER):
        ledger.settle(ledger.claim(limit=1, now=clock()), retry(after=timedelta(0)), now=clock() - timedelta(hours=1))
    assert ledger.task(1)["attempt"] > 1
    clock.forward(seconds=5)
    (probe,) = ledger.claim(now=clock())
    assert (probe.customer_id, probe.task.attempt) == (2, 1)


def test_a_failed_probe_keeps_the_lane_open_for_longer(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 9), clock=clock)
    open_the_lane(ledger, clock)
    ledger.carry(retry(), now=clock.forward(seconds=5))
    assert ledger.claim(now=clock.forward(seconds=9)) == []
    assert len(ledger.claim(now=clock.forward(seconds=1))) == 1


def test_when_a_probe_is_answered_all_that_waited_goes_at_once(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 9), clock=clock)
    open_the_lane(ledger, clock)
    ledger.carry(done(), now=clock.forward(seconds=5))
    assert health(ledger) == Health()
    assert len(ledger.claim(now=clock())) == 7  # five of them had been told to wait three hours


def test_closing_one_lane_pulls_nothing_forward_in_another(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 9), clock=clock)
    ledger.carry(retry(after=timedelta(hours=1)), "hubspot", now=clock())
    open_the_lane(ledger, clock)
    ledger.carry(done(), now=clock.forward(seconds=5))
    assert ledger.claim("hubspot", now=clock()) == []


def test_a_wrong_credential_opens_the_lane_at_once(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, clock=clock)
    ledger.settle(ledger.claim(limit=1, now=clock()), retry(stop=True, kind="far.credential"), now=clock())
    assert (health(ledger).breaker, health(ledger).kind) == ("open", "far.credential")
    assert ledger.claim(now=clock()) == []


def test_a_lane_may_be_stopped_by_its_preparation_and_probed_when_mended(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, clock=clock)
    ledger.book.health_book.note("smaregi", retry(stop=True, why="a column is missing"), now=clock())
    assert (health(ledger).breaker, health(ledger).why) == ("open", "a column is missing")
    assert ledger.claim(now=clock()) == []
    ledger.book.health_book.probe_now("smaregi", now=clock())
    assert len(ledger.claim(now=clock())) == 1


def test_a_settlement_that_looked_before_somebody_elses_pause_does_not_undo_it(ledger: Ledger, clock: Clock) -> None:
    """Two processes settle at once: both looked at the lane's health before either had written it."""
    book = ledger.book.health_book
    with ledger.database.writing() as c:
        book.hear(c, "smaregi", book.look(c, "smaregi"), [retry()], clock())
    with ledger.database.reading() as c:
        seen = book.look(c, "smaregi")
    with ledger.database.writing() as c:
        book.hear(c, "smaregi", seen, [retry(pause=True, after=timedelta(hours=1))], clock())
    with ledger.database.writing() as c:
        book.hear(c, "smaregi", seen, [done()], clock())
    assert health(ledger).paused_until == NOON + timedelta(hours=1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # on SQLite a claim has the file to itself
def test_a_claim_never_waits_for_a_settlement(database_url: str, clock: Clock) -> None:
    ledger = Ledger(Database(database_url, busy_s=0.2))
    deliver(ledger, *range(1, 9), clock=clock)
    open_the_lane(ledger, clock)
    clock.forward(seconds=5)
    lock = "SELECT 1 FROM lanes WHERE name = 'smaregi' FOR UPDATE"
    with _somebody_else_in_the_middle_of(lambda c: c.exec_driver_sql(lock), ledger.database):
        assert ledger.claim(now=clock()) == []
    assert len(ledger.claim(now=clock())) == 1
    ledger.database.close()


# --- reading the whole customer back


def test_what_a_read_finds_newer_is_carried_everywhere(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(done(), "smaregi", now=clock())
    found = person(last_kana="ミホン", saved=SAVED + timedelta(seconds=5))
    ledger.carry(done(found=found), "shopify", now=clock())
    assert ledger.known().customer == found
    assert ledger.known().revision == 2
    assert ledger.states() == {"shopify": "done", "smaregi": "pending", "hubspot": "pending"}


def test_what_a_read_finds_the_same_costs_the_destinations_nothing(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    for lane in DESTINATIONS:
        ledger.carry(done(), lane, now=clock())
    ledger.carry(done(found=person()), "shopify", now=clock())
    assert ledger.known().revision == 1
    assert set(ledger.states().values()) == {"done"}


def test_what_a_read_adds_while_a_destination_runs_makes_it_pending_once_more(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    claimed = ledger.claim("smaregi", now=clock())
    ledger.carry(done(found=person(last_kana="ミホン")), "shopify", now=clock())
    assert ledger.settle(claimed, done(), now=clock())[0].state == "pending"
    (again,) = ledger.claim("smaregi", now=clock())
    assert again.task.customer.last_kana == "ミホン"


def test_a_read_that_a_webhook_overtook_is_read_again(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    reading = ledger.claim("shopify", now=clock())
    change(ledger, after=5, last_name="新田", now=clock())
    (settled,) = ledger.settle(reading, done(found=person(last_kana="ミホン")), now=clock())
    assert settled.state == "pending"
    assert ledger.known().customer.last_name == "新田"
    (again,) = ledger.claim("shopify", now=clock())
    assert again.task.customer.last_name == "新田"


def test_how_far_a_read_saw_is_counted_from_its_beginning(ledger: Ledger, clock: Clock) -> None:
    """A save in the same second, after the read began, is not in what it found, however long the answer took."""
    ledger.hear(delivery_of(person()), now=clock())
    (claimed,) = ledger.claim("shopify", now=clock())
    took = timedelta(seconds=10)
    began = SAVED + timedelta(seconds=0.4)
    read = Settlement("shopify", [(claimed, done(found=person()))], began, took.total_seconds() * 1000)
    ledger.book.settle([read], now=began + took)
    assert ledger.known().read_through == SAVED - timedelta(seconds=1)


def test_a_read_long_after_the_save_has_seen_it_all(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(done(found=person()), "shopify", now=clock())
    assert ledger.known().read_through == SAVED


def test_a_customer_that_is_gone_from_the_shop_stays_as_known(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(done(did="gone", found=None), "shopify", now=clock())
    assert ledger.known().customer == person()
    assert ledger.states()["shopify"] == "done"


# --- by hand


def test_resync_makes_what_failed_pending_and_nothing_else(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, clock=clock)
    ledger.settle(ledger.claim(limit=1, now=clock()), failed(), now=clock())
    ledger.carry(done(), now=clock())
    assert ledger.resync.count(lanes=LANES, only="failed") == 1
    assert ledger.resync.page(now=clock.forward(hours=1), lanes=LANES, only="failed") == (1, 1)
    assert [ledger.task(i)["state"] for i in (1, 2)] == ["pending", "done"]
    assert ledger.task(1)["attempt"] == 0
    assert ledger.resync.count(lanes=LANES, only="failed") == 0
    assert ledger.resync.page(now=clock(), lanes=LANES, only="failed") == (0, None)


def test_resync_of_one_kind_leaves_what_failed_otherwise(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, 3, 4, clock=clock)
    for kind in ("far.ambiguous", "far.refused", "far.refused"):
        ledger.settle(ledger.claim(limit=1, now=clock()), replace(failed(), kind=kind), now=clock())
    with ledger.database.writing() as c:
        c.execute(t.tasks.update().where(t.tasks.c.customer_id == 3).values(kind=None))

    def of(*kinds: str | None) -> int:
        return ledger.resync.count(lanes=LANES, only="failed", kinds=kinds)

    assert (of("far.refused"), of(None), of("far.ambiguous", None), of("far.other"), of()) == (1, 1, 2, 0, 0)
    assert ledger.resync.page(now=clock(), lanes=LANES, only="failed", kinds=["far.refused", None]) == (2, 3)
    assert [ledger.task(i)["state"] for i in (1, 2, 3, 4)] == ["failed", "pending", "pending", "pending"]


def test_resync_by_kind_is_only_for_what_failed(ledger: Ledger, clock: Clock) -> None:
    with pytest.raises(ValueError, match="failed"):
        ledger.resync.page(now=clock(), lanes=LANES, kinds=["far.refused"])


def test_resync_sends_everything_again(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(done("m-1", name="f1", mail="f2"), now=clock())
    ledger.resync.page(now=clock(), lanes=["smaregi"])
    (claimed,) = ledger.claim(now=clock())
    # The names stay: a field that was sent once and has been cleared since must still be cleared.
    assert claimed.task.sent == {"name": "", "mail": ""}
    assert claimed.task.ref == "m-1"


def test_resync_of_some_leaves_the_others_and_other_lanes_alone(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, 2, 3, clock=clock)
    ledger.carry_everything(now=clock())
    assert ledger.resync.count(lanes=["hubspot"], customer_ids=[1, 3, 99]) == 2
    assert ledger.resync.page(now=clock(), lanes=["hubspot"], customer_ids=[1, 3, 99]) == (2, 3)
    assert sorted(ids(ledger.claim("hubspot", now=clock()))) == [1, 3]
    assert ledger.claim("smaregi", now=clock()) == []


def test_resync_of_all_goes_page_by_page(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, *range(1, 8), clock=clock)
    ledger.carry_everything(now=clock())
    assert ledger.resync.count(lanes=LANES) == 21
    after, pages = 0, []
    while True:
        changed, last = ledger.resync.page(now=clock(), lanes=LANES, after_id=after, limit=3)
        if last is None:
            break
        pages.append((changed, last))
        after = last
    assert pages == [(9, 3), (9, 6), (3, 7)]
    assert {row["state"] for row in ledger.rows(t.tasks)} == {"pending"}


def test_resync_of_what_is_running_has_it_carried_once_more_whole(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(done("m-1", name="f1"), now=clock())
    change(ledger, after=1, note="x", now=clock())
    claimed = ledger.claim(now=clock())

    ledger.resync.page(now=clock(), lanes=["smaregi"])
    assert ledger.task()["state"] == "running"

    # What this carry leaves out, because it equals what was sent before, is what the resync is about.
    (settled,) = ledger.settle(claimed, done("m-1", name="f1", note="f2"), now=clock())
    assert settled.state == "pending"
    (again,) = ledger.claim(now=clock())
    assert again.task.sent == {"name": "", "note": ""}
    ledger.settle([again], done("m-1", name="f1", note="f2"), now=clock())
    assert ledger.task()["sent"] == {"name": "f1", "note": "f2"}
    assert ledger.task()["state"] == "done"


def test_resync_cuts_a_back_off_short(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(retry(after=timedelta(hours=5), lane_wide=False), now=clock())
    ledger.resync.page(now=clock(), lanes=["smaregi"], customer_ids=[1])
    assert ids(ledger.claim(now=clock())) == [1]


def test_what_a_latecomer_wrote_is_written_over_with_the_newest(ledger: Ledger, clock: Clock) -> None:
    """Somebody whose lease was over wrote all the same: what the marks say of the far side is no longer true."""
    deliver(ledger, 1, 2, clock=clock)
    ledger.carry(done("m-1", name="f1"), now=clock())
    ledger.book.send_again("smaregi", {1: ["name", "note"], 99: ["name"]}, now=clock())
    (claimed,) = ledger.claim(now=clock())
    assert (claimed.customer_id, claimed.task.ref) == (1, "m-1")
    assert claimed.task.sent == {"name": "", "note": ""}


def test_what_a_latecomer_wrote_while_another_carries_is_written_over_afterwards(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    claimed = ledger.claim(now=clock())
    ledger.book.send_again("smaregi", {1: ["name"]}, now=clock())
    assert ledger.settle(claimed, done("m-1", name="f1"), now=clock())[0].state == "pending"
    (again,) = ledger.claim(now=clock())
    assert again.task.sent == {"name": ""}


# --- complete: nothing of a customer is on its way any more


def test_the_attempt_that_brings_a_customer_to_rest_bears_the_time_since_the_delivery(
    ledger: Ledger, clock: Clock
) -> None:
    ledger.hear(delivery_of(person(), received_at=NOON), now=clock())
    ledger.carry(done("s-1"), "shopify", now=clock.forward(seconds=1))
    (first,) = ledger.carry(done("m-1"), "smaregi", now=clock.forward(seconds=1))
    (last,) = ledger.carry(done("c-1"), "hubspot", now=clock.forward(seconds=1.5))

    assert first.completed is None
    assert last.completed == Completed("done", 3500, dict.fromkeys(LANES, "done"))
    assert [row["total_ms"] for row in ledger.rows(t.attempts)] == [None, None, 3500]


def test_a_customer_who_waits_for_a_person_is_complete_but_has_no_total_time(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(failed(), "smaregi", now=clock())
    ledger.carry(done("s-1"), "shopify", now=clock())
    (last,) = ledger.carry(done("c-1"), "hubspot", now=clock())
    assert last.completed
    assert last.completed.outcome == "failed"
    assert not any(row["total_ms"] for row in ledger.rows(t.attempts))


def test_what_is_tried_again_completes_nothing(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    for lane in ("shopify", "hubspot"):
        ledger.carry(done("x"), lane, now=clock())
    (one,) = ledger.carry(retry(), "smaregi", now=clock())
    assert one.completed is None


def test_nobody_waits_for_a_lane_that_stands_apart(ledger: Ledger, clock: Clock) -> None:
    book = Book(ledger.database, destinations=DESTINATIONS, apart=["hubspot"])
    deliver(ledger, 1, clock=clock)
    ledger.carry(done("s-1"), "shopify", now=clock())
    clock.forward(seconds=2)
    settled: dict[str, Settled] = {}
    for lane in ("smaregi", "hubspot"):
        claimed = ledger.claim(lane, now=clock())
        (settled[lane],) = book.settle([Settlement(lane, [(claimed[0], done("x"))], clock(), 1)], now=clock())[0]
    assert settled["smaregi"].completed
    assert settled["smaregi"].completed.lanes == {"shopify": "done", "smaregi": "done"}
    assert settled["hubspot"].completed is None


def test_of_two_lanes_in_one_commit_only_the_last_completes(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    ledger.carry(done("s-1"), "shopify", now=clock())
    both = [Settlement(lane, [(ledger.claim(lane, now=clock())[0], done("x"))], clock(), 1) for lane in DESTINATIONS]
    settled = [one for (one,) in ledger.book.settle(both, now=clock())]
    assert [one.completed is not None for one in settled].count(True) == 1
    assert len([row for row in ledger.rows(t.attempts) if row["total_ms"] is not None]) == 1


# --- looking


def test_the_lanes_at_a_glance(ledger: Ledger, clock: Clock) -> None:
    report = Report(ledger.database)
    for n, i in enumerate((1, 2, 3, 4)):
        ledger.hear(delivery_of(person(i), received_at=NOON + timedelta(seconds=n)), now=clock())
    for outcome in (done(), failed(), None):
        claimed = ledger.claim(limit=1, now=clock())
        if outcome:
            ledger.settle(claimed, outcome, now=clock())
    ledger.book.health_book.note("hubspot", retry(stop=True), now=clock())

    smaregi, hubspot, mail = report.lanes(["smaregi", "hubspot", "mail"])

    assert (smaregi.pending, smaregi.running, smaregi.done, smaregi.failed) == (1, 1, 1, 1)
    assert smaregi.oldest_debt == NOON + timedelta(seconds=2)
    assert smaregi.oldest_failed == NOON + timedelta(seconds=1)
    assert (hubspot.pending, hubspot.health.breaker) == (4, "open")
    assert (mail.pending, mail.oldest_debt, mail.health) == (0, None, Health())


def test_a_customers_story(ledger: Ledger, clock: Clock) -> None:
    report = Report(ledger.database)
    assert report.story(1) is None
    ledger.hear(delivery_of(person(), topic="customers/create"), now=clock())
    ledger.carry(retry(after=timedelta(0)), now=clock())
    ledger.carry(done("m-1", did="created"), now=clock())
    change(ledger, after=1, note="x", now=clock.forward(seconds=1))
    deliver(ledger, 2, clock=clock)

    story = report.story(1)

    assert story
    assert (story.first_topic, story.first_seen_at, story.customer.revision) == ("customers/create", NOON, 2)
    assert [row["topic"] for row in story.deliveries] == ["customers/create", "customers/update"]
    assert "body" not in story.deliveries[0]
    assert [row["outcome"] for row in story.attempts] == ["retry", "done"]
    assert {row["lane"] for row in story.tasks} == set(LANES)
    shorter = report.story(1, last=1)
    assert shorter
    assert [row["outcome"] for row in shorter.attempts] == ["done"]


def test_when_the_last_one_came(ledger: Ledger, clock: Clock) -> None:
    report = Report(ledger.database)
    assert report.last_delivery() is None
    later = NOON + timedelta(minutes=1)
    ledger.hear(delivery_of(None, verdict="test", received_at=NOON), now=clock())
    ledger.hear(delivery_of(person(), received_at=later), now=clock())
    assert report.last_delivery("test") == NOON
    assert report.last_delivery() == later
    assert report.last_delivery("unreadable") is None


# --- what is found out by somebody else than the lane


def test_a_read_that_shows_less_than_the_webhook_told_is_made_again(ledger: Ledger, clock: Clock) -> None:
    """Shopify answers from copies, and one may lag behind the webhook that it has just sent."""
    saved = SAVED + timedelta(seconds=30)
    ledger.hear(delivery_of(person(1, saved=saved)), now=clock())
    ledger.carry(done(found=person(1, last_kana="フルイ")), "shopify", now=clock())
    task = ledger.task(lane="shopify")
    assert (task["state"], task["kind"]) == ("pending", "shopify.stale")
    assert clock() < task["due_at"] <= clock() + timedelta(seconds=6)
    ledger.carry(done(found=person(1, saved=saved, last_kana="ミホン")), "shopify", now=clock.forward(seconds=6))
    assert ledger.task(lane="shopify")["state"] == "done"


def test_a_task_whose_worker_ends_each_time_waits_for_a_person_at_last(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    for _ in range(PATIENCE):
        assert len(ledger.claim(now=clock())) == 1
        assert ledger.book.rescue(now=clock.forward(seconds=61)) == 1
    assert ledger.claim(now=clock()) == []
    task = ledger.task()
    assert (task["state"], task["kind"], task["doubt"]) == ("failed", DEADLY, True)


def test_a_worker_that_starts_probes_an_open_lane_and_keeps_a_short_pause(ledger: Ledger, clock: Clock) -> None:
    deliver(ledger, 1, clock=clock)
    stop = Retry(None, "no credential", "far.credential", stop=True)
    pause = Retry(timedelta(minutes=1), "wait", "far.busy", pause=True)
    ledger.book.health_book.note("smaregi", stop, now=clock())
    assert ledger.claim(now=clock()) == []
    ledger.book.health_book.probe_now("smaregi", now=clock())
    assert len(ledger.claim(now=clock())) == 1

    ledger.book.health_book.note("hubspot", pause, now=clock())
    ledger.book.health_book.probe_now("hubspot", now=clock())
    assert ledger.claim("hubspot", now=clock()) == []


def test_a_long_pause_is_lifted_by_a_start_and_ends_with_one_probe(ledger: Ledger, clock: Clock) -> None:
    """All who heard it come back when it ends: one of them is the probe, and the others follow when it went well."""
    deliver(ledger, 1, 2, 3, clock=clock)
    asked = Retry(timedelta(hours=1), "wait", "far.busy", pause=True)
    ledger.settle(ledger.claim(now=clock()), asked, now=clock())
    clock.forward(minutes=1)
    assert ledger.claim(now=clock()) == []
    assert ledger.book.health_book.pause_left("smaregi", now=clock()) == timedelta(minutes=59)

    assert ledger.book.health_book.probe_now("smaregi", now=clock())
    probe = ledger.claim(now=clock())
    assert len(probe) == 1
    assert not ledger.book.health_book.probe_now("smaregi", now=clock()), "one probe at a time"
    ledger.settle(probe, done(), now=clock())
    assert len(ledger.claim(now=clock())) == 2
    assert not ledger.book.health_book.probe_now("smaregi", now=clock()), "it is well"


def test_a_late_result_that_comes_while_another_carries_has_every_field_it_sent_go_out_again(
    ledger: Ledger, clock: Clock
) -> None:
    deliver(ledger, 1, clock=clock)
    (late,) = ledger.claim("hubspot", now=clock())
    ledger.book.rescue(now=clock.forward(minutes=10))
    (claimed,) = ledger.claim("hubspot", now=clock())
    (left,) = ledger.settle([late], done("c-1", phone="an older mark"), now=clock())
    assert left.refused
    ledger.book.send_again("hubspot", {1: ["phone"]}, now=clock())  # as the late worker does

    ledger.settle([claimed], done("c-1", email="a mark"), now=clock())  # the phone was cleared since

    assert ledger.task(1, "hubspot")["sent"] == {"phone": "", "email": ""}
