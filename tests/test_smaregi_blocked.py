"""What something before Smaregi refuses for the sake of one customer is no verdict on the lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from clients.errors import AskPerson, StopLane, TryLater
from clients.http import Answer
from clients.lane import Carried, Result
from clients.pace import AlonePace
from clients.smaregi.alone import AloneFlags, AloneIndex
from clients.smaregi.blocked import may_be_of_one
from clients.smaregi.lane import SmaregiLane
from clients.token import AloneVault
from customer import Customer, Task
from sandbox.config import SandboxConfig
from sandbox.world import World
from tests.flow import UNLIMITED, running, until
from tests.no_socket import URL, sandbox_without_a_socket

NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FIRST: Final = 6900000000000
HTML: Final = "<html><body>Request blocked.</body></html>"
PROBLEM: Final = {"type": "about:blank", "title": "Forbidden", "status": 403}
#: How something before Smaregi says no, and what it is called when everybody hears it.
FORMS: Final[Sequence[tuple[int, object, str]]] = (
    (403, HTML, "smaregi.all_blocked"),
    (403, {"message": "Forbidden"}, "smaregi.forbidden"),
    (403, PROBLEM, "smaregi.forbidden"),
    (413, HTML, "smaregi.all_blocked"),
    (413, {}, "smaregi.all_blocked"),
    (406, HTML, "smaregi.all_blocked"),
    (400, HTML, "smaregi.all_blocked"),
    (405, HTML, "smaregi.address"),
    (302, HTML, "smaregi.address"),
    (200, HTML, "smaregi.all_blocked"),
)


@pytest.fixture
def world() -> Iterator[World]:
    config = SandboxConfig(smaregi_reads_per_second=None, smaregi_writes_per_second=None)
    with sandbox_without_a_socket(config, clock=lambda: NOW) as world:
        yield world


@pytest.fixture
def lane(world: World) -> SmaregiLane:
    lane = SmaregiLane(
        api_url=f"{URL}/smaregi",
        auth_url=f"{URL}/smaregi-id",
        contract_id=world.config.contract_id,
        client_id=world.config.smaregi_client_id,
        client_secret=world.config.smaregi_client_secret,
        index=AloneIndex(),
        flags=AloneFlags(),
        vault=AloneVault(),
        pace_store=AlonePace(),
        reads_per_second=1000,
        writes_per_second=1000,
        matched_member="keep_code",
        placeholder="未入力",
        now=lambda: NOW,
        sleep=lambda _: None,
    )
    lane.prepare()
    lane.tend()
    world.calls.clear()
    return lane


def task(number: int, *, bad: bool = False, attempt: int = 1, **more: Any) -> Task:
    name = "../etc/passwd" if bad else "花子"
    who = Customer(id=FIRST + number, email=f"person{number}@example.com", last_name="見本", first_name=name)
    return Task(who, attempt=attempt, **more)


def carry(lane: SmaregiLane, one: Task) -> Result:
    [result] = lane.carry([one]).values()
    return result


def firewall(world: World, status: int = 403, body: object = HTML, sent: str = "etc/passwd", **more: Any) -> int:
    return world.faults.add("smaregi", "status", status=status, body=body, sent=sent, **more)


@pytest.mark.parametrize(("status", "body", "_"), FORMS)
def test_one_of_many_is_for_a_person_and_the_others_arrive(
    world: World, lane: SmaregiLane, status: int, body: object, _: str
) -> None:
    firewall(world, status, body)
    first = carry(lane, task(1, bad=True))
    assert isinstance(first, TryLater)
    assert (first.kind, first.lane_wide) == ("smaregi.blocked", False)
    assert isinstance(carry(lane, task(2)), Carried)
    second = carry(lane, task(1, bad=True, attempt=2, doubt=first.doubt))
    assert isinstance(second, AskPerson)
    assert second.kind == "smaregi.blocked"
    assert "firewall" in second.why
    assert "passwd" not in second.why
    # Another one, hours later, and alone at that moment: still no matter of the lane.
    assert isinstance(carry(lane, task(3, bad=True)), TryLater)
    assert len(world.smaregi.records()) == 1


@pytest.mark.parametrize(("status", "body", "_"), FORMS)
def test_so_it_is_with_a_member_that_is_known(
    world: World, lane: SmaregiLane, status: int, body: object, _: str
) -> None:
    made = carry(lane, task(1))
    assert isinstance(made, Carried)
    firewall(world, status, body)
    known: dict[str, Any] = {"ref": made.ref, "sent": made.sent, "memo": made.memo}
    results = [carry(lane, task(1, bad=True, attempt=n, **known)) for n in (1, 2, 3)]
    assert [type(each) for each in results] == [TryLater, TryLater, AskPerson]
    assert [member["firstName"] for member in world.smaregi.records()] == ["花子"]


@pytest.mark.parametrize(("status", "body", "kind"), FORMS)
def test_two_refused_alike_with_nobody_taken_between_are_the_lane(
    world: World, lane: SmaregiLane, status: int, body: object, kind: str
) -> None:
    blocked = firewall(world, status, body, sent="customerCode", method="POST", path="/customers$")
    assert isinstance(carry(lane, task(1)), TryLater)
    assert isinstance(carry(lane, task(1, attempt=2)), TryLater), "the same one says nothing new"
    second = carry(lane, task(2))
    assert isinstance(second, StopLane)
    assert second.kind == kind
    assert isinstance(carry(lane, task(3)), StopLane)
    world.faults.remove(blocked)
    assert isinstance(carry(lane, task(3)), Carried)
    firewall(world, status, body)
    assert isinstance(carry(lane, task(4, bad=True)), TryLater)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, HTML, "smaregi.forbidden"),
        (403, None, "smaregi.forbidden"),
        (401, None, "smaregi.credentials"),
        (404, HTML, "smaregi.address"),
        (200, HTML, "smaregi.all_blocked"),
    ],
)
def test_where_the_required_columns_are_refused_as_well_it_is_the_lane_at_once(
    world: World, lane: SmaregiLane, status: int, body: object, kind: str
) -> None:
    world.faults.add("smaregi", "status", status=status, body=body, path="/pos/")
    stop = carry(lane, task(1))
    assert isinstance(stop, StopLane)
    assert stop.kind == kind


def test_a_page_of_html_costs_no_new_token(world: World, lane: SmaregiLane) -> None:
    firewall(world)
    carry(lane, task(1, bad=True))
    assert world.calls.count(system="smaregi", path="/token") == 0


def test_a_look_at_one_says_so(world: World, lane: SmaregiLane) -> None:
    made = carry(lane, task(1))
    assert isinstance(made, Carried)
    world.faults.add("smaregi", "status", status=403, body=HTML, method="GET", path=f"/customers/{made.ref}$")
    with pytest.raises(StopLane, match="firewall"):
        lane.preview(task(1, ref=made.ref, sent=made.sent))


@pytest.mark.parametrize(
    ("answer", "may_be"),
    [
        (Answer(403, {}, None), True),
        (Answer(402, {}, PROBLEM), True),
        (Answer(413, {}, {"title": "Payload Too Large"}), True),
        (Answer(413, {}, {"detail": "[note] 長すぎます"}), False),
        (Answer(400, {}, {"detail": "[note] 長すぎます"}), False),
        (Answer(400, {"Content-Type": "text/html"}, None), True),
        (Answer(404, {"Content-Length": "30"}, None), True),
        (Answer(404, {"Content-Length": "0"}, None), False),
        (Answer(204, {}, None), False),
        (Answer(401, {"Content-Type": "text/html"}, None), False),
        (Answer(429, {"Content-Type": "text/html"}, None), False),
        (Answer(503, {"Content-Type": "text/html"}, None), False),
    ],
)
def test_which_answers_may_be_about_one_member(answer: Answer, *, may_be: bool) -> None:
    assert may_be_of_one(answer) is may_be


def test_one_of_thirty_waits_for_a_person_and_the_lane_stays_well(database_url: str) -> None:
    with running(database_url, UNLIMITED) as flow:
        until(lambda: flow.house.members.freshness().fresh_at is not None)
        flow.sandbox.world.faults.add("smaregi", "status", status=403, sent="etc/passwd")
        bad = flow.shop.create({"email": "bad@example.com", "last_name": "見本", "first_name": "../etc/passwd"})
        for number in range(29):
            flow.shop.create({"email": f"p{number}@example.com", "last_name": "見本", "first_name": "花子"})
        until(lambda: len(flow.members) == 29, 20)
        until(lambda: flow.states(bad.id).get("smaregi") == "failed", 20)
        health = flow.house.report.lanes(["smaregi"])[0].health
        assert (health.breaker, health.openings) == ("closed", 0)
        told = flow.house.report.story(bad.id)
        assert told is not None
        assert {row["lane"]: row["kind"] for row in told.tasks}["smaregi"] == "smaregi.blocked"
