"""Fields of a customer that Shopify does not let this app see: how its refusals are sorted, and what mends them.

Shopify approves an app field by field: what may not be seen comes as null, with ``ACCESS_DENIED`` at its path. Pure.
https://shopify.dev/docs/apps/launch/protected-customer-data
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from clients.shopify.node import PERSONAL, keys_of
from clients.shopify.refusals import DENIED, PROTECTED_DATA_PAGE, Trouble

#: Objects in which one value may be withheld while the others come.
_IN_PARTS: Final = frozenset({"defaultEmailAddress", "defaultPhoneNumber", "defaultAddress"})
#: Of an address without them nobody knows whose it is, and it is carried as it always was.
_NAMES_IN_PARTS: Final = frozenset({"firstName", "lastName"})
#: What Shopify may name instead of our alias for a metafield; which of the two is on no page.
_METAFIELD: Final = "metafield"
_OF_A_CUSTOMER: Final = keys_of(())
_ORDERS: Final = frozenset({"lastOrder", "numberOfOrders", "amountSpent"})
_NAMES: Final[Mapping[str, str]] = {
    "firstName": "first name",
    "lastName": "last name",
    "defaultEmailAddress": "e-mail",
    "defaultPhoneNumber": "phone",
    "defaultAddress": "address",
}
_FIELDS: Final[Mapping[str, str]] = {
    "firstName": "first_name",
    "lastName": "last_name",
    "defaultEmailAddress": "email",
    "defaultPhoneNumber": "phone",
    "defaultAddress": "address",
    "state": "account_state",
    "numberOfOrders": "orders_count",
    "amountSpent": "amount_spent",
    "lastOrder": "last_order_at",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}


class Notes(Protocol):
    """Where it is kept, for people, which fields are refused."""

    def note(self, refused: Collection[str], seen: Collection[str]) -> None:
        """``refused`` were not shown just now, ``seen`` were asked for and shown."""


class NoNotes:
    """Keeps nothing."""

    def note(self, refused: Collection[str], seen: Collection[str]) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class Denials:
    """``fields`` are keys of a node whose value is not told, ``within`` those of which a part is missing.

    ``customers``: customers themselves are refused. ``rows`` maps a place in ``nodes`` to the keys refused there.
    """

    customers: Trouble | None
    fields: frozenset[str]
    within: frozenset[str]
    rows: Mapping[int, frozenset[str]]

    @property
    def personal(self) -> frozenset[str]:
        """The personal fields among them."""
        return (self.fields | self.within) & frozenset(PERSONAL)


def sort_denials(troubles: Sequence[Trouble], metafields: Collection[str]) -> Denials:
    """What of an answer was refused; ``metafields`` are the aliases that were asked for."""
    customers: Trouble | None = None
    fields: set[str] = set()
    within: set[str] = set()
    rows: dict[int, frozenset[str]] = {}
    for trouble in troubles:
        if trouble.code != DENIED:
            continue
        if trouble.row is None or trouble.field is None:
            customers = trouble
            continue
        if trouble.field in _IN_PARTS and trouble.path[3:4] and trouble.path[3] in _NAMES_IN_PARTS:
            continue
        keys = frozenset(metafields) if trouble.field == _METAFIELD else frozenset({trouble.field})
        rows[trouble.row] = rows.get(trouble.row, frozenset()) | keys
        (within if trouble.field in _IN_PARTS and len(trouble.path) > 3 else fields).update(keys)
    return Denials(customers, frozenset(fields), frozenset(within - fields), rows)


def name_of(key: str) -> str:
    """The field in words: ``e-mail``, or its key."""
    return _NAMES.get(key, key)


def is_of_orders(key: str) -> bool:
    """Whether it is a figure of the customer's orders, which nothing but HubSpot's purchase history needs."""
    return key in _ORDERS


def is_of_a_customer(key: str) -> bool:
    """Whether it is a field that every customer has, rather than a metafield of the setting."""
    return key in _OF_A_CUSTOMER


def field_of(key: str) -> str:
    """The field of a customer that this key of a node fills."""
    return _FIELDS.get(key, key)


def mend_of(key: str) -> str:
    """What makes Shopify show this field of a node."""
    if key in PERSONAL:
        return f"ask for {name_of(key)} in the app's protected customer data (level 2): {PROTECTED_DATA_PAGE}"
    if is_of_orders(key):
        return "add the scope read_orders to the app in Shopify, and install it again"
    if is_of_a_customer(key):
        return f"see the app's scopes and its protected customer data: {PROTECTED_DATA_PAGE}"
    return (
        f"see who may read the metafield that SHOPIFY_METAFIELDS gives for {key}: another app may own its namespace; "
        "let the Admin API read it in its definition, or name another one"
    )
