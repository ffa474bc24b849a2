"""The rows of the alerts: one open row for each key, told once by whoever claims it, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from ledger.alert import Alert, Changes, Sighting
from ledger.alerts import STALE, UNKNOWN_END, Alerts
from ledger.database import Database
from tests.conftest import NOON

LEASE = timedelta(seconds=60)
TURN = timedelta(seconds=9)
SEEN = Sighting("open", "open:hubspot", NOON, "hubspot", cause="hubspot.unavailable", why="HubSpot answers 503")
OTHER = Sighting("failed", "failed:hubspot:x", NOON, "hubspot", count=1, customers=(7,), facts={"level": 0})


@pytest.fixture
def alerts(database: Database) -> Alerts:
    return Alerts(database)


def write(alerts: Alerts, changes: Changes, now: datetime = NOON, *, tell: bool = True) -> Any:
    """One look, by whoever has the turn."""
    turn = alerts.take_turn(now, timedelta(microseconds=1))
    assert turn is not None
    return alerts.write(changes, now=now, tell=tell, turn=turn[0], memory=None)


def risen(alerts: Alerts, sighting: Sighting = SEEN, now: datetime = NOON, *, tell: bool = True) -> Alert:
    [alert], _ = write(alerts, Changes(rise=(sighting,)), now, tell=tell)
    assert isinstance(alert, Alert)
    return alert


def claimed(alerts: Alerts, now: datetime = NOON) -> Alert:
    [alert] = alerts.claim(5, now=now, lease=LEASE)
    return alert


def begun(alerts: Alerts, now: datetime = NOON) -> Alert:
    alert = claimed(alerts, now)
    assert alerts.begin(alert, now=now, lease=LEASE)
    return alert


def later(**by: float) -> datetime:
    return NOON + timedelta(**by)


def test_what_is_raised_is_read_back_as_it_was(alerts: Alerts) -> None:
    risen(alerts, OTHER)
    [alert] = alerts.open_ones()
    assert (alert.key, alert.customers, alert.facts, alert.since) == (OTHER.key, (7,), {"level": 0}, NOON)
    assert (alert.news, alert.told_at, alert.lasted, alerts.count_open()) == ("rise", None, None, 1)


def test_the_same_thing_is_open_once_and_only_who_raised_it_hears_so(alerts: Alerts) -> None:
    risen(alerts)
    assert write(alerts, Changes(rise=(SEEN,)), later(seconds=1)) == ([], [])
    assert len(alerts.open_ones()) == 1


def test_what_is_over_can_rise_again(alerts: Alerts) -> None:
    first = risen(alerts)
    _, [over] = write(alerts, Changes(over=(first.id,)), later(minutes=5))
    assert (over.id, over.news, over.lasted, alerts.open_ones()) == (first.id, "over", timedelta(minutes=5), [])
    assert risen(alerts, now=later(minutes=6)).id != first.id
    assert [alert.id for alert in alerts.last_over()] == [first.id]


def test_it_lasted_until_it_was_last_seen(alerts: Alerts) -> None:
    first = risen(alerts)
    write(alerts, Changes(gone=(first.id,)), later(minutes=4))
    _, [over] = write(alerts, Changes(over=(first.id,)), later(minutes=5))
    assert over.lasted == timedelta(minutes=4)


def test_one_process_at_a_time_has_the_turn_and_remembers_for_the_next(alerts: Alerts) -> None:
    turn = alerts.take_turn(NOON, TURN)
    assert turn == (NOON + TURN, {})
    assert alerts.take_turn(later(seconds=8), TURN) is None
    alerts.write(Changes(), now=NOON, tell=True, turn=turn[0], memory={"refused": {"at": 1}})
    assert alerts.take_turn(later(seconds=9), TURN) == (later(seconds=18), {"refused": {"at": 1}})


def test_a_turn_taken_by_a_clock_that_was_set_back_ends_all_the_same(alerts: Alerts) -> None:
    assert alerts.take_turn(later(days=1), TURN)
    assert alerts.take_turn(NOON, TURN)


def test_who_lost_the_turn_writes_nothing(alerts: Alerts) -> None:
    turn = alerts.take_turn(NOON, TURN)
    assert turn is not None
    assert alerts.take_turn(later(seconds=10), TURN)
    assert alerts.write(Changes(rise=(SEEN,)), now=later(seconds=11), tell=True, turn=turn[0], memory=None) == ([], [])
    assert alerts.open_ones() == []


def test_a_look_without_news_writes_nothing(alerts: Alerts, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = alerts.take_turn(NOON, TURN)
    assert turn is not None
    monkeypatch.setattr(Database, "writing", None)
    assert alerts.write(Changes(), now=NOON, tell=True, turn=turn[0], memory=None) == ([], [])


def test_what_has_been_told_is_not_told_again(alerts: Alerts) -> None:
    risen(alerts)
    alert = begun(alerts)
    assert alerts.told(alert, now=later(seconds=1), told_to=["json://1"])
    [told] = alerts.open_ones()
    assert (told.told_at, told.news, told.told_to, told.token) == (later(seconds=1), None, (), None)
    assert alerts.claim(5, now=later(days=1), lease=LEASE) == []


def test_a_claim_holds_until_its_lease_ends(alerts: Alerts) -> None:
    risen(alerts)
    first = claimed(alerts)
    assert alerts.claim(5, now=later(seconds=59), lease=LEASE) == []
    second = claimed(alerts, later(seconds=60))
    assert second.token != first.token
    assert not alerts.begin(first, now=later(seconds=60), lease=LEASE), "it is the other one's by now"
    assert alerts.begin(second, now=later(seconds=61), lease=LEASE)


def test_a_claim_whose_lease_is_over_may_not_begin(alerts: Alerts) -> None:
    risen(alerts)
    assert not alerts.begin(claimed(alerts), now=later(seconds=60), lease=LEASE)


def test_who_was_killed_before_sending_has_told_nobody(alerts: Alerts) -> None:
    risen(alerts)
    claimed(alerts)
    assert alerts.end_unknown(now=later(seconds=61), lease=LEASE) == []
    assert begun(alerts, later(seconds=61))


def test_who_was_killed_while_sending_may_have_told_everybody(alerts: Alerts) -> None:
    risen(alerts)
    dead = begun(alerts)
    assert alerts.end_unknown(now=later(seconds=59), lease=LEASE) == []
    assert alerts.claim(5, now=later(seconds=60), lease=LEASE) == []
    assert [alert.id for alert in alerts.end_unknown(now=later(seconds=60), lease=LEASE)] == [dead.id]
    [alert] = alerts.open_ones()
    assert (alert.news, alert.told_at, alert.trouble) == (None, later(seconds=60), UNKNOWN_END)
    assert alerts.end_unknown(now=later(hours=1), lease=LEASE) == []
    assert alerts.claim(5, now=later(days=1), lease=LEASE) == []
    assert not alerts.told(dead, now=later(minutes=2)), "its word comes too late"


def test_that_it_is_over_is_told_even_so(alerts: Alerts) -> None:
    dead = risen(alerts)
    begun(alerts)
    write(alerts, Changes(over=(dead.id,)), later(seconds=30))
    assert alerts.claim(5, now=later(seconds=31), lease=LEASE) == [], "first it must be known how the rise ended"
    alerts.end_unknown(now=later(seconds=60), lease=LEASE)
    over = begun(alerts, later(seconds=60))
    assert (over.news, over.told_at) == ("over", later(seconds=60))


def test_what_could_not_be_sent_is_tried_again_and_only_where_it_was_not_told(alerts: Alerts) -> None:
    risen(alerts)
    alerts.told(
        begun(alerts), now=NOON, told_to=["json://1"], trouble="slack://: it answers 500", again_at=later(seconds=30)
    )
    assert alerts.claim(5, now=later(seconds=29), lease=LEASE) == []
    again = begun(alerts, later(seconds=30))
    assert (again.told_to, again.tries, again.trouble) == (("json://1",), 1, "slack://: it answers 500")
    assert again.told_at == NOON, "somebody knows of it"
    alerts.told(again, now=later(seconds=31), told_to=["slack://2"])
    [told] = alerts.open_ones()
    assert (told.news, told.tries, told.trouble) == (None, 0, None)


def test_what_is_over_before_anybody_was_told_is_told_once_as_over(alerts: Alerts) -> None:
    alert = risen(alerts)
    alerts.told(begun(alerts), now=NOON, trouble="json://: it does not answer", again_at=later(minutes=15))
    write(alerts, Changes(over=(alert.id,)), later(minutes=1))
    over = begun(alerts, later(minutes=1))
    assert (over.news, over.told_at, over.tries) == ("over", None, 0)
    alerts.told(over, now=later(minutes=1), told_to=["json://1"])
    assert alerts.claim(5, now=later(days=1), lease=LEASE) == []


def test_who_claimed_the_rise_lets_it_go_when_it_is_over(alerts: Alerts) -> None:
    alert = risen(alerts)
    rise = claimed(alerts)
    write(alerts, Changes(over=(alert.id,)), later(seconds=1))
    assert not alerts.begin(rise, now=later(seconds=2), lease=LEASE)
    assert begun(alerts, later(seconds=2)).news == "over"


def test_the_end_of_the_rise_does_not_hide_that_it_is_over(alerts: Alerts) -> None:
    alert = risen(alerts)
    rise = begun(alerts)
    write(alerts, Changes(over=(alert.id,)), later(seconds=1))
    alerts.told(rise, now=later(seconds=2), told_to=["json://1"])
    over = begun(alerts, later(seconds=2))
    assert (over.news, over.told_at, over.told_to) == ("over", later(seconds=2), ())


def test_that_something_was_over_yesterday_is_no_news(alerts: Alerts) -> None:
    alert = risen(alerts)
    write(alerts, Changes(over=(alert.id,)), later(seconds=1))
    assert alerts.claim(5, now=later(seconds=1) + STALE, lease=LEASE) == []


def test_what_has_grown_is_told_once_more_but_not_while_it_is_being_told(alerts: Alerts) -> None:
    alert = risen(alerts, OTHER)
    grown = Sighting(**{**_values(OTHER), "count": 10, "facts": {"level": 1}})
    teller = begun(alerts)
    write(alerts, Changes(grown={alert.id: grown}), later(seconds=1))
    alerts.told(teller, now=later(seconds=2), told_to=["json://1"])
    [told] = alerts.open_ones()
    assert (told.count, told.facts, told.news) == (1, {"level": 0}, None), "so the next look finds that it has grown"
    write(alerts, Changes(grown={alert.id: grown}), later(seconds=10))
    again = begun(alerts, later(seconds=10))
    assert (again.news, again.count, again.facts) == ("rise", 10, {"level": 1})


def test_without_anybody_to_tell_alerts_rise_and_end_all_the_same(alerts: Alerts) -> None:
    alert = risen(alerts, tell=False)
    assert alert.news is None
    _, [over] = write(alerts, Changes(over=(alert.id,)), later(seconds=1), tell=False)
    assert over.news is None
    assert alerts.claim(5, now=later(seconds=2), lease=LEASE) == []


def test_what_was_open_is_told_when_there_is_somebody_at_last(alerts: Alerts) -> None:
    alert = risen(alerts, tell=False)
    write(alerts, Changes(tell=(alert.id,)), later(seconds=1))
    assert begun(alerts, later(seconds=1)).news == "rise"


def test_old_alerts_are_forgotten_and_open_ones_never(alerts: Alerts) -> None:
    alert = risen(alerts)
    risen(alerts, OTHER, later(seconds=1))
    write(alerts, Changes(over=(alert.id,)), later(seconds=2))
    assert alerts.prune(later(seconds=2)) == 0
    assert alerts.prune(later(days=180)) == 1
    assert [one.key for one in alerts.open_ones()] == [OTHER.key]


def test_two_who_raise_at_the_same_moment_raise_one(database_url: str) -> None:
    databases = [Database(database_url, busy_s=5) for _ in range(2)]
    rose = both(lambda i: _raise(databases[i]))
    assert sorted(map(len, rose)) == [0, 1]
    for database in databases:
        database.close()


def test_two_who_claim_at_the_same_moment_never_claim_the_same(database_url: str) -> None:
    databases = [Database(database_url, busy_s=5) for _ in range(2)]
    first = Alerts(databases[0])
    for i in range(20):
        risen(first, Sighting("failed", f"failed:{i}", NOON), later(seconds=i))
    taken = both(lambda i: Alerts(databases[i]).claim(20, now=later(minutes=1), lease=LEASE))
    ids = [alert.id for alerts in taken for alert in alerts]
    assert len(ids) == len(set(ids)) == 20
    for database in databases:
        database.close()


def _raise(database: Database) -> list[Alert]:
    """Beside the turn, which keeps two from looking at once."""
    with database.writing() as c:
        alert = Alerts(database)._raise(c, SEEN, {"news": "rise", "next_try_at": NOON}, NOON)
        return [alert] if alert else []


def both(go: Callable[[int], Any]) -> list[Any]:
    """Two threads, let go at one moment."""
    barrier, results = threading.Barrier(2), [None, None]

    def run(i: int) -> None:
        barrier.wait(10)
        results[i] = go(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def _values(sighting: Sighting) -> dict[str, Any]:
    return {name: getattr(sighting, name) for name in Sighting.__dataclass_fields__}
