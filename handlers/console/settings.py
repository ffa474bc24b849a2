"""What is set, from where, and what is odd about it; no secret is shown."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, render_template

from handlers.house import House


def pages(door: Blueprint, house: House) -> None:
    """``/console/settings``."""

    @door.get("/settings")
    def settings() -> str:
        groups = [(name, list(which)) for name, which in groupby(house.console.settings, lambda s: s.group)]
        return render_template("console/settings.html", groups=groups, lanes_off=house.lanes_off)
