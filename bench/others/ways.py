"""The usual ways, started one by one beside us: which app, on which store, and how to count what it has kept.

What a way needs and this machine does not have is said in the table; it is no reason to measure nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from bench.doors import Door, wait_for
from bench.far_side import FarSide
from bench.lab import Lab
from bench.others.redis import NEEDED, Fsync, length_of, redis_found, redis_server, redis_version
from bench.stores import new_database
from sandbox.config import SandboxConfig
from sandbox.server import RunningSandbox
from sandbox.system import ROOT, DidNotStart, Running, free_port

BIN: Final = ROOT / ".venv-bench" / "bin"
LOCK: Final = ROOT / "requirements-bench.lock"
#: As in config/gunicorn.py.
THREADS: Final = 32
#: Connections to the database for each process: more threads than that only wait for the same interpreter.
POOL: Final = 10
VENDORS_S: Final[Mapping[str, float]] = {"smaregi": 0.8, "hubspot": 0.4}


class Missing(Exception):
    """This machine lacks what a way needs; the text names it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a way keeps its jobs: the environment that leads it there, and how many are there."""

    env: Mapping[str, str]
    count: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Way:
    """One usual way. ``durable``: what it answered with 200 survives a power cut; ``why`` in a word.

    ``least_s``: how long a run must be at least to tell anything.
    """

    name: str
    app: str
    processes: int
    durable: bool
    why: str
    place: Callable[[Lab, Path], AbstractContextManager[Place]]
    least_s: float = 0.0


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A way that could not be started here; ``needs`` names what is missing."""

    way: Way
    needs: str


def start_ways(lab: Lab, stack: ExitStack) -> tuple[list[Door], list[NotMeasured]]:
    """Every usual way that this machine can run, answering; ``stack`` stops them."""
    doors: list[Door] = []
    missing: list[NotMeasured] = []
    for place, way in enumerate(WAYS, start=1):
        lab.tell(f"answering: starting {way.name}")
        try:
            doors.append(stack.enter_context(_started(lab, way, lab.room(f"way-{place}"))))
        except Missing as e:
            missing.append(NotMeasured(way, str(e)))
    return doors, missing


@contextlib.contextmanager
def _started(lab: Lab, way: Way, folder: Path) -> Iterator[Door]:
    if not (BIN / "gunicorn").exists():
        raise Missing("the environment that `make bench-full` makes")
    port = free_port()
    with way.place(lab, folder) as place:
        env = {
            **_inherited(),
            **place.env,
            "WEBHOOK_SECRET": SandboxConfig().webhook_secret,
            "WEB_THREADS": str(THREADS),
            "WEB_PROCESSES": str(way.processes),
        }
        command = [str(BIN / "python"), "-m", "gunicorn", "-c", "bench/others/gunicorn_conf.py"]
        command += ["--bind", f"127.0.0.1:{port}", f"bench.others.{way.app}"]
        running = Running(way.name, command, env, folder / "web.log", None)
        try:
            wait_for(running, ("127.0.0.1", port))
            yield Door(way.name, ("127.0.0.1", port), running, way.durable, way.why, place.count, way.least_s)
        finally:
            running.stop()


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def _run(program: str, *arguments: str, env: Mapping[str, str]) -> None:
    """A program of the way's own environment, to its end."""
    done = subprocess.run(
        [str(BIN / "python"), "-m", program, *arguments],
        cwd=ROOT,
        env={**_inherited(), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise DidNotStart(f"{program} {arguments[0]} failed: {(done.stdout + done.stderr).strip()[-500:]}")


def _redis(fsync: Fsync) -> Callable[[Lab, Path], AbstractContextManager[Place]]:
    @contextlib.contextmanager
    def place(_: Lab, folder: Path) -> Iterator[Place]:
        if redis_found() is None:
            raise Missing(NEEDED)
        with redis_server(folder, fsync) as address:
            yield Place({"BROKER_URL": f"redis://{address[0]}:{address[1]}/0"}, lambda: length_of(address, "celery"))

    return place


@contextlib.contextmanager
def _procrastinate(lab: Lab, _: Path) -> Iterator[Place]:
    with new_database(lab.postgresql) as url:
        env = {"QUEUE_DATABASE_URL": url, "POOL_SIZE": str(POOL)}
        _run("procrastinate", "--app", "bench.others.procrastinate_postgresql.migrating", "schema", "--apply", env=env)
        yield Place(env, lambda: _count(url, "procrastinate_jobs"))


@contextlib.contextmanager
def _dbos_postgresql(lab: Lab, _: Path) -> Iterator[Place]:
    with new_database(lab.postgresql) as url:
        _run("dbos.cli.cli", "migrate", "--sys-db-url", url, env={})
        yield Place({"QUEUE_DATABASE_URL": url, "POOL_SIZE": str(POOL)}, lambda: _count(url, "dbos.workflow_status"))


@contextlib.contextmanager
def _dbos_sqlite(_: Lab, folder: Path) -> Iterator[Place]:
    file = folder / "dbos.sqlite"
    url = f"sqlite:///{file}"
    _run("dbos.cli.cli", "migrate", "--sys-db-url", url, env={})
    # Not said in its documentation, but twice as fast and as durable (synchronous stays FULL): a file keeps the mode.
    with contextlib.closing(sqlite3.connect(file)) as c:
        c.execute("PRAGMA journal_mode = WAL")

    def count() -> int:
        with contextlib.closing(sqlite3.connect(file)) as c:
            return int(c.execute("SELECT count(*) FROM workflow_status").fetchone()[0])

    yield Place({"QUEUE_DATABASE_URL": url, "POOL_SIZE": str(POOL)}, count)


@contextlib.contextmanager
def _vendors(_: Lab, __: Path) -> Iterator[Place]:
    """The far side, as slow as the vendors are, but without their limits: so that only the waiting counts."""
    config = SandboxConfig(
        smaregi_reads_per_second=None,
        smaregi_writes_per_second=None,
        hubspot_calls_per_10_seconds=None,
        hubspot_calls_per_day=None,
    )
    with RunningSandbox(config) as sandbox, FarSide(sandbox.url) as far_side:
        far_side.slow(VENDORS_S)

        def count() -> int:
            return sum(
                c.method == "POST" and "/contacts/" in c.path and c.status < 300 for c in far_side.calls("hubspot")
            )

        yield Place(sandbox.settings_env(), count)


def _count(url: str, table: str) -> int:
    with psycopg.connect(url) as c:
        row = c.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


WAYS: Final = (
    Way(
        "Celery, Redis everysec",
        "celery_redis:app",
        2,
        durable=False,
        why="a power cut may take the last second",
        place=_redis("everysec"),
    ),
    Way("Celery, Redis always", "celery_redis:app", 2, durable=True, why="flushed before", place=_redis("always")),
    Way(
        "Procrastinate, PostgreSQL",
        "procrastinate_postgresql:create_app()",
        2,
        durable=True,
        why="committed before",
        place=_procrastinate,
    ),
    # One process: with two, which queue for the same file, it answered half as many.
    Way("DBOS, SQLite", "dbos_queue:app", 1, durable=True, why="committed before", place=_dbos_sqlite),
    Way("DBOS, PostgreSQL", "dbos_queue:app", 2, durable=True, why="committed before", place=_dbos_postgresql),
    Way(
        "vendors in the request",
        "in_request:app",
        2,
        durable=True,
        why="the vendors have it",
        place=_vendors,
        least_s=4 * sum(VENDORS_S.values()),
    ),
)


def versions() -> str:
    """What the usual ways were measured with, in words."""
    pins = dict(re.findall(r"^([a-z-]+)==([^\s\\;]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    named = [f"{name.title()} {pins[key]}" for name, key in (("Celery", "celery"), ("Procrastinate", "procrastinate"))]
    named += [f"DBOS {pins['dbos']}", f"Redis {redis_version()}" if redis_found() else "no Redis"]
    return ", ".join(named)
