"""How an attempt ended, and what follows from it for the task and for its lane: tables of pure cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.breaker import Health, after_outcomes, free_from, lift, may_claim
from ledger.outcome import (
    LATE,
    ONCE_MORE,
    OPENS_AFTER,
    PATIENCE,
    Done,
    Failed,
    Held,
    Outcome,
    Retry,
    back_off,
    probe_after,
    settle,
)
from tests.conftest import NOON
from tests.ledger_cases import done, failed, retry

FREE = {"token": None, "lease_until": None, "carrying": None, "held": False, "settled_at": NOON}


def held(**how: Any) -> Held:
    return Held(**{"wanted": 1, "carrying": 1, "attempt": 1, "doubt": False, "lane_is_well": True, **how})


MOVED_ON = held(wanted=2)


def soon(**by: float) -> datetime:
    return NOON + timedelta(**by)


# --- settle


@pytest.mark.parametrize(
    ("was", "outcome", "state", "due_at", "attempt"),
    [
        (held(), done(), "done", NOON, 0),
        (MOVED_ON, done(), "pending", NOON, 0),
        (held(attempt=9), done(), "done", NOON, 0),
        (held(), failed(), "failed", NOON, None),
        (MOVED_ON, failed(), "pending", NOON, None),
        (held(), retry(), "pending", soon(seconds=5), 1),
        (held(attempt=3), retry(), "pending", soon(seconds=20), 3),
        (held(), retry(after=timedelta(minutes=7)), "pending", soon(minutes=7), 1),
        (MOVED_ON, retry(lane_wide=False), "pending", NOON, 1),
        (MOVED_ON, retry(lane_wide=False, after=timedelta(hours=1)), "pending", NOON, 1),
        (MOVED_ON, retry(), "pending", soon(seconds=5), 1),
        (held(attempt=4), retry(after=timedelta(seconds=30), pause=True), "pending", soon(seconds=30), 3),
        (held(attempt=PATIENCE - 1), retry(after=timedelta(0)), "pending", NOON, PATIENCE - 1),
        (held(attempt=PATIENCE), retry(), "failed", NOON, 0),
        (held(attempt=PATIENCE + 5), retry(lane_wide=False), "failed", NOON, 0),
        (held(attempt=PATIENCE, wanted=2), retry(), "pending", NOON, 0),
        (held(attempt=PATIENCE, lane_is_well=False), retry(after=timedelta(0)), "pending", NOON, PATIENCE),
        (held(attempt=PATIENCE), retry(after=timedelta(0), stop=True), "pending", NOON, PATIENCE),
        (held(attempt=PATIENCE), retry(after=timedelta(0), pause=True), "pending", NOON, PATIENCE - 1),
    ],
)
def test_each_outcome_leads_to_one_state(
    was: Held, outcome: Outcome, state: str, due_at: datetime, attempt: int | None
) -> None:
    change = settle(was, outcome, NOON, jitter=0.5)
    assert (change["state"], change["due_at"], change.get("attempt")) == (state, due_at, attempt)


@pytest.mark.parametrize("was", [held(), MOVED_ON, held(attempt=PATIENCE)])
@pytest.mark.parametrize("outcome", [done(), failed(), retry(), retry(pause=True), retry(stop=True)])
def test_whatever_the_outcome_nobody_holds_the_task_any_more(was: Held, outcome: Outcome) -> None:
    assert FREE.items() <= settle(was, outcome, NOON).items()


@pytest.mark.parametrize("outcome", [done(), failed(), retry(), retry(pause=True), retry(stop=True)])
def test_a_task_that_moved_on_meanwhile_never_rests(outcome: Outcome) -> None:
    assert settle(MOVED_ON, outcome, NOON)["state"] == "pending"


def test_what_arrived_is_remembered_and_old_troubles_are_forgotten() -> None:
    outcome = Done("m-7", "created", sent={"a": "1"}, memo={"code": "99"}, corrections=[{"field": "a", "what": "cut"}])
    change = settle(held(doubt=True), outcome, NOON)
    assert change["ref"] == "m-7"
    assert (change["sent"], change["memo"]) == ({"a": "1"}, {"code": "99"})
    assert change["corrections"] == [{"field": "a", "what": "cut"}]
    assert (change["kind"], change["why"], change["choices"], change["doubt"]) == (None, None, None, False)


def test_what_an_older_write_may_still_come_after_is_carried_once_more_and_whole() -> None:
    in_doubt = settle(held(), retry(doubt=True), NOON)
    assert in_doubt["unsure_until"] == NOON + LATE
    outcome = Done("m-7", "updated", sent={"a": "1"})
    soon_after = settle(held(unsure_until=NOON + LATE), outcome, soon(seconds=5))
    assert (soon_after["state"], soon_after["due_at"], soon_after["kind"]) == ("pending", NOON + LATE, ONCE_MORE)
    assert (soon_after["sent"], soon_after["unsure_until"]) == ({"a": ""}, NOON + LATE)
    assert soon_after["doubt"]  # a field cleared meanwhile may come back with it
    later = settle(held(unsure_until=NOON + LATE), outcome, NOON + LATE)
    assert (later["state"], later["sent"], later["unsure_until"], later["kind"]) == ("done", {"a": "1"}, None, None)
    assert not later["doubt"]


def test_a_try_that_surely_did_nothing_leaves_nothing_to_wait_for() -> None:
    assert "unsure_until" not in settle(held(), retry(), NOON)
    assert "unsure_until" not in settle(held(unsure_until=NOON + LATE), failed(), NOON)


def test_a_change_that_came_meanwhile_does_not_wait_for_a_late_write() -> None:
    change = settle(held(wanted=2, unsure_until=NOON + LATE), done(), NOON)
    assert (change["state"], change["due_at"], change["unsure_until"]) == ("pending", NOON, NOON + LATE)


def test_a_person_reads_why_and_what_to_choose_from() -> None:
    change = settle(held(), failed(), NOON)
    assert (change["kind"], change["why"]) == ("far.ambiguous", "two members have this e-mail")
    assert change["choices"] == [{"member": "7"}, {"member": "8"}]
    assert "ref" not in change
    assert "sent" not in change


def test_giving_up_says_so() -> None:
    change = settle(held(attempt=PATIENCE), retry(), NOON)
    assert change["why"] == f"the far side answered 500 (gave up after {PATIENCE} tries)"


@pytest.mark.parametrize(("before", "now", "after"), [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1)])
def test_a_doubt_stays_until_it_arrived(before: int, now: int, after: int) -> None:
    change = settle(held(doubt=bool(before)), retry(doubt=bool(now)), NOON)
    assert change["doubt"] is bool(after)
    assert "doubt" not in settle(held(doubt=True), failed(), NOON)


# --- waiting


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 5), (2, 10), (3, 20), (4, 40), (10, 2560), (11, 3600), (32, 3600), (10_000, 3600)]
)
def test_back_off_doubles_up_to_an_hour(attempt: int, seconds: float) -> None:
    assert back_off(attempt, jitter=0.5) == timedelta(seconds=seconds)
    assert back_off(attempt, jitter=0) == timedelta(seconds=seconds * 0.8)
    assert back_off(attempt, jitter=1) == timedelta(seconds=seconds * 1.2)


@given(st.integers(1, 100))
def test_back_off_is_spread_by_chance(attempt: int) -> None:
    due = settle(held(attempt=min(attempt, PATIENCE - 1)), retry(), NOON)["due_at"]
    plain = back_off(min(attempt, PATIENCE - 1), jitter=0.5)
    assert plain * 0.8 <= due - NOON <= plain * 1.2


@pytest.mark.parametrize(("openings", "seconds"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (1000, 60)])
def test_probes_come_at_least_once_a_minute(openings: int, seconds: int) -> None:
    assert probe_after(openings) == timedelta(seconds=seconds)


# --- the lane


WELL = Health()
OPEN = Health("open", failures=5, openings=1, opened_at=NOON, retry_at=soon(seconds=5), kind="k", why="w")
PROBING = replace(OPEN, breaker="probing", retry_at=soon(seconds=60))


@pytest.mark.parametrize(
    ("health", "now", "expected"),
    [
        (WELL, NOON, (10, False)),
        (replace(WELL, failures=4), NOON, (10, False)),
        (replace(WELL, paused_until=soon(seconds=1)), NOON, (0, False)),
        (replace(WELL, paused_until=NOON), NOON, (10, False)),
        (OPEN, NOON, (0, False)),
        (OPEN, soon(seconds=5), (1, True)),
        (replace(OPEN, retry_at=None), NOON, (1, True)),
        (replace(OPEN, paused_until=soon(seconds=9)), soon(seconds=5), (0, False)),
        (PROBING, soon(seconds=59), (0, False)),
        (PROBING, soon(seconds=60), (1, True)),
        (OPEN, soon(hours=-1), (1, True)),
        (PROBING, soon(hours=-1), (1, True)),
    ],
)
def test_who_may_claim(health: Health, now: datetime, expected: tuple[int, bool]) -> None:
    assert may_claim(health, 10, now) == expected
    if expected[0] == 0:
        assert free_from(health, now, now) > now
        assert may_claim(health, 10, free_from(health, now, now))[0] > 0


def test_a_lane_opens_after_five_carries_failed_in_a_row() -> None:
    health = WELL
    for n in range(1, OPENS_AFTER):
        health = after_outcomes(health, [retry()], NOON)
        assert (health.breaker, health.failures) == ("closed", n)
    health = after_outcomes(health, [retry()], NOON)
    assert (health.breaker, health.opened_at, health.retry_at) == ("open", NOON, soon(seconds=5))
    assert (health.kind, health.why) == ("far.broken", "the far side answered 500")


def test_a_hundred_that_fail_as_one_are_one_failure() -> None:
    assert after_outcomes(WELL, [retry()] * 100, NOON).failures == 1


@pytest.mark.parametrize("answer", [done(), failed(), retry(lane_wide=False)])
def test_any_answer_about_a_customer_says_that_the_lane_is_there(answer: Outcome) -> None:
    assert after_outcomes(replace(WELL, failures=4), [retry(), answer], NOON) == WELL
    assert after_outcomes(PROBING, [answer], NOON) == WELL


def test_a_lane_that_was_never_ill_costs_no_write() -> None:
    assert after_outcomes(WELL, [done()], NOON) is WELL
    assert after_outcomes(OPEN, [], NOON) is OPEN


def test_a_stop_opens_at_once_even_when_others_arrived() -> None:
    health = after_outcomes(WELL, [done(), retry(stop=True, kind="far.credential")], NOON)
    assert (health.breaker, health.kind, health.retry_at) == ("open", "far.credential", soon(seconds=5))


def test_each_failed_probe_waits_longer() -> None:
    health, now = OPEN, NOON
    waits = []
    for _ in range(5):
        now = health.retry_at or now
        health = after_outcomes(replace(health, breaker="probing", retry_at=now), [retry()], now)
        assert health.breaker == "open"
        assert health.opened_at == NOON
        assert health.retry_at
        waits.append((health.retry_at - now).total_seconds())
    assert waits == [10, 20, 40, 60, 60]


@pytest.mark.parametrize("late", [retry(), retry(stop=True)])
def test_what_was_under_way_when_the_lane_opened_does_not_push_the_probe_out(late: Retry) -> None:
    after = after_outcomes(OPEN, [late], soon(seconds=1))
    assert (after.breaker, after.openings, after.retry_at) == ("open", 1, OPEN.retry_at)
    assert after.failures == 6


def test_a_pause_is_obeyed_and_is_no_failure() -> None:
    asked = [retry(pause=True, after=timedelta(seconds=s), kind="far.busy") for s in (3, 30, 10)]
    health = after_outcomes(replace(WELL, failures=4), asked, NOON)
    assert (health.breaker, health.failures, health.paused_until) == ("closed", 0, soon(seconds=30))


def test_a_probe_that_is_asked_to_wait_closes_the_lane() -> None:
    health = after_outcomes(PROBING, [retry(pause=True, after=timedelta(seconds=3))], NOON)
    assert (health.breaker, health.paused_until) == ("closed", soon(seconds=3))


def test_a_result_from_before_the_pause_does_not_end_it() -> None:
    paused = replace(WELL, failures=1, paused_until=soon(seconds=30))
    assert after_outcomes(paused, [done()], NOON).paused_until == soon(seconds=30)
    assert after_outcomes(paused, [done()], soon(seconds=30)) == WELL


def test_a_longer_pause_is_not_cut_short_by_a_shorter_one() -> None:
    paused = replace(WELL, paused_until=soon(hours=6))
    assert after_outcomes(paused, [retry(pause=True, after=timedelta(seconds=1))], NOON).paused_until == soon(hours=6)


def test_a_long_pause_is_a_stopped_lane_that_ends_with_one_probe() -> None:
    asked = retry(pause=True, after=timedelta(hours=1), kind="far.busy")
    health = after_outcomes(WELL, [asked], NOON)
    assert (health.breaker, health.opened_at, health.paused_until) == ("open", NOON, soon(hours=1))
    assert may_claim(health, 10, soon(minutes=59)) == (0, False)
    assert may_claim(health, 10, soon(hours=1)) == (1, True)

    again = after_outcomes(replace(health, breaker="probing"), [asked], soon(hours=1))
    assert (again.breaker, again.opened_at, again.paused_until) == ("open", NOON, soon(hours=2))
    assert after_outcomes(replace(health, breaker="probing"), [done()], soon(hours=1)) == WELL
    failed_probe = after_outcomes(replace(health, breaker="probing"), [retry()], soon(hours=1))
    assert (failed_probe.breaker, failed_probe.paused_until, failed_probe.kind) == ("open", None, retry().kind)


LONG = after_outcomes(WELL, [retry(pause=True, after=timedelta(hours=9), kind="hubspot.daily_limit")], NOON)


@pytest.mark.parametrize(
    "late",
    [
        done(),
        failed(),
        retry(kind="hubspot.http_503"),
        retry(pause=True, after=timedelta(seconds=1), kind="hubspot.rate_limit"),
        retry(pause=True, after=timedelta(minutes=9), kind="hubspot.rate_limit"),
    ],
)
def test_what_was_under_way_when_a_long_pause_began_ends_it_not_and_gives_it_no_other_cause(late: Outcome) -> None:
    after = after_outcomes(LONG, [late], soon(seconds=1))
    assert (after.breaker, after.kind, after.paused_until) == ("open", "hubspot.daily_limit", soon(hours=9))


def test_a_credential_that_is_refused_meanwhile_says_more_than_the_pause() -> None:
    after = after_outcomes(LONG, [retry(stop=True, kind="hubspot.token")], soon(seconds=1))
    assert (after.kind, after.paused_until) == ("hubspot.token", soon(hours=9))


@pytest.mark.parametrize("hours", [26, 72, 24 * 400])
def test_a_pause_longer_than_any_may_be_binds_nobody(hours: int) -> None:
    """It was written by an older version, or before the clock was set back."""
    old = replace(WELL, paused_until=soon(hours=hours))
    assert may_claim(old, 10, NOON) == (10, False)
    assert free_from(old, NOON, NOON) == NOON
    asked = retry(pause=True, after=timedelta(hours=hours))
    paused_until = after_outcomes(WELL, [asked], NOON).paused_until
    assert paused_until is not None
    assert paused_until <= soon(hours=25)


@pytest.mark.parametrize(
    ("health", "lifted"),
    [
        (WELL, None),
        (replace(WELL, paused_until=soon(minutes=5)), None),
        (replace(WELL, paused_until=soon(hours=6)), (1, True)),
        (LONG, (1, True)),
        (OPEN, (1, True)),
        (PROBING, None),
    ],
)
def test_what_somebody_lifts(health: Health, lifted: tuple[int, bool] | None) -> None:
    after = lift(health, NOON)
    if lifted is None:
        assert after == health
    else:
        assert may_claim(after, 10, NOON) == lifted


def test_outcomes_name_themselves() -> None:
    assert [type(o).__name__ for o in (done(), retry(), failed())] == ["Done", "Retry", "Failed"]
    assert isinstance(failed(), Failed)
