"""Whose contact is it? What the reads found is held against each lost row: pure.

An e-mail address alone never takes a contact away from another customer, and two contacts are never merged by us: such
rows wait for a person, who is told the ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import japan
from clients.errors import AskPerson
from clients.hubspot.complaints import mapping, record_id
from clients.hubspot.properties import CUSTOMER_ID
from clients.hubspot.rows import Row

ASKED_FOR: Final = (CUSTOMER_ID, "email", "hs_additional_emails")


@dataclass(frozen=True, slots=True)
class Found:
    """A contact as `batch/read` shows it; ``emails`` are all its addresses in lower case, the first and the others."""

    ref: str
    customer_id: str | None
    emails: tuple[str, ...]

    @classmethod
    def read(cls, result: Mapping[str, Any]) -> Found:
        """One row of an answer. Raises ``ValueError`` for one without a record's id: nobody could be linked to it."""
        if (ref := record_id(result.get("id"))) is None:
            raise ValueError("a contact without an id")
        properties = mapping(result.get("properties"))
        # Secondary addresses are found, too, but the answer does not say which input it was found by.
        emails = f"{properties.get('email') or ''};{properties.get('hs_additional_emails') or ''}"
        return cls(
            ref=ref,
            customer_id=str(properties.get(CUSTOMER_ID) or "").strip() or None,
            emails=tuple(email for each in emails.split(";") if (email := each.strip().lower())),
        )


class Finds:
    """Everything the reads of one round brought back; a contact has an address however it is written there."""

    def __init__(self, found: Iterable[Found]) -> None:
        self._by_ref = {each.ref: each for each in found}
        self._by_customer = {each.customer_id: each for each in self._by_ref.values() if each.customer_id}
        self._by_email: dict[str | None, list[Found]] = {}
        for each in self._by_ref.values():
            for email in each.emails:
                self._by_email.setdefault(japan.mailbox(email), []).append(each)

    def place(self, row: Row) -> None:
        """Tell the row where its contact is, that there is none, or why a person must decide."""
        own = self._by_customer.get(row.key)
        other = self._by_ref.get(row.look_at) if row.look_at else self._with_email(row)
        hit = own or other
        if other and other.customer_id not in (None, row.key):
            row.result = linked_to_other(row, other.ref, other.customer_id)
        elif own and other and own.ref != other.ref:
            row.result = email_taken(row, own.ref, other.ref)
        elif hit:
            row.found(hit.ref, links=hit.customer_id != row.key)
        elif row.look_at:
            row.result = conflict(row, row.look_at)
        else:
            row.missed()

    def _with_email(self, row: Row) -> Found | None:
        """The contact with the row's address: first the customer's own, then one where it is written as we write it."""
        email = row.contact.email
        there = self._by_email.get(japan.mailbox(email), []) if email else []
        return min(there, key=lambda each: (each.customer_id != row.key, email not in each.emails), default=None)


def linked_to_other(row: Row, ref: str, customer_id: str | None) -> AskPerson:
    """The contact found belongs to another Shopify customer."""
    if customer_id and not (customer_id.isascii() and customer_id.isdigit()):
        customer_id = "(not a Shopify id)"  # somebody typed it; whatever it is, it is not repeated
    return AskPerson(
        f"HubSpot contact {ref} would be customer {row.key}'s by its address, but belongs to customer {customer_id}: "
        f"merge the two customers in Shopify, or clear {CUSTOMER_ID} on the contact",
        kind="hubspot.linked_to_other",
        choices=[{"contact": ref, CUSTOMER_ID: customer_id or ""}],
    )


def email_taken(row: Row, ref: str | None, other: str | None) -> AskPerson:
    """The customer's contact is known, and another one has the address."""
    return AskPerson(
        f"the e-mail address of customer {row.key} (HubSpot contact {ref}) stands at another contact "
        f"({other or 'not named'}): merge the two in HubSpot, or change one address",
        kind="hubspot.email_taken",
        choices=[{"contact": each} for each in (ref, other) if each],
    )


def conflict(row: Row, other: str | None) -> AskPerson:
    """HubSpot says that the contact exists, but shows none we could take."""
    return AskPerson(
        f"HubSpot refuses customer {row.key} because of a contact it does not show ({other or 'not named'}); it may "
        "be in the recycling bin: restore it or delete it for good",
        kind="hubspot.conflict",
        choices=[{"contact": other}] if other else [],
    )
