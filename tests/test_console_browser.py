"""The console in a real browser: by keyboard, without JavaScript, on a phone, in the dark, and within its policy.

Needs Chromium (`CHROMIUM` names it, else it is looked for); without one these tests are skipped, but never in CI.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from flask import Blueprint, flash, redirect, render_template_string, url_for
from werkzeug.wrappers import Response

from handlers.console import door as doors
from handlers.console.access import acts, note
from handlers.house import House
from tests.building import house_of
from tests.console import PASSWORD, VIEW_PASSWORD, console_app

PAGE = """{% extends "console/base.html" %}{% import "console/parts.html" as parts with context %}
{% block main %}<h1>Try</h1>{{ parts.id(6900000000001) }} {{ parts.ago(at) }}
{% for state in states %}{{ parts.badge(state) }} {% endfor %}
{{ parts.notice("good") }}{{ parts.notice("bad", "bad") }}{{ parts.notice("warn", "warn") }}
{{ parts.action(url_for("console.press"), "Press", {}, "danger", confirm="Really press it?") }}
{{ parts.action(url_for("console.press"), "Act", {}, "act") }}
<p id="part" hx-get="{{ url_for('console.part') }}" hx-trigger="load">old</p>{% endblock %}"""


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class _Server(WSGIServer):
    def handle_error(self, *_: Any) -> None:
        """A browser that has gone is no error of ours."""


def _pages(door: Blueprint, house: House) -> None:
    @door.get("/try")
    def try_page() -> str:
        from handlers.console.words import STATES  # noqa: PLC0415

        return render_template_string(PAGE, at=house.now(), states=STATES)

    @door.get("/try/part")
    def part() -> str:
        return "new"

    @door.post("/try")
    @acts
    def press() -> Response:
        note(house, "pressed")
        flash("It was pressed.", "good")
        return redirect(url_for("console.try_page"), 303)


@pytest.fixture
def url(sqlite_url: str, mocker: Any) -> Iterator[str]:
    """Where the console is served, with one page more to try things on."""
    mocker.patch("handlers.console.door.PAGES", [*doors.PAGES, mocker.Mock(pages=_pages)])
    app = console_app(sqlite_url)
    with make_server("127.0.0.1", 0, app, server_class=_Server, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/console"
        server.shutdown()
        thread.join()
    house_of(app).close()


def signed_in(browser: Any, url: str, *, password: str = PASSWORD, **how: Any) -> Any:
    """A page in which somebody has signed in by keyboard; it collects what the browser complains of in ``told``."""
    page = browser.new_context(**{"locale": "en", **how}).new_page()
    page.told = []
    page.on("console", lambda message: page.told.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.told.append(str(error)))
    page.goto(f"{url}/")
    page.keyboard.type("見本")  # the first field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")
    return page


def addresses(page: Any, url: str) -> list[str]:
    """The pages of the menu, and the one to try things on."""
    found = page.eval_on_selector_all(".top__nav .nav a", "links => links.map(a => a.href)")
    return [*found, f"{url}/try"]


TOO_FAINT = """() => {
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = e => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  const faint = [];
  for (const e of document.querySelectorAll("body *")) {
    if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) faint.push(e.className + ": " + e.textContent.trim().slice(0, 30));
  }
  return faint;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "language"), [(360, "ja"), (360, "en"), (1280, "ja")])
def test_every_page_fits_is_legible_and_breaks_no_rule_of_its_own(
    browser: Any, url: str, scheme: str, width: int, language: str
) -> None:
    page = signed_in(browser, url, viewport={"width": width, "height": 800}, color_scheme=scheme, locale=language)
    for address in addresses(page, url):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(TOO_FAINT) == [], address
        unnamed = page.eval_on_selector_all(
            "main input:not([type=hidden]), main select, main button",
            "all => all.filter(e => !e.labels?.length && !e.ariaLabel && !e.textContent.trim()).map(e => e.outerHTML)",
        )
        assert unnamed == [], address
    assert page.told == []


def test_the_first_key_leads_past_the_menu(browser: Any, url: str) -> None:
    page = signed_in(browser, url)
    page.goto(f"{url}/settings")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_dangerous_button_asks_first_and_does_nothing_when_the_answer_is_no(browser: Any, url: str) -> None:
    page = signed_in(browser, url)
    page.goto(f"{url}/try")
    page.get_by_role("button", name="Press").press("Enter")
    assert page.locator("dialog").inner_text().startswith("Really press it?")
    page.keyboard.press("Escape")
    assert page.url == f"{url}/try"
    assert page.get_by_role("heading", name="Try").is_visible()
    page.get_by_role("button", name="Press").click()
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text("It was pressed.").wait_for()
    assert page.told == []


def test_htmx_fills_in_a_part_under_the_policy(browser: Any, url: str) -> None:
    page = signed_in(browser, url)
    page.goto(f"{url}/try")
    page.wait_for_function("document.getElementById('part').textContent === 'new'")
    assert page.evaluate("htmx.config.allowEval") is False
    assert page.evaluate("htmx.config.includeIndicatorStyles") is False
    assert page.told == []


def test_those_who_may_only_look_see_no_button_that_acts(browser: Any, url: str) -> None:
    page = signed_in(browser, url, password=VIEW_PASSWORD)
    page.goto(f"{url}/try")
    assert page.get_by_role("button", name="Press").count() == 0


@pytest.mark.parametrize("width", [360, 1280])
def test_everything_works_without_javascript(browser: Any, url: str, width: int) -> None:
    page = signed_in(browser, url, java_script_enabled=False, viewport={"width": width, "height": 800})
    if width == 360:
        page.locator("#menu summary").click()
    page.locator("nav a:visible", has_text="Audit log").click()
    assert "signed in" in page.locator("main").inner_text()
    if width == 360:
        page.locator("#menu summary").click()
    page.locator("button:visible", has_text="日本語").click()
    assert "操作ログ" in page.locator("h1").inner_text()
    page.goto(f"{url}/try")
    page.get_by_role("button", name="Act").click()
    assert "It was pressed." in page.locator("main").inner_text()
