"""HubSpot looked through for `flask doctor`: key, scopes, properties, what is left of the day. Reads alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from clients.checkup import Finding, ok, skipped, wrong
from clients.errors import CarryError, TryLater
from clients.http import Answer
from clients.hubspot.api import HubSpotApi
from clients.hubspot.properties import CUSTOMER_ID
from clients.hubspot.setup import Findings
from clients.hubspot.sorting import ABOUT_ROWS, Verdict

_NEARLY: Final = 0.9


def examine(
    api: HubSpotApi, *, check: Callable[[], Findings], sort: Callable[[Answer], Verdict], portal_id: int | None
) -> Iterator[Finding]:
    """Each line as it is found; ``portal_id`` is HUBSPOT_PORTAL_ID, if it is set. Raises ``CarryError``."""
    account = api.account()
    if account.status == 401:
        raise _trouble(sort(account), account.status)
    yield _portal(account, portal_id)
    yield from _contacts(api, sort)
    yield ok("key", "HUBSPOT_ACCESS_TOKEN is good")
    yield from _properties(check)
    yield usage(account.headers)


def usage(headers: Mapping[str, str]) -> Finding:
    """How much of the account's calls for today is used, where the answer tells."""
    what = "calls today"
    try:
        most, left = int(headers["X-HubSpot-RateLimit-Daily"]), int(headers["X-HubSpot-RateLimit-Daily-Remaining"])
    except (KeyError, ValueError):
        return skipped(what, "HubSpot does not tell")
    used = most - left
    if most > 0 and used >= _NEARLY * most:
        return wrong(
            what,
            f"{used:,} of {most:,} are used, by all apps of the account",
            "until midnight in the account's time zone the lane may pause; see in HubSpot which app calls so often",
        )
    return ok(what, f"{used:,} of {most:,} are used")


def _portal(account: Answer, portal_id: int | None) -> Finding:
    told: Any = account.body.get("portalId") if isinstance(account.body, Mapping) else None
    if not isinstance(told, int):
        return skipped("portal", "HubSpot does not tell its number")
    if portal_id is None:
        return ok("portal", f"{told}; set HUBSPOT_PORTAL_ID={told}, and contacts are linked in the console")
    if portal_id != told:
        return wrong("portal", f"the key is portal {told}'s, not {portal_id}'s", f"set HUBSPOT_PORTAL_ID={told}")
    return ok("portal", f"{told}")


def _contacts(api: HubSpotApi, sort: Callable[[Answer], Verdict]) -> Iterator[Finding]:
    answer = api.read(CUSTOMER_ID, ["0"], ["email"])
    verdict = None if answer.ok else sort(answer)
    if answer.status == 403 and isinstance(verdict, CarryError):
        yield wrong("scope crm.objects.contacts.read", verdict.why)
    elif verdict is not None and answer.status not in ABOUT_ROWS:
        raise _trouble(verdict, answer.status)
    else:
        yield ok("scope crm.objects.contacts.read", "granted")
    yield skipped("scope crm.objects.contacts.write", "cannot be asked without writing; the first carry will tell")


def _properties(check: Callable[[], Findings]) -> Iterator[Finding]:
    try:
        found = check()
    except CarryError as e:
        if e.kind != "hubspot.scopes":
            raise
        yield wrong("properties", e.why)
        return
    missing = [name for name, said in found if said == "missing"]
    if missing:
        yield wrong("properties", f"missing: {', '.join(missing)}", "run flask hubspot setup; the worker does so too")
    for name, said in found:
        if said.startswith("wrong"):
            mend = "change it in HubSpot (Settings > Properties); one that must be unique has to be deleted for good"
            yield wrong(f"property {name}", said.removeprefix("wrong: "), mend)
    good = sum(said == "present" for _, said in found)
    if good == len(found):
        yield ok("properties", f"all {good} are there, with the right types")


def _trouble(verdict: Verdict, status: int) -> CarryError:
    if isinstance(verdict, CarryError):
        return verdict
    return TryLater(f"HubSpot answers {status}", kind="hubspot.unexpected", status=status)
