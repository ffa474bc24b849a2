"""A host name that cannot be resolved: never sent, never in doubt, and told with what to do about it, for each lane."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from rich.console import Console

from clients.errors import TryLater
from clients.http import Http, host_of
from clients.mail.server import Address, MailServer
from handlers.causes import cause_of
from handlers.causes.cause import NOTHING
from handlers.house import LANES
from handlers.telling import table_of_lanes
from tests.console import signed_in
from tests.flow import UNLIMITED, running, until
from tests.test_console_failures import console_settings

SETTINGS = {
    "shopify": "SHOPIFY_API_URL",
    "smaregi": "SMAREGI_API_URL",
    "hubspot": "HUBSPOT_API_URL",
    "mail": "SMTP_URL",
}


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every name of a sandbox that is asked for and not known."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if str(host).endswith(".example.com"):
            asked.append(str(host))
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize("repeatable", [True, False])
def test_it_was_never_sent_and_is_in_no_doubt(nameless: list[str], *, repeatable: bool) -> None:
    http = Http("hubspot", "https://key@hub.example.com/x", settings="HUBSPOT_API_URL", sleep=lambda _: None)
    with pytest.raises(TryLater) as later:
        http.call("POST", "/y", repeatable=repeatable)
    assert (later.value.kind, later.value.doubt) == ("hubspot.name_unresolved", False)
    assert "the name hub.example.com cannot be resolved (DNS): check HUBSPOT_API_URL" in later.value.why
    assert "key@" not in later.value.why
    assert len(nameless) == 3, "tried again within seconds, since nothing was sent"


def test_a_name_that_no_host_can_have_is_told_alike() -> None:
    with pytest.raises(TryLater) as later:
        Http("hubspot", f"https://{'a' * 70}.example.com", sleep=lambda _: None).call("GET", "/")
    assert later.value.kind == "hubspot.name_unresolved"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.example.com:8/x?y", "api.example.com"),
        ("https://me:secret@api.example.com", "api.example.com"),
        ("https://[::1", "of the host"),
        ("https:///x", "of the host"),
        ("https://<b>/", "of the host"),
    ],
)
def test_only_a_host_is_repeated(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("lane", LANES)
def test_each_lane_says_which_setting_to_look_at(lane: str) -> None:
    cause = cause_of(lane, f"{lane}.name_unresolved")
    assert SETTINGS[lane] in cause.do
    assert cause.do != NOTHING
    assert not cause.comes_back, "so that what to do is shown on every page"


def test_the_mail_servers_name(nameless: list[str]) -> None:
    server = MailServer(Address.of("smtp://mail.example.com:2525"), hello="example.jp")
    with pytest.raises(TryLater) as later, server.connected():
        pass
    assert later.value.kind == "mail.name_unresolved"
    assert "SMTP_URL" in later.value.why


def test_doctor_status_and_console_say_what_to_do(
    database_url: str, nameless: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.breaker.OPENS_AFTER", 1)  # in earnest five, half a minute later
    addresses: dict[str, Any] = {
        "shopify_api_url": "http://shop.example.com",
        "smaregi_api_url": "http://pos.example.com",
        "smaregi_auth_url": "http://id.example.com",
        "hubspot_api_url": "http://crm.example.com",
    }
    with running(database_url, UNLIMITED, **addresses, **console_settings()) as flow:
        flow.shop.create({"email": "hanako@example.com", "last_name": "見本", "first_name": "花子"})
        lanes = ("shopify", "smaregi", "hubspot")

        def ill() -> bool:
            kinds = {r.lane: (r.health.breaker, r.health.kind) for r in flow.house.report.lanes(lanes)}
            return kinds == {lane: ("open", f"{lane}.name_unresolved") for lane in lanes}

        until(ill)
        console = Console(width=400, record=True)
        console.print(table_of_lanes(flow.house.report.lanes(lanes), {}, flow.house.now()))
        status = console.export_text()
        page = signed_in(flow.app).get("/console/").text
        told = flow.app.test_cli_runner().invoke(args=["doctor", "--json"]).output
        for lane in lanes:
            assert SETTINGS[lane].replace("SMAREGI_API", "SMAREGI_AUTH") in status, "the one that is asked first"
            assert SETTINGS[lane] in page
            assert SETTINGS[lane] in told
