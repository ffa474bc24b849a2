"""The load: one process of its own, raw sockets, requests made beforehand; a connection asks again once it is answered.

A connection that waits for an answer sends nothing, as Shopify's do. The latencies are what a caller sees, from the
first byte sent to the last byte received.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import multiprocessing
import selectors
import socket
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, Self, TypeAlias

from bench.figures import percentile
from bench.knocks import Knocks

#: An answer that takes longer counts as an error. https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
PATIENCE_S: Final = 5.0
#: Made beforehand for each second: more than any server here answers. What is wanted beyond is made on the way.
_PER_SECOND: Final = 8_000

Address: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Volley:
    """What came of one run: answers with 200 per second, and latencies in milliseconds; ``errors`` by what was said."""

    per_second: float
    latencies_ms: array[float]
    errors: dict[str, int]

    def at(self, share: float) -> float:
        """The latency that this share of the answers did not exceed."""
        return percentile(self.latencies_ms, share)


@dataclass(slots=True)
class _Line:
    """One kept-alive connection. ``sent_at`` 0: nothing is asked."""

    socket: socket.socket
    sent_at: float = 0.0
    heard: bytes = b""


@dataclass(slots=True)
class Tally:
    """What came of one run so far: latencies in milliseconds, errors by what was said."""

    latencies_ms: array[float] = field(default_factory=lambda: array("d"))
    errors: dict[str, int] = field(default_factory=dict)
    in_time: int = 0

    def note(self, said: str, ms: float = 0.0, *, in_time: bool = False) -> None:
        """One answer, or what came instead of it; one that Shopify would not have waited for is none."""
        if said == "200" and ms > PATIENCE_S * 1000:
            said = f"after {PATIENCE_S:g} s"
        if said == "200":
            self.latencies_ms.append(ms)
            self.in_time += in_time
        else:
            self.errors[said] = self.errors.get(said, 0) + 1


class Gun:
    """The process that knocks; use it in a ``with`` block. Requests are made once for each ``first_id``."""

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join(PATIENCE_S)

    def fire(
        self,
        address: Address,
        *,
        connections: int,
        seconds: float,
        first_id: int,
        most: int | None = None,
        there: int = 0,
        places: Sequence[int] = (),
    ) -> Volley:
        """Knock at this door with so many connections for so long, or until ``most`` deliveries were sent.

        ``there`` and ``places``: which customers the ledger has already, and who of them changes; see ``Knocks``.
        """
        self._pipe.send((address, connections, seconds, first_id, most, there, places))
        volley: Volley = self._pipe.recv()
        return volley


def _serve(pipe: Connection) -> None:
    made: list[bytes] = []
    made_from: object = None
    rest: Iterator[bytes] = iter(())
    with contextlib.suppress(EOFError):
        while True:
            address, connections, seconds, first_id, most, there, places = pipe.recv()
            count = int(seconds * _PER_SECOND) if most is None else most
            if made_from != (first_id, there) or len(made) < count:
                rest = iter(Knocks(first_id, there=there, places=places))
                made, made_from = list(itertools.islice(rest, count)), (first_id, there)
            requests = itertools.chain(made, rest) if most is None else iter(made[:most])
            gc.collect()
            gc.disable()  # nothing here makes cycles, and a pause would look like the server's
            volley = drive(address, requests, connections=connections, seconds=seconds)
            gc.enable()
            pipe.send(volley)


def drive(address: Address, requests: Iterator[bytes], *, connections: int, seconds: float) -> Volley:
    """Send ``requests`` over so many connections for so long, each the next one as soon as it is answered.

    It ends sooner when there are no more requests; there are at least as many as connections.
    """
    tally = Tally()
    lines = [_Line(_connect(address)) for _ in range(connections)]
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
        began = time.perf_counter()
        stop_at = began + seconds
        for line in lines:
            _ask(line, next(requests))
        waiting = connections
        while waiting and time.perf_counter() < stop_at + PATIENCE_S:
            for key, _ in selector.select(0.5):
                line = key.data
                said = _hear(line)
                if said is None:
                    continue
                now = time.perf_counter()
                tally.note(said, (now - line.sent_at) * 1000, in_time=now <= stop_at)
                if said == _CLOSED:
                    selector.unregister(line.socket)
                    line.socket.close()
                    line.socket = _connect(address)
                    selector.register(line.socket, selectors.EVENT_READ, line)
                request = next(requests, None) if now < stop_at else None
                if request is not None:
                    _ask(line, request)
                else:
                    line.sent_at = 0.0
                    waiting -= 1
    took_s = min(seconds, time.perf_counter() - began)
    for line in lines:
        if line.sent_at:
            tally.note("no answer")
        line.socket.close()
    return Volley(tally.in_time / took_s, tally.latencies_ms, tally.errors)


_CLOSED: Final = "connection closed"


def _connect(address: Address) -> socket.socket:
    made = socket.create_connection(address, timeout=PATIENCE_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _ask(line: _Line, request: bytes) -> None:
    line.heard = b""
    line.sent_at = time.perf_counter()
    line.socket.sendall(request)


def _hear(line: _Line) -> str | None:
    """The status of the answer when all of it is here, else None."""
    try:
        part = line.socket.recv(65536)
    except OSError:
        part = b""
    if not part:
        return _CLOSED
    line.heard += part
    return status_of(line.heard)


def status_of(answer: bytes) -> str | None:
    """The status of an HTTP answer once its last byte is here, else None; the answer must tell its length."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return None
    lowered = head.lower()
    place = lowered.find(b"\r\ncontent-length:")
    if place < 0:
        return "an answer without its length"
    length = int(lowered[place + 17 :].split(b"\r\n", 1)[0])
    return head[9:12].decode("ascii", "replace") if len(body) >= length else None
