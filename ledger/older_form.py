"""The member index beside a release that compares e-mails in an older form.

Each form has a cursor of its own, so after an upgrade nothing counts as scanned until a full scan has found every
member in the form of today. Until the last process of the older release is gone (or again, after the upgrade was taken
back for a while), it writes members in its own form. Its cursor shows that, and then our scan is not believed.

The older release goes on meanwhile: its cursor is never written here, and an e-mail that is compared in another form
now is kept in both (``Member.mails``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from customer import Freshness
from japan.mail import FORM
from ledger import tables as t
from ledger.lease import held

#: Their polls end at whole seconds, and the clocks of two machines differ.
_MARGIN: Final = timedelta(seconds=2)


def name_of(form: int) -> str:
    """The cursor of the member index in this form. The first one had no number."""
    return "member_index" if form == 1 else f"member_index:{form}"


#: The cursors of the forms before today's.
OLDER: Final = tuple(name_of(form) for form in range(1, FORM))


@dataclass(frozen=True, slots=True)
class Beside:
    """What processes of an older release did. ``wrote_at``: up to when they brought the index up to date, if ever."""

    wrote_at: datetime | None

    def over(self, freshness: Freshness) -> Freshness:
        """What remains of our word: a scan that began before they wrote proves nothing, and is begun anew."""
        if self.wrote_at is None:
            return freshness
        proven = self.wrote_at + _MARGIN
        if freshness.scanned_at is not None and freshness.scanned_at <= proven:
            freshness = replace(freshness, scanned_at=None)
        if freshness.scan_began_at is not None and freshness.scan_began_at <= proven:
            freshness = replace(freshness, scan_page=None, scan_began_at=None)
        return freshness


def beside(values: Iterable[Mapping[str, Any] | None]) -> Beside:
    """What the values of the older forms' cursors tell."""
    return Beside(max((at for value in values for at in _moments(value)), default=None))


def being_written(c: Connection, now: datetime, length: timedelta) -> bool:
    """Whether a process of an older release is scanning or polling: it will write what it has read before our scan.

    ``length`` is that of the right to poll, the same in both releases.
    """
    theirs = (t.cursors.c.name.in_(OLDER), held(t.cursors.c.held_until, now, length))
    return c.execute(select(t.cursors.c.name).where(*theirs)).first() is not None


def _moments(value: Mapping[str, Any] | None) -> list[datetime]:
    told = value or {}
    return [datetime.fromisoformat(at) for name in ("fresh_at", "scanned_at") if (at := told.get(name))]
