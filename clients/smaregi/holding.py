"""One e-mail, one customer at a time, while a member is looked for and created."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from clients.errors import CarryError, TryLater
from clients.smaregi.finding import SOON
from clients.smaregi.index import MemberIndex

HELD: Final = timedelta(minutes=5)  # longer than one customer takes, a few timeouts included
SETTLING: Final = timedelta(seconds=5)  # until the ledger has surely written down whom the member is linked to


@contextmanager
def holding(index: MemberIndex, mail: str | None, customer_id: int, now: Callable[[], datetime]) -> Iterator[None]:
    """Hold an e-mail, so that two Shopify customers with the same one cannot both look in vain and create."""
    if mail is None:
        yield
        return
    at = now()
    if not index.hold_mail(mail, customer_id, at, at + HELD):
        raise TryLater(
            "another Shopify customer with the same e-mail is being carried",
            kind="smaregi.mail_held",
            wait=SOON,
            lane_wide=False,
        )
    try:
        yield
    except CarryError as e:
        # A member that may have been created is not in the index yet: the next one would look in vain. Whatever else
        # ends this (our database is busy, a fault of ours) may have come after the create, so the hold stays, too; it
        # does not keep this customer out.
        if not e.doubt:
            index.release_mail(mail, customer_id)
        raise
    # Let go now, the next one could see this member before the ledger knows whose it is.
    at = now()
    index.hold_mail(mail, customer_id, at, at + SETTLING)
