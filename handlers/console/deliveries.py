"""What Shopify delivered: a list, one delivery with its body hidden until it is shown on purpose, and post it again."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from handlers import masking
from handlers.console.access import acts, note
from handlers.console.texts import marked
from handlers.house import House
from handlers.repost import new_webhook_id, post_again
from handlers.topics import CUSTOMER_TOPICS
from handlers.webhook import Door
from ledger.deliveries import VERDICTS, Asked, Whole

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


def _again(house: House, whole: Whole) -> Response:
    """Post it again, and say honestly what came of it."""
    here, customer_id = whole.delivery.id, whole.delivery.customer_id
    if whole.delivery.body_gone_at:
        flash(_("The body is gone, so it cannot be posted again."), "bad")
        return redirect(url_for("console.delivery", delivery_id=here), 303)
    webhook_id = new_webhook_id()
    note(house, marked("posted a delivery again"), customer_id=customer_id, delivery=here, webhook_id=webhook_id)
    posted = post_again(cast(Door, current_app.extensions["webhooks"]), whole, webhook_id)
    number = house.deliveries.number_of(whole.delivery.shop, whole.delivery.topic, webhook_id)
    if posted.status != 200 or number is None:
        told = _("The door answered %(status)s: %(said)s. Nothing was changed.", status=posted.status, said=posted.said)
        flash(told, "bad")
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
