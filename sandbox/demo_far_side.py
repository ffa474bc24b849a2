"""The demo's hands and eyes at the far side: registers people in the shop, and looks whether they have arrived.

By the sandbox's HTTP doors alone, which are there for anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import requests

from sandbox.demo_people import ITS_ID, Guest
from sandbox.people import By, Person

Record = Mapping[str, Any]

_PATIENCE_S: Final = 10


@dataclass(frozen=True, slots=True)
class Records:
    """All that stood at the far side at one moment."""

    customers: Mapping[int, Record]
    members: tuple[Record, ...] = ()
    contacts: tuple[Record, ...] = ()
    mails: tuple[Record, ...] = ()

    def mails_to(self, customer_id: int) -> list[Record]:
        """Every welcome mail this customer was sent; a second one is one too many."""
        return [one for one in self.mails if self._mail(customer_id) in [str(to).lower() for to in one["to"]]]

    def members_of(self, customer_id: int) -> list[Record]:
        """Every member that stands for this customer, by number, code or e-mail; a second one is one too many."""
        number, mail = str(customer_id), self._mail(customer_id)
        return [
            one
            for one in self.members
            if number in {one.get("customerNo"), one.get("customerCode")}
            or (mail and mail == str(one.get("mailAddress") or "").strip().lower())
        ]

    def contacts_of(self, customer_id: int) -> list[Record]:
        """Every contact that stands for this customer: by its Shopify id or by e-mail."""
        number, mail = str(customer_id), self._mail(customer_id)
        return [
            one
            for one in self.contacts
            if one["properties"].get("shopify_customer_id") == number
            or (mail and mail == str(one["properties"].get("email") or "").lower())
        ]

    def _mail(self, customer_id: int) -> str:
        return str(self.customers.get(customer_id, {}).get("email") or "").strip().lower()


NOTHING: Final = Records({})


class FarSide:
    """One sandbox at ``url``. Every verb raises ``requests.RequestException`` when it is refused or not there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()

    def seed(self, members: Sequence[Mapping[str, str]] = (), contacts: Sequence[Mapping[str, str]] = ()) -> None:
        """Put members into the till, and contacts into HubSpot, who were there before us."""
        self._call("POST", "/sandbox/seed", {"members": [*map(dict, members)], "contacts": [*map(dict, contacts)]})

    def break_down(self, system: str) -> None:
        """This far side answers 503 from now on."""
        self._call("POST", "/sandbox/faults", {"system": system, "kind": "status"})

    def mend(self) -> None:
        """Every far side works again."""
        self._call("DELETE", "/sandbox/faults")

    def send_test_notification(self) -> None:
        """Press the shop's button "Send test notification"."""
        self._call("POST", "/sandbox/shop/test-notification")

    def register(self, guest: Guest) -> int:
        """A new customer in the shop; their id."""
        return self.register_person(guest.arrival.person, by=guest.arrival.by)

    def register_person(self, person: Person, *, by: By = "storefront") -> int:
        """The same for whoever it is."""
        return int(self._call("POST", "/sandbox/shop/customers", {**person.shop_fields(), "by": by})["id"])

    def change(self, customer_id: int, fields: Mapping[str, Any]) -> None:
        """Change a customer in the shop."""
        self._call("PATCH", f"/sandbox/shop/customers/{customer_id}", dict(fields))

    def records(self) -> Records:
        """What stands in the shop, in Smaregi and in HubSpot now."""
        told = self._call("GET", "/sandbox/records")
        customers = {one["id"]: one for one in told["customers"]}
        mails = self._call("GET", "/sandbox/mails")
        return Records(customers, tuple(told["members"]), tuple(told["contacts"]), tuple(mails))

    def deliveries(self, customer_id: int | None = None) -> list[Record]:
        """The shop's log of webhooks, oldest first; of one customer or of all."""
        which = "" if customer_id is None else f"?customer_id={customer_id}"
        return list(self._call("GET", f"/sandbox/deliveries{which}"))

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, self._url + path, json=body, timeout=_PATIENCE_S)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def what_is_amiss(guest: Guest, customer_id: int, records: Records, lanes_off: frozenset[str]) -> list[str]:
    """Why this guest does not stand where they should, in words; empty when each is there once, in the newest state."""
    amiss: list[str] = []
    if "smaregi" not in lanes_off:
        members = records.members_of(customer_id)
        if len(members) != 1:
            amiss.append(f"smaregi: {len(members) or 'no'} members instead of one")
        else:
            amiss += _differing("smaregi", members[0], {**guest.member, "customerNo": ITS_ID}, customer_id)
    if "hubspot" not in lanes_off:
        contacts = records.contacts_of(customer_id)
        if len(contacts) != 1:
            amiss.append(f"hubspot: {len(contacts) or 'no'} contacts instead of one")
        else:
            wanted = {**guest.contact, "shopify_customer_id": ITS_ID}
            amiss += _differing("hubspot", contacts[0]["properties"], wanted, customer_id)
    if not {"mail", "smaregi"} & lanes_off:
        amiss += _amiss_with_mails(customer_id, records)
    return amiss


def _amiss_with_mails(customer_id: int, records: Records) -> list[str]:
    mails, members = records.mails_to(customer_id), records.members_of(customer_id)
    if len(mails) != 1:
        return [f"mail: {len(mails) or 'no'} mails instead of one"]
    code = str(members[0].get("customerCode")) if members else ""
    return [] if code in str(mails[0]["text"]) else ["mail: the code that the till scans does not stand in it"]


def _differing(lane: str, found: Record, wanted: Mapping[str, str], customer_id: int) -> list[str]:
    expected = {name: str(customer_id) if value == ITS_ID else value for name, value in wanted.items()}
    return [
        f"{lane}: {name} is {found.get(name) or 'empty'} instead of {value}"
        for name, value in expected.items()
        if found.get(name) != value
    ]
