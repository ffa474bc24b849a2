"""The main job: a customer created in the shop is one member and one contact, seconds later, whatever fails between."""

from __future__ import annotations

import dataclasses
import itertools
import time
from typing import Any, Literal

import pytest

from sandbox.people import people
from tests.flow import UNLIMITED, running, until

HANAKO = {
    "email": "hanako.mihon@example.jp",
    "last_name": "見本",
    "first_name": "花子",
    "phone": "+819000000001",
    "accepts_marketing": True,
    "tags": ["web", "vip"],
    "addresses": [{"zip": "1000014", "province_code": "JP-13", "city": "千代田区", "address1": "永田町２丁目３−１"}],
    "metafields": {
        "custom.last_name_kana": "ﾐﾎﾝ",
        "custom.first_name_kana": "はなこ",
        "facts.birth_date": "1990-01-31",
        "custom.gender": "女性",
    },
}


def test_a_new_customer_is_one_member_and_one_contact(database_url: str) -> None:
    with running(database_url) as flow:
        customer = flow.shop.create(HANAKO)
        flow.rest()
        (member,) = flow.members
        (contact,) = flow.contacts
        assert (member["customerCode"], member["customerNo"]) == (str(customer.id), str(customer.id))
        assert (member["lastName"], member["firstName"]) == ("見本", "花子")
        assert (member["lastKana"], member["firstKana"]) == ("ミホン", "ハナコ")
        assert (member["postCode"], member["birthDate"], member["sex"]) == ("100-0014", "1990-01-31", "2")
        assert member["address"].startswith("東京都千代田区永田町")
        assert member["phoneNumber"] == "090-0000-0001"
        assert member["mailReceiveFlag"] == "1"
        assert contact["properties"]["email"] == "hanako.mihon@example.jp"
        assert contact["properties"]["shopify_customer_id"] == str(customer.id)
        assert "vip" in contact["properties"]["shopify_tags"]
        assert flow.states(customer.id) == {"shopify": "done", "smaregi": "done", "hubspot": "done"}


def test_a_new_customer_costs_one_write_a_change_one_and_no_change_none(database_url: str) -> None:
    with running(database_url) as flow:
        until(lambda: flow.house.members.freshness().fresh_at is not None)
        customer = flow.shop.create(HANAKO)
        flow.rest()

        def writes() -> int:
            return flow.calls("smaregi", "POST", "/pos/customers$") + flow.calls("smaregi", "PATCH")

        assert writes() == 1
        flow.shop.update(customer.id, {"first_name": "華子"})
        flow.rest()
        assert writes() == 2
        hubspot = flow.calls("hubspot")
        flow.shop.save(customer.id)
        flow.rest()
        assert writes() == 2
        assert flow.calls("hubspot") == hubspot


def test_an_existing_store_member_with_the_same_e_mail_is_linked_not_doubled(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        flow.sandbox.world.smaregi.seed(
            {
                "customerCode": "STORE-0001",
                "lastName": "見本",
                "firstName": "ハナ",
                "mailAddress": "Hanako.Mihon@example.jp",
            }
        )
        flow.worker.start()
        customer = flow.shop.create(HANAKO)
        flow.rest()
        (member,) = flow.members
        assert (member["customerCode"], member["customerNo"]) == ("STORE-0001", str(customer.id))
        assert member["firstName"] == "花子"


@pytest.mark.parametrize("at_the_till", ["made", "given the e-mail"])
@pytest.mark.parametrize("answers_in_s", [0.0, 0.5])
def test_a_member_who_came_at_the_till_a_second_before_the_customer_registered_is_linked_by_either_of_two_workers(
    database_url: str, at_the_till: str, answers_in_s: float
) -> None:
    with running(database_url, workers=2) as flow:
        smaregi = flow.sandbox.world.smaregi
        known = [smaregi.seed({"customerCode": f"STORE-{n}", "mailAddress": f"old{n}@example.jp"}) for n in range(4)]
        until(lambda: flow.house.members.freshness().fresh_at is not None)
        until(lambda: flow.house.members.count() == len(known))
        if answers_in_s:
            flow.sandbox.world.faults.add("smaregi", "late", seconds=answers_in_s)
        mails = [f"hanako{n}@example.jp" for n in range(len(known))]
        for n, member in enumerate(known):
            if at_the_till == "made":
                smaregi.seed({"customerCode": f"TILL-{n}", "mailAddress": mails[n]})
            else:
                smaregi.members.update(int(str(member["customerId"])), {"mailAddress": mails[n]})
        a_second_later = time.monotonic() + 1
        until(lambda: time.monotonic() >= a_second_later)
        for mail in mails:
            flow.shop.create({**HANAKO, "email": mail, "phone": None})
        flow.rest()
        in_use = {member["mailAddress"]: member["customerCode"] for member in flow.members}
        prefix = "TILL" if at_the_till == "made" else "STORE"
        assert [in_use[mail] for mail in mails] == [f"{prefix}-{n}" for n in range(4)]
        assert flow.calls("smaregi", "POST", "/pos/customers$") == 0
        assert len(flow.members) == (8 if at_the_till == "made" else 4)


def test_with_replace_code_the_till_scans_the_new_number_and_the_old_code_is_remembered(database_url: str) -> None:
    with running(database_url, worker=False, smaregi_matched_member="replace_code") as flow:
        flow.sandbox.world.smaregi.seed(
            {
                "customerCode": "STORE-0001",
                "lastName": "見本",
                "firstName": "ハナ",
                "mailAddress": "hanako.mihon@example.jp",
            }
        )
        flow.worker.start()
        customer = flow.shop.create(HANAKO)
        flow.rest()
        (member,) = flow.members
        assert (member["customerCode"], member["customerNo"]) == (str(customer.id), str(customer.id))
        told = flow.house.report.story(customer.id)
        assert told is not None
        assert {row["lane"]: row["memo"] for row in told.tasks}["smaregi"]["old_code"] == "STORE-0001"


def test_the_old_code_is_remembered_even_when_every_answer_to_writing_over_it_is_lost(database_url: str) -> None:
    with running(database_url, worker=False, smaregi_matched_member="replace_code") as flow:
        flow.sandbox.world.smaregi.seed(
            {"customerCode": "STORE-0001", "lastName": "見本", "firstName": "ハナ", "mailAddress": HANAKO["email"]}
        )
        flow.sandbox.world.faults.add("smaregi", "lost", method="PATCH", times=3)
        flow.worker.start()
        customer = flow.shop.create(HANAKO)
        flow.rest()
        assert [member["customerCode"] for member in flow.members] == [str(customer.id)]
        told = flow.house.report.story(customer.id)
        assert told is not None
        assert {row["lane"]: row["memo"] for row in told.tasks}["smaregi"]["old_code"] == "STORE-0001"


def test_two_members_with_the_same_e_mail_wait_for_a_person_with_the_choice_spelled_out(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        for code in ("A-1", "A-2"):
            flow.sandbox.world.smaregi.seed(
                {"customerCode": code, "lastName": "見本", "firstName": "花", "mailAddress": "hanako.mihon@example.jp"}
            )
        flow.worker.start()
        customer = flow.shop.create(HANAKO)
        flow.rest()
        told = flow.house.report.story(customer.id)
        assert told is not None
        task = {row["lane"]: row for row in told.tasks}["smaregi"]
        assert (task["state"], task["kind"]) == ("failed", "smaregi.several_members")
        assert sorted(choice["code"] for choice in task["choices"]) == ["A-1", "A-2"]
        assert flow.states(customer.id)["hubspot"] == "done"


def test_a_lost_answer_on_creating_a_member_makes_no_second_one(database_url: str) -> None:
    with running(database_url) as flow:
        flow.sandbox.world.faults.add("smaregi", "lost", method="POST", path="/pos/customers$", times=1)
        customer = flow.shop.create(HANAKO)
        flow.rest()
        assert [member["customerCode"] for member in flow.members] == [str(customer.id)]


def test_a_lost_answer_on_a_batch_upsert_makes_no_second_contact(database_url: str) -> None:
    with running(database_url) as flow:
        flow.sandbox.world.faults.add("hubspot", "lost", method="POST", path="batch/upsert", times=2)
        flow.shop.create(HANAKO)
        flow.rest()
        assert len(flow.contacts) == 1


@pytest.mark.parametrize(
    ("down", "up", "settings"),
    [("smaregi", "hubspot", "members"), ("hubspot", "smaregi", "contacts")],
    ids=["POS down", "CRM down"],
)
def test_one_lane_down_leaves_the_other_alone_and_catches_up_by_itself(
    database_url: str, down: Literal["smaregi", "hubspot"], up: str, settings: str
) -> None:
    with running(database_url) as flow:
        until(lambda: flow.house.members.freshness().fresh_at is not None)
        fault = flow.sandbox.world.faults.add(down, "status", status=503, path="/customers|/contacts|/objects")
        made = [flow.shop.create(p.shop_fields()) for p in itertools.islice(people(3, oddities=0), 8)]
        assert flow.shop.wait_idle(10)
        until(lambda: all(flow.states(c.id).get(up) == "done" for c in made))
        assert all(flow.states(c.id).get(down) != "done" for c in made)
        assert not getattr(flow, settings)
        flow.sandbox.world.faults.remove(fault)
        flow.rest(60)
        assert len(flow.members) == len(flow.contacts) == 8


@pytest.mark.parametrize(
    ("switch", "lane", "records"),
    [("enable_pos_sync", "smaregi", "members"), ("enable_crm_sync", "hubspot", "contacts")],
)
def test_a_lane_that_is_off_makes_no_call_and_catches_up_when_it_is_on_again(
    database_url: str, switch: str, lane: str, records: str
) -> None:
    off: dict[str, Any] = {switch: False}
    with running(database_url, UNLIMITED, **off) as flow:
        customer = flow.shop.create(HANAKO)
        flow.rest()
        assert flow.calls(lane) == 0
        assert flow.states(customer.id)[lane] == "pending"
    with running(database_url) as flow:
        flow.rest()
        assert [getattr(flow, records) != []] == [True]


def test_with_update_sync_off_new_customers_go_and_changes_wait(database_url: str) -> None:
    with running(database_url, enable_update_sync=False) as flow:
        first = flow.shop.create(HANAKO)
        flow.rest()
        flow.shop.update(first.id, {"first_name": "華子"})
        second = flow.shop.create({"email": "taro@example.jp", "last_name": "例", "first_name": "太郎"})
        assert flow.shop.wait_idle(10)
        until(lambda: flow.states(second.id).get("smaregi") == "done")
        assert flow.states(first.id)["smaregi"] == "pending"
        assert sorted(member["firstName"] for member in flow.members) == ["太郎", "花子"]


def test_without_shopify_access_the_payload_is_used_as_it_is(database_url: str) -> None:
    with running(database_url, shopify_access_token="") as flow:
        customer = flow.shop.create(HANAKO)
        flow.rest()
        assert [member["customerCode"] for member in flow.members] == [str(customer.id)]
        assert flow.calls("shopify") == 0


def test_a_slow_read_delays_nobody_for_more_than_two_seconds_and_what_it_adds_follows(database_url: str) -> None:
    with running(database_url) as flow:
        until(lambda: flow.house.members.freshness().fresh_at is not None)
        flow.sandbox.world.faults.add("shopify", "late", path="graphql", seconds=3.5, times=1)
        customer = flow.shop.create(HANAKO)
        until(lambda: len(flow.members) == 1, 3.4)
        assert flow.members[0]["lastKana"] is None
        flow.rest()
        (member,) = flow.members
        assert (member["lastKana"], member["customerCode"]) == ("ミホン", str(customer.id))


def test_a_wrong_credential_stops_the_lane_and_keeps_everything(database_url: str) -> None:
    with running(database_url, hubspot_access_token="pat-na1-wrong") as flow:
        customer = flow.shop.create(HANAKO)
        until(lambda: flow.house.report.lanes(["hubspot"])[0].health.breaker != "closed")
        assert "HUBSPOT_ACCESS_TOKEN" in (flow.house.report.lanes(["hubspot"])[0].health.why or "")
        until(lambda: flow.states(customer.id).get("smaregi") == "done")
        assert flow.states(customer.id)["hubspot"] == "pending"


def test_a_lane_that_cannot_be_prepared_is_not_hurried_by_whatever_else_is_written(database_url: str) -> None:
    with running(database_url, hubspot_access_token="pat-na1-wrong") as flow:
        until(lambda: flow.calls("hubspot") > 0)
        for person in itertools.islice(people(9, oddities=0), 20):
            flow.shop.create(person.shop_fields())
        until(lambda: len(flow.members) == 20)
        assert flow.calls("hubspot") <= 2


def test_a_thousand_waiting_customers_cost_hubspot_a_twentieth_of_a_call_each(database_url: str) -> None:
    with running(database_url, worker=False, enable_pos_sync=False, shopify_access_token="") as flow:
        for person in itertools.islice(people(11), 1000):
            flow.shop.create(person.shop_fields())
        assert flow.shop.wait_idle(60)
        flow.worker.start()
        flow.rest(60)
        calls = flow.calls("hubspot", path="/objects/")
        assert len({c["properties"]["shopify_customer_id"] for c in flow.contacts}) == len(flow.contacts)
        failed = flow.house.report.lanes(["hubspot"])[0].failed
        assert len(flow.contacts) + failed == 1000
        assert calls <= 50


def test_everybody_arrives_once_in_the_newest_state_out_of_a_stormy_shop(database_url: str) -> None:
    config = dataclasses.replace(UNLIMITED, shopify_points_per_second=1000.0)
    with running(database_url, config) as flow:
        faults = flow.sandbox.world.faults
        for system in ("smaregi", "hubspot", "shopify"):
            faults.add(system, "lost", share=0.05, times=20)
            faults.add(system, "status", status=500, share=0.05, times=20)
            faults.add(system, "status", status=429, headers={"Retry-After": "0"}, share=0.05, times=20)
        flow.shop.webhooks.shuffles = True
        made = [flow.shop.create(p.shop_fields()) for p in itertools.islice(people(5, oddities=0), 60)]
        for customer in made[::2]:
            flow.shop.update(customer.id, {"first_name": "改"})
        flow.rest(90)
        by_code = {member["customerCode"]: member for member in flow.members}
        assert len(by_code) == len(flow.members) == len(flow.contacts) == 60
        for customer in made[::2]:
            assert by_code[str(customer.id)]["firstName"] == "改"
