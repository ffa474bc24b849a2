"""Reading what HubSpot says when it says no: the one shape behind an answer's body and a row of ``errors``.

https://developers.hubspot.com/docs/api-reference/error-handling : "treat all fields as optional". A reason may stand in
``category``, in ``errors[].code``, in JSON inside ``message``, or in words alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from clients.hubspot.properties import NAMES

LONGEST_WORDS: Final = 2_000
"""Some of the patterns below take the square of the time for twice the length, and no sentence is longer."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing HubSpot says is wrong: its code, the properties it names, and its words (never shown: they quote)."""

    code: str
    properties: frozenset[str]
    words: str


def traces(error: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    """Which inputs an error names: by ``objectWriteTraceId``, and by id (of a record, or of the key)."""
    context = mapping(error.get("context"))
    ids = {*texts(context.get("ids")), *texts(error.get("id"))}
    return frozenset(texts(context.get("objectWriteTraceId"))), frozenset(ids)


def correlation_id(error: Mapping[str, Any]) -> str | None:
    """HubSpot's own id of the call, for their support."""
    seen = str(error.get("correlationId", ""))
    return seen if re.fullmatch(r"[0-9A-Za-z-]{1,64}", seen) else None


_MEANINGS: Final = {
    "PROPERTY_DOESNT_EXIST": "no property",
    "INVALID_EMAIL": "value",
    "INVALID_OPTION": "value",
    "MISSING_REQUIRED_PROPERTY": "required",
    "MISSING_CONDITIONAL_REQUIRED_PROPERTY": "required",
    "CONFLICT": "taken",
    "CONTACT_EXISTS": "taken",
    "OBJECT_ALREADY_EXISTS": "taken",
    "CONFLICTING_UNIQUE_VALUE": "taken",
    "OBJECT_NOT_FOUND": "gone",
}
# Codes that are not documented, by what they say: what is taken, missing or erased must not pass for a value that could
# be left out.
_CODES: Final = (
    (re.compile(r"GDPR|BLACK_?LIST|BLOCK_?LIST"), "blocklisted"),
    (re.compile(r"(DOESNT|DOES_NOT|NOT)_EXIST|(NO_SUCH|UNKNOWN)_PROPERTY|PROPERTY_NOT_FOUND"), "no property"),
    (re.compile(r"UNIQUE|ALREADY|DUPLICATE|CONFLICT|EXISTS"), "taken"),
    (re.compile(r"REQUIRED|MISSING"), "required"),
)
_ERASED: Final = re.compile(r"GDPR.{0,3}(blacklist|blocklist)", re.IGNORECASE)
# Words are believed only where HubSpot gives no code, or one that we do not know.
_WORDS: Final = (
    (re.compile(r"Email address .* is invalid", re.IGNORECASE | re.DOTALL), "value"),
    (re.compile(r"not one of the allowed options", re.IGNORECASE), "value"),
    (re.compile(r"by non-unique .* property|Property \"?\w+\"? does not exist", re.IGNORECASE), "no property"),
    (re.compile(r"already has that value|Existing ID:", re.IGNORECASE), "taken"),
    (re.compile(r"required propert", re.IGNORECASE), "required"),
)
_BETWEEN: Final = re.compile(r"[\s,]*")
_NAME: Final = re.compile(r"[a-z0-9_]{1,100}")
# Whatever the language around it. Only a name of ours is believed: what else is quoted may be the customer's.
_QUOTED: Final = re.compile(r"[\"'`«‘“„「『]([a-z0-9_]{1,100})[\"'`»’”」』]")


def meaning(complaint: Complaint) -> str | None:
    """One of ``blocklisted``, ``no property``, ``required``, ``value``, ``taken``, ``gone``; None: not known to us."""
    if _ERASED.search(complaint.words):
        return "blocklisted"
    if complaint.code in _MEANINGS:
        return _MEANINGS[complaint.code]
    by_code = next((what for codes, what in _CODES if codes.search(complaint.code)), None)
    return by_code or next((what for words, what in _WORDS if words.search(complaint.words)), None)


def named(about: Iterable[Complaint]) -> frozenset[str]:
    """The properties these complaints name."""
    return frozenset[str]().union(*(each.properties for each in about))


def complaints(error: Mapping[str, Any]) -> Iterator[Complaint]:
    """Everything an error says: of itself, in ``errors``, and in the JSON it may carry inside its message."""
    inside = list(_inside_message(str(error.get("message", ""))))
    parts = [*details(error), *objects(error.get("validationResults"))]
    for part in (*inside, *parts):
        yield _complaint(part)
    for part in parts:
        for deeper in _inside_message(str(part.get("message", ""))):
            yield _complaint(deeper)
    # An outer message repeats what lies inside it, but does not say of which property.
    yield _complaint({**error, "message": "" if inside else error.get("message", "")})


def _complaint(part: Mapping[str, Any]) -> Complaint:
    codes = [str(part.get(key) or "").rsplit(".", 1)[-1] for key in ("code", "error", "subCategory", "category")]
    code = next((each for each in codes if each in _MEANINGS), next((each for each in codes if each), ""))
    words = str(part.get("message", ""))[:LONGEST_WORDS]
    context = mapping(part.get("context"))
    names = [name for key in ("propertyName", "propertyNames") for name in texts(context.get(key))]
    names += [name for key in ("propertyName", "name", "in") for name in texts(part.get(key))]
    if not names and (code == "INVALID_EMAIL" or "Email address" in words):
        names = ["email"]
    if not names:
        names = re.findall(r"Property \"?(?!values\b)([a-z0-9_]+)\"?", words)
        names += [name for name in _QUOTED.findall(words) if name in NAMES]
    return Complaint(code, frozenset(name for name in names if _NAME.fullmatch(name)), words)


def _inside_message(message: str) -> Iterator[Mapping[str, Any]]:
    """``Property values were not valid: [{"error": ..., "name": ...}]``; of a list that is cut off, what is whole."""
    if (found := re.search(r"\[\s*(?=\{)", message)) is None:
        return
    at, decoder = found.end(), json.JSONDecoder()
    while message.startswith("{", at):
        try:
            each, at = decoder.raw_decode(message, at)
        except (ValueError, RecursionError):
            return
        yield each
        at = _BETWEEN.match(message, at).end()  # type: ignore[union-attr]  # it matches nothing, too


def existing_id(error: Mapping[str, Any]) -> str | None:
    """The contact in the way: ``context.existingId``, ``Existing ID: 123`` in the message, or ``identityProfile``."""
    for part in (error, *details(error)):
        ids = texts(mapping(part.get("context")).get("existingId"))
        if ids and (named_id := record_id(ids[0])):
            return named_id
        if found := re.search(r"Existing ID:\s*([0-9]{1,20})(?![0-9])", str(part.get("message", ""))):
            return found[1]
    return record_id(mapping(error.get("identityProfile")).get("vid"))


def record_id(value: Any) -> str | None:
    """The id of a record, which is digits alone, as a text; None for anything else."""
    told = str(value) if type(value) is int else value
    return told if isinstance(told, str) and re.fullmatch(r"[0-9]{1,20}", told) else None


def details(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The ``errors`` inside an error."""
    return objects(error.get("errors"))


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list; nothing where there is none."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """A text, a number or a list of them, as a list of texts."""
    if value is None or isinstance(value, (Mapping, bool)):
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
