"""Names, readings and the characters in them, as people really type them."""

from __future__ import annotations

import pytest

from japan import clean, kana
from japan.cutting import cut
from japan.repertoire import Place, place
from japan.variants import PLAIN_FORMS


@pytest.mark.parametrize(
    ("typed", "shown", "whats"),
    [
        ("見本", "見本", ()),
        ("髙橋", "高橋", ("replaced",)),
        ("𠮷田", "吉田", ("replaced",)),
        ("山﨑", "山崎", ("replaced",)),
        ("栁沢", "柳沢", ("replaced",)),
        ("濵田", "濱田", ("replaced",)),
        ("德永", "徳永", ("replaced",)),
        ("彥", "彦", ("replaced",)),
        ("𣘺本", "橋本", ("replaced",)),
        ("𡈽屋", "土屋", ("replaced",)),
        ("𫝆井", "今井", ("replaced",)),
        ("\ufa19谷", "神谷", ("replaced",)),
        ("\ufa10本", "塚本", ("replaced",)),
        ("\U0002f804", "你", ("replaced",)),
        ("⻑⾕川", "長谷川", ("replaced",)),
        ("葛\U000e0100城", "葛城", ("dropped",)),
        ("渡邉", "渡邉", ()),
        ("渡邊", "渡邊", ()),
        ("草彅", "草彅", ()),
        ("佐々木", "佐々木", ()),
        ("𩸽屋", "〓屋", ("replaced",)),
        ("\ue000田", "〓田", ("replaced",)),
        ("花子🎀", "花子", ("dropped",)),
        ("花👨\u200d👩\u200d👧子", "花子", ("dropped", "dropped")),
        ("花子♡", "花子", ("dropped",)),
        ("花子★", "花子★", ()),
        ("🎀", None, ("dropped",)),
        ("花\u200b子\ufeff", "花子", ("dropped",)),
        ("花\x00子", "花子", ("dropped",)),
        ("花\ud842子", "花子", ("dropped",)),
        ("見本\t花子\r\n様", "見本 花子 様", ("reformatted",)),
        ("　見本　", "見本", ("reformatted",)),
        ("", None, ()),
        (" 　\n", None, ()),
        ("ﾐﾎﾝ", "ミホン", ("widened",)),
        ("ｶﾞｷﾞｸﾞﾊﾟ", "ガギグパ", ("widened",)),
        ("カ\u3099", "ガ", ()),
        ("は゜", "ぱ", ("reformatted",)),
        ("ア゛", "ア゛", ()),
        ("ＡＢＣ１２３", "ABC123", ("reformatted",)),
        ("ハイツⅢ", "ハイツIII", ("replaced",)),
        ("コーポⅳ", "コーポiv", ("replaced",)),
        ("①号棟", "(1)号棟", ("replaced",)),
        ("2①", "2(1)", ("replaced",)),
        ("㈱見本", "(株)見本", ("replaced",)),
        ("㍿見本", "株式会社見本", ("replaced",)),
        ("㍻元年", "平成元年", ("replaced",)),
        ("№5", "No.5", ("replaced",)),
        ("℡03", "TEL03", ("replaced",)),
        ("20㎡", "20m2", ("replaced",)),
        ("3㌔", "3キロ", ("replaced",)),
        ("2½", "2 1/2", ("replaced",)),
        ("½", "1/2", ("replaced",)),
        ("25℃", "25℃", ()),
        ("…‥゛", "…‥゛", ()),
        ("10～20", "10～20", ()),
        ("10〜20", "10～20", ("replaced",)),
        ("￥100", "￥100", ()),
        ("1−2‐3–4", "1-2-3-4", ("replaced",)),
        ("スーパー", "スーパー", ()),
        ("見本･花子", "見本・花子", ("widened",)),
        ("José Nguyễn", "Jose Nguyen", ("replaced",)),
        ("Jose\u0301", "Jose", ("replaced",)),
        ("Łukasz Strauß", "Lukasz Strauss", ("replaced",)),
        ("김민수", "김민수", ()),
        ("สมชาย", "สมชาย", ()),
        ("陈", "陈", ()),
        ("٣", "3", ("replaced",)),
        ("1\ufe0f\u20e3", "1", ("dropped", "dropped")),
        ("ヷ", "ヴァ", ("replaced",)),
        ("ゔぃ", "ヴぃ", ("replaced",)),
    ],
)
def test_a_text_goes_out_in_characters_the_till_can_show(typed: str, shown: str | None, whats: tuple[str, ...]) -> None:
    fixed = clean(typed, 85)
    assert fixed.value == shown
    assert tuple(what for what, _ in fixed.fixes) == whats


def test_what_was_replaced_is_named_once_and_not_without_end() -> None:
    assert clean("髙髙𠮷", 85).fixes == (("replaced", "髙 → 高, 𠮷 → 吉"),)
    assert clean("髙﨑𠮷濵德彥", 85).fixes == (("replaced", "髙 → 高, 﨑 → 崎, 𠮷 → 吉, 濵 → 濱, 德 → 徳 and 1 more"),)


def test_every_plain_form_is_plain() -> None:
    assert all(place(character) is Place.PLAIN for plain in PLAIN_FORMS.values() for character in plain)
    assert not [rare for rare in PLAIN_FORMS if "\u3400" <= rare <= "\ud7ff" and place(rare) is Place.PLAIN]


@pytest.mark.parametrize(
    ("typed", "reading"),
    [
        ("ミホン", "ミホン"),
        ("ﾐﾎﾝ", "ミホン"),
        ("みほん", "ミホン"),
        ("ﾔﾏﾀﾞ", "ヤマダ"),
        ("ﾊﾟｳﾞｧ", "パヴァ"),
        ("やまだ　たろう", "ヤマダ タロウ"),
        ("か゛", "ガ"),
        ("カ\u3099", "ガ"),
        ("いすゞ", "イスズ"),
        ("みすゝ", "ミスス"),
        ("バヽ", "バハ"),
        ("ゔぁいおりん", "ヴァイオリン"),
        ("ヷ", "ヴァ"),
        ("ァィゥェォッャュョヮ", "ァィゥェォッャュョヮ"),
        ("ｧｨｩｪｫｯｬｭｮ", "ァィゥェォッャュョ"),
        ("ヵヶ", "ヵヶ"),
        ("ゎゐゑ", "ヮヰヱ"),
        ("ㇰㇱ", "クシ"),
        ("ｻﾄｰ", "サトー"),
        ("ｻﾄ-", "サトー"),
        ("サトー", "サトー"),
        ("らーめん～", "ラーメンー"),
        ("ジョン・スミス", "ジョン・スミス"),
        ("ｼﾞｮﾝ･ｽﾐｽ", "ジョン・スミス"),
        ("ＨＡＮＡＫＯ", "HANAKO"),
        ("José", "Jose"),
        ("ハナコ🎀", "ハナコ"),
        ("ハナコ♪", "ハナコ"),
        ("ア゛", "ア"),
        ("見本", None),
        ("ミホン花子", None),
        ("김", None),
        ("〓", None),
        ("♪", None),
        ("🎀", None),
        ("", None),
        ("　", None),
    ],
)
def test_a_reading_becomes_full_width_katakana_or_is_dropped(typed: str, reading: str | None) -> None:
    fixed = kana(typed)
    assert fixed.value == reading
    if reading is None and typed.strip():
        assert [what for what, _ in fixed.fixes] == ["dropped"]
    elif reading != typed:
        assert bool(fixed.fixes) == bool(typed.strip() and "\u3099" not in typed)


def test_a_reading_is_cut_before_it_is_too_long() -> None:
    assert kana("ア" * 90, 85).value == "ア" * 85
    assert kana("ア" * 84 + "キャ", 85).value == "ア" * 84


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("あいうえお", 5, "あいうえお"),
        ("あいうえお", 3, "あいう"),
        ("あいうえ かきくけこ", 6, "あいうえ"),
        ("あいうえ、かきくけこ", 6, "あいうえ"),
        ("永田町1丁目23-45", 9, "永田町1丁目"),
        ("あいうキャ", 4, "あいう"),
        ("サーバー", 3, "サー"),
        ("東京(千代田)", 3, "東京"),
        ("1234567890", 4, "1234"),
        ("สมชายก์", 6, "สมชาย"),
    ],
)
def test_a_text_is_cut_where_it_hurts_least(text: str, most: int, kept: str) -> None:
    assert cut(text, most) == kept
