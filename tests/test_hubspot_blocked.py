"""What something before HubSpot refuses for the sake of one row is no verdict on the lane, and costs few calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.alike import Alike
from clients.blocked import Blocked
from clients.errors import AskPerson, CarryError, StopLane, TryLater
from clients.hubspot.lane import HubSpotLane
from clients.hubspot.sorting import not_hubspot
from clients.lane import Carried, Result
from clients.pace import AlonePace
from clients.sifting import Refusal, Sieve, Sifting
from customer import Customer, Task
from sandbox.config import SandboxConfig
from sandbox.world import World
from tests.no_socket import URL, sandbox_without_a_socket

NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FIRST: Final = 6900000000000
HTML: Final = "<html><body>Request blocked.</body></html>"
MOST: Final = 16
#: How something before the vendor says no.
FORMS: Final[Sequence[tuple[int, object]]] = (
    (403, HTML),
    (403, {"message": "Forbidden"}),
    (413, HTML),
    (413, {}),
    (406, HTML),
    (400, HTML),
    (200, HTML),
)


@pytest.fixture
def world() -> Iterator[World]:
    config = SandboxConfig(hubspot_calls_per_10_seconds=100_000, hubspot_property_lag_seconds=0.0)
    with sandbox_without_a_socket(config, clock=lambda: NOW) as world:
        yield world


@pytest.fixture
def lane(world: World) -> HubSpotLane:
    lane = HubSpotLane(
        access_token=world.config.hubspot_token,
        api_url=f"{URL}/hubspot",
        pace_store=AlonePace(),
        now=lambda: NOW,
        sleep=lambda _: None,
    )
    lane.prepare()
    world.calls.clear()
    return lane


def person(number: int, *, bad: bool = False, **more: Any) -> Customer:
    name = "../etc/passwd" if bad else "花子"
    told: dict[str, Any] = {"email": f"person{number}@example.com", "last_name": "見本", "first_name": name, **more}
    return Customer(id=FIRST + number, **told)


def people(count: int, *bad: int, attempt: int = 1) -> list[Task]:
    return [Task(person(number, bad=number in bad), attempt=attempt) for number in range(count)]


def firewall(world: World, status: int = 403, body: object = HTML, sent: str = "etc/passwd", **more: Any) -> int:
    return world.faults.add("hubspot", "status", status=status, body=body, sent=sent, **more)


def kinds(results: Any) -> dict[int, str | None]:
    return {
        customer_id - FIRST: result.kind if isinstance(result, CarryError) else None
        for customer_id, result in results.items()
    }


def one(lane: HubSpotLane, task: Task) -> Result:
    [result] = lane.carry([task]).values()
    return result


@pytest.mark.parametrize(("status", "body"), FORMS)
@pytest.mark.parametrize("where", [0, 1, 37, 63, 98, 99])
def test_one_row_of_a_hundred_stands_alone_within_sixteen_calls(
    world: World, lane: HubSpotLane, status: int, body: object, where: int
) -> None:
    firewall(world, status, body)
    results = lane.carry(people(100, where))
    assert world.calls.count(system="hubspot") <= MOST
    assert len(world.hubspot.records()) == 99
    refused = results[FIRST + where]
    assert isinstance(refused, AskPerson)
    assert refused.kind == "hubspot.blocked"
    assert "firewall" in refused.why
    assert sum(isinstance(each, Carried) for each in results.values()) == 99


@pytest.mark.parametrize("where", range(0, 100, 9))
def test_so_it_is_where_they_are_known_or_their_addresses_are_refused_when_read(
    world: World, lane: HubSpotLane, where: int
) -> None:
    firewall(world, sent=f"person{where}@example.com")
    results = lane.carry(people(100))
    assert world.calls.count(system="hubspot") <= MOST
    assert [number for number, kind in kinds(results).items() if kind] == [where]
    world.faults.clear()
    known = {FIRST + n: r for n, r in ((key - FIRST, each) for key, each in results.items()) if isinstance(r, Carried)}
    firewall(world)
    world.calls.clear()
    bad = next(iter(known)) - FIRST
    tasks = [
        Task(person(id_ - FIRST, bad=id_ - FIRST == bad, phone="090-0000-0001"), ref=r.ref, sent=r.sent)
        for id_, r in known.items()
    ]
    assert [number for number, kind in kinds(lane.carry(tasks)).items() if kind] == [bad]
    assert world.calls.count(system="hubspot") <= MOST


@pytest.mark.parametrize("bad", [(3, 77), (40, 41, 42), tuple(range(0, 100, 10)), tuple(range(60))])
def test_several_are_told_apart_over_some_carries_without_a_verdict_on_the_lane(
    world: World, lane: HubSpotLane, bad: tuple[int, ...]
) -> None:
    firewall(world)
    lane.carry([Task(person(500))])  # one who is taken
    left, refused, carries = people(100, *bad), set[int](), 0
    while left:
        world.calls.clear()
        results = lane.carry(left)
        assert world.calls.count(system="hubspot") <= MOST
        for customer_id, result in results.items():
            assert not isinstance(result, StopLane)
            assert isinstance(result, (Carried, AskPerson)) or not getattr(result, "lane_wide", True)
            if isinstance(result, AskPerson) or (isinstance(result, TryLater) and result.kind == "hubspot.blocked"):
                refused.add(customer_id - FIRST)
        unsettled = [t for t in left if getattr(results[t.customer.id], "kind", None) == "hubspot.sifting"]
        assert len(unsettled) < len(left)
        left, carries = unsettled, carries + 1
    assert refused == set(bad)
    assert carries <= 2 + len(bad)


@pytest.mark.parametrize(("status", "body"), FORMS)
def test_what_refuses_every_row_stops_the_lane(world: World, lane: HubSpotLane, status: int, body: object) -> None:
    firewall(world, status, body, sent="shopify_customer_id", path="upsert")
    results = lane.carry(people(100))
    assert world.calls.count(system="hubspot") <= MOST
    assert all(isinstance(each, StopLane) for each in results.values())
    assert set(kinds(results).values()) == {"hubspot.all_blocked"}
    # The next one alone is refused alike, and it is still the lane; one who is taken ends it.
    assert isinstance(one(lane, Task(person(900))), StopLane)
    world.faults.clear()
    assert isinstance(one(lane, Task(person(900))), Carried)
    firewall(world, status, body)
    assert isinstance(one(lane, Task(person(901, bad=True))), TryLater)


def test_two_who_go_alone_and_are_refused_alike_are_the_lane_after_all(world: World, lane: HubSpotLane) -> None:
    firewall(world)
    first = one(lane, Task(person(1, bad=True)))
    assert isinstance(first, TryLater)
    assert not first.lane_wide
    assert isinstance(one(lane, Task(person(1, bad=True), attempt=2)), TryLater), "the same one says nothing new"
    assert isinstance(one(lane, Task(person(2, bad=True))), StopLane)


def test_one_who_goes_alone_is_for_a_person_after_three_tries(world: World, lane: HubSpotLane) -> None:
    firewall(world)
    assert [type(one(lane, Task(person(1, bad=True), attempt=n))) for n in (1, 2, 3)] == [TryLater, TryLater, AskPerson]


@pytest.mark.parametrize("body", [HTML, {"message": "Forbidden"}])
def test_a_403_is_about_scopes_when_the_account_is_refused_as_well(
    world: World, lane: HubSpotLane, body: object
) -> None:
    world.faults.add("hubspot", "status", status=403, body=body)
    results = lane.carry(people(30))
    assert set(kinds(results).values()) == {"hubspot.scopes"}
    assert world.calls.count(system="hubspot") <= 4


def test_the_vendors_own_403_stops_the_lane_at_once(world: World, lane: HubSpotLane) -> None:
    world.faults.add(
        "hubspot", "status", status=403, body={"category": "MISSING_SCOPES", "message": "no"}, path="upsert"
    )
    assert set(kinds(lane.carry(people(30))).values()) == {"hubspot.scopes"}
    assert world.calls.count(system="hubspot", path="upsert") == 1


def test_a_look_at_one_says_so_and_concludes_nothing(world: World, lane: HubSpotLane) -> None:
    firewall(world, 200, HTML, sent="person1@")
    with pytest.raises(StopLane, match="firewall"):
        lane.preview(Task(person(1)))


# --- the plan by itself


def sift(count: int, bad: frozenset[int], *, blamed: bool = False) -> tuple[list[int], list[int], int]:
    """Who was taken, who stood alone, and how many calls it took."""
    sieve, taken, alone, calls = Sieve(range(count)), list[int](), list[int](), 0
    while part := sieve.next():
        calls += 1
        assert calls <= 3 * count + 20
        if guilty := [each for each in part if each in bad]:
            alone += part if len(part) == 1 else []
            sieve.refused(guilty[:1] if blamed else (), perhaps_all=not blamed)
        else:
            taken += part
            sieve.taken()
    return taken, alone, calls


@given(
    st.integers(1, 100).flatmap(lambda n: st.tuples(st.just(n), st.frozensets(st.integers(0, n - 1)))), st.booleans()
)
def test_every_row_is_settled_once_whoever_is_bad(what: tuple[int, frozenset[int]], blamed: bool) -> None:
    count, bad = what
    taken, alone, calls = sift(count, bad, blamed=blamed)
    assert sorted(taken) == sorted(set(range(count)) - bad)
    assert sorted(alone) == sorted(bad)
    assert calls <= 1 + 9 * max(len(bad), 1) + 9


@pytest.mark.parametrize("where", range(100))
def test_one_bad_row_costs_at_most_ten_calls(where: int) -> None:
    assert sift(100, frozenset({where}))[2] <= 10


@settings(max_examples=50)
@given(st.frozensets(st.integers(0, 99), max_size=40))
def test_each_carry_settles_some_within_its_calls(bad: frozenset[int]) -> None:
    calls, refusal = 0, Refusal[int, CarryError](not_hubspot(403), about_rows=True)
    open_: list[int] = list(range(100))
    alike = Alike()
    while open_:
        alike.taken("write")  # by another batch
        calls = 0

        def send(part: Any) -> Refusal[int, CarryError] | None:
            nonlocal calls
            calls += 1
            return refusal if set(part) & bad else None

        sifting: Sifting[CarryError] = Sifting("hubspot", alike, lambda _: None)
        sifted = sifting.run("write", open_, send, whose=lambda each: each)
        assert calls <= MOST
        if any(isinstance(verdict, Blocked) for _, verdict in sifted.unsent):
            assert not sifted.any_taken, "two refused alike, and nobody taken"
            break
        left = [each for each, _ in sifted.unsent]
        assert len(left) < len(open_)
        open_ = left
