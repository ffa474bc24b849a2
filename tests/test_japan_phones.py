"""Telephone numbers with an address somewhere, several in one field, and what must hold for any text at all."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Final

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clients.hubspot.mapping import contact
from clients.smaregi.mapping import map_member
from customer import Address, Customer
from japan import e164, phone, phone_e164
from japan.dashes import DASHES

CASES: Final = json.loads((Path(__file__).parent / "payloads/japan/phones.json").read_text("utf-8"))
TODAY: Final = date(2026, 11, 22)
# 0A-BCDE-FGHJ and its like, 0A0 with eleven digits, and the services with ten.
PLAN: Final = re.compile(r"0[1-9]\d{8}|0[25-9]0\d{8}", re.ASCII)


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_a_number_is_read_where_the_address_lies_and_else_in_japan(case: dict[str, str]) -> None:
    address = Address(phone=case["phone"], country_code=case["country_code"])
    member = map_member(Customer(id=1, phone=None, address=address), placeholder="未入力", today=TODAY)
    assert member.fields["phoneNumber"] == case["right"]
    assert phone_e164(case["phone"], case["country_code"]).value == e164(case["right"])


@pytest.mark.parametrize(
    ("region", "typed", "written"),
    [
        ("TW", "03-1234-0001", "03-1234-0001"),
        ("HK", "０９０－１２３４－０００１", "090-1234-0001"),
        ("US", "0120-000-001", "0120-000-001"),
        ("US", "416-555-0100", "+14165550100"),
        ("US", "011 81 90 1234 0001", "090-1234-0001"),
        ("US", "0081-90-1234-0001", "090-1234-0001"),
        ("US", "+81 90 1234 0001", "090-1234-0001"),
        ("US", "9012340001", "+19012340001"),
        ("TW", "9012340001", None),
        ("TW", "886912345678", "+886912345678"),
        ("TW", "+886 2 1234", None),
        ("KR", "010-1234-5678", "+821012345678"),
        ("??", "090-1234-0001", "090-1234-0001"),
        ("??", "416-555-0100", None),
        ("JP", "+999 123456789", None),
        ("JP", "+1 555-555-5555", None),
        ("JP", "0902012345", None),
        ("JP", "010-1234-567", None),
    ],
)
def test_a_country_is_asked_only_when_the_number_names_none(region: str, typed: str, written: str | None) -> None:
    fixed = phone(typed, region)
    assert fixed.value == written
    if written is None:
        assert [what for what, _ in fixed.fixes] == ["dropped"]


@pytest.mark.parametrize(
    ("region", "typed", "first"),
    [
        ("JP", "090 1234 0001 03 1234 0001", "090-1234-0001"),
        ("JP", "090-1234-0001・03-1234-0001", "090-1234-0001"),
        ("JP", "090・1234・0001", "090-1234-0001"),
        ("JP", "０９０－１２３４－０００１　０３－１２３４－０００１", "090-1234-0001"),
        ("JP", "TEL090-1234-0001FAX03-1234-0001", "090-1234-0001"),
        ("JP", "携帯 090-1234-0001 自宅 03-1234-0001", "090-1234-0001"),
        ("JP", "①090-1234-0001②03-1234-0001", "090-1234-0001"),
        ("JP", "03(1234)0001(090-1234-0001)", "03-1234-0001"),
        ("JP", "09012340001\n0312340001", "090-1234-0001"),
        ("JP", "090-1234-0001-03-1234-0001", "090-1234-0001"),
        ("JP", "+81 90 1234 0001 +81 3 1234 0001", "090-1234-0001"),
        ("JP", "03-1234-000 090-1234-0001", "090-1234-0001"),
        ("JP", "090-1234-0001 (9-18時)", "090-1234-0001"),
        ("JP", "+65 6123 4567, +65 9123 4567", "+6561234567"),
        ("SG", "6123 4567 9123 4567", "+6561234567"),
        ("SG", "6123 4567/9123 4567", "+6561234567"),
        ("CA", "416-555-0100 416-555-0101", "+14165550100"),
        ("JP", "03-1234-0001〜3", "03-1234-0001"),
        ("JP", "03-1234-0001-12", "03-1234-0001"),
        ("JP", "03-1234-0001 内 123", "03-1234-0001"),
        ("JP", "03-1234-0001（内線：１２）", "03-1234-0001"),
        ("JP", "03-1234-0001＃１２", "03-1234-0001"),
        ("JP", "内線123 03-1234-0001", "03-1234-0001"),
        ("JP", "03-1234-0001(代)", "03-1234-0001"),
        ("JP", "+1 416 555 0100 x12", "+14165550100"),
        ("JP", "184-03-1234-0001", "03-1234-0001"),
        ("JP", "１８６（０９０）１２３４－０００１", "090-1234-0001"),
        ("TW", "18609012340001", "090-1234-0001"),
        ("JP", "186+81 90 1234 0001", "090-1234-0001"),
        ("JP", "184-012-345", "0184-01-2345"),
        ("JP", "+49 30 1234 5678 9012 3456", None),  # a part of it would be valid, and somebody else's
        ("JP", "1234-090-1234-0001", None),
    ],
)
def test_of_several_numbers_the_first_is_taken_whatever_parts_them(region: str, typed: str, first: str | None) -> None:
    assert phone(typed, region).value == first


@pytest.mark.parametrize("dash", [*"-−➖⎯－﹣⁃ㅡ─━―–—ー〜～", "ｰ"])
def test_any_dash_parts_a_number(dash: str) -> None:
    assert phone(f"090{dash}1234{dash}0001").value == "090-1234-0001"
    assert re.fullmatch(f"[{DASHES}]", dash)


_TYPED = st.one_of(
    st.text("0123456789+-() 　０１８ー−・/,、x#内線(代)\n", max_size=30),
    st.lists(
        st.sampled_from(
            ["090-1234-0001", "03-1234-0001", "+886912345678", "184", "0912-345-678", "(内)12", "+81", "x5"]
        ),
        max_size=4,
    ).flatmap(lambda parts: st.sampled_from([" ", "・", "/", "", "-"]).map(lambda between: between.join(parts))),
    st.from_regex(r"(\+|00)?[0-9]{2,4}[- ][0-9]{2,5}[- ][0-9]{2,5}", fullmatch=True),
)
_REGIONS = st.sampled_from(["JP", "TW", "US", "GB", "CA", "DE", "KR", "HK", "SG", "IT", "??", "jp"])


@settings(max_examples=600, deadline=None)
@given(_TYPED, _REGIONS)
@example("090-1234-0001", "TW")
@example("+886 090-1234-0001", "JP")
@example("+1112012000000", "JP")
def test_what_comes_out_is_valid_in_its_country_or_has_a_shape_of_japans_plan(typed: str, region: str) -> None:
    fixed = phone(typed, region)
    if fixed.value is None:
        assert bool(fixed.fixes) == bool(typed.strip())
        return
    if fixed.value.startswith("+"):
        number = phonenumbers.parse(fixed.value, None)
        assert phonenumbers.is_valid_number(number)
        assert number.country_code != 81
    else:
        assert PLAN.fullmatch(fixed.value.replace("-", ""))
    assert phone(fixed.value).value == fixed.value
    assert phone_e164(typed, region).value == e164(fixed.value)
    assert phone_e164(e164(fixed.value), region).fixes == ()


@pytest.mark.parametrize(
    ("typed", "value", "whats"),
    [
        ("+819012340001", "+819012340001", []),
        ("090-1234-0001", "+819012340001", ["reformatted"]),
        ("+1 416-555-0100", "+14165550100", ["reformatted"]),
        ("03-1234-0001 内線12", "+81312340001", ["cut"]),
        ("なし", None, ["dropped"]),
    ],
)
def test_hubspot_is_sent_the_same_number_in_e164(typed: str, value: str | None, whats: list[str]) -> None:
    found = contact(Customer(id=1, phone=typed), today=TODAY)
    assert found.properties["phone"] == value
    assert [each.what for each in found.corrections if each.field == "phone"] == whats
