"""The commands, as a person types them; and what they say when something is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from ledger import tables as t
from ledger.migrate import is_current
from sandbox.people import people
from tests.building import body_of, house_of, make_app, post
from tests.flow import running, until

ROOT = Path(__file__).parent.parent
PAYLOAD = ROOT / "tests" / "payloads" / "shopify" / "create_japanese.json"


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    made = make_app(database_url)
    yield made
    house_of(made).close()


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), env={"COLUMNS": "200"})


def test_upgrade_makes_the_tables_and_may_be_run_again(tmp_path: Path) -> None:
    app = make_app(f"sqlite:///{tmp_path}/sub/new.db")
    for _ in range(2):
        assert run(app, "db", "upgrade").exit_code == 0
    assert is_current(house_of(app).database)
    house_of(app).close()


def test_backup_copies_a_ledger_that_can_be_used_at_once(tmp_path: Path) -> None:
    app = make_app(f"sqlite:///{tmp_path}/ledger.db")
    assert run(app, "db", "upgrade").exit_code == 0
    said = run(app, "db", "backup", str(tmp_path / "copy.db"))
    assert (said.exit_code, "MB at" in said.output) == (0, True), said.output
    copy = make_app(f"sqlite:///{tmp_path}/copy.db")
    assert is_current(house_of(copy).database)
    again = run(app, "db", "backup", str(tmp_path / "copy.db"))
    assert (again.exit_code, "a new name" in again.output) == (1, True)
    for made in (app, copy):
        house_of(made).close()


def test_a_worker_does_not_start_on_a_database_that_lacks_a_migration(tmp_path: Path) -> None:
    app = make_app(f"sqlite:///{tmp_path}/new.db")
    result = run(app, "worker")
    assert result.exit_code == 1
    assert "flask db upgrade" in result.output
    house_of(app).close()


def test_deliver_signs_a_fixture_and_posts_it(database_url: str) -> None:
    with running(database_url) as flow:
        url = flow.shop.webhooks.url
        first = run(flow.app, "deliver", str(PAYLOAD), "--url", url, "--webhook-id", "a")
        again = run(flow.app, "deliver", str(PAYLOAD), "--url", url, "--webhook-id", "a")
        assert (first.exit_code, again.exit_code) == (0, 0)
        assert first.output.startswith("200 kept")
        test = run(flow.app, "deliver", str(PAYLOAD), "--url", url, "--test", "--topic", "customers/update")
        assert test.exit_code == 0
        with flow.house.database.reading() as c:
            assert [r.verdict for r in c.execute(select(t.deliveries.c.verdict))] == ["changed", "test"]


def test_deliver_says_what_to_do_when_nobody_answers(app: Flask) -> None:
    result = run(app, "deliver", str(PAYLOAD), "--url", "http://127.0.0.1:9/webhooks/shopify")
    assert result.exit_code == 1
    assert "make run" in result.output


def test_deliver_does_not_sign_for_another_machine_unless_told(app: Flask) -> None:
    result = run(app, "deliver", str(PAYLOAD), "--url", "https://customers.example.jp/webhooks/shopify")
    assert result.exit_code == 1
    assert "--secret-from-settings" in result.output


def test_status_tells_each_lane_and_that_the_wire_works(app: Flask) -> None:
    assert "never" in run(app, "status").output
    post(app.test_client(), body_of(6900000000001), None, X_Shopify_Test="true")
    post(app.test_client(), body_of(6900000000002))
    output = run(app, "status").output
    for word in ("shopify", "smaregi", "hubspot", "off", "SMAREGI_CLIENT_ID is not set", "last test delivery: 0 s ago"):
        assert word in output


def test_show_tells_a_customers_story_without_personal_data(database_url: str) -> None:
    with running(database_url) as flow:
        person = next(iter(people(1, oddities=0)))
        customer = flow.shop.create(person.shop_fields())
        flow.rest()
        output = run(flow.app, "show", str(customer.id)).output
        for word in ("customers/create", "created", "done", "revision", str(customer.id)):
            assert word in output
        for secret in (person.email, person.last_name, person.first_name, person.city):
            assert str(secret) not in output


def test_show_says_what_to_do_about_an_unknown_customer(app: Flask) -> None:
    result = run(app, "show", "42")
    assert result.exit_code == 1
    assert "save them again" in result.output


def test_resync_makes_tasks_pending_and_a_dry_run_only_counts(database_url: str) -> None:
    with running(database_url) as flow:
        made = [
            flow.shop.create(person.shop_fields()) for person, _ in zip(people(2, oddities=0), range(3), strict=False)
        ]
        flow.rest()
        writes = flow.calls("smaregi", "PATCH")
        dry = run(flow.app, "resync", "--all", "--dry-run")
        assert "9 tasks" in dry.output
        assert flow.at_rest()
        assert "1 task made pending" in run(flow.app, "resync", str(made[0].id), "--lane", "smaregi").output
        flow.rest()
        assert flow.calls("smaregi", "PATCH") == writes + 1
        assert "9 tasks made pending" in run(flow.app, "resync", "--all").output
        flow.rest()
        assert len(flow.members) == len(flow.contacts) == 3


def test_resync_takes_what_failed(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        for code in ("A", "B"):
            flow.sandbox.world.smaregi.seed(
                {"customerCode": code, "lastName": "見本", "firstName": "花", "mailAddress": "two@example.jp"}
            )
        flow.worker.start()
        customer = flow.shop.create({"email": "two@example.jp", "last_name": "見本", "first_name": "花"})
        flow.rest()
        assert flow.states(customer.id)["smaregi"] == "failed"
        member = next(m for m in flow.members if m["customerCode"] == "B")
        flow.sandbox.world.smaregi.members.update(int(member["customerId"]), {"status": "3"})
        assert "1 task made pending" in run(flow.app, "resync", "--failed").output
        flow.rest()
        until(lambda: [m["customerNo"] for m in flow.members if m["customerCode"] == "A"] == [str(customer.id)])


def test_a_person_says_which_of_several_members_is_meant(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        assert "nothing waits" in run(flow.app, "failures").output
        for code in ("A", "B"):
            flow.sandbox.world.smaregi.seed(
                {"customerCode": code, "lastName": "見本", "firstName": "花", "mailAddress": "two@example.jp"}
            )
        flow.worker.start()
        customer = flow.shop.create({"email": "two@example.jp", "last_name": "見本", "first_name": "花子"})
        other = flow.shop.create({"email": "other@example.jp", "last_name": "例", "first_name": "太郎"})
        flow.rest()
        told = run(flow.app, "failures").output
        assert "smaregi.several_members" in told
        assert str(customer.id) in told

        member = next(str(m["customerId"]) for m in flow.members if m["customerCode"] == "B")
        assert run(flow.app, "link", str(customer.id), member).exit_code == 0
        flow.rest()
        assert {m["customerCode"]: (m["customerNo"], m["firstName"]) for m in flow.members} == {
            "A": (None, "花"),
            "B": (str(customer.id), "花子"),
            str(other.id): (str(other.id), "太郎"),
        }
        assert "nothing waits" in run(flow.app, "failures").output

        refused = run(flow.app, "link", str(other.id), member)
        assert refused.exit_code == 1
        assert str(customer.id) in refused.output


def test_a_customer_nobody_knows_cannot_be_linked(app: Flask) -> None:
    result = run(app, "link", "42", "7")
    assert result.exit_code == 1
    assert "save them again" in result.output


def test_resync_gives_a_new_lane_its_tasks(app: Flask) -> None:
    post(app.test_client(), body_of(1))
    database = house_of(app).database
    with database.writing() as c:
        c.execute(t.tasks.delete().where(t.tasks.c.lane == "hubspot"))
    assert "1 task made pending" in run(app, "resync", "--all", "--lane", "hubspot").output
    with database.reading() as c:
        states = c.execute(select(t.tasks.c.lane, t.tasks.c.state).where(t.tasks.c.customer_id == 1)).all()
    assert ("hubspot", "pending") in [tuple(row) for row in states]


@pytest.mark.parametrize("arguments", [[], ["1", "--all"], ["--failed", "--all"], ["--lane", "fax", "--all"]])
def test_resync_wants_to_know_whom(app: Flask, arguments: list[str]) -> None:
    assert run(app, "resync", *arguments).exit_code == 2


def test_resync_names_a_customer_nobody_knows(app: Flask) -> None:
    result = run(app, "resync", "42")
    assert result.exit_code == 1
    assert "save them again" in result.output


def test_hubspot_setup_creates_what_is_missing_and_checks_what_is_there(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        assert "missing" in run(flow.app, "hubspot", "setup", "--check").output
        first, second = run(flow.app, "hubspot", "setup"), run(flow.app, "hubspot", "setup", "--check")
        assert first.exit_code == second.exit_code == 0
        assert "created" in first.output
        assert "missing" not in second.output


def test_hubspot_setup_says_when_the_lane_is_off(app: Flask) -> None:
    result = run(app, "hubspot", "setup")
    assert result.exit_code == 1
    assert "HUBSPOT_ACCESS_TOKEN is not set" in result.output


def flask(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": "/usr/bin:/bin", "FLASK_SKIP_DOTENV": "1", **env}
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), *arguments]
    return subprocess.run(command, env=clean, capture_output=True, text=True, timeout=60, check=False)


def test_commands_that_need_settings_say_which_are_missing_and_others_can_still_be_run() -> None:
    lacking = flask("status")
    assert lacking.returncode == 1
    assert "SHOPIFY_WEBHOOK_SECRETS is not set" in lacking.stderr
    assert "Traceback" not in lacking.stderr
    assert flask("sandbox", "--help").returncode == 0


def test_a_store_that_is_gone_is_told_in_words() -> None:
    told = flask(
        "status",
        SHOPIFY_SHOP="example.myshopify.com",
        SHOPIFY_WEBHOOK_SECRETS="an-invented-secret",
        DATABASE_URL="postgresql://nobody@127.0.0.1:9/nowhere",
    )
    assert told.returncode == 1
    assert "DATABASE_URL" in told.stderr
    assert "Traceback" not in told.stderr
