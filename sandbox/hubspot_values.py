"""What HubSpot accepts as the value of a property, and how it rewrites it.

Types: https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.hubspot_errors import bad_value

LONGEST_STRING = 65_536
# Two dots in a row and a dot before the @, as old Japanese carrier addresses have them, are refused.
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}"
)
_MILLISECONDS = re.compile(r"-?[0-9]{9,}")
_DAY = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")


class BadValue(Exception):
    """`complaint` is what HubSpot would say about it."""

    def __init__(self, code: str, name: str, message: str) -> None:
        super().__init__(code, name)
        self.complaint = bad_value(code, name, message)


def clean_value(  # noqa: PLR0911 - one answer for each type
    definition: Mapping[str, Any], value: object
) -> tuple[str, dict[str, Any] | None]:
    """The value as it will be stored, and a warning if HubSpot rewrote it. Raises `BadValue`.

    `""` clears and is always allowed.
    """
    name = str(definition["name"])
    if not isinstance(value, str):
        raise BadValue("INVALID_STRING", name, f'"{name}" must be sent as a string')
    if definition.get("readOnly"):
        raise BadValue("READ_ONLY_VALUE", name, f'"{name}" is a read only property; its value cannot be set.')
    if not value:
        return "", None
    if name == "email":
        return _email(value), None
    match definition["type"]:
        case "enumeration" | "bool":
            return _option(definition, value), None
        case "number":
            return _number(name, value), None
        case "date":
            return _date(name, value)
        case "datetime":
            return _moment(name, value), None
        case _:
            if len(value) > LONGEST_STRING:
                raise BadValue("INVALID_LENGTH", name, f"Value is longer than {LONGEST_STRING} characters")
            return value, None


def _email(value: str) -> str:
    address = value.strip().lower()
    if not _EMAIL.fullmatch(address):
        raise BadValue("INVALID_EMAIL", "email", f"Email address {value} is invalid")
    return address


def _option(definition: Mapping[str, Any], value: str) -> str:
    options = [str(option["value"]) for option in definition.get("options", ())]
    if definition["type"] == "bool" and not options:
        options = ["true", "false"]
    several = definition.get("fieldType") == "checkbox"
    for part in value.lstrip(";").split(";") if several else [value]:
        if part not in options:
            name = str(definition["name"])
            raise BadValue("INVALID_OPTION", name, f"{part} was not one of the allowed options: [{', '.join(options)}]")
    return value


def _number(name: str, value: str) -> str:
    try:
        float(value)
    except ValueError:
        raise BadValue("INVALID_INTEGER", name, f"{value} was not a valid number.") from None
    return value


def _date(name: str, value: str) -> tuple[str, dict[str, Any] | None]:
    """`YYYY-MM-DD` is kept. What else can be read is rewritten as the day in UTC, which may be the day before."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat(), None
        except ValueError:
            raise BadValue("INVALID_DATE", name, f"{value} was not a valid date.") from None
    moment = _read_moment(value)
    if moment is None and (day := _DAY.fullmatch(value.strip())):
        try:
            moment = datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=UTC)
        except ValueError:
            moment = None
    if moment is None:
        raise BadValue("INVALID_DATE", name, f"{value} was not a valid date.")
    kept = moment.astimezone(UTC).date().isoformat()
    if _MILLISECONDS.fullmatch(value) and int(value) % 86_400_000 == 0:
        return kept, None
    return kept, {
        "category": "PROPERTY_VALUE_NORMALIZED",
        "context": {"propertyName": [name], "rawValue": [value], "normalizedValue": [kept]},
        "message": f"The value of {name} was normalized.",
    }


def _moment(name: str, value: str) -> str:
    moment = _read_moment(value)
    if moment is None:
        raise BadValue("INVALID_DATE", name, f"{value} was not a valid datetime.")
    return iso(moment)


def _read_moment(value: str) -> datetime | None:
    """Milliseconds since 1970, or ISO 8601 with a time."""
    try:
        if _MILLISECONDS.fullmatch(value):
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        if "T" in value:
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def iso(at: datetime) -> str:
    """HubSpot's way to write a time: milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
