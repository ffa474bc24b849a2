"""Does a 403 speak of scopes, and of which? Only then it is about our key; else a firewall may have said it.

Scopes: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/account-service-keys
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from clients.hubspot.complaints import LONGEST_WORDS, texts

_DEEPEST: Final = 6
_SCOPE: Final = re.compile(r"[a-z][a-z0-9._-]{1,80}")
_FAMILY: Final = re.compile(
    r"(?<![\w.@-])(?:crm|communication_preferences|settings|account-info)\.[a-z][a-z0-9._-]{1,80}"
)
# An older form: "... does not have proper permissions! (requires any of [crm-contacts-write])".
_REQUIRES: Final = re.compile(r"requires? (?:any|all|one)? ?(?:of)? ?\[([a-z0-9._, -]{1,500})\]", re.IGNORECASE)
_SPEAKS: Final = re.compile(r"\bscopes?\b|proper permissions", re.IGNORECASE)


def missing_scopes(body: Any) -> frozenset[str] | None:
    """The scopes that this body of a 403 names, none where it names none; None where it does not speak of scopes.

    They stand under ``requiredGranularScopes``, ``requiredScopes`` and the like, at any depth, or in the message alone.
    """
    found, speaks = set[str](), False
    for name, text in _texts(body, _DEEPEST):
        if name == "message":
            text = text[:LONGEST_WORDS]  # noqa: PLW2901 - no sentence is longer
            listed = (each.strip() for told in _REQUIRES.findall(text) for each in told.split(","))
            names = [*_FAMILY.findall(text), *listed]
            speaks = speaks or bool(_SPEAKS.search(text)) or bool(_REQUIRES.search(text))
        elif "scope" in name.lower():
            # Words with anything else among them are no list of scopes, but what somebody told, and may be personal.
            told = re.split(r"[\s,]+", text.strip())
            names, speaks = told if all(map(_SCOPE.fullmatch, told)) else [], True
        else:
            speaks = speaks or (name == "category" and "SCOPE" in text)
            continue
        found |= {each for each in names if _SCOPE.fullmatch(each)}
    return frozenset(found) if speaks else None


def _texts(value: Any, deeper: int, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a body, with the name it stands under."""
    if isinstance(value, Mapping):
        if deeper:
            for key, part in value.items():
                yield from _texts(part, deeper - 1, str(key))
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, deeper - 1, name) if deeper else ()
    else:
        yield from ((name, text) for text in texts(value))
