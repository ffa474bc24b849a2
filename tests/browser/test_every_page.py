"""Every page of the console: whole on a phone and a desktop, readable in light and dark, without a fault."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Open, Shop

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
RULES = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


def is_whole(page: Page) -> list[str]:
    """What is wider than the screen, or lacks its one heading."""
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    wide = [f"{page.url} is {too_wide} pixels too wide"] if too_wide > 0 else []
    headings = page.locator("h1").count()
    return wide if headings == 1 else [*wide, f"{page.url} has {headings} headings"]


def can_be_used_by_all(page: Page) -> list[str]:
    """What axe-core finds wrong for keyboards, screen readers and weak eyes."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{page.url} {one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize(("scheme", "language"), [("light", "ja"), ("dark", "en-GB")])
def test_every_page_is_whole_and_can_be_used_by_all(
    open_page: Open, shop: Shop, screen: dict[str, object], scheme: str, language: str
) -> None:
    page = open_page("/console/", language=language, color_scheme=scheme, **screen)
    amiss: list[str] = []
    for path in shop.pages.values():
        page.goto(path)
        amiss += is_whole(page) + can_be_used_by_all(page)
    assert amiss == []


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_login_is_whole_and_can_be_used_by_all(open_page: Open, screen: dict[str, object]) -> None:
    page = open_page("/console/login", role=None, **screen)
    assert is_whole(page) + can_be_used_by_all(page) == []


def test_every_page_is_in_the_readers_language(open_page: Open, shop: Shop) -> None:
    page = open_page("/console/", language="ja")
    for name, path in shop.pages.items():
        page.goto(path)
        heading = page.locator("h1").inner_text()
        assert any("぀" <= sign <= "鿿" for sign in heading) or "<img" in heading, f"{name}: {heading}"
        assert page.locator("html").get_attribute("lang") == "ja"
