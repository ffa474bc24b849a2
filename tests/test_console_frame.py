"""The frame around every page of the console: its headers, its languages, what it says when something is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from pydantic import SecretStr
from werkzeug.security import check_password_hash

from config.listing import Shown, listing, unknown
from config.settings import Settings, read_settings
from handlers.console import door as doors
from handlers.console.oddities import oddities
from handlers.console.setup import ConsoleSetup, Set
from handlers.house import House
from ledger.database import StoreBusy
from tests.building import SECRET, house_of, make_app
from tests.conftest import Clock
from tests.console import HASH, VIEW_HASH, console_app, post, signed_in

PAGES = ("", "customers", "failures", "deliveries", "alerts", "settings", "audit", "nothing-here")
HOSTILE = "<script>alert(1)</script>'\"><b>&{{7*7}}"


@pytest.fixture
def app(sqlite_url: str, clock: Clock) -> Iterator[Flask]:
    made = console_app(sqlite_url, now=clock)
    yield made
    house_of(made).close()


# -- headers -----------------------------------------------------------------------------------------------------------


def test_every_answer_says_what_a_browser_may_not_do_with_it(app: Flask) -> None:
    client = signed_in(app)
    answers = [client.get(f"/console/{page}") for page in PAGES]
    answers += [app.test_client().get(f"/console/{page}") for page in ("login", "audit")]
    answers += [client.get(f"/console{path}", buffered=True) for path in ("", "/a/b", "/static/mark.svg", "/static/x")]
    answers += [client.options("/console/"), client.post("/console/logout")]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in answer.headers


def test_pages_are_kept_nowhere_and_static_files_as_long_as_they_are_the_same(app: Flask) -> None:
    client = signed_in(app)
    page = client.get("/console/settings")
    assert page.headers["Cache-Control"] == "no-store"
    addresses = re.findall(r'(?:href|src)="(/console/static/[^"]+)"', page.text)
    assert len(addresses) >= 4
    for address in addresses:
        with client.get(address) as answer:
            assert answer.status_code == 200
            assert "immutable" in answer.headers["Cache-Control"]
    with client.get("/console/static/console.css") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


def test_over_https_the_browser_is_told_to_stay_there(app: Flask) -> None:
    answer = app.test_client().get("/console/login", base_url="https://sync.example.jp")
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("page", ["login", *PAGES])
def test_no_page_holds_what_the_policy_forbids_or_an_address_outside(app: Flask, page: str) -> None:
    client = app.test_client() if page == "login" else signed_in(app)
    text = client.get(f"/console/{page}").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert not re.search(r'(?:href|src|action)="(?:https?:)?//', text)
    assert not re.search(r"<(?:iframe|object|embed|base)\b", text)


# -- what everybody needs to find their way ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_has_a_title_a_language_a_way_past_the_menu_and_says_where_it_is(app: Flask, language: str) -> None:
    client = signed_in(app, language=language)
    for page in PAGES:
        text = client.get(f"/console/{page}").text
        assert f'<html lang="{language}">' in text
        assert re.search(r"<title>.+ · example\.myshopify\.com</title>", text)
        assert '<a class="skip" href="#main">' in text
        assert len(re.findall(r"<h1\b", text)) == 1, page
        assert len(re.findall(r"<main\b", text)) == 1
        if page != "nothing-here":
            assert 'aria-current="page"' in text
        for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
            assert "<caption" in table
            assert all("scope=" in th for th in re.findall(r"<th\b[^>]*>", table))


def test_a_page_below_another_belongs_to_it_in_the_menu(app: Flask) -> None:
    text = signed_in(app).get("/console/customers/not-a-number").text
    assert re.search(r'href="/console/customers" aria-current="page"', text)


def test_the_numbers_in_the_menu_are_those_the_pages_give(sqlite_url: str, mocker: Any) -> None:
    from handlers.console import nav  # noqa: PLC0415 - as a page module does

    def pages(door: Blueprint, house: House) -> None:
        nav.count(door, "alerts", lambda: 3)
        nav.count(door, "customers", lambda: 0)

    mocker.patch("handlers.console.door.PAGES", [*doors.PAGES, mocker.Mock(pages=pages)])
    app = console_app(sqlite_url)
    text = signed_in(app).get("/console/settings").text
    assert re.search(r'href="/console/alerts">Alerts <span class="count">3</span>', text)
    assert re.search(r'href="/console/customers">Customers</a>', text)
    house_of(app).close()


def test_buttons_that_act_are_shown_to_those_who_may_act(sqlite_url: str, mocker: Any) -> None:
    template = (
        '{% import "console/parts.html" as parts with context %}'
        '{{ parts.action("/console/logout", "Press", {"ids": [1, 2], "lane": "x"}, "act", confirm="Sure?") }}'
    )

    def pages(door: Blueprint, house: House) -> None:
        @door.get("/button")
        def button() -> str:
            from flask import render_template_string  # noqa: PLC0415

            return render_template_string(template)

    mocker.patch("handlers.console.door.PAGES", [*doors.PAGES, mocker.Mock(pages=pages)])
    app = console_app(sqlite_url)
    form = signed_in(app).get("/console/button").text
    assert 'data-confirm="Sure?"' in form
    assert form.count('name="ids"') == 2
    assert form.count('name="csrf_token"') == 1
    assert signed_in(app, "view").get("/console/button").text.strip() == ""
    house_of(app).close()


# -- languages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("ja-JP,ja;q=0.9,en;q=0.8", "ログイン"),
        ("en-GB,en;q=0.9,ja;q=0.1", "Sign in"),
        ("fr", "Sign in"),
        ("", "Sign in"),
        ("fr,ja;q=0.5", "ログイン"),
    ],
)
def test_the_browser_chooses_the_language(app: Flask, asked: str, word: str) -> None:
    assert word in app.test_client().get("/console/login", headers={"Accept-Language": asked}).text


@pytest.mark.parametrize("in_already", [False, True])
def test_the_reader_chooses_otherwise_before_the_login_and_after_it(app: Flask, in_already: bool) -> None:
    client = signed_in(app, "view") if in_already else app.test_client()
    page = "/console/audit?who=x" if in_already else "/console/login"
    answer = post(client, "/console/language", language="ja", next=page)
    assert (answer.status_code, answer.location) == (303, page if in_already else "/console/login")
    assert '<html lang="ja">' in client.get(page).text
    post(client, "/console/language", language="xx", next=page)
    assert '<html lang="ja">' in client.get(page).text


def test_times_are_tokyos_and_in_the_readers_words(app: Flask, clock: Clock) -> None:
    house = house_of(app)
    house.audit.note("signed in", who="Ops", role="act", now=clock())
    text = signed_in(app, language="ja").get("/console/audit").text
    assert "2026-11-22 12:00:00" in text
    assert "ログイン" in text


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_page_that_is_not_there_says_so_in_the_frame(app: Flask) -> None:
    answer = signed_in(app).get("/console/nothing-here")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert "Sign out" in answer.text


def test_a_stale_page_says_what_to_do(app: Flask) -> None:
    answer = signed_in(app).post("/console/logout", data={"csrf_token": "old"})
    assert answer.status_code == 400
    assert "reload it" in answer.text


def test_a_browser_that_keeps_no_cookie_over_http_is_told_to_use_https(app: Flask) -> None:
    answer = app.test_client(use_cookies=False).post("/console/login", base_url="http://sync.example.jp")
    assert answer.status_code == 400
    assert "https address" in answer.text


def test_a_busy_database_is_a_page_and_not_a_crash(app: Flask, mocker: Any) -> None:
    client = signed_in(app)
    mocker.patch("ledger.waiting.Waiting.groups", side_effect=StoreBusy("the database is locked"))
    answer = client.get("/console/failures")
    assert answer.status_code == 503
    assert "The database is busy" in answer.text


def test_a_busy_database_does_not_take_the_menu_down(app: Flask, mocker: Any) -> None:
    client = signed_in(app)
    mocker.patch("ledger.report.Report.lanes", side_effect=StoreBusy("the database is locked"))
    answer = client.get("/console/failures")
    assert answer.status_code == 200
    assert client.get("/console/").status_code == 503


def test_a_broken_page_tells_the_log_where_and_nobody_what(
    app: Flask, mocker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in(app)
    mocker.patch("ledger.waiting.Waiting.groups", side_effect=ValueError("見本 花子 in an error"))
    answer = client.get("/console/failures")
    assert answer.status_code == 500
    assert "Something broke here" in answer.text
    assert "花子" not in answer.text
    assert "ValueError" in caplog.text
    assert "花子" not in caplog.text


# -- nothing that was typed is run -------------------------------------------------------------------------------------


def test_a_script_in_a_name_is_shown_and_not_run(app: Flask) -> None:
    client = signed_in(app, who=HOSTILE)
    house_of(app).audit.note(HOSTILE, who=HOSTILE, role=HOSTILE, now=house_of(app).now(), details={HOSTILE: HOSTILE})
    for page in ("/console/audit", "/console/audit?who=" + HOSTILE, "/console/audit?customer=" + HOSTILE):
        text = client.get(page).text
        assert "<script>alert" not in text
        assert "<b>&" not in text
        assert "49" not in re.sub(r"\d{2,}", "", text)


# -- settings ----------------------------------------------------------------------------------------------------------


def test_the_settings_page_shows_each_setting_and_no_secret(sqlite_url: str) -> None:
    secrets = {
        "shopify_access_token": "shpat_invented-token-1",
        "smaregi_client_secret": "an-invented-secret-2",
        "hubspot_access_token": "pat-invented-token-3",
        "smtp_url": "smtp://user:an-invented-pass-4@mail.example.jp:587",
        "admin_notify_urls": "json://an-invented-pass-5@example.jp",
        "status_api_token": "an-invented-token-number-6",
        "metrics_token": "an-invented-token-number-7",
        "secret_key": "an-invented-key-for-sessions",
    }
    app = console_app(sqlite_url, **secrets, smaregi_contract_id="sb_x", smaregi_client_id="client")
    for language in ("en", "ja"):
        text = signed_in(app, "view", language=language).get("/console/settings").text
        for name in Settings.model_fields:
            assert f"<code>{name.upper()}</code>" in text
        for secret in (*secrets.values(), SECRET, HASH, VIEW_HASH):
            assert secret not in text
        assert not re.search(r"invented-(?:pass|token|secret)", text)
    assert "ENABLE_WELCOME_EMAIL is false" in signed_in(app).get("/console/settings").text
    house_of(app).close()


def test_the_settings_page_is_short_of_nothing_when_a_setting_is_unknown_or_odd(app: Flask) -> None:
    text = signed_in(app).get("/console/settings").text
    assert "Personal data is not encrypted in the ledger." in text


GIVEN: Mapping[str, Any] = {"shopify_shop": "example.myshopify.com", "shopify_webhook_secrets": "an-invented-secret"}


def shown(settings: Settings, environ: Mapping[str, str], env_file: Mapping[str, str | None]) -> dict[str, Shown]:
    return {s.name: s for s in listing(settings, environ, env_file)}


def test_a_setting_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_file = {"PORT": "8001", "WEB_THREADS": "9", "KEEP_BODIES_DAYS": "31"}
    env = tmp_path / ".env"
    env.write_text("".join(f"{name}={value}\n" for name, value in in_file.items()))
    environ = {"WEB_THREADS": "10", "KEEP_BODIES_DAYS": "31"}  # Flask's commands copy .env into the environment
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    told = shown(read_settings(**GIVEN, _env_file=env), environ, in_file)
    assert {name: told[name].source for name in ("PORT", "WEB_THREADS", "KEEP_BODIES_DAYS", "SHOPIFY_SHOP")} == {
        "PORT": ".env",
        "WEB_THREADS": "environment",
        "KEEP_BODIES_DAYS": ".env",
        "SHOPIFY_SHOP": "given",
    }
    assert (told["LOG_FORMAT"].source, told["LOG_FORMAT"].value) == ("default", "auto")


def test_every_secret_is_told_as_set_or_not_and_no_address_with_its_password() -> None:
    url = "postgresql://ledger:an-invented-password@db.example.jp/ledger?password=also"
    settings = read_settings(**GIVEN, _env_file=None, database_url=url)
    told = shown(settings, {}, {})
    assert told["DATABASE_URL"].value == "postgresql://…@db.example.jp/ledger"
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) or "SecretStr" in str(Settings.model_fields[name].annotation):
            assert (told[name.upper()].is_secret, told[name.upper()].value) == (True, None)
    assert told["SHOPIFY_WEBHOOK_SECRETS"].is_set
    assert not told["DATA_KEYS"].is_set
    assert told["ENABLE_POS_SYNC"].value == "true"


def test_a_slip_of_the_pen_in_the_file_is_found_and_other_programs_names_are_not() -> None:
    names = {"ENABLE_POS_SYNK": "false", "HUBSPOT_TOKEN": "x", "PATH": "/bin", "FLASK_DEBUG": "1", "PORT": "1"}
    assert list(unknown(names)) == ["ENABLE_POS_SYNK", "HUBSPOT_TOKEN"]
    settings = [Set("ENABLE_POS_SYNC", "", "true", False, True, "default", "")]
    told = oddities(ConsoleSetup(settings=settings, unknown=list(unknown(names))))
    assert told["ENABLE_POS_SYNK"][0][1] == {"name": "ENABLE_POS_SYNC"}
    assert told["HUBSPOT_TOKEN"] == [("No setting has this name.", {})]


def test_what_is_odd_is_said_and_what_is_well_is_not(sqlite_url: str) -> None:
    def told(**settings: Any) -> set[str]:
        app = console_app(sqlite_url, **settings)
        found = set(oddities(house_of(app).console))
        house_of(app).close()
        return found

    assert {"ADMIN_NOTIFY_URLS", "PUBLIC_URL", "DATA_KEYS", "METRICS_TOKEN"} <= told()
    assert "PUBLIC_URL" in told(public_url="http://sync.example.jp")
    assert "PUBLIC_URL" not in told(public_url="https://sync.example.jp")
    assert "CONSOLE_VIEW_PASSWORD_HASH" in told(console_view_password_hash=HASH)
    assert "HUBSPOT_API_URL" in told(hubspot_api_url="http://127.0.0.1:8001/hubspot")
    assert "HUBSPOT_PORTAL_ID" in told(hubspot_access_token="pat-invented")
    assert "HUBSPOT_PORTAL_ID" not in told(hubspot_access_token="pat-invented", hubspot_portal_id=123)


# -- the audit log -----------------------------------------------------------------------------------------------------


def test_the_audit_log_is_read_page_by_page_and_by_person_and_customer(app: Flask, mocker: Any) -> None:
    mocker.patch("handlers.console.audit.PAGE", 2)
    client = signed_in(app, who="田中")
    audit = house_of(app).audit
    for n in range(4):
        audit.note("resynced", who="Ops" if n % 2 else "田中", role="act", now=house_of(app).now(), customer_id=n + 1)

    def ids(text: str) -> list[int]:
        return [int(found) for found in re.findall(r'href="/console/customers/(\d+)"', text)]

    first = client.get("/console/audit").text
    assert ids(first) == [4, 3]
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older
    assert ids(client.get(older[1].replace("&amp;", "&")).text) == [2, 1]
    assert ids(client.get("/console/audit?who=Ops").text) == [4, 2]
    assert ids(client.get("/console/audit?customer=3").text) == [3]
    assert "Nothing was done by hand that fits this." in client.get("/console/audit?customer=99").text
    for nonsense in ("before=x", "customer=-1", "customer=" + "9" * 30, "before=" + "9" * 30):
        assert client.get(f"/console/audit?{nonsense}").status_code == 200


# -- the command -------------------------------------------------------------------------------------------------------


def test_hash_password_prints_what_opens_the_console(sqlite_url: str) -> None:
    app = make_app(sqlite_url)
    result = app.test_cli_runner().invoke(args=["console", "hash-password", "--stdin"], input="long enough, this one\n")
    assert result.exit_code == 0
    line = result.stdout.strip().splitlines()[-1]
    name, _, told = line.partition("=")
    assert name == "CONSOLE_PASSWORD_HASH"
    assert told.startswith("scrypt:")
    assert check_password_hash(told, "long enough, this one")
    assert "long enough" not in result.output
    assert read_settings(**GIVEN, _env_file=None, console_password_hash=told, secret_key="x" * 24)
    house_of(app).close()


def test_hash_password_asks_twice_and_refuses_what_is_short_or_mistyped(sqlite_url: str) -> None:
    app = make_app(sqlite_url)
    runner = app.test_cli_runner()
    asked = runner.invoke(args=["console", "hash-password", "--view"], input="ten letters!\nten letters!\n")
    assert asked.exit_code == 0
    assert "CONSOLE_VIEW_PASSWORD_HASH=scrypt:" in asked.output
    assert runner.invoke(args=["console", "hash-password"], input="ten letters!\nother letters\n").exit_code == 1
    short = runner.invoke(args=["console", "hash-password", "--stdin"], input="short\n")
    assert short.exit_code == 1
    assert "10 characters" in short.output
    house_of(app).close()


def test_what_hash_password_prints_can_stand_in_env_as_it_is(sqlite_url: str, tmp_path: Path) -> None:
    app = make_app(sqlite_url)
    result = app.test_cli_runner().invoke(args=["console", "hash-password", "--stdin"], input="ten letters!\n")
    env = tmp_path / ".env"
    env.write_text(result.stdout.strip().splitlines()[-1] + "\nSECRET_KEY=" + "x" * 24 + "\n")
    told = read_settings(**GIVEN, _env_file=env).console_password_hash
    assert told is not None
    assert check_password_hash(told.get_secret_value(), "ten letters!")
    house_of(app).close()
