"""HubSpot's answers: batches, errors and properties by themselves, and the whole lane over tampered answers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import clients.hubspot.flow as hubspot_flow
from clients.errors import CarryError
from clients.http import Answer
from clients.hubspot.complaints import complaints, correlation_id, existing_id
from clients.hubspot.lane import HubSpotLane
from clients.hubspot.properties import PROPERTIES
from clients.hubspot.resolving import Found
from clients.hubspot.rows import fold
from clients.hubspot.settling import blamed, settle
from clients.hubspot.sorting import Taken, sort_answer
from clients.pace import AlonePace
from customer import Customer, Task
from fuzz.clock import FakeClock
from fuzz.laws import Broken, sound_error, sound_result, storable
from fuzz.source import Source
from fuzz.targets.target import Target
from fuzz.wild import NUMBERS, SECRETS, TEXTS, as_bytes, read_back, tamper
from fuzz.wire import Asked, answered_by, reply

NOON: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TODAY: Final = date(2026, 11, 22)
FIRST: Final = 6900000000001
TASKS: Final = (
    Task(Customer(id=FIRST, email=SECRETS[0], last_name=SECRETS[1], last_kana=SECRETS[2])),
    Task(Customer(id=FIRST + 1, email="hanako@example.jp", first_name="花子", birth_date="1990-01-31")),
    Task(Customer(id=FIRST + 2, phone=SECRETS[3], last_name="見本"), ref="512", sent={"lastname": "x"}),
)
_WRONG: Final = (
    f'Property values were not valid: [{{"isValid":false,"message":"{SECRETS[0]}","error":"%s","name":"%s"}}]'
)
ERRORS: Final[tuple[dict[str, Any], ...]] = (
    {"category": "VALIDATION_ERROR", "message": _WRONG % ("PROPERTY_DOESNT_EXIST", "shopify_tags")},
    {"category": "VALIDATION_ERROR", "message": _WRONG % ("INVALID_EMAIL", "email")},
    {"category": "VALIDATION_ERROR", "message": f"Email address {SECRETS[0]} is invalid"},
    {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 512"},
    {"category": "CONFLICT", "error": "CONTACT_EXISTS", "identityProfile": {"vid": 512}},
    {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["512"]}},
    {"category": "MISSING_REQUIRED_PROPERTY", "context": {"propertyName": ["company"]}},
    {"category": "RATE_LIMITS", "message": "TEN_SECONDLY_ROLLING", "policyName": "DAILY"},
    {"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}},
    {"category": "VALIDATION_ERROR", "message": f"{SECRETS[1]} GDPR blacklist", "correlationId": SECRETS[0]},
)
STATUSES: Final = (400, 401, 403, 404, 409, 414, 423, 429, 477, 500, 503, 301, 207, 204)


def play_answers(source: Source) -> None:
    """The parsers, each by itself."""
    rows = fold(TASKS, TODAY)
    batch = _batch([row.input() for row in rows])
    batch["errors"] = [{**source.pick(ERRORS), "context": {"objectWriteTraceId": [rows[0].trace]}}]
    body = read_back(source, batch, 20)
    done = settle(rows, body)
    told = [row.trace for row, _ in [*done.landed, *done.refused]] + [row.trace for row in done.silent]
    if sorted(told) != sorted(row.trace for row in rows):
        raise Broken("a row was settled twice, or not at all")
    for row, result in done.landed:
        row.arrived("updated", result)
        sound_result(row.result)
    for _, verdict in done.refused:
        _sound(verdict)
    if not set(blamed(rows, body)) <= set(rows):
        raise Broken("a row that was not sent is blamed")
    error = read_back(source, source.pick(ERRORS), 8)
    if isinstance(error, Mapping):
        for complaint in complaints(error):
            storable(sorted(complaint.properties), "the properties' names")
        storable((existing_id(error), correlation_id(error)), "ids")
        headers = {"Retry-After": str(source.pick(TEXTS))} if source.one_in(3) else {}
        zone = source.pick((None, ZoneInfo("Asia/Tokyo")))
        _sound(sort_answer(Answer(source.pick(STATUSES), headers, error), now=NOON, zone=zone))
    definition = read_back(source, {**PROPERTIES[0].definition, "archived": False}, 6)
    if isinstance(definition, Mapping):
        for each in PROPERTIES[:2]:
            storable(each.what_is_wrong(definition), "what is wrong with a property")
    found = read_back(source, {"id": "512", "properties": {"email": SECRETS[0], "hs_additional_emails": "a;b"}}, 6)
    if isinstance(found, Mapping):
        with contextlib.suppress(ValueError):
            storable(Found.read(found), "what was found")


def play_lane(source: Source) -> None:
    """``prepare`` and a carry of three, over answers that were tampered with."""
    clock = FakeClock()
    lane = HubSpotLane(
        access_token=SECRETS[5],
        api_url="http://hubspot.test",
        pace_store=AlonePace(),
        now=clock,
        sleep=clock.sleep,
    )
    with answered_by(lambda asked: _said(source, asked)), _one_after_the_other():
        with contextlib.suppress(CarryError):
            lane.prepare()
        if not 0 < lane.gap.total_seconds() < 3600:
            raise Broken("the lane's pace is no pace")
        try:
            results = lane.carry(TASKS)
        except CarryError as e:
            sound_error(e)
            return
    if set(results) != {task.customer.id for task in TASKS}:
        raise Broken("a task got no result")
    for result in results.values():
        sound_result(result)


@contextlib.contextmanager
def _one_after_the_other() -> Any:
    """The lane reads and writes side by side; here in order, so that the same bytes are the same input."""
    real = hubspot_flow._side_by_side
    hubspot_flow._side_by_side = lambda jobs: [job() for job in jobs]
    try:
        yield
    finally:
        hubspot_flow._side_by_side = real


def _batch(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "status": "COMPLETE",
        "results": [
            {
                "id": str(512 + place),
                "new": True,
                "objectWriteTraceId": each.get("objectWriteTraceId"),
                "properties": {"shopify_customer_id": str(FIRST + place), "email": SECRETS[0]},
                "warnings": [
                    {
                        "category": "PROPERTY_VALUE_NORMALIZED",
                        "context": {"propertyName": "shopify_birth_date", "normalizedValue": "1990-01-31"},
                    }
                ],
            }
            for place, each in enumerate(inputs)
        ],
    }


def _said(source: Source, asked: Asked) -> bytes:
    told: Any
    status, headers = 200, {"X-HubSpot-RateLimit-Max": "190", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}
    if "account-info" in asked.path:
        told = {"portalId": 1, "timeZone": "Asia/Tokyo"}
    elif "/properties/" in asked.path:
        name = asked.path.rsplit("/", 1)[-1]
        told = next((each.definition for each in PROPERTIES if each.name == name), {})
    else:
        inputs = asked.body.get("inputs", []) if isinstance(asked.body, dict) else []
        told = _batch(inputs)
        if asked.path.endswith("/read"):
            told["results"] = told["results"][: source.below(len(inputs) + 1)]
        elif source.one_in(3):
            status = 207
            told["errors"] = [{**source.pick(ERRORS), "context": {"objectWriteTraceId": [json.dumps(inputs)[-20:-2]]}}]
    if source.one_in(5):
        status, told = source.pick(STATUSES), source.pick(ERRORS)
    if source.one_in(5):
        headers[source.pick((*headers, "Retry-After"))] = str(source.pick((*NUMBERS, "1" * 4_200, "²", "1_0")))[:4_400]
    return reply(status, as_bytes(source, tamper(source, told, 24)), headers)


def _sound(verdict: Any) -> None:
    if isinstance(verdict, CarryError):
        sound_error(verdict)
    elif isinstance(verdict, Taken):
        storable(verdict.contact, "the contact in the way")
        if verdict.contact is not None and not (verdict.contact.isascii() and verdict.contact.isdigit()):
            raise Broken("a contact that is no record id")


ANSWERS: Final = Target(
    name="hubspot-answers",
    law="each row of a batch is settled once, a refusal is a verdict we know, ids are ids",
    play=play_answers,
)
LANE: Final = Target(
    name="hubspot-lane",
    law="each of the batch's tasks gets a sound result; the pace stays a pace; no batch asks without end",
    play=play_lane,
)
