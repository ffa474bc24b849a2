"""What HubSpot's "no" means for us: a whole answer, or one row of a batch's ``errors``.

https://developers.hubspot.com/docs/api-reference/error-handling : "treat all fields as optional". A verdict is either a
``CarryError``, which settles the customer, or something the lane can mend by itself and then try once more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from clients.blocked import Blocked, says_nothing_of_the_row
from clients.errors import AskPerson, Busy, CarryError, StopLane, TryLater
from clients.http import Answer
from clients.hubspot.complaints import (
    Complaint,
    complaints,
    correlation_id,
    existing_id,
    mapping,
    meaning,
    named,
)
from clients.hubspot.properties import CUSTOMER_ID
from clients.hubspot.scopes import missing_scopes


@dataclass(frozen=True, slots=True)
class Without:
    """HubSpot does not take these values: leave them out and go again; ``otherwise``, where none of them was sent."""

    properties: frozenset[str]
    otherwise: AskPerson | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """Something unique belongs to another contact; ``contact`` is its record id, where HubSpot names it."""

    contact: str | None


@dataclass(frozen=True, slots=True)
class Gone:
    """No such record: deleted, or merged into another."""


@dataclass(frozen=True, slots=True)
class NoSuchProperty:
    """The portal lacks properties: set it up once more."""

    properties: frozenset[str]


Verdict: TypeAlias = CarryError | Without | Taken | Gone | NoSuchProperty


LOCKED_S: Final = 2  # https://developers.hubspot.com/docs/api-reference/error-handling : a 423 lock lasts 2 s
ABOUT_ROWS: Final = frozenset({400, 404, 409, 414})
"""Statuses by which a whole batch may be refused for the sake of one row."""


def sort_answer(answer: Answer, *, now: datetime, zone: ZoneInfo | None = None) -> Verdict:
    """The verdict on an answer that is not 2xx. ``zone`` is the account's, in which a daily limit ends at midnight."""
    body: Mapping[str, Any] = answer.body if isinstance(answer.body, Mapping) else {}
    status, seen = answer.status, correlation_id(body)
    if stop := _no_entry(answer, body, seen):
        return stop
    if status == 423:
        return _later("a record is locked", "locked", status, seen, wait=timedelta(seconds=LOCKED_S), lane_wide=False)
    if status in (429, 477):
        return _busy(answer, body, seen, now, zone)
    if status in ABOUT_ROWS:
        return sort_row(body, status=status)
    # All our writes are keyed, so what may have been done is simply done again: the doubt is said, and costs nothing.
    return _later(f"answered {status}", "unavailable" if status >= 500 else "unexpected", status, seen, doubt=True)


def sort_row(error: Mapping[str, Any], *, status: int | None = None) -> Verdict:
    """The verdict on one row of ``errors``, or on the answer (``status``) to a batch of one."""
    said = list(complaints(error))
    seen = correlation_id(error)
    meant: dict[str, list[Complaint]] = {}
    for complaint in said:
        if what := meaning(complaint):
            meant.setdefault(what, []).append(complaint)
    # The order is the order of weight: one row may be told several things at once.
    if "no property" in meant:
        return NoSuchProperty(named(meant["no property"]))
    if "blocklisted" in meant or "required" in meant:
        return _for_a_person(meant, status, seen)
    # An admin's own rule and a value too long come under codes that no page lists, and words may be in any language.
    others = (each for each in said if meaning(each) is None and (status is not None or _is_validation(error)))
    unlisted = named(others) - named(meant.get("taken", ()))
    if names := named(meant.get("value", ())):
        return _without(names | unlisted, error, said, status)
    if "taken" in meant or status == 409 or existing_id(error):
        return Taken(existing_id(error))
    if "gone" in meant:
        return Gone()
    return _without(unlisted, error, said, status) if unlisted else _unknown_refusal(error, said, status)


def _is_validation(error: Mapping[str, Any]) -> bool:
    """Whether a row's category speaks of what was sent, and not of HubSpot's own trouble."""
    category = str(error.get("category", ""))
    return category in ("", "BAD_REQUEST") or re.search(r"VALID|PROPERT|LENGTH", category) is not None


def _without(
    names: frozenset[str], error: Mapping[str, Any], said: list[Complaint], status: int | None
) -> Without | AskPerson:
    """Every refused value can be left out but the key: without it the contact would be nobody's."""
    seen = correlation_id(error)
    if CUSTOMER_ID not in names:
        return Without(names, _for_its_codes(said, status, seen))
    return AskPerson(
        f"HubSpot refuses the value of {CUSTOMER_ID}, which is never left out: look for a rule on that property under "
        f"Settings > Properties in HubSpot (correlation id {seen or 'not given'})",
        kind="hubspot.refused",
        status=status,
        vendor_request_id=seen,
    )


def _for_a_person(meant: Mapping[str, list[Complaint]], status: int | None, seen: str | None) -> AskPerson:
    if "blocklisted" in meant:
        why, kind = "the e-mail address was erased in HubSpot for good (GDPR) and stays refused", "email_blocklisted"
    else:
        # https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement : from 2026-09 on
        names = ", ".join(sorted(named(meant["required"]))) or "not named"
        why, kind = f"a rule of this HubSpot account asks for a property we have no value for: {names}", "required"
    return AskPerson(why, kind=f"hubspot.{kind}", status=status, vendor_request_id=seen)


def _unknown_refusal(error: Mapping[str, Any], said: list[Complaint], status: int | None) -> CarryError:
    """What the fact sheet does not know. A row's own trouble waits for a person; HubSpot's own comes back by itself."""
    category, seen = str(error.get("category", "")), correlation_id(error)
    if status is None and category == "RATE_LIMITS":
        return _later("a row was held back by a limit", "locked", status, seen, timedelta(seconds=10), lane_wide=False)
    if status is None and not _is_validation(error):
        return _later(f"a row failed ({_slug(category)})", "row_failed", status, seen, lane_wide=False)
    return _for_its_codes(said, status, seen)


def _for_its_codes(said: list[Complaint], status: int | None, seen: str | None) -> AskPerson:
    """For a person, with HubSpot's codes, the properties it names, and the id for its support."""
    codes = sorted({_slug(each.code) for each in said if each.code} - {"VALIDATION_ERROR"})
    about = ", ".join([*codes, *(f"property {name}" for name in sorted(named(said)))]) or "no code given"
    return AskPerson(
        f"HubSpot does not take this contact: {about} (correlation id {seen or 'not given'})",
        kind="hubspot.refused",
        status=status,
        vendor_request_id=seen,
    )


def _slug(code: str) -> str:
    """A code of theirs, only if it looks like one: anything else might quote the customer."""
    return code if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]{1,60}", code) else "unnamed code"


def not_hubspot(status: int) -> Blocked:
    """Something other than HubSpot's API answered with this status: perhaps for the sake of one row."""
    where, kind = "look there, and at HUBSPOT_API_URL", "all_blocked"
    if 300 <= status < 400 or status in (404, 405):
        where, kind = "check HUBSPOT_API_URL", "address"
    return Blocked(
        f"HubSpot's API does not answer here, something else does (a firewall, a proxy): HTTP {status}; {where}",
        vendor="HubSpot",
        kind=f"hubspot.{kind}",
        status=status,
        writes=True,
    )


def is_foreign(answer: Answer) -> bool:
    """Whether what answers is not HubSpot's API, which speaks in JSON objects."""
    # A 409 names what is in the way, or is a conflict all the same.
    tells = answer.status != 409 and not says_nothing_of_the_row(answer.status)
    return tells and not isinstance(answer.body, Mapping)


def lacks_scopes(scopes: frozenset[str], seen: str | None) -> StopLane:
    """The key may not do what is asked for; ``scopes`` are those HubSpot names."""
    missing = ", ".join(sorted(scopes)) or "HubSpot does not say which"
    return StopLane(
        f"the key in HUBSPOT_ACCESS_TOKEN lacks scopes ({missing}): Development > Keys > Service keys in HubSpot",
        kind="hubspot.scopes",
        status=403,
        vendor_request_id=seen,
    )


def refused_everywhere(answer: Answer, blocked: Blocked) -> StopLane | None:
    """Why nobody can go, where the call for the account, which holds no customer and needs no scope, is refused too."""
    seen = correlation_id(mapping(answer.body))
    if answer.status == 401:
        return _unknown_key(seen)
    if answer.status == 403:
        return lacks_scopes(missing_scopes(answer.body) or frozenset(), seen)
    return blocked if is_foreign(answer) and answer.status == blocked.status else None


def _no_entry(answer: Answer, body: Mapping[str, Any], seen: str | None) -> StopLane | None:
    """Why we are not let in, where that is what the answer says."""
    status = answer.status
    if status == 401:
        return _unknown_key(seen)
    if status == 403 and (scopes := missing_scopes(body)) is not None:
        return lacks_scopes(scopes, seen)
    if status in (403, 413) or is_foreign(answer):
        return not_hubspot(status)
    if 300 <= status < 400 or (status == 404 and not _is_gone(body)):
        return StopLane(
            f"HubSpot's API does not answer here ({status}): check HUBSPOT_API_URL",
            kind="hubspot.address",
            status=status,
        )
    return None


def _is_gone(body: Mapping[str, Any]) -> bool:
    return "gone" in {meaning(each) for each in complaints(body)}


def _unknown_key(seen: str | None) -> StopLane:
    return StopLane(
        "HubSpot does not know the key in HUBSPOT_ACCESS_TOKEN: it was rotated, or never complete "
        "(Development > Keys > Service keys)",
        kind="hubspot.token",
        status=401,
        vendor_request_id=seen,
    )


def _busy(answer: Answer, body: Mapping[str, Any], seen: str | None, now: datetime, zone: ZoneInfo | None) -> Busy:
    # https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines : Retry-After is promised for 477
    # only, and obeyed wherever it stands
    said = f"{body.get('policyName', '')} {body.get('message', '')}".upper()
    asked = answer.wait(now)
    if "DAILY" in said and answer.status != 477:
        asked = None  # its end is known, whatever the header says
    if answer.status == 477:
        why, kind, wait = "the account is moving to another data centre", "moving", timedelta(minutes=1)
    elif "DAILY" in said:
        why, kind, wait = "the account's calls for today are used up", "daily_limit", _until_midnight(now, zone)
    elif "SECONDLY" in said and "TEN_SECONDLY" not in said:
        why, kind, wait = "too many calls in a second", "rate_limit", timedelta(seconds=1)
    else:
        why, kind, wait = "too many calls in ten seconds", "rate_limit", timedelta(seconds=10)
    return Busy(
        f"HubSpot: {why}",
        kind=f"hubspot.{kind}",
        wait=wait if asked is None else asked,
        status=answer.status,
        vendor_request_id=seen,
    )


def _until_midnight(now: datetime, zone: ZoneInfo | None) -> timedelta:
    """A daily limit ends at midnight in the account's time zone; an hour where we do not know it."""
    if zone is None:
        return timedelta(hours=1)
    here = now.astimezone(zone)
    midnight = datetime.combine(here.date() + timedelta(days=1), time(), zone)
    return midnight.astimezone(now.tzinfo) - now + timedelta(seconds=1)


def _later(
    why: str,
    kind: str,
    status: int | None,
    seen: str | None,
    wait: timedelta | None = None,
    *,
    lane_wide: bool = True,
    doubt: bool = False,
) -> TryLater:
    return TryLater(
        f"HubSpot: {why}",
        kind=f"hubspot.{kind}",
        wait=wait,
        lane_wide=lane_wide,
        doubt=doubt,
        status=status,
        vendor_request_id=seen,
    )
