"""What we last wrote to whose mail flag, and when: it outlives resyncs, new links and lost answers.

Whether a refusal that stands at the till may be written over is read from here. A row is replaced only where it still
is what the writer knew, so that a worker that stood still cannot put an older word in place of a newer one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, literal, select, update

from customer import FlagWritten
from ledger import tables as t
from ledger.database import Database
from ledger.rows import insert_of


class MailFlags:
    """The rows of ``mail_flags``; ``lane`` is the lane whose tasks they are about."""

    def __init__(self, database: Database, *, lane: str = "smaregi") -> None:
        self._database = database
        self._lane = lane
        self._insert = insert_of(database)

    def recall(self, customer_id: int) -> FlagWritten | None:
        """What is known of this customer's member; None when nothing is."""
        f = t.mail_flags.c
        query = select(f.flag, f.written_at, f.member_id, f.over, f.changed).where(f.customer_id == customer_id)
        with self._database.reading() as c:
            row = c.execute(query).first()
        return FlagWritten(*row) if row else None

    def put(
        self, customer_id: int, written: FlagWritten | None, *, instead_of: FlagWritten | None, loose: bool = False
    ) -> bool:
        """Keep ``written``, or nothing; False, and nothing is done, where ``instead_of`` is not what stands there.

        ``loose``: it may be lost with the power. Of somebody who was erased nothing is kept, even while a worker still
        carries them.
        """
        if written == instead_of:
            return True
        with self._database.writing(loose=loose) as c:
            if instead_of is None:
                return written is not None and self._add(c, customer_id, written)
            here = (t.mail_flags.c.customer_id == customer_id, *_is(instead_of))
            if written is None:
                return bool(c.execute(delete(t.mail_flags).where(*here)).rowcount)
            return bool(c.execute(update(t.mail_flags).where(*here).values(_columns(written))).rowcount)

    def _add(self, c: Connection, customer_id: int, written: FlagWritten) -> bool:
        # Who is being erased at this moment has no task any more when it is our turn.
        self._database.lock_customers(c, [customer_id])
        columns: dict[str, Any] = {"customer_id": customer_id, **_columns(written)}
        carried = exists().where(t.tasks.c.customer_id == customer_id, t.tasks.c.lane == self._lane)
        values = select(*(literal(value, t.mail_flags.c[name].type) for name, value in columns.items())).where(carried)
        new = self._insert(t.mail_flags).from_select(list(columns), values).on_conflict_do_nothing()
        return c.execute(new.returning(t.mail_flags.c.customer_id)).first() is not None


def _columns(written: FlagWritten) -> dict[str, Any]:
    return {
        "flag": written.flag,
        "written_at": written.at,
        "member_id": written.member,
        "over": written.over,
        "changed": written.changed,
    }


def _is(written: FlagWritten) -> list[ColumnElement[bool]]:
    return [t.mail_flags.c[name].is_not_distinct_from(value) for name, value in _columns(written).items()]
