"""Everything that must run for the demo: the sandbox in this process, the web door and a worker as their own."""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from dotenv import dotenv_values
from werkzeug.security import generate_password_hash

from sandbox.config import SandboxConfig
from sandbox.server import RunningSandbox, settings_env
from sandbox.system import ROOT, DidNotStart, Running, System, free_port

T = TypeVar("T")

_OF_THE_PROCESS: Final = {"PATH", "HOME", "LANG", "TMPDIR", "PYTHONUNBUFFERED", "PORT", "LOG_FORMAT"}
_TAIL: Final = 12
PASSWORD: Final = "demo"  # noqa: S105 - told to everybody
"""The console's, here where nothing is to be guarded."""
TOKEN: Final = "the-demos-own-status-api-token"  # noqa: S105 - told to everybody
"""That of the status API."""


class StageFailed(Exception):
    """Something that must run does not; the text says what, ``tail`` holds the last lines of its log."""

    def __init__(self, why: str, tail: str = "") -> None:
        super().__init__(why)
        self.tail = tail


class Stage:
    """Starts in the background, so that the end can be asked for at any moment; a ``with`` block ends it all.

    ``heard`` takes every log line of the web door and the worker; ``ready`` names what has been started. ``settings``
    are laid over the demo's own.
    """

    def __init__(self, wished: Path, *, port: int, sandbox_port: int, settings: Mapping[str, str]) -> None:
        self.heard: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self.ready: list[str] = []
        self._lock, self.folder = _own_folder(wished)
        _log_to(self.folder / "sandbox.log")
        # The lag after which a new property can be seen tries a client's patience, and the onlooker's: it is left out.
        # A secret of its own: another sandbox on this machine may be sending its customers to the same port.
        config = SandboxConfig(hubspot_property_lag_seconds=0.0, webhook_secret=secrets.token_hex(16))
        self.sandbox = RunningSandbox(config, port=free_port(sandbox_port), mail_port=0)
        self.sandbox.__enter__()
        self.system = System(
            self.folder,
            config=config,
            settings={**_documented(config), **_doors(), **settings},
            smtp_url=self.sandbox.smtp_url,
            hear=lambda _name, line: self.heard.put(line),
            web_port=port,
            sandbox_url=self.sandbox.url,
            apart=True,
        )
        self.sandbox.world.shopify.webhooks.url = self.system.webhook_url
        self._web: Running | None = None
        self._worker: Running | None = None
        self._fault: Exception | None = None
        self._is_leaving = False
        self._starter = threading.Thread(target=self._start, name="starter")

    def __enter__(self) -> Self:
        self._starter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_leaving = True
        while self._starter.is_alive():  # what it starts at this very moment is ended in the next round
            self.system.__exit__(None, None, None)
            self._starter.join(0.2)
        self.system.__exit__(None, None, None)
        self.sandbox.__exit__(None, None, None)
        os.close(self._lock)

    @property
    def is_up(self) -> bool:
        """Whether all that had to be started was."""
        return not self._starter.is_alive() and self._fault is None

    def check(self) -> None:
        """See that everything still runs. Raises ``StageFailed``."""
        if self._fault is not None:
            raise self._failed(str(self._fault))
        for running in (self._worker, self._web):
            if running is not None and not running.alive and not self._is_leaving:
                raise self._failed(f"the {running.name} process ended (exit code {running.process.returncode})")

    def kill(self) -> None:
        """End the processes at once, whatever they have in hand."""
        for running in self.system.processes:
            running.process.kill()

    def write_settings(self) -> Path:
        """A file for ``flask -e FILE``, with which any command of the service speaks of this demo."""
        path = self.folder / "settings.env"
        lines = [f"{name}='{value}'" for name, value in self.system.env.items() if name not in _OF_THE_PROCESS]
        path.touch(mode=0o600)
        path.write_text("\n".join(["# The demo's settings: flask -e FILE status", *lines, ""]), encoding="utf-8")
        return path

    def _failed(self, why: str) -> StageFailed:
        """The failure with the end of the log that belongs to it."""
        name = next((name for name in ("web", "worker") if f"the {name} process" in why), "")
        time.sleep(0.1 if name else 0.0)  # the last words are still on their way through the pipe
        log = self.folder / f"{name}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if name and log.exists() else []
        return StageFailed(why, "\n".join(lines[-_TAIL:]))

    def _start(self) -> None:
        try:
            self._step("ledger", lambda: self.system.run("db", "upgrade"))
            self._worker = self._step("worker", self.system.start_worker)
            self._web = self._step("web door", self.system.start_web)
        except (DidNotStart, subprocess.SubprocessError, OSError) as e:
            self._fault = e

    def _step(self, name: str, act: Callable[[], T]) -> T:
        if self._is_leaving:
            raise DidNotStart("asked to end")
        made = act()
        self.ready.append(name)
        return made


def _own_folder(wished: Path) -> tuple[int, Path]:
    """A folder that no other demo uses now, emptied, and the lock by which it is ours for as long as it is open."""
    for number in count(1):
        folder = wished if number == 1 else wished.with_name(f"{wished.name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        for old in folder.iterdir():
            if old.is_dir():
                shutil.rmtree(old)
            elif old.name != ".lock":
                old.unlink()
        return lock, folder
    raise AssertionError("there is always one more number")


def _documented(config: SandboxConfig) -> dict[str, str]:
    """Every setting as `.env.example` has it, but for those that lead to the sandbox and the ledger.

    Said in so many words, so that nothing of a developer's own `.env` is felt in the demo.
    """
    told = {*settings_env("", config, "smtp://"), *_OF_THE_PROCESS, "DATABASE_URL"}
    documented = dotenv_values(ROOT / ".env.example", interpolate=False)
    return {name: value or "" for name, value in documented.items() if name not in told}


def _doors() -> dict[str, str]:
    """The doors for ops and for the merchant's site, opened with secrets that the demo tells."""
    return {
        "CONSOLE_PASSWORD_HASH": generate_password_hash(PASSWORD),
        "SECRET_KEY": secrets.token_urlsafe(32),
        "STATUS_API_TOKEN": TOKEN,
    }


def _log_to(path: Path) -> None:
    """What the sandbox and the libraries of this process have to say, away from the picture."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
