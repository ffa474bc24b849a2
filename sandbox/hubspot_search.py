"""Search over contacts: an index that is some seconds behind, with its own small limits."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.hubspot_contacts import SHOWN_BY_DEFAULT, Contact, Contacts
from sandbox.hubspot_errors import invalid_input

MOST_ROWS = 200
MOST_GROUPS = 6
LONGEST_QUERY = 3000
_QUERIED = ("email", "firstname", "lastname", "phone", "company")

_OPERATORS: dict[str, Callable[[str | None, Mapping[str, Any]], bool]] = {
    "EQ": lambda value, asked: value is not None and value.lower() == str(asked.get("value", "")).lower(),
    "NEQ": lambda value, asked: value is None or value.lower() != str(asked.get("value", "")).lower(),
    "IN": lambda value, asked: value is not None and value.lower() in {str(v).lower() for v in asked.get("values", ())},
    "NOT_IN": lambda value, asked: value is None or value.lower() not in {str(v).lower() for v in asked["values"]},
    "HAS_PROPERTY": lambda value, _: value is not None,
    "NOT_HAS_PROPERTY": lambda value, _: value is None,
    "GT": lambda value, asked: value is not None and value > str(asked.get("value")),
    "GTE": lambda value, asked: value is not None and value >= str(asked.get("value")),
    "LT": lambda value, asked: value is not None and value < str(asked.get("value")),
    "LTE": lambda value, asked: value is not None and value <= str(asked.get("value")),
    "CONTAINS_TOKEN": lambda value, asked: value is not None and str(asked.get("value", "")).strip("*") in value,
}


def search(contacts: Contacts, sent: Mapping[str, Any]) -> dict[str, Any]:
    """One page of what the index knows. Raises `Refused` 400 for what the reference does not allow."""
    limit, after = _number(sent, "limit", 10), _number(sent, "after", 0)
    groups = sent.get("filterGroups") or []
    query = str(sent.get("query") or "")
    if limit > MOST_ROWS or len(groups) > MOST_GROUPS or len(query) > LONGEST_QUERY:
        raise invalid_input(f"At most {MOST_ROWS} rows, {MOST_GROUPS} filterGroups and {LONGEST_QUERY} characters")
    found = [contact for contact in contacts.searchable() if _meets(contact, groups) and _mentions(contact, query)]
    asked = sent.get("properties") or SHOWN_BY_DEFAULT
    page = found[after : after + limit]
    answer: dict[str, Any] = {"total": len(found), "results": [contact.shown(asked) for contact in page]}
    if after + limit < len(found):
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return answer


def _meets(contact: Contact, groups: list[Mapping[str, Any]]) -> bool:
    return not groups or any(all(_passes(contact, one) for one in group.get("filters", ())) for group in groups)


def _passes(contact: Contact, asked: Mapping[str, Any]) -> bool:
    judge = _OPERATORS.get(str(asked.get("operator")))
    if judge is None or "propertyName" not in asked:
        raise invalid_input("Invalid input JSON: unknown operator or no propertyName")
    return judge(contact.value(str(asked["propertyName"])), asked)


def _mentions(contact: Contact, query: str) -> bool:
    return not query or any(query.lower() in (contact.value(name) or "").lower() for name in _QUERIED)


def _number(sent: Mapping[str, Any], name: str, default: int) -> int:
    given = str(sent.get(name, default))
    if not given.isascii() or not given.isdigit():
        raise invalid_input(f"Invalid input JSON: {name} must be a number")
    return int(given)
