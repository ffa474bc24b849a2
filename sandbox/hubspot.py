"""HubSpot's CRM API for contacts, as documented for version 2026-09: auth, limits, versions and routes.

Versions: https://developers.hubspot.com/docs/developer-tooling/platform/versioning
Limits: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from sandbox.config import SandboxConfig
from sandbox.hubspot_batches import Batches
from sandbox.hubspot_contacts import SHOWN_BY_DEFAULT, Contact, Contacts, Written
from sandbox.hubspot_errors import RATE_LIMIT_BODIES, Refused, invalid_input, missing_scopes, not_found
from sandbox.hubspot_properties import Properties
from sandbox.hubspot_search import search
from sandbox.rates import RollingLimit

if TYPE_CHECKING:
    from sandbox.world import World

VERSION = "2026-09"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class HubSpotShelf:
    """One portal: its schema, its contacts, and how fast it lets itself be called."""

    def __init__(self, config: SandboxConfig, clock: Callable[[], datetime]) -> None:
        self.config = config
        self.clock = clock
        self.properties = Properties(config, clock)
        self.contacts = Contacts(config, clock, self.properties)
        self.batches = Batches(config, clock, self.contacts)
        self.rolling = RollingLimit(config.hubspot_calls_per_10_seconds, 10)
        self.searches = RollingLimit(config.hubspot_searches_per_second, 1)
        self._lock = threading.Lock()
        self._day: date | None = None
        self._calls_today = 0

    def reset(self) -> None:
        """No contacts, and only the properties every portal has."""
        self.properties.reset()
        self.contacts.reset()

    def records(self) -> list[dict[str, object]]:
        """Every contact with all that is set on it."""
        return [contact.shown(list(contact.values)) for contact in self.contacts.all()]

    def seed(self, contact: Mapping[str, Any]) -> dict[str, Any]:
        """Put a contact there that was there before us; see `Contacts.seed`."""
        seeded = self.contacts.seed(contact)
        return seeded.shown(list(seeded.values))

    def pace(self, *, is_search: bool) -> str | None:
        """Count one call; the name of the limit it broke, if any."""
        at = self.clock()
        if is_search:
            return None if self.searches.take(at.timestamp()) else "search"
        if not self._take_daily(at):
            return "daily"
        return None if self.rolling.take(at.timestamp()) else "ten_secondly"

    def rate_headers(self) -> dict[str, str]:
        """What every answer but a search carries."""
        headers: dict[str, str] = {}
        if self.config.hubspot_calls_per_10_seconds is not None:
            headers["X-HubSpot-RateLimit-Max"] = str(self.config.hubspot_calls_per_10_seconds)
            headers["X-HubSpot-RateLimit-Remaining"] = str(self.rolling.remaining(self.clock().timestamp()))
            headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"
        if self.config.hubspot_calls_per_day is not None:
            headers["X-HubSpot-RateLimit-Daily"] = str(self.config.hubspot_calls_per_day)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(
                max(0, self.config.hubspot_calls_per_day - self._calls_today)
            )
        return headers

    def _take_daily(self, at: datetime) -> bool:
        zone = timezone(timedelta(hours=self.config.hubspot_utc_offset_hours))
        with self._lock:
            today = at.astimezone(zone).date()
            if today != self._day:
                self._day, self._calls_today = today, 0
            if self.config.hubspot_calls_per_day is not None and self._calls_today >= self.config.hubspot_calls_per_day:
                return False
            self._calls_today += 1
            return True


def blueprint(world: "World") -> Blueprint:
    """`/hubspot/...`"""
    shelf = world.hubspot
    doors = Blueprint("hubspot", "sandbox.hubspot")

    @doors.route("/hubspot/<path:rest>", methods=METHODS)
    def api(rest: str) -> Response:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or token != shelf.config.hubspot_token:
            return _json(401, Refused(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.").body())
        is_search = rest.endswith("/search")
        broken = shelf.pace(is_search=is_search)
        headers = {} if is_search else shelf.rate_headers()
        if broken is not None:
            wait = shelf.config.hubspot_retry_after
            return _json(429, RATE_LIMIT_BODIES[broken], headers | ({} if wait is None else {"Retry-After": wait}))
        try:
            status, said = _route(shelf, request.method, rest)
        except Refused as refused:
            status, said = refused.status, refused.body()
        return _json(status, said, headers)

    return doors


def _route(shelf: HubSpotShelf, method: str, rest: str) -> tuple[int, object]:
    match rest.split("/"):
        case ["crm", "objects", version, "contacts", *more] if version == VERSION:
            _demand_scope(shelf, "crm.objects.contacts", reads=method == "GET" or more[-1:] in (["read"], ["search"]))
            return _contacts(shelf, method, more)
        case ["crm", "properties", version, "contacts", *more] if version == VERSION:
            _demand_scope(shelf, "crm.schemas.contacts", reads=method == "GET" or more[-1:] == ["read"])
            return _properties(shelf, method, more)
        case ["account-info", version, "details"] if version == VERSION and method == "GET":
            return 200, _details(shelf.config)
        case _:
            raise _no_such_page()


def _contacts(  # noqa: C901, PLR0911, PLR0912 - a table of routes
    shelf: HubSpotShelf, method: str, more: list[str]
) -> tuple[int, object]:
    contacts, batches = shelf.contacts, shelf.batches
    match (method, *more):
        case ("POST",):
            return 201, _written(contacts.create(_sent_properties()), shown_too=_sent_properties())
        case ("POST", "batch", "read"):
            return batches.read(_sent())
        case ("POST", "batch", "create"):
            return batches.create(_sent())
        case ("POST", "batch", "update"):
            return batches.update(_sent())
        case ("POST", "batch", "upsert"):
            return batches.upsert(_sent())
        case ("POST", "batch", "archive"):
            for row in _sent().get("inputs", ()):
                contacts.archive(_number(str(row.get("id"))))
            return 204, None
        case ("POST", "merge"):
            sent = _sent()
            kept, lost = str(sent.get("primaryObjectId")), str(sent.get("objectIdToMerge"))
            merged = contacts.merge(_number(kept), _number(lost))
            return 200, merged.shown(list(merged.values))
        case ("POST", "gdpr-delete"):
            sent = _sent()
            contacts.forget(str(sent.get("objectId")), sent.get("idProperty"))
            return 204, None
        case ("POST", "search"):
            return 200, search(contacts, _sent())
        case ("GET", key):
            return 200, _found(shelf, key).shown(_asked_properties())
        case ("PATCH", key):
            sent_properties = _sent_properties()
            written = contacts.update(_found(shelf, key).number, sent_properties)
            return 200, _written(written, shown_too=sent_properties)
        case ("DELETE", key):
            contacts.archive(_number(key))
            return 204, None
        case _:
            raise _no_such_page(405)


def _properties(  # noqa: C901, PLR0911 - a table of routes
    shelf: HubSpotShelf, method: str, more: list[str]
) -> tuple[int, object]:
    properties = shelf.properties
    match (method, *more):
        case ("GET",):
            return 200, {"results": properties.listed()}
        case ("POST",):
            return 201, properties.create(_sent())
        case ("POST", "batch", "create"):
            return _several(properties.create, ok=201)
        case ("POST", "batch", "read"):
            return _several(lambda row: properties.get(str(row.get("name"))), ok=200)
        case ("GET", "groups"):
            return 200, {"results": properties.groups()}
        case ("POST", "groups"):
            return 201, properties.create_group(_sent())
        case ("GET", "groups", name):
            return 200, properties.get_group(name)
        case ("GET", name):
            return 200, properties.get(name)
        case ("PATCH", name):
            return 200, properties.change(name, _sent())
        case ("DELETE", name):
            properties.archive(name)
            return 204, None
        case _:
            raise _no_such_page(405)


def _several(act: Callable[[Mapping[str, Any]], dict[str, Any]], ok: int) -> tuple[int, dict[str, Any]]:
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for row in _sent().get("inputs", ()):
        try:
            results.append(act(row))
        except Refused as refused:
            errors.append({**refused.row(None), "context": {"name": [str(row.get("name"))]}})
    said: dict[str, Any] = {"status": "COMPLETE", "results": results}
    if errors:
        return 207, {**said, "numErrors": len(errors), "errors": errors}
    return ok, said


def _details(config: SandboxConfig) -> dict[str, object]:
    return {
        "portalId": config.hubspot_portal_id,
        "accountType": "DEVELOPER_TEST",
        "timeZone": config.hubspot_time_zone,
        "companyCurrency": "JPY",
        "utcOffset": f"{config.hubspot_utc_offset_hours:+03d}:00",
        "utcOffsetMilliseconds": config.hubspot_utc_offset_hours * 3_600_000,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }


def _demand_scope(shelf: HubSpotShelf, family: str, *, reads: bool) -> None:
    scope = f"{family}.{'read' if reads else 'write'}"
    if scope not in shelf.config.hubspot_granted_scopes:
        raise missing_scopes(scope)


def _found(shelf: HubSpotShelf, key: str) -> Contact:
    contact = shelf.contacts.find(key, request.args.get("idProperty"))
    if contact is None:
        raise not_found([key])
    return contact


def _written(written: Written, shown_too: Mapping[str, Any]) -> dict[str, Any]:
    said = written.contact.shown([*SHOWN_BY_DEFAULT, *shown_too])
    return {**said, "warnings": list(written.warnings)} if written.warnings else said


def _asked_properties() -> list[str]:
    asked = request.args.get("properties")
    return asked.split(",") if asked else list(SHOWN_BY_DEFAULT)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise not_found([text])
    return int(text)


def _sent() -> Mapping[str, Any]:
    sent = request.get_json(silent=True) if request.is_json else None
    if not isinstance(sent, dict):
        raise invalid_input("Invalid input JSON")
    return sent


def _sent_properties() -> Mapping[str, Any]:
    properties = _sent().get("properties")
    if not isinstance(properties, dict):
        raise invalid_input("Invalid input JSON: properties must be an object")
    return properties


def _no_such_page(status: int = 404) -> Refused:
    return Refused(status, "OBJECT_NOT_FOUND", "resource not found" if status == 404 else "method not allowed")


def _json(status: int, said: object, headers: Mapping[str, str] | None = None) -> Response:
    if said is None:
        return Response(status=status, headers=headers)
    text = json.dumps(said, ensure_ascii=False)
    return Response(text, status, headers=headers, content_type="application/json;charset=utf-8")
