"""The command that tries a lane, as a person types it; and how doctor speaks of a lane that waits for long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from click.testing import Result
from flask import Flask

from handlers import doctor
from handlers.house import House
from ledger.outcome import Retry
from tests.building import house_of, make_app

SMAREGI: Final[dict[str, Any]] = {
    "smaregi_contract_id": "skp000s0",
    "smaregi_client_id": "an-invented-client",
    "smaregi_client_secret": "an-invented-client-secret",
}
ASKED: Final = Retry(timedelta(days=3), "Smaregi asks us to wait (HTTP 429)", "smaregi.busy", pause=True)


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    made = make_app(database_url, **SMAREGI)
    yield made
    house_of(made).close()


@pytest.fixture
def house(app: Flask) -> House:
    return house_of(app)


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), env={"COLUMNS": "200"})


def test_a_lane_that_was_asked_to_wait_for_long_is_tried_at_once(app: Flask, house: House) -> None:
    house.book.health_book.note("smaregi", ASKED, now=house.now())
    assert house.book.health_book.pause_left("smaregi", now=house.now()) > timedelta(hours=1)

    assert run(app, "lane", "try", "smaregi").output.startswith("smaregi is tried with one customer now")
    assert house.book.health_book.pause_left("smaregi", now=house.now()) == timedelta(0)
    assert [act.what for act in house.audit.page(limit=9).rows] == ["tried a stopped lane"]


def test_a_lane_that_is_well_is_left_alone(app: Flask) -> None:
    assert "has not stopped" in run(app, "lane", "try", "smaregi").output


def test_a_lane_that_is_off_or_unknown_is_not_tried(database_url: str) -> None:
    app = make_app(database_url, **SMAREGI, enable_pos_sync=False)
    try:
        off = run(app, "lane", "try", "smaregi")
        assert off.exit_code
        assert "off" in off.output
        assert run(app, "lane", "try", "nowhere").exit_code == 2
    finally:
        house_of(app).close()


def test_doctor_says_how_long_it_waits_and_how_somebody_ends_that(house: House) -> None:
    house.book.health_book.note("smaregi", ASKED, now=house.now())
    [line] = [finding for finding in doctor._worker(house) if finding.what == "lane smaregi"]
    assert line.state == "wrong"
    assert "asked to wait" in str(line)
    assert "flask lane try smaregi" in str(line)
