"""Postcodes, prefectures, addresses, telephone numbers, dates, genders and e-mails, as people really type them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from customer import Address
from japan import address_line, birth_date, email, gender, phone, postcode, prefecture
from japan.postcode import prefecture_of

TODAY = date(2026, 11, 22)
PREFECTURES = """
    北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県 新潟県 富山県
    石川県 福井県 山梨県 長野県 岐阜県 静岡県 愛知県 三重県 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県 鳥取県 島根県
    岡山県 広島県 山口県 徳島県 香川県 愛媛県 高知県 福岡県 佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県
"""


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("100-0014", "100-0014"),
        ("1000014", "100-0014"),
        ("〒100-0014", "100-0014"),
        ("〒1000014", "100-0014"),
        ("１００－００１４", "100-0014"),
        ("１００ー００１４", "100-0014"),
        ("100−0014", "100-0014"),
        ("100 0014", "100-0014"),
        (" 100‐0014 ", "100-0014"),
        ("〒 100 - 0014 東京都", "100-0014"),
        ("〶１０００014", "100-0014"),
        ("100-014", None),
        ("100-00145", None),
        ("M5V 0A1", None),
        ("不明", None),
        ("", None),
    ],
)
def test_a_postcode_has_three_digits_a_hyphen_and_four(typed: str, written: str | None) -> None:
    fixed = postcode(typed)
    assert fixed.value == written
    assert bool(fixed.fixes) == (typed != (written or ""))


@pytest.mark.parametrize(("number", "name"), list(enumerate(PREFECTURES.split(), start=1)))
def test_each_prefecture_has_its_code(number: int, name: str) -> None:
    assert prefecture(f"JP-{number:02}") == name
    assert address_line(Address(province_code=f"JP-{number:02}", city=name + "見本市", country_code="JP")).value == (
        name + "見本市"
    )


@pytest.mark.parametrize("code", ["JP-00", "JP-48", "ON", "Tokyo", "東京都", "", "JP-1"])
def test_what_is_no_code_is_no_prefecture(code: str) -> None:
    assert prefecture(code) is None


def test_a_postcode_in_two_prefectures_is_settled_by_the_city_or_not_at_all() -> None:
    assert prefecture_of("498-0000", "弥富市") == "愛知県"
    assert prefecture_of("498-0000", "木曽岬町") == "三重県"
    assert prefecture_of("498-0000", "桑名郡木曽岬町") == "三重県"
    assert prefecture_of("498-0000", "") is None
    assert prefecture_of("999-9999") is None


def test_sixteen_threads_may_ask_the_postcode_dictionary_at_once() -> None:
    prefecture_of.cache_clear()
    codes = [f"{first:03}-00{last:02}" for first in (100, 530, 604, 980) for last in range(1, 26)]
    with ThreadPoolExecutor(16) as threads:
        together = list(threads.map(prefecture_of, codes))
    prefecture_of.cache_clear()
    assert together == [prefecture_of(code) for code in codes]
    assert {"東京都", "大阪府", "京都府", "宮城県"} <= set(together)


@pytest.mark.parametrize(
    ("address", "line"),
    [
        (
            Address("100-0014", "JP-13", "千代田区", "永田町２丁目３−１", "見本ビル３０１"),
            "東京都千代田区永田町2丁目3-1見本ビル301",
        ),
        (Address(None, "JP-13", "東京都千代田区", "永田町2-3-1"), "東京都千代田区永田町2-3-1"),
        (Address(None, "JP-13", "東京都 千代田区", "永田町2-3-1"), "東京都千代田区永田町2-3-1"),
        (Address(None, "JP-13", "東京都", "千代田区永田町2-3-1"), "東京都千代田区永田町2-3-1"),
        (Address(None, "JP-13", "千代田区", "東京都千代田区永田町2-3-1"), "東京都千代田区永田町2-3-1"),
        (Address(None, "JP-13", "東京都千代田区", "東京都千代田区永田町2-3-1"), "東京都千代田区永田町2-3-1"),
        (Address(None, "JP-13", "千代田区", "千代田区永田町2-3-1"), "東京都千代田区永田町2-3-1"),
        (Address(None, "JP-13", None, "東京都千代田区永田町2-3-1"), "東京都千代田区永田町2-3-1"),
        (Address(None, "JP-26", "京都市中京区", "見本町1"), "京都府京都市中京区見本町1"),
        (Address(None, "JP-27", "大阪市北区", "北区見本1"), "大阪府大阪市北区見本1"),
        (Address(None, "JP-14", "横浜市西区", "西区みなとみらい１ー２ー３"), "神奈川県横浜市西区みなとみらい1-2-3"),
        (Address(None, "JP-14", "横浜市", "横浜市西区高島1"), "神奈川県横浜市西区高島1"),
        (Address(None, "JP-08", "龍ヶ崎市", "龍ケ崎市見本1"), "茨城県龍ヶ崎市見本1"),
        (Address(None, "JP-24", "四日市市", "市場町1"), "三重県四日市市市場町1"),
        (Address(None, "JP-12", "市川市", "市川1-2"), "千葉県市川市市川1-2"),
        (Address(None, "JP-13", "府中市", "府中町1-2"), "東京都府中市府中町1-2"),
        (Address(None, "JP-13", "千代田区", "〒100-0014 永田町2-3-1"), "東京都千代田区永田町2-3-1"),
        (Address(None, "JP-13", "千代田区", "永田町2-3-1", "301"), "東京都千代田区永田町2-3-1 301"),
        (Address(None, "JP-13", "千代田区", "永田町2-3-1", "A棟"), "東京都千代田区永田町2-3-1 A棟"),
        (Address(None, "JP-13", "Chiyoda-ku", "2-3-1 Nagatacho"), "東京都Chiyoda-ku 2-3-1 Nagatacho"),
        (Address("100-0014", None, "千代田区", "永田町1"), "東京都千代田区永田町1"),
        (Address("100-0014", "Tokyo", "千代田区", "永田町1"), "東京都千代田区永田町1"),
        (Address("１０００014", "JP-99", "千代田区", "永田町1"), "東京都千代田区永田町1"),
        (Address("999-9999", None, "千代田区", "永田町1"), "千代田区永田町1"),
        (Address(None, None, "千代田区", "東京都千代田区永田町1"), "東京都千代田区永田町1"),
        (Address(None, None, "大阪府大阪市", "大阪市北区1"), "大阪府大阪市北区1"),
        (Address(None, "JP-13", "大阪府大阪市", "北区1"), "東京都大阪府大阪市北区1"),
        (Address(None, "JP-47", "那覇市", "見本1", "ハイツⅢ🏠"), "沖縄県那覇市見本1ハイツIII"),
        (Address(None, "JP-13"), "東京都"),
        (Address("100-0014"), None),
        (Address(None, None, " ", "　"), None),
        (Address(), None),
        (
            Address("M5V 0A1", "ON", "Toronto", "1 Sample Street", "Unit 2", None, None, "CA"),
            "Unit 2, 1 Sample Street, Toronto, ON, CA",
        ),
        (
            Address("M5V 0A1", "CA-ON", "Toronto", "1 Sample Street", None, None, None, "ca"),
            "1 Sample Street, Toronto, ON, CA",
        ),
        (
            Address(None, "ON", "Toronto, ON", "1 Sample Street,, Toronto", ", Unit 2", None, None, "CA"),
            "Unit 2, 1 Sample Street, Toronto, ON, CA",
        ),
        (Address(None, None, None, None, None, None, None, "US"), None),
    ],
)
def test_an_address_is_one_line_with_everything_once(address: Address, line: str | None) -> None:
    assert address_line(address).value == line


BLOCK = "東京都千代田区永田町2丁目3-1"


@pytest.mark.parametrize(
    ("street", "building", "most", "line"),
    [
        ("永田町2丁目3-1", "見本ビルディング 北館 301号室", 29, BLOCK + "見本ビルディング 北館"),
        ("永田町2丁目3-1", "見本ビルディング 北館 301号室", 25, BLOCK + "見本ビルディング"),
        ("永田町2丁目3-1", "見本ビルディング北館301号室", 25, BLOCK),
        ("永田町2丁目3-1", "見本", 17, BLOCK),
        ("永田町2丁目3-1 見本ビルディング北館", None, 22, BLOCK),
        ("永田町2丁目3-1見本ビルディング", None, 20, BLOCK + "見本ビル"),
        ("永田町2丁目123-456-789", "見本", 20, "東京都千代田区永田町2丁目"),
    ],
)
def test_a_long_address_loses_its_building_before_a_block_number(
    street: str, building: str | None, most: int, line: str
) -> None:
    fixed = address_line(Address(None, "JP-13", "千代田区", street, building), most)
    assert fixed.value == line
    assert [what for what, _ in fixed.fixes] == ["cut"]


def test_an_address_of_85_characters_stays_whole() -> None:
    exact = Address(None, "JP-13", "千代田区", "永" * 78)
    assert address_line(exact).value == "東京都千代田区" + "永" * 78
    longer = address_line(Address(None, "JP-13", "千代田区", "永" * 90))
    assert longer.value == "東京都千代田区" + "永" * 78
    assert longer.fixes == (("cut", "cut at 85 of 97 characters"),)


def test_each_correction_of_an_address_is_told() -> None:
    fixed = address_line(Address("100-0014", None, "東京都千代田区", "千代田区永田町２ー３"))
    assert fixed.value == "東京都千代田区永田町2-3"
    assert [what for what, _ in fixed.fixes] == ["reformatted", "replaced", "filled", "dropped", "dropped"]


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("090-0000-0001", "090-0000-0001"),
        ("09000000001", "090-0000-0001"),
        ("+819000000001", "090-0000-0001"),
        ("+81 90-0000-0001", "090-0000-0001"),
        ("+81(0)90-0000-0001", "090-0000-0001"),
        ("+8109000000001", "090-0000-0001"),
        ("＋８１９００００００００１", "090-0000-0001"),
        ("0081 90 0000 0001", "090-0000-0001"),
        ("010-81-90-0000-0001", "090-0000-0001"),
        ("819000000001", "090-0000-0001"),
        ("9000000001", "090-0000-0001"),
        ("０９０ー００００ー０００１", "090-0000-0001"),
        ("０９０−００００−０００１", "090-0000-0001"),
        ("090 0000 0001", "090-0000-0001"),
        ("090.0000.0001", "090-0000-0001"),
        ("電話：090-0000-0001（携帯）", "090-0000-0001"),
        ("(03)0000-0001", "03-0000-0001"),
        ("（０３）００００ー０００１", "03-0000-0001"),
        ("0300000001", "03-0000-0001"),
        ("+81 (3) 3581-0101", "03-3581-0101"),
        ("03/3581/0101", "03-3581-0101"),
        ("0470-00-0001", "0470-00-0001"),
        ("0267000001", "0267-00-0001"),
        ("0120-000-001", "0120-000-001"),
        ("0120000001", "0120-000-001"),
        ("08000000001", "0800-000-0001"),
        ("0570000001", "0570-000-001"),
        ("05000000001", "050-0000-0001"),
        ("070-0000-0001", "070-0000-0001"),
        ("03-3581-0101 内線12", "03-3581-0101"),
        ("03-3581-0101 / 090-0000-0001", "03-3581-0101"),
        ("+1 416-555-0100", "+14165550100"),
        ("010-1-416-555-0100", "+14165550100"),
        ("+886 912 345 678", "+886912345678"),
        ("+82-10-1234-5678", "+821012345678"),
        ("555-555-5555", None),
        ("000-0000-0000", None),
        ("0901234567", None),
        ("+8190", None),
        ("110", None),
        ("なし", None),
        ("hanako@example.jp", None),
        ("", None),
    ],
)
def test_a_number_of_japan_is_domestic_and_a_foreign_one_e164(typed: str, written: str | None) -> None:
    fixed = phone(typed)
    assert fixed.value == written
    assert bool(fixed.fixes) == (typed != (written or ""))


def test_a_number_without_country_code_is_read_where_the_address_lies() -> None:
    assert phone("416-555-0100", "CA").value == "+14165550100"
    assert phone("+81 90-0000-0001", "CA").value == "090-0000-0001"
    assert phone("416-555-0100", "??").value is None


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("1990-01-31", "1990-01-31"),
        ("1990/1/31", "1990-01-31"),
        ("1990.1.31", "1990-01-31"),
        ("1990. 1. 31", "1990-01-31"),
        ("1990 1 31", "1990-01-31"),
        ("19900131", "1990-01-31"),
        ("１９９０年１月３１日", "1990-01-31"),
        ("1990年1月31日(水)", "1990-01-31"),
        ("1990年1月31日生まれ", "1990-01-31"),
        ("１９９０ー０１ー３１", "1990-01-31"),
        ("一九九〇年一月三十一日", "1990-01-31"),
        ("1990-01-31 00:00:00", "1990-01-31"),
        ("1990-01-31T00:00:00", "1990-01-31"),
        ("1990-01-31T00:00:00+09:00", "1990-01-31"),
        ("1990-01-30T15:00:00.000Z", "1990-01-31"),
        ("昭和60年4月1日", "1985-04-01"),
        ("昭和６０年４月１日", "1985-04-01"),
        ("昭和六十年四月一日", "1985-04-01"),
        ("昭和60/4/1", "1985-04-01"),
        ("S60.4.1", "1985-04-01"),
        ("s60-04-01", "1985-04-01"),
        ("Ｓ６０．４．１", "1985-04-01"),
        ("S600401", "1985-04-01"),
        ("昭60.4.1", "1985-04-01"),
        ("㍼60年4月1日", "1985-04-01"),
        ("昭和64年1月7日", "1989-01-07"),
        ("平成元年1月8日", "1989-01-08"),
        ("平成1年5月1日", "1989-05-01"),
        ("H31.4.30", "2019-04-30"),
        ("令和元年5月1日", "2019-05-01"),
        ("R6.2.29", "2024-02-29"),
        ("大正15年12月24日", "1926-12-24"),
        ("明治45年7月29日", "1912-07-29"),
        ("1/31/1990", "1990-01-31"),
        ("31/01/1990", "1990-01-31"),
        ("Jan 31, 1990", "1990-01-31"),
        ("31st January 1990", "1990-01-31"),
        ("1900-01-01", "1900-01-01"),
        ("2026-11-22", "2026-11-22"),
        ("2026-11-23", None),
        ("2099年1月1日", None),
        ("1899-12-31", None),
        ("明治30年1月1日", None),
        ("1990-02-30", None),
        ("1990-13-01", None),
        ("2023-02-29", None),
        ("0000-00-00", None),
        ("昭和65年1月1日", None),
        ("昭和0年1月1日", None),
        ("平成元年", None),
        ("1990", None),
        ("1990年1月", None),
        ("1月31日", None),
        ("90/1/31", None),
        ("1/2/1990", None),
        ("633744000", None),
        ("不明", None),
        ("ひみつ♡", None),
        ("", None),
    ],
)
def test_a_birth_date_is_iso_or_dropped(typed: str, day: str | None) -> None:
    fixed = birth_date(typed, TODAY)
    assert fixed.value == day
    assert bool(fixed.fixes) == (typed != (day or ""))


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        *(
            (word, "male")
            for word in [
                "男",
                "男性",
                "男の子",
                "おとこ",
                "オトコ",
                "ｵﾄｺ",
                "M",
                "ｍ",
                "Male",
                "MAN",
                "1",
                "１",
                "♂",
                "Mr.",
            ]
        ),
        *(
            (word, "female")
            for word in ["女", "女性", "女の子", "おんな", "オンナ", "F", "Female", "woman", "2", "♀", "Ms."]
        ),
        *(
            (word, "other")
            for word in ["その他", "other", "X", "Non-binary", "non binary", "ノンバイナリー", "どちらでもない"]
        ),
        *(
            (word, None)
            for word in ["", " ", "0", "9", "不明", "回答しない", "無回答", "Prefer not to say", "N/A", "unknown"]
        ),
        *((word, None) for word in ["？？", "はい", "dragon", "男女", "-"]),
    ],
)
def test_a_gender_is_understood_in_japanese_and_english(typed: str, value: str | None) -> None:
    assert gender(typed).value == value


def test_a_gender_that_nobody_said_is_no_correction_but_a_riddle_is() -> None:
    assert gender("回答しない").fixes == ()
    assert gender("？？").fixes == (("dropped", "not a gender"),)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("hanako@example.jp", "hanako@example.jp"),
        ("  Hanako@Example.JP\n", "hanako@example.jp"),
        ("　ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ　", "hanako@example.jp"),
        ("hanako@example。jp", "hanako@example.jp"),
        ("mailto:hanako@example.jp", "hanako@example.jp"),
        ("<hanako@example.jp>", "hanako@example.jp"),
        ("\u200bhanako@example.jp", "hanako@example.jp"),
        ("hanako@example.jp.", "hanako@example.jp"),
        ("h..m@docomo.ne.jp", "h..m@docomo.ne.jp"),
        ("h.m.@ezweb.ne.jp", "h.m.@ezweb.ne.jp"),
        ("-hm@softbank.ne.jp", "-hm@softbank.ne.jp"),
        ("h+m/x@example.com", "h+m/x@example.com"),
        ('"h..m"@docomo.ne.jp', '"h..m"@docomo.ne.jp'),
        ("hanako@例え.jp", "hanako@xn--r8jz45g.jp"),
        ("hanako", None),
        ("hanako@", None),
        ("@example.jp", None),
        ("hanako@localhost", None),
        ("hanako@example..jp", None),
        ("hanako@-example.jp", None),
        ("hana ko@example.jp", None),
        ("a@example.jp, b@example.jp", None),
        ("花子@example.jp", None),
        ("hanako@" + "a" * 64 + ".jp", None),
        ("なし", None),
        ("", None),
    ],
)
def test_an_email_has_one_form_or_none(typed: str, address: str | None) -> None:
    assert email(typed) == address
