"""Raw bytes as an answer: status line, headers (``Retry-After``, ``Location``, encodings), chunks and body."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Final

from clients.errors import TryLater
from clients.http import Answer, Http
from fuzz.laws import LONGEST_WAIT, Broken, sound_error
from fuzz.source import Source
from fuzz.targets.target import Target
from fuzz.wild import as_bytes, header, tamper
from fuzz.wire import answered_by, reply

NOON: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
STATUSES: Final = (200, 301, 302, 307, 204, 304, 400, 429, 423, 477, 500, 503, 100, 101, 199, 600, 999)
CHUNKS: Final = (
    b"5\r\nabcde\r\n0\r\n\r\n",
    b"ffffffffffffffffff\r\n",
    b"-1\r\n",
    b"zz\r\n",
    b"5;" + b"x" * 70_000,
)
HEADERS: Final = (
    "Retry-After",
    "Location",
    "Content-Encoding",
    "Content-Length",
    "Transfer-Encoding",
    "Content-Type",
    "Set-Cookie",
    "X-Request-Id",
)
VALUES: Final = (
    "1",
    "0",
    "-1",
    "1e999",
    "nan",
    "inf",
    "604801",
    "Sun, 22 Nov 2026 03:00:05 GMT",
    "Sun, 22 Nov 2026 03:00:05 +99999999999999999999",
    "Sun, 99 Nov 0000 99:00:05 GMT",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    ",",
    "Sun,",
    "gzip",
    "deflate",
    "br",
    "zstd",
    "gzip, gzip, gzip",
    "chunked",
    "chunked, chunked",
    "http://[",
    "http://[::1",
    "//",
    "http://\xff\xfe",
    "/\xe3\x81",
    "http://127.0.0.1:99999/",
    "http://a b/",
    "javascript:x",
    "text/html; charset=utf-16",
    "text/html; charset=nonsense",
    "a=b; Max-Age=nan; Domain=..; Expires=x",
)


def play(source: Source) -> None:
    """One call of each kind, answered in bytes."""
    slept: list[float] = []
    http = Http("far", "http://far.test", sleep=slept.append)
    repeatable = source.one_in(2)
    with answered_by(lambda _: _raw(source)):
        try:
            answer = http.call("POST", "/x", json={}, repeatable=repeatable)
        except TryLater as e:
            sound_error(e)
            return
    if not isinstance(answer, Answer):
        raise Broken("neither an answer nor an error of ours")
    for moment in (NOON, None):
        wait = answer.wait(moment)
        if wait is not None and not timedelta(0) <= wait <= LONGEST_WAIT:
            raise Broken(f"a wait of {wait}")
    if sum(slept) > 60:
        raise Broken("a call waited for more than a minute")


def _raw(source: Source) -> bytes:
    if source.one_in(6):
        return source.take(60)
    body = as_bytes(source, tamper(source, {"ok": [1, "two", None]}, 8))
    headers: dict[str, str] = {}
    for _ in range(source.below(4)):
        headers[source.pick(HEADERS)] = source.pick(VALUES) if source.one_in(2) else header(source)
    if source.one_in(4):
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    if source.one_in(6):
        headers["Transfer-Encoding"] = "chunked"
        headers.pop("Content-Length", None)
        body = source.pick(CHUNKS)
    if source.one_in(12):
        headers |= {f"X-{number}": "x" for number in range(120)}
    said = reply(source.pick(STATUSES), body, headers)
    return said[: source.below(len(said) + 1)] if source.one_in(12) else said


TARGET: Final = Target(
    name="http-answers",
    law="a call ends in an answer, or in TryLater; a wait is between nought and seven days; nothing waits for ever",
    play=play,
    seeds=lambda: [bytes([place, 1, 2, 3]) * 8 for place in range(24)],
)
