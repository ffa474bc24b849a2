"""A Redis of our own: its own folder and port, an append-only file, stopped afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

from bench.doors import wait_for
from bench.load import Address
from sandbox.system import Running, free_port

NEEDED: Final = "redis-server on PATH"
Fsync: TypeAlias = Literal["everysec", "always"]


def redis_found() -> str | None:
    """Where redis-server is, or None."""
    return shutil.which("redis-server")


def redis_version() -> str:
    """What redis-server says of itself; empty when it is missing."""
    found = redis_found()
    if not found:
        return ""
    told = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    return next((word[2:] for word in told.split() if word.startswith("v=")), "")


@contextlib.contextmanager
def redis_server(folder: Path, fsync: Fsync) -> Iterator[Address]:
    """The address of a Redis that appends each write to a file and flushes it ``everysec`` or ``always``.

    https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/ . Its snapshots are off: with the
    append-only file they would only cost it time.
    """
    found = redis_found()
    assert found is not None
    port = free_port()
    command = [found, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    command += ["--appendonly", "yes", "--appendfsync", fsync, "--daemonize", "no"]
    running = Running("redis", command, dict(os.environ), folder / "redis.log", None)
    try:
        wait_for(running, ("127.0.0.1", port))
        yield "127.0.0.1", port
    finally:
        running.stop()


def length_of(address: Address, key: str) -> int:
    """How many entries this list has. https://redis.io/docs/latest/develop/reference/protocol-spec/ : inline."""
    with socket.create_connection(address, timeout=10) as line, line.makefile("rb") as heard:
        line.sendall(f"LLEN {key}\r\n".encode())
        answer = heard.readline().strip()
    if not answer.startswith(b":"):
        raise OSError(f"Redis said {answer.decode(errors='replace')}")
    return int(answer[1:])
