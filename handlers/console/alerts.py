"""The page of alerts."""

from __future__ import annotations

from flask import Blueprint, render_template

from handlers.house import House


def pages(door: Blueprint, house: House) -> None:  # noqa: ARG001
    """``/console/alerts``."""

    @door.get("/alerts")
    def alerts() -> str:
        return render_template("console/alerts.html")
