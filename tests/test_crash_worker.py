"""A worker killed at any line loses nothing and doubles nothing: what it held comes back when its lease ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.faults import System
from tests.crash import WRITES, Starter, rig
from tests.flow import until


@pytest.mark.parametrize("point", ["claimed", "answered", "settling", "settled"])
def test_workers_killed_in_each_lane_while_customers_flow_leave_each_customer_once(
    starter: Starter, database_url: str, tmp_path: Path, point: str
) -> None:
    with rig(starter, database_url, tmp_path) as r:
        r.web()
        made: list[int] = []
        for lane in WRITES:
            made += r.customers(3)
            for customer_id in made[::2]:
                r.change(customer_id)
            worker = r.worker(r.trap(point, lane))
            until(lambda worker=worker: not worker.alive)  # type: ignore[misc]
            if point != "settled":
                assert r.count("running", lane) > 0, "it held what it was killed over"
        r.worker()
        r.change(made[-1])
        r.rest()
        r.check()


def test_a_worker_killed_while_the_far_side_answers_leaves_each_customer_once(
    starter: Starter, database_url: str, tmp_path: Path
) -> None:
    with rig(starter, database_url, tmp_path) as r:
        r.web()
        made: list[int] = []
        for lane, (system, method, path) in WRITES.items():
            worker = r.worker()
            until(lambda worker=worker: len(worker.lines("lane ready")) == 3)  # type: ignore[misc]
            fault = r.sandbox.world.faults.add(system, "delay", method=method, path=path, seconds=60)
            before = r.calls(lane)
            made += r.customers(3)
            for customer_id in made[::2]:
                r.change(customer_id)
            until(lambda lane=lane, before=before: r.calls(lane) > before)  # type: ignore[misc]
            worker.kill()
            r.sandbox.world.faults.remove(fault)
            assert r.count("running", lane) > 0, "it died with the call on its way"
        r.worker()
        r.rest()
        r.check()


def test_a_change_whose_answer_was_lost_with_the_worker_is_undone_when_the_customer_changes_back(
    starter: Starter, database_url: str, tmp_path: Path
) -> None:
    """By what the ledger knows nothing differs then; the far sides have the change all the same."""
    changes: dict[System, tuple[str, str]] = {
        "smaregi": ("PATCH", "/pos/customers/"),
        "hubspot": ("POST", "batch/update$"),
    }
    with rig(starter, database_url, tmp_path) as r:
        r.web()
        worker = r.worker()
        (customer_id,) = r.customers(1)
        name = r.shop.get(customer_id).first_name
        r.rest()
        calls = r.sandbox.world.calls
        before = {system: calls.count(system, *call) for system, call in changes.items()}
        for system, (method, path) in changes.items():
            r.sandbox.world.faults.add(system, "delay", method=method, path=path, seconds=60)
        r.change(customer_id)
        until(lambda: all(calls.count(system, *call) > before[system] for system, call in changes.items()))
        worker.kill()
        r.sandbox.world.faults.clear()
        r.shop.update(customer_id, {"first_name": name})
        r.worker()
        r.rest()
        r.check()


def test_a_worker_that_is_started_while_the_store_is_busy_waits_for_it(
    starter: Starter, sqlite_template: Path, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    with rig(starter, f"sqlite:///{path}", tmp_path) as r:
        r.web()
        r.customers(2)
        assert r.shop.wait_idle()
        with r.house.database.writing():
            worker = r.worker()
            until(lambda: bool(worker.lines("store busy")))
        r.rest()
        r.check()
