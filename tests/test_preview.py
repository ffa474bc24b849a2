"""What would change: told before anything is sent, and true when it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from clients.lane import Previews
from handlers.preview import Change, Preview, preview
from sandbox.people import people
from tests.building import body_of, headers_of, house_of, make_app, post
from tests.flow import Flow, running

WRITES = ("POST", "PATCH", "PUT", "DELETE")


def fields(told: Preview) -> dict[str, tuple[str | None, str | None]]:
    return {change.field: (change.there, change.would_be) for change in told.changes}


def writes(flow: Flow) -> int:
    tokens_and_reads = ("/token", "batch/read", "graphql.json")
    calls = [c for c in flow.sandbox.world.calls.matching() if c.method in WRITES]
    return sum(not any(part in c.path for part in tokens_and_reads) for c in calls)


def told_by_shopify(flow: Flow, customer: int) -> None:
    """A delivery of somebody whom the sandbox's shop does not have."""
    body = body_of(customer)
    post(flow.app.test_client(), body, headers_of(body, secret=flow.sandbox.world.config.webhook_secret))


def register(flow: Flow, **changes: Any) -> int:
    person = next(iter(people(1, oddities=0)))
    customer = flow.shop.create({**person.shop_fields(), **changes})
    flow.rest()
    number: int = customer.id
    return number


def test_who_is_equal_everywhere_would_not_be_changed(database_url: str) -> None:
    with running(database_url) as flow:
        customer = register(flow)
        before = writes(flow)
        for lane in ("shopify", "smaregi", "hubspot"):
            told = preview(flow.house, customer, lane)
            assert (told.found, told.changes, told.why) == ("nothing to do", (), None)
            assert told.ref
        assert writes(flow) == before


def test_what_a_person_changed_at_the_far_side_is_told_and_a_resync_then_changes_just_that(database_url: str) -> None:
    with running(database_url) as flow:
        customer = register(flow)
        [member], [contact] = flow.members, flow.contacts
        flow.sandbox.world.smaregi.members.update(
            int(member["customerId"]), {"firstName": "変更", "phoneNumber": "03-0000-0000"}
        )
        flow.sandbox.world.hubspot.contacts.update(int(contact["id"]), {"city": "別の市"})
        before = writes(flow)
        smaregi, hubspot = (preview(flow.house, customer, lane) for lane in ("smaregi", "hubspot"))
        assert writes(flow) == before
        assert smaregi.found == hubspot.found == "linked"
        assert fields(smaregi)["firstName"] == ("変更", member["firstName"])
        assert set(fields(smaregi)) <= {"firstName", "phoneNumber"}
        assert fields(hubspot) == {"city": ("別の市", contact["properties"]["city"])}
        flow.house.resync.page(now=flow.house.now(), lanes=("smaregi", "hubspot"), customer_ids=[customer])
        flow.rest()
        assert [preview(flow.house, customer, lane).found for lane in ("smaregi", "hubspot")] == ["nothing to do"] * 2


def test_a_customer_of_the_shop_alone_would_be_created(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        told_by_shopify(flow, 42)
        for lane, name in (("smaregi", "lastName"), ("hubspot", "lastname")):
            lanes = {each.name: each for each in flow.house.lanes()}
            lanes[lane].tend()
            told = preview(flow.house, 42, lane)
            assert (told.found, told.ref) == ("would be created", None)
            assert fields(told)[name] == (None, "見本")
        assert not flow.members
        assert not flow.contacts


def test_a_member_of_the_store_with_their_email_would_be_linked(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        flow.sandbox.world.smaregi.seed(
            {"customerCode": "CARD1", "lastName": "見本", "firstName": "花", "mailAddress": "hanako42@example.jp"}
        )
        flow.sandbox.world.hubspot.seed({"email": "hanako42@example.jp", "lastname": "見本"})
        told_by_shopify(flow, 42)
        {each.name: each for each in flow.house.lanes()}["smaregi"].tend()
        member, contact = preview(flow.house, 42, "smaregi"), preview(flow.house, 42, "hubspot")
        assert (member.found, member.ref) == ("would be linked", flow.members[0]["customerId"])
        assert fields(member)["customerNo"] == (None, "42")
        assert fields(member)["firstName"] == ("花", "花子")
        assert "customerCode" not in fields(member)
        assert (contact.found, contact.ref) == ("would be linked", flow.contacts[0]["id"])
        assert fields(contact)["shopify_customer_id"] == (None, "42")


def test_a_choice_is_told_with_the_candidates(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        for code in ("A", "B"):
            flow.sandbox.world.smaregi.seed(
                {"customerCode": code, "lastName": "見本", "firstName": "花", "mailAddress": "hanako42@example.jp"}
            )
        told_by_shopify(flow, 42)
        {each.name: each for each in flow.house.lanes()}["smaregi"].tend()
        told = preview(flow.house, 42, "smaregi")
        assert (told.found, told.kind) == ("cannot be told", "smaregi.several_members")
        assert {choice["code"] for choice in told.choices} == {"A", "B"}
        assert "choose one" in str(told.why)


def test_what_shopify_has_and_we_do_not_know_yet_is_told(database_url: str) -> None:
    with running(database_url) as flow:
        customer = register(flow)
        flow.worker.finish()
        flow.shop.update(customer, {"first_name": "改名"})
        flow.shop.wait_idle(10)
        # The delivery told the name; the note stands in Shopify alone.
        flow.shop.webhooks.url = "http://127.0.0.1:9/nobody"
        flow.shop.update(customer, {"note": "invented"})
        told = preview(flow.house, customer, "shopify")
        assert fields(told)["note"] == (None, "invented")


def test_one_call_is_made_of_a_far_side_that_is_down_and_why_is_told(database_url: str) -> None:
    with running(database_url) as flow:
        customer = register(flow)
        for system in ("shopify", "smaregi", "hubspot"):
            flow.sandbox.world.faults.add(system, "status", status=503)
        for system in ("shopify", "smaregi", "hubspot"):
            before = flow.calls(system)
            told = preview(flow.house, customer, system)
            assert (told.found, told.changes) == ("cannot be told", ())
            assert "503" in str(told.why)
            assert flow.calls(system) == before + 1


@pytest.mark.parametrize("lane", ["shopify", "smaregi", "hubspot"])
def test_a_lane_without_a_credential_and_a_customer_nobody_knows_are_told_in_words(lane: str, tmp_path: Any) -> None:
    app = make_app(f"sqlite:///{tmp_path}/l.db")
    house = house_of(app)
    app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert "no such customer" in str(preview(house, 1, lane).why)
    post(app.test_client(), body_of(1))
    assert "is not set" in str(preview(house, 1, lane).why)
    house.erasing.erase(1, by="見本", why="", now=house.now())
    assert "erased" in str(preview(house, 1, lane).why)
    house.close()


def test_the_lanes_that_can_be_compared_say_so(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        assert all(isinstance(lane, Previews) for lane in flow.house.lanes())
        assert Change("a", None, "b").would_be == "b"
