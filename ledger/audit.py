"""The audit log: every act by hand, with who did it; written down once and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ledger import tables as t
from ledger.database import Database


@dataclass(frozen=True, slots=True)
class Act:
    """One act by hand. ``details`` holds ids and counts, never a person."""

    id: int
    at: datetime
    who: str
    role: str
    what: str
    customer_id: int | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Acts:
    """A page of acts, the newest first; ``more`` says whether older ones follow."""

    rows: Sequence[Act]
    more: bool


class Audit:
    """Writes acts down, and reads them back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(
        self,
        what: str,
        *,
        who: str,
        role: str,
        now: datetime,
        customer_id: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down that ``who`` does ``what``; kept before this returns. Raises ``StoreBusy``."""
        values = {"at": now, "who": who, "role": role, "what": what, "customer_id": customer_id}
        with self._database.writing() as c:
            c.execute(t.audit.insert().values(**values, details=dict(details or {})))

    def page(
        self, *, limit: int, who: str | None = None, customer_id: int | None = None, before_id: int | None = None
    ) -> Acts:
        """Up to ``limit`` acts, the newest first: older than ``before_id``, of this person, on this customer."""
        query = select(t.audit).order_by(t.audit.c.id.desc()).limit(limit + 1)
        if who is not None:
            query = query.where(t.audit.c.who == who)
        if customer_id is not None:
            query = query.where(t.audit.c.customer_id == customer_id)
        if before_id is not None:
            query = query.where(t.audit.c.id < before_id)
        with self._database.reading() as c:
            rows = [Act(**row) for row in c.execute(query).mappings()]
        return Acts(rows[:limit], len(rows) > limit)
