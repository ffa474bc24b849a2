"""Several worker processes on one ledger: each task is carried once, and a killed worker loses nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger import tables as t
from ledger.database import Database
from ledger.inbox import Inbox
from ledger.outcome import ONCE_MORE
from tests.ledger_carrier import BATCH, DEATHS, LANE, LEASE, carry_all
from tests.ledger_cases import Ledger, delivery_of, person

ROOT = Path(__file__).parent.parent


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def fill(ledger: Ledger, tasks: int) -> None:
    """So many customers, each with one task."""
    inbox = Inbox(ledger.database, destinations=[LANE])
    before = datetime.now(UTC) - timedelta(minutes=1)
    for first in range(1, tasks + 1, 250):
        group = [delivery_of(person(i)) for i in range(first, min(first + 250, tasks + 1))]
        inbox.record(group, now=before, reading_is_on=False)


def start(url: str, log: Path, *die_at: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.ledger_carrier", url, str(log), *die_at]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def run(*processes: subprocess.Popen[str], code: int = 0) -> None:
    """Let all of them go at one moment, and wait until all have ended so."""
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, told = process.communicate(timeout=60)
        assert process.returncode == code, told


def carried(*logs: Path) -> list[tuple[int, int, bool]]:
    """Every carry in these logs: the customer, the attempt, and whether it was in doubt."""
    lines = [line.split() for log in logs for line in log.read_text().splitlines()]
    return [(int(i), int(attempt), doubt == "1") for i, attempt, doubt in lines]


def test_two_processes_carry_a_thousand_tasks_once_each(ledger: Ledger, database_url: str, tmp_path: Path) -> None:
    fill(ledger, 1000)
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    run(*[start(database_url, log) for log in logs])

    assert sorted(i for i, _, _ in carried(*logs)) == list(range(1, 1001))
    assert all(log.read_text() for log in logs), "one process did all the work, and nothing was shown"
    tasks = ledger.rows(t.tasks, lane=LANE)
    assert {(row["state"], row["ref"] == f"m-{row['customer_id']}", row["token"]) for row in tasks} == {
        ("done", True, None)
    }
    assert len(tasks) == 1000
    settled = Counter(row["customer_id"] for row in ledger.rows(t.attempts))
    assert set(settled.values()) == {1}


def test_workers_killed_at_any_line_lose_nothing_and_nothing_is_settled_twice(
    ledger: Ledger, database_url: str, tmp_path: Path
) -> None:
    fill(ledger, 1000)
    logs = {death: tmp_path / f"{death}.log" for death in DEATHS}
    survivor = tmp_path / "survivor.log"
    doomed = [start(database_url, log, death) for death, log in logs.items()]
    healthy = start(database_url, survivor)
    run(*doomed, code=-signal.SIGKILL)
    run(healthy)

    held = {row["customer_id"] for row in ledger.rows(t.tasks, state="running")}
    assert len(held) == BATCH * len(DEATHS)  # what the dead had in hand, and nothing else
    before = carried(*logs.values(), survivor)
    assert {i for i, _, _ in before} | held == set(range(1, 1001))

    later = datetime.now(UTC) + LEASE + timedelta(seconds=1)
    assert ledger.book.rescue(now=later) == len(held)
    with ledger.database.writing() as c:  # the rescuer's clock is a minute ahead of the next worker's
        c.execute(t.tasks.update().where(t.tasks.c.state == "pending").values(due_at=datetime.now(UTC)))
    last = tmp_path / "last.log"
    carry_all(database_url, last)

    again = carried(last)
    assert {i for i, _, _ in again} == held
    assert {(attempt, doubt) for _, attempt, doubt in again} == {(2, True)}
    tasks = ledger.rows(t.tasks, lane=LANE)
    # What a dead worker had in hand may still reach the far side, and is carried once more when it cannot any longer.
    assert {(row["customer_id"] in held, row["state"], row["kind"]) for row in tasks} == {
        (False, "done", None),
        (True, "pending", ONCE_MORE),
    }
    settled = Counter(row["customer_id"] for row in ledger.rows(t.attempts))
    assert set(settled) == set(range(1, 1001))
    assert set(settled.values()) == {1}
    # Only who died between the carry and the commit was carried twice, and the second time knew to ask first.
    twice = {i for i, n in Counter(i for i, _, _ in before + again).items() if n > 1}
    assert twice == {i for death in ("carried", "committing") for i, _, _ in carried(logs[death])[-BATCH:]}
