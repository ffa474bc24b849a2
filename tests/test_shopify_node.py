"""The whole customer as Admin GraphQL tells it: what is known, what is none, and what nobody told us."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.shopify.node import question, read_node
from clients.shopify.payload import read_payload
from clients.shopify.setting import FIELDS
from customer import UNKNOWN, Address, Customer

HANAKO: dict[str, Any] = {
    "id": "gid://shopify/Customer/6900000000002",
    "firstName": "花子",
    "lastName": "見本",
    "state": "ENABLED",
    "note": "",
    "tags": ["vip", "member"],
    "locale": "ja",
    "createdAt": "2026-11-20T01:02:03Z",
    "updatedAt": "2026-11-20T01:02:05Z",
    "numberOfOrders": "3",
    "amountSpent": {"amount": "12800.0", "currencyCode": "JPY"},
    "lastOrder": {"createdAt": "2026-11-19T00:00:00Z"},
    "defaultEmailAddress": {"emailAddress": "hanako.mihon@example.jp", "marketingState": "SUBSCRIBED"},
    "defaultPhoneNumber": {"phoneNumber": "+819000000002", "marketingState": "NOT_SUBSCRIBED"},
    "defaultAddress": {
        "address1": "永田町２丁目３−１",
        "address2": "見本ビル３０１",
        "city": "千代田区",
        "provinceCode": "JP-13",
        "countryCodeV2": "JP",
        "zip": "100-0014",
        "phone": None,
        "company": None,
    },
    "last_kana": {"value": "ミホン"},
    "first_kana": None,
    "birth_date": {"value": ""},
}


def test_a_full_node_becomes_the_whole_customer() -> None:
    assert read_node(HANAKO, ["last_kana", "first_kana", "birth_date"]) == Customer(
        id=6900000000002,
        email="hanako.mihon@example.jp",
        phone="+819000000002",
        last_name="見本",
        first_name="花子",
        last_kana="ミホン",
        first_kana=None,
        birth_date=None,
        gender=UNKNOWN,
        address=Address(
            zip="100-0014",
            province_code="JP-13",
            city="千代田区",
            address1="永田町２丁目３−１",
            address2="見本ビル３０１",
            country_code="JP",
        ),
        note=None,
        tags=("member", "vip"),
        email_consent="subscribed",
        sms_consent="not_subscribed",
        account_state="enabled",
        locale="ja",
        orders_count=3,
        amount_spent="12800",
        currency="JPY",
        last_order_at=datetime(2026, 11, 19, tzinfo=UTC),
        created_at=datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC),
        updated_at=datetime(2026, 11, 20, 1, 2, 5, tzinfo=UTC),
    )


def test_a_node_says_the_same_as_the_webhook_of_the_same_customer() -> None:
    body = {
        "id": 6900000000002,
        "email": "hanako.mihon@example.jp",
        "phone": "+819000000002",
        "first_name": "花子",
        "last_name": "見本",
        "state": "enabled",
        "note": None,
        "tags": "vip, member",
        "orders_count": 3,
        "total_spent": "12800.00",
        "currency": "JPY",
        "email_marketing_consent": {"state": "subscribed"},
        "sms_marketing_consent": {"state": "not_subscribed"},
        "created_at": "2026-11-20T10:02:03+09:00",
        "default_address": {
            "address1": "永田町２丁目３−１",
            "address2": "見本ビル３０１",
            "city": "千代田区",
            "province": "Tōkyō",
            "province_code": "JP-13",
            "country_code": "JP",
            "zip": "100-0014",
        },
    }
    read_back = read_node(HANAKO, FIELDS)
    assert read_back.seen_with(read_payload(json.dumps(body).encode())).says_the_same_as(read_back)


def test_cleared_parts_are_known_to_be_none() -> None:
    node = {**HANAKO, "defaultEmailAddress": None, "defaultAddress": None, "lastOrder": None, "lastName": None}
    customer = read_node(node)
    assert (customer.email, customer.email_consent, customer.address) == (None, None, None)
    assert (customer.last_order_at, customer.last_name, customer.first_name) == (None, None, "花子")


def test_what_was_not_asked_for_stays_unknown() -> None:
    customer = read_node({"id": "gid://shopify/Customer/1", "lastName": "見本"})
    assert customer == Customer(id=1, last_name="見本")


@pytest.mark.parametrize("denied", [frozenset[str](), frozenset({"firstName", "defaultEmailAddress"})])
def test_personal_data_that_is_null_as_a_whole_was_withheld_and_is_unknown(denied: frozenset[str]) -> None:
    withheld = dict.fromkeys(("firstName", "lastName", "defaultEmailAddress", "defaultPhoneNumber", "defaultAddress"))
    customer = read_node({**HANAKO, **withheld}, denied=denied)
    for name in ("first_name", "last_name", "email", "phone", "address", "email_consent", "sms_consent"):
        assert getattr(customer, name) is UNKNOWN
    assert customer.tags == ("member", "vip")


def test_a_denied_field_is_unknown_and_its_neighbours_are_not() -> None:
    customer = read_node({**HANAKO, "lastOrder": None, "note": None}, denied=frozenset({"lastOrder"}))
    assert customer.last_order_at is UNKNOWN
    assert customer.note is None


@pytest.mark.parametrize(
    "node",
    [
        {},
        {"id": None},
        {"id": "gid://shopify/Order/1"},
        {"id": "gid://shopify/Customer/"},
        {"id": "gid://shopify/Customer/１"},
        {**HANAKO, "tags": "vip"},
        {**HANAKO, "lastName": 1},
        {**HANAKO, "numberOfOrders": "three"},
        {**HANAKO, "defaultAddress": []},
        {**HANAKO, "defaultEmailAddress": "hanako.mihon@example.jp"},
    ],
)
def test_a_node_of_another_shape_is_refused_without_a_word_of_its_content(node: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is not|has no") as refused:
        read_node(node)
    assert "hanako" not in str(refused.value)


def test_the_question_asks_for_each_metafield_by_its_alias_and_for_nothing_deprecated() -> None:
    asked = question({"last_kana": ("custom", "last_name_kana"), "gender": ("$app:x", "gender")})
    assert 'last_kana: metafield(namespace: "custom", key: "last_name_kana") { value }' in asked
    assert 'gender: metafield(namespace: "$app:x", key: "gender") { value }' in asked
    assert asked.count("{") == asked.count("}")
    words = set(asked.replace("{", " ").replace("}", " ").split())
    assert not words & {"email", "phoneMarketingConsent", "emailMarketingConsent", "smsMarketingConsent", "addresses"}
    assert "lastOrder" not in question({}, leave_out=("lastOrder",))


ANY = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.dictionaries(
        st.sampled_from([*HANAKO, "gender"]),
        ANY | st.dictionaries(st.sampled_from(["value", "amount", "emailAddress", "createdAt", "zip"]), ANY),
    )
)
def test_any_node_is_read_or_refused(node: dict[str, Any]) -> None:
    try:
        customer = read_node({**node, "id": "gid://shopify/Customer/1"}, FIELDS)
    except ValueError:
        return
    assert Customer.from_json(json.loads(json.dumps(customer.to_json()))) == customer
