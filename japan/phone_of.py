"""Which of a customer's telephone numbers a destination is sent: their own, else the one in their address."""

from __future__ import annotations

from collections.abc import Callable

from customer import UNKNOWN, Address, Customer, Maybe, Unknown
from japan.fixed import Fixed


def phone_of(customer: Customer, write: Callable[[str, str], Fixed]) -> Fixed | Unknown:
    """The first number that ``write`` (``phone`` or ``phone_e164``) can use, and what it corrected on the way to it.

    ``Fixed(None)``: there is none, or none that can be used. ``UNKNOWN`` while the one that is missing may still be
    told. A number of an address is read by the address's country.
    """
    told: list[tuple[Maybe[str], str]] = [(customer.phone, "JP")]
    if isinstance(customer.address, Address):
        told.append((customer.address.phone, customer.address.country_code or "JP"))
    else:
        told.append((customer.address, "JP"))
    fixes: list[tuple[str, str]] = []
    unusable = False
    for text, region in told:
        if not isinstance(text, str) or not text.strip():
            continue
        fixed = write(text, region)
        fixes += fixed.fixes
        if fixed.value is not None:
            return Fixed(fixed.value, tuple(fixes))
        unusable = True
    if unusable or all(text is not UNKNOWN for text, _ in told):
        return Fixed(None, tuple(fixes))
    return UNKNOWN
