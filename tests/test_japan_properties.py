"""What holds for every text, however wild."""

from __future__ import annotations

import unicodedata
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from customer import Address
from japan import address_line, birth_date, clean, email, gender, kana, phone, postcode
from japan.kana import KANA
from japan.prefectures import PREFECTURES
from japan.repertoire import Place, place

TODAY = date(2026, 11, 22)
WHATS = {"widened", "replaced", "cut", "dropped", "filled", "reformatted"}

_JAPANESE = st.sampled_from(
    "あかがぱゔゝゞぁっんアカガパヴヵヶッャーヽヾ・ｱｶﾊﾞﾟｰ･゛゜\u3099\u309a山田髙﨑栁彅𠮷𩸽𫝆神\ufa19一二十元年月日都県市区町村郡"
    "昭和平成令㍼①Ⅲ㈱℡½２３−ー-‐～〜 　\t\n0123456789+()/.,@ＡａA〒内線#🎀☃♡★\u200d\ufe0f\U000e0100\ue000"
)
_WILD = st.characters()
TEXTS = st.text(st.one_of(_JAPANESE, _JAPANESE, _WILD), max_size=60)
PARTS = st.one_of(
    st.none(), TEXTS, st.sampled_from(["東京都", "千代田区", "東京都千代田区", "横浜市西区", "西区1ー2", "301"])
)
ADDRESSES = st.builds(
    Address,
    zip=st.one_of(st.none(), st.just("100-0014"), TEXTS),
    province_code=st.one_of(st.none(), st.sampled_from(sorted(PREFECTURES)), TEXTS),
    city=PARTS,
    address1=PARTS,
    address2=PARTS,
    country_code=st.sampled_from([None, "JP", "CA"]),
)


def can_be_shown(text: str) -> bool:
    """Windows-31J, or a letter of another script (with its marks) in three bytes at most."""
    return all(
        character <= "\uffff" and (place(character) is not Place.OUTSIDE or unicodedata.category(character)[0] in "LM")
        for character in text
    )


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.integers(1, 90))
def test_a_clean_text_is_short_enough_can_be_shown_and_is_clean(text: str, most: int) -> None:
    fixed = clean(text, most)
    assert {what for what, _ in fixed.fixes} <= WHATS
    if fixed.value is None:
        assert bool(fixed.fixes) == bool(text.strip())
        return
    assert 0 < len(fixed.value) <= most
    assert fixed.value == fixed.value.strip()
    assert can_be_shown(fixed.value)
    assert clean(fixed.value, most) == type(fixed)(fixed.value)
    if fixed.value != text and unicodedata.is_normalized("NFC", text):
        assert fixed.fixes


@settings(max_examples=200, deadline=None)
@given(st.characters(max_codepoint=0x3FFFF))
def test_every_character_is_shown_replaced_or_dropped_and_never_refused(character: str) -> None:
    beside = clean(f"見{character}本", 85)
    assert beside.value is not None
    assert beside.value.startswith("見")
    assert can_be_shown(beside.value)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_a_reading_satisfies_the_pattern_and_stays_as_it_is(text: str) -> None:
    value = kana(text, 85).value
    if value is not None:
        assert KANA.fullmatch(value)
        assert 0 < len(value) <= 85
        assert kana(value, 85).value == value
        assert kana(value, 85).fixes == ()


@settings(max_examples=400, deadline=None)
@given(ADDRESSES, st.integers(20, 90))
def test_an_address_line_fits_can_be_shown_and_may_be_read_again(address: Address, most: int) -> None:
    fixed = address_line(address, most)
    assert {what for what, _ in fixed.fixes} <= WHATS
    if fixed.value is None:
        return
    assert 0 < len(fixed.value) <= most
    assert can_be_shown(fixed.value)
    if address.country_code == "CA" and "cut" in dict(fixed.fixes):
        return  # the country that was cut off is added again
    again = Address(address.zip, address.province_code, None, fixed.value, country_code=address.country_code)
    assert address_line(again, most).value == fixed.value


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_facts_are_canonical_or_nothing_and_stay_as_they_are(text: str) -> None:
    for value, again in (
        (postcode(text).value, lambda known: postcode(known).value),
        (phone(text).value, lambda known: phone(known).value),
        (birth_date(text, TODAY).value, lambda known: birth_date(known, TODAY).value),
        (gender(text).value, lambda known: gender(known).value),
        (email(text), email),
    ):
        if value is not None:
            assert value
            assert value.isascii()
            assert value.isprintable()
            assert again(value) == value


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789+-() ０１８ー−", min_size=5, max_size=20))
def test_a_number_is_at_most_twenty_printable_characters(text: str) -> None:
    value = phone(text).value
    if value is not None:
        assert 8 <= len(value) <= 20
        assert set(value) <= set("0123456789+-")
        assert phone(value).value == value
        assert phone(value).fixes == ()


@settings(max_examples=200, deadline=None)
@given(st.dates(date(1900, 1, 1), TODAY))
def test_every_day_since_1900_is_read_in_every_writing(day: date) -> None:
    for written in (
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y%m%d}",
        f"{day.day} {day:%B} {day.year}",
    ):
        assert birth_date(written, TODAY).value == day.isoformat()
