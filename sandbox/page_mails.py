"""The inbox of everybody who registered here: each welcome mail as its reader would see it."""

import base64
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.mail import Mail

if TYPE_CHECKING:
    from sandbox.world import World

MOST_ROWS: Final = 200
_PAGE: Final = "default-src 'self'; frame-ancestors 'none'"
#: What came from outside runs nothing, loads nothing and sends nothing; a mail brings its own looks.
_BODY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"


def blueprint(world: "World") -> Blueprint:
    """Mounted at `/mails`."""
    doors = Blueprint("mails", __name__, url_prefix="/mails")

    @doors.get("")
    def inbox() -> ResponseReturnValue:
        mails = world.mail.all()[::-1]
        return render_template("mails.html", mails=mails[:MOST_ROWS], total=len(mails), most=MOST_ROWS)

    @doors.get("/<int:number>")
    def mail(number: int) -> ResponseReturnValue:
        return render_template("mail.html", mail=_mail(world, number))

    @doors.get("/<int:number>/body.html")
    def body(number: int) -> ResponseReturnValue:
        return _with_pictures(_mail(world, number))

    @doors.get("/<int:number>/raw")
    def raw(number: int) -> ResponseReturnValue:
        return Response(_mail(world, number).raw, mimetype="text/plain")

    @doors.after_request
    def guard(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = _BODY if request.endpoint == "mails.body" else _PAGE
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return doors


def _mail(world: "World", number: int) -> Mail:
    found = world.mail.find(number)
    if found is None:
        abort(404)
    return found


def _with_pictures(mail: Mail) -> str:
    """The HTML with the mail's own pictures in their places."""
    html = mail.html
    for name, picture in mail.pictures.items():
        html = html.replace(f"cid:{name}", f"data:image/png;base64,{base64.b64encode(picture).decode()}")
    return html
