"""A customer in HubSpot's words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from clients.hubspot.mapping import contact, moment
from clients.hubspot.properties import PROPERTIES
from clients.lane import fingerprint
from clients.smaregi.mapping import map_member
from customer import UNKNOWN, Address, Customer, Maybe
from japan import e164

TODAY = date(2026, 11, 22)
STANDARD = {"email", "lastname", "firstname", "phone", "zip", "state", "city", "address", "country", "company"}

HANAKO = Customer(
    id=6900000000001,
    email="Hanako.Test@Example.com",
    phone="+819000000001",
    last_name="見本",
    first_name="花子",
    last_kana="みほん",
    first_kana="ﾊﾅｺ",
    birth_date="1990/1/31",
    gender="女性",
    address=Address("1000014", "JP-13", "千代田区", "永田町2-3-1", "見本ビル301", country_code="JP"),
    tags=("vip", "line"),
    email_consent="subscribed",
    orders_count=3,
    amount_spent="12000.00",
    currency="JPY",
    last_order_at=datetime(2026, 11, 1, 9, 0, tzinfo=timezone(timedelta(hours=9))),
)


def test_a_whole_customer_is_a_whole_contact() -> None:
    assert contact(HANAKO, today=TODAY).properties == {
        "email": "hanako.test@example.com",
        "shopify_email_raw": None,
        "lastname": "見本",
        "firstname": "花子",
        "phone": "+819000000001",
        "zip": "100-0014",
        "state": "東京都",
        "city": "千代田区",
        "address": "永田町2-3-1 見本ビル301",
        "country": "JP",
        "company": None,
        "shopify_last_name_kana": "ミホン",
        "shopify_first_name_kana": "ハナコ",
        "shopify_birth_date": "1990-01-31",
        "shopify_gender": "female",
        "shopify_email_consent": "subscribed",
        "shopify_tags": "line, vip",
        "shopify_orders_count": "3",
        "shopify_amount_spent": "12000",
        "shopify_currency": "JPY",
        "shopify_last_order_at": "2026-11-01T00:00:00.000Z",
    }


def test_every_property_that_is_ours_is_in_the_bootstrap_list() -> None:
    assert set(contact(HANAKO, today=TODAY).properties) - STANDARD <= {each.name for each in PROPERTIES}


def test_what_nobody_told_us_is_not_in_it() -> None:
    assert contact(Customer(id=1), today=TODAY).properties == {}


def test_what_the_merchant_cleared_is_none_and_blank_is_the_same_as_none() -> None:
    cleared = Customer(
        id=1, email=None, phone="  ", tags=(), address=None, birth_date="", orders_count=None, last_order_at=None
    )
    assert contact(cleared, today=TODAY).properties == {
        "email": None,
        "shopify_email_raw": None,
        "phone": None,
        "shopify_tags": None,
        "zip": None,
        "state": None,
        "city": None,
        "address": None,
        "country": None,
        "company": None,
        "shopify_birth_date": None,
        "shopify_orders_count": None,
        "shopify_last_order_at": None,
    }


@pytest.mark.parametrize(
    ("change", "name", "value", "what"),
    [
        ({"first_kana": "はなこ"}, "shopify_first_name_kana", "ハナコ", ["reformatted"]),
        ({"last_kana": "見本"}, "shopify_last_name_kana", "見本", []),
        ({"last_name": "𠮷田"}, "lastname", "𠮷田", []),
        ({"last_name": " 見本 "}, "lastname", "見本", []),
        ({"birth_date": "1990-02-30"}, "shopify_birth_date", None, ["dropped"]),
        ({"birth_date": "soon"}, "shopify_birth_date", None, ["dropped"]),
        ({"birth_date": "2027-01-01"}, "shopify_birth_date", None, ["dropped"]),
        ({"gender": "male"}, "shopify_gender", "male", []),
        ({"gender": "???"}, "shopify_gender", None, ["dropped"]),
        ({"email": " A@EXAMPLE.JP "}, "email", "a@example.jp", []),
        ({"email": "ａ@example.jp"}, "email", "a@example.jp", ["reformatted"]),
        ({"email": "no address"}, "email", "no address", []),
        ({"amount_spent": "0"}, "shopify_amount_spent", "0", []),
        ({"amount_spent": "0.0"}, "shopify_amount_spent", "0", []),
        ({"amount_spent": "100"}, "shopify_amount_spent", "100", []),
        ({"amount_spent": "1E+3"}, "shopify_amount_spent", "1000", []),
        ({"amount_spent": "12.50"}, "shopify_amount_spent", "12.5", []),
        ({"amount_spent": "many"}, "shopify_amount_spent", None, ["dropped"]),
        ({"amount_spent": "Infinity"}, "shopify_amount_spent", None, ["dropped"]),
        ({"orders_count": 0}, "shopify_orders_count", "0", []),
        ({"tags": ("b", " a ", "", "b")}, "shopify_tags", "a, b", []),
    ],
)
def test_awkward_input(change: dict[str, object], name: str, value: str | None, what: list[str]) -> None:
    mapped = contact(replace(HANAKO, **change), today=TODAY)  # type: ignore[arg-type]  # one field by name
    assert mapped.properties[name] == value
    assert [each.what for each in mapped.corrections if each.field == name] == what


@pytest.mark.parametrize(
    ("address", "state", "zip_code", "line"),
    [
        (Address("〒100-0014", "JP-13", "港区", "1-1"), "東京都", "100-0014", "1-1"),
        (Address("１０００014", "JP-01", country_code="JP"), "北海道", "100-0014", None),
        (Address("100", "JP-99", country_code="JP"), None, "100", None),
        (Address("M5V 0A1", "ON", "Toronto", "1 Sample St", None, country_code="CA"), "ON", "M5V 0A1", "1 Sample St"),
        (Address(None, None, None, " ", "見本ビル"), None, None, "見本ビル"),
    ],
)
def test_addresses(address: Address, state: str | None, zip_code: str | None, line: str | None) -> None:
    found = contact(replace(HANAKO, address=address), today=TODAY).properties
    assert (found["state"], found["zip"], found["address"]) == (state, zip_code, line)


@pytest.mark.parametrize(
    ("last", "first", "lastname", "firstname", "kinds"),
    [
        ("見本", "花子", "見本", "花子", []),
        ("見本 花子", None, "見本", "花子", ["reformatted", "reformatted"]),
        (None, "見本　花子", "見本", "花子", ["reformatted", "reformatted"]),
        (UNKNOWN, " 見本\t花子 ", "見本", "花子", ["reformatted", "reformatted"]),
        ("見本 \u200b 花子", "\u3164", "見本", "花子", ["reformatted", "reformatted"]),
        ("𠮷田 花子", "", "𠮷田", "花子", ["reformatted", "reformatted"]),
        ("𠮷 﨑", "", "𠮷", "﨑", ["reformatted", "reformatted"]),
        ("佐々木 のぞみ", "", "佐々木", "のぞみ", ["reformatted", "reformatted"]),
        ("見本 花子 春", None, "見本 花子 春", None, []),
        ("ミホン ハナコ", None, "ミホン ハナコ", None, []),
        ("Hanako Mihon", "", "Hanako Mihon", None, []),
        ("見本 花子", "様", "見本 花子", "様", []),
        ("見本", None, "見本", None, []),
    ],
)
def test_a_name_in_one_field_is_parted_as_for_smaregi(
    last: Maybe[str], first: Maybe[str], lastname: str, firstname: str | None, kinds: list[str]
) -> None:
    named = replace(HANAKO, last_name=last, first_name=first)
    mapped = contact(named, today=TODAY)
    assert (mapped.properties["lastname"], mapped.properties["firstname"]) == (lastname, firstname)
    assert [each.what for each in mapped.corrections if each.field in ("lastname", "firstname")] == kinds

    at_the_till = map_member(named, placeholder="未入力", today=TODAY)
    parted = [each for each in at_the_till.corrections if each.detail == "one field held the whole name"]
    assert len(parted) == len(kinds)


IN_TOKYO = Address("1000014", "JP-13", "千代田区", "永田町2-3-1", phone="03-0000-0001", country_code="JP")
IN_TORONTO = Address("M5V 0A1", "ON", "Toronto", "1 Sample St", phone="416-555-0100", country_code="CA")


@pytest.mark.parametrize(
    ("own", "address", "number"),
    [
        ("090-0000-0001", IN_TOKYO, "+819000000001"),
        (None, IN_TOKYO, "+81300000001"),
        ("", IN_TOKYO, "+81300000001"),
        (UNKNOWN, IN_TOKYO, "+81300000001"),
        ("none", IN_TOKYO, "+81300000001"),
        (None, IN_TORONTO, "+14165550100"),
        (None, replace(IN_TORONTO, phone="090-0000-0001"), "+819000000001"),
        (None, replace(IN_TOKYO, phone="+1 416 555 0100"), "+14165550100"),
        (None, replace(IN_TOKYO, phone=None), None),
        (None, None, None),
        ("none", UNKNOWN, None),
        (UNKNOWN, None, UNKNOWN),
        (UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_a_telephone_number_comes_from_the_address_where_the_customer_has_none(
    own: Maybe[str], address: Maybe[Address], number: Maybe[str]
) -> None:
    person = replace(HANAKO, phone=own, address=address)
    assert contact(person, today=TODAY).properties.get("phone", UNKNOWN) == number
    at_the_till = map_member(person, placeholder="未入力", today=TODAY).fields.get("phoneNumber", UNKNOWN)
    assert (e164(at_the_till) if isinstance(at_the_till, str) else at_the_till) == number


def test_a_number_that_was_cleared_is_cleared_before_the_address_is_told() -> None:
    assert contact(replace(HANAKO, phone=None, address=UNKNOWN), today=TODAY).properties["phone"] is None


@pytest.mark.parametrize(
    ("address", "country", "company"),
    [
        (replace(IN_TOKYO, company=" 見本商店 "), "JP", "見本商店"),
        (replace(IN_TORONTO, company="Sample & Co"), "CA", "Sample & Co"),
        (replace(IN_TOKYO, company="\u200b", country_code=None), None, None),
        (None, None, None),
        (UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_country_and_company_are_those_of_the_address(
    address: Maybe[Address], country: Maybe[str], company: Maybe[str]
) -> None:
    found = contact(replace(HANAKO, address=address), today=TODAY).properties
    assert (found.get("country", UNKNOWN), found.get("company", UNKNOWN)) == (country, company)


def test_an_unknown_prefecture_code_is_reported() -> None:
    mapped = contact(replace(HANAKO, address=Address(province_code="JP-99")), today=TODAY)
    assert [(each.field, each.what) for each in mapped.corrections if each.field == "state"] == [("state", "dropped")]


def test_a_refused_address_is_kept_as_text_and_a_new_one_is_tried() -> None:
    refused = {"email": fingerprint("hanako.test@example.com")}
    mapped = contact(HANAKO, today=TODAY, refused=refused)
    assert "email" not in mapped.properties
    assert mapped.properties["shopify_email_raw"] == "Hanako.Test@Example.com"
    assert mapped.refused == refused
    assert [(each.field, each.what) for each in mapped.corrections if each.field == "email"] == [("email", "dropped")]

    changed = contact(replace(HANAKO, email="new@example.jp"), today=TODAY, refused=refused)
    assert changed.properties["email"] == "new@example.jp"
    assert changed.properties["shopify_email_raw"] is None
    assert changed.refused == {}


@pytest.mark.parametrize(
    ("customer", "can"),
    [
        (Customer(id=1, phone="+819000000001"), False),
        (Customer(id=1, email=None, last_name="", first_name=None, last_kana="ミホン"), False),
        (Customer(id=1, last_name="見本"), True),
        (Customer(id=1, first_name="花子"), True),
        (Customer(id=1, email="a@example.jp"), True),
    ],
)
def test_hubspot_makes_no_contact_without_an_address_or_a_name(customer: Customer, can: bool) -> None:
    assert contact(customer, today=TODAY).can_be_created is can


def test_a_moment_goes_in_utc() -> None:
    assert moment(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"
    assert moment(datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))) == "2026-01-01T00:00:00.000Z"
