"""The page of deliveries."""

from __future__ import annotations

from flask import Blueprint, render_template

from handlers.house import House


def pages(door: Blueprint, house: House) -> None:  # noqa: ARG001
    """``/console/deliveries``."""

    @door.get("/deliveries")
    def deliveries() -> str:
        return render_template("console/deliveries.html")
