"""Lists of customers for people to page through, however many there are. Only looks, never writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, exists, func, literal, select, union_all

from customer import Customer
from ledger import once_more
from ledger import tables as t
from ledger.database import Database
from ledger.ways import ByTasks, Filter, Step, Way, way_for

PAGE: Final = 50
#: Nobody needs to know whether it is more than that, and to count all would take longer than to list them.
MOST_COUNTED: Final = 1000
#: How many rows a page looks at before it says "nobody yet, look on".
_MOST_STEPS: Final = 10_000
_WIDEST: Final = 2000


@dataclass(frozen=True, slots=True)
class TaskState:
    """Where a customer stands in one lane. ``checked_at``: it has arrived, and is checked once more then."""

    state: str
    kind: str | None
    ref: str | None
    settled_at: datetime | None
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One customer of a list, with the state of their tasks by lane."""

    customer: Customer
    changed_at: datetime
    tasks: Mapping[str, TaskState]
    erased: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """One page. ``newer`` and ``older`` are the places to go on from, None where the list ends.

    ``tired``: nothing more was found in as many rows as a page looks at; there may be more beyond ``older``.
    """

    rows: Sequence[Row]
    newer: int | None = None
    older: int | None = None
    tired: bool = False


class Browse:
    """Lists customers; ``lanes`` in the order in which a customer meets them."""

    def __init__(self, database: Database, *, lanes: Sequence[str]) -> None:
        self._database = database
        self._lanes = tuple(lanes)

    def customers(
        self, wanted: Filter, *, before: int | None = None, after: int | None = None, size: int = PAGE
    ) -> Listing:
        """A page of the list, newest first: the first one, the one ``before`` a place, or the one ``after`` it.

        Raises ``StoreBusy``.
        """
        way, older = way_for(wanted, self._lanes), after is None
        with self._database.reading() as c:
            found, last, ended = _walk(c, way, before if older else after, older=older, size=size)
            if not older:
                if ended and len(found) < size:  # so near the beginning that the page would not be full
                    found, last, ended = _walk(c, way, None, older=True, size=size)
                    older, after = True, None
                else:
                    found.reverse()
            rows = _rows(c, [step.customer_id for step in found])
        if not older:
            return Listing(rows, None if ended else last, found[-1].place if found else after, not ended and not found)
        newer = None if before is None else found[0].place if found else before - 1
        return Listing(rows, newer, None if ended else last, not ended and len(found) < size)

    def newest(self, size: int = 20) -> list[Customer]:
        """Those of whom Shopify told last. Raises ``StoreBusy``."""
        return [row.customer for row in self.customers(Filter(), size=size).rows if not row.erased]

    def of(self, customer_ids: Sequence[int], wanted: Filter) -> Sequence[int]:
        """Those of these customers who are as wanted, in the same order."""
        customers = t.customers.c
        query = select(customers.id).where(customers.id.in_(list(customer_ids)))
        if wanted.speaks_of_tasks:
            mine = t.tasks.c.customer_id == customers.id
            query = query.where(
                exists(select(literal(1)).where(mine, wanted.fits_task(), wanted.fits_time(t.tasks.c.settled_at)))
            )
        else:
            query = query.where(wanted.fits_time(customers.changed_at))
        with self._database.reading() as c:
            fitting = set(c.execute(query).scalars())
        return [i for i in customer_ids if i in fitting]

    def rows(self, customer_ids: Sequence[int]) -> list[Row]:
        """These customers, in this order; those the ledger does not know are left out."""
        with self._database.reading() as c:
            return _rows(c, customer_ids)

    def count(self, wanted: Filter) -> int | None:
        """How many a list has, ``MOST_COUNTED + 1`` standing for more; None where it would have to be looked for."""
        if wanted.kind or wanted.speaks_of_time or (wanted.speaks_of_tasks and not (wanted.lane and wanted.state)):
            return None
        some = select(literal(1).label("one"))
        some = some.where(wanted.fits_task()) if wanted.speaks_of_tasks else some.select_from(t.customers)
        with self._database.reading() as c:
            return c.execute(select(func.count()).select_from(some.limit(MOST_COUNTED + 1).subquery())).scalar_one()

    def kinds(self) -> list[str]:
        """The kinds of error that tasks speak of now; of very many tasks only the newest customers' are looked at."""
        tasks = t.tasks.c
        parts = [
            select(
                select(tasks.kind)
                .where(tasks.lane == lane, tasks.state == state)
                .order_by(tasks.customer_id.desc())
                .limit(MOST_COUNTED)
                .subquery()
            )
            for lane in self._lanes
            for state in ByTasks.WITH_A_CAUSE
        ]
        with self._database.reading() as c:
            found = c.execute(select(union_all(*parts).subquery().c.kind).distinct()).scalars().all()
        return sorted(kind for kind in found if kind)


def _walk(c: Connection, way: Way, at: int | None, *, older: bool, size: int) -> tuple[list[Step], int | None, bool]:
    """Up to ``size`` steps that fit, the place to go on from, and whether the way ends there."""
    found: list[Step] = []
    looked_at, wide = 0, size + 1
    while looked_at < _MOST_STEPS:
        steps = way.steps(c, at, older=older, limit=wide)
        for step in steps:
            if step.fits:
                if len(found) == size:
                    return found, found[-1].place, False
                found.append(step)
            at = step.place
        looked_at += len(steps)
        if not steps or (len(steps) < wide and not way.steps(c, at, older=older, limit=1)):
            return found, at, True
        wide = min(2 * wide, _WIDEST)
    return found, at, False


def _rows(c: Connection, customer_ids: Sequence[int]) -> list[Row]:
    ids = list(customer_ids)
    if not ids:
        return []
    customers, tasks = t.customers.c, t.tasks.c
    known = {
        row.id: row
        for row in c.execute(select(customers.id, customers.state, customers.changed_at).where(customers.id.in_(ids)))
    }
    names = ("customer_id", "lane", "state", "kind", "ref", "settled_at", "due_at", "unsure_until")
    columns = [tasks[name] for name in names]
    theirs: dict[int, dict[str, TaskState]] = {i: {} for i in ids}
    for row in c.execute(select(*columns).where(tasks.customer_id.in_(ids))):
        checked_at = once_more.checked_at(dict(row._mapping))
        theirs[row.customer_id][row.lane] = TaskState(row.state, row.kind, row.ref, row.settled_at, checked_at)
    gone = select(t.erasures.c.customer_id).where(t.erasures.c.customer_id.in_(ids), t.erasures.c.undone_at.is_(None))
    erased: set[Any] = set(c.execute(gone).scalars())
    return [
        Row(Customer.from_json(known[i].state), known[i].changed_at, theirs[i], i in erased) for i in ids if i in known
    ]
