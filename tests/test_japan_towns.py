"""Addresses as people fill them in, at both destinations: nothing stands twice, nothing that was parted is glued."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from clients.hubspot.mapping import contact
from clients.smaregi.mapping import map_member
from customer import Address, Customer
from japan.municipalities import NAMES
from japan.prefectures import LATIN, PREFECTURES, names_prefecture

CASES: Final[list[dict[str, str | None]]] = json.loads(
    (Path(__file__).parent / "payloads/japan/addresses.json").read_text("utf-8")
)
TODAY: Final = date(2026, 11, 28)


def address_of(case: dict[str, str | None]) -> Address:
    parts: dict[str, Any] = {name: case[name] for name in ("zip", "province_code", "city", "address1", "address2")}
    return Address(**parts, country_code="JP")


def at_the_till(address: Address) -> str:
    customer = Customer(id=1, last_name="見本", first_name="花子", address=address)
    return map_member(customer, placeholder="未入力", today=TODAY).fields["address"] or ""


def at_hubspot(address: Address) -> dict[str, str]:
    found = contact(Customer(id=1, address=address), today=TODAY).properties
    return {name: found[name] or "" for name in ("state", "city", "address", "zip")}


def without_spaces(text: str) -> str:
    return text.replace(" ", "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_the_till_gets_each_part_once(case: dict[str, str | None]) -> None:
    right = case["right"] or ""
    line = at_the_till(address_of(case))
    assert (line if " " in right else without_spaces(line)) == right
    again = Address(case["zip"], case["province_code"], None, line, country_code="JP")
    assert at_the_till(again) == line


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_hubspot_gets_each_part_once_in_its_own_field(case: dict[str, str | None]) -> None:
    found = at_hubspot(address_of(case))
    # HubSpot shows the sign that the till cannot show.
    right = (case["right"] or "").replace("1 2", "1▪2")
    assert without_spaces(found["state"] + found["city"] + found["address"]) == without_spaces(right)
    assert found["state"] == PREFECTURES[case["province_code"] or ""]
    assert found["city"][-1] in "市区町村"
    assert found["zip"] == case["zip"]


@pytest.mark.parametrize(
    ("address", "city", "line"),
    [
        # Towns and offices that begin like their city: the whole dictionary has one such town.
        (Address("667-0021", "JP-28", "養父市", "養父市場1-1"), "養父市", "養父市場1-1"),
        (Address("667-0021", "JP-28", "養父市", "兵庫県養父市養父市場1-1"), "養父市", "養父市場1-1"),
        (Address("667-0021", "JP-28", None, "養父市養父市場1-1"), "養父市", "養父市場1-1"),
        (Address("747-1221", "JP-35", "山口市", "山口県流通センター1-2"), "山口市", "山口県流通センター1-2"),
        (Address(None, "JP-35", "山口市", "山口県山口市山口県流通センター1"), "山口市", "山口県流通センター1"),
        (Address(None, "JP-12", "市川市", "市川1-2"), "市川市", "市川1-2"),
        (Address(None, "JP-13", "府中市", "府中町1-2"), "府中市", "府中町1-2"),
        (Address(None, "JP-12", "四街道市", "四街道1-2"), "四街道市", "四街道1-2"),
        # County and ward, in either field or both.
        (Address(None, "JP-14", "足柄下郡", "箱根町湯本1"), "足柄下郡箱根町", "湯本1"),
        (Address(None, "JP-14", "足柄下郡箱根町", "箱根町湯本1"), "足柄下郡箱根町", "湯本1"),
        (Address(None, "JP-14", "足柄下郡箱根町", "足柄下郡箱根町湯本1"), "足柄下郡箱根町", "湯本1"),
        (Address(None, "JP-27", "大阪市", "北区梅田1"), "大阪市北区", "梅田1"),
        (Address(None, "JP-27", "大阪市北区", "北区梅田1"), "大阪市北区", "梅田1"),
        (Address(None, "JP-27", "北区", "大阪府大阪市北区梅田1"), "大阪市北区", "梅田1"),
        (Address(None, "JP-08", "竜ケ崎市", "龍ヶ崎市1-2"), "竜ケ崎市", "1-2"),
        # The prefecture in the city's field, in kanji, short or in Latin letters.
        (Address(None, "JP-13", "東京都", "千代田区永田町1"), "千代田区", "永田町1"),
        (Address(None, "JP-13", "東京", "千代田区永田町1"), "千代田区", "永田町1"),
        (Address(None, "JP-13", "Tōkyō-to", "千代田区永田町1"), "千代田区", "永田町1"),
        (Address(None, "JP-27", "Osaka", "大阪市北区梅田1"), "大阪市北区", "梅田1"),
    ],
)
def test_the_city_stands_once_whichever_field_it_is_in(address: Address, city: str, line: str) -> None:
    prefecture = PREFECTURES[address.province_code or ""]
    assert at_the_till(address) == prefecture + city + line
    assert at_hubspot(address) == {
        "state": prefecture, "city": city, "address": line, "zip": address.zip or "",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["〒106-0032 六本木1-2-3", "日本、〒106-0032 東京都港区六本木1-2-3"])
def test_a_postcode_that_stands_in_the_text_alone_fills_its_field(text: str) -> None:
    address = Address(None, "JP-13", "港区", text)
    mapped = map_member(Customer(id=1, address=address), placeholder="未入力", today=TODAY)
    assert (mapped.fields["postCode"], mapped.fields["address"]) == ("106-0032", "東京都港区六本木1-2-3")
    assert ("postCode", "filled") in {(each.field, each.what) for each in mapped.corrections}
    assert at_hubspot(address) == {"state": "東京都", "city": "港区", "address": "六本木1-2-3", "zip": "106-0032"}


@pytest.mark.parametrize(
    ("building", "rest"),
    [
        ("港区六本木1-2-3 101", "101"),
        ("東京都港区六本木1-2-3 101号室", "101号室"),
        ("六本木1-2-3 A棟", "A棟"),
        ("六本木 1-2-3", ""),
        ("〒106-0032 東京都港区六本木1-2-3 101", "101"),
        ("日本、〒106-0032 東京都港区六本木1丁目2", "六本木1丁目2"),
    ],
)
def test_a_second_line_that_repeats_the_first_keeps_what_follows(building: str, rest: str) -> None:
    address = Address("106-0032", "JP-13", "港区", "六本木1-2-3", building)
    assert without_spaces(at_the_till(address)) == f"東京都港区六本木1-2-3{rest}"
    assert at_hubspot(address)["address"] == f"六本木1-2-3 {rest}".strip()


def test_a_short_name_of_the_city_is_no_part_of_its_whole_name() -> None:
    line = at_the_till(Address("540-0008", "JP-27", "大阪", "大手前2", "大阪府大阪市中央区大手前2"))
    assert line.endswith("大阪市中央区大手前2")
    twice = Address(None, "JP-14", "湯本", "足柄下郡箱根町湯本1")
    assert at_the_till(twice) == "神奈川県足柄下郡箱根町湯本1"


@pytest.mark.parametrize(
    ("street", "building"),
    [
        ("六本木1-2-3", "2階"),
        ("六本木1-2-3", "3-401"),
        ("六本木1-2-301", "301"),
        ("銀座3丁目", "3丁目ビル"),
        ("六本木1-2-3", "六本木ヒルズ"),
        ("霞が関霞が関ビル", None),
    ],
)
def test_what_only_looks_alike_stays(street: str, building: str | None) -> None:
    line = at_the_till(Address(None, "JP-13", "港区", street, building))
    assert without_spaces(line) == without_spaces(f"東京都港区{street}{building or ''}")


@pytest.mark.parametrize(("prefecture", "latin"), LATIN.items())
def test_every_prefecture_is_known_by_its_latin_name(prefecture: str, latin: str) -> None:
    assert names_prefecture(latin.title(), prefecture)
    assert names_prefecture(f"{latin.title()} Prefecture", prefecture)
    assert prefecture in NAMES
