"""When an alert rises, when it stays, when it is over, and when it says nothing: the rules, without a ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers.alert_changes import changes, count_refused
from handlers.alerting import ONE_BY_ONE, Now, Rules, judge
from ledger.alert import Alert, Changes, Sighting
from ledger.breaker import Health
from ledger.readings import Arrived, Readings, Tried, Waiting
from tests.conftest import NOON

LANES = ("shopify", "smaregi", "hubspot")
RULES = Rules(lanes=LANES, after_failures=3, mail="mail")
WELL = Readings({}, (), (), (), (), {}, NOON, None, {})
LONG_AGO = NOON - timedelta(days=1)


def moment(readings: Readings = WELL, *open_ones: Alert, at: datetime = NOON, **told: Any) -> Now:
    given: dict[str, Any] = {"usual_gap": None, "refused": 0, "calm_since": LONG_AGO, **told}
    return Now(at, readings, open_ones, **given)


def seen(now: Now, rules: Rules = RULES) -> list[str]:
    return [sighting.key for sighting in judge(now, rules)]


def opened(sighting: Sighting, **changed: Any) -> Alert:
    values = {name: getattr(sighting, name) for name in Sighting.__dataclass_fields__}
    return Alert(**{**values, "id": 1, "raised_at": NOON, "told_at": NOON, **changed})


def tried(*outcomes: str, cause: str | None = "smaregi.unavailable") -> list[Tried]:
    """The newest first; each a minute before the one in front of it."""
    return [
        Tried(outcome == "done", NOON - timedelta(minutes=i), 100 + i, None if outcome == "done" else cause)
        for i, outcome in enumerate(outcomes)
    ]


def arrived(*ms: float, usual: float = 2000.0, before: int = 200) -> list[Arrived]:
    return [Arrived(NOON - timedelta(minutes=1), one) for one in (*ms, *([usual] * before))]


@dataclass(frozen=True)
class Case:
    """What makes an alert rise, and what makes it go; each in words of the readings or of the moment."""

    kind: str
    wrong: Now
    well: Now


OPEN = Health("open", failures=5, openings=1, opened_at=NOON, kind="hubspot.unavailable", why="HubSpot answers 503")
REFUSED = replace(OPEN, kind="smaregi.credentials", why="Smaregi does not accept our credentials")
CASES = [
    Case(
        "failing",
        moment(replace(WELL, pos=tried("retry", "failed", "retry", "done"))),
        moment(replace(WELL, pos=tried("done", "retry", "failed"))),
    ),
    Case(
        "open", moment(replace(WELL, healths={"hubspot": OPEN})), moment(replace(WELL, healths={"hubspot": Health()}))
    ),
    Case("credential", moment(replace(WELL, healths={"smaregi": REFUSED})), moment()),
    Case(
        "slow",
        moment(replace(WELL, arrived=arrived(6100, 2000, 9000, 6500, 1900))),
        moment(replace(WELL, arrived=arrived(1900, 2000, 9000, 6500, 1900))),
    ),
    Case(
        "index",
        moment(replace(WELL, index_fresh_at=NOON - timedelta(seconds=301))),
        moment(replace(WELL, index_fresh_at=NOON - timedelta(seconds=299))),
    ),
    Case(
        "same_person",
        moment(replace(WELL, twins=[(7, "smaregi", "smaregi.several_members", NOON)])),
        moment(),
    ),
    Case("failed", moment(replace(WELL, waiting=[Waiting("hubspot", "hubspot.refused", 1, NOON, (7,))])), moment()),
    Case(
        "debt",
        moment(replace(WELL, debts={"hubspot": NOON - timedelta(minutes=16)})),
        moment(replace(WELL, debts={"hubspot": NOON - timedelta(minutes=14)})),
    ),
    Case(
        "silence",
        moment(replace(WELL, last_delivery=NOON - timedelta(hours=2)), usual_gap=timedelta(hours=1)),
        moment(replace(WELL, last_delivery=NOON - timedelta(minutes=1)), usual_gap=timedelta(hours=1)),
    ),
    Case("unreadable", moment(replace(WELL, unreadable=(1, NOON))), moment()),
    Case("refused", moment(refused=20), moment(refused=4)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_each_kind_rises_stays_and_goes(case: Case) -> None:
    [sighting] = judge(case.wrong, RULES)
    assert sighting.kind == case.kind
    assert changes([sighting], [], NOON).rise == (sighting,)

    standing = opened(sighting)
    again = replace(case.wrong, open_ones=[standing])
    assert changes(judge(again, RULES), [standing], NOON) == Changes(), "nothing has changed, so nothing is written"

    assert judge(replace(case.well, open_ones=[standing]), RULES) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_nothing_rises_when_all_is_well(case: Case) -> None:
    assert judge(case.well, RULES) == []


def test_a_lane_that_is_off_is_nobodys_trouble() -> None:
    wrong = replace(
        WELL,
        healths={"smaregi": REFUSED, "hubspot": OPEN},
        pos=tried("retry", "retry", "retry"),
        waiting=[Waiting("hubspot", "hubspot.refused", 1, NOON, (7,))],
        debts={"hubspot": LONG_AGO},
    )
    assert seen(moment(wrong), Rules(lanes=["shopify"])) == []


def test_of_the_mail_only_that_its_lane_has_stopped_is_told() -> None:
    wrong = replace(
        WELL,
        healths={"mail": OPEN},
        waiting=[Waiting("mail", "mail.refused", 1, NOON, (7,))],
        debts={"mail": LONG_AGO},
    )
    assert seen(moment(wrong)) == ["open:mail"]


class TestThePos:
    def test_fewer_failures_than_the_setting_says_are_no_news(self) -> None:
        assert seen(moment(replace(WELL, pos=tried("retry", "failed", "done")))) == []
        assert seen(
            moment(
                replace(WELL, pos=tried("retry")),
            ),
            replace(RULES, after_failures=1),
        ) == ["failing:smaregi"]

    def test_the_alert_names_who_failed_by_their_ids(self) -> None:
        [sighting] = judge(moment(replace(WELL, pos=tried("retry", "failed", "retry", "done"))), RULES)
        assert (sighting.count, sighting.customers, sighting.customer_id) == (3, (100, 101, 102), None)
        assert sighting.since == NOON - timedelta(minutes=2)

    def test_it_is_not_told_beside_a_lane_that_has_stopped(self) -> None:
        wrong = replace(WELL, pos=tried("retry", "retry", "retry"), healths={"smaregi": OPEN})
        assert seen(moment(wrong)) == ["open:smaregi"]

    def test_it_stands_until_something_arrives(self) -> None:
        standing = opened(judge(CASES[0].wrong, RULES)[0])
        assert seen(moment(replace(WELL, pos=tried("retry", "done")), standing)) == ["failing:smaregi"]
        assert seen(moment(WELL, standing)) == ["failing:smaregi"], "no attempt says nothing"


class TestALaneThatStops:
    def test_a_refused_credential_is_told_as_that_alone(self) -> None:
        assert seen(moment(replace(WELL, healths={"smaregi": REFUSED}))) == ["credential:smaregi"]

    def test_a_stopped_lane_is_not_told_as_well_again_because_its_credential_is_refused_now(self) -> None:
        standing = opened(judge(moment(replace(WELL, healths={"smaregi": OPEN})), RULES)[0])
        now = moment(replace(WELL, healths={"smaregi": REFUSED}), standing)
        assert sorted(seen(now)) == ["credential:smaregi", "open:smaregi"]

    def test_one_that_was_asked_to_wait_for_long_is_told_as_that_until_it_is_well(self) -> None:
        asked = replace(OPEN, kind="smaregi.busy", paused_until=NOON + timedelta(hours=1))
        for health in (asked, replace(asked, breaker="probing")):
            assert seen(moment(replace(WELL, healths={"smaregi": health}))) == ["paused:smaregi"]
        short = Health(paused_until=NOON + timedelta(minutes=1), kind="smaregi.busy")
        assert seen(moment(replace(WELL, healths={"smaregi": short}))) == []

    def test_an_old_index_is_not_told_beside_or_just_after_a_lane_that_has_stopped(self) -> None:
        old = replace(WELL, index_fresh_at=NOON - timedelta(hours=1))
        stopped = replace(OPEN, kind="smaregi.credentials")
        assert "index" not in seen(moment(replace(old, healths={"smaregi": stopped})))
        (credential,) = judge(moment(replace(WELL, healths={"smaregi": stopped})), RULES)
        assert seen(moment(old, opened(credential))) == []
        assert seen(moment(old), replace(RULES, lanes=("hubspot",))) == []

    def test_after_a_start_the_index_has_five_minutes_and_an_alert_that_stands_outlives_a_restart(self) -> None:
        old = replace(WELL, index_fresh_at=NOON - timedelta(hours=1))
        assert seen(moment(old, up_since=NOON - timedelta(minutes=5))) == []
        (index,) = judge(moment(old, up_since=NOON - timedelta(seconds=301)), RULES)
        assert seen(moment(old, opened(index), up_since=NOON)) == ["index"]

    def test_a_probe_on_its_way_changes_nothing(self) -> None:
        assert seen(moment(replace(WELL, healths={"smaregi": replace(OPEN, breaker="probing")}))) == ["open:smaregi"]


class TestBeingSlow:
    def test_one_slow_customer_is_nothing(self) -> None:
        assert seen(moment(replace(WELL, arrived=arrived(60000, 2000, 2000, 2000, 50000)))) == []

    def test_normal_is_two_seconds_until_enough_are_known(self) -> None:
        fast = replace(WELL, arrived=arrived(5900, 5900, 5900, 5900, 5900, usual=500, before=19))
        assert seen(moment(fast)) == []
        known = replace(WELL, arrived=arrived(5900, 5900, 5900, 5900, 5900, usual=500, before=20))
        [sighting] = judge(moment(known), RULES)
        assert sighting.facts == {"ms": 5900, "normal_ms": 500}

    def test_what_nobody_at_a_till_notices_is_not_slow(self) -> None:
        assert seen(moment(replace(WELL, arrived=arrived(900, 900, 900, 900, 900, usual=100)))) == []

    def test_it_is_over_when_they_are_below_twice_what_is_usual_and_not_before(self) -> None:
        standing = opened(judge(CASES[3].wrong, RULES)[0])
        between = replace(WELL, arrived=arrived(4500, 4500, 4500, 4500, 4500))
        assert seen(moment(between)) == []
        assert seen(moment(between, standing)) == ["slow"]
        assert seen(moment(replace(WELL, arrived=arrived(3900, 3900, 3900, 9000, 9000)), standing)) == []

    def test_who_came_while_a_lane_was_in_trouble_is_not_called_slow(self) -> None:
        slow = replace(WELL, arrived=arrived(90000, 90000, 90000, 90000, 90000))
        assert seen(moment(slow, calm_since=None)) == []
        assert seen(moment(slow, calm_since=NOON)) == []
        assert seen(moment(slow, calm_since=NOON - timedelta(minutes=2))) == ["slow"]


class TestTheSamePerson:
    def test_two_lanes_that_ask_about_one_customer_are_one_alert(self) -> None:
        twins = [(7, "smaregi", "smaregi.linked_to_other", NOON), (7, "hubspot", "hubspot.linked_to_other", NOON)]
        [sighting] = judge(moment(replace(WELL, twins=twins)), RULES)
        assert (sighting.key, sighting.customer_id, sighting.lane) == ("same_person:7", 7, "smaregi")

    def test_a_flood_of_them_is_one_alert_that_names_the_first(self) -> None:
        many = [(i, "smaregi", "smaregi.several_members", NOON) for i in range(1, ONE_BY_ONE + 2)]
        [sighting] = judge(moment(replace(WELL, twins=many)), RULES)
        assert (sighting.key, sighting.count, sighting.customers) == ("same_person", 11, (1, 2, 3, 4, 5))

        standing = opened(sighting)
        assert seen(moment(replace(WELL, twins=many[:2]), standing)) == ["same_person"], "it is worked off quietly"
        assert seen(moment(WELL, standing)) == []

    def test_who_was_told_alone_stays_alone_in_a_flood(self) -> None:
        few = [(i, "smaregi", "smaregi.several_members", NOON) for i in (1, 2)]
        alone = [opened(one, id=i) for i, one in enumerate(judge(moment(replace(WELL, twins=few)), RULES))]
        more = [*few, *((i, "smaregi", "smaregi.several_members", NOON) for i in range(3, 20))]
        assert seen(moment(replace(WELL, twins=more), *alone)) == ["same_person", "same_person:1", "same_person:2"]


class TestWhatFailed:
    def waiting(self, count: int, cause: str = "hubspot.refused") -> Readings:
        return replace(WELL, waiting=[Waiting("hubspot", cause, count, NOON, tuple(range(1, min(count, 5) + 1)))])

    def test_a_thousand_are_one_alert(self) -> None:
        [sighting] = judge(moment(self.waiting(1000)), RULES)
        assert (sighting.count, sighting.customers, sighting.customer_id) == (1000, (1, 2, 3, 4, 5), None)

    def test_a_new_cause_is_news(self) -> None:
        standing = opened(judge(moment(self.waiting(3)), RULES)[0])
        both = replace(WELL, waiting=[*self.waiting(3).waiting, *self.waiting(1, "hubspot.conflict").waiting])
        changed = changes(judge(moment(both, standing), RULES), [standing], NOON)
        assert [one.key for one in changed.rise] == ["failed:hubspot:hubspot.conflict"]

    def test_one_more_is_counted_and_ten_times_as_many_are_news(self) -> None:
        standing = opened(judge(moment(self.waiting(1)), RULES)[0])
        nine = changes(judge(moment(self.waiting(9), standing), RULES), [standing], NOON)
        assert (list(nine.seen), list(nine.grown), nine.seen[1].count) == ([1], [], 9)
        ten = changes(judge(moment(self.waiting(10), standing), RULES), [standing], NOON)
        assert (list(ten.seen), list(ten.grown)) == ([], [1])

    def test_fewer_and_then_more_again_are_no_news(self) -> None:
        standing = opened(judge(moment(self.waiting(10)), RULES)[0])
        fewer = changes(judge(moment(self.waiting(3), standing), RULES), [standing], NOON).seen[1]
        assert fewer.facts == standing.facts
        assert changes(judge(moment(self.waiting(30), opened(fewer)), RULES), [opened(fewer)], NOON).grown == {}


class TestSilence:
    def test_without_a_usual_gap_nothing_is_judged(self) -> None:
        assert seen(moment(replace(WELL, last_delivery=LONG_AGO))) == []

    def test_a_longer_gap_at_night_does_not_end_it(self) -> None:
        silent = replace(WELL, last_delivery=NOON - timedelta(hours=2))
        standing = opened(judge(moment(silent, usual_gap=timedelta(hours=1)), RULES)[0])
        assert seen(moment(silent, standing, usual_gap=timedelta(hours=9))) == ["silence"]
        assert seen(moment(silent, standing, usual_gap=None)) == ["silence"]


class TestWhatChanges:
    SIGHTING = Sighting("open", "open:hubspot", NOON, "hubspot")

    def test_what_comes_and_goes_within_a_minute_is_told_once(self) -> None:
        standing = opened(self.SIGHTING)
        assert changes([], [standing], NOON) == Changes(gone=(1,))
        gone = replace(standing, gone_since=NOON)
        assert changes([], [gone], NOON + timedelta(seconds=59)) == Changes()
        assert changes([self.SIGHTING], [gone], NOON + timedelta(seconds=59)) == Changes(back=(1,))
        assert changes([], [gone], NOON + timedelta(seconds=60)) == Changes(over=(1,))

    def test_what_needs_no_calm_is_over_at_once(self) -> None:
        assert changes([], [opened(Sighting("silence", "silence", NOON))], NOON) == Changes(over=(1,))

    def test_what_was_open_before_there_was_anybody_to_tell_is_told(self) -> None:
        assert changes([self.SIGHTING], [opened(self.SIGHTING, told_at=None)], NOON) == Changes(tell=(1,))
        assert changes([self.SIGHTING], [opened(self.SIGHTING, told_at=None)], NOON, somebody=False) == Changes()
        waits = opened(self.SIGHTING, told_at=None, news="rise")
        assert changes([self.SIGHTING], [waits], NOON) == Changes()


class TestRefused:
    def test_they_are_counted_over_ten_minutes_and_over_midnight(self) -> None:
        began = datetime(2026, 11, 22, 23, 55, tzinfo=UTC)
        memory: dict[str, Any] = {}

        def count_at(minute: int, **by_day: int) -> int:
            days = {f"2026-11-{day.removeprefix('on_')}": n for day, n in by_day.items()}
            count, kept = count_refused(memory, days, began + timedelta(minutes=minute))
            memory.update(kept or {})
            return count

        assert count_at(0, on_21=5, on_22=1000) == 0, "how long these took, nobody knows"
        assert count_at(4, on_21=5, on_22=1007) == 7
        assert count_at(6, on_22=1008, on_23=3) == 11
        assert count_at(13, on_22=1008, on_23=3) == 11
        assert count_at(15, on_22=1008, on_23=4) == 5, "the first seven are older than ten minutes"

    def test_what_came_while_nobody_looked_is_not_counted(self) -> None:
        _, memory = count_refused({}, {"2026-11-22": 3}, NOON)
        assert memory is not None
        assert count_refused(memory, {"2026-11-22": 900}, NOON + timedelta(minutes=11))[0] == 0
        assert count_refused(memory, {"2026-11-22": 30}, NOON + timedelta(minutes=9))[0] == 27

    def test_a_quiet_look_within_a_minute_writes_nothing(self) -> None:
        _, memory = count_refused({}, {}, NOON)
        assert memory is not None
        assert count_refused(memory, {}, NOON + timedelta(seconds=50))[1] is None
        assert count_refused(memory, {}, NOON + timedelta(seconds=60))[1] is not None

    def test_what_is_remembered_stays_small(self) -> None:
        memory: dict[str, Any] = {}
        for i in range(500):
            _, kept = count_refused(memory, {"2026-11-22": i}, NOON + timedelta(seconds=10 * i))
            memory = dict(kept or memory)
        assert len(memory["refused"]["steps"]) <= 11
