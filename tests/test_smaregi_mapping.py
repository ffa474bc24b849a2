"""A customer as Smaregi's member fields."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clients.smaregi.mapping import CLEARED_AS, Mapped, map_member, member_number
from customer import UNKNOWN, Address, Correction, Customer
from japan.kana import KANA
from japan.prefectures import PREFECTURES

TODAY = date(2026, 11, 22)
PLACEHOLDER = "未入力"
ADDRESS = Address("1000014", "JP-13", "千代田区", "永田町２丁目３−１", "見本ビル３０１", None, "03-0000-0001", "JP")
HANAKO = Customer(
    id=6900000000002,
    email="Hanako@Example.JP",
    phone="+819000000001",
    last_name="見本",
    first_name="花子",
    last_kana="ﾐﾎﾝ",
    first_kana="はなこ",
    birth_date="1990年1月31日",
    gender="女性",
    address=ADDRESS,
    email_consent="subscribed",
)


def mapped(customer: Customer) -> Mapped:
    return map_member(customer, placeholder=PLACEHOLDER, today=TODAY)


def fields(customer: Customer) -> dict[str, str | None]:
    return mapped(customer).fields


def test_a_whole_customer_becomes_a_whole_member() -> None:
    assert fields(HANAKO) == {
        "lastName": "見本",
        "firstName": "花子",
        "lastKana": "ミホン",
        "firstKana": "ハナコ",
        "postCode": "100-0014",
        "address": "東京都千代田区永田町2丁目3-1見本ビル301",
        "phoneNumber": "090-0000-0001",
        "mailAddress": "hanako@example.jp",
        "sex": "2",
        "birthDate": "1990-01-31",
        "mailReceiveFlag": "1",
    }


def test_every_correction_names_its_field() -> None:
    corrections = [(correction.field, correction.what) for correction in mapped(HANAKO).corrections]
    assert corrections == [
        ("lastKana", "widened"),
        ("firstKana", "reformatted"),
        ("postCode", "reformatted"),
        ("address", "reformatted"),
        ("address", "replaced"),
        ("phoneNumber", "reformatted"),
        ("mailAddress", "reformatted"),
        ("birthDate", "reformatted"),
    ]


def test_a_tidy_customer_needs_no_correction() -> None:
    tidy = Customer(id=1, email="a@example.jp", last_name="見本", first_name="花子", email_consent="subscribed")
    assert mapped(tidy) == Mapped(
        {"lastName": "見本", "firstName": "花子", "mailAddress": "a@example.jp", "mailReceiveFlag": "1"}
    )


def test_what_nobody_told_us_has_no_key_but_names_and_mail_flag_are_always_there() -> None:
    result = mapped(Customer(id=1))
    assert result.fields == {"lastName": PLACEHOLDER, "firstName": PLACEHOLDER, "mailReceiveFlag": "0"}
    assert result.filled == {"lastName", "firstName", "mailReceiveFlag"}


def test_what_is_known_to_be_empty_is_none() -> None:
    nothing = Customer(
        id=1,
        email=None,
        phone=None,
        last_name=None,
        first_name=None,
        last_kana=None,
        first_kana=None,
        birth_date=None,
        gender=None,
        address=None,
        email_consent=None,
    )
    assert fields(nothing) == {
        "lastName": PLACEHOLDER,
        "firstName": PLACEHOLDER,
        "lastKana": None,
        "firstKana": None,
        "postCode": None,
        "address": None,
        "phoneNumber": None,
        "mailAddress": None,
        "sex": None,
        "birthDate": None,
        "mailReceiveFlag": "0",
    }
    assert CLEARED_AS["sex"] == "0"


@pytest.mark.parametrize(
    ("last", "first", "last_kana", "first_kana", "names", "filled"),
    [
        ("見本", "花子", None, None, ("見本", "花子"), set()),
        (None, None, None, None, ("未入力", "未入力"), {"lastName", "firstName"}),
        (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, ("未入力", "未入力"), {"lastName", "firstName"}),
        (" ", "　", None, None, ("未入力", "未入力"), {"lastName", "firstName"}),
        ("🎀", "🎀", None, None, ("未入力", "未入力"), {"lastName", "firstName"}),
        ("見本", None, None, None, ("見本", "未入力"), {"firstName"}),
        (None, "花子", None, None, ("未入力", "花子"), {"lastName"}),
        (None, "花子", "ﾐﾎﾝ", None, ("ミホン", "花子"), {"lastName"}),
        (None, None, "みほん", "はなこ", ("ミホン", "ハナコ"), {"lastName", "firstName"}),
        (None, None, "見本", "花子", ("未入力", "未入力"), {"lastName", "firstName"}),
        (None, "見本 花子", None, None, ("見本", "花子"), set()),
        ("見本　花子", None, None, None, ("見本", "花子"), set()),
        ("見本 花子", UNKNOWN, UNKNOWN, UNKNOWN, ("見本", "花子"), set()),
        ("見本 花子", "花子", None, None, ("見本 花子", "花子"), set()),
        (None, "ジョン スミス", None, None, ("未入力", "ジョン スミス"), {"lastName"}),
        (None, "Hanako Test", None, None, ("未入力", "Hanako Test"), {"lastName"}),
        ("見本 太郎 花子", None, None, None, ("見本 太郎 花子", "未入力"), {"firstName"}),
        ("髙橋", "𠮷江", None, None, ("高橋", "吉江"), set()),
        ("김", "민수", None, None, ("김", "민수"), set()),
        ("𩸽", "花", None, None, ("〓", "花"), set()),
    ],
)
def test_a_member_always_has_both_names(
    last: Any, first: Any, last_kana: Any, first_kana: Any, names: tuple[str, str], filled: set[str]
) -> None:
    result = mapped(
        Customer(
            id=1,
            last_name=last,
            first_name=first,
            last_kana=last_kana,
            first_kana=first_kana,
            email_consent="subscribed",
        )
    )
    assert (result.fields["lastName"], result.fields["firstName"]) == names
    assert result.filled == filled
    assert {correction.field for correction in result.corrections if correction.what == "filled"} == filled


def test_a_missing_name_is_told() -> None:
    corrections = mapped(Customer(id=1, last_name="見本", first_name=None)).corrections
    assert corrections == (Correction("firstName", "filled", "no name in Shopify"),)


def test_an_empty_placeholder_is_refused() -> None:
    with pytest.raises(ValueError, match="placeholder"):
        map_member(HANAKO, placeholder="　", today=TODAY)


def test_a_long_name_is_cut_at_85_characters() -> None:
    result = mapped(replace(HANAKO, last_name="見" * 86))
    assert result.fields["lastName"] == "見" * 85
    assert Correction("lastName", "cut", "cut at 85 of 86 characters") in result.corrections


@pytest.mark.parametrize(
    ("own", "address", "expected"),
    [
        ("+819000000001", ADDRESS, {"phoneNumber": "090-0000-0001"}),
        (None, ADDRESS, {"phoneNumber": "03-0000-0001"}),
        (UNKNOWN, ADDRESS, {"phoneNumber": "03-0000-0001"}),
        ("なし", ADDRESS, {"phoneNumber": "03-0000-0001"}),
        (" ", ADDRESS, {"phoneNumber": "03-0000-0001"}),
        ("+819000000001", UNKNOWN, {"phoneNumber": "090-0000-0001"}),
        (None, None, {"phoneNumber": None}),
        (None, replace(ADDRESS, phone=None), {"phoneNumber": None}),
        ("なし", None, {"phoneNumber": None}),
        (None, UNKNOWN, {}),
        (UNKNOWN, None, {}),
        (UNKNOWN, UNKNOWN, {}),
        (None, Address(phone="416-555-0100", country_code="CA"), {"phoneNumber": "+14165550100"}),
        ("+14165550100", UNKNOWN, {"phoneNumber": "+14165550100"}),
    ],
)
def test_the_customers_own_number_comes_before_the_address_number(own: Any, address: Any, expected: Any) -> None:
    found = fields(Customer(id=1, phone=own, address=address))
    assert {name: value for name, value in found.items() if name == "phoneNumber"} == expected


@pytest.mark.parametrize(
    ("consent", "flag"),
    [
        ("subscribed", "1"),
        ("not_subscribed", "0"),
        ("unsubscribed", "0"),
        ("pending", "0"),
        ("redacted", "0"),
        ("invalid", "0"),
        (None, "0"),
        (UNKNOWN, "0"),
    ],
)
def test_nobody_is_opted_in_but_by_consent(consent: Any, flag: str) -> None:
    assert fields(Customer(id=1, email_consent=consent))["mailReceiveFlag"] == flag


@pytest.mark.parametrize(
    ("typed", "sex"),
    [("男性", "1"), ("female", "2"), ("その他", "0"), ("回答しない", None), ("？", None), (None, None), ("", None)],
)
def test_sex_is_a_figure_or_none(typed: str | None, sex: str | None) -> None:
    assert fields(Customer(id=1, gender=typed))["sex"] == sex


@pytest.mark.parametrize(
    ("postcode", "country", "written"),
    [
        ("１０００014", "JP", "100-0014"),
        ("1000014", None, "100-0014"),
        ("M5V 0A1", "CA", "M5V 0A1"),
        ("m5v　0a1", "CA", "M5V 0A1"),
        ("12345-6789", "US", "12345-6789"),
        ("12345-67890", "US", None),
        ("郵便番号", "US", None),
        ("M5V 0A1", "JP", None),
        (None, "US", None),
        (" ", "US", None),
    ],
)
def test_a_postcode_is_japanese_in_japan_and_as_it_is_abroad(
    postcode: str | None, country: str | None, written: str | None
) -> None:
    assert fields(Customer(id=1, address=Address(zip=postcode, country_code=country)))["postCode"] == written


def test_an_address_abroad_is_written_the_other_way_round() -> None:
    abroad = Address("M5V 0A1", "ON", "Toronto", "1 Sample Street", None, None, None, "CA")
    assert fields(Customer(id=1, address=abroad))["address"] == "1 Sample Street, Toronto, ON, CA"


@pytest.mark.parametrize(
    ("customer", "key"),
    [
        (Customer(id=1, email="hanako@"), "mailAddress"),
        (Customer(id=1, birth_date="不明"), "birthDate"),
        (Customer(id=1, last_kana="見本"), "lastKana"),
        (Customer(id=1, gender="？？"), "sex"),
        (Customer(id=1, phone="なし"), "phoneNumber"),
    ],
)
def test_what_cannot_be_used_is_none_and_told(customer: Customer, key: str) -> None:
    result = mapped(customer)
    assert result.fields[key] is None
    assert [(correction.field, correction.what) for correction in result.corrections][-1] == (key, "dropped")


def test_a_member_number_is_the_shopify_id() -> None:
    assert member_number(6900000000002) == "6900000000002"
    assert member_number(706405506930370084) == "706405506930370084"
    for wrong in (0, -1, 10**20):
        with pytest.raises(ValueError, match="positive"):
            member_number(wrong)


_TEXTS = st.one_of(
    st.none(),
    st.just(UNKNOWN),
    st.text(st.sampled_from("見本花子ミホンﾐﾎﾝみほん髙𠮷Ⅲ①㈱🎀 　-ー1２3〓ABｃé김\u200d\t年月日"), max_size=100),
    st.text(max_size=20),
    st.sampled_from(["男性", "1990/1/31", "S60.4.1", "+819000000001", "Hanako@Example.JP", "subscribed"]),
)
_PART = _TEXTS.map(lambda text: text if isinstance(text, str) else None)
_CUSTOMERS = st.builds(
    Customer,
    id=st.integers(1, 2**63 - 1),
    email=_TEXTS,
    phone=_TEXTS,
    last_name=_TEXTS,
    first_name=_TEXTS,
    last_kana=_TEXTS,
    first_kana=_TEXTS,
    birth_date=_TEXTS,
    gender=_TEXTS,
    email_consent=_TEXTS,
    address=st.one_of(
        st.none(),
        st.just(UNKNOWN),
        st.builds(
            Address,
            zip=_PART,
            province_code=st.one_of(_PART, st.sampled_from(sorted(PREFECTURES))),
            city=_PART,
            address1=_PART,
            address2=_PART,
            phone=_PART,
            country_code=st.sampled_from([None, "JP", "CA"]),
        ),
    ),
)
_GENDERS = {"1": "male", "2": "female", "0": "other"}


@settings(max_examples=300, deadline=None)
@given(_CUSTOMERS)
def test_every_member_is_one_that_smaregi_takes(customer: Customer) -> None:
    result = mapped(customer)
    assert result == mapped(customer)
    assert result.filled <= set(result.fields)
    for name, value in result.fields.items():
        if value is None:
            assert name not in ("lastName", "firstName", "mailReceiveFlag")
            continue
        assert value == value.strip() != ""
        assert len(value) <= {"postCode": 10, "phoneNumber": 20}.get(name, 85 if name != "mailAddress" else 254)
        assert max(value) <= "\uffff"
        if name in ("lastKana", "firstKana"):
            assert KANA.fullmatch(value)
        if name in ("postCode", "phoneNumber", "mailAddress", "sex", "birthDate", "mailReceiveFlag"):
            assert value.isascii()
            assert value.isprintable()


@settings(max_examples=300, deadline=None)
@given(_CUSTOMERS)
def test_a_member_mapped_again_stays_the_same(customer: Customer) -> None:
    result = mapped(customer)
    once = result.fields
    address = customer.address
    if any(correction.field == "address" and correction.what == "cut" for correction in result.corrections):
        assume(not isinstance(address, Address) or address.country_code != "CA")  # its country would be added again
    if isinstance(address, Address):
        address = Address(
            once["postCode"], address.province_code, None, once["address"], None, None, None, address.country_code
        )
    again = Customer(
        id=customer.id,
        email=once.get("mailAddress", UNKNOWN),
        phone=once.get("phoneNumber", UNKNOWN),
        last_name=once["lastName"],
        first_name=once["firstName"],
        last_kana=once.get("lastKana", UNKNOWN),
        first_kana=once.get("firstKana", UNKNOWN),
        birth_date=once.get("birthDate", UNKNOWN),
        gender=None if once.get("sex") is None and "sex" in once else _GENDERS.get(once.get("sex") or "", UNKNOWN),
        address=address,
        email_consent=customer.email_consent,
    )
    twice = fields(again)
    if once.get("phoneNumber") is None:  # without a number "none" and "not told" cannot be told apart any more
        once.pop("phoneNumber", None)
        twice.pop("phoneNumber", None)
    assert twice == once
