"""HubSpot as a lane, against a small portal of its own that keeps the fact sheet's rules."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier
from typing import Any, TypeAlias

import pytest
import requests
import responses

from clients.errors import AskPerson, Busy, CarryError, StopLane, TryLater
from clients.hubspot.lane import HubSpotLane
from clients.hubspot.properties import PROPERTIES
from clients.lane import Carried, Lane, Result
from clients.pace import AlonePace
from customer import Customer, Task

URL = "https://hubspot.example.com"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FIRST_ID = 6900000000000

Reply: TypeAlias = tuple[int, dict[str, str], str]
Props: TypeAlias = dict[str, str]


@dataclass
class Portal:
    """A HubSpot of contacts; its switches are the points the fact sheet leaves open."""

    contacts: dict[str, Props] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    echoes_traces: bool = True
    names_rows: bool = True  # False: one bad row refuses the whole batch
    shows_customer_id: bool = True
    names_existing: bool = True
    options: dict[str, set[str]] = field(default_factory=dict)
    required: str | None = None
    missing: set[str] = field(default_factory=set)
    created_properties: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(501))
    instead: dict[str, list[Callable[[], Reply]]] = field(default_factory=dict)
    after: dict[str, list[Callable[[], Reply]]] = field(default_factory=dict)

    def put(self, ref: str, **properties: str) -> None:
        self.contacts[ref] = properties

    def of(self, customer: int) -> Props:
        [found] = [each for each in self.contacts.values() if each.get("shopify_customer_id") == str(customer)]
        return found

    def made(self, *operations: str) -> int:
        return sum(name in (operations or ("read", "update", "upsert")) for name, _ in self.calls)

    def batch(self, request: requests.PreparedRequest) -> Reply:
        operation = str(request.path_url).rsplit("/", 1)[-1]
        body = json.loads(request.body or "{}")
        self.calls.append((operation, len(body["inputs"])))
        self.bodies.append(body)
        if waiting := self.instead.get(operation):
            return waiting.pop(0)()
        if len(body["inputs"]) > 100:
            return answer(400, {"category": "VALIDATION_ERROR", "message": "too many"})
        ids = [each["id"] for each in body["inputs"]]
        if len(set(ids)) < len(ids):
            return answer(400, {"category": "VALIDATION_ERROR", "message": "Duplicate IDs found in batch input"})
        reply = self.read(body) if operation == "read" else self.write(operation, body["inputs"])
        if waiting := self.after.get(operation):
            return waiting.pop(0)()
        return reply

    def read(self, body: dict[str, Any]) -> Reply:
        wanted, by = {each["id"].lower() for each in body["inputs"]}, body.get("idProperty")
        hits = [ref for ref, each in self.contacts.items() if self.keys(ref, each, by) & wanted]
        named = [{"id": ref, "properties": {n: self.contacts[ref].get(n) for n in body["properties"]}} for ref in hits]
        return answer(200 if len(hits) == len(wanted) else 207, {"status": "COMPLETE", "results": named})

    def keys(self, ref: str, contact: Props, by: str | None) -> set[str]:
        if by is None:
            return {ref}
        more = contact.get("hs_additional_emails", "").split(";") if by == "email" else []
        return {each for each in (contact.get(by, ""), *more) if each}

    def write(self, operation: str, inputs: list[dict[str, Any]]) -> Reply:
        bad = [(each, error) for each in inputs if (error := self.complaint(operation, each)) is not None]
        if bad and not self.names_rows:
            _, (status, first) = bad[0]
            return answer(status, first)
        results = [self.keep(operation, each) for each in inputs if each not in [row for row, _ in bad]]
        errors = []
        for each, (_, said) in bad:
            where = said.get("context", {})
            named = where if "ids" in where else {**where, "objectWriteTraceId": [each["objectWriteTraceId"]]}
            errors.append({**said, "context": named})
        random.shuffle(results)
        return answer(207 if bad else 200, {"status": "COMPLETE", "results": results, "errors": errors})

    def complaint(self, operation: str, row: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        properties: Props = row["properties"]
        if operation == "update" and row["id"] not in self.contacts:
            return 404, {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": [row["id"]]}}
        for name, value in properties.items():
            if name in self.missing:
                return 400, invalid("PROPERTY_DOESNT_EXIST", name)
            if name in self.options and value and value not in self.options[name]:
                return 400, invalid("INVALID_OPTION", name)
        if ".." in properties.get("email", ""):
            return 400, invalid("INVALID_EMAIL", "email")
        if operation == "upsert" and self.required and not properties.get(self.required):
            return 400, invalid("MISSING_REQUIRED_PROPERTY", self.required)
        return self.conflict(self.target(operation, row), properties)

    def conflict(self, target: str | None, properties: Props) -> tuple[int, dict[str, Any]] | None:
        for name in ("email", "shopify_customer_id"):
            for ref, contact in self.contacts.items():
                if ref != target and properties.get(name) and properties[name] in self.keys(ref, contact, name):
                    words = f"Contact already exists. Existing ID: {ref}" if self.names_existing else "exists"
                    return 409, {"category": "CONFLICT", "message": words}
        return None

    def target(self, operation: str, row: dict[str, Any]) -> str | None:
        if operation == "update":
            return str(row["id"])
        by = row["idProperty"]
        return next((ref for ref, each in self.contacts.items() if each.get(by) == row["id"]), None)

    def keep(self, operation: str, row: dict[str, Any]) -> dict[str, Any]:
        ref = self.target(operation, row)
        new = ref is None
        ref = ref or str(next(self.numbers))
        kept = self.contacts.setdefault(ref, {})
        kept.update(row["properties"])
        if "email" in kept:
            kept["email"] = kept["email"].lower()
        shown = {n: v for n, v in kept.items() if n != "shopify_customer_id" or self.shows_customer_id}
        result = {"id": ref, "new": new, "properties": shown}
        return {**result, "objectWriteTraceId": row["objectWriteTraceId"]} if self.echoes_traces else result

    def define(self, request: requests.PreparedRequest) -> Reply:
        if request.method == "POST":
            body = json.loads(request.body or "{}")
            self.created_properties.append(body["name"])
            self.missing.discard(body["name"])
            return answer(201, body)
        name = str(request.path_url).rsplit("/", 1)[-1]
        wanted = next(each for each in PROPERTIES if each.name == name)
        if name in self.missing:
            return answer(404, {"category": "OBJECT_NOT_FOUND"})
        return answer(200, wanted.definition)


def answer(status: int, body: Any, **headers: str) -> Reply:
    return status, {"X-HubSpot-RateLimit-Max": "100000", **headers}, json.dumps(body)


def invalid(code: str, name: str) -> dict[str, Any]:
    inside = json.dumps([{"isValid": False, "error": code, "name": name, "message": "no"}])
    return {"category": "VALIDATION_ERROR", "message": f"Property values were not valid: {inside}"}


def lose_answer() -> Reply:
    raise requests.exceptions.ReadTimeout


@pytest.fixture
def portal() -> Iterator[Portal]:
    portal = Portal()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback("POST", re.compile(rf"{URL}/crm/objects/2026-09/contacts/batch/\w+$"), portal.batch)
        for method in ("GET", "POST"):
            mock.add_callback(method, re.compile(rf"{URL}/crm/properties/2026-09/contacts.*"), portal.define)
        mock.add("GET", f"{URL}/account-info/2026-09/details", json={"portalId": 1, "timeZone": "Asia/Tokyo"})
        yield portal


@pytest.fixture
def lane() -> HubSpotLane:
    return HubSpotLane(
        access_token="pat-secret", api_url=URL, pace_store=AlonePace(), now=lambda: NOW, sleep=lambda _: None
    )


def person(number: int, **more: Any) -> Customer:
    told: dict[str, Any] = {"email": f"Person{number}@Example.com", "last_name": "見本", "updated_at": NOW, **more}
    return Customer(id=FIRST_ID + number, **told)


def people(count: int) -> list[Task]:
    return [Task(person(number)) for number in range(count)]


def arrived(result: Result) -> Carried:
    assert isinstance(result, Carried), result
    return result


def refused(result: Result, error: type[CarryError], kind: str) -> Any:
    assert isinstance(result, error), result
    assert result.kind == f"hubspot.{kind}"
    return result


def one(lane: HubSpotLane, task: Task) -> Result:
    [result] = lane.carry([task]).values()
    return result


def again(task: Task, carried: Carried, **change: Any) -> Task:
    customer = replace(task.customer, updated_at=NOW + timedelta(minutes=1), **change)
    return Task(customer, ref=carried.ref, sent=carried.sent, memo=carried.memo)


def all_arrived(lane: HubSpotLane, tasks: Sequence[Task]) -> dict[int, Carried]:
    return {customer: arrived(result) for customer, result in lane.carry(tasks).items()}


# --- the calls it costs


def test_it_is_a_lane(lane: HubSpotLane) -> None:
    shape: Lane = lane
    assert (shape.name, shape.batch, shape.threads, shape.tend()) == ("hubspot", 100, 8, None)


def test_the_token_is_not_shown(lane: HubSpotLane) -> None:
    assert "pat-secret" not in f"{lane!r} {lane._api!r} {lane._flow!r}"


def test_a_hundred_new_customers_cost_three_calls(portal: Portal, lane: HubSpotLane) -> None:
    results = all_arrived(lane, people(100))
    assert len(results) == len(portal.contacts) == 100
    assert sorted(portal.calls) == [("read", 100), ("read", 100), ("upsert", 100)]
    for customer, result in results.items():
        assert result.did == "created"
        assert portal.contacts[result.ref]["shopify_customer_id"] == str(customer)


def test_a_hundred_changed_customers_cost_one_call(portal: Portal, lane: HubSpotLane) -> None:
    tasks = people(100)
    results = all_arrived(lane, tasks)
    portal.calls.clear()
    changed = [again(task, results[task.customer.id], first_name="花子") for task in tasks]
    assert {each.did for each in all_arrived(lane, changed).values()} == {"updated"}
    assert portal.calls == [("update", 100)]


def test_no_real_change_costs_no_call(portal: Portal, lane: HubSpotLane) -> None:
    tasks = people(3)
    results = all_arrived(lane, tasks)
    portal.calls.clear()
    same = all_arrived(lane, [again(task, results[task.customer.id]) for task in tasks])
    assert portal.calls == []
    assert {each.did for each in same.values()} == {"unchanged"}
    assert {each.ref for each in same.values()} == {each.ref for each in results.values()}
    assert [each.sent for each in same.values()] == [each.sent for each in results.values()]


def test_new_linked_known_and_unchanged_customers_share_four_calls(portal: Portal, lane: HubSpotLane) -> None:
    tasks = people(100)
    before = all_arrived(lane, tasks[:40])
    portal.put("9001", email="person50@example.com")
    portal.calls.clear()
    changed = [again(task, before[task.customer.id], first_name="花子") for task in tasks[:20]]
    same = [again(task, before[task.customer.id]) for task in tasks[20:40]]
    did = [each.did for each in all_arrived(lane, [*changed, *same, *tasks[40:]]).values()]
    assert {word: did.count(word) for word in set(did)} == {"updated": 20, "unchanged": 20, "linked": 1, "created": 59}
    assert sorted(portal.calls) == [("read", 60), ("read", 60), ("update", 21), ("upsert", 59)]


def test_a_thousand_waiting_customers_stay_within_the_budget(portal: Portal, lane: HubSpotLane) -> None:
    tasks = people(1000)
    for start in range(0, 1000, lane.batch):
        all_arrived(lane, tasks[start : start + lane.batch])
    assert portal.made() / 1000 <= 0.04


def test_only_what_changed_is_sent_and_the_last_change_beside_it(portal: Portal, lane: HubSpotLane) -> None:
    task = Task(person(1, phone="+819000000001", last_kana="ミホン"))
    first = arrived(one(lane, task))
    arrived(one(lane, again(task, first, phone=None, first_name="花子", note="seen")))
    assert portal.bodies[-1]["inputs"][0]["properties"] == {
        "phone": "",
        "firstname": "花子",
        "shopify_updated_at": "2026-11-22T03:01:00.000Z",
    }
    assert "shopify_updated_at" not in first.sent


def test_what_we_never_filled_is_never_blanked(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", email="person1@example.com", phone="+810000000000", city="typed by sales")
    arrived(one(lane, Task(person(1, phone=None, address=None))))
    assert portal.contacts["9001"]["phone"] == "+810000000000"
    assert portal.contacts["9001"]["city"] == "typed by sales"


def test_the_two_reads_and_the_two_writes_are_under_way_at_the_same_time(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", email="person1@example.com")
    together = Barrier(2, timeout=10)  # breaks, and fails the test, if one waits for the other to end
    batch, real_write = portal.read, portal.write

    def read(body: dict[str, Any]) -> Reply:
        together.wait()
        return batch(body)

    def write(operation: str, inputs: list[dict[str, Any]]) -> Reply:
        together.wait()
        return real_write(operation, inputs)

    portal.read, portal.write = read, write  # type: ignore[method-assign]
    assert [each.did for each in all_arrived(lane, [Task(person(1)), Task(person(2))]).values()] == [
        "linked",
        "created",
    ]


# --- finding the contact


def test_a_contact_hubspot_has_by_email_is_linked_and_not_made_again(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", email="person1@example.com", lifecyclestage="lead")
    result = arrived(one(lane, Task(person(1))))
    assert (result.did, result.ref) == ("linked", "9001")
    assert portal.contacts["9001"]["shopify_customer_id"] == str(FIRST_ID + 1)
    assert portal.contacts["9001"]["lifecyclestage"] == "lead"
    assert len(portal.contacts) == 1


def test_a_contact_is_found_by_its_second_address(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", email="old@example.com", hs_additional_emails="x@example.com;person1@example.com")
    portal.put("9002", email="other@example.com")
    assert arrived(one(lane, Task(person(1)))).ref == "9001"
    assert len(portal.contacts) == 2


def test_a_contact_is_found_by_our_id_when_the_answer_to_its_creation_was_lost(
    portal: Portal, lane: HubSpotLane
) -> None:
    portal.after["upsert"] = [lose_answer, lose_answer, lose_answer]
    task = Task(person(1))
    error = refused(one(lane, task), TryLater, "timeout")
    assert error.doubt
    result = arrived(one(lane, replace(task, doubt=True, attempt=2)))
    assert result.did == "updated"
    assert len(portal.contacts) == 1


def test_what_was_cleared_after_a_lost_creation_is_cleared_at_the_contact_that_it_made(
    portal: Portal, lane: HubSpotLane
) -> None:
    portal.after["upsert"] = [lose_answer, lose_answer, lose_answer]
    full = person(1, phone="+819000000001", last_kana="ミホン")
    refused(one(lane, Task(full)), TryLater, "timeout")
    cleared = full.seen_with(person(1, phone=None, last_kana=None))
    arrived(one(lane, Task(cleared, doubt=True, attempt=2)))
    assert not portal.of(full.id).get("phone")
    assert not portal.of(full.id).get("shopify_last_name_kana")


def test_in_doubt_nothing_is_cleared_that_never_had_a_value(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", email="person1@example.com", phone="03-0000-0001")
    arrived(one(lane, Task(person(1, phone=None), doubt=True, attempt=2)))
    assert portal.of(FIRST_ID + 1)["phone"] == "03-0000-0001"


def test_what_a_late_result_sent_is_cleared_when_it_has_no_value_any_more(portal: Portal, lane: HubSpotLane) -> None:
    """The ledger refused the result, and kept the names of what was sent, without a ref."""
    late = arrived(one(lane, Task(replace(person(1), phone="+819000000001"))))
    task = Task(replace(person(1), phone=None), sent=dict.fromkeys(late.sent, ""), attempt=2)
    assert arrived(one(lane, task)).ref == late.ref
    assert not portal.of(task.customer.id).get("phone")


def test_a_contact_that_is_another_customers_is_never_taken(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", email="person1@example.com", shopify_customer_id="42")
    error = refused(one(lane, Task(person(1))), AskPerson, "linked_to_other")
    assert error.choices == ({"contact": "9001", "shopify_customer_id": "42"},)
    assert portal.made("update", "upsert") == 0


def test_two_contacts_for_one_customer_wait_for_a_person(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", shopify_customer_id=str(FIRST_ID + 1))
    portal.put("9002", email="person1@example.com")
    error = refused(one(lane, Task(person(1))), AskPerson, "email_taken")
    assert error.choices == ({"contact": "9001"}, {"contact": "9002"})


def test_a_deleted_contact_is_found_anew_or_made_again_in_the_same_carry(portal: Portal, lane: HubSpotLane) -> None:
    tasks = people(3)
    before = all_arrived(lane, tasks)
    moved, deleted = (before[task.customer.id].ref for task in tasks[:2])
    portal.contacts["9001"] = portal.contacts.pop(moved)
    del portal.contacts[deleted]
    after = all_arrived(lane, [again(task, before[task.customer.id], first_name="花子") for task in tasks])
    assert [each.did for each in after.values()] == ["updated", "created", "updated"]
    assert after[FIRST_ID].ref == "9001"
    assert portal.of(FIRST_ID + 1)["lastname"] == "見本"
    assert len(portal.contacts) == 3


def test_a_deleted_contact_is_made_again_where_the_whole_batch_is_refused(portal: Portal, lane: HubSpotLane) -> None:
    tasks = people(4)
    before = all_arrived(lane, tasks)
    del portal.contacts[before[FIRST_ID].ref]
    portal.names_rows = False
    portal.calls.clear()
    all_arrived(lane, [again(task, before[task.customer.id], first_name="花子") for task in tasks])
    assert len(portal.contacts) == 4
    assert [rows for name, rows in portal.calls if name == "update"] == [4, 1, 3], "the row that is named stands apart"


# --- folding


def test_the_same_customer_twice_goes_once_in_the_newest_state(portal: Portal, lane: HubSpotLane) -> None:
    new = Task(person(1, last_name="新"))
    old = Task(person(1, last_name="旧", updated_at=NOW - timedelta(days=1)))
    assert len(all_arrived(lane, [new, old])) == 1
    assert portal.of(FIRST_ID + 1)["lastname"] == "新"


def test_one_address_under_two_customers_goes_to_the_first_and_the_other_waits(
    portal: Portal, lane: HubSpotLane
) -> None:
    results = lane.carry([Task(person(2, email="same@example.com")), Task(person(1, email="SAME@example.com "))])
    arrived(results[FIRST_ID + 1])
    error = refused(results[FIRST_ID + 2], AskPerson, "email_twice")
    assert error.choices == ({"shopify_customer_id": str(FIRST_ID + 1)}, {"shopify_customer_id": str(FIRST_ID + 2)})
    assert "same@" not in error.why


def test_the_customer_who_holds_the_address_in_hubspot_is_the_first(portal: Portal, lane: HubSpotLane) -> None:
    holder = Task(person(2, email="same@example.com"))
    kept = again(holder, arrived(one(lane, holder)))
    results = lane.carry([Task(person(1, email="same@example.com")), kept])
    assert arrived(results[FIRST_ID + 2]).did == "unchanged"
    refused(results[FIRST_ID + 1], AskPerson, "email_twice")


def test_two_customers_of_one_contact_are_not_sent_together(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", email="person1@example.com", hs_additional_emails="person2@example.com")
    results = lane.carry([Task(person(2)), Task(person(1))])
    assert arrived(results[FIRST_ID + 1]).ref == "9001"
    refused(results[FIRST_ID + 2], AskPerson, "linked_to_other")


# --- one bad row


@pytest.mark.parametrize("names_rows", [True, False])
@pytest.mark.parametrize("echoes_traces", [True, False])
def test_a_poisoned_row_never_holds_the_other_99(
    portal: Portal, lane: HubSpotLane, names_rows: bool, echoes_traces: bool
) -> None:
    portal.names_rows, portal.echoes_traces, portal.required = names_rows, echoes_traces, "lastname"
    tasks = [*people(99), Task(person(99, last_name=None, first_name="花子"))]
    random.shuffle(tasks)
    results = lane.carry(tasks)
    error = refused(results[FIRST_ID + 99], AskPerson, "required")
    assert "lastname" in error.why
    assert sum(isinstance(each, Carried) for each in results.values()) == len(portal.contacts) == 99
    assert portal.made() <= (3 if names_rows else 20)


@pytest.mark.parametrize("names_rows", [True, False])
@pytest.mark.parametrize("names_existing", [True, False])
def test_a_conflict_is_isolated_and_the_contact_in_the_way_is_linked(
    portal: Portal, lane: HubSpotLane, names_rows: bool, names_existing: bool
) -> None:
    portal.names_rows, portal.names_existing = names_rows, names_existing

    def made_meanwhile() -> Reply:
        portal.put("9001", email="person7@example.com")
        return answer(207, {"results": []})

    portal.instead["read"] = [lambda: answer(207, {"results": []}), made_meanwhile]
    results = all_arrived(lane, people(10))
    assert results[FIRST_ID + 7].ref == "9001"
    assert results[FIRST_ID + 7].did == "linked"
    assert len(portal.contacts) == 10


def test_a_conflict_with_a_contact_nobody_can_see_waits_for_a_person(portal: Portal, lane: HubSpotLane) -> None:
    gone = answer(409, {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 777"})
    portal.instead["upsert"] = [lambda: gone]
    error = refused(one(lane, Task(person(1))), AskPerson, "conflict")
    assert error.choices == ({"contact": "777"},)


def test_a_conflict_that_does_not_end_waits_for_a_person(portal: Portal, lane: HubSpotLane) -> None:
    gone = answer(409, {"category": "OBJECT_ALREADY_EXISTS", "error": "CONTACT_EXISTS", "message": "exists"})
    portal.instead["upsert"] = [lambda: gone] * 5
    refused(one(lane, Task(person(1))), AskPerson, "conflict")
    assert portal.made("upsert") == 2


def test_an_address_that_stands_at_another_contact_waits_for_a_person(portal: Portal, lane: HubSpotLane) -> None:
    task = Task(person(1))
    first = arrived(one(lane, task))
    portal.put("9001", email="new@example.com")
    error = refused(one(lane, again(task, first, email="new@example.com")), AskPerson, "email_taken")
    assert error.choices == ({"contact": first.ref}, {"contact": "9001"})


@pytest.mark.parametrize("names_rows", [True, False])
def test_an_address_that_moves_from_one_customer_to_another_arrives(
    portal: Portal, lane: HubSpotLane, names_rows: bool
) -> None:
    portal.names_rows = names_rows
    tasks = people(2)
    before = all_arrived(lane, tasks)
    swapped = [
        again(tasks[0], before[FIRST_ID], email="person1@example.com"),
        again(tasks[1], before[FIRST_ID + 1], email="third@example.com"),
    ]
    all_arrived(lane, swapped)
    assert portal.of(FIRST_ID)["email"] == "person1@example.com"
    assert portal.of(FIRST_ID + 1)["email"] == "third@example.com"


@pytest.mark.parametrize("names_rows", [True, False])
def test_an_address_hubspot_does_not_take_is_kept_as_text(portal: Portal, lane: HubSpotLane, names_rows: bool) -> None:
    portal.names_rows = names_rows
    task = Task(person(1, email="A..B@example.jp"))
    results = all_arrived(lane, [task, *[Task(person(number)) for number in range(2, 6)]])
    result = results[FIRST_ID + 1]
    assert "email" not in portal.of(FIRST_ID + 1)
    assert portal.of(FIRST_ID + 1)["shopify_email_raw"] == "A..B@example.jp"
    assert [(each.field, each.what) for each in result.corrections] == [("email", "dropped")]

    portal.calls.clear()
    assert arrived(one(lane, again(task, result))).did == "unchanged"
    arrived(one(lane, again(task, result, first_name="花子")))
    assert portal.calls == [("update", 1)], "the refused address is not offered again"

    mended = arrived(one(lane, again(task, result, email="ab@example.jp")))
    assert portal.of(FIRST_ID + 1)["email"] == "ab@example.jp"
    assert portal.of(FIRST_ID + 1)["shopify_email_raw"] == ""
    assert mended.memo == {}


def test_a_resync_tries_a_refused_value_again(portal: Portal, lane: HubSpotLane) -> None:
    portal.options["shopify_gender"] = {"f"}
    task = Task(person(1, gender="female"))
    first = arrived(one(lane, task))
    assert first.memo
    portal.options.clear()
    everything = Task(task.customer, ref=first.ref, sent=dict.fromkeys(first.sent, ""), memo=first.memo)
    assert arrived(one(lane, everything)).memo == {}
    assert portal.of(FIRST_ID + 1)["shopify_gender"] == "female"


def test_a_value_the_portal_does_not_allow_is_left_out_and_reported(portal: Portal, lane: HubSpotLane) -> None:
    portal.options = {"shopify_gender": {"f", "m"}, "shopify_currency": {"USD"}}
    task = Task(person(1, gender="female", currency="JPY"))
    result = arrived(one(lane, task))
    assert {(each.field, each.what) for each in result.corrections} == {
        ("shopify_gender", "dropped"),
        ("shopify_currency", "dropped"),
    }
    portal.calls.clear()
    assert arrived(one(lane, again(task, result))).did == "unchanged"
    assert portal.calls == []


def test_nothing_to_create_with_asks_a_person_and_no_name_is_invented(portal: Portal, lane: HubSpotLane) -> None:
    only_phone = Customer(id=1, email=None, phone="+819000000001", last_name=None)
    only_bad_email = Customer(id=2, email="a..b@example.jp")
    results = lane.carry([Task(only_phone), Task(only_bad_email), Task(person(3))])
    refused(results[1], AskPerson, "nothing_to_create_with")
    refused(results[2], AskPerson, "nothing_to_create_with")
    arrived(results[FIRST_ID + 3])
    assert len(portal.contacts) == 1


def test_a_nameless_customer_hubspot_already_has_needs_no_creation(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", shopify_customer_id="1", email="a@example.com")
    assert arrived(one(lane, Task(Customer(id=1, phone="+819000000001")))).ref == "9001"


# --- reading the answer


@pytest.mark.parametrize(("echoes", "shows"), [(True, True), (True, False), (False, True), (False, False)])
def test_results_in_any_order_reach_their_rows(portal: Portal, lane: HubSpotLane, echoes: bool, shows: bool) -> None:
    portal.echoes_traces, portal.shows_customer_id = echoes, shows
    tasks = people(50)
    results = all_arrived(lane, tasks)
    assert all(portal.contacts[each.ref]["shopify_customer_id"] == str(id_) for id_, each in results.items())
    changed = all_arrived(lane, [again(task, results[task.customer.id], first_name="花子") for task in tasks])
    assert [each.ref for each in changed.values()] == [results[customer].ref for customer in changed]
    assert len(portal.contacts) == 50


def test_every_input_has_a_trace_id_of_its_own(portal: Portal, lane: HubSpotLane) -> None:
    lane.carry(people(100))
    traces = [each["objectWriteTraceId"] for each in portal.bodies[-1]["inputs"]]
    assert len(set(traces)) == 100


def test_a_row_nobody_mentions_is_asked_after(portal: Portal, lane: HubSpotLane) -> None:
    portal.after["upsert"] = [lambda: answer(200, {"results": []})]
    assert arrived(one(lane, Task(person(1)))).did == "created"
    portal.instead["upsert"] = [lambda: answer(200, {"results": []})]
    error = refused(one(lane, Task(person(2))), TryLater, "unsettled")
    assert not error.lane_wide


def test_an_update_nobody_mentions_is_made_again(portal: Portal, lane: HubSpotLane) -> None:
    task = Task(person(1, phone="+819000000001"))
    first = arrived(one(lane, task))
    portal.instead["update"] = [lambda: answer(200, {"results": []})]
    arrived(one(lane, again(task, first, phone=None)))
    assert portal.of(FIRST_ID + 1)["phone"] == ""


def test_errors_that_name_no_row_are_found_by_cutting(portal: Portal, lane: HubSpotLane) -> None:
    nameless = {**invalid("MISSING_REQUIRED_PROPERTY", "company"), "context": {}}
    portal.instead["upsert"] = [
        lambda: answer(207, {"results": [], "errors": [nameless, nameless]}),
        lambda: answer(207, {"results": [], "errors": [nameless]}),
        lambda: answer(207, {"results": [], "errors": [nameless]}),
    ]
    for result in lane.carry(people(2)).values():
        refused(result, AskPerson, "required")


def test_what_hubspot_normalised_is_reported(portal: Portal, lane: HubSpotLane) -> None:
    context = {"propertyName": "shopify_birth_date", "rawValue": "x", "normalizedValue": "1990-01-31"}
    warning = {"category": "PROPERTY_VALUE_NORMALIZED", "context": context}
    row = {"id": "9001", "new": True, "properties": {"shopify_customer_id": str(FIRST_ID)}, "warnings": [warning]}
    portal.instead["upsert"] = [lambda: answer(200, {"results": [row]})]
    [correction] = arrived(one(lane, Task(person(0)))).corrections
    assert (correction.field, correction.what) == ("shopify_birth_date", "reformatted")


def test_an_answer_that_is_not_json_is_tried_later(portal: Portal, lane: HubSpotLane) -> None:
    portal.instead["read"] = [lambda: (200, {}, "<html>")] * 2
    refused(one(lane, Task(person(1))), TryLater, "blocked")
    portal.instead["read"] = [lambda: answer(200, {"results": "no list"})] * 2
    refused(one(lane, Task(person(2))), TryLater, "unreadable")


# --- trouble for all


def test_a_property_that_vanished_is_set_up_again_in_the_same_carry(portal: Portal, lane: HubSpotLane) -> None:
    portal.missing = {"shopify_tags"}
    all_arrived(lane, [Task(person(1, tags=("vip",))), Task(person(2))])
    assert "shopify_tags" in portal.created_properties
    assert portal.of(FIRST_ID + 1)["shopify_tags"] == "vip"


@pytest.mark.parametrize("names_rows", [True, False])
def test_a_property_setup_cannot_bring_stops_the_lane(portal: Portal, lane: HubSpotLane, names_rows: bool) -> None:
    portal.missing, portal.names_rows = {"zip"}, names_rows
    error = refused(
        one(lane, Task(Customer.from_json({"id": 1, "last_name": "見本", "address": {"zip": "100-0014"}}))),
        StopLane,
        "no_property",
    )
    assert "zip" in error.why


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "kind"),
    [
        (401, {}, {"category": "INVALID_AUTHENTICATION"}, StopLane, "token"),
        (403, {}, {"category": "MISSING_SCOPES"}, StopLane, "scopes"),
        (423, {}, {}, TryLater, "locked"),
        (429, {"Retry-After": "11"}, {"policyName": "TEN_SECONDLY_ROLLING"}, Busy, "rate_limit"),
        (477, {"Retry-After": "600"}, {}, Busy, "moving"),
        (503, {}, {}, TryLater, "unavailable"),
    ],
)
@pytest.mark.parametrize("operation", ["read", "upsert"])
def test_trouble_of_the_far_side_is_said_of_every_row_and_cut_into_nothing(
    portal: Portal,
    lane: HubSpotLane,
    operation: str,
    status: int,
    headers: dict[str, str],
    body: Any,
    error: type[CarryError],
    kind: str,
) -> None:
    portal.instead[operation] = [lambda: answer(status, body, **headers)] * 20
    for result in lane.carry(people(4)).values():
        refused(result, error, kind)
    assert portal.contacts == {}
    assert portal.made(operation) <= 6, "three tries of each call and no more"


def test_a_daily_limit_waits_until_midnight_where_the_account_is(portal: Portal, lane: HubSpotLane) -> None:
    lane.prepare()
    portal.instead["upsert"] = [lambda: answer(429, {"policyName": "DAILY"})] * 3
    error = refused(one(lane, Task(person(1))), Busy, "daily_limit")
    assert error.wait == timedelta(hours=12, seconds=1)


def test_rows_that_arrived_stay_arrived_when_the_others_could_not(portal: Portal, lane: HubSpotLane) -> None:
    tasks = people(2)
    first = arrived(one(lane, tasks[0]))
    portal.instead["upsert"] = [lambda: answer(503, {})] * 3
    results = lane.carry([again(tasks[0], first, first_name="花子"), tasks[1]])
    assert arrived(results[FIRST_ID]).did == "updated"
    refused(results[FIRST_ID + 1], TryLater, "unavailable")


def test_a_read_that_is_refused_for_one_id_still_finds_the_others(portal: Portal, lane: HubSpotLane) -> None:
    portal.put("9001", email="person1@example.com")
    real = portal.read

    def picky(body: dict[str, Any]) -> Reply:
        if any(" " in each["id"] for each in body["inputs"]):
            return answer(400, {"category": "VALIDATION_ERROR", "message": "no"})
        return real(body)

    portal.read = picky  # type: ignore[method-assign]
    results = all_arrived(lane, [Task(person(1)), Task(person(2, email="not an address")), Task(person(3))])
    assert results[FIRST_ID + 1].did == "linked"
    assert results[FIRST_ID + 3].did == "created"
