"""The pictures of the console in the docs: `make demo` in one terminal, and when its crowd has come `make pictures`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from sandbox.demo_stage import PASSWORD
from tests.chromium import FLAGS

IMAGES: Final = Path(__file__).parent.parent.parent / "docs" / "img"
DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1180, "height": 820}, "locale": "ja"}
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "color_scheme": "dark",
    "locale": "ja",
}
#: So many of them are enough to see how it is on a phone.
ON_A_PHONE: Final = ("overview", "customers", "customer", "failures", "cause", "choice")
#: Each picture with where it is taken; "" for what is found on the page before, by what is clicked there.
PAGES: Final[tuple[tuple[str, str, str], ...]] = (
    ("overview", "/console/", ""),
    ("customers", "/console/customers", ""),
    ("customer", "", "main tbody a[href^='/console/customers/']"),
    ("compare", "", "a[href*='/compare']"),
    ("failures", "/console/failures", ""),
    ("cause", "", "main a[href*='/failures/group?lane=smaregi']"),
    ("choice", "", "main a[href*='/failures/'][href$='/smaregi']"),
    ("deliveries", "/console/deliveries", ""),
    ("delivery", "", "main tbody a[href^='/console/deliveries/']"),
    ("alerts", "/console/alerts", ""),
    ("settings", "/console/settings", ""),
    ("audit", "/console/audit", ""),
)


def take(url: str) -> None:
    """Every page on a desktop, and some on a phone, as PNG files beside the docs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for kind, options in (("", DESKTOP), ("-phone", PHONE)):
            page = browser.new_context(base_url=url, **options).new_page()
            page.goto("/console/login")
            if not kind:
                _keep(page, "console-login")
            page.fill("input[name=who]", "見本")
            page.fill("input[name=password]", PASSWORD)
            page.click("main button")
            page.wait_for_url(lambda where: "/login" not in where)
            for name, path, click in PAGES:
                if kind and name not in ON_A_PHONE:
                    continue
                if path:
                    page.goto(path)
                else:
                    page.locator(click).first.click()
                    page.wait_for_load_state()
                _keep(page, f"console-{name}{kind}")
        browser.close()


def _keep(page: Page, name: str) -> None:
    page.screenshot(path=IMAGES / f"{name}.png")
    sys.stdout.write(f"docs/img/{name}.png\n")


if __name__ == "__main__":
    take(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
