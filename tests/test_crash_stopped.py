"""A worker that stood still past its lease, and then went on as if nothing had been: its word counts no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import empty
from tests.crash import Process, Rig, Starter, rig
from tests.flow import until


def stopped_at(r: Rig, point: str, lane: str) -> Process:
    worker = r.worker(r.trap(point, lane, by="SIGSTOP"))
    until(lambda: worker.stopped)
    return worker


@pytest.mark.parametrize("lane", ["smaregi", "hubspot"])
@pytest.mark.parametrize("point", ["claimed", "answered"])
def test_the_late_result_of_a_stopped_worker_is_refused_and_covers_nothing_newer(
    starter: Starter, database_url: str, tmp_path: Path, point: str, lane: str
) -> None:
    with rig(starter, database_url, tmp_path) as r:
        r.web()
        (customer_id,) = r.customers(1)
        late = stopped_at(r, point, lane)
        r.worker()
        r.rest()
        r.check()
        r.change(customer_id)
        r.rest()
        r.check()
        late.go_on()
        until(lambda: lane in {line["lane"] for line in late.lines("result refused")})
        late.end()
        r.rest()
        r.check()


def test_what_a_stopped_worker_holds_in_the_middle_of_a_commit_is_taken_from_it(
    starter: Starter, postgresql_url: str, tmp_path: Path
) -> None:
    """On PostgreSQL; on SQLite the one file is held, and all wait until the process goes on or is killed."""
    empty(postgresql_url)
    with rig(starter, postgresql_url, tmp_path) as r:
        r.web()
        (customer_id,) = r.customers(1)
        late = stopped_at(r, "settling", "smaregi")
        r.worker()
        r.change(customer_id)
        r.rest()
        r.check()
        late.go_on()
        late.end()
        r.rest()
        r.check()
