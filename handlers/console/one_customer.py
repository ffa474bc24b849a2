"""The pages of one customer: where they stand in each lane, what is known of them, and their story; compare, resync."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from customer import Member
from handlers.causes import Cause, cause_of
from handlers.console import errors
from handlers.console.access import acts, note
from handlers.console.facts import facts_of, name_of, reading_of
from handlers.console.texts import marked
from handlers.house import LANES, SYNCED, House
from handlers.preview import Preview, preview
from ledger import once_more
from ledger.report import Story
from ledger.timeline import Place, Timeline, timeline

_LARGEST: Final = 2**63 - 1
_MEMBERS_LANE: Final = "smaregi"
#: What can be compared and sent again: a letter can not.

#: What an attempt did, as it is said.
DID: Final = {
    "created": marked("created"),
    "updated": marked("updated"),
    "linked": marked("linked"),
    "unchanged": marked("nothing had to be sent"),
    "read": marked("read"),
    "gone": marked("not there any more"),
    "sent": marked("sent"),
}
#: What comparing found, as it is said, and how it is meant.
FOUND: Final = {
    "linked": (marked("linked, and not the same"), "warn"),
    "would be linked": (marked("would be linked"), "busy"),
    "would be created": (marked("would be created"), "busy"),
    "nothing to do": (marked("the same on both sides"), "good"),
    "cannot be told": (marked("cannot be told"), "warn"),
}


def pages(door: Blueprint, house: House) -> None:
    """``/console/customers/<id>`` and what is done there."""

    @door.get("/customers/<int:customer_id>")
    def customer(customer_id: int) -> str | AnyResponse:
        return _shown(house, customer_id, in_full=False)

    @door.post("/customers/<int:customer_id>/in-full")
    @acts
    def customer_in_full(customer_id: int) -> str | AnyResponse:
        if _story(house, customer_id) is None:
            return _unknown(customer_id)
        note(house, marked("looked at a customer in full"), customer_id=customer_id)
        return _shown(house, customer_id, in_full=True)

    @door.get("/customers/<int:customer_id>/compare")
    @acts
    def compare(customer_id: int) -> str | AnyResponse:
        story = _story(house, customer_id)
        if story is None or story.erasure:
            return _unknown(customer_id)
        lanes = _lanes(request.args.getlist("lane")) or SYNCED
        note(house, marked("compared a customer"), customer_id=customer_id, lanes=list(lanes))
        return render_template(
            "console/compare.html",
            customer_id=customer_id,
            name=name_of(story.customer.customer),
            compared=[preview(house, customer_id, lane) for lane in lanes if lane not in house.lanes_off],
            lanes=lanes,
            lanes_off={lane: house.lanes_off[lane] for lane in lanes if lane in house.lanes_off},
            choosing={row["lane"] for row in story.tasks if row["state"] == "failed" and row["choices"]},
            found=FOUND,
            cause=_cause_of_preview,
        )

    @door.post("/customers/<int:customer_id>/resync")
    @acts
    def resync_customer(customer_id: int) -> AnyResponse:
        story = _story(house, customer_id)
        if story is None or story.erasure:
            return _unknown(customer_id)
        lanes = _lanes(request.form.getlist("lane")) or SYNCED
        note(house, marked("resynced a customer"), customer_id=customer_id, lanes=list(lanes))
        count, _last = house.resync.page(now=house.now(), lanes=list(lanes), customer_ids=[customer_id])
        flash(
            ngettext(
                "%(num)d task is waiting now: everything is read and sent anew. The story below tells how it ends.",
                "%(num)d tasks are waiting now: everything is read and sent anew. The story below tells how they end.",
                count,
            ),
            "good",
        )
        return redirect(url_for("console.customer", customer_id=customer_id), 303)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where the customer stands in one lane; ``task`` is the row, None where there is no task (yet)."""

    lane: str
    task: Mapping[str, Any] | None
    off: str | None
    cause: Cause | None
    due_at: datetime | None
    sent: Sequence[str]
    link: str | None
    member: Member | None
    checked_at: datetime | None = None

    @property
    def state(self) -> str:
        """The state's word."""
        if self.checked_at:
            return "arrived"
        return "off" if self.task is None and self.off else str(self.task["state"]) if self.task else "none"


def _shown(house: House, customer_id: int, *, in_full: bool) -> str | AnyResponse:
    story = _story(house, customer_id)
    if story is None:
        return _unknown(customer_id)
    place = _place(request.args)
    customer = story.customer.customer
    return render_template(
        "console/customer.html",
        customer_id=customer_id,
        name=name_of(customer),
        reading=reading_of(customer),
        story=story,
        in_full=in_full,
        facts=facts_of(customer, in_full=in_full),
        standings=_standings(house, story),
        synced=SYNCED,
        timeline=timeline(house.database, customer_id, before=place),
        older=_older,
        newest=url_for("console.customer", customer_id=customer_id) if place else None,
        did=DID,
        cause_of=cause_of,
        shopify_link=_shopify_link(house.shop, customer_id),
    )


def _story(house: House, customer_id: int) -> Story | None:
    """What is known of them, without the events: those come page by page."""
    return house.report.story(customer_id, last=0) if customer_id <= _LARGEST else None


def _standings(house: House, story: Story) -> list[_Standing]:
    tasks = {str(row["lane"]): row for row in story.tasks}
    return [_standing(house, lane, tasks.get(lane)) for lane in LANES]


def _standing(house: House, lane: str, task: Mapping[str, Any] | None) -> _Standing:
    now, off = house.now(), house.lanes_off.get(lane)
    if task is None:
        return _Standing(lane, None, off, None, None, (), None, None)
    state, ref = task["state"], task["ref"]
    checked_at = once_more.checked_at(task)
    waits = state == "pending" and not off and task["due_at"] > now and not checked_at
    return _Standing(
        lane,
        task,
        off,
        cause_of(lane, task["kind"]) if task["kind"] else None,
        task["due_at"] if waits else None,
        sorted(task["sent"] or ()),
        _contact_link(house.console.portal_id, ref) if lane == "hubspot" and ref else None,
        house.members.by_id(ref) if lane == _MEMBERS_LANE and ref else None,
        checked_at,
    )


def _cause_of_preview(told: Preview) -> Cause | None:
    return cause_of(told.lane, told.kind) if told.kind else None


def _shopify_link(shop: str, customer_id: int) -> str:
    """https://help.shopify.com/en/manual/customers : the admin's address of a customer, as it stands in the browser."""
    return f"https://admin.shopify.com/store/{shop.removesuffix('.myshopify.com')}/customers/{customer_id}"


def _contact_link(portal_id: int | None, ref: str) -> str | None:
    """https://developers.hubspot.com/docs/guides/api/crm/understanding-the-crm : 0-1 is the type of contacts."""
    return f"https://app.hubspot.com/contacts/{portal_id}/record/0-1/{ref}" if portal_id and ref.isdecimal() else None


def _lanes(asked: Sequence[str]) -> tuple[str, ...]:
    """The lanes that are asked for, in the order in which a customer meets them; a mail is never sent once more."""
    return tuple(lane for lane in SYNCED if lane in asked)


def _place(told: Mapping[str, str]) -> Place | None:
    deliveries, attempts = told.get("deliveries", ""), told.get("attempts", "")
    if all(text.isascii() and text.isdigit() and len(text) <= 18 for text in (deliveries, attempts)):
        return int(deliveries), int(attempts)
    return None


def _older(customer_id: int, told: Timeline) -> str | None:
    if told.older is None:
        return None
    deliveries, attempts = told.older
    return url_for("console.customer", customer_id=customer_id, deliveries=deliveries, attempts=attempts)


def _unknown(customer_id: int) -> AnyResponse:
    return errors.page(
        404,
        _("No customer %(id)s is known here", id=customer_id),
        _("Save the customer again in the Shopify admin: that sends it here. If nothing comes, see the deliveries."),
    )
