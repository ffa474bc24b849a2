"""Why something does not go, in words for whoever runs the shop: from a kind to what happened and what to do.

A kind (``smaregi.required_missing``) is the short stable word by which attempts, tasks and lanes are counted. The texts
here are English and stand in the catalogues of the console as they are: a page translates them, a terminal prints them.
`docs/replay.md` has the same kinds for whoever reads on; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from handlers.causes.cause import Cause, Mend
from handlers.causes.hubspot import HUBSPOT
from handlers.causes.mail import MAIL
from handlers.causes.ours import FAULT, NOT_TOLD, OURS, UNKNOWN
from handlers.causes.shopify import SHOPIFY
from handlers.causes.smaregi import SMAREGI
from handlers.causes.wire import NAME_UNRESOLVED, WIRE

__all__ = ["CAUSES", "Cause", "Mend", "cause_of"]

#: Every kind that has words of its own.
CAUSES: Final[Mapping[str, Cause]] = {
    **{f"{lane}.{what}": cause for lane in ("shopify", "smaregi", "hubspot") for what, cause in WIRE.items()},
    **{f"{lane}.name_unresolved": cause for lane, cause in NAME_UNRESOLVED.items()},
    **SHOPIFY,
    **SMAREGI,
    **HUBSPOT,
    **MAIL,
    **OURS,
}


def cause_of(lane: str, kind: str | None) -> Cause:  # noqa: ARG001 - a kind names its lane; a page hands in both
    """The words for this kind, in English. A kind nobody described gets words too: never raises."""
    if kind is None:
        return NOT_TOLD
    if kind.startswith("fault."):
        return CAUSES.get(kind, FAULT)
    return CAUSES.get(kind, UNKNOWN)
