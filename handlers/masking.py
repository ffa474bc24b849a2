"""A delivery's body for the eyes of ops: its shape whole, its personal values hidden. Pure.

What is hidden is everything that is not known to be harmless: a key this service has never heard of may hold a name as
well as a flag, and may be one itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

#: Stands for what is hidden; how long it is, is told beside it.
HIDDEN: Final = "•••"
#: A page shows so many lines, or so many letters of what cannot be read, and says when there are more.
MOST_LINES: Final = 1_000
MOST_TEXT: Final = 20_000
#: Deeper than anything an API sends.
DEEPEST: Final = 40

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_GID: Final = re.compile(r"gid://shopify/[A-Za-z]{1,40}/\d{1,20}", re.ASCII)
_ID: Final = re.compile(r"[1-9]\d{0,19}", re.ASCII)
_STATES: Final = re.compile(
    "enabled|disabled|invited|declined|subscribed|not_subscribed|unsubscribed|pending|redacted|invalid", re.IGNORECASE
)
#: The texts and numbers that say nothing about a person, by their key and by how they must look.
OPEN: Final = {
    "id": _ID,
    "customer_id": _ID,
    "last_order_id": _ID,
    "admin_graphql_api_id": _GID,
    "created_at": _TIME,
    "updated_at": _TIME,
    "accepts_marketing_updated_at": _TIME,
    "consent_updated_at": _TIME,
    "state": _STATES,
    "opt_in_level": re.compile("single_opt_in|confirmed_opt_in|unknown", re.IGNORECASE),
    "marketing_opt_in_level": re.compile("single_opt_in|confirmed_opt_in|unknown", re.IGNORECASE),
    "consent_collected_from": re.compile("shopify|other", re.IGNORECASE),
    "currency": re.compile("JPY|USD|EUR|GBP|CNY|KRW|TWD|HKD|SGD|AUD|CAD"),
}
#: The keys that Shopify has ever sent of a customer.
KEYS: Final = frozenset(
    {
        "accepts_marketing",
        "accepts_marketing_updated_at",
        "address1",
        "address2",
        "addresses",
        "admin_graphql_api_id",
        "city",
        "company",
        "consent_collected_from",
        "consent_updated_at",
        "country",
        "country_code",
        "country_name",
        "created_at",
        "currency",
        "customer_id",
        "default",
        "default_address",
        "email",
        "email_marketing_consent",
        "first_name",
        "id",
        "last_name",
        "last_order_id",
        "last_order_name",
        "marketing_opt_in_level",
        "multipass_identifier",
        "name",
        "note",
        "opt_in_level",
        "orders_count",
        "phone",
        "province",
        "province_code",
        "sms_marketing_consent",
        "state",
        "tags",
        "tax_exempt",
        "tax_exemptions",
        "total_spent",
        "updated_at",
        "verified_email",
        "zip",
    }
)
_RUN: Final = re.compile(r"[^\s<>/{}\[\]\"':,;=?&]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a body as it is shown: how deep it stands, its key, its value; ``length`` of what is hidden."""

    depth: int
    key: str
    value: str
    kind: Literal["open", "hidden", "mark"]
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A body as it is shown: ``lines`` when it is JSON, else ``text``; ``cut`` when there is more."""

    lines: tuple[Line, ...] = ()
    text: str = ""
    cut: bool = False


def told(body: bytes, *, shown: bool = False) -> Told:
    """The body for a page. ``shown``: as it is, for who asked for it on purpose. Never raises."""
    try:
        value = json.loads(body.removeprefix(b"\xef\xbb\xbf"), parse_int=_whole)
    except (ValueError, RecursionError, MemoryError):
        return _unreadable(body, shown=shown)
    lines = tuple(islice(_lines("", value, 0, shown=shown), MOST_LINES + 1))
    return Told(lines=lines[:MOST_LINES], cut=len(lines) > MOST_LINES)


def safe(text: str) -> str:
    """The text with whatever cannot be seen, or turns round how it is read, spelled out."""
    return "".join(c if c.isprintable() or c in "\n\t\u3000" else c.encode("unicode_escape").decode() for c in text)


def _whole(digits: str) -> int | str:
    """A number as it stands: Python refuses to read one of thousands of digits."""
    return int(digits) if len(digits) <= 40 else digits


def _lines(key: str, value: Any, depth: int, *, shown: bool) -> Iterator[Line]:
    if isinstance(value, dict | list):
        ends = "{}" if isinstance(value, dict) else "[]"
        if not value or depth >= DEEPEST:
            yield Line(depth, key, ends if not value else f"{ends[0]}…{ends[1]}", "mark")
            return
        yield Line(depth, key, ends[0], "mark")
        pairs = value.items() if isinstance(value, dict) else ((None, one) for one in value)
        for name, one in pairs:
            yield from _lines(_key(name, shown=shown), one, depth + 1, shown=shown)
        yield Line(depth, "", ends[1], "mark")
    else:
        yield _leaf(key, value, depth, shown=shown)


def _leaf(key: str, value: Any, depth: int, *, shown: bool) -> Line:
    if value is None or isinstance(value, bool) or value == "":
        return Line(depth, key, json.dumps(value), "open")
    text = str(value)
    pattern = OPEN.get(key)
    if shown or (pattern is not None and pattern.fullmatch(text)):
        return Line(depth, key, safe(json.dumps(value, ensure_ascii=False)), "open")
    return Line(depth, key, HIDDEN, "hidden", len(text))


def _key(name: str | None, *, shown: bool) -> str:
    if name is None:
        return ""
    return safe(name) if shown or name in KEYS else HIDDEN


def _unreadable(body: bytes, *, shown: bool) -> Told:
    """What is no JSON: of what is hidden, the punctuation is left."""
    text = safe(body.decode("utf-8", "backslashreplace"))
    text = text if shown else _RUN.sub(HIDDEN, text)
    return Told(text=text[:MOST_TEXT], cut=len(text) > MOST_TEXT)
