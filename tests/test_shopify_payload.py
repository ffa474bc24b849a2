"""What a customer webhook says, in every version since 2023-07, and what is refused whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.shopify.payload import SAMPLE_CUSTOMER_ID, Unreadable, read_payload, read_triggered_at
from customer import UNKNOWN, Address, Customer

PAYLOADS = Path(__file__).parent / "payloads" / "shopify"


def of(case: str) -> Customer:
    return read_payload((PAYLOADS / f"{case}.json").read_bytes())


def told(**keys: Any) -> Customer:
    return read_payload(json.dumps({"id": 1, **keys}).encode())


def test_a_26_key_body_of_2023_tells_tags_consent_and_orders() -> None:
    customer = of("create_2023_10_26_keys")
    assert (customer.id, customer.last_name, customer.first_name) == (6900000000010, "見本", "太郎")
    assert (customer.email, customer.phone) == ("taro.mihon@example.com", "+819000000010")
    assert customer.tags == ("member", "newsletter")
    assert (customer.email_consent, customer.sms_consent) == ("subscribed", UNKNOWN)
    assert (customer.orders_count, customer.amount_spent, customer.currency) == (2, "12800", "JPY")
    assert isinstance(customer.address, Address)
    assert customer.address.province_code == "JP-13"
    assert customer.updated_at == datetime(2023, 11, 2, 3, tzinfo=UTC)


def test_a_24_key_body_of_2024_tells_tags_and_consent() -> None:
    customer = of("create_2024_04_24_keys")
    assert (customer.tags, customer.email_consent) == (("vip", "wholesale"), "not_subscribed")
    assert customer.address == Address(
        zip="530-0001",
        province_code="JP-27",
        city="大阪市北区",
        address1="梅田１−１",
        country_code="JP",
        last_name="見本",
        first_name="次郎",
    )


def test_a_17_key_body_leaves_unknown_what_it_no_longer_tells() -> None:
    customer = of("create_2026_10_17_keys")
    assert customer.email == "saburo.reibun@example.jp"
    assert isinstance(customer.address, Address)
    unknown = ("tags", "email_consent", "sms_consent", "orders_count", "amount_spent", "currency", "last_order_at")
    assert {name: getattr(customer, name) for name in unknown} == dict.fromkeys(unknown, UNKNOWN)
    kana = (customer.last_kana, customer.first_kana, customer.birth_date, customer.gender, customer.locale)
    assert set(kana) == {UNKNOWN}


def test_a_create_without_default_address_says_nothing_of_it_and_its_update_brings_it() -> None:
    created, updated = of("create_without_default_address"), of("update_with_address")
    assert created.address is UNKNOWN
    assert isinstance(updated.address, Address)
    assert (updated.address.province_code, updated.address.country_code) == ("ON", "CA")
    assert created.updated_at is not None
    assert updated.updated_at is not None
    assert updated.updated_at > created.updated_at
    assert updated.created_at == datetime(2024, 1, 12, 7, 42, 44, tzinfo=UTC)


def test_a_japanese_customer_comes_as_the_shop_has_her() -> None:
    customer = of("create_japanese")
    assert (customer.last_name, customer.first_name, customer.note) == ("見本", "花子", "店頭でもご利用の方")
    assert customer.address == Address(
        zip="100-0014",
        province_code="JP-13",
        city="千代田区",
        address1="永田町２丁目３−１",
        address2="見本ビル３０１",
        phone="+819000000002",
        country_code="JP",
        last_name="見本",
        first_name="花子",
    )


def test_texts_are_not_corrected_on_the_way_in() -> None:
    customer = of("create_half_width_kana_and_plus81")
    assert (customer.last_name, customer.first_name) == ("ﾐﾎﾝ", "ﾊﾅｺ")
    assert isinstance(customer.address, Address)
    assert (customer.address.zip, customer.address.phone) == ("〒１００ー００１４", "+81 (90) 0000-0013")


def test_a_body_does_not_say_whether_what_is_missing_is_none_or_withheld() -> None:
    nameless, by_phone = of("create_without_name"), of("create_phone_only")
    assert (nameless.last_name, nameless.first_name, nameless.email) == (UNKNOWN, UNKNOWN, "noname@example.com")
    assert (by_phone.email, by_phone.first_name, by_phone.phone) == (UNKNOWN, UNKNOWN, "+819000000015")
    assert by_phone.address is UNKNOWN


def test_nulls_everywhere_are_a_customer_with_an_id() -> None:
    customer = of("create_nulls_everywhere")
    assert customer.id == 6900000000016
    assert (customer.note, customer.tags, customer.email_consent) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert customer.updated_at is None


@pytest.mark.parametrize("addresses", [{"addresses": []}, {"default_address": None}, {}])
def test_a_body_whose_person_is_withheld_says_nothing_of_the_person(addresses: dict[str, Any]) -> None:
    customer = told(first_name=None, last_name="", email=None, phone=None, note="見本", **addresses)
    assert (customer.first_name, customer.last_name, customer.email, customer.phone) == (UNKNOWN,) * 4
    assert customer.address is UNKNOWN
    assert customer.note == "見本"


def test_an_id_beyond_2_to_the_53_keeps_every_digit() -> None:
    assert of("create_id_beyond_2_53").id == 9007199254740993
    assert told(id=2**63 - 1).id == 2**63 - 1


def test_shopifys_sample_customer_is_known_by_its_id() -> None:
    customer = of("sample_bob_biller")
    assert customer.id == SAMPLE_CUSTOMER_ID == 706405506930370084
    assert isinstance(customer.address, Address)
    assert customer.address.address1 == "151 O'Connor Street"


def test_the_body_of_a_deletion_knows_nothing_but_who() -> None:
    assert told(tax_exemptions=[], admin_graphql_api_id="gid://shopify/Customer/1") == Customer(id=1)


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("unreadable_*")), ids=lambda path: path.name)
def test_an_unreadable_body_is_refused_without_a_word_of_its_content(path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        read_payload(path.read_bytes())
    assert refused.value.why == str(refused.value)
    for content in ("6900000000090", "fuka", "読", "不可", "東京", "sixty"):
        assert content not in refused.value.why
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_every_readable_fixture_is_read_and_survives_our_own_json() -> None:
    for path in PAYLOADS.glob("[!u]*.json"):
        customer = read_payload(path.read_bytes())
        assert Customer.from_json(json.loads(json.dumps(customer.to_json()))) == customer


@pytest.mark.parametrize(
    ("keys", "address"),
    [
        ({}, UNKNOWN),
        ({"default_address": None}, UNKNOWN),
        ({"default_address": None, "addresses": [{"default": True, "zip": "100-0014"}]}, UNKNOWN),
        ({"default_address": {}}, UNKNOWN),
        ({"default_address": {"zip": "", "city": None, "default": True}}, UNKNOWN),
        ({"addresses": []}, UNKNOWN),
        ({"addresses": None}, UNKNOWN),
        ({"addresses": [{"zip": "1"}, {"zip": "2", "default": True}]}, Address(zip="2")),
        ({"addresses": [{"zip": "1"}, {"zip": "2", "default": False}]}, UNKNOWN),
        ({"default_address": {"id": 1, "province_code": "JP-13", "country_code": "JP", "zip": None}}, UNKNOWN),
        ({"default_address": {"zip": 1000014, "province": "Tōkyō"}}, Address(zip="1000014")),
    ],
)
def test_the_address_is_the_default_one_wherever_it_stands(keys: dict[str, Any], address: object) -> None:
    assert told(**keys).address == address


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("見本", "見本"),
        (" 見本 ", " 見本 "),
        ("", UNKNOWN),
        ("　 ", UNKNOWN),
        (None, UNKNOWN),
        ("a\x00b", "ab"),
        ("\x00", UNKNOWN),
        ("\ud83d", "\ufffd"),
        ("花\udc00子", "花\ufffd子"),
        ("子\ud83d花", "子\ufffd花"),
        ("😀𠮷", "😀𠮷"),
        (9012345678, "9012345678"),
    ],
)
def test_a_text_becomes_one_that_a_database_can_hold(raw: object, read: str | None) -> None:
    name = told(last_name=raw).last_name
    assert name == read
    if isinstance(name, str):
        assert "\x00" not in name
        name.encode()


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("b, a", ("a", "b")),
        ("a,a ,,  ", ("a",)),
        ("", UNKNOWN),
        (None, UNKNOWN),
        (["b", "a"], ("a", "b")),
        ("会員\x00", ("会員",)),
    ],
)
def test_tags_are_a_set_in_one_order(raw: object, read: tuple[str, ...]) -> None:
    assert told(tags=raw).tags == read


@pytest.mark.parametrize(
    ("keys", "email", "sms"),
    [
        ({}, UNKNOWN, UNKNOWN),
        ({"email_marketing_consent": None, "sms_marketing_consent": None}, UNKNOWN, UNKNOWN),
        ({"email_marketing_consent": {"state": "SUBSCRIBED"}}, "subscribed", UNKNOWN),
        ({"email_marketing_consent": {}}, UNKNOWN, UNKNOWN),
        ({"sms_marketing_consent": {"state": None}}, UNKNOWN, UNKNOWN),
        ({"accepts_marketing": True}, "subscribed", UNKNOWN),
        ({"accepts_marketing": False, "email_marketing_consent": None}, "not_subscribed", UNKNOWN),
        ({"accepts_marketing": True, "email_marketing_consent": {"state": "unsubscribed"}}, "unsubscribed", UNKNOWN),
        ({"accepts_marketing": None}, UNKNOWN, UNKNOWN),
    ],
)
def test_consent_is_read_from_its_object_and_else_from_the_old_flag(
    keys: dict[str, Any], email: object, sms: object
) -> None:
    customer = told(**keys)
    assert (customer.email_consent, customer.sms_consent) == (email, sms)


@pytest.mark.parametrize(
    ("raw", "read"),
    [("0.00", "0"), ("1200.50", "1200.5"), (1200, "1200"), (12.5, "12.5"), (None, UNKNOWN), ("-5.10", "-5.1")],
)
def test_amounts_are_decimals_in_one_spelling(raw: object, read: str | None) -> None:
    customer = told(total_spent=raw, currency="JPY")
    assert (customer.amount_spent, customer.currency) == (read, "JPY")


@pytest.mark.parametrize(
    "keys",
    [
        {"email": ["a@example.com"]},
        {"email": True},
        {"phone": 90.5},
        {"phone": 10**30},
        {"note": {"text": "x"}},
        {"note": "x" * 100_001},
        {"default_address": []},
        {"default_address": {"zip": []}},
        {"addresses": {"zip": "1"}},
        {"addresses": [None]},
        {"tags": {"a": 1}},
        {"tags": [1]},
        {"tags": "x" * 100_001},
        {"email_marketing_consent": "subscribed"},
        {"sms_marketing_consent": {"state": 1.5}},
        {"orders_count": "many"},
        {"orders_count": -1},
        {"orders_count": 1.0},
        {"total_spent": "a lot"},
        {"total_spent": "1e999999999"},
        {"total_spent": True},
        {"id": True},
        {"id": 0},
        {"id": 1.0},
        {"id": "1.0"},
        {"id": "١٢٣"},
        {"id": "9" * 20},
        {"id": [1]},
    ],
)
def test_a_shape_we_do_not_know_is_refused_whole(keys: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        told(**keys)


@pytest.mark.parametrize(
    "body",
    [
        b" \n",
        b"null",
        b"1",
        b'"id"',
        b"[]",
        b"{}",
        b'{"id":1',
        b'{"id":1}{"id":2}',
        b'{"id":1e400}',
        b'{"id":Infinity}',
        b'{"id":' + b"9" * 5000 + b"}",
        b"\xff\xfe{\x00}\x00",
        b'{"id":1,"email":"\xff"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_customer_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_payload(body)


def test_a_byte_order_mark_and_a_number_written_as_text_are_forgiven() -> None:
    assert read_payload(b'\xef\xbb\xbf{"id":"6900000000001"}').id == 6900000000001


@pytest.mark.parametrize(
    "raw", [None, "", "yesterday", "2026-11-20", "2026-11-20T01:02:03", 1700000000, [], "9999-12-31T23:59:59-23:00"]
)
def test_a_time_that_is_none_leaves_the_order_open(raw: object) -> None:
    assert told(updated_at=raw).updated_at is None
    assert told(created_at=raw).created_at is UNKNOWN


@pytest.mark.parametrize(
    ("header", "at"),
    [
        ("2025-07-10T16:15:47.000000Z", datetime(2025, 7, 10, 16, 15, 47, tzinfo=UTC)),
        ("2023-03-29T18:00:27.877041743Z", datetime(2023, 3, 29, 18, 0, 27, 877041, tzinfo=UTC)),
        ("2026-11-20T10:02:03+09:00", datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)),
        (None, None),
        ("", None),
        ("soon", None),
        ("2026-11-20T10:02:03", None),
        ("0001-01-01T00:00:00+09:00", None),
        ("2" * 10_000, None),
        ("２０２６-11-20", None),
    ],
)
def test_triggered_at_is_read_to_the_microsecond_or_not_at_all(header: str | None, at: datetime | None) -> None:
    assert read_triggered_at(header) == at


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted({*json.loads((PAYLOADS / "create_2024_04_24_keys.json").read_text()), "accepts_marketing"})
ADDRESS_KEYS = ("zip", "province_code", "city", "address1", "default", "phone")


@settings(max_examples=300, deadline=None, database=None)
@given(st.binary())
def test_any_bytes_are_read_or_unreadable(body: bytes) -> None:
    _read_or_refuse(body)


@settings(max_examples=300, deadline=None, database=None)
@given(ANY_JSON)
def test_any_json_is_read_or_unreadable(value: Any) -> None:
    _read_or_refuse(json.dumps(value).encode())


@settings(max_examples=400, deadline=None, database=None)
@given(
    st.dictionaries(
        st.sampled_from(KEYS), ANY_JSON | st.dictionaries(st.sampled_from(ADDRESS_KEYS), ANY_JSON, max_size=3)
    ),
    st.sampled_from([1, "1", 2**63 - 1, 2**63, None]),
)
def test_any_values_under_their_keys_are_read_or_unreadable(value: dict[str, Any], customer_id: object) -> None:
    _read_or_refuse(json.dumps({**value, "id": customer_id}).encode())


def _read_or_refuse(body: bytes) -> None:
    try:
        customer = read_payload(body)
    except Unreadable:
        return
    kept = json.dumps(customer.to_json(), ensure_ascii=False).encode()
    assert b"\\u0000" not in kept
    assert Customer.from_json(json.loads(kept)) == customer
