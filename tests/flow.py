"""The whole way in one process: the sandbox on a port, the web door on a port, and a worker, over a real ledger."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from flask import Flask
from werkzeug.serving import make_server

import ledger.outcome
from handlers.house import LANES, House
from handlers.worker import Worker
from sandbox.config import SandboxConfig
from sandbox.server import RunningSandbox
from tests.building import house_of, make_app

#: No limits and no lags: the subject of most tests is the flow, and the vendors' pace has tests of its own.
UNLIMITED = SandboxConfig(
    shopify_points_per_second=None,
    smaregi_reads_per_second=None,
    smaregi_writes_per_second=None,
    hubspot_calls_per_10_seconds=100_000,  # told in a header, by which the lane sets its pace
    hubspot_property_lag_seconds=0.0,
    hubspot_search_lag_seconds=0.0,
    shopify_webhook_retry_seconds=(0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4),
)


#: After a lost answer so long, then it is carried once more. In earnest a minute, which no test would wait for.
LATE = timedelta(seconds=1)


@dataclass
class Flow:
    """A running system: ``sandbox`` is the far side, ``house`` the service, ``worker`` its worker."""

    sandbox: RunningSandbox
    app: Flask
    house: House
    worker: Worker

    @property
    def shop(self) -> Any:
        """The sandbox's shop."""
        return self.sandbox.world.shopify

    @property
    def members(self) -> list[dict[str, Any]]:
        """What stands in Smaregi."""
        records: list[dict[str, Any]] = self.sandbox.world.smaregi.records()
        return records

    @property
    def contacts(self) -> list[dict[str, Any]]:
        """What stands in HubSpot."""
        records: list[dict[str, Any]] = self.sandbox.world.hubspot.records()
        return records

    def calls(self, system: str, method: str | None = None, path: str | None = None) -> int:
        """How many calls the far side got."""
        return self.sandbox.world.calls.count(system=system, method=method, path=path)

    def states(self, customer_id: int) -> dict[str, str]:
        """The state of each of the customer's tasks."""
        told = self.house.report.story(customer_id)
        return {row["lane"]: row["state"] for row in told.tasks} if told else {}

    def at_rest(self) -> bool:
        """Whether no delivery is on its way and no task is pending or running."""
        reports = self.house.report.lanes(LANES)
        waiting = sum(r.pending + r.running for r in reports if r.lane not in self.house.lanes_off)
        return waiting == 0

    def rest(self, timeout_s: float = 30.0) -> None:
        """Wait until everything has arrived."""
        assert self.shop.wait_idle(timeout_s), "deliveries are still on their way"
        until(self.at_rest, timeout_s)


def until(true: Callable[[], bool], timeout_s: float = 15.0) -> None:
    """Wait for something that happens in another thread, looking often."""
    end = time.monotonic() + timeout_s
    ticking = threading.Event()
    while not true():
        assert time.monotonic() < end, f"not within {timeout_s:g} s"
        ticking.wait(0.01)


@contextlib.contextmanager
def running(
    database_url: str,
    config: SandboxConfig = UNLIMITED,
    *,
    worker: bool = True,
    workers: int = 1,
    late: timedelta = LATE,
    mails: bool = False,
    **settings: Any,
) -> Iterator[Flow]:
    """A whole system; the sandbox's shop sends its webhooks to the web door, the worker carries.

    ``mails``: welcome mails are sent, to the sandbox's mail server. ``workers``: how many carry side by side.
    """
    with RunningSandbox(config, mail_port=0 if mails else None) as sandbox, patch.object(ledger.outcome, "LATE", late):
        env = {name.lower(): value for name, value in sandbox.settings_env().items()}
        fast = {"smaregi_reads_per_second": 1000, "smaregi_writes_per_second": 1000}
        given = {**env, **fast, **settings}
        app = make_app(database_url, **given)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        door = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        door.start()
        sandbox.world.shopify.webhooks.url = f"http://127.0.0.1:{server.server_port}/webhooks/shopify"
        house = house_of(app)
        made = house.worker()
        flow = Flow(sandbox, app, house, made)
        others = [house_of(make_app(database_url, **given)) for _ in range(workers - 1)]
        helping = [other.worker() for other in others]
        for one in (made, *helping) if worker else ():
            one.start()
        try:
            yield flow
        finally:
            for one in (made, *helping):
                one.finish()
            for other in others:
                other.close()
            server.shutdown()
            door.join()
            server.server_close()
            house.close()
