"""What went wrong at a far side, sorted by what we should do about it.

::

    CarryError                    anything a lane may say instead of "carried"
    ├── TryLater                  the far side could not, this time   -> the task comes back by itself
    │   └── Busy                  it named (or we know) the pause     -> the lane waits so long; no failure is counted
    ├── AskPerson                 this customer cannot go as it is    -> the task waits for a person
    └── StopLane                  nobody can go: credential, plan, schema -> the lane opens at once, everything is kept

The vendor's answer is sorted in the vendor's own folder. A message names the thing to look at (a setting, a field, the
vendor's request id) and never holds a secret, a body, or personal data; ``kind`` is a short stable slug
(``smaregi.required_missing``) by which failures are counted and grouped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta


class CarryError(Exception):
    """Root of the tree. ``doubt`` says that the far side may have done it all the same (a lost answer)."""

    def __init__(
        self,
        why: str,
        *,
        kind: str,
        doubt: bool = False,
        status: int | None = None,
        vendor_request_id: str | None = None,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.kind = kind
        self.doubt = doubt
        self.status = status
        self.vendor_request_id = vendor_request_id


class TryLater(CarryError):
    """The far side could not, this time. ``lane_wide``: this is about the far side, not about this customer."""

    def __init__(
        self,
        why: str,
        *,
        kind: str,
        wait: timedelta | None = None,
        lane_wide: bool = True,
        doubt: bool = False,
        status: int | None = None,
        vendor_request_id: str | None = None,
    ) -> None:
        super().__init__(why, kind=kind, doubt=doubt, status=status, vendor_request_id=vendor_request_id)
        self.wait = wait
        self.lane_wide = lane_wide


class Busy(TryLater):
    """The far side told us to wait (429, 477, THROTTLED, a daily quota): obeyed for the whole lane, and no failure."""

    def __init__(
        self,
        why: str,
        *,
        kind: str,
        wait: timedelta,
        status: int | None = None,
        vendor_request_id: str | None = None,
    ) -> None:
        super().__init__(why, kind=kind, wait=wait, status=status, vendor_request_id=vendor_request_id)


class AskPerson(CarryError):
    """This customer cannot go as it is.

    ``choices`` spells out what a person may choose from: ids and codes, and under ``name`` a name, which may stand in
    the ledger and on a page, and nowhere else.
    """

    def __init__(
        self,
        why: str,
        *,
        kind: str,
        choices: Sequence[Mapping[str, str]] = (),
        status: int | None = None,
        vendor_request_id: str | None = None,
    ) -> None:
        super().__init__(why, kind=kind, status=status, vendor_request_id=vendor_request_id)
        self.choices = tuple(choices)


class StopLane(CarryError):
    """Nobody can go until someone mends it: the message names the setting or the vendor's page to look at."""
