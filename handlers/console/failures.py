"""What waits for a person: by cause, with what to do; tried again by one, by cause or all; and the choices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from handlers.again import try_again
from handlers.causes import Cause, cause_of
from handlers.console import nav
from handlers.console.access import acts, note
from handlers.console.texts import marked
from handlers.console.words import lane as lane_name
from handlers.house import DESTINATIONS, LANES, MAIL, SYNCED, House
from ledger.breaker import Health, pause_left
from ledger.resync import AlreadyLinked
from ledger.waiting import Place, Stuck

PAGE: Final = 50
_MOST_CLOSED: Final = 50_000
_REF: Final = re.compile(r"[0-9A-Za-z_-]{1,40}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST: Final = 2**63 - 1
#: What a choice is chosen by: the member or contact it stands for.
_CHOSEN_BY: Final = ("member", "contact")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A lane that is ill as a whole: ``state`` as a badge shows it."""

    lane: str
    state: str
    health: Health
    cause: Cause


def pages(door: Blueprint, house: House) -> None:
    """``/console/failures`` and what is done there."""
    nav.count(door, "failures", lambda: house.waiting.total(LANES))
    _looks(door, house)
    _lanes(door, house)
    _tries(door, house)
    _mails(door, house)
    _choices(door, house)


def _looks(door: Blueprint, house: House) -> None:
    @door.get("/failures")
    def failures() -> str:
        groups = house.waiting.groups(LANES, examples=1)
        oldest_first = request.args.get("sort") == "oldest"
        if oldest_first:
            groups.sort(key=lambda group: group.since or house.now())
        return render_template(
            "console/failures.html",
            troubles=troubles(house),
            groups=[(group, cause_of(group.lane, group.kind)) for group in groups],
            total=sum(group.count for group in groups),
            oldest_first=oldest_first,
            left=_left(),
            before=request.args.get("before", ""),
        )

    @door.get("/failures/group")
    def failures_group() -> str:
        lane, kind = _cause_asked(request.args)
        stuck = house.waiting.page(lane, kind, after=_place(request.args.get("after", "")), limit=PAGE + 1)
        rows, more = stuck[:PAGE], len(stuck) > PAGE
        return render_template(
            "console/failures_group.html",
            lane=lane,
            kind=kind,
            cause=cause_of(lane, kind),
            count=house.waiting.count(lane, kind),
            rows=rows,
            first=_group_url(lane, kind) if request.args.get("after") else None,
            more=_group_url(lane, kind, after=_named(rows[-1].place)) if more else None,
            left=_left(),
            before=request.args.get("before", ""),
        )


def _lanes(door: Blueprint, house: House) -> None:
    @door.post("/failures/try-lane")
    @acts
    def failures_try_lane() -> Response:
        """A lane that has stopped, or was asked to wait for long, is tried at once with one customer."""
        lane = _lane(request.form.get("lane", ""))
        note(house, marked("tried a stopped lane"), lane=lane)
        if lane not in house.lanes_off and house.book.health_book.probe_now(lane, now=house.now()):
            flash(_("%(lane)s is tried with one customer now.", lane=lane_name(lane)), "good")
        else:
            flash(_("%(lane)s has not stopped, or is being tried at this moment.", lane=lane_name(lane)), "warn")
        return redirect(url_for("console.failures"), 303)


def _tries(door: Blueprint, house: House) -> None:
    @door.post("/failures/retry")
    @acts
    def failures_retry() -> Response:
        """One cause, or every cause when no lane is named."""
        one = bool(request.form.get("lane"))
        causes = [_cause_asked(request.form)] if one else [(g.lane, g.kind) for g in house.waiting.groups(SYNCED)]
        failed_until = _moment(request.form.get("before", "")) or house.now()
        lane, kind = causes[0] if one else ("all", "all")
        note(house, marked("tried failed tasks again"), lane=lane, kind=kind or "")
        tried = try_again(house, causes, failed_until=failed_until)
        flash(ngettext("%(num)d task is tried again.", "%(num)d tasks are tried again.", tried.tasks), "good")
        more: dict[str, Any] = {"left": tried.left, "before": _stamp(failed_until)} if tried.left else {}
        if one and house.waiting.count(*causes[0]):
            return redirect(_group_url(*causes[0], **more), 303)
        return redirect(url_for("console.failures", **more), 303)

    @door.post("/failures/retry-one")
    @acts
    def failures_retry_one() -> Response:
        customer_id, lane = _customer_asked(request.form), _lane(request.form.get("lane", ""))
        note(house, marked("tried a failed task again"), customer_id=customer_id, lane=lane)
        stuck = house.waiting.one(customer_id, lane)
        made, _last = house.resync.page(now=house.now(), lanes=[lane], customer_ids=[customer_id], only="failed")
        if made:
            flash(_("Customer %(id)s is tried again now.", id=customer_id), "good")
        else:
            flash(_("Customer %(id)s does not wait for a person any more.", id=customer_id), "warn")
        return _back(house, stuck)


def _mails(door: Blueprint, house: House) -> None:
    @door.post("/failures/let-be")
    @acts
    def failures_let_be() -> Response:
        """Mails that failed with one cause, or one customer's: nobody is sent one later, so a person may close them."""
        kind = _kind(request.form.get("kind", ""))
        one = _customer_asked(request.form) if request.form.get("customer_id") else None
        note(house, marked("let failed mails be"), customer_id=one, kind=kind or "")
        closed = 0
        while closed < _MOST_CLOSED and (
            more := house.mails.let_be(kind, now=house.now(), customer_ids=None if one is None else [one])
        ):
            closed += more
        flash(ngettext("%(num)d mail is let be.", "%(num)d mails are let be.", closed), "good")
        if house.waiting.count(MAIL, kind):
            return redirect(_group_url(MAIL, kind), 303)
        return redirect(url_for("console.failures"), 303)


def _choices(door: Blueprint, house: House) -> None:
    @door.get(f"/failures/<int(max={_LARGEST}):customer_id>/<lane>")
    def failures_choose(customer_id: int, lane: str) -> str:
        stuck = house.waiting.one(customer_id, _lane(lane))
        if stuck is None:
            abort(404)
        return render_template(
            "console/failures_choose.html",
            stuck=stuck,
            cause=cause_of(lane, stuck.kind),
            choices=told_once(stuck.choices),
        )

    @door.post("/failures/link")
    @acts
    def failures_link() -> Response:
        customer_id, lane = _customer_asked(request.form), _lane(request.form.get("lane", ""))
        ref = request.form.get("ref", "").strip()
        stuck = house.waiting.one(customer_id, lane)
        if stuck is None:
            flash(_("Customer %(id)s does not wait for a person any more.", id=customer_id), "warn")
            return redirect(url_for("console.failures"), 303)
        if not _REF.fullmatch(ref) or lane not in DESTINATIONS:
            flash(_("This is no id of a member or contact. Nothing was changed."), "bad")
            return redirect(url_for("console.failures_choose", customer_id=customer_id, lane=lane), 303)
        note(house, marked("linked a customer"), customer_id=customer_id, lane=lane, ref=ref)
        try:
            house.resync.link(customer_id, lane, ref, now=house.now())
        except AlreadyLinked as e:
            told = _(
                "%(ref)s belongs to customer %(other)s already. Merge the two customers in Shopify first, or choose "
                "another one. Nothing was changed.",
                ref=ref,
                other=e.customer_id,
            )
            flash(told, "bad")
            return redirect(url_for("console.failures_choose", customer_id=customer_id, lane=lane), 303)
        flash(
            _("Customer %(id)s is %(ref)s from now on, and is carried there at once.", id=customer_id, ref=ref), "good"
        )
        return _back(house, stuck)


def troubles(house: House) -> list[Trouble]:
    """The lanes that are ill as a whole, in the order in which a customer meets them."""
    now, healths, told = house.now(), house.waiting.healths(), []
    for lane in LANES:
        health = healths.get(lane)
        if health is None or lane in house.lanes_off:
            continue
        paused = bool(pause_left(health, now))
        if health.breaker != "closed" or paused or health.failures > 1:
            state = "paused" if paused else health.breaker if health.breaker != "closed" else "retry"
            told.append(Trouble(lane, state, health, cause_of(lane, health.kind)))
    return told


def told_once(choices: Sequence[Mapping[str, str]]) -> list[tuple[Mapping[str, str], str | None]]:
    """Each choice with the id it is chosen by, a member or contact once; what was noted of it last is shown.

    Attempts of an older version may hold one contact twice.
    """
    by = {chosen_by(choice) or place: choice for place, choice in enumerate(choices)}
    return [(choice, chosen_by(choice)) for choice in by.values()]


def chosen_by(choice: Mapping[str, str]) -> str | None:
    """The id by which this choice is linked; None when it only tells."""
    return next((choice[name] for name in _CHOSEN_BY if _REF.fullmatch(choice.get(name, ""))), None)


def _back(house: House, stuck: Stuck | None) -> Response:
    """To the rest of the cause, or to all causes when nobody is left there."""
    if stuck and house.waiting.count(stuck.lane, stuck.kind):
        return redirect(_group_url(stuck.lane, stuck.kind), 303)
    return redirect(url_for("console.failures"), 303)


def _group_url(lane: str, kind: str | None, **more: Any) -> str:
    return url_for("console.failures_group", lane=lane, kind=kind or "", **more)


def _lane(name: str) -> str:
    return name if name in LANES else abort(404)


def _cause_asked(fields: Mapping[str, str]) -> tuple[str, str | None]:
    return _lane(fields.get("lane", "")), _kind(fields.get("kind", ""))  # PostgreSQL takes no NUL


def _kind(told: str) -> str | None:
    return told.replace("\x00", "")[:200] or None


def _customer_asked(fields: Mapping[str, str]) -> int:
    told = fields.get("customer_id", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) <= 18 else abort(404)


def _left() -> int:
    told = request.args.get("left", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) <= 9 else 0


def _stamp(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _moment(told: str) -> datetime | None:
    """A moment that ``_stamp`` wrote; None for anything else."""
    if not (told.isascii() and told.isdigit() and len(told) <= 16):
        return None
    return _EPOCH + timedelta(microseconds=int(told))


def _named(place: Place) -> str:
    return f"{_stamp(place.since)}.{place.customer_id}"


def _place(told: str) -> Place | None:
    since, _dot, customer_id = told.partition(".")
    at = _moment(since)
    if at is None or not (customer_id.isascii() and customer_id.isdigit() and len(customer_id) <= 18):
        return None
    return Place(at, int(customer_id))
