"""Opens the console: the blueprint, the languages, the session, CSRF, and each page's own doors."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from flask import Blueprint, Flask, request, url_for
from flask_babel import Babel, format_datetime, format_timedelta, get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFProtect

from handlers.console import (
    access,
    alerts,
    audit,
    customers,
    deliveries,
    failures,
    nav,
    overview,
    settings,
    words,
)
from handlers.console.corrected import corrected
from handlers.console.errors import error_pages
from handlers.console.guard import guard, hardened
from handlers.console.login import LANGUAGES, language_door, login_doors
from handlers.console.session import LONGEST, PATH, ConsoleSessions
from handlers.console.texts import TRANSLATIONS
from handlers.house import House

PAGES: Final[tuple[ModuleType, ...]] = (overview, customers, failures, deliveries, alerts, settings, audit)
_STATIC: Final = Path(__file__).parent / "static"


def open_console(app: Flask, house: House) -> None:
    """Add the console to ``app``; what it sets there is felt by no other door."""
    app.secret_key = house.console.secret_key
    app.config.update(
        SESSION_COOKIE_NAME="customer_sync_console",
        SESSION_COOKIE_PATH=PATH,
        SESSION_COOKIE_HTTPONLY=True,
        # Lax, not Strict: the link in an alert leads to its page, and not to the login.
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LONGEST,
        WTF_CSRF_CHECK_DEFAULT=False,  # the guard asks, for the console's doors alone
        WTF_CSRF_TIME_LIMIT=None,  # it lives as long as the session
        WTF_CSRF_SSL_STRICT=False,  # the pages send no referrer
    )
    app.session_interface = ConsoleSessions()
    Babel(
        app,
        default_locale="en",
        default_timezone="Asia/Tokyo",
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=language,
    )
    app.register_blueprint(console_door(house, CSRFProtect(app)))
    app.after_request(hardened)


def console_door(house: House, csrf: CSRFProtect) -> Blueprint:
    """Every door under ``/console``."""
    door = Blueprint("console", __name__, url_prefix=PATH, template_folder="templates", static_folder="static")
    guard(door, house, csrf)
    login_doors(door, house)
    language_door(door)
    for page in PAGES:
        page.pages(door, house)
    error_pages(door)
    door.context_processor(lambda: _for_templates(house))
    return door


def language() -> str:
    """The reader's language: the one they chose, else the first of their browser's that we speak."""
    chosen = request.cookies.get("language")
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(LANGUAGES, default="en") or "en"


def _for_templates(house: House) -> dict[str, Any]:
    def ago(at: datetime) -> str:
        gone = (at - house.now()).total_seconds()
        return str(_("just now") if abs(gone) < 1 else format_timedelta(gone, add_direction=True, threshold=1.1))

    def exactly(at: datetime) -> str:
        return str(format_datetime(at, "yyyy-MM-dd HH:mm:ss"))

    def clock(at: datetime) -> str:
        return str(format_datetime(at, "HH:mm:ss"))

    return {
        "clock": clock,
        "corrected": corrected,
        "shop": house.shop,
        "who": access.who(),
        "role": access.role(),
        "may_act": access.may_act(),
        "nav_pages": nav.PAGES,
        "nav_counts": nav.counts,
        "locale": str(get_locale() or "en"),
        "asset": asset,
        "here": request.full_path.rstrip("?") if request.method == "GET" else url_for("console.overview"),
        "current_page": request.path.removeprefix(f"{PATH}/").partition("/")[0] or "overview",
        "time_ago": ago,
        "exactly": exactly,
        "word": words.word,
        "tone": words.tone,
        "lane_name": words.lane,
        "why_off": words.why_off,
        "said": _,
    }


def asset(name: str) -> str:
    """A static file's address with its content in it, so that a browser keeps it until it changes."""
    return url_for("console.static", filename=name, v=_version(name))


@cache
def _version(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
