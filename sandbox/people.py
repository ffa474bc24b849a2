"""Invented people of Japan, for the demo, the benchmarks and the tests: the same seed, the same people.

Nobody here exists: names are drawn from lists, addresses combine a town with a number, every phone is 090-0000-…, and
every e-mail lies in example.jp.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from typing import Any, Final, Literal

from sandbox.shopify_prefectures import PREFECTURES

Gender = Literal["male", "female", ""]
By = Literal["storefront", "admin"]

LAST_KANA: Final = "custom.last_name_kana"
FIRST_KANA: Final = "custom.first_name_kana"
BIRTH_DATE: Final = "facts.birth_date"
GENDER: Final = "custom.gender"

_LAST: Final = (
    "佐藤 サトウ sato|鈴木 スズキ suzuki|高橋 タカハシ takahashi|田中 タナカ tanaka|"
    "伊藤 イトウ ito|渡辺 ワタナベ watanabe|"
    "山本 ヤマモト yamamoto|中村 ナカムラ nakamura|小林 コバヤシ kobayashi|加藤 カトウ kato|吉田 ヨシダ yoshida|"
    "山田 ヤマダ yamada|松本 マツモト matsumoto|井上 イノウエ inoue|木村 キムラ kimura|清水 シミズ shimizu|"
    "五十嵐 イガラシ igarashi|長谷川 ハセガワ hasegawa|東海林 ショウジ shoji|二階堂 ニカイドウ nikaido"
)
_FIRST_FEMALE: Final = (
    "花子 ハナコ hanako|陽菜 ヒナ hina|美咲 ミサキ misaki|葵 アオイ aoi|さくら サクラ sakura|"
    "結衣 ユイ yui|恵子 ケイコ keiko|"
    "由美 ユミ yumi|千鶴 チヅル chizuru|ひかり ヒカリ hikari"
)
_FIRST_MALE: Final = (
    "太郎 タロウ taro|翔太 ショウタ shota|健一 ケンイチ kenichi|大輔 ダイスケ daisuke|蓮 レン ren|隆 タカシ takashi|"
    "悠真 ユウマ yuma|一郎 イチロウ ichiro|浩 ヒロシ hiroshi|純 ジュン jun"
)
_BUILDINGS: Final = ("見本ビル３０１", "サンプルハイツ 205号室", "例示マンション１０２", None, None, None)


def _rows(text: str) -> list[tuple[str, str, str]]:
    rows = []
    for row in text.split("|"):
        kanji, kana, latin = row.split()
        rows.append((kanji, kana, latin))
    return rows


_LASTS: Final = _rows(_LAST)
_FIRSTS: Final[dict[Gender, list[tuple[str, str, str]]]] = {
    "female": _rows(_FIRST_FEMALE),
    "male": _rows(_FIRST_MALE),
    "": _rows(_FIRST_FEMALE + "|" + _FIRST_MALE),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person, as they would fill in the form. `oddity` names what is awkward about them, or is empty."""

    email: str | None
    last_name: str | None = None
    first_name: str | None = None
    last_kana: str | None = None
    first_kana: str | None = None
    phone: str | None = None
    birth_date: str | None = None
    gender: Gender = ""
    zip: str | None = None
    province_code: str | None = None
    city: str | None = None
    address1: str | None = None
    address2: str | None = None
    newsletter: bool = False
    oddity: str = ""

    def shop_fields(self) -> dict[str, Any]:
        """What `ShopShelf.create` takes, and the body of `POST /sandbox/shop/customers`."""
        fields: dict[str, Any] = {
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "phone": self.phone,
            "accepts_marketing": self.newsletter,
            "metafields": self.metafields(),
        }
        if self.province_code or self.zip:
            fields["addresses"] = [self.address()]
        return fields

    def address(self) -> dict[str, Any]:
        """The address as the shop takes it; the phone stands there as it was written."""
        return {
            "zip": self.zip,
            "province_code": self.province_code,
            "city": self.city,
            "address1": self.address1,
            "address2": self.address2,
            "phone": self.phone,
        }

    def metafields(self) -> dict[str, str]:
        """What the shop keeps in metafields; empty ones are left out."""
        told = {
            LAST_KANA: self.last_kana,
            FIRST_KANA: self.first_kana,
            BIRTH_DATE: self.birth_date,
            GENDER: self.gender,
        }
        return {name: value for name, value in told.items() if value}


def people(seed: int, oddities: float = 0.25) -> Iterator[Person]:
    """People without end, e-mails and phones never twice; about `oddities` of them are awkward in some way.

    After the first 47, every prefecture has come up. The first 9,000 have a phone; after that it is left out, since a
    shop refuses one that is taken. For the same reason only one seed should live in a shop.
    """
    dice = random.Random(seed)
    prefectures = list(PREFECTURES)
    dice.shuffle(prefectures)
    for number in count():
        prefecture = prefectures[number % 47]
        gender: Gender = dice.choice(("male", "female", "male", "female", ""))
        last, last_kana, last_latin = dice.choice(_LASTS)
        first, first_kana, first_latin = dice.choice(_FIRSTS[gender])
        born = date(1935, 1, 1) + timedelta(days=dice.randrange(27_000))
        person = Person(
            email=f"{last_latin}.{first_latin}.{seed}.{number}@example.jp",
            last_name=last,
            first_name=first,
            last_kana=last_kana,
            first_kana=first_kana,
            phone=f"090-0000-{number:04}" if number < 9_000 else None,
            birth_date=born.isoformat(),
            gender=gender,
            zip=prefecture.zip,
            province_code=prefecture.code,
            city=prefecture.city,
            address1=f"{prefecture.town}{dice.randrange(1, 9)}-{dice.randrange(1, 30)}-{dice.randrange(1, 20)}",
            address2=dice.choice(_BUILDINGS),
            newsletter=dice.random() < 0.4,
        )
        if dice.random() < oddities:
            person = _odd(person, dice.choice(ODDITIES), prefecture.kanji)
        yield person


ODDITIES: Final = (
    "half-width kana",
    "hiragana kana",
    "full-width digits",
    "+81 phone",
    "zip with mark",
    "zip without hyphen",
    "prefecture in city",
    "very long address",
    "beyond the BMP",
    "platform-dependent",
    "emoji",
    "upper-case e-mail",
    "no name",
    "no phone",
    "no address",
    "no kana",
    "odd birth date",
    "spaces around",
)
"""Every way to be awkward that `people` knows."""


def _odd(person: Person, oddity: str, kanji: str) -> Person:  # noqa: C901, PLR0912 - a table of cases
    match oddity:
        case "half-width kana":
            changed = replace(person, last_kana="ﾊｾｶﾞﾜ", first_kana="ﾋﾛﾐ")
        case "hiragana kana":
            changed = replace(person, last_kana="はせがわ", first_kana="ひろみ")
        case "full-width digits":
            changed = replace(
                person, phone=_widened(person.phone), zip=_widened(person.zip), address1=_widened(person.address1)
            )
        case "+81 phone":
            changed = replace(person, phone=person.phone and "+81 " + person.phone[1:].replace("-", " "))
        case "zip with mark":
            changed = replace(person, zip=f"〒{person.zip}")
        case "zip without hyphen":
            changed = replace(person, zip=(person.zip or "").replace("-", ""))
        case "prefecture in city":
            changed = replace(person, city=f"{kanji}{person.city}")
        case "very long address":
            changed = replace(person, address2="とても長い名前の見本レジデンス弐番館" * 4 + " 1203号室")
        case "beyond the BMP":
            changed = replace(person, last_name="𠮷田", last_kana="ヨシダ")
        case "platform-dependent":
            changed = replace(person, last_name="髙橋", first_name="惠Ⅲ")
        case "emoji":
            changed = replace(person, first_name=f"{person.first_name}😀")
        case "upper-case e-mail":
            changed = replace(person, email=(person.email or "").upper().replace("EXAMPLE.JP", "Example.jp"))
        case "no name":
            changed = replace(person, last_name=None, first_name=None, last_kana=None, first_kana=None)
        case "no phone":
            changed = replace(person, phone=None)
        case "no address":
            changed = replace(person, zip=None, province_code=None, city=None, address1=None, address2=None)
        case "no kana":
            changed = replace(person, last_kana=None, first_kana=None)
        case "odd birth date":
            changed = replace(person, birth_date="昭和60年2月30日")
        case _:
            changed = replace(person, last_name=f" {person.last_name}　", first_name=f"　{person.first_name} ")
    return replace(changed, oddity=oddity)


_WIDE: Final = str.maketrans("0123456789-", "０１２３４５６７８９－")


def _widened(text: str | None) -> str | None:
    return text and text.translate(_WIDE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One of the handful that the demo registers.

    `title` says in a few words what there is to see. `updates` are changes made one after the other to the customer;
    `member` is what the store's till already knew of them (Smaregi's field names), or None.
    """

    title: str
    person: Person
    by: By = "storefront"
    updates: tuple[Mapping[str, Any], ...] = ()
    member: Mapping[str, str] | None = field(default=None)


HANDFUL: Final[Mapping[str, Arrival]] = {
    "new": Arrival(
        "新しい会員",
        Person(
            email="hanako.mihon@example.jp",
            last_name="見本",
            first_name="花子",
            last_kana="ミホン",
            first_kana="ハナコ",
            phone="090-0000-9001",
            birth_date="1990-04-01",
            gender="female",
            zip="100-0014",
            province_code="JP-13",
            city="千代田区",
            address1="永田町２丁目３−１",
            address2="見本ビル３０１",
            newsletter=True,
        ),
    ),
    "already_a_member": Arrival(
        "すでに店舗の会員",
        Person(
            email="ichiro.rei@example.jp",
            last_name="例",
            first_name="一郎",
            last_kana="レイ",
            first_kana="イチロウ",
            phone="090-0000-9002",
            birth_date="1975-11-23",
            gender="male",
            zip="530-0001",
            province_code="JP-27",
            city="大阪市北区",
            address1="梅田1-2-3",
        ),
        member={
            "customerCode": "CARD00012345",
            "lastName": "例",
            "firstName": "一郎",
            "lastKana": "レイ",
            "firstKana": "イチロウ",
            "mailAddress": "Ichiro.Rei@example.jp",
            "phoneNumber": "090-0000-9002",
            "status": "0",
        },
    ),
    "half_width": Arrival(
        "半角カナと+81の電話",
        Person(
            email="hiromi.hasegawa@example.jp",
            last_name="長谷川",
            first_name="ひろみ",
            last_kana="ﾊｾｶﾞﾜ",
            first_kana="ﾋﾛﾐ",
            phone="+81 90 0000 9003",
            birth_date="1988-02-29",
            gender="female",
            zip="〒６０４ー８００５",
            province_code="JP-26",
            city="京都府京都市中京区",
            address1="恵比須町４２７",
            newsletter=True,
        ),
    ),
    "updated_twice": Arrival(
        "二度変更",
        Person(
            email="shota.tameshi@example.jp",
            last_name="試",
            first_name="翔太",
            last_kana="タメシ",
            first_kana="ショウタ",
            phone="090-0000-9004",
            birth_date="2001-07-07",
            gender="male",
            zip="8100001",
            province_code="JP-40",
            city="福岡市中央区",
            address1="天神2-2-2",
        ),
        by="admin",
        updates=({"last_name": "改"}, {"last_name": "再改", "accepts_marketing": True}),
    ),
    "no_name": Arrival("名前のない人", Person(email="nanashi@example.jp", newsletter=True)),
}
"""The demo's five, by what is special about them."""
