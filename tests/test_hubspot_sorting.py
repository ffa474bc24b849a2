"""HubSpot's "no", sorted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clients.blocked import Blocked
from clients.errors import AskPerson, Busy, CarryError, StopLane, TryLater
from clients.http import Answer
from clients.hubspot.sorting import Gone, NoSuchProperty, Taken, Without, sort_answer, sort_row

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)  # 23:00 in Japan


def invalid(code: str, name: str, words: str = "no") -> dict[str, Any]:
    inside = [{"isValid": False, "message": words, "error": code, "name": name, "portalId": 1}]
    return {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": f"Property values were not valid: {json.dumps(inside)}",
        "correlationId": "c-1",
    }


def named_by(shape: str, *names: str) -> dict[str, Any]:
    """Without a code, in words of another language; the properties stand where ``shape`` says."""
    words = {"category": "VALIDATION_ERROR", "message": "プロパティ値が有効ではありません。"}
    match shape:
        case "context":
            return {**words, "context": {"propertyName": list(names)}}
        case "errors":
            return {**words, "errors": [{"message": "無効", "context": {"propertyName": [name]}} for name in names]}
        case _:
            return {**words, shape: [{"isValid": False, "message": "無効", "name": name} for name in names]}


def both(first: str, second: str) -> dict[str, Any]:
    """Of ``phone`` and of ``zip``."""
    wrong = [{"error": first, "name": "phone"}, {"error": second, "name": "zip"}]
    return {**invalid("", ""), "message": f"Property values were not valid: {json.dumps(wrong)}"}


CUT_OFF = 'Property values were not valid: [{"error":"INVALID_DATE","name":"zip"},{"error":"INVALID_LONG","na'


def conflict(**more: Any) -> dict[str, Any]:
    return {"status": "error", "category": "CONFLICT", "message": "Contact already exists. Existing ID: 123", **more}


ALREADY = {
    "status": "error",
    "message": "Contact already exists",
    "error": "CONTACT_EXISTS",
    "category": "OBJECT_ALREADY_EXISTS",
    "identityProfile": {},
    "errors": [{"message": "...", "in": "email"}],
}
SCOPES = {
    "message": "This app hasn't been granted all required scopes to make this call.",
    "errors": [{"message": "...", "context": {"requiredGranularScopes": ["crm.schemas.contacts.write"]}}],
    "category": "MISSING_SCOPES",
}
NOT_FOUND = {
    "status": "error",
    "category": "OBJECT_NOT_FOUND",
    "message": "Could not get some CONTACT objects, they may be deleted or not exist.",
    "context": {"ids": ["123"]},
}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (400, invalid("INVALID_EMAIL", "email"), Without(frozenset({"email"}))),
        (400, {"message": "Email address a..b@example.jp is invalid"}, Without(frozenset({"email"}))),
        (400, invalid("INVALID_OPTION", "shopify_gender"), Without(frozenset({"shopify_gender"}))),
        (
            400,
            invalid("INVALID", "shopify_gender", "x was not one of the allowed options: [a, b]"),
            Without(frozenset({"shopify_gender"})),
        ),
        (400, invalid("INVALID_DATE", "shopify_birth_date"), Without(frozenset({"shopify_birth_date"}))),
        (400, named_by("context", "phone", "zip"), Without(frozenset({"phone", "zip"}))),
        (400, named_by("errors", "phone", "zip"), Without(frozenset({"phone", "zip"}))),
        (400, named_by("validationResults", "phone", "zip"), Without(frozenset({"phone", "zip"}))),
        (400, {"category": "VALIDATION_ERROR", "message": "「phone」の値が無効です。"}, Without(frozenset({"phone"}))),
        (400, {**invalid("INVALID_DATE", "zip"), "message": CUT_OFF}, Without(frozenset({"zip"}))),
        (400, both("INVALID_DATE", "INVALID_OPTION"), Without(frozenset({"phone", "zip"}))),
        (400, both("INVALID_DATE", "MEMBER_VALUE_NOT_UNIQUE"), Taken(None)),
        (400, both("INVALID_DATE", "PROPERTY_DOESNT_EXIST"), NoSuchProperty(frozenset({"zip"}))),
        (400, {"message": 'Property "zip" does not exist'}, NoSuchProperty(frozenset({"zip"}))),
        (400, invalid("PROPERTY_DOESNT_EXIST", "shopify_tags"), NoSuchProperty(frozenset({"shopify_tags"}))),
        (
            400,
            {
                "category": "VALIDATION_ERROR",
                "errors": [{"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["shopify_tags"]}}],
            },
            NoSuchProperty(frozenset({"shopify_tags"})),
        ),
        (
            400,
            {"message": "Unable to perform update/upsert by non-unique 0-1 property shopify_customer_id"},
            NoSuchProperty(frozenset()),
        ),
        (409, conflict(), Taken("123")),
        (409, conflict(message="", context={"existingId": ["123"]}), Taken("123")),
        (409, ALREADY, Taken(None)),
        (409, {**ALREADY, "identityProfile": {"vid": 512}}, Taken("512")),
        (409, None, Taken(None)),
        (400, invalid("CONFLICTING_UNIQUE_VALUE", "shopify_customer_id"), Taken(None)),
        (400, {"message": "Another record already has that value"}, Taken(None)),
        (404, NOT_FOUND, Gone()),
    ],
)
def test_what_can_be_mended(status: int, body: Any, verdict: object) -> None:
    assert sort_answer(Answer(status, {}, body), now=NOW) == verdict
    if status != 404 and body:
        assert sort_row(body) == verdict


@pytest.mark.parametrize(
    ("status", "body", "error", "kind", "says"),
    [
        (401, {"category": "INVALID_AUTHENTICATION"}, StopLane, "hubspot.token", "HUBSPOT_ACCESS_TOKEN"),
        (401, None, StopLane, "hubspot.token", "HUBSPOT_ACCESS_TOKEN"),
        (403, SCOPES, StopLane, "hubspot.scopes", "crm.schemas.contacts.write"),
        (403, None, Blocked, "hubspot.all_blocked", "HUBSPOT_API_URL"),
        (403, {"message": "Forbidden"}, Blocked, "hubspot.all_blocked", "firewall"),
        (413, None, Blocked, "hubspot.all_blocked", "413"),
        (413, {"category": "PAYLOAD_TOO_LARGE"}, Blocked, "hubspot.all_blocked", "413"),
        (400, None, Blocked, "hubspot.all_blocked", "400"),
        (200, None, Blocked, "hubspot.all_blocked", "200"),
        (404, None, Blocked, "hubspot.address", "HUBSPOT_API_URL"),
        (404, {"message": "resource not found"}, StopLane, "hubspot.address", "HUBSPOT_API_URL"),
        (302, None, Blocked, "hubspot.address", "HUBSPOT_API_URL"),
        (400, invalid("MISSING_REQUIRED_PROPERTY", "company"), AskPerson, "hubspot.required", "company"),
        (
            400,
            {"errors": [{"code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY", "context": {"propertyName": ["jobtitle"]}}]},
            AskPerson,
            "hubspot.required",
            "jobtitle",
        ),
        (400, {"message": "The email has been GDPR blacklisted"}, AskPerson, "hubspot.email_blocklisted", "GDPR"),
        (400, {"message": "Duplicate IDs found in batch input: [123]."}, AskPerson, "hubspot.refused", ""),
        (400, invalid("INVALID_LONG", "shopify_customer_id"), AskPerson, "hubspot.refused", "shopify_customer_id"),
        (400, invalid("ERASED_BY_GDPR_RULE", "email"), AskPerson, "hubspot.email_blocklisted", "GDPR"),
        (400, invalid("FIELD_REQUIRED", "company"), AskPerson, "hubspot.required", "company"),
        (400, {"category": "VALIDATION_ERROR", "message": "値が無効です。"}, AskPerson, "hubspot.refused", "no code"),
        (414, {}, AskPerson, "hubspot.refused", ""),
        (423, {}, TryLater, "hubspot.locked", ""),
        (500, None, TryLater, "hubspot.unavailable", "500"),
        (503, "<html>", TryLater, "hubspot.unavailable", "503"),
        (522, None, TryLater, "hubspot.unavailable", "522"),
        (418, {}, TryLater, "hubspot.unexpected", "418"),
    ],
)
def test_what_ends_the_attempt(status: int, body: Any, error: type[CarryError], kind: str, says: str) -> None:
    verdict = sort_answer(Answer(status, {}, body), now=NOW)
    assert type(verdict) is error
    assert isinstance(verdict, CarryError)
    assert verdict.kind == kind
    assert says in verdict.why
    assert verdict.status == status


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait", "kind"),
    [
        (429, {}, {"policyName": "TEN_SECONDLY_ROLLING"}, timedelta(seconds=10), "rate_limit"),
        (429, {}, None, timedelta(seconds=10), "rate_limit"),
        (429, {"Retry-After": "3"}, {"policyName": "TEN_SECONDLY_ROLLING"}, timedelta(seconds=3), "rate_limit"),
        (429, {}, {"message": "You have reached your secondly limit."}, timedelta(seconds=1), "rate_limit"),
        (429, {}, {"policyName": "DAILY"}, timedelta(hours=1, seconds=1), "daily_limit"),
        (429, {"Retry-After": "259200"}, {"policyName": "DAILY"}, timedelta(hours=1, seconds=1), "daily_limit"),
        (429, {"Retry-After": "259200"}, {"policyName": "TEN_SECONDLY_ROLLING"}, timedelta(hours=1), "rate_limit"),
        (477, {"Retry-After": "3600"}, None, timedelta(hours=1), "moving"),
        (477, {}, None, timedelta(minutes=1), "moving"),
    ],
)
def test_a_pause_is_obeyed(status: int, headers: dict[str, str], body: Any, wait: timedelta, kind: str) -> None:
    verdict = sort_answer(Answer(status, headers, body), now=NOW, zone=ZoneInfo("Asia/Tokyo"))
    assert isinstance(verdict, Busy)
    assert (verdict.wait, verdict.kind, verdict.lane_wide) == (wait, f"hubspot.{kind}", True)


def test_a_daily_limit_in_an_unknown_time_zone_waits_an_hour() -> None:
    verdict = sort_answer(Answer(429, {}, {"policyName": "DAILY"}), now=NOW)
    assert isinstance(verdict, Busy)
    assert verdict.wait == timedelta(hours=1)


def test_a_lock_is_waited_out_without_stopping_the_lane() -> None:
    verdict = sort_answer(Answer(423, {}, None), now=NOW)
    assert isinstance(verdict, TryLater)
    assert verdict.wait is not None
    assert verdict.wait >= timedelta(seconds=2)
    assert not verdict.lane_wide


def test_a_write_that_may_have_been_done_says_so() -> None:
    verdict = sort_answer(Answer(502, {}, None), now=NOW)
    assert isinstance(verdict, TryLater)
    assert verdict.doubt


def test_a_row_hubspot_itself_failed_comes_back_and_a_row_it_refuses_does_not() -> None:
    failed, limited = sort_row({"category": "INTERNAL_ERROR"}), sort_row({"category": "RATE_LIMITS"})
    assert isinstance(failed, TryLater)
    assert isinstance(limited, TryLater)
    assert not failed.lane_wide
    assert isinstance(sort_row({"category": "VALIDATION_ERROR", "message": "no"}), AskPerson)


def test_no_message_repeats_what_hubspot_quotes_of_the_customer() -> None:
    body = {
        "category": "VALIDATION_ERROR",
        "message": "hanako@example.jp 見本 is odd",
        "errors": [{"code": "見本 花子"}],
    }
    verdict = sort_answer(Answer(400, {}, {**body, "correlationId": "見本"}), now=NOW)
    assert isinstance(verdict, AskPerson)
    assert "見本" not in verdict.why
    assert "example" not in verdict.why
    assert verdict.vendor_request_id is None


def test_a_name_in_quotes_is_kept_only_if_it_is_one_of_ours() -> None:
    verdict = sort_row({"category": "VALIDATION_ERROR", "message": '"hanako" ist ungültig'})
    assert isinstance(verdict, AskPerson)
    assert "hanako" not in verdict.why


@pytest.mark.parametrize("body", [{"errors": None}, {"errors": [1], "context": []}, {"message": "[{"}])
def test_any_shape_of_body_is_sorted(body: Any) -> None:
    assert isinstance(sort_answer(Answer(400, {}, body), now=NOW), AskPerson)
