"""What a carry would change at one contact: the same finding and the same comparison, with reads alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from clients.errors import CarryError, TryLater
from clients.http import Answer
from clients.hubspot.api import HubSpotApi
from clients.hubspot.complaints import mapping, objects, record_id
from clients.hubspot.properties import CUSTOMER_ID, PROPERTIES, UPDATED_AT
from clients.hubspot.resolving import ASKED_FOR, Finds, Found
from clients.hubspot.rows import Row
from clients.hubspot.sorting import ABOUT_ROWS, Verdict, is_foreign
from clients.lane import Change, Look, seen
from customer import Task

_TYPES: Final = {each.name: each.type for each in PROPERTIES}


def look(api: HubSpotApi, task: Task, *, today: date, sort: Callable[[Answer], Verdict]) -> Look:
    """What would happen to this task. Raises ``CarryError``, also where a person would be asked."""
    row = Row(task, today)
    contacts = _find(row, _Reader(api, tuple(dict.fromkeys((*ASKED_FOR, *row.contact.properties))), sort))
    if isinstance(row.result, CarryError):
        raise row.result
    wanted = {name: value for name, value in row.input()["properties"].items() if name != UPDATED_AT}
    if row.ref is None:
        return Look("would be created", changes=tuple(Change(name, None, value) for name, value in wanted.items()))
    there = mapping(contacts[row.ref].get("properties"))
    changes = [
        Change(name, _text(there.get(name)), value or None)
        for name, value in wanted.items()
        if not is_same(name, _text(there.get(name)), value or None)
    ]
    return seen(row.ref, "would be linked" if row.links else "linked", changes)


@dataclass(frozen=True, slots=True)
class _Reader:
    api: HubSpotApi
    asked: tuple[str, ...]
    sort: Callable[[Answer], Verdict]

    def read(self, by: str | None, value: str) -> dict[str, Mapping[str, Any]]:
        """The contacts found by this, by record id; an id that HubSpot refuses has none."""
        answer = self.api.read(by, [value], self.asked)
        if answer.ok and not is_foreign(answer):
            found = objects(mapping(answer.body).get("results"))
            return {ref: each for each in found if (ref := record_id(each.get("id")))}
        if isinstance(verdict := self.sort(answer), CarryError):
            raise verdict
        if answer.status not in ABOUT_ROWS:
            raise TryLater("HubSpot: the answer cannot be read", kind="hubspot.unreadable", status=answer.status)
        return {}


def _find(row: Row, reader: _Reader) -> dict[str, Mapping[str, Any]]:
    """Tell the row where its contact is, and give back what was read."""
    contacts = reader.read(None, row.ref) if row.ref is not None else {}
    if row.ref is not None and row.ref not in contacts:
        row.lose()
    if row.lost:
        contacts = reader.read(CUSTOMER_ID, row.key)
        for way in row.contact.spellings:
            contacts |= reader.read("email", way)
        Finds(Found.read(each) for each in contacts.values()).place(row)
    return contacts


def is_same(name: str, there: str | None, wanted: str | None) -> bool:
    """Whether HubSpot's way of writing a value and ours mean the same: it writes numbers and times in its own."""
    if there is None or wanted is None:
        return there == wanted
    match _TYPES.get(name):
        case "number":
            return _number(there) == _number(wanted)
        case "date" | "datetime":
            return _moment(there) == _moment(wanted)
        case _:
            return there == wanted


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _moment(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text
