"""What would change: one customer compared with what stands at a far side, before anything is sent. Only looks.

The console shows it beside the button, and `flask resync --dry-run` prints it. What it compares is what a resync sends:
every field, not only what changed since the last time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from clients.errors import AskPerson, CarryError
from clients.hurry import one_try
from clients.lane import Change, Previews
from handlers.house import House
from ledger.database import StoreBusy

__all__ = ["Change", "Found", "Preview", "preview"]

Found: TypeAlias = Literal["linked", "would be linked", "would be created", "nothing to do", "cannot be told"]

#: Somebody waits for a page: one try, and no longer than this for an answer.
_ANSWER_S: Final = 6.0


@dataclass(frozen=True, slots=True)
class Preview:
    """What a carry of this customer to this lane would find and change; ``changes`` hold personal values.

    In the lane that reads (``shopify``), ``there`` is what we know and ``would_be`` what Shopify has. ``why`` says in
    words what stands in the way, or what else should be known; ``kind`` is its short word, ``choices`` what a person
    may choose from (ids and codes only).
    """

    customer_id: int
    lane: str
    ref: str | None
    found: Found
    changes: tuple[Change, ...] = ()
    why: str | None = None
    kind: str | None = None
    choices: tuple[Mapping[str, str], ...] = ()


def preview(house: House, customer_id: int, lane: str) -> Preview:
    """Compare this customer with the far side of ``lane``, in seconds and with reads alone.

    What a far side refuses is told, not raised. Raises ``StoreBusy`` when the ledger cannot be asked.
    """
    task = house.resync.task(customer_id, lane)
    if task is None:
        return _untold(customer_id, lane, None, "no such customer in the ledger, or they were erased")
    side = next((each for each in house.lanes() if each.name == lane), None)
    if side is None:
        return _untold(customer_id, lane, task.ref, house.lanes_off.get(lane, "this lane has no far side here"))
    if not isinstance(side, Previews):
        return _untold(customer_id, lane, task.ref, "this lane has nothing to compare with")
    try:
        with one_try(_ANSWER_S):
            look = side.preview(task)
    except CarryError as e:
        choices = e.choices if isinstance(e, AskPerson) else ()
        return Preview(
            customer_id, lane, task.ref, "cannot be told", why=e.why, kind=e.kind, choices=tuple(map(dict, choices))
        )
    except StoreBusy:
        raise
    except Exception as e:  # noqa: BLE001 - a customer that a mapping stumbles over must not take the page with it
        return _untold(customer_id, lane, task.ref, f"comparing failed ({type(e).__name__}): a fault of ours")
    return Preview(customer_id, lane, look.ref or task.ref, look.found, look.changes, look.why)


def _untold(customer_id: int, lane: str, ref: str | None, why: str) -> Preview:
    return Preview(customer_id, lane, ref, "cannot be told", why=why)
