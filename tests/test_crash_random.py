"""Killed again and again, at moments nobody chose, while customers come and change: each stands there once."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

from tests.crash import WRITES, Rig, Starter, rig
from tests.flow import until

KILLS = 8
CUSTOMERS = 40


def test_eight_kills_at_random_moments_leave_every_customer_once_in_the_newest_state(
    starter: Starter, database_url: str, tmp_path: Path
) -> None:
    dice = random.Random(2026)
    with rig(starter, database_url, tmp_path) as r:
        start = {"web": r.web, "first worker": r.worker, "second worker": r.worker}
        running = {name: go() for name, go in start.items()}
        made: list[int] = []
        for _ in range(KILLS):
            made += r.customers(CUSTOMERS // KILLS)
            for customer_id in dice.choices(made, k=5):
                r.change(customer_id)
            heard = calls_of_all(r) + dice.randrange(20)
            with contextlib.suppress(AssertionError):  # what is left waits for the end of a lease
                until(lambda heard=heard: calls_of_all(r) >= heard, 0.7)  # type: ignore[misc]
            victim = dice.choice(list(start))
            running[victim].kill()
            running[victim] = start[victim]()
        r.rest()
        r.check()
        assert len(made) == CUSTOMERS


def calls_of_all(r: Rig) -> int:
    return sum(map(r.calls, WRITES))
