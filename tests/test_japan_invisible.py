"""What cannot be seen: no name at either destination, whatever its category."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.hubspot.mapping import contact
from clients.smaregi.mapping import map_member
from customer import Customer
from handlers.console.facts import name_of
from japan import clean, is_blank, kana
from japan.invisible import is_invisible

TODAY: Final = date(2026, 11, 22)
UNSEEN: Final = [chr(code) for code in range(0x110000) if is_invisible(chr(code))]
# https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt : the property is all of Cf but these (and more)
SHOWN_FORMATS: Final = {
    *range(0x0600, 0x0606),
    *(0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD),
    *range(0xFFF9, 0xFFFC),
    *range(0x13430, 0x13441),
}


def test_every_default_ignorable_code_point_is_in_the_table() -> None:
    by_category = {c for c in UNSEEN if unicodedata.category(c) in ("Cc", "Cf", "Cs")}
    ignorable_formats = {c for c in by_category if unicodedata.category(c) == "Cf" and ord(c) not in SHOWN_FORMATS}
    blanks = {"\u2800", "\U00016fe4", "\U00013441", "\U00013442", "\U0001d159"}
    assert blanks <= set(UNSEEN)
    assert len((set(UNSEEN) - by_category - blanks) | ignorable_formats) == 4174  # as the file counts them
    assert {"\u3164", "\u115f", "\u1160", "\uffa0", "\u034f", "\u17b4", "\u180b", "\ufe0f", "\U000e0100"} <= set(UNSEEN)
    assert not any(is_invisible(c) for c in " 　見あｱaé゛☃\u0301\ue000")


def test_each_of_them_alone_is_no_name_anywhere() -> None:
    for character in UNSEEN:
        assert is_blank(character)
        assert clean(character, 85).value is None
        assert kana(character).value is None
    assert is_blank("")
    assert not is_blank("\u200b見")


@settings(max_examples=200, deadline=None)
@given(*[st.text(st.one_of(st.sampled_from(UNSEEN), st.sampled_from(" 　\t\u3164\u2800\u200b")), min_size=1)] * 2)
def test_a_name_of_nothing_else_is_no_name_at_either_destination(last: str, first: str) -> None:
    customer = Customer(id=1, last_name=last, first_name=first, last_kana=last, first_kana=first)
    member = map_member(customer, placeholder="未入力", today=TODAY)
    assert (member.fields["lastName"], member.fields["firstName"]) == ("未入力", "未入力")
    assert (member.fields["lastKana"], member.fields["firstKana"]) == (None, None)
    found = contact(customer, today=TODAY)
    assert found.properties["lastname"] is None
    assert found.properties["firstname"] is None
    assert found.properties["shopify_last_name_kana"] is None
    assert not found.can_be_created
    assert name_of(customer) == ""


@pytest.mark.parametrize("unseen", ["\u3164", "\u115f", "\u1160", "\uffa0", "\u200b", "\ufeff", "\u034f", "\u2060"])
def test_within_a_name_they_are_dropped_for_the_till_and_kept_for_hubspot(unseen: str) -> None:
    customer = Customer(id=1, last_name=f"見{unseen}本", first_name="花子")
    member = map_member(customer, placeholder="未入力", today=TODAY)
    assert member.fields["lastName"] == "見本"
    assert [one.what for one in member.corrections if one.field == "lastName"] == ["dropped"]
    assert contact(customer, today=TODAY).properties["lastname"] == f"見{unseen}本"


def test_the_blank_of_braille_parts_a_name_as_a_space_does() -> None:
    member = map_member(Customer(id=1, last_name="見本\u2800花子"), placeholder="未入力", today=TODAY)
    assert (member.fields["lastName"], member.fields["firstName"]) == ("見本", "花子")
