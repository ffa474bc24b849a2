"""The portal as HubSpot's lane needs it, and the pace at which it is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
import requests
import responses

from clients.errors import StopLane, TryLater
from clients.hubspot.lane import HubSpotLane
from clients.hubspot.properties import GROUP, PROPERTIES
from clients.pace import AlonePace

URL = "https://hubspot.example.com"
ACCOUNT = f"{URL}/account-info/2026-09/details"
Reply: TypeAlias = tuple[int, dict[str, str], str]


@dataclass
class Definitions:
    """A portal's contact properties."""

    there: dict[str, dict[str, Any]] = field(default_factory=dict)
    archived: dict[str, dict[str, Any]] = field(default_factory=dict)
    group: bool = False
    looks_before_seen: int = 0
    made_by_another: bool = False
    refuses: tuple[int, dict[str, Any]] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    authorization: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    _looks: dict[str, int] = field(default_factory=dict)

    def complete(self) -> None:
        self.group = True
        self.there = {each.name: each.definition for each in PROPERTIES}

    def answer(self, request: requests.PreparedRequest) -> Reply:
        name = str(request.path_url).split("/contacts", 1)[1].strip("/")
        self.asked.append((str(request.method), name))
        self.authorization.add(request.headers["Authorization"])
        status, body = self.look(name) if request.method == "GET" else self.create(name, json.loads(request.body or ""))
        return status, self.headers, json.dumps(body)

    def look(self, name: str) -> tuple[int, dict[str, Any]]:
        self._looks[name] = self._looks.get(name, 0) + 1
        if name not in self.there or 1 < self._looks[name] <= self.looks_before_seen:
            return 404, {"category": "OBJECT_NOT_FOUND"}
        return 200, self.there[name]

    def create(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.refuses:
            return self.refuses
        taken = {"category": "OBJECT_ALREADY_EXISTS", "subCategory": "Properties.PROPERTY_WITH_NAME_EXISTS"}
        if path == "groups":
            assert body["name"] == GROUP
            self.group, before = True, self.group
            return (409, taken) if before else (201, body)
        assert self.group, "a property needs its group"
        name = body["name"]
        self.there[name] = self.archived.get(name, body)
        return (409, taken) if self.made_by_another else (201, self.there[name])


@pytest.fixture
def portal() -> Iterator[Definitions]:
    portal = Definitions()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST"):
            mock.add_callback(method, re.compile(rf"{URL}/crm/properties/2026-09/contacts.*"), portal.answer)
        mock.add("GET", ACCOUNT, json={"portalId": 1, "timeZone": "Asia/Tokyo"})
        yield portal


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def lane(slept: list[float]) -> HubSpotLane:
    clock = datetime(2026, 11, 22, tzinfo=UTC)
    return HubSpotLane(
        access_token="pat-secret",
        api_url=URL,
        pace_store=AlonePace(),
        now=lambda: clock + timedelta(seconds=sum(slept)),
        sleep=slept.append,
    )


def test_an_empty_portal_gets_its_group_and_every_property(portal: Definitions, lane: HubSpotLane) -> None:
    assert lane.setup() == [(each.name, "created") for each in PROPERTIES]
    assert portal.group
    assert portal.there["shopify_customer_id"]["hasUniqueValue"] is True
    assert portal.there["shopify_birth_date"]["type"] == "date"
    assert {each["groupName"] for each in portal.there.values()} == {GROUP}
    assert portal.authorization == {"Bearer pat-secret"}
    lane.prepare()


def test_a_complete_portal_is_only_looked_at(portal: Definitions, lane: HubSpotLane) -> None:
    portal.complete()
    assert lane.setup() == [(each.name, "present") for each in PROPERTIES]
    assert {method for method, _ in portal.asked} == {"GET"}


def test_only_what_is_missing_is_created(portal: Definitions, lane: HubSpotLane) -> None:
    portal.complete()
    del portal.there["shopify_tags"]
    assert dict(lane.setup())["shopify_tags"] == "created"
    assert [name for method, name in portal.asked if method == "POST"] == ["groups", ""]


def test_a_check_changes_nothing(portal: Definitions, lane: HubSpotLane) -> None:
    portal.complete()
    del portal.there["shopify_tags"]
    portal.there["shopify_orders_count"]["type"] = "string"
    found = dict(lane.check())
    assert found.pop("shopify_tags") == "missing"
    assert found.pop("shopify_orders_count") == "wrong: type is string, must be number"
    assert set(found.values()) == {"present"}
    assert {method for method, _ in portal.asked} == {"GET"}


def test_what_another_process_created_meanwhile_is_present(portal: Definitions, lane: HubSpotLane) -> None:
    portal.made_by_another = portal.group = True
    assert {said for _, said in lane.setup()} == {"present"}


def test_an_archived_property_that_comes_back_as_it_was_is_noticed(portal: Definitions, lane: HubSpotLane) -> None:
    portal.complete()
    del portal.there["shopify_customer_id"]
    portal.archived["shopify_customer_id"] = {"type": "string", "hasUniqueValue": False}
    with pytest.raises(StopLane, match="shopify_customer_id") as stop:
        lane.prepare()
    assert stop.value.kind == "hubspot.setup_wrong"
    assert "flask hubspot setup" in stop.value.why


@pytest.mark.parametrize(
    ("name", "definition", "said"),
    [
        ("shopify_birth_date", {"type": "string"}, "wrong: type is string, must be date"),
        ("shopify_gender", {"type": "enumeration"}, "present"),
        ("shopify_customer_id", {"type": "number", "hasUniqueValue": True}, "wrong: type is number, must be string"),
        (
            "shopify_customer_id",
            {"type": "string"},
            "wrong: values are not unique, must be (hasUniqueValue)",
        ),
        ("shopify_tags", {"type": "string", "fieldType": "textarea", "label": "タグ"}, "present"),
    ],
)
def test_what_is_there_must_be_able_to_serve(
    portal: Definitions, lane: HubSpotLane, name: str, definition: dict[str, Any], said: str
) -> None:
    portal.complete()
    portal.there[name] = definition
    assert dict(lane.setup())[name] == said


def test_a_new_property_is_waited_for_until_it_can_be_seen(
    portal: Definitions, lane: HubSpotLane, slept: list[float]
) -> None:
    portal.complete()
    del portal.there["shopify_tags"]
    portal.looks_before_seen = 4
    assert dict(lane.setup())["shopify_tags"] == "created"
    assert slept.count(0.5) == 3


def test_a_new_property_that_stays_unseen_is_tried_later(portal: Definitions, lane: HubSpotLane) -> None:
    portal.complete()
    del portal.there["shopify_tags"]
    portal.looks_before_seen = 1000
    with pytest.raises(TryLater) as later:
        lane.prepare()
    assert later.value.kind == "hubspot.setup_unseen"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["crm.x.write"]}}, "scopes"),
        (400, {"category": "VALIDATION_ERROR", "message": "too many unique properties"}, "setup_refused"),
    ],
)
def test_a_portal_that_may_not_be_set_up_stops_the_lane(
    portal: Definitions, lane: HubSpotLane, status: int, body: dict[str, Any], kind: str
) -> None:
    portal.refuses = (status, body)
    with pytest.raises(StopLane) as stop:
        lane.prepare()
    assert stop.value.kind == f"hubspot.{kind}"


def test_a_dead_token_stops_the_lane_at_the_first_call(lane: HubSpotLane) -> None:
    with responses.RequestsMock() as mock:
        mock.add("GET", ACCOUNT, status=401, json={"category": "INVALID_AUTHENTICATION"})
        with pytest.raises(StopLane, match="HUBSPOT_ACCESS_TOKEN") as stop:
            lane.prepare()
    assert "pat-secret" not in str(stop.value)


@pytest.mark.parametrize("answer", [{"status": 404}, {"json": {"timeZone": "No/Where"}}, {"json": {}}, {"body": "x"}])
def test_an_account_that_tells_nothing_is_no_reason_to_stop(
    portal: Definitions, lane: HubSpotLane, answer: dict[str, Any]
) -> None:
    portal.complete()
    with responses.RequestsMock() as mock:
        mock.add("GET", ACCOUNT, **answer)
        mock.add_callback("GET", re.compile(rf"{URL}/crm/properties/2026-09/contacts.*"), portal.answer)
        lane.prepare()


def test_nobody_at_home_is_tried_later(lane: HubSpotLane) -> None:
    with responses.RequestsMock() as mock:
        mock.add("GET", ACCOUNT, body=requests.ConnectionError("refused"))
        with pytest.raises(TryLater):
            lane.prepare()


@pytest.mark.parametrize(
    ("headers", "per_second"),
    [
        ({}, 8.0),
        ({"X-HubSpot-RateLimit-Max": "190"}, 15.2),
        ({"X-HubSpot-RateLimit-Max": "100", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}, 8.0),
        ({"X-HubSpot-RateLimit-Max": "50"}, 4.0),
        ({"X-HubSpot-RateLimit-Max": "0"}, 8.0),
        ({"X-HubSpot-RateLimit-Max": "many"}, 8.0),
    ],
)
def test_the_pace_follows_four_fifths_of_the_limit_hubspot_names(
    portal: Definitions, lane: HubSpotLane, headers: dict[str, str], per_second: float
) -> None:
    portal.complete()
    portal.headers = headers
    lane.check()
    assert lane._api.pace.per_second == pytest.approx(per_second)
    assert lane._api.pace.name == "hubspot"
