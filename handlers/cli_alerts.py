"""The commands about alerts: what is open, and whether those who are to be told can be reached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click
from flask.cli import AppGroup
from rich.markup import escape
from rich.table import Table

from handlers.alert_words import english, path_of, words_of
from handlers.house import House
from handlers.telling import age
from handlers.terminal import GetHouse, Said, clearly, out
from ledger.alert import Alert


def register(cli: click.Group, house: GetHouse) -> None:
    """Add the command to ``cli``; ``house`` is asked only when it runs."""
    cli.add_command(_alerts(house))


def _alerts(house: GetHouse) -> click.Command:
    @click.pass_context
    def show(context: click.Context) -> None:
        if context.invoked_subcommand is None:
            clearly(lambda: _show(house()))

    group = AppGroup(
        "alerts", callback=show, invoke_without_command=True, help="What is wrong now; or, with test: who can be told."
    )

    @group.command("test")
    def test() -> None:
        """Send a test notice to each address in ADMIN_NOTIFY_URLS, and say which took it."""
        h = house()
        if not h.watchman.audience.addresses:
            raise Said("ADMIN_NOTIFY_URLS is not set: alerts are only logged, and shown by flask alerts")
        heard = h.watchman.try_out()
        for one in heard:
            told = one.how if one.why is None else f"{one.how}: {one.why}"
            out.print(f"{one.place + 1}  {one.label:32} {told}", highlight=False, markup=False)
        if any(one.how != "sent" for one in heard):
            raise click.exceptions.Exit(1)

    return group


def _show(h: House) -> None:
    alerts = h.alerts.open_ones()
    out.print(_table(alerts, h.now()) if alerts else "nothing is wrong")
    if alerts and not h.watchman.audience.addresses:
        out.print("ADMIN_NOTIFY_URLS is not set: nobody is told of these")


def _table(alerts: Sequence[Alert], now: datetime) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("since", "what", "what to do", "told", "page"):
        table.add_column(name, overflow="fold")
    for alert in alerts:
        words = words_of(alert, english)
        told = f"told {age(alert.told_at, now)}" if alert.told_at else "not told"
        trouble = f"{told} ({alert.trouble})" if alert.trouble else told
        table.add_row(age(alert.since, now), escape(words.title), escape(words.do), escape(trouble), path_of(alert))
    return table
