"""The commands about one lane as a whole."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from handlers.console.texts import marked
from handlers.house import LANES
from handlers.terminal import GetHouse, Said, clearly, note, out


def register(cli: click.Group, house: GetHouse) -> None:
    """Add the group ``lane`` to ``cli``; ``house`` is asked only when a command runs."""
    group = AppGroup("lane", help="One lane as a whole.")
    group.add_command(_try(house))
    cli.add_command(group)


def _try(house: GetHouse) -> click.Command:
    @click.command("try")
    @click.argument("name", type=click.Choice(LANES))
    def try_now(name: str) -> None:
        """Try lane NAME at once, with one customer: for one that has stopped, or was asked to wait for long.

        What is not mended yet stops it again. Nothing is lost either way.
        """
        h = house()

        def go() -> None:
            if name in h.lanes_off:
                raise Said(f"{name} is off ({h.lanes_off[name]}): a lane that is off is not tried")
            note(h, marked("tried a stopped lane"), lane=name)
            if h.book.health_book.probe_now(name, now=h.now()):
                out.print(f"{name} is tried with one customer now: flask status tells how it goes")
            else:
                out.print(f"{name} has not stopped, or is being tried at this moment: nothing was changed")

        clearly(go)

    return try_now
