"""The far side that a command is about, or why there is none."""

from __future__ import annotations

from clients.lane import Lane
from handlers.house import House
from handlers.terminal import Said


def far_side(house: House, name: str) -> Lane:
    """The lane of this name; one that is switched off may be looked at. Raises ``Said``."""
    lane = next((lane for lane in house.lanes() if lane.name == name), None)
    if lane is None:
        raise Said(f"the {name} lane is off: {house.lanes_off.get(name, 'it has no credential')}")
    return lane
