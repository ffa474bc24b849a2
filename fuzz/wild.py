"""Tampering with JSON where it hurts: other types, missing keys, nulls, numbers nobody expects, texts nobody can store.

What a byte-wise fuzzer reaches after hours (a lone surrogate in the third e-mail field of a member) is one step here.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from clients.http import read_json
from fuzz.source import Source

SECRETS: Final = (
    "renge.mitarai@private.example.jp",
    "御手洗蓮華",
    "ミタライレンゲ",
    "080-7777-6666",
    "恵比須町四二七番地",
    "pat-na1-hush-hush-hush",
)
"""What belongs to an invented person or to us. The far side may quote all of it; nothing of ours may repeat it."""

NUMBERS: Final[tuple[Any, ...]] = (
    0,
    -1,
    1,
    100,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    10**400,
    -(10**400),
    0.5,
    1e308,
    5e-324,
    -1e-9,
    math.nan,
    math.inf,
    -math.inf,
)

TEXTS: Final = (
    "",
    " ",
    "0",
    "1",
    "\x00",
    "a\x00b",
    "\ud83d",
    "花\udc00子",
    "𠮷🎀",
    "\u202eabc",
    "line\r\nbreak: x",
    "NaN",
    "1e400",
    "-1",
    "²",
    "٣",
    "9" * 30,
    "9" * 4_400,
    "a" * 70_000,
    "@" * 3_000,
    "a@" * 3_000,
    "花" * 20_000,
    "Email address " * 3_000,
    "by non-unique " * 3_000,
    "[{" * 3_000,
    '[{"a":' * 3_000,
    '[{"message": "x", "name": "email", "error": "INVALID_EMAIL"}]',
    '[{"error": ["PROPERTY_DOESNT_EXIST"], "name": {}}]',
    "Existing ID: 512",
    "Existing ID: ٣",
    "../../../etc/passwd",
    "gid://shopify/Customer/1",
    "gid://shopify/Customer/" + "9" * 30,
    "2026-11-22T12:00:00+09:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-13-45T99:99:99+99:99",
    "[mailAddress] " + SECRETS[0],
    "[lastName] " + SECRETS[1] + "は登録できません",
    "Email address " + SECRETS[0] + " is invalid",
    *SECRETS[:5],
)

NESTED: Final = 3_000  # deeper than Python's recursion limit


def header(source: Source) -> str:
    """The value of a header, in one line, as WSGI and http.client hand it on: text of Latin-1 that was bytes."""
    text = source.pick(TEXTS).encode("utf-8", "replace").decode("latin-1")
    return text.replace("\r", " ").replace("\n", " ")


def wild(source: Source, depth: int = 0) -> Any:  # noqa: PLR0911 - a table
    """Any JSON value, with a taste for the unpleasant; not deep, for a list of thrice the same may hold such lists."""
    match source.below(12 if depth < 4 else 9):
        case 0:
            return None
        case 1 | 2 | 3:
            return source.pick(TEXTS)
        case 4 | 5:
            return source.pick(NUMBERS)
        case 6:
            return source.pick((True, False))
        case 7:
            return []
        case 8:
            return {}
        case 9:
            return [wild(source, depth + 1)] * (1 + source.below(3))
        case 10:
            return {source.pick(TEXTS): wild(source, depth + 1)}
        case _:
            return source.take(12).decode("latin-1")


def tamper(source: Source, value: Any, how_often: int = 12) -> Any:
    """``value`` with some of its parts replaced, dropped, doubled or renamed; unchanged when ``source`` is empty."""
    if source.one_in(how_often):
        return wild(source)
    if isinstance(value, dict):
        told = {key: tamper(source, part, how_often) for key, part in value.items() if not source.one_in(how_often)}
        if source.one_in(how_often):
            told[source.pick([*value, *TEXTS])] = wild(source)
        return told
    if isinstance(value, list):
        parts = [tamper(source, part, how_often) for part in value if not source.one_in(how_often)]
        if source.one_in(how_often):
            parts.append(parts[0] if parts and source.one_in(2) else wild(source))
        return parts
    return value


def read_back(source: Source, value: Any, how_often: int = 12) -> Any:
    """``value``, tampered with, as ``clients.http`` hands it to a parser after it went over the wire."""
    return read_json(json.dumps(tamper(source, value, how_often)).encode())


def as_bytes(source: Source, value: Any) -> bytes:  # noqa: PLR0911 - a table
    """``value`` as a body; now and then one that is hardly JSON any more."""
    body = json.dumps(value, ensure_ascii=source.one_in(2) or not _is_utf8(value)).encode()
    if not source.one_in(8):
        return body
    at = source.below(max(1, len(body)))
    match source.below(8):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + source.take(4) + body[at:]
        case 2:
            return b"[" * 200_000
        case 3:
            return b'{"a":' * NESTED + body + b"}" * NESTED
        case 4:
            return b"\xef\xbb\xbf" + body
        case 5:
            return body.decode("utf-8").encode("utf-16")
        case 6:
            return b'{"id": ' + b"9" * 5_000 + b"}"
        case _:
            return b"<html>" + body + b"</html>"


def _is_utf8(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
