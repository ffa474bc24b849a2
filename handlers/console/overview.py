"""The overview: is anything left, how is each lane, how fast does it go, and what is quiet that should not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from handlers.alert_words import JST, duration, moment, path_of, words_of
from handlers.console import glance
from handlers.console.plots import Axis, Frame, Line, bars, lines
from handlers.console.unseen import lines as lines_of
from handlers.console.words import lane as lane_name
from handlers.house import LANES, MAIL, House
from ledger.counts import Hour, hour_of
from ledger.histogram import Histogram
from ledger.report import Left

#: By the word in the page's address: how many hours are shown, and each how many of them have their time written.
SPANS: Final = {"day": (24, 3), "week": (24 * 7, 24)}
#: No more alerts than this are named; the page of alerts has them all.
MOST_ALERTS: Final = 5
_TIMES_MS: Final = tuple(
    1000.0 * s for s in (0.1, 0.3, 1, 3, 10, 30, 60, 300, 1800, 7200, 12 * 3600, 3 * 86400, 30 * 86400)
)


@dataclass(frozen=True, slots=True)
class Row:
    """One hour in the table below the plots."""

    hour: datetime
    deliveries: int
    customers: int
    p50: str | None
    p95: str | None


def pages(door: Blueprint, house: House) -> None:
    """``/console/``, and the part of it that a page asks for by itself to stay fresh."""

    @door.get("/")
    def overview() -> str:
        span = request.args.get("span", "")
        span = span if span in SPANS else "day"
        return render_template("console/overview.html", **_now(house), **_plots(house, span), span=span, spans=SPANS)

    @door.get("/now")
    def overview_now() -> str:
        return render_template("console/overview_now.html", **_now(house))


def _now(house: House) -> Mapping[str, Any]:
    """What is true at this moment."""
    now, report = house.now(), house.report
    cards = [glance.card_of(lane, house.lanes_off.get(lane.lane), now) for lane in report.lanes(LANES, now=now)]
    lanes = glance.counted(cards, MAIL)
    left = report.left(lanes)
    alerts = house.alerts.open_ones()
    latency = house.rollups.latency()
    seen, gone_after = report.worker_seen()
    missing = glance.worker_missing(seen, gone_after, left, now)
    signs = _signs(house, now)
    customers = headline(left, glance.in_sync(lanes), now)
    return {
        "now": now,
        "cards": cards,
        "left": left,
        "headline": " ".join([*troubles(signs.unreadable, glance.not_carrying(cards, now)), customers]),
        "mood": glance.tone_of(left, cards, now, unreadable=signs.unreadable, alerts=len(alerts), missing=missing),
        "switched_off": glance.waits_for_a_switch(cards),
        "updates_too": house.updates_too,
        "alerts": [(one, words_of(one, _), path_of(one)) for one in alerts[:MOST_ALERTS]],
        "more_alerts": max(0, len(alerts) - MOST_ALERTS),
        "times": (latency.count, took(latency.p50_ms), took(latency.p95_ms)),
        "signs": signs,
        "worker_missing": missing,
        "worker_seen": seen,
        "refused_words": refused_words,
        "unseen": list(lines_of(house.unseen.fields())),
        "counted_at": next((card.report.counted_at for card in cards if card.report.counted_at), None),
    }


def troubles(unreadable: int, lanes: Sequence[glance.LaneCard]) -> list[str]:
    """What is wrong whatever the customers' tasks say, a sentence each: it stands before theirs."""
    told = []
    if unreadable:
        told.append(
            ngettext(
                "%(count)s delivery cannot be read.",
                "%(count)s deliveries cannot be read.",
                unreadable,
                count=_n(unreadable),
            )
        )
    for card in lanes:
        lane = lane_name(card.report.lane)
        if card.state == "paused" and card.until:
            told.append(_("%(lane)s has asked us to wait until %(time)s.", lane=lane, time=moment(card.until)))
        else:
            told.append(_("%(lane)s is stopped.", lane=lane))
    return [str(one) for one in told]


def headline(left: Left, in_sync: int, now: datetime) -> str:
    """The one sentence on top: whether anything is left, of how many, and since when."""
    if not left.need_a_person and not left.on_their_way and not left.checked:
        if not in_sync:
            return str(_("No customer has come yet."))
        all_in_sync = ngettext(
            "The only customer is in sync.", "All %(count)s customers are in sync.", in_sync, count=_n(in_sync)
        )
        return str(all_in_sync)
    parts = []
    if left.need_a_person:
        need = left.need_a_person
        parts.append(ngettext("%(count)s customer needs you", "%(count)s customers need you", need, count=_n(need)))
    if left.on_their_way:
        way = left.on_their_way
        parts.append(ngettext("%(count)s is on the way", "%(count)s are on their way", way, count=_n(way)))
        if left.oldest:
            parts.append(_("the oldest for %(time)s", time=duration(now - left.oldest, _)))
    if left.checked and left.checked_at:
        parts.append(
            ngettext(
                "%(count)s has arrived and is checked once more at %(time)s",
                "%(count)s have arrived and are checked once more until %(time)s",
                left.checked,
                count=_n(left.checked),
                time=left.checked_at.astimezone(JST).strftime("%H:%M:%S"),
            )
        )
    told = _(", ").join(map(str, parts))
    if not left.exact:
        return str(_("At least: %(told)s.", told=told))
    return str(_("%(told)s.", told=told) if left.on_their_way else _("%(told)s; all others are in sync.", told=told))


def _signs(house: House, now: datetime) -> glance.Signs:
    fresh = house.members.freshness()
    return glance.Signs(
        delivery=house.report.last_delivery(),
        test_delivery=house.report.last_delivery("test"),
        members=house.report.members(),
        members_scanned=fresh.scanned_at,
        members_fresh=fresh.fresh_at,
        unreadable=house.unreadable.left().count,
        refused=dict(sorted(house.tallies.of(now.date().isoformat()).items())),
    )


# -- the plots ------------------------------------------------------------------------------------------------------


def _plots(house: House, span: str) -> Mapping[str, Any]:
    count, written = SPANS[span]
    this_hour = hour_of(house.now())
    hours = house.rollups.hours(this_hour - timedelta(hours=count - 1), this_hour + timedelta(hours=1))
    axis = _axis(hours, written)
    deliveries = sum(hour.deliveries for hour in hours)
    total = sum((hour.counts.total for hour in hours), Histogram())
    p50, p95 = took(total.quantile(0.5)), took(total.quantile(0.95))
    return {
        "rows": [
            Row(hour.hour, hour.deliveries, hour.counts.total.count, took(hour.p50_ms), took(hour.p95_ms))
            for hour in reversed(hours)
        ],
        "deliveries": _n(deliveries),
        "customers": _n(total.count),
        "p50": p50,
        "p95": p95,
        "deliveries_plot": bars(
            Frame("deliveries", _("Deliveries per hour"), _("%(num)s deliveries in all.", num=_n(deliveries))),
            axis,
            [hour.deliveries for hour in hours],
            _n,
        ),
        "times_plot": _times_plot(hours, axis, p50, p95),
    }


def _times_plot(hours: Sequence[Hour], axis: Axis, p50: str | None, p95: str | None) -> Markup:
    says = (
        _("Half of the customers within %(p50)s, 95 of 100 within %(p95)s.", p50=p50, p95=p95)
        if p50
        else _("None yet.")
    )
    return lines(
        Frame("times", _("From the delivery to every destination"), says),
        axis,
        [
            Line(_("95 of 100 within"), "plot--p95", [hour.p95_ms for hour in hours]),
            Line(_("half within"), "plot--p50", [hour.p50_ms for hour in hours]),
        ],
        _TIMES_MS,
        lambda ms: took(ms) or "",
    )


def _axis(hours: Sequence[Hour], written: int) -> Axis:
    """The hours as the clocks in Japan show them; at midnight the day is written."""
    here = [hour.hour.astimezone(JST) for hour in hours]
    marks = [
        (place, f"{at.month}/{at.day}" if at.hour == 0 else f"{at.hour}:00")
        for place, at in enumerate(here)
        if at.hour % written == 0
    ]
    return Axis([f"{at.month}/{at.day} {at.hour}:00" for at in here], marks)


def took(ms: float | None) -> str | None:
    """So many milliseconds in words; None stays None."""
    if ms is None:
        return None
    if ms < 999.5:
        return str(_("%(ms)s ms", ms=f"{ms:.0f}"))
    whole = ms >= 60_000 and duration(timedelta(milliseconds=ms), _)
    return whole or str(_("%(s)s s", s=f"{ms / 1000:.1f}".removesuffix(".0") if ms < 10_000 else f"{ms / 1000:.0f}"))


def refused_words(name: str) -> str:
    """What was refused at the door, by its name in the tallies; their day begins at midnight in UTC, 9:00 in Japan."""
    status = name.removeprefix("refused ")
    return name if status == name else str(_("Refused with %(status)s since 9:00", status=status))


def _n(number: float) -> str:
    return f"{number:,.0f}"
