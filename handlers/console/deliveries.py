"""What Shopify delivered: a list, one delivery with its body hidden until it is shown on purpose, and post it again."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from handlers import masking
from handlers.console import nav
from handlers.console.access import acts, note
from handlers.console.texts import marked
from handlers.house import House
from handlers.repost import post_again, webhook_id_for
from handlers.topics import CUSTOMER_TOPICS
from handlers.webhook import Door
from ledger.deliveries import VERDICTS, Asked, Whole
from ledger.unreadable import LONGEST_REASON, NEVER_READ, UNREADABLE

PAGE: Final = 50
#: So many days of refusals are told.
DAYS: Final = 7
_JAPAN: Final = ZoneInfo("Asia/Tokyo")
_LARGEST: Final = 2**63 - 1
#: What each verdict means for whoever reads it.
MEANINGS: Final = {
    "changed": marked("It told us something new: the customer was taken in and is carried to the far sides."),
    "unchanged": marked("It told us nothing new. What had failed for this customer was tried again."),
    "older": marked("It is older than what we know, so it changed nothing."),
    "test": marked("A test, or Shopify's sample customer: kept, and carried nowhere."),
    "unreadable": marked("It is signed, but it cannot be read. It is kept whole, and nothing was done."),
    "dismissed": marked("It could not be read, and somebody has closed it. Nothing was done for it."),
    "replaced": marked("It could not be read. It was posted again later, and the new delivery stands in its place."),
    "ignored": marked("A topic that this service does not act on: kept, and nothing was done."),
}


def pages(door: Blueprint, house: House) -> None:
    """``/console/deliveries`` and what is done there."""

    @door.get("/deliveries")
    def deliveries() -> str:
        # PostgreSQL takes no NUL.
        asked = {name: request.args.get(name, "") for name in ("verdict", "topic", "day", "customer")}
        fields = {name: told.replace("\x00", "").strip()[:200] for name, told in asked.items()}
        page = house.deliveries.page(_asked(fields), before=_number(request.args.get("before", "")), limit=PAGE)
        kept: dict[str, Any] = {name: value for name, value in fields.items() if value}
        return render_template(
            "console/deliveries.html",
            page=page,
            fields=fields,
            verdicts=VERDICTS,
            topics=sorted(CUSTOMER_TOPICS),
            newer=_url(kept) if request.args.get("before") else None,
            older=_url(kept, before=page.older) if page.older is not None else None,
            refusals=_refusals(house),
            closable=[row.id for row in page.rows if row.verdict == UNREADABLE and not row.body_gone_at]
            if fields["verdict"] == UNREADABLE
            else [],
        )

    @door.get(f"/deliveries/<int(max={_LARGEST}):delivery_id>")
    def delivery(delivery_id: int) -> str:
        return _page_of(_whole(house, delivery_id), shown=False)

    @door.post(f"/deliveries/<int(max={_LARGEST}):delivery_id>/show")
    @acts
    def delivery_show(delivery_id: int) -> str:
        whole = _whole(house, delivery_id)
        note(house, marked("showed a delivery's body"), customer_id=whole.delivery.customer_id, delivery=delivery_id)
        return _page_of(whole, shown=True)

    @door.post(f"/deliveries/<int(max={_LARGEST}):delivery_id>/again")
    @acts
    def delivery_again(delivery_id: int) -> Response:
        return _again(house, _whole(house, delivery_id))

    @door.post("/deliveries/close")
    @acts
    def deliveries_close() -> Response:
        numbers = [n for told in request.form.getlist("delivery")[:PAGE] if (n := _number(told))]
        return _close(house, numbers, request.form.get("why", "").replace("\x00", "").strip()[:LONGEST_REASON])

    nav.count(door, "deliveries", lambda: house.unreadable.left().count)


def _close(house: House, numbers: list[int], why: str) -> Response:
    """Close what cannot be read, one or a page of it."""
    one = url_for("console.delivery", delivery_id=numbers[0]) if len(numbers) == 1 else None
    if not why or not numbers:
        flash(_("Nothing was closed: a reason is needed."), "bad")
        return redirect(one or url_for("console.deliveries", verdict=UNREADABLE), 303)
    for number in numbers:
        note(house, marked("closed an unreadable delivery"), delivery=number, why=why)
    closed = house.unreadable.close(numbers, why, now=house.now())
    told = ngettext("%(num)d delivery is closed.", "%(num)d deliveries are closed.", len(closed))
    flash(told if closed else _("It is dealt with already; nothing was changed."), "good" if closed else "warn")
    return redirect(one or url_for("console.deliveries", verdict=UNREADABLE), 303)


def _again(house: House, whole: Whole) -> Response:
    """Post it again, and say honestly what came of it."""
    here, customer_id = whole.delivery.id, whole.delivery.customer_id
    if whole.delivery.body_gone_at:
        flash(_("The body is gone, so it cannot be posted again."), "bad")
        return redirect(url_for("console.delivery", delivery_id=here), 303)
    webhook_id = webhook_id_for(whole)
    note(house, marked("posted a delivery again"), customer_id=customer_id, delivery=here, webhook_id=webhook_id)
    posted = post_again(cast(Door, current_app.extensions["webhooks"]), whole, webhook_id)
    number = house.deliveries.number_of(whole.delivery.shop, whole.delivery.topic, webhook_id)
    if posted.status != 200 or number is None:
        told = _("The door answered %(status)s: %(said)s. Nothing was changed.", status=posted.status, said=posted.said)
        flash(told, "bad")
        return redirect(url_for("console.delivery", delivery_id=here), 303)
    if number == here:
        flash(_("Posted again, and it still cannot be read. Nothing was changed."), "warn")
        return redirect(url_for("console.delivery", delivery_id=here), 303)
    became = house.deliveries.one(number)
    if became is not None and became.delivery.verdict == "older":
        flash(
            _("Posted again, but it is older than what we know and changed nothing. Resync the customer instead."),
            "warn",
        )
    else:
        flash(_("Posted again. This is the new delivery."), "good")
    return redirect(url_for("console.delivery", delivery_id=number), 303)


def _page_of(whole: Whole, *, shown: bool) -> str:
    gone = whole.delivery.body_gone_at is not None
    return render_template(
        "console/delivery.html",
        delivery=whole.delivery,
        attempts=whole.attempts,
        meaning=MEANINGS.get(whole.delivery.verdict, ""),
        size=len(whole.body),
        gone=gone,
        told=None if gone else masking.told(whole.body, shown=shown),
        shown=shown,
        closable=whole.delivery.verdict == UNREADABLE and not gone,
        replaces=whole.delivery.verdict in NEVER_READ,
    )


def _whole(house: House, delivery_id: int) -> Whole:
    return house.deliveries.one(delivery_id) or abort(404)


def _asked(fields: dict[str, str]) -> Asked:
    """What the form asks for; what makes no sense asks for nothing."""
    day = _day(fields["day"])
    since = datetime.combine(day, time(), _JAPAN) if day else None
    return Asked(
        verdict=fields["verdict"] if fields["verdict"] in VERDICTS else None,
        topic=fields["topic"] or None,
        customer_id=_number(fields["customer"]),
        since=since,
        until=since + timedelta(days=1) if since else None,
    )


def _refusals(house: House) -> list[tuple[date, dict[str, int]]]:
    """By day (UTC, as they are counted) what was turned away at the door, the newest first; only days with any."""
    today = house.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS)]
    told = [(day, house.tallies.of(day.isoformat())) for day in days]
    refused = [
        (day, {n.removeprefix("refused "): c for n, c in of.items() if n.startswith("refused ")}) for day, of in told
    ]
    return [(day, counts) for day, counts in refused if counts]


def _day(told: str) -> date | None:
    try:
        day = date.fromisoformat(told)
    except ValueError:
        return None
    return day if 2000 <= day.year < 3000 else None


def _number(told: str) -> int | None:
    return int(told) if told.isascii() and told.isdigit() and len(told) <= 18 else None


def _url(kept: dict[str, Any], **more: Any) -> str:
    return url_for("console.deliveries", **kept, **more)
