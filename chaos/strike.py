"""How each fault is done to a running system, and undone."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol, TypeAlias

import psutil
import psycopg

from chaos.plan import Fault
from chaos.stage import Stage


class Server(Protocol):
    """A PostgreSQL server that can be brought down and up again."""

    def stop(self) -> None:
        """In good order: its clients are told."""

    def kill(self) -> None:
        """SIGKILL to the postmaster: as if the host had crashed."""

    def start(self) -> None:
        """Up again, after its own recovery."""


class Striker:
    """Does the faults of a plan, each on a thread of its own; ``over`` cuts short whatever still lasts."""

    def __init__(self, stage: Stage, server: Server | None) -> None:
        self._stage = stage
        self._far_side = stage.far_side
        self._server = server
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._store_lock = threading.Lock()
        self.on: dict[int, Fault] = {}
        self.broken: list[str] = []
        kinds: dict[str, _Way] = {
            "kill": self._kill,
            "pause": self._pause,
            "pause_kill": self._pause,
            "pause_dead": self._pause,
            "revoked": self._revoked,
            "clock": self._clock,
            "locked": self._locked,
            "disk_full": self._disk_full,
            "store_restart": self._store_away,
            "store_kill": self._store_away,
            "reordered": self._reordered,
            "trickle": self._trickle,
        }
        self._ways: Mapping[str, _Way] = kinds

    def strike(self, fault: Fault) -> None:
        """Begin this fault; it ends by itself."""
        made = threading.Thread(target=self._last, args=(fault,), name=fault.name, daemon=True)
        self._threads.append(made)
        made.start()

    def end(self) -> None:
        """End all that lasts, and wait until it is undone."""
        self._over.set()
        for thread in self._threads:
            thread.join(60)
        self._far_side.lift_all()

    def _last(self, fault: Fault) -> None:
        with self._lock:
            self.on[id(fault)] = fault
        try:
            with self._ways.get(fault.kind, self._at_far_side)(fault):
                self._over.wait(fault.seconds)
        except Exception as e:  # noqa: BLE001 - a fault that could not be done must not pass for one that was survived
            self.broken.append(f"{fault.name}: {type(e).__name__}: {e}")
        finally:
            with self._lock:
                del self.on[id(fault)]

    # Processes

    @contextmanager
    def _kill(self, fault: Fault) -> Iterator[None]:
        process = self._stage.process(fault.target)
        if process:
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                match fault.told["whom"]:
                    case "family":
                        os.killpg(process.pid, signal.SIGKILL)
                    case "arbiter":
                        process.kill()
                    case _:
                        for child in process.children():
                            child.kill()
        yield

    @contextmanager
    def _pause(self, fault: Fault) -> Iterator[None]:
        process = self._stage.process(fault.target)
        if process is None:
            return (yield)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
        try:
            yield
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                if fault.kind != "pause_dead":
                    process.resume()
                if fault.kind == "pause_kill":
                    self._over.wait(fault.told["after"])
                if fault.kind != "pause":
                    process.kill()

    @contextmanager
    def _clock(self, fault: Fault) -> Iterator[None]:
        self._stage.set_clock(fault.target, fault.told["ahead"])
        try:
            yield
        finally:
            self._stage.set_clock(fault.target, 0)

    # The store

    @contextmanager
    def _disk_full(self, _fault: Fault) -> Iterator[None]:
        """No process of the service may write to a file beyond its first byte: what is there can still be read."""
        limited = self._stage.everyone()
        for process in limited:
            _let_files_grow(process, 0)
        try:
            yield
        finally:
            for process in limited:
                _let_files_grow(process, resource.RLIM_INFINITY)

    @contextmanager
    def _locked(self, _fault: Fault) -> Iterator[None]:
        url = self._stage.system.database_url
        with self._store_lock, contextlib.ExitStack() as stack:
            if url.startswith("sqlite"):
                other = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10, isolation_level=None)
                stack.callback(other.close)
                other.execute("BEGIN IMMEDIATE")
            else:
                session = stack.enter_context(psycopg.connect(url))
                session.execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
                stack.callback(session.rollback)
            yield

    @contextmanager
    def _store_away(self, fault: Fault) -> Iterator[None]:
        assert self._server
        with self._store_lock:
            if fault.kind == "store_kill":
                self._server.kill()
            else:
                self._server.stop()
            try:
                yield
            finally:
                self._server.start()

    # The far sides

    @contextmanager
    def _at_far_side(self, fault: Fault) -> Iterator[None]:
        told = _FAR[fault.kind](fault.told)
        fault_id = self._far_side.fault(system=fault.target, **told)
        try:
            yield
        finally:
            self._far_side.lift(fault_id)

    @contextmanager
    def _revoked(self, fault: Fault) -> Iterator[None]:
        fault_id = self._far_side.fault(system=fault.target, kind="status", status=401, body=_REVOKED[fault.target])
        if fault.target == "smaregi":
            self._far_side.revoke_smaregi_tokens()
        try:
            yield
        finally:
            self._far_side.lift(fault_id)

    # The shop's sender, and strangers at the door

    @contextmanager
    def _reordered(self, fault: Fault) -> Iterator[None]:
        self._far_side.hold()
        try:
            yield
        finally:
            self._far_side.release(fault.told["order"])

    @contextmanager
    def _trickle(self, fault: Fault) -> Iterator[None]:
        """Connections that send half a request, or nothing, and wait."""
        with contextlib.ExitStack() as stack:
            for i in range(fault.told["connections"]):
                with contextlib.suppress(OSError):
                    one = stack.enter_context(socket.create_connection(("127.0.0.1", self._stage.system.web_port), 2))
                    one.sendall(_HALVES[i % len(_HALVES)])
            yield


_Way: TypeAlias = Callable[[Fault], AbstractContextManager[None]]

_FAR: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "lost": lambda told: {"kind": "lost", **told},
    "half": lambda told: {"kind": "half", **told},
    "refused": lambda told: {"kind": "refused", **told},
    "hang": lambda told: {"kind": "hang", **told},
    "late": lambda told: {"kind": "late", **told},
    "slow": lambda told: {"kind": "delay", **told},
    "broken": lambda told: {"kind": "status", **told},
    "down": dict,
    "limited": lambda told: {
        "kind": "status",
        "status": 429,
        "share": told["share"],
        "headers": {"Retry-After": told["retry_after"]} if told["retry_after"] else {},
    },
}

_REVOKED: Final[Mapping[str, Any]] = {
    "shopify": {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"},
    "smaregi": {"type": "about:blank", "title": "Unauthorized", "status": 401},
    "hubspot": {
        "status": "error",
        "message": "Authentication credentials not found.",
        "category": "INVALID_AUTHENTICATION",
        "correlationId": "00000000-0000-0000-0000-000000000000",
    },
}

_HEAD: Final = b"POST /webhooks/shopify HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
_HALVES: Final = (b"", b"POST /webhooks", _HEAD, _HEAD + b'Content-Length: 5000\r\n\r\n{"id": 1')


def _let_files_grow(process: psutil.Process, size: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.rlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
