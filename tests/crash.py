"""A shop, a ledger, and the service as processes that can be killed; and what must be true when all is quiet again."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
import requests
from sqlalchemy import select

from handlers.house import LANES, SYNCED, House
from ledger import tables as t
from sandbox.faults import System
from sandbox.people import Person, people
from sandbox.server import RunningSandbox, settings_env
from sandbox.system import ROOT, free_port
from tests.building import house_of, make_app
from tests.flow import UNLIMITED, until
from tests.killing import Trap

#: Shopify comes again 8 times within 4 hours; here it comes again, and again, at once.
COMES_AGAIN = (0.05, 0.1, 0.2) + (0.3,) * 60
#: The write by which a customer comes to stand at the far side of each lane (for the reading lane, the read).
WRITES: dict[str, tuple[System, str, str]] = {
    "shopify": ("shopify", "POST", "graphql"),
    "smaregi": ("smaregi", "POST", "/pos/customers$"),
    "hubspot": ("hubspot", "POST", "batch/upsert$"),
}


class Starter:
    """A process with everything imported, which starts others within milliseconds; see `killing.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.killing"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._told.readline() == "ready\n"

    @property
    def _told(self) -> IO[str]:
        assert self._process.stdout
        return self._process.stdout

    def start(self, order: Mapping[str, Any]) -> int:
        """Start what this order asks for; the id of the new process."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._told.readline())

    def close(self) -> None:
        """End it, and everything it started."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)
        self._told.close()


class Process:
    """One process of the service, with those it has started itself (gunicorn's)."""

    def __init__(self, pid: int, log: Path) -> None:
        self.log = log
        self.process = psutil.Process(pid)

    @property
    def alive(self) -> bool:
        """Whether it is there at all, running or stopped."""
        return _is_there(self.process)

    @property
    def stopped(self) -> bool:
        """Whether it stands still (SIGSTOP)."""
        return self.alive and self.process.status() == psutil.STATUS_STOPPED

    def family(self) -> list[psutil.Process]:
        """The process and its children."""
        try:
            return [self.process, *self.process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """SIGKILL to the process and its children; returns when no line of theirs can run any more."""
        family = self.family()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        until(lambda: not any(map(_is_there, family)))

    def go_on(self) -> None:
        """SIGCONT: as if no time had passed."""
        self.process.send_signal(signal.SIGCONT)

    def end(self, timeout_s: float = 20.0) -> None:
        """SIGTERM, and wait until it has finished what is in hand."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.process.terminate()
        until(lambda: not self.alive, timeout_s)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log that tell of this step; another process may share the log."""
        told = []
        for line in self.log.read_text().splitlines() if self.log.exists() else ():
            with contextlib.suppress(ValueError):
                told.append(json.loads(line))
        return [line for line in told if isinstance(line, dict) and line.get("event") == event]


def _is_there(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class Rig:
    """The far side in this process, the service in others, and a look into the ledger between them."""

    starter: Starter
    sandbox: RunningSandbox
    house: House
    folder: Path
    env: dict[str, str]
    port: int
    processes: list[Process] = field(default_factory=list)
    persons: Iterator[Person] = field(default_factory=lambda: people(29, oddities=0))
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # What happens

    def web(self, trap: Trap | None = None, **env: str) -> Process:
        """The web door under gunicorn; returns when it can take deliveries in."""
        config, target = str(ROOT / "config/gunicorn.py"), "app:create_app()"
        address = f"127.0.0.1:{self.port}"
        made = self._start("web", ["gunicorn", "-c", config, "--bind", address, target], trap, env)
        until(lambda: self._is_ready() or not made.alive)
        assert made.alive, made.log.read_text()
        return made

    def worker(self, trap: Trap | None = None) -> Process:
        """One more worker; returns at once."""
        return self._start("worker", ["flask", "--app", str(ROOT / "app.py"), "worker"], trap, {})

    def trap(self, point: str, lane: str = "", *, at_least: int = 1, by: str = "SIGKILL") -> Trap:
        """A trap for the next process."""
        armed = self.folder / f"trap-{next(self.serial)}"
        armed.touch()
        return Trap(point, str(armed), lane, at_least, by)

    def _start(self, name: str, command: list[str], trap: Trap | None, env: Mapping[str, str]) -> Process:
        log = self.folder / f"{name}-{next(self.serial)}.log"
        order = {
            "command": command,
            "env": {**self.env, **env},
            "folder": str(self.folder),
            "log": str(log),
            "trap": asdict(trap) if trap else None,
        }
        made = Process(self.starter.start(order), log)
        self.processes.append(made)
        return made

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).ok
        except requests.RequestException:
            return False

    @property
    def shop(self) -> Any:
        """The sandbox's shop."""
        return self.sandbox.world.shopify

    def customers(self, count: int) -> list[int]:
        """New customers in the shop; their ids."""
        return [self.shop.create(person.shop_fields()).id for person in itertools.islice(self.persons, count)]

    def change(self, customer_id: int) -> str:
        """A change in the shop; the new first name."""
        name = f"改{next(self.serial)}"
        self.shop.update(customer_id, {"first_name": name})
        return name

    def calls(self, lane: str) -> int:
        """How many writes (reads, for the reading lane) have reached the far side of this lane, answered or not."""
        system, method, path = WRITES[lane]
        return self.sandbox.world.calls.count(system=system, method=method, path=path)

    # What is seen

    def rows(self, table: Any) -> list[dict[str, Any]]:
        """Every row of a table of the ledger."""
        with self.house.database.reading() as c:
            return [dict(row) for row in c.execute(select(table)).mappings()]

    def count(self, state: str, lane: str | None = None) -> int:
        """How many tasks are in this state."""
        return sum(row["state"] == state and lane in (None, row["lane"]) for row in self.rows(t.tasks))

    def state_of(self, customer_id: int, lane: str) -> str | None:
        """The state of one task."""
        tasks = {(row["customer_id"], row["lane"]): row["state"] for row in self.rows(t.tasks)}
        return tasks.get((customer_id, lane))

    def at_rest(self) -> bool:
        """Whether nothing is on its way."""
        reports = self.house.report.lanes(LANES)
        return not any(r.pending + r.running for r in reports)

    def rest(self, timeout_s: float = 30.0) -> None:
        """Wait until every delivery has been taken in and every task has ended."""
        assert self.shop.wait_idle(timeout_s), "deliveries are still on their way"
        until(self.at_rest, timeout_s)

    def check(self) -> None:
        """None lost, none doubled, none older than the shop has it: on the far sides and in the ledger."""
        wanted = {c.id: (c.last_name, c.first_name) for c in self.shop.customers()}
        members: list[dict[str, Any]] = self.sandbox.world.smaregi.records()
        contacts: list[dict[str, Any]] = self.sandbox.world.hubspot.records()
        codes = Counter(str(member["customerCode"]) for member in members)
        assert codes == Counter(map(str, wanted)), "each customer is exactly one member"
        at_smaregi = {int(m["customerCode"]): (m["lastName"], m["firstName"]) for m in members}
        assert at_smaregi == wanted, "each member is as the shop has the customer now"
        told = [contact["properties"] for contact in contacts]
        ids = Counter(properties["shopify_customer_id"] for properties in told)
        assert ids == Counter(map(str, wanted)), "each customer is exactly one contact"
        at_hubspot = {int(p["shopify_customer_id"]): (p["lastname"], p["firstname"]) for p in told}
        assert at_hubspot == wanted, "each contact is as the shop has the customer now"
        states = Counter(row["state"] for row in self.rows(t.tasks) if row["lane"] in SYNCED)
        assert states == {"done": len(wanted) * len(SYNCED)}, "no task is left over"
        refs = {(row["customer_id"], row["lane"]): row["ref"] for row in self.rows(t.tasks)}
        assert {refs[int(m["customerCode"]), "smaregi"] for m in members} == {m["customerId"] for m in members}
        assert {refs[int(c["properties"]["shopify_customer_id"]), "hubspot"] for c in contacts} == {
            str(c["id"]) for c in contacts
        }
        sent = self.shop.webhooks.deliveries()
        assert {delivery.state for delivery in sent} == {"delivered"}, "Shopify never gave up"
        kept = Counter(row["webhook_id"] for row in self.rows(t.deliveries))
        assert kept == Counter({delivery.envelope.webhook_id for delivery in sent}), "each delivery is kept once"


@contextlib.contextmanager
def rig(starter: Starter, database_url: str, folder: Path, *, mails: bool = False) -> Iterator[Rig]:
    """The far side and an empty ledger that knows Smaregi's members; no process of the service runs yet.

    ``mails``: welcome mails are sent, to the sandbox's mail server.
    """
    over = threading.Event()
    config = replace(UNLIMITED, shopify_webhook_retry_seconds=COMES_AGAIN)

    def pause(seconds: float) -> None:
        over.wait(seconds)  # a call held back by a fault is let go at the end, not waited for

    with RunningSandbox(config, pause=pause, mail_port=0 if mails else None) as sandbox:
        env = {
            **settings_env(sandbox.url, config, sandbox.smtp_url),
            "DATABASE_URL": database_url,
            "SMAREGI_READS_PER_SECOND": "1000",
            "SMAREGI_WRITES_PER_SECOND": "1000",
            "LOG_FORMAT": "json",
            "FLASK_SKIP_DOTENV": "1",
            "PATH": os.environ.get("PATH", ""),
        }
        port = free_port()
        sandbox.world.shopify.webhooks.url = f"http://127.0.0.1:{port}/webhooks/shopify"
        app = make_app(**{name.lower(): value for name, value in env.items() if name != "PATH"})
        house = house_of(app)
        made = Rig(starter, sandbox, house, folder, env, port)
        for lane in house.lanes():
            lane.prepare()
            lane.tend()  # the first scan, which no customer shall wait for here
        try:
            yield made
        finally:
            over.set()
            for process in made.processes:
                process.kill()
            house.close()


@pytest.fixture(scope="session")
def starter() -> Iterator[Starter]:
    """What starts processes quickly, one for each test process."""
    made = Starter()
    yield made
    made.close()
