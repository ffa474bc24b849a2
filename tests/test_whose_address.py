"""Whose address is it? A recipient's address never replaces the customer's own, and its telephone is nobody's."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from clients.hubspot.mapping import contact
from clients.shopify.node import read_node
from clients.shopify.payload import read_payload
from clients.smaregi.mapping import Mapped, map_member
from clients.smaregi.required import RequiredColumns
from clients.smaregi.wanted import Wishes
from customer import UNKNOWN, Address, Customer, Task
from handlers.console.corrected import corrected
from handlers.console.texts import TRANSLATIONS
from japan import owned
from japan.family import Kin, compare
from ledger.arrival import Known, hear, learn
from tests.test_shopify_lane import Far, asked, far, found, node, nodes, tasks
from tests.test_smaregi_lane import NOON

__all__ = ["far"]

TODAY: Final = date(2026, 11, 28)
HANAKO: Final = Customer(id=1, last_name="見本", first_name="花子", email="hanako@example.com", phone=None)
HOME: Final = Address("100-0014", "JP-13", "千代田区", "永田町1", None, None, "090-0000-0001", "JP", "見本", "花子")
AWAY: Final = Address("530-0001", "JP-27", "大阪市北区", "梅田2", None, None, "090-0000-0002", "JP", "佐藤", "太郎")
FAR_AWAY: Final = Address("810-0001", "JP-40", "福岡市中央区", "天神3", None, None, "090-0000-0003", "JP", "田中", "一")

Pair = tuple[str | None, str | None]


@pytest.mark.parametrize(
    ("mine", "theirs", "kin"),
    [
        (("見本", "花子"), ("見本", "花子"), Kin.SAME),
        (("見本", "花子"), ("佐藤", "太郎"), Kin.OTHER),
        (("見本", "花子"), ("佐藤", "花子"), Kin.OTHER),
        (("佐藤", "花子"), ("佐々木", "花子"), Kin.OTHER),
        # One household
        (("見本", "花子"), ("見本", "太郎"), Kin.SAME),
        # The order of the two
        (("見本", "花子"), ("花子", "見本"), Kin.SAME),
        (("花子", "見本"), ("見本", "太郎"), Kin.SAME),
        (("Hanako", "Mihon"), ("Mihon", "Hanako"), Kin.SAME),
        # Everything in one field
        (("見本花子", None), ("見本", "花子"), Kin.SAME),
        (("見本", "花子"), (None, "見本 花子"), Kin.SAME),
        (("見本", "花子"), ("見本 花子", "花子"), Kin.SAME),
        (("見本", "花子"), ("佐藤 太郎", None), Kin.OTHER),
        (("見本", "花子"), ("佐藤太郎", None), Kin.OTHER),
        (("見本", None), ("佐藤", None), Kin.OTHER),
        (("見本花子", None), ("見本太郎", None), Kin.UNTOLD),
        (("佐藤", None), ("佐々木", None), Kin.OTHER),
        # A given name alone names no family
        ((None, "花子"), ("佐藤", "太郎"), Kin.UNTOLD),
        (("見本", "花子"), (None, "太郎"), Kin.UNTOLD),
        # Nothing to be compared
        ((None, None), ("佐藤", "太郎"), Kin.UNTOLD),
        (("見本", "花子"), (None, None), Kin.UNTOLD),
        (("見本", "花子"), ("\u3164", "\u200b"), Kin.UNTOLD),
        (("見本", "花子"), ("-", "."), Kin.UNTOLD),
        # Two scripts
        (("見本", "花子"), ("Sato", "Taro"), Kin.UNTOLD),
        (("見本", "花子"), ("サトウ", "タロウ"), Kin.UNTOLD),
        (("Mihon", "Hanako"), ("佐藤", "太郎"), Kin.UNTOLD),
        # One script, written in several ways
        (("Mihon", "Hanako"), ("SATO", "TARO"), Kin.OTHER),
        (("Sato", "Hanako"), ("ＳＡＴＯ", "Taro"), Kin.SAME),
        (("Sato", "Hanako"), ("Satoh", "Taro"), Kin.SAME),
        (("Ōno", "Hanako"), ("Ohno", "Taro"), Kin.SAME),
        (("Yoshida", "Hanako"), ("Yosida", "Taro"), Kin.SAME),
        (("Fujita", "Hanako"), ("Huzita", "Taro"), Kin.SAME),
        (("Müller", "Eva"), ("Muller", "Jan"), Kin.SAME),
        (("Smith-Mihon", "Eva"), ("Smith", "Jan"), Kin.SAME),
        (("さとう", "花"), ("サトウ", "太"), Kin.SAME),
        (("ｻﾄｳ", "花"), ("サトウ", "太"), Kin.SAME),
        (("みほん", "花"), ("サトウ", "太"), Kin.OTHER),
        (("김", "a"), ("이", "b"), Kin.OTHER),
        # Kanji, old and new
        (("渡邊", "花子"), ("渡辺", "太郎"), Kin.SAME),
        (("渡邉", "花子"), ("渡邊", "太郎"), Kin.SAME),
        (("齋藤", "花子"), ("斉藤", "太郎"), Kin.SAME),
        (("髙橋", "花子"), ("高橋", "太郎"), Kin.SAME),
        (("濵田", "花子"), ("浜田", "太郎"), Kin.SAME),
        (("𠮷田", "花子"), ("吉田", "太郎"), Kin.SAME),
        (("佐佐木", "花子"), ("佐々木", "太郎"), Kin.SAME),
        (("関ヶ原", "花子"), ("関が原", "太郎"), Kin.SAME),
        (("辻\U000e0100", "花子"), ("辻", "太郎"), Kin.SAME),
        # Spaces, and how people are spoken to
        ((" 見 本　", "花子"), ("見本", "太郎"), Kin.SAME),
        (("見本", "花子"), ("見本様", None), Kin.SAME),
        (("見本", "花子"), ("佐藤 様", None), Kin.OTHER),
        # Companies
        (("見本", "花子"), ("株式会社例", "御中"), Kin.OTHER),
        (("㈱見本", None), ("株式会社見本", "御中"), Kin.SAME),
    ],
)
def test_two_names_have_one_family_name(mine: Pair, theirs: Pair, kin: Kin) -> None:
    assert compare(mine, theirs) is kin
    assert compare(theirs, mine) is kin


NAMES: Final = st.one_of(
    st.none(), st.text(max_size=8), st.sampled_from(["見本", "花子", "Sato", "サトウ", "見本 花子"])
)


@given(last=NAMES, first=NAMES, other_last=NAMES, other_first=NAMES)
def test_a_name_is_never_another_than_itself_and_the_order_tells_nothing(
    last: str | None, first: str | None, other_last: str | None, other_first: str | None
) -> None:
    mine, theirs = (last, first), (other_last, other_first)
    assert compare(mine, mine) is not Kin.OTHER
    if last and first:
        assert compare(mine, (first, last)) is not Kin.OTHER
    assert compare(mine, theirs) is compare(theirs, mine)


def member(customer: Customer) -> Mapped:
    return map_member(customer, placeholder="未入力", today=TODAY)


def corrections(customer: Customer) -> set[tuple[str, str]]:
    return {(one.field, one.what) for one in member(customer).corrections if one.what in ("filled", "dropped")}


def body_of(address: Address | None, **told: Any) -> bytes:
    names = ("zip", "province_code", "city", "address1", "phone", "country_code", "last_name", "first_name")
    shown = address and {"id": 11, **{name: getattr(address, name) for name in names}}
    customer = {"id": 1, "last_name": "見本", "first_name": "花子", "email": "hanako@example.com", "phone": None}
    listed = {"addresses": [shown] if shown else [], **({"default_address": shown} if shown else {})}
    return json.dumps({**customer, **listed, **told}).encode()


def node_of(address: Address | None, **told: Any) -> dict[str, Any]:
    names = {
        "zip": "zip",
        "provinceCode": "province_code",
        "city": "city",
        "address1": "address1",
        "phone": "phone",
        "countryCodeV2": "country_code",
        "lastName": "last_name",
        "firstName": "first_name",
    }
    shown = address and {key: getattr(address, name) for key, name in names.items()}
    mail = {"emailAddress": "hanako@example.com", "marketingState": "SUBSCRIBED"}
    customer = {"lastName": "見本", "firstName": "花子", "defaultEmailAddress": mail, "defaultPhoneNumber": None}
    return {"id": "gid://shopify/Customer/1", **customer, "defaultAddress": shown, **told}


def by_webhook(before: Known | None, address: Address | None) -> Known:
    return hear(before, read_payload(body_of(address)), None)


def by_read(before: Known | None, address: Address | None) -> Known:
    return learn(before, read_node(node_of(address)), None)


BOTH_WAYS: Final = pytest.mark.parametrize("come", [by_webhook, by_read])


@BOTH_WAYS
def test_the_first_address_known_is_carried_and_people_are_told_whose_it_is(come: Any) -> None:
    customer = come(None, AWAY).customer
    mapped, there = member(customer), contact(customer, today=TODAY)
    assert mapped.fields["address"] == "大阪府大阪市北区梅田2"
    assert mapped.fields.get("phoneNumber") is None
    assert there.properties["address"] == "梅田2"
    assert "090" not in str(there.properties)
    assert "+8190" not in str(there.properties)
    for told in (mapped.corrections, there.corrections):
        assert [one.what for one in told if one.field == "address" and "佐藤 太郎" in one.detail] == ["filled"]
    assert ("phoneNumber", "dropped") in corrections(customer)
    assert ("phone", "dropped") in [(one.field, one.what) for one in there.corrections]


@BOTH_WAYS
def test_another_persons_address_never_replaces_the_customers_own(come: Any) -> None:
    own = come(None, HOME)
    after = come(own, AWAY)
    assert after.customer.address == HOME
    assert member(after.customer).fields["address"] == "東京都千代田区永田町1"
    assert member(after.customer).fields["phoneNumber"] == "090-0000-0001"
    assert contact(after.customer, today=TODAY).properties["city"] == "千代田区"
    assert [one.detail for one in member(after.customer).corrections if "佐藤 太郎" in one.detail]
    assert after.revision == own.revision + 1
    assert come(after, AWAY).revision == after.revision
    stored = replace(after, customer=Customer.from_json(json.loads(json.dumps(after.customer.to_json()))))
    assert come(stored, FAR_AWAY).customer.address == HOME
    moved = replace(AWAY, last_name="見本", first_name="花子")
    back = come(stored, moved)
    assert back.customer.address == moved
    assert not back.customer.default_address_of


@BOTH_WAYS
def test_the_customers_own_address_replaces_another_persons(come: Any) -> None:
    after = come(come(None, AWAY), HOME)
    assert after.customer.address == HOME
    assert corrections(after.customer) == set()


def test_a_read_without_an_address_clears_the_own_one_and_the_word_of_the_other() -> None:
    kept = by_read(by_read(None, HOME), AWAY)
    gone = by_read(kept, None).customer
    assert gone.address is None
    assert not gone.default_address_of
    assert by_webhook(kept, None).customer.address == HOME


@BOTH_WAYS
def test_an_address_learnt_before_names_were_read_is_the_customers_own(come: Any) -> None:
    unnamed = Known(replace(HANAKO, address=replace(HOME, last_name=None, first_name=None)), 3)
    assert come(unnamed, AWAY).customer.address == unnamed.customer.address
    assert come(unnamed, HOME).customer.address == HOME


@BOTH_WAYS
def test_a_known_address_turns_out_to_be_another_persons(come: Any) -> None:
    unnamed = Known(replace(HANAKO, address=replace(AWAY, last_name=None, first_name=None)), 3)
    assert member(unnamed.customer).fields["phoneNumber"] == "090-0000-0002"
    after = come(unnamed, AWAY).customer
    assert after.address == AWAY
    assert member(after).fields["phoneNumber"] is None
    assert come(Known(after, 4), HOME).customer.address == HOME


def test_a_customer_who_takes_another_name_keeps_the_own_address_and_its_telephone() -> None:
    known = by_webhook(None, HOME)
    for told in (
        hear(known, read_payload(body_of(HOME, last_name="例", first_name="花子")), None),
        learn(known, read_node(node_of(HOME, lastName="例", firstName="花子")), None),
    ):
        assert member(told.customer).fields["phoneNumber"] == "090-0000-0001"
        assert corrections(told.customer) == set()


@BOTH_WAYS
def test_names_that_are_withheld_later_are_those_we_know(come: Any) -> None:
    gift = come(None, AWAY)
    after = come(gift, replace(AWAY, last_name=None, first_name=None))
    assert after.customer.address == AWAY
    assert after.revision == gift.revision


def test_a_body_that_withholds_parts_still_says_whose_address_it_is() -> None:
    unnamed = Known(replace(HANAKO, address=replace(HOME, last_name=None, first_name=None)), 3)
    after = by_webhook(unnamed, replace(HOME, phone=None)).customer
    assert after.address == HOME


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (replace(HOME, first_name="太郎"), FAR_AWAY),
        (replace(HOME, last_name="Mihon", first_name="Hanako"), FAR_AWAY),
        (replace(HOME, last_name=None, first_name=None), FAR_AWAY),
    ],
)
def test_the_own_address_of_a_spouse_or_in_latin_letters_or_without_a_name_stays(first: Address, then: Address) -> None:
    for come in (by_webhook, by_read):
        known = come(None, first)
        assert member(known.customer).fields["phoneNumber"] == "090-0000-0001"
        assert come(known, then).customer.address == first


ADDRESSES: Final = st.sampled_from([HOME, replace(HOME, address1="永田町9"), AWAY, FAR_AWAY, replace(AWAY, phone=None)])


@given(told=st.lists(st.tuples(ADDRESSES, st.booleans()), min_size=1, max_size=8))
def test_whatever_comes_in_whatever_order_the_last_own_address_stands(told: list[tuple[Address, bool]]) -> None:
    known: Known | None = None
    for address, is_read in told:
        known = (by_read if is_read else by_webhook)(known, address)
    assert known
    own = [address for address, _ in told if address.last_name == "見本"]
    assert known.customer.address == (own[-1] if own else known.customer.address)
    mapped = member(known.customer).fields
    assert mapped.get("phoneNumber") == ("090-0000-0001" if own else None)
    assert not known.customer.cleared or "address" not in known.customer.cleared or not own


# A customer without a name


@pytest.mark.parametrize(
    ("listed", "name"), [((AWAY,), ("佐藤", "太郎")), ((AWAY, HOME), ("未入力", "未入力")), ((), ("佐藤", "太郎"))]
)
def test_a_customer_without_a_name_has_the_name_of_the_only_address(
    listed: tuple[Address, ...], name: tuple[str, str]
) -> None:
    shown = [{"last_name": one.last_name, "first_name": one.first_name, "city": one.city} for one in listed]
    told = hear(None, read_payload(body_of(AWAY, last_name=None, first_name="", addresses=shown)), None).customer
    fields = member(told).fields
    assert (fields["lastName"], fields["firstName"]) == name
    assert fields["phoneNumber"] == "090-0000-0002"
    there = contact(told, today=TODAY).properties
    assert (there.get("lastname"), there.get("firstname")) == (name if name[0] == "佐藤" else (None, None))
    assert ("lastName", "filled") in corrections(told)
    assert told.last_name is UNKNOWN


def test_a_name_of_the_customers_own_goes_before_that_of_the_address() -> None:
    only_given = replace(HANAKO, last_name=None, address=AWAY)
    assert member(only_given).fields["lastName"] == "未入力"
    assert member(only_given).fields["firstName"] == "花子"


@pytest.mark.parametrize(
    ("others", "name"),
    [
        ({"nodes": [{"id": "1"}]}, "佐藤"),
        ({"nodes": [{"id": "1"}, {"id": "2"}]}, "未入力"),
        ({"nodes": []}, "未入力"),
        (None, "未入力"),
    ],
)
def test_a_read_asks_whether_the_address_is_the_only_one(far: Far, others: Any, name: str) -> None:
    nameless = node_of(AWAY, lastName=None, firstName=None)
    far.answers(
        nodes(nameless, {**node_of(AWAY), "id": "gid://shopify/Customer/2"}),
        nodes({"id": "gid://shopify/Customer/1", "addressesV2": others}),
    )
    results = far.lane().carry(tasks(1, 2))
    assert member(found(results[1])).fields["lastName"] == name
    assert member(found(results[2])).fields["lastName"] == "見本"
    assert asked(1)["variables"] == {"ids": ["gid://shopify/Customer/1"]}


def test_a_read_asks_for_the_name_in_the_address(far: Far) -> None:
    far.answers(nodes(node(1, **node_of(AWAY))))
    customer = found(far.lane().carry(tasks(1))[1])
    assert isinstance(customer.address, Address)
    assert (customer.address.last_name, customer.address.first_name) == ("佐藤", "太郎")
    assert "defaultAddress { firstName lastName " in asked(0)["query"]


def test_a_refused_name_in_the_address_costs_nobody_the_address(far: Far) -> None:
    shown = node_of(replace(AWAY, last_name=None, first_name=None))
    denied = [
        {
            "message": "Access denied",
            "path": ["nodes", 0, "defaultAddress", name],
            "extensions": {"code": "ACCESS_DENIED"},
        }
        for name in ("firstName", "lastName")
    ]
    far.answers({**nodes(node(1, **shown)), "errors": denied})
    assert found(far.lane().carry(tasks(1))[1]).address == replace(AWAY, last_name=None, first_name=None)


# What people are told


def test_each_correction_has_its_japanese() -> None:
    app = Flask("test")
    Babel(app, locale_selector=lambda: "ja", default_translation_directories=str(TRANSLATIONS))
    nameless = replace(HANAKO, last_name=None, first_name=None, address=AWAY)
    kept = replace(HANAKO, address=HOME, default_address_of="佐藤 太郎")
    with app.test_request_context():
        for customer in (replace(HANAKO, address=AWAY), nameless, kept):
            notes = owned(customer).notes
            assert notes
            for _, what, detail in notes:
                told = corrected({"what": what, "detail": detail})
                assert not re.search("[a-z]", told.replace("Shopify", "")), told
        assert corrected({"what": "cut", "detail": "cut at 85 of 97"}) == "cut at 85 of 97"
        assert corrected({"what": "cut", "detail": ""}) == "cut"


# A member of the store's


def wishes() -> Wishes:
    class NoneRequired:
        @staticmethod
        def names() -> frozenset[str]:
            return frozenset()

    required: RequiredColumns = NoneRequired()  # type: ignore[assignment]
    return Wishes(required, lambda: NOON, replaces_code=False, placeholder="未入力")


@pytest.mark.parametrize(
    ("there", "out"),
    [
        ({"address": "東京都千代田区永田町1", "postCode": "100-0014"}, (None, None)),
        ({"address": "東京都千代田区永田町1", "postCode": None}, (None, None)),
        ({}, ("大阪府大阪市北区梅田2", "530-0001")),
    ],
)
def test_another_persons_address_is_not_laid_over_that_of_a_member_of_the_store(
    there: dict[str, Any], out: tuple[str | None, str | None]
) -> None:
    row = {"customerId": "7", "customerCode": "CARD-7", "customerNo": None, "lastName": "見本", **there}
    task = Task(replace(HANAKO, address=AWAY))
    link = wishes().on_linking(task, row, wishes().of(task))
    assert (link.out.get("address"), link.out.get("postCode")) == out
    later = Task(replace(task.customer, first_name="華子"), ref="7", sent={"lastName": "x"}, memo=link.memo)
    fields, _ = wishes().over_known(later, wishes().of(later))
    assert (fields.get("address"), fields.get("postCode")) == out
    own = Task(replace(later.customer, address=HOME), ref="7", sent={"lastName": "x"}, memo=link.memo)
    assert wishes().over_known(own, wishes().of(own))[0]["address"] == "東京都千代田区永田町1"


@pytest.mark.parametrize(("address", "company"), [(HOME, "見本商店"), (AWAY, None)])
def test_a_contact_has_no_company_of_another_person(address: Address, company: str | None) -> None:
    told = replace(HANAKO, address=replace(address, company="見本商店"))
    assert contact(told, today=TODAY).properties["company"] == company
