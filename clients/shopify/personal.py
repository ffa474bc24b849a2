"""What Shopify shows of customers whom we know already: which personal field is withheld from this app. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from clients.checkup import Finding, ok, skipped, wrong
from clients.shopify.node import PERSONAL
from clients.shopify.unseen import field_of, is_of_orders, mend_of, name_of
from customer import Customer, known

WHAT: Final = "protected customer data"
#: So many of those known here are read.
LOOKED_AT: Final = 20


def compare(here: Sequence[Customer], there: Sequence[Customer], refused: Collection[str]) -> Iterator[Finding]:
    """A line for each field that is ``refused`` (a key of the node), or null for all who have it ``here``.

    ``there`` are the same customers as they were read just now, without those whom Shopify does not have.
    """
    for key in sorted(refused):
        what, said = f"field {name_of(key)}", "Shopify refuses it to this app (ACCESS_DENIED)"
        yield skipped(what, f"{said}: {mend_of(key)}") if is_of_orders(key) else wrong(what, said, mend_of(key))
    read = {customer.id: customer for customer in there}
    come: list[str] = []
    for key, field in ((key, field_of(key)) for key in PERSONAL):
        mine = [read[one.id] for one in here if one.id in read and known(getattr(one, field))]
        if key in refused or not mine:
            continue
        if any(known(getattr(one, field)) for one in mine):
            come.append(name_of(key))
        else:
            yield wrong(f"field {name_of(key)}", f"null for all {len(mine)} who have it here", mend_of(key))
    if come:
        yield ok(WHAT, f"{', '.join(come)}: they come, of {len(read)} customers known here")
    elif not refused:
        yield skipped(WHAT, "none of the customers known here is left at Shopify to try it with")
