"""The page of alerts: what is wrong, in the reader's language, and whether anybody has been told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from ledger.alert import Changes, Sighting
from tests.building import house_of
from tests.conftest import Clock
from tests.console import console_app, post, signed_in
from tests.notice_board import Board, notice_board
from tests.test_cli_alerts import rise

MakeApp = Callable[..., Flask]
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def make(database_url: str, clock: Clock) -> Iterator[MakeApp]:
    made: list[Flask] = []

    def one(**settings: Any) -> Flask:
        made.append(console_app(database_url, now=clock, **settings))
        return made[-1]

    yield one
    for app in made:
        house_of(app).close()


@pytest.fixture
def board() -> Iterator[Board]:
    with notice_board() as made:
        yield made


def test_an_empty_page_says_that_nothing_is_wrong_and_that_nobody_would_be_told(make: MakeApp) -> None:
    page = signed_in(make()).get("/console/alerts").text
    assert "Nothing is wrong." in page
    assert "ADMIN_NOTIFY_URLS is not set" in page
    assert "Send a test notice" not in page


def test_what_is_wrong_is_shown_with_what_to_do_and_its_customer(make: MakeApp, clock: Clock) -> None:
    app = make()
    seen = Sighting("same_person", "same_person:77", clock(), "smaregi", 77, "smaregi.several_members", customers=(77,))
    rise(house_of(app), seen)
    page = signed_in(app).get("/console/alerts").text
    assert "Customer 77 needs a choice: Several members have this e-mail" in page
    assert "Choose the member who is this customer." in page
    assert 'href="/console/customers/77"' in page
    assert "nobody was told" in page


def test_the_page_speaks_japanese(make: MakeApp, clock: Clock) -> None:
    app = make()
    rise(house_of(app), Sighting("refused", "refused", clock(), count=25))
    page = signed_in(app, language="ja").get("/console/alerts").text
    assert "署名の正しくないリクエストが多数届いています" in page
    assert "対処方法" in page


def test_what_is_over_says_how_long_it_lasted(make: MakeApp, clock: Clock) -> None:
    app = make()
    house = house_of(app)
    rise(house, Sighting("debt", "debt:hubspot", clock(), "hubspot"))
    [alert] = house.alerts.open_ones()
    turn = house.alerts.take_turn(clock.forward(minutes=42), timedelta(microseconds=1))
    assert turn is not None
    house.alerts.write(Changes(over=(alert.id,)), now=clock(), tell=False, turn=turn[0], memory=None)
    page = signed_in(app).get("/console/alerts").text
    assert "42 min" in page
    assert "HubSpot is more than 15 minutes behind" in page


def test_a_far_sides_words_are_no_markup(make: MakeApp, clock: Clock) -> None:
    app = make()
    rise(house_of(app), Sighting("open", "open:hubspot", clock(), "hubspot", cause="x", why=EVIL))
    page = signed_in(app).get("/console/alerts").text
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_the_test_notice_shows_who_took_it_and_is_written_down(make: MakeApp, board: Board) -> None:
    app = make(admin_notify_urls=f"{board.address('yes', login='user:an-invented-password@')} {board.address('no')}")
    page = post(signed_in(app), "/console/alerts/test").text
    assert "it answers 403" in page
    assert "an-invented-password" not in page
    assert len(board.notices) == 2
    assert house_of(app).audit.page(limit=1).rows[0].what == "sent a test notice"


def test_who_may_only_look_sends_nothing(make: MakeApp, board: Board) -> None:
    app = make(admin_notify_urls=board.address())
    client = signed_in(app, "view")
    assert post(client, "/console/alerts/test").status_code == 403
    assert app.test_client().post("/console/alerts/test").status_code in {302, 303, 400, 401, 403}
    assert board.notices == []


def test_the_way_around_the_console_shows_how_much_is_wrong(make: MakeApp, clock: Clock) -> None:
    app = make()
    rise(house_of(app), Sighting("silence", "silence", clock(), facts={"usual_s": 60}))
    assert house_of(app).alerts.count_open() == 1
    page = signed_in(app).get("/console/settings").text
    assert ">1<" in page.replace(" ", "").replace("\n", "")
