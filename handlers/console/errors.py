"""The console's pages for what went wrong: each says what to do now."""

from __future__ import annotations

import structlog
from flask import Blueprint, abort, current_app, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from handlers.console.session import on_this_machine
from ledger.database import StoreBusy

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def error_pages(door: Blueprint) -> None:
    """Show what goes wrong in any door of the console in its own frame."""

    @door.errorhandler(HTTPException)
    def refused(e: HTTPException) -> AnyResponse:
        if e.response is not None:
            return e.response  # type: ignore[return-value]  # a redirect, for example
        return page(e.code or 500, *_words(e.code or 500))

    @door.errorhandler(CSRFError)
    def no_token(_e: CSRFError) -> AnyResponse:
        if not request.is_secure and not on_this_machine() and not request.cookies:
            what = _("The browser sent no cookie: over http it keeps none. Open the console by its https address.")
        else:
            what = _("The page was open for too long, or you have signed in anew since. Go back, reload it, try again.")
        return page(400, _("This was not done"), what)

    @door.errorhandler(StoreBusy)
    def busy(_e: StoreBusy) -> AnyResponse:
        return page(503, _("The database is busy"), _("Nothing was lost. Try again in a few seconds."))

    @door.errorhandler(Exception)
    def broken(e: Exception) -> AnyResponse:
        if current_app.testing:
            raise e
        structlog.get_logger().error("console", outcome="failed", method=request.method, exc_info=e)
        return page(500, *_words(500))

    @door.route("/<path:rest>", methods=METHODS)
    def nothing(rest: str) -> AnyResponse:  # noqa: ARG001 - any path that is nobody's
        abort(404)


def page(status: int, title: str, what: str) -> AnyResponse:
    """An error's page; it asks the ledger nothing, for that may be what is wrong."""
    said = render_template("console/error.html", status=status, heading=title, what=what, nav_counts=dict)
    return make_response(said, status)


def _words(status: int) -> tuple[str, str]:
    known = {
        403: (_("You may look, but not act"), _("Sign out, and in again with the password of those who may act.")),
        404: (_("There is nothing here"), _("The address is wrong, or what it showed is gone.")),
    }
    if status in known:
        return known[status]
    if status < 500:
        return _("This was not understood"), _("Go back, look at what you have entered, and try again.")
    return _("Something broke here"), _("Nothing was lost. Try again; if it stays so, the log tells more.")
