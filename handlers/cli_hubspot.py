"""The commands about HubSpot."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from handlers.console.texts import marked
from handlers.far_side import far_side
from handlers.terminal import GetHouse, clearly, note, out


def register(cli: click.Group, house: GetHouse) -> None:
    """Add the group to ``cli``; ``house`` is asked only when a command runs."""
    group = AppGroup("hubspot", help="The HubSpot side.")

    @group.command("setup")
    @click.option("--check", is_flag=True, help="Only look; create nothing.")
    def setup(check: bool) -> None:
        """Create the property group and the properties that are missing, and check those that are there."""
        h = house()

        def go() -> None:
            lane: Any = far_side(h, "hubspot")
            wrong = False
            if not check:
                note(h, marked("set HubSpot's properties up"))
            for name, state in lane.check() if check else lane.setup():
                wrong |= state.startswith("wrong")
                out.print(f"{name:32} {state}", highlight=False, markup=False)
            if wrong:
                raise click.exceptions.Exit(1)

        clearly(go)

    cli.add_command(group)
