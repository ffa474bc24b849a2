"""The whole customer as Admin GraphQL tells it: the question, and the answer read into a customer. Pure.

https://shopify.dev/docs/api/admin-graphql/latest/objects/Customer : ``email``, ``phone``, ``emailMarketingConsent``,
``smsMarketingConsent`` and ``addresses`` are deprecated there and not asked for.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from clients.shopify.setting import FIELDS
from clients.shopify.texts import clean, plain_amount, tidy_tags
from clients.shopify.times import read_time
from customer import UNKNOWN, Address, Customer, Maybe

PREFIX: Final = "gid://shopify/Customer/"

_QUERY: Final = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { %s } } }"

PERSONAL: Final = ("firstName", "lastName", "defaultEmailAddress", "defaultPhoneNumber", "defaultAddress")
"""What Shopify withholds from an app without level-2 access or from a store below the needed plan.

https://shopify.dev/docs/apps/launch/protected-customer-data
"""

_FIELDS: Final[Mapping[str, str]] = {
    **{
        name: name
        for name in (
            "firstName",
            "lastName",
            "verifiedEmail",
            "state",
            "note",
            "tags",
            "locale",
            "createdAt",
            "updatedAt",
            "numberOfOrders",
        )
    },
    "amountSpent": "amountSpent { amount currencyCode }",
    "defaultEmailAddress": "defaultEmailAddress { emailAddress marketingState }",
    "defaultPhoneNumber": "defaultPhoneNumber { phoneNumber marketingState }",
    # https://shopify.dev/docs/api/admin-graphql/latest/objects/MailingAddress : the names are of who receives there
    "defaultAddress": "defaultAddress { firstName lastName address1 address2 city provinceCode countryCodeV2 zip phone "
    "company }",
    # An order is seen with the scope read_orders only, which this service can do without.
    "lastOrder": "lastOrder { createdAt }",
}


def gid(customer_id: int) -> str:
    """Shopify's global id of a customer."""
    return f"{PREFIX}{customer_id}"


def question(metafields: Mapping[str, tuple[str, str]], *, leave_out: Collection[str] = ()) -> str:
    """The query for many customers at once (``$ids``), with one alias for each metafield of the setting.

    ``leave_out`` names keys of a node that are not asked for.
    """
    aliases = {
        field: f"{field}: metafield(namespace: {json.dumps(namespace)}, key: {json.dumps(key)}) {{ value }}"
        for field, (namespace, key) in metafields.items()
    }
    asked = (text for key, text in {**_FIELDS, **aliases}.items() if key not in leave_out)
    return _QUERY % " ".join(["id", *asked])


def keys_of(metafields: Collection[str]) -> frozenset[str]:
    """The keys that ``question`` asks for beside the id."""
    return frozenset(_FIELDS) | frozenset(metafields)


#: Asked only where a known address would be cleared, or would give its name to a customer without one: a connection
#: costs points, and nearly nobody is of either kind. https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
ANY_ADDRESS: Final = _QUERY % "id addressesV2(first: 2) { nodes { id } }"


def has_no_address(node: object) -> bool:
    """Whether an answer to ``ANY_ADDRESS`` says for certain that this customer has no address at all."""
    listed = node.get("addressesV2") if isinstance(node, Mapping) else None
    return isinstance(listed, Mapping) and listed.get("nodes") == []


def has_one_address(node: object) -> bool:
    """Whether an answer to ``ANY_ADDRESS`` says for certain that this customer has one address and no more."""
    listed = node.get("addressesV2") if isinstance(node, Mapping) else None
    nodes = listed.get("nodes") if isinstance(listed, Mapping) else None
    return isinstance(nodes, list) and len(nodes) == 1


def read_node(
    node: Mapping[str, Any], metafields: Collection[str] = (), *, denied: Collection[str] = frozenset()
) -> Customer:
    """The customer of one node. Raises ``ValueError``, which says nothing of the node, when its shape is not theirs.

    ``metafields`` are our fields that were asked for; ``denied`` the node's keys that came null because we may not see
    them. Those are UNKNOWN: a null there is no customer who cleared the field. So is a null beside a sign that Shopify
    withholds the field: the structure stays where only the value is withheld.
    https://shopify.dev/docs/apps/launch/protected-customer-data
    """
    asked = {key: value for key, value in node.items() if key not in denied}
    # Fields may be redacted without an error, and a customer without name, e-mail, phone and address does not exist at
    # Shopify: all of them null is a permission or a plan, never a person.
    # https://shopify.dev/docs/apps/launch/protected-customer-data
    if all(node.get(key) is None for key in PERSONAL):
        asked = {key: value for key, value in asked.items() if key not in PERSONAL}
    mail, phone = _part(asked, "defaultEmailAddress"), _part(asked, "defaultPhoneNumber")
    spent = _part(asked, "amountSpent")
    amount = plain_amount(raw) if isinstance(raw := _text(spent, "amount"), str) else raw
    in_metafields: dict[str, Any] = {
        field: _text(_part(asked, field), "value") for field in FIELDS if field in metafields
    }
    return Customer(
        id=_id(node),
        email=UNKNOWN if _hides_email(asked, mail) else _text(mail, "emailAddress"),
        phone=UNKNOWN if _is_hollow(phone, "phoneNumber") else _text(phone, "phoneNumber"),
        last_name=_text(asked, "lastName"),
        first_name=_text(asked, "firstName"),
        address=_address(_part(asked, "defaultAddress")),
        note=_text(asked, "note"),
        tags=_tags(asked),
        email_consent=_lower(_text(mail, "marketingState")),
        sms_consent=_lower(_text(phone, "marketingState")),
        account_state=_lower(_text(asked, "state")),
        locale=_text(asked, "locale"),
        orders_count=_count(asked, "numberOfOrders"),
        amount_spent=amount,
        currency=_text(spent, "currencyCode"),
        last_order_at=_time(_part(asked, "lastOrder"), "createdAt"),
        created_at=_time(asked, "createdAt"),
        updated_at=read_time(asked.get("updatedAt")),
        **in_metafields,
    )


def _is_hollow(part: Maybe[Mapping[str, Any]], key: str) -> bool:
    """Whether an object is there, and its value is not: a marketing state beside no address."""
    return isinstance(part, Mapping) and part.get(key) is None


def _hides_email(node: Mapping[str, Any], mail: Maybe[Mapping[str, Any]]) -> bool:
    # Whether `verifiedEmail` can be true for a customer without an e-mail is not known: then we would keep an address
    # that the merchant took out, which is the smaller harm.
    return _is_hollow(mail, "emailAddress") or (mail is None and node.get("verifiedEmail") is True)


def _id(node: Mapping[str, Any]) -> int:
    raw = node.get("id")
    digits = raw.removeprefix(PREFIX) if isinstance(raw, str) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        raise ValueError("the node has no customer's id")
    return int(digits)


def _part(node: Maybe[Mapping[str, Any]], key: str) -> Maybe[Mapping[str, Any]]:
    """An object within an object: UNKNOWN and None go down with it."""
    if not isinstance(node, Mapping):
        return node
    raw: object = node.get(key, UNKNOWN)
    if raw is None or raw is UNKNOWN:
        return None if raw is None else UNKNOWN
    if not isinstance(raw, Mapping):
        raise ValueError(f"{key} is not an object")
    return raw


def _text(node: Maybe[Mapping[str, Any]], key: str) -> Maybe[str]:
    if not isinstance(node, Mapping):
        return node
    raw: object = node.get(key, UNKNOWN)
    if raw is None or raw is UNKNOWN:
        return None if raw is None else UNKNOWN
    if not isinstance(raw, str):
        raise ValueError(f"{key} is not a text")
    return clean(raw)


def _lower(text: Maybe[str]) -> Maybe[str]:
    return text.lower() if isinstance(text, str) else text


def _address(raw: Maybe[Mapping[str, Any]]) -> Maybe[Address]:
    if not isinstance(raw, Mapping):
        return raw
    address = Address(
        zip=_text(raw, "zip") or None,
        province_code=_text(raw, "provinceCode") or None,
        city=_text(raw, "city") or None,
        address1=_text(raw, "address1") or None,
        address2=_text(raw, "address2") or None,
        company=_text(raw, "company") or None,
        phone=_text(raw, "phone") or None,
        country_code=_text(raw, "countryCodeV2") or None,
        last_name=_text(raw, "lastName") or None,
        first_name=_text(raw, "firstName") or None,
    )
    return address if address.has_lines else UNKNOWN


def _tags(node: Mapping[str, Any]) -> Maybe[tuple[str, ...]]:
    if "tags" not in node:
        return UNKNOWN
    raw = node["tags"]
    if raw is None:
        return ()
    if not isinstance(raw, list) or not all(isinstance(tag, str) for tag in raw):
        raise ValueError("tags is not a list of texts")
    return tidy_tags(raw)


def _count(node: Mapping[str, Any], key: str) -> Maybe[int]:
    # numberOfOrders is an UnsignedInt64, which Shopify writes as a text so that JavaScript does not round it.
    raw = node.get(key, UNKNOWN)
    if isinstance(raw, str) and len(raw) <= 19 and raw.isascii() and raw.isdigit():
        return int(raw)
    if type(raw) is int and 0 <= raw < 2**63:
        return raw
    if raw is None or raw is UNKNOWN:
        return None if raw is None else UNKNOWN
    raise ValueError(f"{key} is not a count")


def _time(node: Maybe[Mapping[str, Any]], key: str) -> Maybe[datetime]:
    raw = _text(node, key)
    return (read_time(raw) or UNKNOWN) if isinstance(raw, str) else raw
