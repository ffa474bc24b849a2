"""Smaregi looked through for `flask doctor`: credential, scopes, plan, required columns, the index. Reads alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from clients.checkup import Finding, ok, skipped, wrong
from clients.smaregi.api import SmaregiApi
from clients.smaregi.index import MemberIndex
from clients.smaregi.required import STAND_INS

#: There whatever Shopify has.
ALWAYS: Final = frozenset({"customerCode", "customerNo", "lastName", "firstName", "mailReceiveFlag", *STAND_INS})
#: There when the customer has filled it in.
FROM_SHOPIFY: Final = frozenset({"postCode", "address", "phoneNumber", "mailAddress", "birthDate"})
_STALE: Final = timedelta(minutes=5)


def examine(api: SmaregiApi, index: MemberIndex, *, now: datetime) -> Iterator[Finding]:
    """Each line as it is found. Raises ``CarryError``."""
    api.sign_in()
    yield ok("credential", "a token was given, with the scopes pos.customers:read and pos.customers:write")
    columns = api.required_columns()
    api.find("customer_code", "0")
    yield ok("plan", "members can be read")
    yield from judge_columns(columns)
    yield judge_index(index, now)


def judge_columns(columns: frozenset[str]) -> Iterator[Finding]:
    """What the contract requires of every member (会員必須項目設定), beside what Shopify can fill."""
    what = "required columns"
    if never := sorted(columns - ALWAYS - FROM_SHOPIFY):
        yield wrong(
            what,
            f"{', '.join(never)}: nothing in Shopify fills them, so no member could be created",
            "make them optional in Smaregi (会員必須項目設定)",
        )
    if sometimes := sorted(columns & FROM_SHOPIFY):
        yield ok(what, f"{', '.join(sometimes)}: who has none in Shopify waits for a person")
    if not never and not sometimes:
        yield ok(what, "none that Shopify could leave empty")


def judge_index(index: MemberIndex, now: datetime) -> Finding:
    """Whether members can be found: the index is filled, and fresh."""
    what, fresh = "member index", index.freshness()
    if fresh.scanned_at is None:
        done = f", page {fresh.scan_page} is next" if fresh.scan_page else ""
        return wrong(what, f"not filled yet{done}", "a worker fills it (flask worker); nobody is created until then")
    if fresh.fresh_at is None or abs(now - fresh.fresh_at) > _STALE:
        return wrong(what, "older than five minutes", "see that a worker runs: it is brought up to date every 10 s")
    if fresh.scan_page is not None:
        return skipped(what, f"fresh; a new full scan is at page {fresh.scan_page}")
    return ok(what, "filled and fresh")
