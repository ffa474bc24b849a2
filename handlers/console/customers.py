"""The page of customers: one box to look people up, filters, and a list that may be as long as it likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for

from handlers.causes import cause_of
from handlers.console import one_customer
from handlers.console.facts import name_of, reading_of
from handlers.console.hidden import hidden_mail, hidden_phone
from handlers.house import LANES, House
from ledger.browse import MOST_COUNTED, PAGE, Listing
from ledger.search import Found
from ledger.ways import ByTasks, Filter
from ledger.words import Query, read_query

_HERE: Final = ZoneInfo("Asia/Tokyo")
_LARGEST: Final = 2**63 - 1
_YEARS: Final = range(2000, 2200)


def pages(door: Blueprint, house: House) -> None:
    """``/console/customers``, and all that belongs to one customer."""
    one_customer.pages(door, house)

    @door.get("/customers")
    def customers() -> str:
        asked = _Asked.of(request.args)
        found = house.search.find(asked.query) if asked.query else None
        listing = _found(house, asked, found) if found else _listed(house, asked)
        return render_template(
            "console/customers.html",
            asked=asked,
            found=found,
            listing=listing,
            count=None if found else house.browse.count(asked.wanted),
            most=MOST_COUNTED,
            newer=asked.url(after=listing.newer) if listing.newer is not None else None,
            older=asked.url(before=listing.older) if listing.older is not None else None,
            progress=house.search_index.progress(),
            whole_words_only=house.search.whole_words_only,
            lanes=LANES,
            states=ByTasks.STATES,
            kinds=_kinds(house, asked),
            name_of=name_of,
            reading_of=reading_of,
            hidden_mail=hidden_mail,
            hidden_phone=hidden_phone,
            cause_of=cause_of,
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address of the page asks for; what cannot be read in it asks for nothing."""

    query: Query
    wanted: Filter
    given: Mapping[str, str]
    before: int | None
    after: int | None

    @classmethod
    def of(cls, told: Mapping[str, str]) -> _Asked:
        lane, state = told.get("lane", ""), told.get("state", "")
        kind = told.get("kind", "").strip()[:100] or None
        wanted = Filter(
            lane=lane if lane in LANES else None,
            state=state if state in ByTasks.STATES else None,
            kind=kind if kind and kind.isprintable() else None,
            since=_moment(told.get("since", "")),
            until=_moment(told.get("until", ""), whole_day=True),
        )
        given = {name: told[name] for name in ("q", "lane", "state", "kind", "since", "until") if told.get(name)}
        return cls(read_query(told.get("q", "")), wanted, given, _place(told.get("before")), _place(told.get("after")))

    @property
    def narrows(self) -> bool:
        """Whether any filter is set."""
        return self.wanted.speaks_of_tasks or self.wanted.speaks_of_time

    def url(self, **place: int | None) -> str:
        """The same page from another place on."""
        given: dict[str, Any] = {**self.given, **place}
        return url_for("console.customers", **given)


def _listed(house: House, asked: _Asked) -> Listing:
    return house.browse.customers(asked.wanted, before=asked.before, after=asked.after)


def _found(house: House, asked: _Asked, found: Found) -> Listing:
    """Who was found, a page of them: there are so few that a place is simply a number in the row."""
    ids = house.browse.of(found.customer_ids, asked.wanted) if asked.narrows else found.customer_ids
    start = asked.before or (max(0, asked.after - PAGE) if asked.after else 0)
    end = start + PAGE
    return Listing(house.browse.rows(ids[start:end]), start or None, end if end < len(ids) else None)


def _kinds(house: House, asked: _Asked) -> list[str]:
    kinds = house.browse.kinds()
    return kinds if not asked.wanted.kind or asked.wanted.kind in kinds else [asked.wanted.kind, *kinds]


def _moment(text: str, *, whole_day: bool = False) -> datetime | None:
    """A day, or a moment, as somebody in Japan means it; a day as an end is meant with all its hours."""
    try:
        if len(text) <= len("2026-11-22"):
            text = (date.fromisoformat(text) + timedelta(days=whole_day)).isoformat()
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=_HERE)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in _YEARS else None


def _place(text: str | None) -> int | None:
    if not text or not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    return min(int(text), _LARGEST)
