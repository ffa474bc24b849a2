"""The whole system as real processes on this machine, for the demo, the crash tests and the measurements.

Sandbox, web door and workers. Everything they say goes through here: each log line is kept in a file, and handed on
as it comes.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from sandbox.config import SandboxConfig
from sandbox.server import settings_env

ROOT = Path(__file__).resolve().parent.parent
Hear = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder with the service in it, and the Python that runs it: this one, unless another build is measured."""

    folder: Path = ROOT
    python: str = sys.executable

    @classmethod
    def at(cls, folder: Path) -> Checkout:
        """Another checkout with a ``.venv`` of its own. Raises ``DidNotStart`` with the fix where it is not whole."""
        # Not resolved: the interpreter of an environment is a link, and only beside it are its libraries found.
        folder, python = folder.resolve(), folder.resolve() / ".venv" / "bin" / "python"
        if not (folder / "app.py").is_file():
            raise DidNotStart(f"{folder} holds no app.py: name a checkout of this service")
        if not python.is_file():
            raise DidNotStart(f"{folder} has no .venv: run `make install` there first")
        return cls(folder, str(python))


class DidNotStart(Exception):
    """A process ended, or did not answer in time; the text says which, and where its log is."""


def free_port(wished: int = 0) -> int:
    """``wished`` if it is free on this machine, otherwise any port that is."""
    for port in (wished, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(s.getsockname()[1])
    raise DidNotStart("no free port on this machine")


class Running:
    """One process with its log. ``name`` is what its lines are handed on under.

    ``apart``: in a process group of its own, which Ctrl-C and the closing of a terminal do not reach.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        env: Mapping[str, str],
        log: Path,
        hear: Hear | None,
        *,
        apart: bool = False,
        cwd: Path = ROOT,
    ) -> None:
        self.name = name
        self.log = log
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            cwd=cwd,
            env=dict(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            process_group=0 if apart else None,
        )
        self._hear = hear
        self._reader = threading.Thread(target=self._read, name=f"log-{name}", daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no line of it runs any more."""
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self, timeout_s: float = 30.0) -> int:
        """SIGTERM and wait; its exit code. One that does not end in time is killed."""
        if self.alive:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close()
        return int(self.process.returncode)

    def _close(self) -> None:
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.log.open("a", encoding="utf-8") as log:
            for line in self.process.stdout:
                log.write(line)
                log.flush()
                if self._hear is None:
                    continue
                try:
                    told = json.loads(line)
                except ValueError:
                    continue
                if isinstance(told, dict):
                    self._hear(self.name, told)


class System:
    """Starts, kills and stops the processes; use it in a ``with`` block, which ends them all.

    ``folder`` takes the database (unless ``database_url`` names another) and the logs. ``settings`` are laid over the
    sandbox's own. ``hear(name, line)`` is called with every JSON log line, from other threads. ``apart``: the
    processes are reached by no Ctrl-C and no closing terminal, only by whoever holds this object. ``service``: the
    checkout that web door, workers and commands are started from; the sandbox is always this one's.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        config: SandboxConfig | None = None,
        settings: Mapping[str, str] | None = None,
        hear: Hear | None = None,
        web_port: int = 0,
        sandbox_port: int = 0,
        sandbox_url: str | None = None,
        smtp_url: str | None = None,
        apart: bool = False,
        service: Checkout | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = config or SandboxConfig()
        self.web_port = free_port(web_port)
        self.sandbox_port = free_port(sandbox_port)
        self.web_url = f"http://127.0.0.1:{self.web_port}"
        self.webhook_url = f"{self.web_url}/webhooks/shopify"
        self.sandbox_url = sandbox_url or f"http://127.0.0.1:{self.sandbox_port}"
        self.database_url = database_url or f"sqlite:///{(folder / 'customer-sync.db').resolve()}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self.env = {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "FLASK_SKIP_DOTENV": "1",
            **settings_env(self.sandbox_url, self.config, smtp_url),
            "DATABASE_URL": self.database_url,
            "LOG_FORMAT": "json",
            "PORT": str(self.web_port),
            **(settings or {}),
        }
        self._hear = hear
        self._apart = apart
        self._service = service or Checkout()
        self._running: list[Running] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in reversed(self._running):
            if running.alive:
                running.stop()

    @property
    def processes(self) -> tuple[Running, ...]:
        """Every process started so far, in that order, whether it still runs or not."""
        return tuple(self._running)

    def run(self, *arguments: str) -> str:
        """Run a command of the service to its end (``run("db", "upgrade")``) and give what it printed."""
        done = subprocess.run(  # noqa: S603 - our own commands
            [self._service.python, "-m", "flask", *arguments],
            cwd=self._service.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise DidNotStart(f"flask {' '.join(arguments)} failed: {(done.stdout + done.stderr).strip()[-500:]}")
        return done.stdout

    def start_sandbox(self) -> Running:
        """The far side; returns when it answers."""
        command = [sys.executable, "-m", "flask", "sandbox", "--port", str(self.sandbox_port), "--mail-port", "0"]
        made = self._start("sandbox", [*command, "--webhook-url", self.webhook_url], cwd=ROOT)
        self._wait(made, f"{self.sandbox_url}/sandbox/calls")
        return made

    def start_web(self) -> Running:
        """The web door under gunicorn; returns when it can take deliveries in."""
        gunicorn = [
            self._service.python,
            "-m",
            "gunicorn",
            "-c",
            "config/gunicorn.py",
            "--bind",
            f"127.0.0.1:{self.web_port}",
        ]
        made = self._start("web", [*gunicorn, "app:create_app()"])
        self._wait(made, f"{self.web_url}/readyz")
        return made

    def start_worker(self) -> Running:
        """One more worker; returns at once."""
        return self._start("worker", [self._service.python, "-m", "flask", "worker"])

    def start(self, name: str, arguments: list[str], **env: str) -> Running:
        """Any other module of Python's, as in ``["flask", "worker"]``; returns at once."""
        return self._start(name, [self._service.python, "-m", *arguments], {**self.env, **env})

    def _start(
        self, name: str, command: list[str], env: Mapping[str, str] | None = None, *, cwd: Path | None = None
    ) -> Running:
        log, cwd = self.folder / f"{name}.log", cwd or self._service.folder
        made = Running(name, command, env or self.env, log, self._hear, apart=self._apart, cwd=cwd)
        self._running.append(made)
        return made

    @staticmethod
    def _wait(made: Running, url: str, timeout_s: float = 20.0) -> None:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if not made.alive:
                raise DidNotStart(f"the {made.name} process ended at once; its log is {made.log}")
            try:
                if requests.get(url, timeout=2).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
        raise DidNotStart(f"the {made.name} process did not answer within {timeout_s:g} s; its log is {made.log}")
