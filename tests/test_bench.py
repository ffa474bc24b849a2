"""The pure parts of the measurements: what is counted, what is signed, and how it is shown."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from bench.draining import Drained
from bench.far_side import Call
from bench.figures import Spread, busiest_share, percentile, ratios, slope
from bench.knocks import Knocks
from bench.limit import app as limit
from bench.load import PATIENCE_S, Tally, status_of
from bench.report import Goal, Section, Table, goals_table, page
from bench.trips import Stay, Trip
from clients.shopify.payload import read_payload
from clients.shopify.signature import verify
from sandbox.config import SandboxConfig

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def parted(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}, body


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.5, 5), (0.95, 10), (0.99, 10), (1.0, 10)], ids=["0", "50", "95", "99", "100"]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert percentile([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], share) == expected


def test_a_percentile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(percentile([], 0.5))


def test_a_spread_shows_its_ends_only_where_they_differ() -> None:
    assert Spread.of([1200.0, 1000.0, 1400.0]).shown() == "1,200 (1,000–1,400)"
    assert Spread.of([0.5]).shown(2) == "0.50"


def test_ratios_are_taken_run_by_run_so_that_a_slow_moment_hits_both() -> None:
    assert ratios([100, 50, 100], [200, 100, 400]) == Spread(0.5, 0.25, 0.5)


def test_a_slope_is_growth_for_each_step_and_nothing_where_there_is_no_step() -> None:
    assert slope([(0, 10), (1, 12), (2, 14)]) == pytest.approx(2)
    assert slope([(5, 10)]) == 0
    assert slope([(5, 10), (5, 20)]) == 0


def test_sixteen_calls_a_second_are_four_fifths_of_twenty() -> None:
    assert busiest_share([n / 16 for n in range(160)], 20) == pytest.approx(0.8)
    assert busiest_share([1.0], 20) == 0


def test_every_knock_is_signed_readable_and_a_delivery_of_its_own() -> None:
    config = SandboxConfig()
    knocks = [parted(request) for request in islice(Knocks(7_000_000_000_000), 1500)]
    for headers, body in knocks:
        assert int(headers["content-length"]) == len(body)
        assert verify(body, headers["x-shopify-hmac-sha256"], (("secret 1", config.webhook_secret),)) == "secret 1"
        assert read_payload(body).id >= 7_000_000_000_000
    assert len({headers["x-shopify-webhook-id"] for headers, _ in knocks}) == len(knocks)


def test_half_of_the_knocks_are_new_customers_and_the_rest_come_after_their_creation() -> None:
    known: set[int] = set()
    updates = []
    for headers, body in (parted(request) for request in islice(Knocks(7_000_000_000_000), 4000)):
        customer = json.loads(body)["id"]
        if headers["x-shopify-topic"] == "customers/create":
            assert customer not in known
            known.add(customer)
        else:
            updates.append(customer)
    assert set(updates) <= known
    assert len(updates) / 4000 > 0.4


def test_knocks_of_two_runs_share_no_customer_and_no_delivery() -> None:
    one, other = (
        [parted(request) for request in islice(Knocks(first_id), 200)]
        for first_id in (7_000_000_000_000, 7_000_010_000_000)
    )
    for key in ("x-shopify-webhook-id", "x-shopify-hmac-sha256"):
        assert not {headers[key] for headers, _ in one} & {headers[key] for headers, _ in other}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nkept\n", "200"),
        (b"HTTP/1.1 503 SERVICE UNAVAILABLE\r\ncontent-length: 2\r\n\r\nno", "503"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nke", None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", None),
        (b"HTTP/1.1 200 OK\r\n\r\n", "an answer without its length"),
    ],
)
def test_an_answer_counts_when_its_last_byte_is_here(answer: bytes, expected: str | None) -> None:
    assert status_of(answer) == expected


def test_an_answer_that_shopify_would_not_have_waited_for_is_an_error() -> None:
    tally = Tally()
    tally.note("200", PATIENCE_S * 1000, in_time=True)
    tally.note("200", PATIENCE_S * 1000 + 1, in_time=True)
    assert (len(tally.latencies_ms), tally.in_time, tally.errors) == (1, 1, {"after 5 s": 1})


def test_the_limit_refuses_what_is_not_signed() -> None:
    said: list[str] = []
    environ = {"wsgi.input": _Input(b"{}"), "CONTENT_LENGTH": "2", "HTTP_X_SHOPIFY_HMAC_SHA256": "no"}
    assert limit(environ, lambda status, _: said.append(status)) == [b"refused\n"]
    assert said == ["401 Unauthorized"]


def trip(**changes: float) -> Trip:
    """Milliseconds after the receipt."""
    at = {"read": 50, "read_end": 550, "smaregi": 600, "smaregi_end": 1400, "hubspot": 700, "hubspot_end": 1550}
    when = {name: NOON + timedelta(milliseconds=ms) for name, ms in {**at, **changes}.items()}
    return Trip(
        NOON,
        Stay(when["read"], when["read_end"]),
        {
            "smaregi": Stay(when["smaregi"], when["smaregi_end"]),
            "hubspot": Stay(when["hubspot"], when["hubspot_end"]),
        },
        writes=2,
    )


def test_a_trip_ends_at_the_later_destination_and_its_legs_add_up() -> None:
    one = trip()
    assert one.total_ms == one.arrived_ms("hubspot") == 1550
    assert one.read is not None
    assert one.before_read_ms + one.read.ms + one.before_ms("smaregi") + one.there["smaregi"].ms == 1400


def test_what_did_not_wait_for_the_read_waited_less_than_nothing_for_it() -> None:
    assert trip(read_end=2500, smaregi=2100).before_ms("smaregi") == -400


def test_draining_counts_members_written_and_contacts_but_neither_looks_nor_set_up() -> None:
    calls = {
        "smaregi": [
            Call(0.0, "GET", "/sb_demo/pos/customers", 200),
            Call(1.0, "POST", "/app/sb_demo/token", 200),
            *(Call(2 + n / 16, "POST", "/sb_demo/pos/customers", 200) for n in range(33)),
            Call(3.0, "PATCH", "/sb_demo/pos/customers/7", 429),
        ],
        "hubspot": [
            Call(0.0, "POST", "/crm/properties/2026-09/contacts", 201),
            Call(1.0, "POST", "/crm/objects/2026-09/contacts/batch/upsert", 200),
        ],
    }
    run = Drained(workers=1, customers=33, seconds=4, left=0, failed=0, calls=calls)
    assert (len(run.writes), len(run.batches)) == (34, 1)
    assert run.smaregi_share == pytest.approx(1)
    assert run.refused == {"smaregi": 1, "hubspot": 0}


def test_the_page_shows_every_goal_first_and_says_which_are_missed() -> None:
    section = Section(
        "Answering",
        "How it was done.",
        [Table(("", "kept/s"), [("SQLite | FULL", "1,234")])],
        [Goal("the ratio", "≥ 0.5", "0.31", met=False), Goal("errors", "0", "0", met=True)],
    )
    text = page([section], Table(("", ""), [("processor", "2 × an invented one")]), "Written by a program.")
    assert text.index("| the ratio | ≥ 0.5 | 0.31 | no |") < text.index("2 × an invented one") < text.index("1,234")
    assert "SQLite / FULL" in text
    assert goals_table([section]).rows[1][-1] == "yes"


class _Input:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, size: int) -> bytes:
        return self._body[:size]
