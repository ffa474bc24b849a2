"""The whole system under measurement: sandbox, web door and workers as processes, and a look into its ledger."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from bench.far_side import FarSide, wait_until
from ledger import tables as t
from ledger.database import Database
from ledger.members import Members
from sandbox.system import Checkout, DidNotStart, Running, System

LANES: Final = ("shopify", "smaregi", "hubspot")
DESTINATIONS: Final = ("smaregi", "hubspot")
#: Far sides without limits: then the service's own speed shows. Needs ``FarSide.lift_limits`` too.
UNLIMITED: Final = {"SMAREGI_READS_PER_SECOND": "1000", "SMAREGI_WRITES_PER_SECOND": "1000"}


@dataclass(slots=True)
class Whole:
    """A running system; ``web`` is its web door. Workers are started when they are wanted."""

    system: System
    far_side: FarSide
    database: Database
    web: Running

    def waiting(self) -> int:
        """How many tasks are pending or running."""
        return self.tasks("pending", "running")

    def at_rest(self) -> bool:
        """Whether no task is pending or running; costs the same however many customers there are."""
        open_ones = select(t.tasks.c.customer_id).where(t.tasks.c.state.in_(("pending", "running")))
        with self.database.reading() as c:
            return not any(c.execute(open_ones.where(t.tasks.c.lane == lane).limit(1)).first() for lane in LANES)

    def failed(self) -> int:
        """How many tasks wait for a person."""
        return self.tasks("failed")

    def tasks(self, *states: str, lanes: Sequence[str] = LANES) -> int:
        """How many tasks are in these states: all of them counted, where the console would tell the last count."""
        which = (t.tasks.c.lane.in_(lanes), t.tasks.c.state.in_(states))
        with self.database.reading() as c:
            return c.execute(select(func.count()).where(*which)).scalar_one()

    def known(self) -> int:
        """How many customers the ledger has."""
        with self.database.reading() as c:
            return int(c.exec_driver_sql("SELECT count(*) FROM customers").scalar() or 0)

    def restart_web(self) -> float:
        """A new web door in place of the old one; how many milliseconds until it could take deliveries in."""
        self.web.stop()
        began = time.monotonic()
        self.web = self.system.start_web()
        return (time.monotonic() - began) * 1000

    def start_workers(self, count: int) -> list[Running]:
        """So many workers; returns when they can create members: the member index is filled."""
        workers = [self.system.start_worker() for _ in range(count)]
        members = Members(self.database)
        if not wait_until(lambda: members.freshness().fresh_at is not None, 20):
            raise DidNotStart(f"the worker did not fill the member index; its log is {workers[0].log}")
        return workers


@contextlib.contextmanager
def whole_system(
    folder: Path,
    database_url: str | None = None,
    settings: Mapping[str, str] | None = None,
    service: Checkout | None = None,
) -> Iterator[Whole]:
    """Everything but the workers, on an empty ledger; ``settings`` of the service are laid over the sandbox's own.

    ``service``: the checkout whose web door and workers are started; None: this one.
    """
    with System(folder, database_url=database_url, settings=settings, service=service) as system:
        system.run("db", "upgrade")
        system.start_sandbox()
        web = system.start_web()
        database = Database(system.database_url)
        try:
            with FarSide(system.sandbox_url) as far_side:
                yield Whole(system, far_side, database, web)
        finally:
            database.close()
