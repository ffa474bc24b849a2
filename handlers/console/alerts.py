"""The page of alerts: what is wrong now, what was, and whether anybody has been told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template
from flask_babel import gettext as _

from clients.notify import Heard
from handlers.alert_words import Words, duration, path_of, words_of
from handlers.console import nav
from handlers.console.access import acts, note
from handlers.console.texts import marked
from handlers.house import House
from ledger.alert import Alert

LAST: Final = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """One alert as the page shows it. ``told``: whether anybody has been told, in words."""

    alert: Alert
    words: Words
    page: str
    lasted: str | None
    told: str


def pages(door: Blueprint, house: House) -> None:
    """``/console/alerts``, and the button that sends a test notice."""
    somebody = bool(house.watchman.audience.addresses)

    def page(heard: list[Heard] | None = None) -> str:
        return render_template(
            "console/alerts.html",
            open_ones=[_shown(alert, somebody) for alert in house.alerts.open_ones()],
            over=[_shown(alert, somebody) for alert in house.alerts.last_over(LAST)],
            somebody=somebody,
            heard=heard,
        )

    @door.get("/alerts")
    def alerts() -> str:
        return page()

    @door.post("/alerts/test")
    @acts
    def test_alerts() -> str:
        note(house, marked("sent a test notice"), addresses=len(house.watchman.audience.addresses))
        return page(house.watchman.try_out() if somebody else [])

    nav.count(door, "alerts", house.alerts.count_open)


def _shown(alert: Alert, somebody: bool) -> Shown:
    lasted = None if alert.lasted is None else duration(alert.lasted, _)
    return Shown(alert, words_of(alert, _), path_of(alert), lasted, _told(alert, somebody))


def _told(alert: Alert, somebody: bool) -> str:
    if alert.sending:
        return str(_("is being told"))
    if alert.news and somebody:
        return str(_("not told yet; it is tried again") if alert.tries else _("is told within seconds"))
    if alert.over_told_at:
        return str(_("told, and that it is over"))
    return str(_("told") if alert.told_at else _("nobody was told"))
