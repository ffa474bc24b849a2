"""Figures and dashes in an address: what was parted stays parted, and a figure in a circle is the figure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer import Address
from japan import address_line
from japan.address_text import CIRCLED, tidy
from japan.dashes import DASHES

EVERY_DASH: Final = [chr(code) for code in range(0x110000) if re.fullmatch(f"[{DASHES}~]", chr(code))]
PUNCTUATION_DASHES: Final = [c for code in range(0x110000) if unicodedata.category(c := chr(code)) == "Pd"]

ASKED_FOR: Final = "−➖⎯－﹣⁃ㅡᅳ─━╴"


def line_of(street: str, building: str | None = None) -> str | None:
    return address_line(Address("103-0027", "JP-13", "中央区", street, building)).value


@pytest.mark.parametrize(
    "dash", sorted({*EVERY_DASH, *PUNCTUATION_DASHES, *"−➖⎯－﹣⁃ㅡᅳ─━╴", "➖\ufe0f", "\u00ad", "ーー"})
)
def test_a_dash_of_any_kind_between_figures_is_a_hyphen(dash: str) -> None:
    assert line_of(f"日本橋3{dash}5{dash}12") == "東京都中央区日本橋3-5-12"
    assert line_of(f"日本橋３ {dash} ５{dash}１２") == "東京都中央区日本橋3-5-12"
    assert tidy(f"3{dash}5").value == "3-5"  # what HubSpot gets
    assert tidy(f"3{dash}5").fixes or dash == "-"


@pytest.mark.parametrize(
    ("street", "line"),
    [
        ("日本橋3丁目ー5ー12", "日本橋3丁目-5-12"),
        ("日本橋三丁目ー５ー１２", "日本橋三丁目-5-12"),
        ("日本橋3丁目5番ー12号ー301", "日本橋3丁目5番-12号-301"),
        ("日本橋3番地ｰ5", "日本橋3番地-5"),
        ("日本橋3丁目➖5⎯12", "日本橋3丁目-5-12"),
        ("日本橋三ー五", "日本橋三-五"),
        ("日本橋1-2Ａー１０１", "日本橋1-2A-101"),
        ("日本橋3一5", "日本橋3-5"),
        ("日本橋3丁目一番", "日本橋3丁目一番"),
        ("日本橋1-2サンプルタワー301", "日本橋1-2サンプルタワー301"),
        ("日本橋1-2サンプルﾀﾜｰ301", "日本橋1-2サンプルタワー301"),
        ("日本橋1-2サンプル〜本館", "日本橋1-2サンプル～本館"),
    ],
)
def test_a_long_mark_behind_anything_but_kana_is_a_dash(street: str, line: str) -> None:
    assert line_of(street) == f"東京都中央区{line}"


@pytest.mark.parametrize(
    ("street", "line"),
    [
        ("日本橋1▪2", "日本橋1 2"),
        ("日本橋1🏠2", "日本橋1 2"),
        ("日本橋1\u200b2", "日本橋1 2"),
        ("日本橋1👨\u200d👩\u200d👧2", "日本橋1 2"),
        ("日本橋1-2見本🏠別館", "日本橋1-2見本 別館"),
        ("日本橋1-2 🏠 別館", "日本橋1-2 別館"),
        ("日本橋1🏠-2", "日本橋1-2"),
        ("日本橋1-2🏠", "日本橋1-2"),
        ("🏠日本橋1-2", "日本橋1-2"),
        ("日本橋1-2見本ビル②階", "日本橋1-2見本ビル2階"),
        ("日本橋1-2❸階", "日本橋1-2 3階"),
        ("日本橋1-2見本ビル⑩階", "日本橋1-2見本ビル10階"),
        ("日本橋1-2見本ビル㉑階", "日本橋1-2見本ビル21階"),
        ("日本橋1-2見本ビル2️⃣階", "日本橋1-2見本ビル2階"),
        ("日本橋1️⃣2️⃣", "日本橋1 2"),
        ("日本橋1-2見本ビル🔟階", "日本橋1-2見本ビル10階"),
        ("日本橋①➖②", "日本橋1-2"),
        ("日本橋①ー②", "日本橋1-2"),
        ("日本橋①②", "日本橋1 2"),
        ("日本橋1²", "日本橋1 2"),
        ("日本橋1-2Ⓐ棟", "日本橋1-2A棟"),
        ("日本橋1-2🅱棟", "日本橋1-2B棟"),
        ("葛\U000e0100城1-2", "葛城1-2"),
    ],
)
def test_what_is_dropped_leaves_a_space_and_what_is_in_a_circle_is_what_it_is(street: str, line: str) -> None:
    assert line_of(street) == f"東京都中央区{line}"


def test_every_figure_in_a_circle_is_known() -> None:
    circled = [
        c
        for code in range(0x110000)
        if unicodedata.category(c := chr(code)) == "No" and "CIRCLED" in unicodedata.name(c, "")
    ]
    assert len(circled) >= 120
    assert set(circled) <= set(CIRCLED)
    assert (CIRCLED["⓪"], CIRCLED["⓴"], CIRCLED["㊿"], CIRCLED["➓"], CIRCLED["㊀"]) == ("0", "20", "50", "10", "一")


_SIGNS: Final = st.sampled_from([*EVERY_DASH, *"▪🏠☃①❿²½★・、 　()/", "\u200b", "\u3164", "\u00ad", "️"])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 999), st.lists(_SIGNS, min_size=1, max_size=3)), min_size=2, max_size=5))
def test_two_numbers_never_become_one(pieces: list[tuple[int, list[str]]]) -> None:
    line = line_of("見本" + "".join(f"{number}{''.join(signs)}" for number, signs in pieces) + "番")
    assert line is not None
    left = iter(re.findall("[0-9]+", line))
    assert all(str(number) in left for number, _ in pieces)  # each by itself and in this order


@settings(max_examples=400, deadline=None)
@given(
    st.text(
        st.one_of(st.sampled_from("12１①❷²一丁目番ーｰアｱA-−➖〜 ▪🏠\u200b\ufe0f\u20e3"), st.characters()), max_size=20
    )
)
def test_tidying_what_was_tidied_changes_nothing(text: str) -> None:
    once = tidy(text).value or ""
    assert tidy(once).value == once
    assert tidy(once).fixes == ()
