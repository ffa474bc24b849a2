"""A web door killed at any line loses nothing: who got no answer comes again, and who comes again is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import Rig, Starter, rig
from tests.flow import until


def deliveries_that_came_again(r: Rig) -> int:
    return sum(delivery.attempts > 1 for delivery in r.shop.webhooks.deliveries())


@pytest.mark.parametrize("point", ["read", "recording", "recorded"])
def test_a_web_door_killed_within_a_request_loses_no_delivery_and_keeps_none_twice(
    starter: Starter, database_url: str, tmp_path: Path, point: str
) -> None:
    with rig(starter, database_url, tmp_path) as r:
        web = r.web(r.trap(point))
        r.worker()
        (first,) = r.customers(1)
        until(lambda: not (tmp_path / "trap-1").exists())
        r.change(first)
        r.customers(3)
        r.rest()
        r.check()
        assert deliveries_that_came_again(r) > 0
        repeats = [line for line in web.lines("received") if line["verdict"] == "repeat"]
        assert bool(repeats) is (point == "recorded"), "only what was kept before is a repeat"


@pytest.mark.parametrize("point", ["recording", "recorded"])
def test_a_web_door_killed_with_many_in_one_commit_loses_none_of_them(
    starter: Starter, database_url: str, tmp_path: Path, point: str
) -> None:
    with rig(starter, database_url, tmp_path) as r:
        r.web(r.trap(point, at_least=8), WEB_PROCESSES="1")
        r.customers(16)
        until(lambda: not (tmp_path / "trap-1").exists())
        r.worker()
        r.rest()
        r.check()
        assert deliveries_that_came_again(r) >= 8


def test_a_web_door_killed_whole_takes_up_where_it_was_when_it_is_started_again(
    starter: Starter, database_url: str, tmp_path: Path
) -> None:
    with rig(starter, database_url, tmp_path) as r:
        web = r.web()
        r.worker()
        made = r.customers(8)
        web.kill()
        for customer_id in made:
            r.change(customer_id)
        r.web()
        r.rest()
        r.check()
