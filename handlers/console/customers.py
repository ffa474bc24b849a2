"""The page of customers."""

from __future__ import annotations

from flask import Blueprint, render_template

from handlers.house import House


def pages(door: Blueprint, house: House) -> None:  # noqa: ARG001
    """``/console/customers``."""

    @door.get("/customers")
    def customers() -> str:
        return render_template("console/customers.html")
