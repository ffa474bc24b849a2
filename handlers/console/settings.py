"""What is set, from where, and what is odd about it; no secret is shown."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from flask import Blueprint, render_template

from handlers.console.oddities import oddities
from handlers.console.texts import marked
from handlers.house import House

#: Where a setting comes from, as it is said.
SOURCES: Final = {
    "environment": marked("environment"),
    ".env": ".env",
    "given": marked("given at the start"),
    "default": marked("default"),
}


def pages(door: Blueprint, house: House) -> None:
    """``/console/settings``."""

    @door.get("/settings")
    def settings() -> str:
        setup = house.console
        groups = [(name.partition(":"), list(which)) for name, which in groupby(setup.settings, lambda s: s.group)]
        odd = oddities(setup)
        return render_template(
            "console/settings.html",
            groups=groups,
            lanes_off=house.lanes_off,
            odd=odd,
            strangers={name: told for name, told in odd.items() if name in setup.unknown},
            sources=SOURCES,
        )
