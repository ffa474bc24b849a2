"""`flask doctor`: each fault has its line and its mend, and the exit code tells whether there is any."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import update

from clients.checkup import clock
from clients.hubspot.checking import usage
from clients.smaregi.checking import judge_columns
from handlers.doctor import examine, judge_secret, judge_soundness, judge_worker
from handlers.doctor_settings import alert_addresses
from ledger import tables as t
from ledger.seal import new_key
from ledger.soundness import Life, Soundness, filesystem_of
from sandbox.people import people
from tests.building import body_of, headers_of, house_of, make_app, post
from tests.conftest import NOON
from tests.flow import UNLIMITED, Flow, running

PUBLIC = "https://sync.example.jp"
Told = dict[str, dict[str, dict[str, Any]]]


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["doctor", *arguments], env={"COLUMNS": "200"})


def told(app: Flask) -> Told:
    """By group and what was looked at, the line."""
    result = run(app, "--json")
    said = json.loads(result.output)
    assert result.exit_code == (0 if said["well"] else 1)
    return {name: {line["what"]: line for line in lines} for name, lines in said["groups"].items()}


def wrong(lines: Told) -> dict[tuple[str, str], str]:
    return {
        (group, what): line["said"]
        for group, each in lines.items()
        for what, line in each.items()
        if line["state"] == "wrong"
    }


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    (tmp_path / "ledger.db").write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{tmp_path}/ledger.db"


def at_our_address(flow: Flow) -> None:
    flow.shop.webhooks.url = f"{PUBLIC}/webhooks/shopify"


def test_all_is_well(sqlite_url: str) -> None:
    with running(sqlite_url, public_url=PUBLIC, hubspot_portal_id=UNLIMITED.hubspot_portal_id) as flow:
        flow.shop.create(next(iter(people(1, oddities=0))).shop_fields())
        flow.rest()
        at_our_address(flow)
        lines = told(flow.app)
        assert not wrong(lines)
        for group, what in (
            ("database", "writable"),
            ("database", "migrations"),
            ("worker", "worker"),
            ("webhooks", "webhook secret"),
            ("shopify", "credential"),
            ("shopify", "scope read_customers"),
            ("shopify", "API version"),
            ("shopify", "protected customer data"),
            ("shopify", "webhook customers/create"),
            ("shopify", "clock"),
            ("smaregi", "credential"),
            ("smaregi", "plan"),
            ("smaregi", "member index"),
            ("smaregi", "required columns"),
            ("hubspot", "key"),
            ("hubspot", "portal"),
            ("hubspot", "properties"),
            ("hubspot", "calls today"),
        ):
            assert lines[group][what]["state"] == "ok", lines[group][what]
        text = run(flow.app)
        assert text.exit_code == 0
        assert "nothing is wrong" in text.output


def test_looking_changes_nothing_at_the_far_sides(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        run(flow.app)
        reads = ("/token", "batch/read", "graphql.json")
        calls = [c for c in flow.sandbox.world.calls.matching() if c.method != "GET"]
        assert calls
        assert all(any(part in c.path for part in reads) for c in calls)


def no_scope(flow: Flow) -> None:
    flow.shop.scopes = ("read_orders",)


def no_level_two(flow: Flow) -> None:
    flow.shop.create({"email": "hanako@example.jp"}, send=False)
    flow.shop.level_two = "denied"


def blank_level_two(flow: Flow) -> None:
    flow.shop.create({"email": "hanako@example.jp"}, send=False)
    flow.shop.level_two = "blank"


def known_here(flow: Flow, fields: dict[str, Any]) -> None:
    who = flow.shop.create(fields, send=False)
    body = body_of(who.id, **fields)
    post(flow.app.test_client(), body, headers_of(body, secret=flow.sandbox.world.config.webhook_secret))


def blank_phone(flow: Flow) -> None:
    known_here(flow, {"email": "hanako@example.jp", "phone": "+819000000001"})
    flow.shop.withheld = {"CustomerPhoneNumber.phoneNumber": "blank"}


def denied_name(flow: Flow) -> None:
    known_here(flow, {"email": "hanako@example.jp", "first_name": "花子"})
    flow.shop.withheld = {"Customer.firstName": "denied"}


def elsewhere(flow: Flow) -> None:
    flow.shop.webhooks.url = "https://other.example.jp/webhooks/shopify"


def refused_today(flow: Flow) -> None:
    client, body = flow.app.test_client(), body_of(1)
    for _ in range(6):
        post(client, body, headers_of(body, secret="another-secret-than-ours"))
    flow.house.tally.write_down()


def unreadable_came(flow: Flow) -> None:
    body = b"not JSON"
    secret = flow.sandbox.world.config.webhook_secret
    post(flow.app.test_client(), body, headers_of(body, secret=secret))


def nobody_carries(flow: Flow) -> None:
    body = body_of(42)
    post(flow.app.test_client(), body, headers_of(body, secret=flow.sandbox.world.config.webhook_secret))
    with flow.house.database.writing() as c:
        c.execute(update(t.tasks).values(due_at=flow.house.now() - timedelta(minutes=5), held=False))


def lane_is_open(flow: Flow) -> None:
    values = {"name": "hubspot", "breaker": "open", "kind": "hubspot.token", "why": "the key was rotated"}
    with flow.house.database.writing() as c:
        c.execute(t.lanes.delete().where(t.lanes.c.name == "hubspot"))
        c.execute(t.lanes.insert().values(values))


def wrong_property(flow: Flow) -> None:
    flow.app.test_cli_runner().invoke(args=["hubspot", "setup"])
    flow.sandbox.world.hubspot.properties.archive("shopify_tags")


@dataclass(frozen=True)
class Fault:
    """What is wrong: in our settings, in the far side's, or because of something that was done."""

    settings: dict[str, Any] = field(default_factory=dict)
    far: dict[str, Any] = field(default_factory=dict)
    act: Callable[[Flow], object] = lambda flow: None


FAULTS: list[tuple[Fault, str, str, str]] = [
    (Fault(settings={"shopify_access_token": "shpat_wrong"}), "shopify", "access", "SHOPIFY_ACCESS_TOKEN"),
    (Fault(settings={"shopify_shop": "another.myshopify.com"}), "shopify", "credential", "another shop's"),
    (Fault(settings={"shopify_api_version": "2024-01"}), "shopify", "API version", "not served any more"),
    (Fault(act=no_scope), "shopify", "scope read_customers", "not granted"),
    (Fault(act=no_level_two), "shopify", "protected customer data", "refused"),
    (Fault(act=blank_level_two), "shopify", "protected customer data", "blank"),
    (Fault(act=blank_phone), "shopify", "field phone", "null for all 1 who have it here"),
    (Fault(act=denied_name), "shopify", "field first name", "refuses it to this app"),
    (Fault(act=elsewhere), "shopify", "webhook customers/update", "another address"),
    (Fault(settings={"smaregi_client_secret": "wrong-secret"}), "smaregi", "access", "SMAREGI_CLIENT_SECRET"),
    (Fault(far={"smaregi_members_in_plan": False}), "smaregi", "access", "plan"),
    (Fault(far={"smaregi_required_columns": ("rank",)}), "smaregi", "required columns", "rank"),
    (Fault(), "smaregi", "member index", "not filled yet"),
    (Fault(settings={"hubspot_access_token": "pat-wrong"}), "hubspot", "access", "HUBSPOT_ACCESS_TOKEN"),
    (Fault(settings={"hubspot_portal_id": 7}), "hubspot", "portal", "not 7's"),
    (Fault(far={"hubspot_granted_scopes": ()}), "hubspot", "scope crm.objects.contacts.read", "scopes"),
    (Fault(), "hubspot", "properties", "missing"),
    (Fault(act=wrong_property), "hubspot", "properties", "shopify_tags"),
    (Fault(act=refused_today), "webhooks", "webhook secret", "the secret is wrong"),
    (Fault(act=unreadable_came), "webhooks", "bodies", "1 signed"),
    (Fault(act=nobody_carries), "worker", "worker", "nobody carries"),
    (Fault(act=lane_is_open), "worker", "lane hubspot", "the key was rotated"),
    (Fault(settings={"web_processes": 4}), "settings", "WEB_PROCESSES", "4 on SQLite"),
    (
        Fault(settings={"admin_notify_urls": "nonsense://x"}),
        "alerts",
        "ADMIN_NOTIFY_URLS, address 1 of 1",
        "does not understand",
    ),
]


@pytest.mark.parametrize(("fault", "group", "what", "said"), FAULTS)
def test_each_fault_has_its_line_and_its_mend(sqlite_url: str, fault: Fault, group: str, what: str, said: str) -> None:
    config = replace(UNLIMITED, **fault.far)
    with running(sqlite_url, config, worker=False, public_url=PUBLIC, **fault.settings) as flow:
        at_our_address(flow)
        fault.act(flow)
        lines = told(flow.app)
        line = lines[group][what]
        assert line["state"] == "wrong", lines
        assert said in line["said"]
        assert line["mend"] or what in ("access", "scope crm.objects.contacts.read")
        text = run(flow.app)
        assert text.exit_code == 1
        assert said in text.output
        assert "Traceback" not in text.output


def test_a_far_side_that_hangs_costs_its_own_lines_alone(sqlite_url: str) -> None:
    with running(sqlite_url, worker=False) as flow:
        flow.sandbox.world.faults.add("smaregi", "delay", seconds=2)
        lines = {
            name: [(f.what, f.state) for f in found] for name, found in examine(flow.house, {}, in_all_s=1).items()
        }
        assert ("answers", "wrong") in lines["smaregi"]
        assert ("credential", "ok") in lines["shopify"]
        assert ("key", "ok") in lines["hubspot"]


def test_without_a_database_the_rest_is_not_asked_and_the_settings_are_told(tmp_path: Path) -> None:
    app = make_app("postgresql://nobody@127.0.0.1:9/nowhere")
    lines = told(app)
    assert wrong(lines).keys() == {("database", "database")}
    assert "settings" in lines
    assert "smaregi" not in lines
    bare = make_app(f"sqlite:///{tmp_path}/new.db")
    assert wrong(told(bare)) == {("database", "migrations"): "the database lacks one"}
    house_of(bare).close()


def test_what_is_off_is_skipped_with_the_reason(database_url: str) -> None:
    app = make_app(database_url)
    lines = told(app)
    assert lines["smaregi"]["lane"] == {
        "what": "lane",
        "state": "skipped",
        "said": "off: SMAREGI_CLIENT_ID is not set",
        "mend": None,
    }
    assert lines["doors"]["/console"]["state"] == "skipped"
    assert lines["alerts"]["ADMIN_NOTIFY_URLS"]["state"] == "skipped"
    house_of(app).close()


def test_no_secret_stands_in_any_line(sqlite_url: str) -> None:
    addresses = "json://user:hidden-word@hooks.example.jp/x, nonsense://hidden"
    with running(sqlite_url, worker=False, admin_notify_urls=addresses, shopify_access_token="shpat_hidden") as flow:
        result = run(flow.app, "--json")
        assert "hidden" not in result.output + result.stderr


# -- what each thing means, without asking anybody --------------------------------------------------------------------


LITE = Soundness(False, "3.45", "current", journal="wal", size=10**9, free=10**10, filesystem="ext4")
ELEPHANT = Soundness(True, "16.4", "current", settings={"fsync": "on", "synchronous_commit": "on"})


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (replace(LITE, journal="delete"), "journal"),
        (replace(LITE, filesystem="nfs4"), "disk"),
        (replace(LITE, filesystem="fuse.sshfs"), "disk"),
        (replace(LITE, free=10**8), "disk"),
        (replace(LITE, size=10**12), "disk"),
        (replace(ELEPHANT, version="15.2"), "version"),
        (replace(ELEPHANT, settings={"fsync": "off"}), "durability"),
    ],
)
def test_a_database_that_cannot_be_trusted_is_wrong(found: Soundness, what: str) -> None:
    assert [f.what for f in judge_soundness(found) if f.state == "wrong"] == [what]


def test_a_sound_database_is_ok() -> None:
    assert {f.state for found in (LITE, ELEPHANT) for f in judge_soundness(found)} == {"ok"}


def test_the_filesystem_is_that_of_the_innermost_mount() -> None:
    mounts = "/dev/a / ext4 rw 0 0\nhost:/x /srv nfs4 rw 0 0\n/dev/b /srv/my\\040disk xfs rw 0 0\n"
    assert filesystem_of(Path("/srv/ledger.db"), mounts) == "nfs4"
    assert filesystem_of(Path("/srv/my disk/ledger.db"), mounts) == "xfs"
    assert filesystem_of(Path("/var/ledger.db"), mounts) == "ext4"


@pytest.mark.parametrize(
    ("life", "due", "fresh", "state"),
    [
        (Life(None, 0, 0, {}), {}, None, "skipped"),
        (Life(None, 0, 0, {}), {"hubspot": NOON - timedelta(minutes=2)}, None, "wrong"),
        (Life(None, 0, 0, {}), {"hubspot": NOON - timedelta(seconds=20)}, NOON, "ok"),
        (Life(None, 3, 0, {}), {"hubspot": NOON - timedelta(minutes=2)}, None, "ok"),
        (Life(None, 0, 2, {}), {}, NOON, "wrong"),
    ],
)
def test_whether_a_worker_runs_is_told_by_what_waits(life: Life, due: Any, fresh: Any, state: str) -> None:
    assert judge_worker(life, due, fresh, NOON).state == state


@pytest.mark.parametrize(
    ("refused", "last", "state"),
    [
        (0, None, "skipped"),
        (2, None, "skipped"),
        (9, None, "wrong"),
        (9, NOON - timedelta(days=3), "wrong"),
        (9, NOON - timedelta(hours=1), "ok"),
        (0, NOON - timedelta(days=3), "skipped"),
    ],
)
def test_the_webhook_secret_is_judged_by_what_came(refused: int, last: Any, state: str) -> None:
    assert judge_secret(refused, last, NOON).state == state


@pytest.mark.parametrize(("seconds", "state"), [(5, "ok"), (-29, "ok"), (31, "wrong"), (-90, "wrong")])
def test_a_clock_that_is_off_is_wrong(seconds: int, state: str) -> None:
    assert clock(NOON, NOON + timedelta(seconds=seconds)).state == state
    assert clock(None, NOON).state == "skipped"


def test_a_day_that_is_nearly_used_up_is_wrong() -> None:
    day = {"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "50"}
    assert usage(day).state == "wrong"
    assert usage({**day, "X-HubSpot-RateLimit-Daily-Remaining": "500"}).state == "ok"
    assert usage({}).state == "skipped"


def test_required_columns_that_shopify_may_fill_are_told_and_others_are_wrong() -> None:
    [line] = judge_columns(frozenset({"lastKana", "address"}))
    assert line.state == "ok"
    assert "address" in line.said
    assert "lastKana" not in line.said


def test_each_alert_address_is_tried_by_itself() -> None:
    states = [f.state for f in alert_addresses("json://hooks.example.jp/a, nonsense://b mailto://u:p@example.jp")]
    assert states == ["ok", "wrong", "ok"]


def test_before_the_first_delivery_nothing_is_said_of_a_last_one() -> None:
    assert judge_secret(0, None, NOON).said == "cannot be told: no delivery has come yet"


def test_a_missing_key_is_mended_where_keys_stand(sqlite_url: str) -> None:
    first = make_app(sqlite_url, data_keys=new_key())
    house_of(first).keys.check()
    house_of(first).close()
    with click.Context(click.Command("doctor")):  # a command is asked, which starts without the key
        without = make_app(sqlite_url)
    assert "DATA_KEYS" in told(without)["database"]["data keys"]["mend"]
    house_of(without).close()
