"""Where customers stand at the far sides: known at the till or not, and with which code. One look for many at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, select

from customer import Member
from ledger import once_more
from ledger import tables as t
from ledger.database import Database

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer at the far sides. ``code`` and ``number`` are the member's own, as the till has them.

    ``in_store``: a member who may be used stands there; ``in_crm``: a contact does. Whether the newest change has
    arrived is another question. ``store_checked_at``, ``crm_checked_at``: it has arrived there after an answer that was
    lost, and is checked once more at that moment.
    """

    in_store: bool = False
    code: str | None = None
    number: str | None = None
    in_crm: bool = False
    store_checked_at: datetime | None = None
    crm_checked_at: datetime | None = None


#: Of whom nothing stands anywhere: a stranger, and one who registered a moment ago.
NOWHERE: Final = Standing()


class Standings:
    """Looks up standings; ``store`` and ``crm`` are the lanes whose refs tell."""

    def __init__(self, database: Database, *, store: str = "smaregi", crm: str = "hubspot") -> None:
        self._database = database
        self._store = store
        self._crm = crm

    def of(self, customer_ids: Collection[int]) -> Mapping[int, Standing]:
        """The standing of each; one who is unknown has the same as one who waits. Raises ``StoreBusy``.

        The member index has the last word: a member who is withdrawn, merged or deleted is nobody at the till, whatever
        the task says.
        """
        found = dict.fromkeys(customer_ids, NOWHERE)
        ids = sorted(found)
        with self._database.reading() as c:
            for start in range(0, len(ids), _AT_ONCE):
                some = {"ids": ids[start : start + _AT_ONCE], "store": self._store, "crm": self._crm}
                for row in c.execute(_LOOK, some):
                    before, checked_at = found[row.customer_id], once_more.checked_at(dict(row._mapping))
                    if row.lane == self._crm:
                        found[row.customer_id] = replace(before, in_crm=True, crm_checked_at=checked_at)
                    elif row.code is not None and Member("", row.code, row.number, (), row.status).counts:
                        found[row.customer_id] = replace(
                            before, in_store=True, code=row.code, number=row.number, store_checked_at=checked_at
                        )
        return found


_LOOK = (
    select(
        *(t.tasks.c[name] for name in ("customer_id", "lane", "state", "kind", "due_at", "unsure_until")),
        *(t.members.c[name] for name in ("code", "number", "status")),
    )
    .select_from(
        t.tasks.outerjoin(t.members, and_(t.tasks.c.lane == bindparam("store"), t.members.c.id == t.tasks.c.ref))
    )
    .where(t.tasks.c.customer_id.in_(bindparam("ids", expanding=True)))
    .where(t.tasks.c.lane.in_((bindparam("store"), bindparam("crm"))), t.tasks.c.ref.is_not(None))
)
