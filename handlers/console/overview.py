"""The overview: each lane at a glance."""

from __future__ import annotations

from flask import Blueprint, render_template

from handlers.house import LANES, House


def pages(door: Blueprint, house: House) -> None:
    """``/console/``."""

    @door.get("/")
    def overview() -> str:
        return render_template("console/overview.html", lanes=house.report.lanes(LANES), lanes_off=house.lanes_off)
