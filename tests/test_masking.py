"""A delivery's body on a page: its shape is told, and nothing of the person, until it is shown on purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.masking import DEEPEST, HIDDEN, KEYS, MOST_LINES, MOST_TEXT, Told, safe, told

PAYLOADS = sorted((Path(__file__).parent / "payloads" / "shopify").glob("*.*"))
PERSONAL = (
    "見本",
    "花子",
    "hanako@example.jp",
    "090-0000-9001",
    "+819000009001",
    "永田町2丁目3-1",
    "Hanako",
    "1990-01-31x",
)


def text_of(shown: Told) -> str:
    """Everything that a page would show."""
    return "\n".join(f"{line.key}: {line.value}" for line in shown.lines) + shown.text


@pytest.mark.parametrize(
    ("key", "value", "seen"),
    [
        ("id", 6995325803001, True),
        ("id", "6995325803001", True),
        ("id", "090-0000-9001", False),
        ("id", "09000009001", False),
        ("admin_graphql_api_id", "gid://shopify/Customer/1", True),
        ("admin_graphql_api_id", "gid://shopify/Customer/hanako", False),
        ("created_at", "2026-11-22T12:00:00+09:00", True),
        ("updated_at", "2026-11-22T03:00:00.123Z", True),
        ("updated_at", "yesterday", False),
        ("state", "enabled", True),
        ("state", "花子", False),
        ("currency", "JPY", True),
        ("currency", "花子", False),
        ("verified_email", True, True),
        ("note", None, True),
        ("note", "", True),
        ("note", "見本さま", False),
        ("first_name", "花子", False),
        ("email", "hanako@example.jp", False),
        ("phone", 9000009001, False),
        ("total_spent", "12000.00", False),
        ("orders_count", 3, False),
        ("tags", ["見本"], False),
        ("default_address", {"city": "京都市"}, False),
        ("birthday", "1990-01-31", False),
    ],
)
def test_what_is_seen_of_a_value(key: str, value: Any, seen: bool) -> None:
    lines = told(json.dumps({key: value}).encode()).lines
    hidden = [line for line in lines if line.kind == "hidden"]
    assert bool(hidden) is not seen
    assert all(line.value == HIDDEN for line in hidden)


def test_a_key_that_nobody_knows_is_hidden_too() -> None:
    seen = text_of(told('{"見本 花子": true, "hanako": {"email": 1}}'.encode()))
    assert "花子" not in seen
    assert "hanako" not in seen
    assert "email" in seen


def test_how_long_a_hidden_value_is_can_be_seen() -> None:
    (line,) = [line for line in told(b'{"first_name": "abc"}').lines if line.key == "first_name"]
    assert (line.kind, line.length) == ("hidden", 3)


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.name)
def test_every_payload_we_know_is_told_with_and_without_what_is_hidden(path: Path) -> None:
    body = path.read_bytes()
    masked, shown = text_of(told(body)), text_of(told(body, shown=True))
    assert shown or not body
    for personal in ("見本", "花子", "example.jp", "example.com", "Biller", "090-", "Bob"):
        assert personal not in masked
    if "create_" in path.name:
        assert "first_name" in masked
        assert {line.key for line in told(body).lines} <= {*KEYS, ""}


@pytest.mark.parametrize("body", [b"<email>hanako@example.jp</email>", '{"first_name": "花子', b"\xff\xfe\x00hanako"])
def test_what_cannot_be_read_is_hidden_but_for_its_punctuation(body: bytes | str) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    masked = told(raw).text
    assert masked
    assert not any(word in masked for word in ("hanako", "花子", "email", "example"))
    assert told(raw, shown=True).text == safe(raw.decode("utf-8", "backslashreplace"))


def test_what_is_shown_on_purpose_is_shown_as_it_is_but_never_turns_the_page_round() -> None:
    body = json.dumps({"first_name": "花\u202e子\x00", "last_name": "見\ud800本", "note": "全角　空白"})
    lines = told(body.encode(), shown=True).lines
    values = {line.key: line.value for line in lines}
    assert values["first_name"] == '"花\\u202e子\\u0000"'
    assert values["last_name"] == '"見\\ud800本"'
    assert values["note"] == '"全角　空白"'


def test_a_huge_or_a_deep_body_is_cut() -> None:
    many = told(json.dumps([1] * 100_000).encode())
    assert (len(many.lines), many.cut) == (MOST_LINES, True)
    deep = told(b'{"a":' * 900 + b"1" + b"}" * 900)
    assert max(line.depth for line in deep.lines) == DEEPEST
    assert told(b"[" * 100_000).text
    long = told(b"x,y" * 20_000, shown=True)
    assert (len(long.text), long.cut) == (MOST_TEXT, True)
    assert told(b"[" + b"9" * 10_000 + b"]").lines[1].length == 10_000
    assert told(b"").text == ""


_values = st.recursive(
    st.sampled_from(PERSONAL) | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, *PERSONAL]), inner, max_size=4),
    max_leaves=12,
)


@given(_values)
def test_no_personal_text_is_seen_wherever_it_stands(value: Any) -> None:
    for body in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value, ensure_ascii=False)[:-1]):
        seen = text_of(told(body.encode()))
        assert not any(personal in seen for personal in PERSONAL)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_can_be_told(body: bytes, shown: bool) -> None:
    text_of(told(body, shown=shown)).encode()


@given(st.text(max_size=100))
def test_whatever_text_can_be_sent(text: str) -> None:
    body = json.dumps({text: text}, ensure_ascii=True).encode()
    text_of(told(body)).encode()
    text_of(told(body, shown=True)).encode()
