"""The audit log: who did what, when, to which customer."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from handlers.house import House

PAGE = 50


def pages(door: Blueprint, house: House) -> None:
    """``/console/audit``."""

    @door.get("/audit")
    def audit() -> str:
        who = request.args.get("who", "").strip()
        customer = request.args.get("customer", "").strip()
        before = request.args.get("before", "")
        told = house.audit.page(
            limit=PAGE,
            who=who or None,
            customer_id=_number(customer),
            before_id=_number(before),
        )
        older = None
        if told.more:
            older = url_for("console.audit", who=who or None, customer=customer or None, before=told.rows[-1].id)
        newer = url_for("console.audit", who=who or None, customer=customer or None) if before else None
        return render_template(
            "console/audit.html", rows=told.rows, who_asked=who, customer=customer, newer=newer, older=older
        )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
