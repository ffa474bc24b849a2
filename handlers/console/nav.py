"""The way around the console, and the numbers beside its names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, current_app

from handlers.console.texts import marked
from ledger.database import StoreBusy

#: Each page's endpoint within the blueprint, with its name.
PAGES: Final = (
    ("overview", marked("Overview")),
    ("customers", marked("Customers")),
    ("failures", marked("Failures")),
    ("deliveries", marked("Deliveries")),
    ("alerts", marked("Alerts")),
    ("settings", marked("Settings")),
    ("audit", marked("Audit log")),
)
_COUNTS: Final = "console_counts"


def count(door: Blueprint, page: str, how_many: Callable[[], int]) -> None:
    """Show ``how_many()`` beside this page's name; it is asked for every page, so it must be cheap. 0 shows nothing."""
    door.record(lambda state: state.app.extensions.setdefault(_COUNTS, {}).update({page: how_many}))


def counts() -> dict[str, int]:
    """By page, the number beside its name; none at all while the ledger cannot be asked."""
    asked: dict[str, Callable[[], int]] = current_app.extensions.get(_COUNTS, {})
    try:
        return {page: how_many() for page, how_many in asked.items()}
    except StoreBusy:
        return {}
