"""A browser, and a shop that has been busy: customers who arrived, who wait for a person, and who mean mischief."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

import ledger.outcome
from sandbox.people import people
from tests.console import PASSWORD, VIEW_PASSWORD, console_settings
from tests.flow import Flow, running

MISCHIEF: Final = '<img src=x onerror="window.mischief=1"><script>window.mischief=1</script>'


@dataclass
class Shop:
    """A running service with its console at ``url``; ids of customers by what there is to see in them."""

    url: str
    flow: Flow
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def pages(self) -> dict[str, str]:
        """Every page of the console that can be looked at, by its name."""
        return {
            "overview": "/console/",
            "overview-week": "/console/?span=week",
            "customers": "/console/customers",
            "customers-found": "/console/customers?q=hanako",
            "customer": f"/console/customers/{self.ids['well']}",
            "customer-to-choose": f"/console/customers/{self.ids['two members']}",
            "customer-with-mischief": f"/console/customers/{self.ids['mischief']}",
            "failures": "/console/failures",
            "deliveries": "/console/deliveries",
            "delivery": "/console/deliveries/1",
            "alerts": "/console/alerts",
            "settings": "/console/settings",
            "audit": "/console/audit",
        }


@pytest.fixture(scope="session")
def shop(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for all these tests; who changes something in it changes what is their own.

    It lives while other tests run, which are to find everything as it is: the time for late answers, too.
    """
    path = tmp_path_factory.mktemp("browser") / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    settings: dict[str, Any] = {**console_settings()}
    with running(f"sqlite:///{path}", late=ledger.outcome.LATE, **settings) as flow:
        made = Shop(flow.shop.webhooks.url.removesuffix("/webhooks/shopify"), flow)
        for place, person in zip(range(8), people(3), strict=False):
            made.ids["well" if place == 0 else f"person {place}"] = flow.shop.create(person.shop_fields()).id
        mail = "futari@example.jp"
        for code, point in (("CARD00000771", "1250"), ("CARD00000772", "80")):
            flow.sandbox.world.smaregi.seed({"customerCode": code, "mailAddress": mail, "point": point})
        flow.sandbox.world.hubspot.seed({"email": "hoka@example.jp", "shopify_customer_id": "6000000000001"})
        flow.house.members.freshness()
        for what, fields in {
            "two members": {"email": mail, "last_name": "二人", "first_name": "花子"},
            "another's contact": {"email": "hoka@example.jp", "last_name": "別人", "first_name": "太郎"},
            "mischief": {"email": "warui@example.jp", "last_name": MISCHIEF, "first_name": "'\"--><b>"},
        }.items():
            made.ids[what] = flow.shop.create(fields).id
        flow.rest()
        yield made


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, shop: Shop) -> Iterator[Open]:
    """Opens a page as somebody who has signed in; what goes wrong in the browser fails the test at its end."""
    amiss: list[str] = []
    with ExitStack() as stack:

        def open_it(path: str, *, role: str | None = "act", language: str = "en-GB", **options: Any) -> Page:
            made: BrowserContext = browser.new_context(
                base_url=shop.url, locale=language, extra_http_headers={"Accept-Language": language}, **options
            )
            stack.callback(made.close)
            made.set_default_timeout(10_000)
            page = made.new_page()
            page.on("console", lambda said: amiss.append(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: amiss.append(str(error)))
            page.on("request", lambda asked: None if asked.url.startswith(shop.url) else amiss.append(asked.url))
            if role:
                sign_in(page, role)
            page.goto(path)
            return page

        yield open_it
    assert amiss == []


def sign_in(page: Page, role: str = "act") -> None:
    """Through the form, as people do."""
    page.goto("/console/login")
    page.fill("input[name=who]", "Ops")
    page.fill("input[name=password]", PASSWORD if role == "act" else VIEW_PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda url: "/login" not in url)
