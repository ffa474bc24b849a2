"""The overview answers at a glance: is anything left, of whom, since when; how is each lane; how fast does it go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from handlers.console.overview import took
from handlers.house import House
from ledger import census
from ledger import tables as t
from ledger.alert import Sighting
from ledger.counts import Counts, Hour
from ledger.histogram import Histogram
from ledger.outcome import Outcome
from tests.building import house_of
from tests.conftest import NOON, Clock
from tests.console import console_app, signed_in
from tests.ledger_cases import LANES, Ledger, delivery_of, done, failed, person, retry
from tests.test_cli_alerts import rise

MakeApp = Callable[..., Flask]
#: Credentials, so that every lane is on.
ON: dict[str, Any] = {
    "shopify_access_token": "an-invented-token",
    "smaregi_contract_id": "sb_invented",
    "smaregi_client_id": "an-invented-client",
    "smaregi_client_secret": "an-invented-secret",
    "hubspot_access_token": "an-invented-token",
}
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def make(database_url: str, clock: Clock) -> Iterator[MakeApp]:
    made: list[Flask] = []

    def one(**settings: Any) -> Flask:
        made.append(console_app(database_url, now=clock, **{**ON, **settings}))
        return made[-1]

    yield one
    for app in made:
        house_of(app).close()


@pytest.fixture
def app(make: MakeApp) -> Flask:
    return make()


@pytest.fixture
def house(app: Flask) -> House:
    return house_of(app)


@pytest.fixture
def ledger(house: House) -> Ledger:
    return Ledger(house.database)


def page(app: Flask, url: str = "/console/", **who: Any) -> str:
    client: FlaskClient = signed_in(app, **who)
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.text


def headline(text: str) -> str:
    found = re.search(r'<p class="headline">(.*?)</p>', text)
    assert found
    return found[1]


def hear(ledger: Ledger, count: int, clock: Clock) -> None:
    for i in range(1, count + 1):
        ledger.hear(delivery_of(person(i), received_at=clock()), now=clock())


def card(text: str, lane: str) -> str:
    found = re.search(
        rf'<section class="card lane-card" aria-labelledby="lane-{lane}">(.*?)</section>', text, re.DOTALL
    )
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[1]))


# --- the sentence on top


def test_an_empty_ledger_says_that_nobody_has_come(app: Flask) -> None:
    assert headline(page(app)) == "No customer has come yet."


def test_when_nothing_is_left_it_says_that_all_are_in_sync(app: Flask, ledger: Ledger, clock: Clock) -> None:
    hear(ledger, 3, clock)
    ledger.carry_everything(now=clock())
    text = page(app)
    assert headline(text) == "All 3 customers are in sync."
    assert "notice--good" in text


def test_who_is_left_is_counted_once_however_many_lanes_they_are_left_in(
    app: Flask, ledger: Ledger, clock: Clock
) -> None:
    hear(ledger, 3, clock)
    ledger.carry(done("s"), "shopify", now=clock())
    ledger.settle(ledger.claim("smaregi", 1, now=clock()), failed(), now=clock())
    ledger.settle(ledger.claim("hubspot", 1, now=clock()), failed(), now=clock())
    clock.forward(minutes=4)
    text = page(app)
    assert headline(text) == "1 customer needs you, 2 are on their way, the oldest for 4 min."
    assert 'href="/console/failures"' in text


def test_when_only_failures_are_left_the_others_are_in_sync(app: Flask, ledger: Ledger, clock: Clock) -> None:
    hear(ledger, 2, clock)
    for lane in LANES:
        outcome: Outcome = failed() if lane == "smaregi" else done("x")
        ledger.settle(ledger.claim(lane, 1, now=clock()), outcome, now=clock())
        ledger.carry(done("x"), lane, now=clock())
    assert headline(page(app)) == "1 customer needs you; all others are in sync."


def test_of_very_many_at_least_so_many_are_told(
    app: Flask, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "LIVE_DEBT", 4)
    hear(ledger, 3, clock)
    clock.forward(hours=2)
    assert headline(page(app)) == "At least: 3 are on their way, the oldest for 2 h 0 min."


def test_a_lane_that_is_off_leaves_nobody_behind_but_what_waits_for_it_is_said(
    make: MakeApp, database_url: str, clock: Clock
) -> None:
    app = make(enable_crm_sync=False)
    ledger = Ledger(house_of(app).database)
    hear(ledger, 2, clock)
    for lane in ("shopify", "smaregi"):
        ledger.carry(done("x"), lane, now=clock())
    text = page(app)
    assert headline(text) == "All 2 customers are in sync."
    assert "HubSpot is switched off: 2 wait for it" in text
    assert "ENABLE_CRM_SYNC is false" in card(text, "hubspot")


def set_breaker(house: House, lane: str, breaker: str) -> None:
    with house.database.writing() as c:
        c.execute(t.lanes.insert().values(name=lane, breaker=breaker, retry_at=NOON, kind="hubspot.unavailable"))


WRONG: dict[str, tuple[Callable[[House, Ledger, Clock], Any], str]] = {
    "unreadable": (
        lambda h, ledger, c: ledger.hear(delivery_of(None, verdict="unreadable"), now=c()),
        "1 delivery cannot be read.",
    ),
    "stopped": (
        lambda h, ledger, c: h.book.health_book.note("smaregi", retry(stop=True, kind="smaregi.plan"), now=c()),
        "Smaregi is stopped.",
    ),
    "mail stopped": (
        lambda h, ledger, c: h.book.health_book.note("mail", retry(stop=True, kind="mail.credential"), now=c()),
        "Mail is stopped.",
    ),
    "probing": (
        lambda h, ledger, c: set_breaker(h, "hubspot", "probing"),
        "HubSpot is stopped.",
    ),
    "asked to wait": (
        lambda h, ledger, c: h.book.health_book.note(
            "hubspot", retry(after=timedelta(hours=2), pause=True, kind="hubspot.daily_limit"), now=c()
        ),
        "HubSpot has asked us to wait until 2026-11-22 14:00.",
    ),
    "an alert": (lambda h, ledger, c: rise(h, Sighting("silence", "silence", c())), "All 2 customers are in sync."),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_sentence_on_top_is_never_green_while_something_is_wrong(
    make: MakeApp, database_url: str, clock: Clock, what: str
) -> None:
    app = make(enable_welcome_email=True, smtp_url="smtp://localhost:25", mail_from="shop@example.com")
    ledger = Ledger(house_of(app).database)
    hear(ledger, 2, clock)
    ledger.carry_everything(now=clock())
    assert "notice--good" in page(app)
    act, words = WRONG[what]
    act(house_of(app), ledger, clock)
    text = page(app)
    assert words in headline(text)
    assert "All 2 customers are in sync." in headline(text)
    top = text[: text.index("headline")]
    assert "notice--good" not in top.rpartition("<div")[2]


def test_a_short_pause_is_nothing_to_say_on_top(app: Flask, house: House, ledger: Ledger, clock: Clock) -> None:
    hear(ledger, 1, clock)
    ledger.carry_everything(now=clock())
    house.book.health_book.note("hubspot", retry(after=timedelta(seconds=20), pause=True), now=clock())
    assert headline(page(app)) == "The only customer is in sync."


def test_it_says_so_when_changes_are_not_carried(make: MakeApp) -> None:
    assert "ENABLE_UPDATE_SYNC is false" in page(make(enable_update_sync=False))


def test_work_that_nobody_is_at_is_said(app: Flask, house: House, ledger: Ledger, clock: Clock) -> None:
    missing = "no worker has been heard of"
    hear(ledger, 1, clock)
    assert missing not in page(app)
    clock.forward(minutes=3)
    assert missing in page(app)
    house.census.count(clock())
    assert missing not in page(app)
    ledger.carry_everything(now=clock())
    clock.forward(hours=3)
    assert missing not in page(app), "nothing is to be done"


# --- the lanes


def test_each_lane_tells_its_numbers(app: Flask, ledger: Ledger, clock: Clock) -> None:
    hear(ledger, 4, clock)
    ledger.settle(ledger.claim("smaregi", 1, now=clock()), failed(), now=clock())
    ledger.settle(ledger.claim("smaregi", 2, now=clock()), done("m"), now=clock())
    clock.forward(minutes=7)
    told = card(page(app), "smaregi")
    assert "Waiting 1 Failed 1 In sync 2 Excluded 0" in told
    assert "7 minutes ago" in told


def test_a_lane_that_has_stopped_says_why_and_what_to_do(
    app: Flask, house: House, ledger: Ledger, clock: Clock
) -> None:
    house.book.health_book.note("smaregi", retry(stop=True, kind="smaregi.credentials"), now=clock())
    told = card(page(app), "smaregi")
    assert "stopped" in told
    assert "Smaregi refuses our credentials" in told
    assert "Check SMAREGI_CLIENT_ID" in told


def test_a_lane_that_was_asked_to_wait_is_paused(app: Flask, house: House, clock: Clock) -> None:
    asked = retry(after=timedelta(minutes=2), pause=True, kind="hubspot.rate_limit")
    house.book.health_book.note("hubspot", asked, now=clock())
    assert "paused" in card(page(app), "hubspot")


def test_a_field_that_shopify_does_not_show_is_named_with_its_mend(app: Flask, house: House) -> None:
    house.unseen.note({"defaultEmailAddress", "tags"}, ())
    told = card(page(app), "shopify")
    assert "Not shown by Shopify: E-mail" in told
    assert "Ask for this field in the app's protected customer data (level 2)." in told
    assert "Not shown by Shopify: Tags" in told
    house.unseen.note((), {"defaultEmailAddress", "tags"})
    assert "Not shown by Shopify" not in card(page(app), "shopify")


# --- alerts, signs of life


def test_open_alerts_are_named_with_their_pages(app: Flask, house: House, clock: Clock) -> None:
    rise(house, Sighting("same_person", "same_person:77", clock(), "smaregi", 77, "smaregi.several_members"))
    text = page(app)
    assert 'href="/console/customers/77"' in text
    assert "Customer 77 needs a choice" in text


def test_signs_of_life_are_told(app: Flask, house: House, ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(None, verdict="test"), delivery_of(None, verdict="unreadable"), now=clock())
    house.tally.count("refused 401")
    house.tally.write_down()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page(app)))
    assert "Unreadable, kept 1" in text
    assert "Refused with 401 since 9:00 1" in text
    assert "Member index Members 0" in text


# --- how much, and how fast


def put(house: House, *hours: Hour) -> None:
    with house.database.writing() as c:
        c.execute(
            t.hours.insert(),
            [{"hour": one.hour, "deliveries": one.deliveries, "counts": one.counts.to_json()} for one in hours],
        )


def test_the_plots_show_the_last_day_or_the_last_week_in_the_time_of_japan(app: Flask, house: House) -> None:
    times = Histogram.of([400, 900, 900])
    put(
        house,
        Hour(NOON, Counts({"changed": 5, "older": 2}, total=times)),
        Hour(NOON - timedelta(hours=23), Counts({"changed": 10})),
        Hour(NOON - timedelta(hours=24), Counts({"changed": 100})),
    )
    day, week = page(app), page(app, "/console/?span=week")
    assert "17 deliveries in all." in day
    assert "117 deliveries in all." in week
    assert "<title>11/22 12:00: 7</title>" in day
    assert "<title>11/22 12:00: 95 of 100 within 1.2 s, half within 900 ms</title>" in day
    assert "2026-11-22 12:00:00" in day, "the table has the same hours"
    assert day.count('<th scope="row">') == 24
    assert week.count('<th scope="row">') == 168
    assert page(app, "/console/?span=year").count('<th scope="row">') == 24


def test_the_time_of_the_newest_customers_is_told_at_once(app: Flask, ledger: Ledger, clock: Clock) -> None:
    hear(ledger, 1, clock)
    clock.forward(seconds=2)
    ledger.carry_everything(now=clock())
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page(app)))
    assert "half within 2 s 95 of 100 within 2 s Last customers timed 1" in text


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0.4, "0 ms"), (999, "999 ms"), (1000, "1 s"), (1250, "1.2 s"), (59_000, "59 s"), (60_000, "1 min")],
)
def test_a_time_is_said_in_the_unit_that_fits(app: Flask, ms: float, words: str) -> None:
    with app.test_request_context("/console/", headers={"Accept-Language": "en"}):
        assert took(ms) == words
        assert took(None) is None


# --- who may see it, and how


def test_nobody_sees_it_without_signing_in(app: Flask) -> None:
    for url in ("/console/", "/console/now"):
        assert app.test_client().get(url).status_code == 303


def test_who_may_only_look_sees_the_same(app: Flask, ledger: Ledger, clock: Clock) -> None:
    hear(ledger, 1, clock)
    assert headline(page(app, role="view")) == headline(page(app))


def test_the_part_that_is_asked_for_again_is_the_part_that_stands_in_the_page(
    app: Flask, ledger: Ledger, clock: Clock
) -> None:
    hear(ledger, 2, clock)
    part = page(app, "/console/now")
    assert part.strip() in page(app)
    assert "<html" not in part


def test_it_speaks_japanese(app: Flask, ledger: Ledger, clock: Clock) -> None:
    hear(ledger, 3, clock)
    ledger.carry_everything(now=clock())
    assert headline(page(app, language="ja")) == "顧客3人すべてが同期されています。"


def test_what_a_far_side_says_does_not_become_markup(app: Flask, house: House, clock: Clock) -> None:
    house.book.health_book.note("smaregi", retry(stop=True, kind=EVIL, why=EVIL), now=clock())
    assert EVIL not in page(app)


def test_no_person_is_named(app: Flask, ledger: Ledger, clock: Clock) -> None:
    hear(ledger, 2, clock)
    ledger.settle(ledger.claim("smaregi", 1, now=clock()), failed(), now=clock())
    text = page(app)
    assert "見本" not in text
    assert "example.jp" not in text
