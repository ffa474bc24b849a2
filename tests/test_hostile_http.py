"""What broken and hostile answers did to the one way to make a call, before it was mended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.errors import TryLater
from clients.http import Answer, Http, read_json
from clients.token import can_be_sent
from fuzz.wire import answered_by, reply

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def called(raw: bytes) -> Answer:
    slept: list[float] = []
    with answered_by(lambda _: raw):
        return Http("far", "http://far.test", sleep=slept.append).call("POST", "/x", json={}, repeatable=False)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        b'{"id": ' + b"9" * 5_000 + b"}",
        b"\xff\xfe\x00",
        b"[NaN]",
    ],
    ids=["brackets without end", "nested too deep", "a number without end", "hardly UTF-16", "not a number"],
)
def test_a_body_that_is_hardly_json_is_no_json(body: bytes) -> None:
    assert called(reply(200, body)).body is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_is_read_in_every_encoding_that_it_may_come_in(encoding: str) -> None:
    assert read_json('{"name": "花子"}'.encode(encoding)) == {"name": "花子"}


def test_the_texts_of_an_answer_can_be_stored() -> None:
    body = rb'{"a\u0000": ["x\u0000y", "\ud83d", "\uD83C\uDF80", {"b": "\udc00"}], "n": 1}'
    assert read_json(body) == {"a": ["xy", "\ufffd", "🎀", {"b": "\ufffd"}], "n": 1}
    assert read_json('{"a": "x\\u0000y"}'.encode("utf-16")) == {"a": "xy"}


@pytest.mark.parametrize("where", ["http://[", "http://[::1", "//", "http://\xff\xfe", "/\xe3\x81", "http://a:99999/"])
def test_a_redirect_to_nowhere_is_an_answer_like_another(where: str) -> None:
    assert called(reply(302, b"{}", {"Location": where})).status == 302


@pytest.mark.parametrize(
    "asked",
    [
        "Sun, 22 Nov 2026 03:00:05 +99999999999999999999",
        "Sun, 99 Nov 0000 99:00:05 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        ",",
        "Sun,",
        "nan",
        "-1",
    ],
)
def test_a_retry_after_that_makes_no_sense_is_none(asked: str) -> None:
    assert Answer(429, {"Retry-After": asked}, None).wait(NOON) is None


@given(
    st.one_of(
        st.floats(0).map(str),
        st.integers(0).map(str),
        st.datetimes(datetime(2026, 11, 23), datetime(9999, 12, 30)).map(  # noqa: DTZ001 - a header names its zone
            lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT")
        ),
        st.sampled_from(["604801", "259200", "inf", "1e999", "3600", "3601"]),
    )
)
def test_no_retry_after_is_obeyed_for_longer_than_an_hour(asked: str) -> None:
    """One of days, by a mistake or by somebody who forgot it there, stopped a lane for days."""
    wait = Answer(429, {"Retry-After": asked}, None).wait(NOON)
    assert wait is not None
    assert timedelta(0) <= wait <= timedelta(hours=1)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 twohundred OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "status", "gzip", "chunk", "huge chunk", "half a body", "200 headers", "long header"],
)
def test_an_answer_that_is_no_http_leaves_it_in_doubt_whether_it_was_done(raw: bytes) -> None:
    with pytest.raises(TryLater) as raised:
        called(raw)
    assert raised.value.doubt


@pytest.mark.parametrize("value", ["", "a b", "a\r\nX: y", "花子", "a" * 5_000, None, 5, ["a"]])
def test_what_cannot_stand_in_a_header_is_no_token(value: object) -> None:
    assert not can_be_sent(value)
