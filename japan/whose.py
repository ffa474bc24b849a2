"""Whose address is it? Gift orders leave the recipient's address as the customer's default address. Pure.

Shopify's address has a name of its own: https://shopify.dev/docs/api/admin-graphql/latest/objects/MailingAddress .
Another family name in the same script makes it another person's. Such an address never replaces the customer's own,
its telephone is nobody's to call, and its company is not the customer's; while no other address is known it is carried,
and people are told whose it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from customer import UNKNOWN, Address, Customer, known
from japan.family import Kin, compare
from japan.fixed import What
from japan.invisible import is_blank

Part: TypeAlias = Literal["last_name", "first_name", "phone", "address"]
"""The field of a customer that a note is about."""

_SHOWN: Final = 100  # characters of a name; nobody has more to be told apart by


@dataclass(frozen=True, slots=True)
class Owned:
    """A customer with nothing in it that is another person's, but an address where no other is known.

    ``notes`` say what was left out or filled in: the field, and what a correction says of it.
    """

    customer: Customer
    notes: tuple[tuple[Part, What, str], ...] = ()

    @property
    def borrowed(self) -> frozenset[Part]:
        """The fields that hold what may be somebody else's: they go over nothing that a destination has already."""
        return frozenset(part for part, what, _ in self.notes if what == "filled")


def owned(customer: Customer) -> Owned:
    """The customer as destinations are to have it: the one place that decides whose address it is.

    A customer without any name has the name of the only address there is.
    """
    address = customer.address
    if not isinstance(address, Address):
        return Owned(customer)
    notes: list[tuple[Part, What, str]] = []
    if is_of_another(customer):
        who = name_of(address)
        notes.append(("address", "filled", f"the address of {who}: the customer's own is not known"))
        if address.phone and not known(customer.phone):
            notes.append(("phone", "dropped", f"not taken: it is the telephone of {who}"))
        customer = replace(customer, address=replace(address, phone=None, company=None))
    elif _has_no_name(customer) and name_of(address) and not address.among_others:
        customer = replace(customer, last_name=address.last_name, first_name=address.first_name)
        told: tuple[tuple[Part, str | None], ...] = (
            ("last_name", address.last_name),
            ("first_name", address.first_name),
        )
        notes += [(part, "filled", "the name of the only address") for part, text in told if text]
    if who := known(customer.default_address_of) or "":
        notes.append(("address", "dropped", f"the default address in Shopify is {who}'s: the customer's own stays"))
    return Owned(customer, tuple(notes))


def laid_over(before: Customer | None, told: Customer) -> Customer:
    """What we know after hearing ``told``: ``Customer.seen_with``, but another person's address replaces no own one."""
    there = before.address if before else UNKNOWN
    merged = before.seen_with(told) if before else told
    new = told.address
    if not isinstance(new, Address):
        return _names_nobody(merged) if new is None else merged
    if not before or not isinstance(there, Address):
        return _names_nobody(merged)
    if merged.address is there and new.among_others == there.among_others and _names(merged) == _names(before):
        return _names_nobody(merged)  # most bodies say nothing new of it, and they are on the receiving path
    if new.is_at(there):
        if not name_of(new):
            new = replace(new, last_name=there.last_name, first_name=there.first_name)
        if (new.last_name, new.first_name) == (there.last_name, there.first_name):
            # Own once is own for good: a customer who marries has the old name in the address.
            new = replace(new, is_own=there.is_own or _kin(before, there) is Kin.SAME)
    mine = replace(merged, address=new)
    if is_of_another(mine) and not _gives_way(before, there, new):
        return before.seen_with(replace(told, address=UNKNOWN, default_address_of=name_of(new)))
    return _names_nobody(mine)


def is_of_another(customer: Customer) -> bool:
    """Whether the customer's address is in another person's name."""
    address = customer.address
    return isinstance(address, Address) and not address.is_own and _kin(customer, address) is Kin.OTHER


def name_of(address: Address) -> str:
    """The name in the address, family name first; empty when nobody could read one."""
    parts = (" ".join(text.split()) for text in (address.last_name, address.first_name) if text and not is_blank(text))
    return " ".join(parts)[:_SHOWN]


def _gives_way(before: Customer, there: Address, new: Address) -> bool:
    """Whether the known address is no reason to keep another person's out: it is one, or this very one unnamed."""
    return is_of_another(before) or (new.is_at(there) and not name_of(there))


def _kin(customer: Customer, address: Address) -> Kin:
    return compare(_names(customer), (address.last_name, address.first_name))


def _names(customer: Customer) -> tuple[str | None, str | None]:
    return known(customer.last_name), known(customer.first_name)


def _has_no_name(customer: Customer) -> bool:
    return all(is_blank(text or "") for text in _names(customer))


def _names_nobody(customer: Customer) -> Customer:
    """The customer, with no word of another person's default address."""
    return replace(customer, default_address_of=None) if customer.default_address_of else customer
