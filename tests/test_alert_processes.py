"""Several processes tell what there is to tell, through Apprise, and are killed on the way: nobody is told twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.alerts import UNKNOWN_END, Alerts, Changes, Sighting
from ledger.database import Database
from tests.notice_board import Board, notice_board

ROOT = Path(__file__).parent.parent


@pytest.fixture
def board() -> Iterator[Board]:
    with notice_board() as made:
        yield made


def rise(database: Database, count: int) -> Alerts:
    alerts, now = Alerts(database), datetime.now(UTC) - timedelta(minutes=1)
    turn = alerts.take_turn(now, timedelta(seconds=1))
    assert turn is not None
    seen = tuple(Sighting("failed", f"failed:hubspot:{i}", now, "hubspot", customer_id=100 + i) for i in range(count))
    alerts.write(Changes(rise=seen), now=now, tell=True, turn=turn[0], memory=None)
    return alerts


def teller(url: str, board: Board, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.alert_teller", url, board.address(), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run(*processes: subprocess.Popen[str]) -> list[int]:
    """Let all of them go at one moment; how each ended."""
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=120)
    return [process.returncode for process in processes]


def test_two_processes_tell_each_alert_once(database: Database, database_url: str, board: Board) -> None:
    alerts = rise(database, 6)
    assert run(teller(database_url, board, "0"), teller(database_url, board, "0")) == [0, 0]
    links = Counter(notice["message"].rsplit("/", 1)[-1] for notice in board.notices)
    assert links == Counter(str(100 + i) for i in range(6))
    assert {alert.news for alert in alerts.open_ones()} == {None}


@pytest.mark.parametrize(("point", "before", "after"), [("claimed", 0, 1), ("sending", 0, 0), ("sent", 1, 1)])
def test_who_is_killed_on_the_way_has_nobody_told_twice(
    database: Database, database_url: str, board: Board, point: str, before: int, after: int
) -> None:
    alerts = rise(database, 1)
    assert run(teller(database_url, board, "0", point)) == [-signal.SIGKILL]
    assert len(board.notices) == before

    assert run(teller(database_url, board, "5")) == [0]
    assert len(board.notices) == after
    [alert] = alerts.open_ones()
    assert (alert.news, alert.trouble) == (None, None if point == "claimed" else UNKNOWN_END)
