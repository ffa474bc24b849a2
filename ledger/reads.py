"""What the reading lane found: merged into what is known of the customer, unless a webhook told something newer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, update

from ledger import tables as t
from ledger.arrival import Known, is_older, learn, read_through
from ledger.outcome import Done, Outcome, Retry
from ledger.rows import Debt, owe, write_customers

if TYPE_CHECKING:
    from ledger.book import Claimed


def unless_stale(outcome: Outcome, known: Known | None, *, moved_on: bool) -> Outcome:
    """A read that may show less than we know by a webhook is to be done again.

    It came from a copy that lags; or the webhook of a save in the same second came while the read was under way
    (``moved_on``), and nobody can say which of the two is the newer one.
    """
    if not (isinstance(outcome, Done) and outcome.found):
        return outcome
    saved = outcome.found.updated_at
    same_second = known is not None and saved is not None and saved == known.customer.updated_at
    if is_older(known, saved, None) or (moved_on and same_second):
        return Retry(None, "Shopify still shows an older state than its webhook told", "shopify.stale", lane_wide=False)
    return outcome


def learn_from_reads(
    c: Connection,
    read: Sequence[tuple[Claimed, Outcome]],
    known: Mapping[int, Known],
    began_at: datetime,
    *,
    destinations: Sequence[str],
    now: datetime,
) -> None:
    """Merge what the reading lane found, and let the destinations go that were held for it."""
    learnt: list[Known] = []
    debts: list[Debt] = []
    for claimed, outcome in read:
        i = claimed.customer_id
        if not isinstance(outcome, Done) or outcome.found is None or i not in known:
            continue
        after = learn(known[i], outcome.found, None)
        learnt.append(replace(after, read_through=read_through(after.customer.updated_at, began_at)))
        if after.revision != known[i].revision:
            debts += [Debt(i, lane, claimed.since, claimed.since, claimed.task.request_id) for lane in destinations]
    write_customers(c, learnt, now)
    # Due since they came: with a backlog, those who were read go before those who only waited long enough, and so
    # fewer are written twice.
    c.execute(
        update(t.tasks)
        .where(t.tasks.c.customer_id.in_([claimed.customer_id for claimed, _ in read]))
        .where(t.tasks.c.state == "pending", t.tasks.c.held.is_(True))
        .values(due_at=t.tasks.c.since, held=False)
    )
    owe(c, debts)
