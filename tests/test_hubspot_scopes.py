"""What a 403 of HubSpot says of scopes, in every form that is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from clients.errors import StopLane
from clients.http import Answer
from clients.hubspot.scopes import missing_scopes
from clients.hubspot.sorting import sort_answer

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
NO_SCOPES = "This app hasn't been granted all required scopes to make this call."
WRITE = "crm.objects.contacts.write"


def listed(name: str, *scopes: str) -> dict[str, Any]:
    told = [{"message": "One or more of the following scopes are required.", "context": {name: list(scopes)}}]
    return {"status": "error", "message": NO_SCOPES, "errors": told, "category": "MISSING_SCOPES"}


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        (listed("requiredGranularScopes", "crm.schemas.contacts.write", WRITE), {"crm.schemas.contacts.write", WRITE}),
        (listed("requiredScopes", "contacts"), {"contacts"}),
        (listed("missingScopes", WRITE), {WRITE}),
        ({"category": "MISSING_SCOPES", "context": {"requiredScopes": [WRITE]}}, {WRITE}),
        ({"category": "MISSING_SCOPES", "requiredGranularScopes": f"{WRITE} contacts"}, {WRITE, "contacts"}),
        ({"category": "MISSING_SCOPES", "errors": [{"in": "x", "subCategory": "y"}]}, set()),
        ({"category": "MISSING_SCOPES", "message": f"権限 {WRITE} が必要です。"}, {WRITE}),
        ({"message": f"The scope {WRITE} is required."}, {WRITE}),
        ({"message": "The scope needed for this API call isn't available for public use."}, set()),
        (
            {"message": "This oauth-token (secret) does not have proper permissions! (requires any of [a-read, b-c])"},
            {"a-read", "b-c"},
        ),
        ({"message": "This hapikey (no-secret) does not have proper permissions!"}, set()),
        ({"category": "MISSING_SCOPES", "requiredGranularScopes": ["見本 花子 Bearer a-secret", WRITE]}, {WRITE}),
        ({"message": NO_SCOPES, "links": {"scopes": "https://developers.hubspot.com/scopes"}}, set()),
    ],
)
def test_it_speaks_of_scopes(body: dict[str, Any], scopes: set[str]) -> None:
    assert missing_scopes(body) == frozenset(scopes)
    verdict = sort_answer(Answer(403, {}, body), now=NOW)
    assert isinstance(verdict, StopLane)
    assert verdict.kind == "hubspot.scopes"
    assert all(scope in verdict.why for scope in scopes)
    assert "secret" not in verdict.why


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"message": "Forbidden"},
        {"status": "error", "message": "Forbidden", "correlationId": "c-1"},
        {"category": "BANNED", "message": "The app is not allowed to access this portal."},
        {"message": "hanako@crm.example.com is telescoped"},
        [],
    ],
)
def test_it_speaks_of_something_else(body: Any) -> None:
    assert missing_scopes(body) is None


def test_no_depth_of_a_body_is_too_much() -> None:
    deep: Any = WRITE
    for _ in range(500):
        deep = {"requiredScopes": [deep]}
    assert missing_scopes(deep) is None
