"""The processes of one run, and who starts them again: as a host's supervisor would."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import requests

from chaos.entry import CLOCK, LEASE
from chaos.far_side import FarSide
from chaos.people import MARK
from chaos.plan import LEASE_S, WEBS, WORKERS
from sandbox.system import DidNotStart, Running, System

#: A supervisor's pause before it starts a process again.
_AGAIN_S = 0.3


class Stage:
    """The whole system on one ledger: sandbox, two web doors behind one port, three workers. Use it in a ``with``."""

    def __init__(self, folder: Path, database_url: str | None) -> None:
        # Slower than the customers come at times, so that who is stopped or killed has something in hand.
        settings = {"WEB_PROCESSES": "1", "WEB_THREADS": "16", "SMAREGI_WRITES_PER_SECOND": "8"}
        self.system = System(folder, database_url=database_url, settings=settings, apart=True)
        self.far_side = FarSide(self.system.sandbox_url)
        self.starts: Counter[str] = Counter()
        self._folder = folder
        self._running: dict[str, Running] = {}
        self._groups: set[int] = set()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        try:
            self.system.run("db", "upgrade")
            self.system.start_sandbox()
            self.far_side.begin(MARK)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def start(self) -> None:
        """Web doors and workers, from now on started again whenever they end. Raises ``DidNotStart``."""
        for name in (*WEBS, *WORKERS):
            self._start(name)
        self._watch.start()
        end = time.monotonic() + 60
        while not self.is_ready():
            if time.monotonic() > end:
                raise DidNotStart(f"the web door did not answer within a minute; its log is {self._folder}/web-1.log")
            time.sleep(0.1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._watch.is_alive():
            self._watch.join()
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        self.system.__exit__(kind, error, trace)

    def is_ready(self) -> bool:
        """Whether a web door can take deliveries in."""
        try:
            return requests.get(f"{self.system.web_url}/readyz", timeout=3).ok
        except requests.RequestException:
            return False

    def process(self, name: str) -> psutil.Process | None:
        """The process of this name that runs now (of a web door the arbiter)."""
        running = self._running.get(name)
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(running.process.pid) if running and running.alive else None
        return None

    def everyone(self) -> list[psutil.Process]:
        """Every process of the service, gunicorn's children included."""
        found = []
        for name in (*WEBS, *WORKERS):
            if one := self.process(name):
                with contextlib.suppress(psutil.NoSuchProcess):
                    found += [one, *one.children(recursive=True)]
        return found

    def set_clock(self, name: str, ahead_s: float) -> None:
        """From now on the clock of this process, and of who takes its place, is so many seconds ahead (or behind)."""
        path = self._clock_of(name)
        path.with_suffix(".new").write_text(str(ahead_s))
        path.with_suffix(".new").replace(path)

    def _clock_of(self, name: str) -> Path:
        return self._folder / f"{name}.clock"

    def _start(self, name: str) -> None:
        env = {CLOCK: str(self._clock_of(name)), LEASE: str(LEASE_S)}
        if name in WEBS:
            # Both doors listen on one port, as two hosts behind one balancer do: who is alive answers.
            bind = ["-c", "config/gunicorn.py", "--reuse-port", "--bind", f"127.0.0.1:{self.system.web_port}"]
            made = self.system.start(name, ["gunicorn", *bind, "chaos.entry:create_app()"], **env)
        else:
            made = self.system.start(name, ["flask", "--app", "chaos.entry", "worker"], **env)
        self._running[name] = made
        self._groups.add(made.process.pid)
        self.starts[name] += 1

    def _supervise(self) -> None:
        while not self._over.wait(0.1):
            for name, running in list(self._running.items()):
                if not running.alive and not self._over.wait(_AGAIN_S):
                    self._start(name)
