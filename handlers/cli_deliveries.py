"""The commands about deliveries that cannot be read: which they are, close them, post one again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from rich.markup import escape
from rich.table import Table

from handlers.console.texts import marked
from handlers.house import House
from handlers.repost import post_again, webhook_id_for
from handlers.telling import age
from handlers.terminal import GetHouse, Said, clearly, note, out
from handlers.webhook import Door
from ledger.deliveries import VERDICTS, Asked
from ledger.unreadable import UNREADABLE

_MOST: int = 1000


def register(cli: click.Group, house: GetHouse) -> None:
    """Add the group to ``cli``; ``house`` is asked only when a command runs."""
    group = AppGroup("deliveries", help="What Shopify delivered: list, close what cannot be read, post one again.")
    for make in (_list, _close, _again):
        group.add_command(make(house))
    cli.add_command(group)


def _list(house: GetHouse) -> click.Command:
    @click.command("list")
    @click.option("--verdict", type=click.Choice(VERDICTS), default=UNREADABLE, show_default=True)
    @click.option("--limit", type=click.IntRange(1, _MOST), default=20, show_default=True)
    def show(verdict: str, limit: int) -> None:
        """The newest deliveries that were taken so, with their numbers. No body is shown."""
        h = house()

        def go() -> None:
            page = h.deliveries.page(Asked(verdict=verdict), limit=limit)
            if not page.rows:
                out.print(f"no delivery is {verdict}")
                return
            table = Table(box=None, header_style="bold", pad_edge=False)
            for name in ("number", "came", "topic", "verdict", "why"):
                table.add_column(name, overflow="fold")
            for row in page.rows:
                table.add_row(
                    str(row.id), age(row.received_at, h.now()), escape(row.topic), row.verdict, escape(row.why or "")
                )
            out.print(table)

        clearly(go)

    return show


def _close(house: GetHouse) -> click.Command:
    @click.command("close")
    @click.argument("numbers", type=click.IntRange(1, 2**63 - 1), nargs=-1, metavar="NUMBER...")
    @click.option("--why", required=True, help="The reason, without a name: the number of a ticket is best.")
    @click.option("--all", "everything", is_flag=True, help="Every delivery that cannot be read.")
    def close(numbers: Sequence[int], why: str, everything: bool) -> None:
        """Close deliveries that cannot be read: you have dealt with them, and they count no longer.

        They stay, with the reason. Posting one again still works as long as its body is there.
        """
        if bool(numbers) == everything:
            raise click.UsageError("name deliveries by their numbers (flask deliveries list), or say --all")
        reason = why.replace("\x00", "").strip()
        if not reason:
            raise click.UsageError("--why needs a reason")
        h = house()
        clearly(lambda: _close_them(h, _all_numbers(h) if everything else list(numbers), reason))

    return close


def _all_numbers(h: House) -> list[int]:
    return list(h.unreadable.left(named=_MOST).newest)


def _close_them(h: House, numbers: Sequence[int], reason: str) -> None:
    for number in numbers:
        note(h, marked("closed an unreadable delivery"), delivery=number, why=reason)
    closed = h.unreadable.close(numbers, reason, now=h.now())
    out.print(f"{len(closed):,} closed", highlight=False)
    if others := sorted(set(numbers) - set(closed)):
        told = ", ".join(map(str, others))
        raise Said(f"not unreadable, or dealt with already: {told}")
    if left := h.unreadable.left().count:
        out.print(f"{left:,} more cannot be read: flask deliveries list", highlight=False)


def _again(house: GetHouse) -> click.Command:
    @click.command("again")
    @click.argument("number", type=click.IntRange(1, 2**63 - 1))
    @with_appcontext
    def again(number: int) -> None:
        """Post a kept delivery again, through the same door. One that could not be read is replaced when it can be."""
        h = house()

        def go() -> None:
            whole = h.deliveries.one(number)
            if whole is None:
                raise Said(f"no delivery {number}: flask deliveries list")
            if whole.delivery.body_gone_at:
                raise Said(f"the body of delivery {number} is gone: it cannot be posted again")
            webhook_id = webhook_id_for(whole)
            customer_id = whole.delivery.customer_id
            note(h, marked("posted a delivery again"), customer_id=customer_id, delivery=number, webhook_id=webhook_id)
            posted = post_again(cast(Door, current_app.extensions["webhooks"]), whole, webhook_id)
            became = h.deliveries.number_of(whole.delivery.shop, whole.delivery.topic, webhook_id)
            if posted.status != 200 or became is None:
                raise Said(f"the door answered {posted.status}: {posted.said}. Nothing was changed")
            if became == number:
                raise Said(f"delivery {number} still cannot be read: nothing was changed")
            after = h.deliveries.one(became)
            out.print(f"posted again as delivery {became}: {after.delivery.verdict if after else ''}", highlight=False)

        clearly(go)

    return again
