"""A field that Shopify refuses costs that field: it is unknown, it is told, and nobody's customer waits for it."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.shopify.lane import LEFT_OUT_FOR
from clients.shopify.node import PERSONAL, keys_of
from clients.shopify.personal import compare
from clients.shopify.refusals import Trouble
from clients.shopify.unseen import mend_of, sort_denials
from customer import UNKNOWN, Address, Customer, Task
from handlers.alerting import Now, Rules, judge
from handlers.causes import cause_of
from ledger.database import Database
from ledger.readings import Readings
from ledger.unseen import Unseen
from tests.conftest import Clock
from tests.flow import running, until
from tests.test_shopify_lane import METAFIELDS, Far, asked, error, far, found, node, nodes, tasks

__all__ = ["far"]

WHOLE: dict[str, Any] = {
    "firstName": "花子",
    "lastName": "見本",
    "verifiedEmail": True,
    "state": "ENABLED",
    "note": "VIP",
    "tags": ["vip"],
    "locale": "ja",
    "createdAt": "2026-11-01T00:00:00Z",
    "updatedAt": "2026-11-02T00:00:00Z",
    "numberOfOrders": "3",
    "amountSpent": {"amount": "1200.5", "currencyCode": "JPY"},
    "defaultEmailAddress": {"emailAddress": "hanako@example.jp", "marketingState": "SUBSCRIBED"},
    "defaultPhoneNumber": {"phoneNumber": "+819000000001", "marketingState": "NOT_SUBSCRIBED"},
    "defaultAddress": {"zip": "100-0014", "provinceCode": "JP-13", "city": "千代田区", "address1": "永田町2-3-1"},
    "lastOrder": {"createdAt": "2026-11-02T00:00:00Z"},
    "last_kana": {"value": "ミホン"},
}
FIELDS = {
    "firstName": ("first_name",),
    "lastName": ("last_name",),
    "verifiedEmail": (),
    "state": ("account_state",),
    "note": ("note",),
    "tags": ("tags",),
    "locale": ("locale",),
    "createdAt": ("created_at",),
    "updatedAt": ("updated_at",),
    "numberOfOrders": ("orders_count",),
    "amountSpent": ("amount_spent", "currency"),
    "defaultEmailAddress": ("email", "email_consent"),
    "defaultPhoneNumber": ("phone", "sms_consent"),
    "defaultAddress": ("address",),
    "lastOrder": ("last_order_at",),
    "last_kana": ("last_kana",),
}


def asked_for(query: str) -> set[str]:
    """The keys of a customer's node that a question asks for, without what lies within them."""
    within = query.split("on Customer {", 1)[1]
    for nested in (r"\([^()]*\)", r"\{[^{}]*\}", r"\{[^{}]*\}"):
        within = re.sub(nested, "", within)
    return {word.rstrip(":") for word in within.split("}", 1)[0].split()}


class Noted:
    """What the lane had to note."""

    def __init__(self) -> None:
        self.refused: set[str] = set()

    def note(self, refused: Collection[str], seen: Collection[str]) -> None:
        self.refused = (self.refused | set(refused)) - set(seen)


def test_the_table_is_of_every_field_that_is_asked_for() -> None:
    assert set(FIELDS) == keys_of(METAFIELDS)


@pytest.mark.parametrize("key", FIELDS)
def test_a_refused_field_is_unknown_and_noted_and_the_rest_is_read(far: Far, key: str) -> None:
    noted = Noted()
    far.answers(nodes(node(1, **{**WHOLE, key: None}), errors=[error("ACCESS_DENIED", "nodes", 0, key)]))
    customer = found(far.lane(notes=noted).carry(tasks(1))[1])
    for name in (name for names in FIELDS.values() for name in names):
        unknown = getattr(customer, name) is UNKNOWN or (name == "updated_at" and customer.updated_at is None)
        assert unknown is (name in FIELDS[key]), name
    assert noted.refused == {key}


@pytest.mark.parametrize("key", [key for key in FIELDS if key != "lastOrder"])
def test_a_refused_field_that_takes_its_customer_with_it_is_left_out_at_once(far: Far, key: str) -> None:
    noted = Noted()
    row = node(1, **WHOLE)
    del row[key]
    far.answers(nodes(None, errors=[error("ACCESS_DENIED", "nodes", 0, key)]), nodes(row))
    lane = far.lane(notes=noted)
    customer = found(lane.carry(tasks(1))[1])
    assert all(getattr(customer, name) in (UNKNOWN, None) for name in FIELDS[key])
    assert customer.last_order_at is not UNKNOWN
    assert noted.refused == {key}
    assert [key in asked_for(asked(call)["query"]) for call in (0, 1)] == [True, False]


def test_what_was_left_out_is_asked_for_again_after_an_hour_and_no_longer_noted(far: Far, clock: Clock) -> None:
    noted = Noted()
    far.answers(nodes(node(1, **WHOLE), errors=[error("ACCESS_DENIED", "nodes", 0, "note")]), nodes(node(1, **WHOLE)))
    lane = far.lane(notes=noted)
    lane.carry(tasks(1))
    lane.carry(tasks(1))
    assert (" note " in asked(1)["query"], noted.refused) == (False, {"note"})
    clock.forward(seconds=LEFT_OUT_FOR.total_seconds())
    assert found(lane.carry(tasks(1))[1]).note == "VIP"
    assert noted.refused == set()


def test_a_customer_who_came_to_nothing_for_a_refusal_is_never_taken_for_deleted(far: Far) -> None:
    far.answers(nodes(None, node(2), errors=[error("ACCESS_DENIED", "nodes", 0, "neverAskedFor")]))
    results = far.lane().carry(tasks(1, 2))
    assert results[1].kind == "shopify.error"  # type: ignore[union-attr]
    assert found(results[2]).id == 2


@pytest.mark.parametrize(("street", "same"), [("永田町2-3-1", True), ("永田町2-3-2", False)])
def test_an_address_with_a_refused_part_is_the_one_we_know_or_unknown(far: Far, street: str, same: bool) -> None:
    there = {**WHOLE["defaultAddress"], "zip": None, "address1": street}
    denied = [error("ACCESS_DENIED", "nodes", 0, "defaultAddress", "zip")]
    far.answers(nodes(node(1, **{**WHOLE, "defaultAddress": there}), errors=denied))
    known = Address(zip="100-0014", province_code="JP-13", city="千代田区", address1="永田町2-3-1")
    address = found(far.lane().carry([Task(Customer(id=1, address=known))])[1]).address
    assert address == (known if same else UNKNOWN)


def test_a_refused_value_within_leaves_the_consent_beside_it(far: Far) -> None:
    mail = {"emailAddress": None, "marketingState": "UNSUBSCRIBED"}
    denied = [error("ACCESS_DENIED", "nodes", 0, "defaultEmailAddress", "emailAddress")]
    far.answers(nodes(node(1, **{**WHOLE, "defaultEmailAddress": mail}), errors=denied))
    customer = found(far.lane().carry(tasks(1))[1])
    assert (customer.email, customer.email_consent) == (UNKNOWN, "unsubscribed")


def test_the_word_metafield_stands_for_every_alias_of_ours() -> None:
    troubles = (Trouble("ACCESS_DENIED", ("nodes", 0, "metafield")),)
    assert sort_denials(troubles, ("last_kana", "gender")).fields == {"last_kana", "gender"}


@given(st.sets(st.sampled_from(sorted(keys_of(METAFIELDS)))))
def test_only_all_that_is_personal_stops_the_lane(keys: set[str]) -> None:
    denials = sort_denials(tuple(Trouble("ACCESS_DENIED", ("nodes", 0, key)) for key in keys), METAFIELDS)
    assert denials.customers is None
    assert denials.fields == keys
    assert (denials.personal == frozenset(PERSONAL)) == (keys >= set(PERSONAL))


@pytest.mark.parametrize("key", sorted(keys_of(METAFIELDS)))
def test_each_field_has_a_mend_of_its_own_kind(key: str) -> None:
    said = mend_of(key)
    kinds = {
        "level 2": key in PERSONAL,
        "read_orders": key in {"lastOrder", "numberOfOrders", "amountSpent"},
        "SHOPIFY_METAFIELDS": key in METAFIELDS,
    }
    assert {words: words in said for words in kinds} == kinds


# -- kept, told, over ------------------------------------------------------------------------------------------------


def test_it_is_kept_for_all_processes_since_when_until_it_is_shown(database: Database, clock: Clock) -> None:
    one, other = Unseen(database, clock), Unseen(database, clock)
    one.note({"note"}, {"tags"})
    began = clock()
    clock.forward(seconds=60)
    other.note({"note", "defaultEmailAddress"}, {"tags"})
    assert dict(one.fields()) == {"note": began, "defaultEmailAddress": clock()}
    clock.forward(seconds=60)
    one.note((), {"note", "tags"})
    assert list(other.fields()) == ["defaultEmailAddress"]


def _judged(clock: Clock, **unseen: Any) -> list[Any]:
    readings = Readings({}, (), (), (), (), {}, None, None, {}, unseen)
    return judge(Now(clock(), readings, (), None, 0, clock()), Rules(["shopify", "smaregi"]))


def test_one_alert_tells_all_personal_fields_and_none_tells_the_others(clock: Clock) -> None:
    assert _judged(clock, note=clock(), last_kana=clock()) == []
    [alert] = _judged(clock, firstName=clock(), defaultEmailAddress=clock() - timedelta(hours=1), tags=clock())
    assert (alert.kind, alert.lane, alert.since) == ("withheld", "shopify", clock() - timedelta(hours=1))
    assert alert.why == "first name, e-mail"
    assert cause_of("shopify", alert.cause).do


def test_a_field_that_is_null_for_all_who_have_it_here_is_named() -> None:
    here = [Customer(id=i, last_name="見本", email="hanako@example.jp" if i else None) for i in range(3)]
    there = [Customer(id=i, last_name="見本", email=UNKNOWN) for i in range(3)]
    lines = {line.what: line for line in compare(here, there, ())}
    assert lines["field e-mail"].state == "wrong"
    assert "all 2 who have it here" in lines["field e-mail"].said
    assert lines["protected customer data"].said.startswith("last name")
    some = [*there[:2], Customer(id=2, email="hanako@example.jp")]
    assert all(line.state == "ok" for line in compare(here, some, ()))


WITHHELD = {
    "CustomerEmailAddress.emailAddress": "blank",
    "Customer.firstName": "denied",
    "MailingAddress.zip": "denied",
    "Customer.tags": "denied",
}


@pytest.mark.parametrize("way", ["all four", *WITHHELD])
def test_whatever_is_withheld_after_the_first_day_stays_at_both_destinations(database_url: str, way: str) -> None:
    with running(database_url) as flow:
        who = flow.shop.create(
            {
                "email": "hanako@example.jp",
                "first_name": "花子",
                "last_name": "見本",
                "phone": "+819000000001",
                "tags": ["vip"],
                "addresses": [
                    {"zip": "100-0014", "province_code": "JP-13", "city": "千代田区", "address1": "永田町2-3-1"},
                ],
            }
        )
        flow.rest()
        before = (flow.members[0], dict(flow.contacts[0]["properties"]))
        assert before[0]["mailAddress"] == "hanako@example.jp"
        flow.shop.withheld = WITHHELD if way == "all four" else {way: WITHHELD[way]}
        flow.shop.update(who.id, {"last_name": "実例"})
        flow.rest()
        until(lambda: flow.members[0]["lastName"] == "実例")
        until(lambda: flow.contacts[0]["properties"]["lastname"] == "実例")
        kept = ("firstName", "postCode", "address", "phoneNumber", "mobileNumber", "mailAddress")
        assert {k: flow.members[0].get(k) for k in kept} == {k: before[0].get(k) for k in kept}
        kept = ("firstname", "zip", "address", "phone", "email", "shopify_tags")
        after = flow.contacts[0]["properties"]
        assert {k: after.get(k) for k in kept} == {k: before[1].get(k) for k in kept}
