"""The commands about one far side, as a person types them; the far side is the sandbox."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import Result
from flask import Flask

from handlers.terminal import out
from tests.building import house_of, make_app
from tests.flow import UNLIMITED, Flow, running

PUBLIC = "https://sync.example.jp"
HERE = f"{PUBLIC}/webhooks/shopify"


def run(app: Flask, *arguments: str, stdin: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), input=stdin, env={"COLUMNS": "200"})


def said_by_hand(flow: Flow) -> list[tuple[str, int | None]]:
    return [(act.what, act.customer_id) for act in flow.house.audit.page(limit=20).rows if act.role == "command"]


def member(flow: Flow, **fields: str) -> str:
    given = {"customerCode": "CARD1", "lastName": "見本", "firstName": "花子", "mailAddress": "hanako@example.jp"}
    return str(flow.sandbox.world.smaregi.seed({**given, **fields})["customerId"])


# -- Shopify ----------------------------------------------------------------------------------------------------------


def test_webhooks_are_listed_with_where_they_go(database_url: str) -> None:
    with running(database_url, worker=False, public_url=PUBLIC) as flow:
        flow.shop.webhooks.url = HERE
        told = run(flow.app, "shopify", "webhooks")
        assert told.exit_code == 0
        assert "customers/create" in told.output
        assert "comes here" in told.output
        assert "not asked for" not in told.output


def test_missing_webhooks_are_asked_for_once_and_written_into_the_audit_log(database_url: str) -> None:
    with running(database_url, worker=False, public_url=PUBLIC) as flow:
        flow.shop.webhooks.unsubscribe()
        assert "not asked for" in run(flow.app, "shopify", "webhooks").output
        assert not flow.shop.subscriptions
        made = run(flow.app, "shopify", "webhooks", "--create")
        assert made.exit_code == 0, made.output
        assert sorted(flow.shop.subscriptions) == ["customers/create", "customers/update"]
        assert flow.shop.webhook_url == HERE
        assert "nothing is missing" in run(flow.app, "shopify", "webhooks", "--create").output
        assert said_by_hand(flow) == [("asked Shopify for webhooks", None)]


def test_without_public_url_no_webhook_is_made(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        flow.shop.webhooks.unsubscribe()
        told = run(flow.app, "shopify", "webhooks", "--create")
        assert told.exit_code == 1
        assert "PUBLIC_URL is not set" in told.output
        assert not flow.shop.subscriptions


def test_what_shopify_has_is_shown_without_personal_values(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(database_url, worker=False) as flow:
        customer = flow.shop.create({"email": "hanako@example.jp", "last_name": "見本"}, send=False)
        told = run(flow.app, "shopify", "show", str(customer.id))
        assert told.exit_code == 0, told.output
        assert "filled" in told.output
        assert "JPY" in told.output
        assert "hanako@example.jp" not in told.output
        assert "見本" not in told.output
        assert run(flow.app, "shopify", "show", str(customer.id), "--show-values").exit_code == 2
        assert said_by_hand(flow) == []
        monkeypatch.setattr(out, "_force_terminal", True)
        assert "hanako@example.jp" in run(flow.app, "shopify", "show", str(customer.id), "--show-values").output
        assert said_by_hand(flow) == [("looked at a customer in full", customer.id)]


def test_a_customer_shopify_does_not_have_is_said(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        told = run(flow.app, "shopify", "show", "42")
        assert told.exit_code == 1
        assert "Shopify has no customer 42" in told.output


# -- Smaregi ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "stdin"),
    [(["--code", "CARD1"], None), (["--number", "42"], None), (["--mail", "-"], "Hanako@Example.jp\n")],
)
def test_a_member_is_found_by_code_number_and_mail(database_url: str, how: list[str], stdin: str | None) -> None:
    with running(database_url, worker=False) as flow:
        found = member(flow, customerNo="42")
        member(flow, customerCode="CARD2", mailAddress="other@example.jp")
        next(lane for lane in flow.house.lanes() if lane.name == "smaregi").tend()
        told = run(flow.app, "smaregi", "find", *how, stdin=stdin)
        assert told.exit_code == 0, told.output
        assert f"member {found}: usable, linked to nobody" in told.output
        assert "CARD1" in told.output
        assert "CARD2" not in told.output
        for value in ("見本", "花子", "anako@"):
            assert value not in told.output


def test_a_member_is_shown_by_its_id_and_whose_it_is(database_url: str) -> None:
    with running(database_url) as flow:
        customer = flow.shop.create({"email": "hanako@example.jp", "last_name": "見本", "first_name": "花子"})
        flow.rest()
        told = run(flow.app, "smaregi", "find", str(flow.members[0]["customerId"]))
        assert f"linked to customer {customer.id}" in told.output


def test_a_member_nobody_has_is_said(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        told = run(flow.app, "smaregi", "find", "--code", "nobody")
        assert told.exit_code == 1
        assert "not scanned yet" in told.output
        gone = run(flow.app, "smaregi", "find", "999")
        assert gone.exit_code == 1
        assert "Smaregi has no member 999" in gone.output
        assert run(flow.app, "smaregi", "find").exit_code == 2


def test_a_new_scan_is_begun_and_a_worker_carries_it_out(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        member(flow)
        assert run(flow.app, "smaregi", "index", "--rescan").exit_code == 1
        lane = next(lane for lane in flow.house.lanes() if lane.name == "smaregi")
        lane.tend()
        before = flow.house.members.freshness().scanned_at
        told = run(flow.app, "smaregi", "index", "--rescan")
        assert told.exit_code == 0, told.output
        assert "a scan is at page 1" in told.output
        assert said_by_hand(flow) == [("began a new scan of the members", None)]
        lane.tend()
        fresh = flow.house.members.freshness()
        assert fresh.scan_page is None
        assert before is not None
        assert fresh.scanned_at is not None
        assert fresh.scanned_at > before
        assert "1 members; scanned" in run(flow.app, "smaregi", "index").output


def test_required_columns_are_judged(database_url: str) -> None:
    config = replace(UNLIMITED, smaregi_required_columns=("rank", "address"))
    with running(database_url, config, worker=False) as flow:
        told = run(flow.app, "smaregi", "required")
        assert told.exit_code == 1
        assert "rank: nothing in Shopify fills them" in told.output
        assert "address: who has none in Shopify" in told.output
    with running(database_url, worker=False) as flow:
        assert run(flow.app, "smaregi", "required").exit_code == 0


@pytest.mark.parametrize(
    ("command", "setting"),
    [
        (["shopify", "webhooks"], "SHOPIFY_ACCESS_TOKEN"),
        (["shopify", "show", "1"], "SHOPIFY_ACCESS_TOKEN"),
        (["smaregi", "find", "1"], "SMAREGI_CLIENT_ID"),
        (["smaregi", "required"], "SMAREGI_CLIENT_ID"),
        (["hubspot", "setup"], "HUBSPOT_ACCESS_TOKEN"),
    ],
)
def test_a_lane_that_is_off_says_which_setting_is_missing(database_url: str, command: list[str], setting: str) -> None:
    app = make_app(database_url)
    told = run(app, *command)
    assert told.exit_code == 1
    assert f"{setting} is not set" in told.output
    house_of(app).close()


def test_a_far_side_that_is_down_is_said_in_words(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        for system in ("shopify", "smaregi"):
            flow.sandbox.world.faults.add(system, "status", status=503)
        for command in (["shopify", "webhooks"], ["shopify", "show", "1"], ["smaregi", "required"]):
            told = run(flow.app, *command)
            assert told.exit_code == 1
            assert "503" in told.output
            assert "Traceback" not in told.output
