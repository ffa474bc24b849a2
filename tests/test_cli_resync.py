"""`flask resync`: what it would change, what it makes pending, and how it goes on after it was stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, update

import handlers.cli_resync
from handlers.terminal import out
from ledger import tables as t
from ledger.position import Positions
from sandbox.people import people
from tests.building import body_of, house_of, make_app, post
from tests.flow import running


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    made = make_app(database_url)
    yield made
    house_of(made).close()


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["resync", *arguments], env={"COLUMNS": "200"})


def fail(app: Flask, customer: int, kind: str, lane: str = "smaregi") -> None:
    here = (t.tasks.c.customer_id == customer, t.tasks.c.lane == lane)
    with house_of(app).database.writing() as c:
        c.execute(update(t.tasks).where(*here).values(state="failed", kind=kind))


def states(app: Flask, lane: str = "smaregi") -> dict[int, str]:
    with house_of(app).database.reading() as c:
        rows = c.execute(select(t.tasks.c.customer_id, t.tasks.c.state).where(t.tasks.c.lane == lane))
        return {row.customer_id: row.state for row in rows}


def test_only_what_failed_of_one_kind_is_taken(app: Flask) -> None:
    for customer, kind in ((1, "smaregi.refused"), (2, "smaregi.required_missing"), (3, "smaregi.refused")):
        post(app.test_client(), body_of(customer))
        fail(app, customer, kind)
    assert "2 tasks would be" in run(app, "--kind", "smaregi.refused", "--dry-run", "--limit", "0").output
    assert "2 tasks made pending" in run(app, "--kind", "smaregi.refused", "--lane", "smaregi").output
    assert states(app) == {1: "pending", 2: "failed", 3: "pending"}
    assert "1 task made pending" in run(app, "--failed").output


def test_a_dry_run_names_the_fields_and_hides_the_values(database_url: str) -> None:
    with running(database_url) as flow:
        person = next(iter(people(1, oddities=0)))
        customer = flow.shop.create(person.shop_fields())
        flow.rest()
        [member] = flow.members
        flow.sandbox.world.smaregi.members.update(int(member["customerId"]), {"lastName": "別名"})
        told = run(flow.app, str(customer.id), "--dry-run")
        assert told.exit_code == 0
        assert "lastName" in told.output
        assert "nothing to do" in told.output
        assert "3 tasks would be made pending; nothing was changed" in told.output
        for value in ("別名", str(member["lastName"])):
            assert value not in told.output
        assert flow.at_rest()


def test_values_are_shown_on_a_terminal_alone(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(database_url) as flow:
        customer = flow.shop.create(next(iter(people(1, oddities=0))).shop_fields())
        flow.rest()
        flow.sandbox.world.smaregi.members.update(int(flow.members[0]["customerId"]), {"lastName": "別名"})
        refused = run(flow.app, str(customer.id), "--dry-run", "--show-values")
        assert refused.exit_code == 2
        assert "terminal" in refused.output
        monkeypatch.setattr(out, "_force_terminal", True)
        assert "別名" in run(flow.app, str(customer.id), "--dry-run", "--show-values").output


def test_a_lane_that_is_off_is_said_and_not_asked(app: Flask) -> None:
    post(app.test_client(), body_of(1))
    told = run(app, "1", "--dry-run").output
    assert "smaregi is off (SMAREGI_CLIENT_ID is not set)" in told
    assert "3 tasks would be made pending" in told


def test_stopped_it_ends_cleanly_and_goes_on_where_it_was(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for customer in range(1, 8):
        post(app.test_client(), body_of(customer))
    resync = house_of(app).resync
    whole = type(resync).page
    seen: list[int] = []

    def two_at_a_time(self: Any, **which: Any) -> tuple[int, int | None]:
        seen.append(which["after_id"])
        if len(seen) == 2:
            signal.raise_signal(signal.SIGINT)
        return whole(self, **{**which, "limit": 2})

    monkeypatch.setattr(type(resync), "page", two_at_a_time)
    stopped = run(app, "--all", "--lane", "hubspot")
    assert stopped.exit_code == 130
    assert "stopped after customer 4, 4 tasks made pending: the same command goes on there" in stopped.output
    other = run(app, "--all", "--lane", "shopify", "--dry-run", "--limit", "0")
    assert "goes on" not in other.output
    again = run(app, "--all", "--lane", "hubspot")
    assert "goes on after customer 4" in again.output
    assert "7 tasks made pending" in again.output
    assert seen == [0, 2, 4, 6, 7]
    assert "goes on" not in run(app, "--all", "--lane", "hubspot").output


def test_from_start_begins_anew(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for customer in range(1, 4):
        post(app.test_client(), body_of(customer))
    positions = Positions(house_of(app).database)
    which = {"only": "all", "lanes": ("hubspot",), "kinds": None}
    positions.keep(handlers.cli_resync._name_of(which), {"after": 2, "made": 2})
    assert "3 tasks made pending" in run(app, "--all", "--lane", "hubspot", "--from-start").output


def test_what_is_done_by_hand_is_written_down(app: Flask) -> None:
    for customer in (1, 2):
        post(app.test_client(), body_of(customer))
    run(app, "1", "2", "--dry-run", "--limit", "0")
    assert not house_of(app).audit.page(limit=9).rows
    run(app, "1", "--lane", "smaregi")
    run(app, "--all")
    app.test_cli_runner().invoke(args=["link", "2", "77"])
    told = [(act.what, act.role, act.customer_id) for act in house_of(app).audit.page(limit=9).rows]
    assert told == [
        ("linked a customer", "command", 2),
        ("resynced many customers", "command", None),
        ("resynced a customer", "command", 1),
    ]


def test_letters_are_never_written_again_by_hand(app: Flask) -> None:
    assert "mail" not in handlers.cli_resync.RESYNCED
    assert run(app, "--all", "--lane", "mail").exit_code == 2


@pytest.mark.parametrize(
    "arguments", [["1", "--kind", "a.b"], ["--all", "--kind", "a.b"], ["--all", "--show-values"], ["--limit", "3"]]
)
def test_what_makes_no_sense_together_is_refused(app: Flask, arguments: list[str]) -> None:
    assert run(app, *arguments).exit_code == 2
