"""The commands about alerts, as a person types them; and a worker that tells somebody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from handlers.house import House
from ledger.alerts import Changes, Sighting
from tests.building import body_of, house_of, make_app, post
from tests.notice_board import Board, notice_board

MakeApp = Callable[..., Flask]


@pytest.fixture
def make(database_url: str) -> Iterator[MakeApp]:
    """Apps over the same database."""
    made: list[Flask] = []

    def one(**settings: Any) -> Flask:
        made.append(make_app(database_url, **settings))
        return made[-1]

    yield one
    for app in made:
        house_of(app).close()


@pytest.fixture
def board() -> Iterator[Board]:
    with notice_board() as made:
        yield made


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), env={"COLUMNS": "200"})


def rise(house: House, *seen: Sighting) -> None:
    turn = house.alerts.take_turn(house.now(), timedelta(microseconds=1))
    assert turn is not None
    house.alerts.write(Changes(rise=seen), now=house.now(), tell=False, turn=turn[0], memory=None)


def test_without_alerts_the_command_says_that_nothing_is_wrong(make: MakeApp) -> None:
    assert run(make(), "alerts").output == "nothing is wrong\n"


def test_the_command_lists_what_is_wrong_what_to_do_and_where_to_look(make: MakeApp) -> None:
    app = make()
    house = house_of(app)
    rise(
        house,
        Sighting("failed", "failed:x", house.now(), "smaregi", 77, "smaregi.required_missing", customers=(77,)),
        Sighting("silence", "silence", house.now(), facts={"usual_s": 600}),
    )
    told = run(app, "alerts")
    assert told.exit_code == 0
    assert "Smaregi, 1 waiting for a person: A required field is empty" in told.output
    assert "Fill the field in in Shopify" in told.output
    assert "/console/customers/77" in told.output
    assert "not told" in told.output
    assert "ADMIN_NOTIFY_URLS is not set" in told.output


def test_a_test_notice_says_who_took_it_and_shows_no_secret(make: MakeApp, board: Board) -> None:
    addresses = f"{board.address('yes', login='user:an-invented-password@')}, {board.address('no')}"
    told = run(make(admin_notify_urls=addresses, public_url="https://sync.example.com"), "alerts", "test")
    assert told.exit_code == 1
    assert [" ".join(line.split()) for line in told.output.splitlines()] == [
        "1 json://127.0.0.1 sent",
        "2 json://127.0.0.1 not sent: it answers 403",
    ]
    assert "https://sync.example.com/console/alerts" in board.notices[0]["message"]
    assert "Nothing is wrong" in board.notices[0]["message"]
    assert "テスト通知" in board.notices[0]["title"]


def test_a_test_notice_that_all_have_taken_ends_well(make: MakeApp, board: Board) -> None:
    assert run(make(admin_notify_urls=board.address()), "alerts", "test").exit_code == 0


def test_a_test_without_an_address_names_the_setting(make: MakeApp) -> None:
    told = run(make(), "alerts", "test")
    assert told.exit_code == 1
    assert "ADMIN_NOTIFY_URLS is not set" in told.output


def test_a_worker_tells_of_a_delivery_nobody_can_read(
    make: MakeApp, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.lookout.LOOK_S", 0.05)
    monkeypatch.setattr("handlers.lookout.TELL_S", 0.05)
    app = make(admin_notify_urls=board.address(), public_url="https://sync.example.com")
    assert post(app.test_client(), body_of(0, id="見本 花子")).status_code == 200
    worker = house_of(app).worker()
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        assert board.came.wait(60)
    finally:
        worker.stop()
        thread.join(60)
    [notice] = board.notices
    assert "Deliveries that cannot be read: 1" in notice["title"]
    assert "読み取れない通知が1件あります" in notice["title"]
    assert notice["message"].endswith("https://sync.example.com/console/deliveries")
    assert "見本" not in str(notice)
