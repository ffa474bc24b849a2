"""The commands about one far side: what it has, and whether it is set up as it must be."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from handlers.terminal import GetHouse, Said, clearly, out


def register(cli: click.Group, house: GetHouse) -> None:
    """Add every group to ``cli``; ``house`` is asked only when a command runs."""
    cli.add_command(_hubspot(house))


def _hubspot(house: GetHouse) -> click.Command:
    group = AppGroup("hubspot", help="The HubSpot side.")

    @group.command("setup")
    @click.option("--check", is_flag=True, help="Only look; create nothing.")
    def setup(check: bool) -> None:
        """Create the property group and the properties that are missing, and check those that are there."""
        h = house()

        def go() -> None:
            lane: Any = next((lane for lane in h.lanes() if lane.name == "hubspot"), None)
            if lane is None:
                raise Said(f"the HubSpot lane is off: {h.lanes_off['hubspot']}")
            wrong = False
            for name, state in lane.check() if check else lane.setup():
                wrong |= state.startswith("wrong")
                out.print(f"{name:32} {state}", highlight=False, markup=False)
            if wrong:
                raise click.exceptions.Exit(1)

        clearly(go)

    return group
