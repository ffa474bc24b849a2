"""What odd customers did to the correction of Japanese data, before it was mended."""

from __future__ import annotations

from datetime import date

import pytest

from customer import Address
from japan import address_line, birth_date, clean, kana, lies_abroad

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize("text", ["昭和一十十年4月1日", "平成十十年一月一日", "昭和六十年四月十十日"])
def test_a_number_that_nobody_writes_is_no_date(text: str) -> None:
    assert birth_date(text, TODAY).value is None


@pytest.mark.parametrize("country", ["🎀", "日本", "\t", "CANADA", "C", "1A", "花子 " * 20])
def test_what_is_no_code_of_a_country_does_not_reach_the_till(country: str) -> None:
    address = Address(city="千代田区", address1="永田町2-3-1", province_code="JP-13", country_code=country)
    assert not lies_abroad(address)
    assert address_line(address).value == "東京都千代田区永田町2-3-1"


def test_japan_is_no_foreign_country_in_lower_case() -> None:
    assert not lies_abroad(Address(country_code="jp"))
    assert lies_abroad(Address(country_code="ca"))


@pytest.mark.parametrize("between", ["\ufe0f", "\u200d", "🎀", "☃\u200d"])
def test_a_mark_that_comes_to_stand_beside_its_kana_is_joined_at_once(between: str) -> None:
    fixed = clean(f"か{between}\u3099く", 85)
    assert fixed.value == "がく"
    assert fixed.fixes
    assert clean(fixed.value, 85).fixes == ()


@pytest.mark.parametrize("text", ["ア★ーイ", "カ★゛", "イス★ヾ", "サト★―"])
def test_a_reading_without_its_odd_signs_is_read_once_and_for_all(text: str) -> None:
    value = kana(text).value
    assert value is not None
    assert kana(value).fixes == ()


def test_a_mark_between_two_parts_of_an_address_changes_neither() -> None:
    line = address_line(Address(city="千代田区か", address1="゛永田町", province_code="JP-13")).value
    assert line is not None
    assert address_line(Address(address1=line, province_code="JP-13")).value == line


def test_a_long_mark_between_the_numbers_of_two_parts_is_a_hyphen_and_told() -> None:
    fixed = address_line(Address(city="見本市", address1="1ー", address2="2"))
    assert fixed.value == "見本市1-2"
    assert fixed.fixes


def test_a_prefecture_that_moves_to_the_front_is_told() -> None:
    fixed = address_line(Address(city="千代田区", address1="東京都永田町2-3-1"))
    assert fixed.value == "東京都千代田区永田町2-3-1"
    assert ("reformatted", "prefecture to the front") in fixed.fixes


def test_a_postcode_that_is_taken_out_of_an_address_is_told() -> None:
    fixed = address_line(Address(address1="〒100-0014 永田町2-3-1", city="千代田区", province_code="JP-13"))
    assert fixed.value == "東京都千代田区永田町2-3-1"
    assert ("dropped", "postcode in front") in fixed.fixes
    alone = address_line(Address(address2="〒1000014"))
    assert alone.value is None
    assert ("dropped", "postcode in front") in alone.fixes


def test_a_postcode_in_front_of_every_part_leaves_no_address() -> None:
    postcodes = Address(city="〒１０００００１", address1="〒１０００００１ 〒1000001", address2="〒１０００００１")
    assert address_line(postcodes).value is None
    mixed = Address(address1="永田町2-3-1", address2="〒1000014見本ビル")
    assert address_line(mixed).value == "東京都永田町2-3-1見本ビル"
