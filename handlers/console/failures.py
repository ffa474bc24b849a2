"""What waits for a person."""

from __future__ import annotations

from flask import Blueprint, render_template

from handlers.console import nav
from handlers.house import LANES, House


def pages(door: Blueprint, house: House) -> None:
    """``/console/failures``."""
    nav.count(door, "failures", lambda: sum(lane.failed for lane in house.report.lanes(LANES)))

    @door.get("/failures")
    def failures() -> str:
        return render_template("console/failures.html", groups=house.report.failures(LANES))
