"""What hostile answers of HubSpot's did to its parsers, before they were mended."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest

from clients.errors import TryLater
from clients.http import Answer
from clients.hubspot.complaints import complaints, existing_id, meaning
from clients.hubspot.lane import HubSpotLane
from clients.hubspot.properties import PROPERTIES
from clients.hubspot.rows import Row, fold
from clients.hubspot.settling import settle
from clients.hubspot.sorting import sort_answer
from clients.lane import Carried
from clients.pace import AlonePace
from customer import Correction, Customer, Task
from fuzz.clock import FakeClock
from fuzz.wire import Asked, answered_by, reply

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def row() -> Row:
    return fold([Task(Customer(id=6900000000001, email="hanako@example.jp"))], date(2026, 11, 22))[0]


@pytest.mark.parametrize("warnings", [5, 0.5, True, "x", {"category": "x"}, [None, 5, {"context": {}}]])
def test_warnings_of_another_shape_are_passed_over(warnings: Any) -> None:
    one = row()
    one.arrived("created", {"id": "512", "warnings": warnings})
    assert isinstance(one.result, Carried)
    assert one.result.corrections == ()


def test_a_warning_is_told_of_a_property_and_of_nothing_else() -> None:
    def warning(name: Any, value: Any) -> dict[str, Any]:
        return {
            "category": "PROPERTY_VALUE_NORMALIZED",
            "context": {"propertyName": name, "normalizedValue": value},
        }

    one = row()
    told = [warning("shopify_birth_date", "1990-01-31"), warning("御手洗 蓮華", "x"), warning(["a"], "x")]
    one.arrived("created", {"id": "512", "warnings": told})
    assert isinstance(one.result, Carried)
    assert one.result.corrections == (Correction("shopify_birth_date", "reformatted", "HubSpot made it 1990-01-31"),)


@pytest.mark.parametrize("ref", [None, "", "a b", "x" * 300, True, {"a": 1}, "٣", 0.5])
def test_a_result_without_a_records_id_settles_nobody(ref: Any) -> None:
    one = row()
    done = settle([one], {"results": [{"id": ref, "objectWriteTraceId": one.trace}]})
    assert done.landed == []
    assert done.silent == [one]


@pytest.mark.parametrize("told", ["٣", "²", "512x", "9" * 30, True, None, [512], {"a": 1}])
def test_a_contact_in_the_way_is_named_by_digits_or_not_at_all(told: Any) -> None:
    assert existing_id({"identityProfile": {"vid": told}}) is None
    assert existing_id({"message": f"Existing ID: {told}"}) in (None, "512")


def test_a_number_is_a_records_id_as_well() -> None:
    assert existing_id({"identityProfile": {"vid": 512}}) == "512"


@pytest.mark.parametrize("message", ["[{" * 100_000, '[{"a":' * 100_000], ids=["brackets", "objects"])
def test_json_nested_without_end_inside_a_message_is_no_json(message: str) -> None:
    assert [meaning(each) for each in complaints({"message": message})] == [None]


@pytest.mark.parametrize("words", ["Email address ", "by non-unique ", "GDPR ", 'Property "'])
def test_a_message_as_long_as_a_book_costs_no_time(words: str) -> None:
    began = time.process_time()
    sort_answer(Answer(400, {}, {"message": words * 30_000, "category": "x"}), now=NOON)
    assert time.process_time() - began < 1


def lane() -> HubSpotLane:
    clock = FakeClock()
    return HubSpotLane(
        access_token="pat-na1-invented",
        api_url="http://hubspot.test",
        pace_store=AlonePace(),
        now=clock,
        sleep=clock.sleep,
    )


@pytest.mark.parametrize("most", ["1" * 4_200, "1", "-1", "0", "nan", "9" * 30])
@pytest.mark.parametrize("every", ["10000", "1" * 4_200, "0", "1"])
def test_a_limit_that_makes_no_sense_is_not_followed(most: str, every: str) -> None:
    headers = {"X-HubSpot-RateLimit-Max": most, "X-HubSpot-RateLimit-Interval-Milliseconds": every}

    def said(asked: Asked) -> bytes:
        name = asked.path.rsplit("/", 1)[-1]
        definition = next((each.definition for each in PROPERTIES if each.name == name), {"timeZone": "Asia/Tokyo"})
        return reply(200, json.dumps(definition).encode(), headers)

    one = lane()
    with answered_by(said):
        one.prepare()
    assert 0 < one.gap.total_seconds() < 60


def test_contacts_without_an_id_are_no_ground_to_create_anybody() -> None:
    asked: list[str] = []

    def said(call: Asked) -> bytes:
        asked.append(call.path.rsplit("/", 1)[-1])
        return reply(200, b'{"results": [{"properties": {"email": "hanako@example.jp"}}]}')

    with answered_by(said):
        results = lane().carry([Task(Customer(id=6900000000001, email="hanako@example.jp"))])
    assert isinstance(results[6900000000001], TryLater)
    assert set(asked) == {"read"}
