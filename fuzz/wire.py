"""A far side that answers in raw bytes, under the real client: requests, urllib3 and http.client read what we made up.

Only the socket is not there. So a broken status line, a redirect to nowhere, an unknown encoding or a chunk without end
goes the whole way that it would go in the service.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import urllib3.connection
from urllib3.connectionpool import HTTPConnectionPool

from fuzz.laws import Broken

MOST_CALLS = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """What our client asked."""

    method: str
    path: str
    body: Any


Answering = Callable[[Asked], bytes]


def reply(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """A well-formed HTTP answer."""
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode("latin-1", "replace") + body


@contextlib.contextmanager
def answered_by(answer: Answering) -> Iterator[None]:
    """Within the block every ``http://`` call is answered by ``answer``; none leaves the process.

    Raises ``Broken`` inside a call when there are more than ``MOST_CALLS``: that client would never come to an end.
    """
    left = MOST_CALLS

    class Wire(urllib3.connection.HTTPConnection):
        def connect(self) -> None:
            self.sock = cast(Any, _Socket(counted))

        @property
        def is_connected(self) -> bool:
            return False

    def counted(asked: Asked) -> bytes:
        nonlocal left
        left -= 1
        if left < 0:
            raise Broken(f"more than {MOST_CALLS} calls for one batch")
        return answer(asked)

    real = HTTPConnectionPool.ConnectionCls
    HTTPConnectionPool.ConnectionCls = Wire
    try:
        yield
    finally:
        HTTPConnectionPool.ConnectionCls = real


class _Socket:
    """As much of a socket as http.client touches."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self._sent = b""

    def sendall(self, data: bytes) -> None:
        self._sent += bytes(data)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        head, body = self._sent.split(b"\r\n\r\n", 1)
        method, path = head.decode("latin-1").split(" ")[:2]
        try:
            said = json.loads(body) if body else None
        except ValueError:
            said = None
        return io.BufferedReader(cast(io.RawIOBase, io.BytesIO(self._answer(Asked(method, path, said)))))

    def settimeout(self, seconds: float | None) -> None: ...

    def setsockopt(self, *_: Any) -> None: ...

    def close(self) -> None: ...

    def shutdown(self, _: int) -> None: ...
