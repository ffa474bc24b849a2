"""`customers(query:, sortKey:, …)` of the Admin API: Shopify's search words, sorting and cursors. Pure.

https://shopify.dev/docs/api/usage/search-syntax
"""

import base64
import heapq
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final, Literal

from sandbox.shopify_customers import JST, ShopCustomer

Precision = Literal["second", "day"]
SORT_KEYS: Final = ("ID", "UPDATED_AT", "CREATED_AT", "NAME")
LONGEST_PAGE: Final = 250

_TERM: Final = re.compile(r"""(?:(-?\w+):(>=|<=|>|<)?)?('[^']*'|"[^"]*"|\S+)""")
_COMPARES: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a connection, with what `pageInfo` says about it."""

    nodes: list[Any]
    cursors: list[str] = field(default_factory=list)
    has_next: bool = False
    has_previous: bool = False


class BadCursor(ValueError):
    """`after` is no cursor that was given out."""


def matches(query: str, precision: Precision) -> tuple[Callable[[ShopCustomer], bool], list[str]]:
    """The test this search text stands for, and the fields in it that Shopify does not know and therefore ignores.

    `day`: times are compared as whole days of the shop, as the schema's words about `updated_at` can be read.
    """
    tests: list[Callable[[ShopCustomer], bool]] = []
    unknown: list[str] = []
    for name, sign, quoted in _TERM.findall(query):
        value = quoted.strip("'\"")
        if not name:
            if value not in {"AND", "*"}:
                tests.append(_free_text(value))
        elif name in {"updated_at", "created_at"}:
            tests.append(_time_test(name, sign, value, precision))
        elif name in {"id", "email", "phone", "tag", "state"}:
            tests.append(_value_test(name, sign, value))
        else:
            unknown.append(name)
    return lambda customer: all(test(customer) for test in tests), unknown


def page(customers: Iterable[ShopCustomer], first: int, after: str | None, sort_key: str, *, reverse: bool) -> Page:
    """So many of these after that cursor. Raises `BadCursor`."""
    key = _sorting(sort_key)
    rest = everyone = list(customers)
    if after is not None:
        last = _read_cursor(after)
        rest = [one for one in everyone if (key(one) < last if reverse else key(one) > last)]
    shown = (heapq.nlargest if reverse else heapq.nsmallest)(first, rest, key)
    return Page(shown, [_cursor(key(one)) for one in shown], len(rest) > first, len(rest) < len(everyone))


def _sorting(sort_key: str) -> Callable[[ShopCustomer], tuple[str, int]]:
    match sort_key:
        case "UPDATED_AT":
            return lambda one: (f"{one.updated_at.timestamp():.0f}", one.id)
        case "CREATED_AT":
            return lambda one: (f"{one.created_at.timestamp():.0f}", one.id)
        case "NAME":
            return lambda one: (f"{one.last_name or ''}\t{one.first_name or ''}", one.id)
        case _:
            return lambda one: ("", one.id)


def _cursor(key: tuple[str, int]) -> str:
    return base64.urlsafe_b64encode(f"{key[1]}:{key[0]}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[str, int]:
    try:
        number, _, value = base64.urlsafe_b64decode(cursor).decode().partition(":")
        return value, int(number)
    except ValueError:
        raise BadCursor(cursor) from None


def _free_text(word: str) -> Callable[[ShopCustomer], bool]:
    sought = word.lower()
    return lambda one: any(
        sought in (part or "").lower() for part in (one.first_name, one.last_name, one.email, one.phone)
    )


def _value_test(name: str, sign: str, value: str) -> Callable[[ShopCustomer], bool]:
    compare = _COMPARES[sign]
    if name == "id":
        number = int(value) if value.isdecimal() else 0
        return lambda one: compare(one.id, number)
    if name == "tag":
        return lambda one: value.lower() in {tag.lower() for tag in one.tags}
    return lambda one: str(getattr(one, name) or "").lower() == value.lower()


def _time_test(name: str, sign: str, value: str, precision: Precision) -> Callable[[ShopCustomer], bool]:
    at = _instant(value)
    compare = _COMPARES[sign]
    if at is None:
        return lambda _one: False
    if precision == "day" or re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        day = at.astimezone(JST).date()
        return lambda one: compare(_of(one, name).astimezone(JST).date(), day)
    return lambda one: compare(_of(one, name), at)


def _of(customer: ShopCustomer, name: str) -> datetime:
    return customer.updated_at if name == "updated_at" else customer.created_at


def _instant(value: str) -> datetime | None:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return datetime.combine(date.fromisoformat(value), time(), JST)
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=JST)
