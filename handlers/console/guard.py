"""What stands before every door of the console (login, CSRF, the two roles), and the headers of each answer."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, make_response, redirect, request, session, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from handlers.console import session as sessions
from handlers.console.access import may_act
from handlers.house import House

#: Doors for those who have not signed in.
_OPEN: Final = frozenset({"console.login", "console.sign_in", "console.language", "console.static"})
#: What those may post who may change nothing.
_HARMLESS: Final = frozenset({"console.sign_in", "console.language", "console.logout"})

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "font", "connect")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
A_YEAR_S: Final = 31_536_000


def guard(door: Blueprint, house: House, csrf: CSRFProtect) -> None:
    """Put the guards before every view of ``door``, those of page modules included."""

    @door.before_request
    def let_in() -> AnyResponse | None:
        if request.endpoint == "console.static":
            return None
        signed_in = sessions.is_good(house.console, house.now())
        if not signed_in and request.endpoint not in _OPEN:
            return _to_login()
        if request.method in ("POST", "PUT", "PATCH", "DELETE"):
            if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
                raise CSRFError("another site asked for it")
            csrf.protect()
            if request.endpoint not in _HARMLESS and not may_act():
                abort(403)
        return None


def _to_login() -> AnyResponse:
    for word in [key for key in session if key != "csrf_token"]:
        del session[word]
    if request.headers.get("HX-Request") == "true":
        # A part of a page asked: the browser goes to the login as a whole, and comes back to that page.
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        to = url_for("console.login", next=f"{page.path}?{page.query}".rstrip("?") or None)
        return make_response("", 401, {"HX-Redirect": to})
    if request.method not in ("GET", "HEAD"):
        return redirect(url_for("console.login", lost=1), 303)
    return redirect(url_for("console.login", next=request.full_path.rstrip("?")), 303)


def hardened(response: Response) -> Response:
    """The answer with the headers that every page of the console has."""
    if not sessions.under_console(request.path):
        return response
    response.headers.update(_HEADERS)
    if request.endpoint == "console.static" and response.status_code in (200, 304):
        kept = "public, max-age=31536000, immutable" if request.args.get("v") else "no-cache"
        response.headers["Cache-Control"] = kept
    else:
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={A_YEAR_S}"
    return response


def same_site_path(text: str | None) -> str:
    """Where to go after the login: a path of the console, whatever the address said."""
    fallback = url_for("console.overview")
    if not text or not sessions.under_console(text.split("?", 1)[0]) or "\\" in text or ".." in text:
        return fallback
    return text if text.isprintable() else fallback
