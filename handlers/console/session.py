"""The console's session: one signed cookie, which no other door ever sees."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

from flask import Flask, Request, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from handlers.console.access import Role
from handlers.console.setup import ConsoleSetup

PATH: Final = "/console"
LONGEST: Final = timedelta(hours=12)
IDLE: Final = timedelta(hours=2)
# The cookie says when somebody was last here; a minute more or less is no matter, a new cookie for each page is.
_NOTE_EVERY: Final = timedelta(minutes=1)
_HERE: Final = ("127.0.0.1", "[::1]", "localhost")


def under_console(path: str) -> bool:
    """Whether this path is the console's."""
    return path == PATH or path.startswith(f"{PATH}/")


def on_this_machine() -> bool:
    """Whether the browser speaks to its own machine, where there is no TLS to ask for."""
    host = request.host
    return (host if host.endswith("]") else host.rsplit(":", 1)[0]) in _HERE


class ConsoleSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, for the console's doors alone; without TLS only on this machine."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session; None for all other doors, where there is none."""
        return super().open_session(app, request) if under_console(request.path) else None

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's own shape
        """Over TLS only, unless the browser is on this machine."""
        return not on_this_machine()


def fingerprint(setup: ConsoleSetup, role: Role) -> str:
    """What ties a session to the password it was opened with: another password, and it is over."""
    told = setup.password_hash if role == "act" else setup.view_password_hash
    key = (setup.secret_key or "").encode()
    return hmac.new(key, f"{role}:{told or ''}".encode(), hashlib.sha256).hexdigest()[:32]


def begin(setup: ConsoleSetup, who: str, role: Role, now: datetime) -> None:
    """Sign somebody in; whatever the session held before is gone."""
    session.clear()
    stamp = int(now.timestamp())
    session.update(who=who, role=role, since=stamp, seen=stamp, opened_with=fingerprint(setup, role))


def is_good(setup: ConsoleSetup, now: datetime) -> bool:
    """Whether somebody is signed in, with the password that counts now, not too long and not too long ago."""
    role, since, seen = session.get("role"), session.get("since"), session.get("seen")
    if role not in ("act", "view") or not isinstance(since, int) or not isinstance(seen, int):
        return False
    if (setup.view_password_hash if role == "view" else setup.password_hash) is None:
        return False
    if not hmac.compare_digest(str(session.get("opened_with")), fingerprint(setup, role)):
        return False
    stamp = int(now.timestamp())
    if stamp - since > LONGEST.total_seconds() or stamp - seen > IDLE.total_seconds():
        return False
    # What a page asks for by itself, to stay fresh, is nobody's presence.
    by_itself = request.method == "GET" and request.headers.get("HX-Request") == "true"
    if stamp - seen >= _NOTE_EVERY.total_seconds() and not by_itself:
        session["seen"] = stamp
    return True
