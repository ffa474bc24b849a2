"""Who comes in at the console, for how long, and what they may do; for every door, those of the future included."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, session
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from handlers.console import login as logins
from handlers.console.access import acts, may_act, note, role, who
from handlers.console.setup import ConsoleSetup
from handlers.house import House
from tests.building import house_of, make_app
from tests.conftest import Clock
from tests.console import HASH, PASSWORD, QUICK, VIEW_PASSWORD, console_app, post, signed_in, token

OPEN = {"console.login", "console.sign_in", "console.language", "console.static"}
HARMLESS = {"console.sign_in", "console.language", "console.logout"}
WRONG = "not-the-password"


@pytest.fixture
def app(sqlite_url: str, clock: Clock) -> Iterator[Flask]:
    made = console_app(sqlite_url, now=clock)
    yield made
    house_of(made).close()


def doors(app: Flask, method: str) -> list[tuple[str, str]]:
    """Every door of the console that answers this method: its endpoint, and an address that leads there."""
    found = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/console")]
    return [(rule.endpoint, address(app, rule)) for rule in found if method in (rule.methods or ())]


def address(app: Flask, rule: Rule) -> str:
    values = {name: 1 if "Integer" in type(kind).__name__ else "smaregi" for name, kind in rule._converters.items()}
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, values)


def log_in(client: FlaskClient, password: str, *, who: str = "Ops", **headers: str) -> TestResponse:
    form = {"csrf_token": token(client), "who": who, "password": password}
    return client.post("/console/login", data=form, headers=headers)


# -- closed, and shut in front of those who have not signed in ---------------------------------------------------------


def test_without_a_password_there_is_no_console(sqlite_url: str) -> None:
    app = make_app(sqlite_url)
    for path in ("", "/", "/login", "/audit", "/static/console.css", "/nothing"):
        for method in ("GET", "POST"):
            assert app.test_client().open(f"/console{path}", method=method).status_code == 404, path
    house_of(app).close()


def test_the_pages_are_there(app: Flask) -> None:
    pages = ("overview", "customers", "failures", "deliveries", "alerts", "settings", "audit")
    assert {f"console.{page}" for page in pages} <= {endpoint for endpoint, _ in doors(app, "GET")}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_every_door_sends_whoever_has_not_signed_in_to_the_login(app: Flask, method: str) -> None:
    for endpoint, path in doors(app, method):
        if endpoint in OPEN:
            continue
        answer = app.test_client().open(path, method=method)
        assert answer.status_code == 303, path
        assert answer.location.startswith("/console/login"), path
        part = app.test_client().open(path, method=method, headers={"HX-Request": "true"})
        assert (part.status_code, part.text) == (401, ""), path
        assert part.headers["HX-Redirect"].startswith("/console/login"), path


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_change_is_refused_without_a_token_or_with_anothers(app: Flask, method: str) -> None:
    client, other = signed_in(app), signed_in(app)
    stolen = token(other)
    for _, path in doors(app, method):
        for form in ({}, {"csrf_token": "made-up"}, {"csrf_token": stolen}):
            assert client.open(path, method=method, data=form).status_code == 400, path
    assert "Log" not in [row.what for row in house_of(app).audit.page(limit=9).rows]


def test_every_change_that_another_site_asks_for_is_refused(app: Flask) -> None:
    client = signed_in(app)
    for _, path in doors(app, "POST"):
        for site in ("cross-site", "same-site"):
            answer = client.post(path, data={"csrf_token": token(client)}, headers={"Sec-Fetch-Site": site})
            assert answer.status_code == 400, path


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_change_is_refused_to_those_who_may_only_look(app: Flask, method: str) -> None:
    client = signed_in(app, "view")
    for endpoint, path in doors(app, method):
        if endpoint not in HARMLESS:
            answer = client.open(path, method=method, data={"csrf_token": token(client)})
            assert answer.status_code == 403, path
            assert "You may look, but not act" in answer.text


def test_a_view_that_acts_refuses_those_who_may_only_look_whatever_the_method(sqlite_url: str, mocker: Any) -> None:
    def pages(door: Blueprint, house: House) -> None:
        @door.get("/try-me")
        @acts
        def try_me() -> str:
            note(house, "tried", customer_id=7, lanes=["smaregi"])
            return f"{who()} {role()} {may_act()}"

    mocker.patch("handlers.console.door.PAGES", [*_pages(), mocker.Mock(pages=pages)])
    app = console_app(sqlite_url)
    assert signed_in(app, "view").get("/console/try-me").status_code == 403
    assert signed_in(app, who="田中").get("/console/try-me").text == "田中 act True"
    told = house_of(app).audit.page(limit=1).rows[0]
    assert (told.what, told.who, told.customer_id, told.details) == ("tried", "田中", 7, {"lanes": ["smaregi"]})
    house_of(app).close()


def _pages() -> tuple[Any, ...]:
    from handlers.console.door import PAGES  # noqa: PLC0415 - before it is replaced

    return PAGES


def test_the_token_and_the_guard_are_the_consoles_alone(app: Flask) -> None:
    assert app.test_client().get("/healthz").status_code == 200
    answer = app.test_client().post("/webhooks/shopify", data=b"{}")
    assert answer.status_code == 401  # unsigned, and asked for no token


# -- in ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("password", "may"), [(PASSWORD, "act"), (VIEW_PASSWORD, "view")])
def test_each_password_opens_its_role_and_the_log_says_who(app: Flask, password: str, may: str) -> None:
    client = app.test_client()
    answer = log_in(client, password, who="  田中   花 ")
    assert (answer.status_code, answer.location) == (303, "/console/")
    assert client.get("/console/").status_code == 200
    row = house_of(app).audit.page(limit=1).rows[0]
    assert (row.what, row.who, row.role) == ("signed in", "田中 花", may)


def test_a_wrong_password_is_refused_counted_and_logged_without_a_word_of_what_was_typed(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    client = app.test_client()
    answer = log_in(client, WRONG, who="Somebody Typed")
    assert answer.status_code == 401
    assert "This is not the password" in answer.text
    assert WRONG not in answer.text
    assert client.get("/console/").status_code == 303
    house_of(app).tally.write_down()
    assert house_of(app).tallies.of("2026-11-22")["console login refused"] == 1
    told = caplog.text
    assert "console login" in told
    assert WRONG not in told
    assert "Typed" not in told
    assert house_of(app).audit.page(limit=5).rows == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\x00b"])
def test_a_login_without_a_proper_name_is_refused_before_the_password_is_looked_at(app: Flask, name: str) -> None:
    answer = log_in(app.test_client(), PASSWORD, who=name)
    assert answer.status_code == 400
    assert "at most 40 characters" in answer.text


def test_nobody_is_in_who_does_not_stand_in_the_log(app: Flask, mocker: Any) -> None:
    from ledger.database import StoreBusy  # noqa: PLC0415

    client = app.test_client()
    mocker.patch("ledger.audit.Audit.note", side_effect=StoreBusy("locked"))
    answer = log_in(client, PASSWORD)
    assert answer.status_code == 503
    assert "The database is busy" in answer.text
    assert client.get("/console/").status_code == 303


@pytest.mark.parametrize("password", [PASSWORD, VIEW_PASSWORD, WRONG, "", "x" * 300])
@pytest.mark.parametrize("both", [True, False])
def test_every_password_is_compared_as_often_as_any_other(
    sqlite_url: str, mocker: Any, password: str, both: bool
) -> None:
    app = console_app(sqlite_url, **({} if both else {"console_view_password_hash": ""}))
    compared = mocker.spy(logins, "check_password_hash")
    log_in(app.test_client(), password)
    assert compared.call_count == 2
    methods = {call.args[0].split("$")[0] for call in compared.call_args_list}
    assert methods == {f"{QUICK}"}
    house_of(app).close()


def test_an_empty_password_opens_nothing(sqlite_url: str) -> None:
    app = console_app(sqlite_url, console_view_password_hash="")
    assert log_in(app.test_client(), "").status_code == 401
    assert log_in(app.test_client(), "nobody's").status_code == 401
    house_of(app).close()


# -- not too often -----------------------------------------------------------------------------------------------------


def test_after_five_wrong_passwords_an_address_waits_and_is_told_how_long(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: at)
    client = app.test_client()
    assert [log_in(client, WRONG).status_code for _ in range(6)] == [401] * 5 + [429]
    held = log_in(client, PASSWORD)
    assert held.status_code == 429, "the right one is not tried either"
    assert 1 <= int(held.headers["Retry-After"]) <= 60
    assert "Too many wrong passwords" in held.text
    assert log_in(app.test_client(), PASSWORD, X_Forwarded_For="203.0.113.9").status_code == 303
    monkeypatch.setattr("time.time", lambda: at + 61)
    assert log_in(client, PASSWORD).status_code == 303


def test_those_who_try_at_the_same_moment_do_not_slip_past_the_limit(mocker: Any) -> None:
    passwords = logins.Passwords(ConsoleSetup(password_hash=HASH))
    looked, all_have_looked, compared = threading.Semaphore(0), threading.Event(), []
    look = passwords._may_try

    def note_that_it_looked(limits: Any) -> None:
        look(limits)
        looked.release()

    def compare(_hash: str, password: str) -> bool:
        all_have_looked.wait(10)
        compared.append(password)
        return False

    def knock() -> None:
        with contextlib.suppress(logins.TooMany):
            passwords.role_of(WRONG, "203.0.113.9")

    mocker.patch.object(passwords, "_may_try", note_that_it_looked)
    mocker.patch.object(logins, "check_password_hash", compare)
    threads = [threading.Thread(target=knock) for _ in range(9)]
    for thread in threads:
        thread.start()
    for _ in range(len(threads) + 1):  # each once, and the one whose turn it is once more
        assert looked.acquire(timeout=10)
    all_have_looked.set()
    for thread in threads:
        thread.join()
    assert len(compared) == 5 * 2  # five tries, two hashes each


def test_a_right_password_is_not_counted(app: Flask) -> None:
    for _ in range(8):
        signed_in(app)


def test_all_addresses_together_have_a_limit_too(sqlite_url: str, mocker: Any) -> None:
    mocker.patch.object(logins, "FOR_ALL", "3/minute")
    app = console_app(sqlite_url)
    told = [log_in(app.test_client(), WRONG, X_Forwarded_For=f"203.0.113.{n}").status_code for n in range(5)]
    assert told == [401, 401, 401, 429, 429]
    house_of(app).close()


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("198.51.100.1", None, "198.51.100.1"),
        ("93.184.216.34", "203.0.113.9", "93.184.216.34"),  # from the internet: its word is nothing
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.2", "1.1.1.1, 203.0.113.9", "203.0.113.9"),  # all but the last is the caller's own word
        ("10.0.0.2", "not an address", "10.0.0.2"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("2001:4860:1:2:3:4:5:6", None, "2001:4860:0001:0002"),  # a household has them all
        ("", None, "unknown"),
    ],
)
def test_an_address_is_the_peers_unless_the_peer_is_a_proxy_of_ours(
    app: Flask, peer: str, forwarded: str | None, counted: str
) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with app.test_request_context("/console/login", headers=headers, environ_base={"REMOTE_ADDR": peer}) as made:
        assert logins.address_of(made.request) == counted


# -- for how long ------------------------------------------------------------------------------------------------------


def test_a_session_ends_when_nobody_is_there_for_two_hours(app: Flask, clock: Clock) -> None:
    client = signed_in(app)
    for _ in range(3):
        clock.forward(minutes=110)
        assert client.get("/console/").status_code == 200
    clock.forward(minutes=121)
    assert client.get("/console/").status_code == 303


def test_a_page_that_stays_fresh_by_itself_keeps_nobody_in(app: Flask, clock: Clock) -> None:
    client = signed_in(app)
    for _ in range(3):
        clock.forward(minutes=50)
        last = client.get("/console/", headers={"HX-Request": "true"}).status_code
    assert last == 401


def test_a_session_ends_after_twelve_hours(app: Flask, clock: Clock) -> None:
    client = signed_in(app)
    for _ in range(11):
        clock.forward(minutes=65)
        assert client.get("/console/").status_code == 200
    clock.forward(minutes=6)
    assert client.get("/console/").status_code == 303


@pytest.mark.parametrize(
    ("role", "changed", "still_in"),
    [
        ("act", "console_password_hash", False),
        ("view", "console_view_password_hash", False),
        ("act", "console_view_password_hash", True),
        ("act", "secret_key", False),
    ],
)
def test_a_changed_password_or_key_ends_the_sessions_it_opened(
    sqlite_url: str, clock: Clock, role: Any, changed: str, still_in: bool
) -> None:
    app = console_app(sqlite_url, now=clock)
    client = signed_in(app, role)
    new = "another-invented-key-for-sessions" if changed == "secret_key" else generate_password_hash("a new one", QUICK)
    later = console_app(sqlite_url, now=clock, **{changed: new})
    again = later.test_client()
    again._cookies = client._cookies
    assert (again.get("/console/").status_code == 200) is still_in
    for made in (app, later):
        house_of(made).close()


def test_signing_out_ends_it_and_is_written_down(app: Flask) -> None:
    client = signed_in(app)
    assert client.get("/console/logout").status_code == 404
    assert post(client, "/console/logout").location == "/console/login"
    assert client.get("/console/").status_code == 303
    assert house_of(app).audit.page(limit=1).rows[0].what == "signed out"


def test_the_token_from_before_the_login_is_worth_nothing_after_it(app: Flask) -> None:
    client = app.test_client()
    before = token(client)
    client.post("/console/login", data={"csrf_token": before, "who": "Ops", "password": PASSWORD})
    assert client.post("/console/logout", data={"csrf_token": before}).status_code == 400


# -- the cookie --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "secure"),
    [("localhost", False), ("127.0.0.1:8000", False), ("[::1]:8000", False), ("sync.example.jp", True)],
)
def test_the_cookie_goes_over_tls_only_except_on_this_machine(app: Flask, host: str, secure: bool) -> None:
    answer = app.test_client().get("/console/login", base_url=f"http://{host}")
    cookie = answer.headers["Set-Cookie"]
    assert ("Secure" in cookie) is secure
    for word in ("HttpOnly", "SameSite=Lax", "Path=/console"):
        assert word in cookie
    assert "Expires" not in cookie


def test_other_doors_neither_set_nor_read_the_cookie(app: Flask) -> None:
    client = signed_in(app)
    for path in ("/healthz", "/readyz", "/nothing"):
        answer = client.get(path, headers={"Cookie": "customer_sync_console=made-up"})
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")
        assert "Content-Security-Policy" not in answer.headers


def test_no_other_door_has_a_session_to_read_or_to_write(app: Flask) -> None:
    cookie = signed_in(app).get_cookie("customer_sync_console", path="/console")
    assert cookie is not None
    headers = {"Cookie": f"customer_sync_console={cookie.value}"}
    with app.test_request_context("/console/audit", headers=headers):
        assert who() == "Ops"
    with app.test_request_context("/healthz", headers=headers):
        assert who() == ""
        with pytest.raises(RuntimeError):
            session["who"] = "Ops"


# -- where to ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "to"),
    [
        ("/console/customers/7?lane=smaregi", "/console/customers/7?lane=smaregi"),
        ("/console", "/console"),
        ("https://evil.example/console/", "/console/"),
        ("//evil.example/console/", "/console/"),
        ("/console/../healthz", "/console/"),
        ("/console/\\evil.example", "/console/"),
        ("/consoles", "/console/"),
        ("/console/\r\nSet-Cookie: a=b", "/console/"),
        ("", "/console/"),
    ],
)
def test_after_the_login_the_page_that_was_asked_for_comes_and_never_another_site(
    app: Flask, wanted: str, to: str
) -> None:
    assert post(app.test_client(), "/console/login", who="Ops", password=PASSWORD, next=wanted).location == to


def test_the_login_remembers_the_page_and_says_when_something_was_lost(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/console/audit?who=Ops").location == "/console/login?next=/console/audit?who%3DOps"
    part = client.get("/console/", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/console/audit"})
    assert part.headers["HX-Redirect"] == "/console/login?next=/console/audit"
    lost = client.post("/console/logout", follow_redirects=True)
    assert "was not done" in lost.text
