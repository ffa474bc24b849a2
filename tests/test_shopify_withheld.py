"""A null is believed only where Shopify was asked for that very field and gives no sign that it withholds it.

https://shopify.dev/docs/apps/launch/protected-customer-data : an app is approved field by field; the structure stays.
One table for the two ways by which a customer comes: the body of a webhook, and the node of a read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.shopify.node import read_node
from clients.shopify.payload import read_payload
from customer import UNKNOWN, Address, Customer
from ledger.arrival import hear, learn

KNOWN = Customer(
    id=1,
    email="hanako@example.jp",
    phone="+819000000001",
    last_name="見本",
    first_name="花子",
    address=Address(zip="100-0014", province_code="JP-13", city="千代田区", address1="永田町2-3-1", country_code="JP"),
    note="VIP",
)
ADDRESS: dict[str, Any] = {
    "id": 11,
    "zip": "100-0014",
    "province_code": "JP-13",
    "city": "千代田区",
    "address1": "永田町2-3-1",
    "address2": None,
    "phone": None,
    "company": None,
    "country_code": "JP",
}
CODES_ALONE = {**dict.fromkeys(ADDRESS), "id": 11, "province_code": "JP-13", "country_code": "JP"}
NODE_NAMES = {"province_code": "provinceCode", "country_code": "countryCodeV2"}


@dataclass(frozen=True)
class Case:
    """What Shopify tells of the known customer: as a body has it, as a node has it, and what the read clears."""

    name: str
    body: dict[str, Any]
    node: dict[str, Any]
    read_clears: tuple[str, ...] = ()
    denied: frozenset[str] = field(default=frozenset())


def as_node(address: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if address is None else {NODE_NAMES.get(key, key): value for key, value in address.items()}


CASES = [
    Case("all there", {}, {}),
    Case(
        "e-mail and phone withheld, the address has its codes alone",
        {"email": None, "phone": None, "verified_email": True, "default_address": CODES_ALONE},
        {
            "defaultEmailAddress": {"emailAddress": None, "marketingState": "SUBSCRIBED"},
            "defaultPhoneNumber": {"phoneNumber": None, "marketingState": "SUBSCRIBED"},
            "verifiedEmail": True,
            "defaultAddress": as_node(CODES_ALONE),
        },
    ),
    Case("e-mail taken out", {"email": None}, {"defaultEmailAddress": None, "verifiedEmail": False}, ("email",)),
    Case("no e-mail, yet verified", {"email": None}, {"defaultEmailAddress": None, "verifiedEmail": True}),
    Case("e-mail denied", {"email": None}, {"defaultEmailAddress": None}, denied=frozenset({"defaultEmailAddress"})),
    Case("phone taken out", {"phone": None}, {"defaultPhoneNumber": None}, ("phone",)),
    Case(
        "marketing state beside no phone",
        {"phone": None},
        {"defaultPhoneNumber": {"phoneNumber": None, "marketingState": "NOT_SUBSCRIBED"}},
    ),
    Case("phone denied", {"phone": None}, {"defaultPhoneNumber": None}, denied=frozenset({"defaultPhoneNumber"})),
    Case("a first name taken out", {"first_name": None}, {"firstName": None}, ("first_name",)),
    Case("a first name left blank", {"first_name": ""}, {"firstName": ""}, ("first_name",)),
    Case(
        "names denied",
        {"first_name": None, "last_name": None},
        {"firstName": None, "lastName": None},
        denied=frozenset({"firstName", "lastName"}),
    ),
    Case("the note taken out", {"note": None}, {"note": None}, ("note",)),
    Case("the address taken out", {"default_address": None}, {"defaultAddress": None}, ("address",)),
    Case("no addresses at all", {"addresses": [], "default_address": None}, {"defaultAddress": None}, ("address",)),
    Case("address denied", {"default_address": None}, {"defaultAddress": None}, denied=frozenset({"defaultAddress"})),
    Case("an address without a line", {"default_address": {}}, {"defaultAddress": {}}),
    Case(
        "everything withheld without a word",
        {"first_name": None, "last_name": None, "email": None, "phone": None, "default_address": None},
        {
            "firstName": None,
            "lastName": None,
            "defaultEmailAddress": None,
            "defaultPhoneNumber": None,
            "defaultAddress": None,
            "verifiedEmail": True,
        },
    ),
]


def body_of(changes: dict[str, Any]) -> bytes:
    told = {
        "id": 1,
        "email": KNOWN.email,
        "phone": KNOWN.phone,
        "first_name": KNOWN.first_name,
        "last_name": KNOWN.last_name,
        "note": KNOWN.note,
        "verified_email": True,
        "default_address": ADDRESS,
    }
    return json.dumps({**told, **changes}).encode()


def node_of(changes: dict[str, Any]) -> dict[str, Any]:
    told = {
        "id": "gid://shopify/Customer/1",
        "firstName": KNOWN.first_name,
        "lastName": KNOWN.last_name,
        "note": KNOWN.note,
        "verifiedEmail": True,
        "defaultEmailAddress": {"emailAddress": KNOWN.email, "marketingState": "SUBSCRIBED"},
        "defaultPhoneNumber": {"phoneNumber": KNOWN.phone, "marketingState": "SUBSCRIBED"},
        "defaultAddress": as_node(ADDRESS),
    }
    return {**told, **changes}


NAMES = ("email", "phone", "last_name", "first_name", "address", "note")


def lost(after: Customer) -> tuple[str, ...]:
    """The fields of the known customer that are not what they were."""
    return tuple(name for name in NAMES if getattr(after, name) != getattr(KNOWN, name))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_body_clears_nothing(case: Case) -> None:
    told = read_payload(body_of(case.body))
    before = learn(None, KNOWN, None)
    assert lost(hear(before, told, None).customer) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_read_clears_what_it_was_asked_for_and_nothing_that_is_withheld(case: Case) -> None:
    found = read_node(node_of(case.node), denied=case.denied)
    assert lost(learn(learn(None, KNOWN, None), found, None).customer) == case.read_clears
    for name in case.read_clears:
        assert getattr(found, name) is None


def test_a_consent_is_told_although_its_address_is_withheld() -> None:
    found = read_node(node_of({"defaultEmailAddress": {"emailAddress": None, "marketingState": "UNSUBSCRIBED"}}))
    assert (found.email, found.email_consent) == (UNKNOWN, "unsubscribed")


def test_an_address_of_nothing_but_codes_is_nobodys_address_for_a_new_customer_either() -> None:
    told = read_payload(body_of({"default_address": CODES_ALONE}))
    assert hear(None, told, None).customer.address is UNKNOWN


@pytest.mark.parametrize(
    ("told", "after"),
    [
        ({"zip": None}, KNOWN.address),
        ({"address1": None, "city": None}, KNOWN.address),
        (
            {"zip": None, "city": "港区"},
            Address(province_code="JP-13", city="港区", address1="永田町2-3-1", country_code="JP"),
        ),
        (
            {"address1": "六本木1-2-3"},
            Address(**{**{k: v for k, v in ADDRESS.items() if k != "id"}, "address1": "六本木1-2-3"}),
        ),
    ],
    ids=["a part is missing", "two are", "another address is told as it is", "a changed line"],
)
def test_a_part_that_a_body_leaves_out_of_the_same_address_stays(told: dict[str, Any], after: Address) -> None:
    body = read_payload(body_of({"default_address": {**ADDRESS, **told}}))
    assert hear(learn(None, KNOWN, None), body, None).customer.address == after


KEYS = ("email", "phone", "first_name", "last_name", "note", "default_address", "tags", "email_marketing_consent")


@given(st.sets(st.sampled_from(KEYS)), st.sampled_from([None, ""]), st.booleans())
def test_whatever_a_body_has_as_null_or_blank_stays_as_it_was(keys: set[str], nothing: Any, verified: bool) -> None:
    blank = {key: None if key in ("default_address", "email_marketing_consent") else nothing for key in keys}
    told = read_payload(body_of({**blank, "verified_email": verified}))
    known = learn(None, KNOWN, None)
    assert hear(known, told, None).customer == known.customer
