"""``python -m fuzz.siege``: a real gunicorn under attack, and whether a well-behaved sender is still answered in time.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries : a connection within 1 s, an answer within 5 s.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from clients.shopify.signature import sign
from sandbox.config import SandboxConfig
from sandbox.system import System

CONNECT_S: Final = 1.0
ANSWER_S: Final = 5.0
HEAD: Final = b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
Address = tuple[str, int]


@dataclass(slots=True)
class Good:
    """What the well-behaved sender saw: seconds of each answer, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """The answer time in seconds that this share of answers stayed under; nought without answers."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def good_knock(address: Address, secret: str, shop: str, *, connection: socket.socket | None = None) -> float:
    """One signed delivery over a connection of its own; the seconds until it was answered 200. Raises ``OSError``."""
    body = json.dumps({"id": time.time_ns() % 2**53, "first_name": "花子", "last_name": "見本"}).encode()
    head = (
        HEAD.decode() + f"X-Shopify-Topic: customers/create\r\nX-Shopify-Hmac-Sha256: {sign(body, secret)}\r\n"
        f"X-Shopify-Shop-Domain: {shop}\r\nX-Shopify-Webhook-Id: {uuid.uuid4()}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    began = time.perf_counter()
    with connection or socket.create_connection(address, CONNECT_S) as s:
        s.settimeout(ANSWER_S)
        s.sendall(head.encode() + body)
        said = s.recv(4096)
    if not said.startswith(b"HTTP/1.1 200"):
        raise OSError(f"answered {said[:12].decode('latin-1')!r}")
    return time.perf_counter() - began


Attack = Callable[[Address, threading.Event], None]
ATTACKS: Final[dict[str, tuple[int, Attack]]] = {}
"""By name: how many do it side by side, and what one of them does until it is told to stop."""


def _attack(name: str, many: int) -> Callable[[Attack], Attack]:
    def keep(attack: Attack) -> Attack:
        ATTACKS[name] = (many, attack)
        return attack

    return keep


@contextlib.contextmanager
def _connected(address: Address) -> Iterator[socket.socket]:
    with socket.create_connection(address, 5) as s:
        s.settimeout(5)
        yield s


def _drip(address: Address, stop: threading.Event, first: bytes, byte: bytes, every_s: float = 1.0) -> None:
    with _connected(address) as s:
        s.sendall(first)
        while not stop.wait(every_s):
            s.sendall(byte)


def _once(address: Address, said: bytes) -> bytes:
    with _connected(address) as s:
        s.sendall(said)
        return s.recv(4096)


@_attack("nobody", 0)
def nobody(address: Address, stop: threading.Event) -> None:
    """Nothing, for comparison."""


@_attack("idle connections", 400)
def idle(address: Address, stop: threading.Event) -> None:
    """A connection, and not a byte."""
    with _connected(address):
        stop.wait()


@_attack("slow headers, a byte a second", 300)
def slow_headers(address: Address, stop: threading.Event) -> None:
    """A request whose headers never end."""
    _drip(address, stop, HEAD + b"X-A: ", b"a")


@_attack("slow bodies, 40 at once", 40)
def slow_bodies(address: Address, stop: threading.Event) -> None:
    """A body of a kilobyte that takes a quarter of an hour."""
    _drip(address, stop, HEAD + b"Content-Length: 1000\r\n\r\n{", b" ")


@_attack("slow bodies, 300 at once", 300)
def slow_bodies_many(address: Address, stop: threading.Event) -> None:
    """The same from many."""
    _drip(address, stop, HEAD + b"Content-Length: 1000\r\n\r\n{", b" ")


@_attack("chunks without end", 40)
def endless_chunks(address: Address, stop: threading.Event) -> None:
    """A chunked body that goes on."""
    _drip(address, stop, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.2)


@_attack("a body of a terabyte, promised", 40)
def huge_length(address: Address, stop: threading.Event) -> None:
    """A length that nobody would read, then silence."""
    while not stop.wait(0.1):
        _once(address, HEAD + b"Content-Length: 1099511627776\r\n\r\n{")


@_attack("a body of 3 MB, sent", 8)
def large_bodies(address: Address, stop: threading.Event) -> None:
    """More than is taken, at full speed."""
    while not stop.wait(0.05):
        _once(address, HEAD + b"Content-Length: 3000000\r\n\r\n" + b" " * 3_000_000)


@_attack("10,000 headers", 8)
def many_headers(address: Address, stop: threading.Event) -> None:
    """More headers than anybody needs."""
    while not stop.wait(0.02):
        _once(address, HEAD + b"X-A: b\r\n" * 10_000 + b"\r\n")


@_attack("a header of 1 MB", 8)
def long_header(address: Address, stop: threading.Event) -> None:
    """One header that is far too long."""
    while not stop.wait(0.02):
        _once(address, HEAD + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\n")


@_attack("a request line of 1 MB", 8)
def long_line(address: Address, stop: threading.Event) -> None:
    """A path that is far too long."""
    while not stop.wait(0.02):
        _once(address, b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n")


@_attack("100 requests in one go", 8)
def pipelined(address: Address, stop: threading.Event) -> None:
    """Pipelined, and the answers are not waited for."""
    while not stop.wait(0.02):
        _once(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 100)


@_attack("answers that nobody reads", 100)
def unread(address: Address, stop: threading.Event) -> None:
    """Asks and asks, and never listens."""
    with _connected(address) as s:
        while not stop.wait(0.05):
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 20)


@_attack("odd methods, paths and bytes", 8)
def oddities(address: Address, stop: threading.Event) -> None:
    """NUL bytes, paths that climb, methods that are none, smuggling, and no HTTP at all."""
    odd = (
        b"BREW /webhooks/shopify HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%00%ff%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        HEAD + b"X-Shopify-Topic: a\x00b\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" * 20,
        b"\x00" * 400 + b"\r\n\r\n",
    )
    while not stop.wait(0.01):
        for one in odd:
            with contextlib.suppress(OSError):
                _once(address, one)


@_attack("gzip bombs", 8)
def bombs(address: Address, stop: threading.Event) -> None:
    """A small body that would be 100 MB if anybody unpacked it."""
    body = gzip.compress(b" " * 100_000_000, 1)
    while not stop.wait(0.05):
        _once(address, HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def besiege(address: Address, secret: str, shop: str, name: str, seconds: float) -> Good:
    """Let this attack go on for so long, and knock well-behaved ten times a second meanwhile."""
    many, attack = ATTACKS[name]
    stop, good = threading.Event(), Good()

    def go_on() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                attack(address, stop)
            stop.wait(0.05)

    attackers = [threading.Thread(target=go_on, daemon=True) for _ in range(many)]
    for attacker in attackers:
        attacker.start()
    stop.wait(min(2.0, seconds / 4))  # until all of them are there
    senders = []
    end = time.monotonic() + seconds

    def knock() -> None:
        try:
            good.seconds.append(good_knock(address, secret, shop))
        except OSError as e:
            good.errors.append(type(e).__name__ if not e.args else str(e.args[0])[:40])

    while time.monotonic() < end:
        senders.append(threading.Thread(target=knock, daemon=True))
        senders[-1].start()
        stop.wait(0.1)
    for sender in senders:
        sender.join(CONNECT_S + ANSWER_S + 1)
    stop.set()
    for attacker in attackers:
        attacker.join(6)
    return good


@click.command()
@click.option("--seconds", default=8.0, show_default=True, help="For each attack.")
@click.option("--only", multiple=True, help="Attacks whose names hold this.")
def main(seconds: float, only: tuple[str, ...]) -> None:
    """Lay siege to a web door of our own, on SQLite."""
    config = SandboxConfig()
    table = Table("attack", "side by side", "good answers", "p50 ms", "p99 ms", "worst ms", "unanswered")
    console = Console()
    with (
        tempfile.TemporaryDirectory(prefix="siege-") as folder,
        System(Path(folder), config=config, settings={"ENABLE_POS_SYNC": "false"}) as system,
    ):
        system.run("db", "upgrade")
        system.start_web()
        address = ("127.0.0.1", system.web_port)
        for name, (many, _) in ATTACKS.items():
            if only and not any(part in name for part in only):
                continue
            with console.status(name):
                good = besiege(address, config.webhook_secret, config.shop, name, seconds)
            middle = statistics.median(good.seconds) if good.seconds else 0.0
            times = (f"{1000 * each:.0f}" for each in (middle, good.percentile(0.99), good.percentile(1.0)))
            errors = f"{len(good.errors)} ({', '.join(sorted(set(good.errors)))})" if good.errors else "0"
            table.add_row(name, str(many), str(len(good.seconds)), *times, errors)
    console.print(table)


if __name__ == "__main__":
    main()
