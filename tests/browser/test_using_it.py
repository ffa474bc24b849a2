"""What people do in the console: with a keyboard, on a phone without scripts, and with second thoughts."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open, Shop, sign_in
from tests.browser.test_every_page import PHONE
from tests.console import PASSWORD


def test_somebody_signs_in_with_the_keyboard_alone(open_page: Open) -> None:
    page = open_page("/console/login", role=None)
    page.locator("input[name=who]").focus()
    page.keyboard.type("Ops")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("href", "#main")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_without_scripts_a_phone_reaches_every_page_by_its_menu(open_page: Open) -> None:
    page = open_page("/console/", java_script_enabled=False, **PHONE)
    hrefs = page.locator("details.menu a").evaluate_all("links => links.map(one => one.getAttribute('href'))")
    assert len(hrefs) == 7
    for href in hrefs:
        page.locator("details.menu summary").click()
        page.locator(f"details.menu a[href='{href}']").click()
        assert page.url.endswith(href)
        expect(page.locator("h1")).to_be_visible()


def test_a_customer_is_found_compared_and_sent_again(open_page: Open, shop: Shop) -> None:
    number = shop.ids["person 1"]
    page = open_page("/console/customers")
    page.fill("input[name=q]", str(number))
    page.keyboard.press("Enter")
    page.locator(f"a[href='/console/customers/{number}']").first.click()
    expect(page.locator("main")).to_contain_text(str(number))
    page.locator(f"a[href^='/console/customers/{number}/compare']").first.click()
    page.locator(f"form[action^='/console/customers/{number}/resync'] button").first.click()
    if page.locator("dialog[open]").count():
        page.locator("dialog[open] button[value=yes]").click()
    expect(page.locator(".notice").first).to_be_visible()
    shop.flow.rest()
    page.goto("/console/audit")
    expect(page.locator("main")).to_contain_text(str(number))


def test_second_thoughts_change_nothing(open_page: Open, shop: Shop) -> None:
    before = shop.flow.house.report.failures(("smaregi", "hubspot"))
    page = open_page("/console/failures")
    asked = page.locator("form[data-confirm] button").first
    asked.click()
    page.locator("dialog[open] button[value=no]").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    asked.click()
    page.keyboard.press("Escape")
    assert shop.flow.house.report.failures(("smaregi", "hubspot")) == before


def test_names_that_are_scripts_are_only_names(open_page: Open, shop: Shop) -> None:
    page = open_page("/console/")
    number = shop.ids["mischief"]
    for path in (*shop.pages.values(), f"/console/customers/{number}", "/console/customers?q=warui@example.jp"):
        page.goto(path)
        assert page.evaluate("window.mischief") is None, path
    page.goto(f"/console/customers/{number}")
    expect(page.locator("main")).to_contain_text("<img src=x")


def test_whoever_only_looks_sees_no_button_that_acts(open_page: Open, shop: Shop) -> None:
    page = open_page("/console/failures", role="view")
    for path in shop.pages.values():
        page.goto(path)
        actions = page.locator("main form[method=post]").evaluate_all("all => all.map(one => one.action)")
        assert actions == [], path


def test_the_language_stays_as_it_was_chosen(open_page: Open) -> None:
    page = open_page("/console/")
    page.locator("button[name=language][value=ja]").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    page.goto("/console/settings")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    page.locator("button[name=language][value=en]").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_after_signing_out_the_back_button_shows_nothing(open_page: Open) -> None:
    page = open_page("/console/customers")
    page.locator("form[action='/console/logout'] button").first.click()
    page.wait_for_url(lambda url: "/login" in url)
    page.go_back()
    page.wait_for_url(lambda url: "/login" in url)
    sign_in(page)
