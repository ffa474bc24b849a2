"""Names are compared in one form, whichever of their kanji somebody typed; what goes to the till stays as written."""

from __future__ import annotations

import unicodedata
from datetime import date
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clients.smaregi.mapping import map_member
from customer import Customer
from japan import clean
from japan.folding import folded
from japan.name_variants import VARIANTS
from japan.variants import PLAIN_FORMS

SAME = [
    ("渡辺", "渡邊", "渡邉", "渡邊󠄂", "渡𨘢"),
    ("斉藤", "斎藤", "齋藤", "齊藤"),
    ("桜井", "櫻井"),
    ("浜田", "濱田", "濵田"),
    ("沢田", "澤田"),
    ("高澤", "髙沢", "髙澤", "高沢"),
    ("山崎", "山﨑", "山嵜"),
    ("中島", "中嶋", "中嶌"),
    ("関ヶ原", "関ケ原", "關ヶ原", "関ヶ原"),
    ("吉田", "𠮷田"),
    ("富田", "冨田"),
    ("広瀬", "廣瀬", "廣瀨", "広瀨"),
    ("国府", "國府"),
    ("真田", "眞田"),
    ("滝沢", "瀧澤"),
    ("竜也", "龍也"),
    ("神田", "\ufa19田"),
    ("渋谷", "澁谷", "澀谷"),
    ("柳", "栁", "桺"),
    ("小野塚", "小野\ufa10"),
    ("恵", "惠"),
    ("佐々木", "佐佐木", "佐〻木"),
    ("代々々木", "代代代木"),
    ("ハルエ", "ハルヱ", "はるゑ", "ﾊﾙｴ"),
    ("みさを", "ミサオ"),
]

DIFFERENT = ["大坂", "大阪", "萩原", "荻原", "畑中", "畠中", "砂織", "沙織", "近藤", "今藤", "大田", "太田", "葉子"]
DIFFERENT += ["叶子", "潤", "閏"]
AS_WRITTEN = ["渡邊", "渡邉", "齋藤", "櫻井", "澤田", "關ヶ原", "廣島", "冨田", "眞田", "佐々木", "ハルヱ"]


@pytest.mark.parametrize("spellings", SAME)
def test_one_name_is_one_however_its_kanji_are_written(spellings: tuple[str, ...]) -> None:
    assert {folded(name) for name in spellings} == {folded(spellings[0])}


def test_two_names_stay_two() -> None:
    assert not [pair for pair in combinations(DIFFERENT, 2) if folded(pair[0]) == folded(pair[1])]


def test_the_table_is_in_one_form() -> None:
    stands = set(VARIANTS.values())
    assert not stands & set(VARIANTS), "a character that stands for others is a variant itself"
    assert not stands & set(PLAIN_FORMS)
    assert not [one for one in (*VARIANTS, *stands) if unicodedata.normalize("NFKC", one) != one]
    # Where the till's table makes another character of a variant, that one is of the same group.
    assert not [one for one, of in VARIANTS.items() if folded(PLAIN_FORMS.get(one, one)) != folded(of)]
    assert not [one for one in VARIANTS if folded(one) == one]


@given(st.text(st.one_of(st.characters(), st.sampled_from([*VARIANTS, *PLAIN_FORMS, "々", "〻", "゙"])), max_size=40))
@example("々々")
@example("邉々木")
@example("あ々")
def test_folding_what_was_folded_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize("name", AS_WRITTEN)
def test_what_goes_to_the_till_is_not_changed(name: str) -> None:
    assert clean(name, 85).value == name
    member = map_member(Customer(1, last_name=name, first_name="花子"), placeholder="未入力", today=date(2026, 11, 22))
    assert member.fields["lastName"] == name
