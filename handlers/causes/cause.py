"""What every cause says, and in which hands the mend lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

#: ``wait``: comes back by itself. ``retry``: try again, nothing else is needed. ``choose``: say which record is meant.
#: ``shopify``: mend the customer in Shopify. ``vendor``: mend something at Smaregi or HubSpot. ``setting``: mend a
#: setting of this service. ``report``: a fault of ours.
Mend: TypeAlias = Literal["wait", "retry", "choose", "shopify", "vendor", "setting", "report"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause in words: a ``title`` of a few, ``what`` happened, what to ``do``, and in whose hands that lies."""

    title: str
    what: str
    do: str
    mend: Mend

    @property
    def comes_back(self) -> bool:
        """Whether the task is tried again without anybody's doing."""
        return self.mend == "wait"


def _(text: str) -> str:
    """Marks a text for the catalogues; it is translated where it is shown."""
    return text


#: What to do where nothing has to be done.
NOTHING = _("Nothing: it is tried again by itself.")
