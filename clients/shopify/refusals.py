"""Shopify's refusals, sorted by what we should do about them.

A status says it for the whole call (https://shopify.dev/docs/api/usage/response-codes), ``errors`` in a 200 for the
query or for a part of it. Shopify's own words stay out of our messages, since they may quote what we asked; their code
and their request id are enough to look it up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from clients.errors import Busy, CarryError, StopLane, TryLater
from clients.http import Answer

PROTECTED_DATA_PAGE: Final = "https://shopify.dev/docs/apps/launch/protected-customer-data"
DENIED: Final = "ACCESS_DENIED"
THROTTLED: Final = "THROTTLED"

_ID: Final = re.compile(r"[\w.:/-]+", re.ASCII)
_SLUG: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
# The query itself does not fit: words of GraphQL's own checks are in camelCase, Shopify's are in capitals.
_OUR_FAULT: Final = re.compile(r"[a-z]\w*|MAX_COST_EXCEEDED|GRAPHQL_\w+|BAD_USER_INPUT")
_SHOP_CLOSED: Final = frozenset({"SHOP_INACTIVE"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """One entry of ``errors``: Shopify's code ("" when it has none), and where in the answer."""

    code: str
    path: tuple[str | int, ...] = ()

    @property
    def row(self) -> int | None:
        """The place in ``nodes`` that this is about, if it is about one."""
        match self.path:
            case ("nodes", int(row), *_):
                return row
        return None

    @property
    def field(self) -> str | None:
        """The customer's field that this is about, if it is about one."""
        match self.path:
            case ("nodes", int(), str(field), *_):
                return field
        return None


def read_troubles(body: Mapping[str, Any]) -> tuple[Trouble, ...]:
    """What ``errors`` of an answer says; it may be missing, a text, or a list."""
    errors = body.get("errors")
    if not errors:
        return ()
    if not isinstance(errors, list):
        return (Trouble(""),)
    return tuple(_trouble(one) for one in errors)


def _trouble(one: object) -> Trouble:
    if not isinstance(one, Mapping):
        return Trouble("")
    extensions, path = one.get("extensions"), one.get("path")
    return Trouble(
        slug(extensions.get("code") if isinstance(extensions, Mapping) else None),
        tuple(step for step in path if isinstance(step, (str, int))) if isinstance(path, list) else (),
    )


def slug(raw: object) -> str:
    """A short code of theirs as it may stand in a message; "" for anything else."""
    return raw if isinstance(raw, str) and _SLUG.fullmatch(raw) else ""


def request_id(answer: Answer) -> str | None:
    """Shopify's own id of the request, for their support."""
    told = answer.headers.get("X-Request-Id", "")[:100]
    return told if _ID.fullmatch(told) else None


def denied(trouble: Trouble | None, vendor_request_id: str | None) -> StopLane:
    """Customers may not be seen with this credential; without a trouble, nothing that is personal of them."""
    what = "any personal data of customers" if trouble is None else "customers"
    return StopLane(
        f"Shopify does not let us see {what}: the app needs the scope read_customers and access to protected customer "
        f"data (level 2), and the store a plan that has it; see {PROTECTED_DATA_PAGE}",
        kind="shopify.access_denied",
        status=200,
        vendor_request_id=vendor_request_id,
    )


def sort_troubles(troubles: tuple[Trouble, ...], vendor_request_id: str | None) -> CarryError:
    """What ``errors`` mean when they stand for the whole question."""
    for trouble in troubles:
        if trouble.code == DENIED:
            return denied(trouble, vendor_request_id)
    codes = sorted({trouble.code for trouble in troubles if trouble.code})
    named = ", ".join(codes) or "no code"
    if any(code in _SHOP_CLOSED for code in codes):
        return StopLane(
            f"the shop is closed ({named}): see its state in the Shopify admin, and SHOPIFY_SHOP",
            kind="shopify.shop_closed",
            status=200,
            vendor_request_id=vendor_request_id,
        )
    if any(_OUR_FAULT.fullmatch(code) for code in codes):
        return StopLane(
            f"Shopify does not take our question ({named}): check SHOPIFY_API_VERSION and SHOPIFY_METAFIELDS",
            kind="shopify.question_refused",
            status=200,
            vendor_request_id=vendor_request_id,
        )
    return TryLater(
        f"Shopify could not answer ({named})",
        kind="shopify.error",
        status=200,
        vendor_request_id=vendor_request_id,
    )


_STOPS: Final[Mapping[int, tuple[str, str]]] = {
    401: ("credential", "Shopify refuses our credential: check {credential}"),
    402: ("shop_frozen", "the shop is frozen for want of payment: see its state in the Shopify admin"),
    403: ("forbidden", "Shopify forbids it: check the app's scopes (read_customers), its IP allow-list, {credential}"),
    404: ("not_found", "no shop answers there: check SHOPIFY_SHOP, SHOPIFY_API_VERSION and SHOPIFY_API_URL"),
}
# Neither is undone by asking again within seconds: Shopify unlocks a shop, and forgets an attacker, in its own time.
_PAUSES: Final[Mapping[int, tuple[str, str]]] = {
    423: ("locked", "Shopify has locked the shop"),
    430: ("rejected", "Shopify takes our calls for an attack"),
}
_LONG_PAUSE: Final = timedelta(minutes=10)


def sort_status(answer: Answer, credential: str) -> CarryError:
    """What a status other than 2xx means. ``credential`` names the settings that were used."""
    status, asked_as = answer.status, request_id(answer)
    if status == 429:
        wait = answer.wait() or timedelta(seconds=2)
        return Busy(
            "Shopify asks us to wait", kind="shopify.busy", wait=wait, status=status, vendor_request_id=asked_as
        )
    if status in _PAUSES or not 300 <= status < 500:
        kind, why = _PAUSES.get(status, ("down", f"Shopify answers {status}"))
        wait_for = _LONG_PAUSE if status in _PAUSES else answer.wait()
        return TryLater(why, kind=f"shopify.{kind}", wait=wait_for, status=status, vendor_request_id=asked_as)
    refused = ("question_refused", f"Shopify does not take our question ({status}): check SHOPIFY_API_VERSION")
    # A shop that moved answers with a redirect, which we do not follow with a credential in hand.
    kind, why = _STOPS[404] if status < 400 else _STOPS.get(status, refused)
    return StopLane(
        why.format(credential=credential), kind=f"shopify.{kind}", status=status, vendor_request_id=asked_as
    )
