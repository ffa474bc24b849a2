"""One person in three systems, side by side: what the far sides hold of each, for the developer who watches."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.hubspot_contacts import Contact
from sandbox.shopify_customers import ShopCustomer
from sandbox.smaregi_members import Member
from sandbox.webhooks_delivery import Delivery

if TYPE_CHECKING:
    from sandbox.world import World


@dataclass(frozen=True, slots=True)
class Row:
    """A person: the shop's customer if there is one, and every member and contact that stands for them.

    More than one member or contact means that somebody was doubled.
    """

    customer: ShopCustomer | None
    deliveries: tuple[Delivery, ...]
    members: tuple[Member, ...]
    contacts: tuple[Contact, ...]

    @property
    def name(self) -> str:
        """Family name first, or a dash."""
        if self.customer is not None:
            parts: tuple[str | None, ...] = (self.customer.last_name, self.customer.first_name)
        elif self.members:
            parts = (self.members[0].fields.get("lastName"), self.members[0].fields.get("firstName"))
        else:
            values = self.contacts[0].values
            parts = (values.get("lastname"), values.get("firstname"))
        return " ".join(part for part in parts if part) or "（名前なし）"

    @property
    def email(self) -> str:
        """The shop's, or whichever there is."""
        if self.customer is not None:
            return self.customer.email or ""
        if self.members:
            return self.members[0].fields.get("mailAddress") or ""
        return next(iter(self.contacts[0].emails()), "")

    @property
    def is_complete(self) -> bool:
        """Whether the person has arrived everywhere."""
        return bool(self.members and self.contacts)

    def shown(self) -> dict[str, Any]:
        """The state as JSON, for the page that polls."""
        return {
            "deliveries": [
                {name: value for name, value in one.shown().items() if name in _OF_DELIVERY} for one in self.deliveries
            ],
            "members": [
                {
                    "id": str(one.number),
                    "code": one.fields.get("customerCode"),
                    "number": one.fields.get("customerNo"),
                    "updated": one.fields.get("updDateTime"),
                }
                for one in self.members
            ],
            "contacts": [{"id": str(one.number), "email": one.values.get("email")} for one in self.contacts],
            "is_complete": self.is_complete,
        }


_OF_DELIVERY = {"id", "topic", "state", "status", "error", "attempts", "ms"}


def row_of(world: "World", customer: ShopCustomer) -> Row:
    """One customer and what the far sides hold of them now."""
    return next(iter(_joined([customer], world, only=customer.id)))


def rows(world: "World", most: int) -> tuple[list[Row], int]:
    """The newest so many people, those whom only one far side knows at the end; and how many there are in all."""
    customers = world.shopify.customers()
    everyone = [*reversed(_joined(customers, world)), *_strangers(customers, world)]
    return everyone[:most], len(everyone)


def _joined(customers: Iterable[ShopCustomer], world: "World", only: int | None = None) -> list[Row]:
    deliveries: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in world.shopify.webhooks.deliveries(customer_id=only):
        deliveries[delivery.customer_id].append(delivery)
    members = _by_id(world.smaregi.members.all())
    contacts = _contacts_by_key(world.hubspot.contacts.all())
    return [
        Row(
            one,
            tuple(deliveries[one.id]),
            tuple(members[str(one.id)]),
            tuple(_unlike([*contacts[str(one.id)], *contacts[(one.email or "-").lower()]])),
        )
        for one in customers
    ]


def _strangers(customers: Iterable[ShopCustomer], world: "World") -> list[Row]:
    ids = {str(one.id) for one in customers}
    emails = {(one.email or "").lower() for one in customers}
    members = [one for one in world.smaregi.members.all() if not ids & _keys_of(one)]
    contacts = [
        one
        for one in world.hubspot.contacts.all()
        if one.values.get("shopify_customer_id") not in ids and one.values.get("email", "").lower() not in emails
    ]
    return [Row(None, (), (one,), ()) for one in members] + [Row(None, (), (), (one,)) for one in contacts]


def _keys_of(member: Member) -> set[str]:
    return {key for key in (member.fields.get("customerNo"), member.fields.get("customerCode")) if key}


def _by_id(members: Iterable[Member]) -> Mapping[str, list[Member]]:
    found: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        for key in _keys_of(member):
            found[key].append(member)
    return found


def _contacts_by_key(contacts: Iterable[Contact]) -> Mapping[str, list[Contact]]:
    found: dict[str, list[Contact]] = defaultdict(list)
    for contact in contacts:
        for key in (contact.values.get("shopify_customer_id"), *(email.lower() for email in contact.emails())):
            if key:
                found[key].append(contact)
    return found


def _unlike(contacts: Iterable[Contact]) -> list[Contact]:
    return list({one.number: one for one in contacts}.values())
