"""The fields that Shopify does not show us, and what mends each, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clients.shopify.node import PERSONAL
from clients.shopify.unseen import field_of, is_of_a_customer, is_of_orders
from handlers.console.facts import label_of
from handlers.console.texts import marked

_PERSONAL: Final = marked("Ask for this field in the app's protected customer data (level 2).")
_ORDERS: Final = marked("Add the scope read_orders to the app in Shopify, and install it again.")
_OTHER: Final = marked("See the app's scopes and its protected customer data.")
_METAFIELD: Final = marked(
    "See who may read this metafield: another app may own its namespace. SHOPIFY_METAFIELDS names it."
)


@dataclass(frozen=True, slots=True)
class Line:
    """``label`` and ``mend`` are to be translated."""

    label: str
    since: datetime
    mend: str


def lines(unseen: Mapping[str, datetime]) -> Iterator[Line]:
    """A line for each; ``unseen`` has the keys as Shopify calls them."""
    for key, since in unseen.items():
        if key in PERSONAL:
            mend = _PERSONAL
        elif is_of_orders(key):
            mend = _ORDERS
        else:
            mend = _OTHER if is_of_a_customer(key) else _METAFIELD
        yield Line(label_of(field_of(key)), since, mend)
