"""The stand-in for HubSpot behaves as the fact sheet says, traps included."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from sandbox.config import SandboxConfig
from sandbox.core import create_sandbox, world_of

BASE = SandboxConfig(
    hubspot_calls_per_10_seconds=None,
    hubspot_calls_per_day=None,
    hubspot_searches_per_second=None,
    hubspot_property_lag_seconds=0,
)
CONTACTS = "crm/objects/2026-09/contacts"
PROPERTIES = "crm/properties/2026-09/contacts"
KEY = {
    "name": "shopify_customer_id",
    "label": "Shopify customer ID",
    "type": "string",
    "fieldType": "text",
    "groupName": "contactinformation",
    "hasUniqueValue": True,
}
NOON = datetime(2026, 11, 20, 3, 0, 0, tzinfo=UTC)


class Caller:
    """A client that knows its way to one sandbox, whose clock stands until it is moved."""

    def __init__(self, config: SandboxConfig = BASE) -> None:
        self.now = NOON
        app = create_sandbox(config, clock=lambda: self.now)
        self.world = world_of(app)
        self.http = app.test_client()

    def __call__(self, method: str, path: str, body: object = None, token: str | None = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {token or BASE.hubspot_token}"}
        return self.http.open(f"/hubspot/{path}", method=method, headers=headers, json=body)

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def create(self, **properties: str) -> TestResponse:
        return self("POST", CONTACTS, {"properties": properties})

    def seed(self, **properties: str) -> str:
        return str(self.world.hubspot.seed(properties)["id"])

    def upsert(self, *rows: dict[str, Any]) -> TestResponse:
        return self("POST", f"{CONTACTS}/batch/upsert", {"inputs": list(rows)})

    def add_property(self, name: str, kind: str = "string", field: str = "text", **more: object) -> TestResponse:
        base = {"name": name, "label": name, "type": kind, "fieldType": field, "groupName": "contactinformation"}
        return self("POST", PROPERTIES, base | more)


def with_key(config: SandboxConfig = BASE) -> Caller:
    call = Caller(config)
    assert call("POST", PROPERTIES, KEY).status_code == 201
    return call


@pytest.fixture
def call() -> Caller:
    return with_key()


def row(key: str, trace: str | None = None, **properties: str) -> dict[str, Any]:
    made: dict[str, Any] = {"id": key, "idProperty": "shopify_customer_id", "properties": properties}
    return made if trace is None else {**made, "objectWriteTraceId": trace}


def complaints(message: str) -> list[dict[str, Any]]:
    """What stands as JSON inside the message of a refusal."""
    prefix = "Property values were not valid: "
    assert message.startswith(prefix)
    found: list[dict[str, Any]] = json.loads(message.removeprefix(prefix))
    return found


# Auth, versions, scopes


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic pat-na1-sandbox"])
def test_a_wrong_token_is_401(call: Caller, header: str | None) -> None:
    answer = call.http.get(f"/hubspot/{CONTACTS}/1", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    body = answer.get_json()
    assert body["category"] == "INVALID_AUTHENTICATION"
    assert body["message"] == "Authentication credentials not found."
    assert body["correlationId"]


@pytest.mark.parametrize("path", ["crm/v3/objects/contacts", "crm/objects/2026-03/contacts", "crm/objects/v3/contacts"])
def test_older_versions_are_not_there(call: Caller, path: str) -> None:
    assert call("POST", path, {"properties": {"email": "hanako@example.com"}}).status_code == 404


def test_a_missing_scope_is_named() -> None:
    call = Caller(replace(BASE, hubspot_granted_scopes=("crm.objects.contacts.read",)))
    answer = call("POST", PROPERTIES, KEY)
    assert answer.status_code == 403
    body = answer.get_json()
    assert body["category"] == "MISSING_SCOPES"
    assert body["errors"][0]["context"]["requiredGranularScopes"] == ["crm.schemas.contacts.write"]
    assert call.create(email="hanako@example.com").status_code == 403
    assert call("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": "1"}]}).status_code == 207
    assert call("GET", "account-info/2026-09/details").get_json()["timeZone"] == "Asia/Tokyo"


# Single records


def test_a_contact_is_created_read_by_id_or_email_and_changed(call: Caller) -> None:
    made = call.create(email="Hanako.Test@Example.com ", lastname="見本")
    assert made.status_code == 201
    body = made.get_json()
    assert body["properties"]["email"] == "hanako.test@example.com"
    assert (body["createdAt"], body["archived"]) == ("2026-11-20T03:00:00.000Z", False)
    number = body["id"]
    assert isinstance(number, str)
    call.move(5)
    changed = call(
        "PATCH", f"{CONTACTS}/hanako.test@example.com?idProperty=email", {"properties": {"city": "千代田区"}}
    )
    assert changed.status_code == 200
    assert changed.get_json()["updatedAt"] == "2026-11-20T03:00:05.000Z"
    read = call("GET", f"{CONTACTS}/{number}?properties=city,lastname,phone").get_json()["properties"]
    assert (read["city"], read["lastname"], read["phone"]) == ("千代田区", "見本", None)


def test_an_empty_string_clears(call: Caller) -> None:
    number = call.create(email="hanako@example.com", phone="090-0000-0000").get_json()["id"]
    call("PATCH", f"{CONTACTS}/{number}", {"properties": {"phone": ""}})
    assert call("GET", f"{CONTACTS}/{number}?properties=phone").get_json()["properties"]["phone"] is None


def test_an_unknown_record_is_404(call: Caller) -> None:
    for answer in (call("GET", f"{CONTACTS}/999"), call("PATCH", f"{CONTACTS}/999", {"properties": {"city": "x"}})):
        assert answer.status_code == 404
        assert answer.get_json()["category"] == "OBJECT_NOT_FOUND"


def test_a_contact_needs_an_email_or_a_name(call: Caller) -> None:
    assert call.create(phone="090-0000-0000").status_code == 400
    assert call.upsert(row("1", phone="090-0000-0000")).status_code == 400
    assert call.create(phone="090-0000-0000", lastname="見本").status_code == 201


def test_an_email_that_is_taken_is_409_with_the_owner_in_the_text(call: Caller) -> None:
    number = call.create(email="hanako@example.com").get_json()["id"]
    answer = call.create(email="HANAKO@example.com")
    assert answer.status_code == 409
    body = answer.get_json()
    assert (body["category"], body["message"]) == ("CONFLICT", f"Contact already exists. Existing ID: {number}")
    other = call.create(email="taro@example.jp").get_json()["id"]
    assert call("PATCH", f"{CONTACTS}/{other}", {"properties": {"email": "hanako@example.com"}}).status_code == 409
    assert call("PATCH", f"{CONTACTS}/{other}", {"properties": {"email": "taro@example.jp"}}).status_code == 200


def test_the_other_form_of_a_409_does_not_say_who_owns_the_email() -> None:
    call = with_key(replace(BASE, hubspot_conflict_text_names_id=False))
    call.create(email="hanako@example.com")
    body = call.create(email="hanako@example.com").get_json()
    assert (body["error"], body["category"]) == ("CONTACT_EXISTS", "OBJECT_ALREADY_EXISTS")
    assert body["errors"][0]["in"] == "email"
    assert "Existing ID" not in json.dumps(body)


def test_a_secondary_email_belongs_to_its_contact(call: Caller) -> None:
    number = call.seed(email="hanako@example.com", hs_additional_emails="old@example.com;older@example.com")
    assert call.create(email="older@example.com").status_code == 409
    assert call("GET", f"{CONTACTS}/old@example.com?idProperty=email").get_json()["id"] == number


def test_a_unique_property_lets_no_value_in_twice(call: Caller) -> None:
    number = call.create(lastname="見本", shopify_customer_id="69").get_json()["id"]
    answer = call.create(lastname="別人", shopify_customer_id="69")
    assert answer.status_code == 400
    (complaint,) = complaints(answer.get_json()["message"])
    assert complaint["error"] == "CONFLICTING_UNIQUE_VALUE"
    assert complaint["message"] == f"{number} already has that value."


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"missing": "x"}, "PROPERTY_DOESNT_EXIST"),
        ({"email": "a..b@example.jp"}, "INVALID_EMAIL"),
        ({"email": "a.@example.jp"}, "INVALID_EMAIL"),
        ({"email": "花子@example.jp"}, "INVALID_EMAIL"),
        ({"email": "hanako"}, "INVALID_EMAIL"),
        ({"lifecyclestage": "Lead"}, "INVALID_OPTION"),
        ({"createdate": "2026-01-01"}, "READ_ONLY_VALUE"),
        ({"hs_marketable_status": "true"}, "READ_ONLY_VALUE"),
        ({"lastname": 5}, "INVALID_STRING"),
        ({"lastname": None}, "INVALID_STRING"),
        ({"address": "あ" * 65_537}, "INVALID_LENGTH"),
    ],
)
def test_a_bad_value_is_told_in_the_message_and_in_errors(call: Caller, properties: dict[str, Any], code: str) -> None:
    answer = call("POST", CONTACTS, {"properties": {"firstname": "花子", **properties}})
    assert answer.status_code == 400
    body = answer.get_json()
    (name,) = properties
    assert body["category"] == "VALIDATION_ERROR"
    (complaint,) = complaints(body["message"])
    assert (complaint["error"], complaint["name"], complaint["isValid"]) == (code, name, False)
    assert (body["errors"][0]["code"], body["errors"][0]["context"]) == (code, {"propertyName": [name]})
    assert call.world.hubspot.records() == []


def test_every_bad_value_of_a_contact_is_told(call: Caller) -> None:
    message = call.create(missing="x", email="x", lastname="見本").get_json()["message"]
    assert [one["error"] for one in complaints(message)] == ["PROPERTY_DOESNT_EXIST", "INVALID_EMAIL"]


def test_a_lifecycle_stage_moves_forward_only(call: Caller) -> None:
    number = call.create(email="hanako@example.com", lifecyclestage="customer").get_json()["id"]

    def stage_after(value: str) -> object:
        call("PATCH", f"{CONTACTS}/{number}", {"properties": {"lifecyclestage": value}})
        return call.world.hubspot.records()[0]["properties"]["lifecyclestage"]  # type: ignore[index]

    assert stage_after("lead") == "customer"
    assert stage_after("evangelist") == "evangelist"
    call("PATCH", f"{CONTACTS}/{number}", {"properties": {"lifecyclestage": ""}})
    assert stage_after("lead") == "lead"


@pytest.mark.parametrize(
    ("sent", "kept", "is_warned"),
    [
        ("1990-01-31", "1990-01-31", False),
        ("633744000000", "1990-01-31", False),
        ("633711600000", "1990-01-30", True),
        ("1990-01-31T00:00:00+09:00", "1990-01-30", True),
        ("1990/1/31", "1990-01-31", True),
        ("19900131", "1990-01-31", True),
    ],
)
def test_a_date_in_another_form_is_rewritten_with_a_warning(
    call: Caller, sent: str, kept: str, is_warned: bool
) -> None:
    call.add_property("birth", "date", "date")
    body = call.upsert(row("1", "t", lastname="見本", birth=sent)).get_json()["results"][0]
    assert body["properties"]["birth"] == kept
    assert ("warnings" in body) is is_warned
    if is_warned:
        assert body["warnings"][0]["category"] == "PROPERTY_VALUE_NORMALIZED"
        assert body["warnings"][0]["context"]["rawValue"] == [sent]


@pytest.mark.parametrize("sent", ["1990-02-30", "31st of January", "平成2年1月31日"])
def test_a_date_that_cannot_be_read_is_refused(call: Caller, sent: str) -> None:
    call.add_property("birth", "date", "date")
    answer = call.create(lastname="見本", birth=sent)
    assert complaints(answer.get_json()["message"])[0]["error"] == "INVALID_DATE"


def test_numbers_times_and_several_options_are_checked(call: Caller) -> None:
    call.add_property("orders", "number", "number")
    call.add_property("changed", "datetime", "date")
    options = [{"label": value, "value": value} for value in ("a", "b")]
    call.add_property("likes", "enumeration", "checkbox", options=options)
    good = call.create(lastname="見本", orders="3", changed="2026-11-20T10:00:00+09:00", likes=";a;b").get_json()
    assert good["properties"]["changed"] == "2026-11-20T01:00:00.000Z"
    for bad in ({"orders": "three"}, {"changed": "yesterday"}, {"likes": "a;c"}):
        assert call.create(lastname="見本", **bad).status_code == 400


def test_admin_rules_are_enforced_on_writes() -> None:
    config = replace(BASE, hubspot_required_properties=("phone",), hubspot_conditional_required=(("city", "zip"),))
    call = with_key(config)
    missing = call.create(lastname="見本").get_json()
    assert missing["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"
    assert missing["context"]["propertyName"] == ["phone"]
    number = call.create(lastname="見本", phone="090-0000-0000").get_json()["id"]
    answer = call("PATCH", f"{CONTACTS}/{number}", {"properties": {"city": "千代田区"}})
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["code"] == "MISSING_CONDITIONAL_REQUIRED_PROPERTY"


# Batches


def test_an_upsert_creates_and_next_time_updates(call: Caller) -> None:
    first = call.upsert(row("69", "t-0", email="Hanako@example.com", lastname="見本"))
    assert first.status_code == 200
    body = first.get_json()
    assert body["status"] == "COMPLETE"
    assert {"startedAt", "completedAt"} <= body.keys()
    (result,) = body["results"]
    assert (result["new"], result["objectWriteTraceId"]) == (True, "t-0")
    assert result["properties"]["email"] == "hanako@example.com"
    second = call.upsert(row("69", "t-0", city="千代田区")).get_json()["results"][0]
    assert (second["new"], second["id"]) == (False, result["id"])
    assert call.world.hubspot.records()[0]["properties"]["shopify_customer_id"] == "69"  # type: ignore[index]


def test_with_trace_ids_a_bad_row_is_told_and_the_others_are_written(call: Caller) -> None:
    answer = call.upsert(row("1", "t-1", lastname="一"), row("2", "t-2", missing="x"), row("3", "t-3", lastname="三"))
    assert answer.status_code == 207
    body = answer.get_json()
    assert {one["objectWriteTraceId"] for one in body["results"]} == {"t-1", "t-3"}
    assert body["numErrors"] == 1
    (error,) = body["errors"]
    assert error["context"] == {"objectWriteTraceId": ["t-2"]}
    assert complaints(error["message"])[0]["error"] == "PROPERTY_DOESNT_EXIST"
    assert len(call.world.hubspot.records()) == 2


def test_without_trace_ids_one_bad_row_rejects_all(call: Caller) -> None:
    number = call.seed(lastname="前", shopify_customer_id="1")
    answer = call.upsert(row("1", lastname="後"), row("2", lastname="新"), row("3", missing="x"))
    assert answer.status_code == 400
    (record,) = call.world.hubspot.records()
    assert (record["id"], record["properties"]["lastname"]) == (number, "前")  # type: ignore[index]
    assert call.upsert(row("2", lastname="新")).status_code == 200


@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize("path", ["upsert", "update"])
def test_one_id_twice_rejects_the_whole_batch(call: Caller, traced: bool, path: str) -> None:
    rows = [row(key, f"t-{nth}" if traced else None, lastname="見本") for nth, key in enumerate("131")]
    answer = call("POST", f"{CONTACTS}/batch/{path}", {"inputs": rows})
    assert answer.status_code == 400
    body = answer.get_json()
    assert body["message"] == "Duplicate IDs found in batch input: [1]. IDs must be unique"
    assert body["context"]["ids"] == ["1"]
    assert call.world.hubspot.records() == []


def test_an_email_twice_in_another_case_is_one_id_twice(call: Caller) -> None:
    rows = [
        {"id": address, "idProperty": "email", "properties": {"lastname": "見本"}}
        for address in ("hanako@example.com", "Hanako@example.com")
    ]
    assert call.upsert(*rows).status_code == 400


def test_a_hundred_rows_are_taken_and_a_hundred_and_one_are_not(call: Caller) -> None:
    rows = [row(str(key), f"t-{key}", lastname="見本") for key in range(101)]
    assert call.upsert(*rows).status_code == 400
    assert call("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": str(n)} for n in range(101)]}).status_code == 400
    assert call.upsert(*rows[:100]).status_code == 200
    assert len(call.world.hubspot.records()) == 100


def test_results_are_not_in_the_order_of_the_rows(call: Caller) -> None:
    traces = [f"t-{key}" for key in range(20)]
    body = call.upsert(*(row(str(key), f"t-{key}", lastname="見本") for key in range(20))).get_json()
    answered = [one["objectWriteTraceId"] for one in body["results"]]
    assert answered != traces
    assert sorted(answered) == sorted(traces)


def test_trace_ids_of_written_rows_can_be_left_out_of_the_answer() -> None:
    call = with_key(replace(BASE, hubspot_omit_trace_ids=True))
    body = call.upsert(row("1", "t-1", lastname="一"), row("2", "t-2", missing="x")).get_json()
    assert "objectWriteTraceId" not in body["results"][0]
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["t-2"]


def test_a_conflicting_email_is_a_row_of_its_own(call: Caller) -> None:
    owner = call.seed(email="hanako@example.com")
    answer = call.upsert(row("1", "t-1", email="hanako@example.com"), row("2", "t-2", lastname="見本"))
    assert answer.status_code == 207
    (error,) = answer.get_json()["errors"]
    assert (error["status"], error["category"]) == ("error", "CONFLICT")
    assert error["message"] == f"Contact already exists. Existing ID: {owner}"
    assert error["context"] == {"objectWriteTraceId": ["t-1"], "existingId": [owner]}
    assert len(call.world.hubspot.records()) == 2


def test_or_a_conflicting_email_is_a_409_for_the_whole_batch() -> None:
    call = with_key(replace(BASE, hubspot_conflict_mode="batch"))
    call.seed(email="hanako@example.com")
    answer = call.upsert(row("2", "t-2", lastname="見本"), row("1", "t-1", email="hanako@example.com"))
    assert answer.status_code == 409
    assert len(call.world.hubspot.records()) == 1


def test_a_conflict_without_trace_ids_is_a_409_for_the_whole_batch(call: Caller) -> None:
    call.seed(email="hanako@example.com")
    assert call.upsert(row("2", lastname="見本"), row("1", email="hanako@example.com")).status_code == 409
    assert len(call.world.hubspot.records()) == 1


def test_two_rows_of_a_batch_cannot_share_an_email(call: Caller) -> None:
    answer = call.upsert(row("1", "t-1", email="a@example.jp"), row("2", "t-2", email="A@example.jp"))
    assert answer.status_code == 207
    assert len(call.world.hubspot.records()) == 1


def test_of_sixteen_at_the_same_instant_one_creates_and_all_others_update(call: Caller) -> None:
    def upsert(nth: int) -> bool:
        client = call.http.application.test_client()
        headers = {"Authorization": f"Bearer {BASE.hubspot_token}"}
        inputs = {"inputs": [row("69", f"t-{nth}", lastname="見本")]}
        answer = client.post(f"/hubspot/{CONTACTS}/batch/upsert", json=inputs, headers=headers)
        return bool(answer.get_json()["results"][0]["new"])

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(upsert, range(16))) == 1
    assert len(call.world.hubspot.records()) == 1


def test_an_upsert_by_a_secondary_email_lands_on_its_contact(call: Caller) -> None:
    number = call.seed(email="hanako@example.com", hs_additional_emails="old@example.com")
    body = call.upsert({"id": "old@example.com", "idProperty": "email", "properties": {"city": "千代田区"}}).get_json()
    assert (body["results"][0]["id"], body["results"][0]["new"]) == (number, False)


def test_a_key_that_is_not_unique_cannot_be_upserted_by(call: Caller) -> None:
    answer = call.upsert({"id": "x", "idProperty": "lastname", "properties": {}, "objectWriteTraceId": "t"})
    assert answer.status_code == 400
    assert answer.get_json()["message"] == "Unable to perform update/upsert by non-unique 0-1 property lastname"


def test_two_kinds_of_key_in_one_batch_are_refused(call: Caller) -> None:
    other = {"id": "hanako@example.com", "idProperty": "email", "properties": {}, "objectWriteTraceId": "t-2"}
    assert call.upsert(row("1", "t-1", lastname="見本"), other).status_code == 400


def test_an_update_of_unknown_records_names_them_by_id_and_not_by_trace_id(call: Caller) -> None:
    number = call.seed(lastname="前")
    inputs = [
        {"id": key, "properties": {"lastname": "後"}, "objectWriteTraceId": f"t-{key}"}
        for key in (number, "998", "999")
    ]
    answer = call("POST", f"{CONTACTS}/batch/update", {"inputs": inputs})
    assert answer.status_code == 207
    body = answer.get_json()
    (error,) = body["errors"]
    assert (error["category"], error["context"]) == ("OBJECT_NOT_FOUND", {"ids": ["998", "999"]})
    assert [one["id"] for one in body["results"]] == [number]
    assert "new" not in body["results"][0]


def test_an_update_by_a_key_that_is_no_record_id_does_nothing_and_says_nothing(call: Caller) -> None:
    call.seed(email="hanako@example.com")
    inputs = [{"id": "hanako@example.com", "properties": {"city": "x"}, "objectWriteTraceId": "t"}]
    answer = call("POST", f"{CONTACTS}/batch/update", {"inputs": inputs})
    assert (answer.status_code, answer.get_json()["results"]) == (200, [])
    inputs[0]["idProperty"] = "email"
    answer = call("POST", f"{CONTACTS}/batch/update", {"inputs": inputs})
    assert len(answer.get_json()["results"]) == 1


def test_a_batch_create_answers_201_and_207(call: Caller) -> None:
    good = {"properties": {"email": "a@example.jp"}, "objectWriteTraceId": "t-1"}
    bad = {"properties": {"email": "a@example.jp"}, "objectWriteTraceId": "t-2"}
    assert call("POST", f"{CONTACTS}/batch/create", {"inputs": [good]}).status_code == 201
    assert call("POST", f"{CONTACTS}/batch/create", {"inputs": [bad]}).status_code == 207


def test_a_batch_read_resolves_secondary_emails_without_saying_which_input_it_was(call: Caller) -> None:
    number = call.seed(email="hanako@example.com", hs_additional_emails="old@example.com")
    body = {
        "idProperty": "email",
        "properties": ["email", "hs_additional_emails", "shopify_customer_id"],
        "inputs": [{"id": "OLD@example.com"}, {"id": "nobody@example.com"}],
    }
    answer = call("POST", f"{CONTACTS}/batch/read", body)
    assert answer.status_code == 207
    (result,) = answer.get_json()["results"]
    assert result["id"] == number
    assert result["properties"]["hs_additional_emails"] == "old@example.com"
    assert result["properties"]["shopify_customer_id"] is None
    assert answer.get_json()["errors"][0]["context"] == {"ids": ["nobody@example.com"]}
    by_id = call("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": number}]})
    assert (by_id.status_code, by_id.get_json()["results"][0]["id"]) == (200, number)


@pytest.mark.parametrize("body", [{}, {"inputs": []}, {"inputs": [5]}, {"inputs": [{"id": "1"}]}, []])
def test_a_batch_that_is_not_built_right_is_refused(call: Caller, body: object) -> None:
    assert call("POST", f"{CONTACTS}/batch/upsert", body).status_code == 400


def test_a_record_that_is_being_written_is_locked_for_others() -> None:
    call = with_key(replace(BASE, hubspot_lock_seconds=2))
    call.upsert(row("1", "t", lastname="一"))
    locked = call.upsert(row("2", "t-2", lastname="二"), row("1", "t-1", lastname="後"))
    assert locked.status_code == 423
    assert len(call.world.hubspot.records()) == 1
    call.move(2)
    assert call.upsert(row("1", "t", lastname="後")).status_code == 200


# Archive, merge, GDPR


def test_an_archived_contact_is_gone(call: Caller) -> None:
    numbers = [call.create(email=f"{name}@example.jp").get_json()["id"] for name in ("a", "b")]
    assert call("DELETE", f"{CONTACTS}/{numbers[0]}").status_code == 204
    assert call("POST", f"{CONTACTS}/batch/archive", {"inputs": [{"id": numbers[1]}]}).status_code == 204
    assert call("GET", f"{CONTACTS}/{numbers[0]}").status_code == 404
    assert call.world.hubspot.records() == []
    assert call.create(email="a@example.jp").status_code == 201


def test_the_survivor_of_a_merge_has_a_new_id_and_one_of_the_keys(call: Caller) -> None:
    kept = call.create(email="a@example.jp", shopify_customer_id="1").get_json()["id"]
    lost = call.create(email="b@example.jp", shopify_customer_id="2", city="千代田区").get_json()["id"]
    merged = call("POST", f"{CONTACTS}/merge", {"primaryObjectId": kept, "objectIdToMerge": lost}).get_json()
    assert merged["id"] not in {kept, lost}
    assert merged["properties"]["hs_additional_emails"] == "b@example.jp"
    assert merged["properties"]["city"] == "千代田区"
    assert call("GET", f"{CONTACTS}/{kept}").status_code == 404
    assert call("GET", f"{CONTACTS}/b@example.jp?idProperty=email").get_json()["id"] == merged["id"]
    assert call("GET", f"{CONTACTS}/2?idProperty=shopify_customer_id").status_code == 404
    assert call("GET", f"{CONTACTS}/1?idProperty=shopify_customer_id").status_code == 200


def test_a_gdpr_delete_by_an_email_nobody_has_blocks_it_for_ever(call: Caller) -> None:
    purge = {"objectId": "hanako@example.com", "idProperty": "email"}
    assert call("POST", f"{CONTACTS}/gdpr-delete", purge).status_code == 204
    answer = call.create(email="hanako@example.com")
    assert answer.status_code == 400
    assert "GDPR blacklisted" in answer.get_json()["message"]


def test_a_gdpr_delete_by_record_id_blocks_nothing(call: Caller) -> None:
    number = call.create(email="hanako@example.com").get_json()["id"]
    assert call("POST", f"{CONTACTS}/gdpr-delete", {"objectId": number}).status_code == 204
    assert call.create(email="hanako@example.com").status_code == 201


# Search


def test_the_search_index_lags_behind_writes(call: Caller) -> None:
    filters = [{"propertyName": "email", "operator": "EQ", "value": "hanako@example.com"}]

    def totals() -> int:
        answer = call("POST", f"{CONTACTS}/search", {"filterGroups": [{"filters": filters}]})
        return int(answer.get_json()["total"])

    number = call.create(email="hanako@example.com").get_json()["id"]
    assert totals() == 0
    call.move(5)
    assert totals() == 1
    call("PATCH", f"{CONTACTS}/{number}", {"properties": {"email": "new@example.com"}})
    assert totals() == 1
    call.move(5)
    assert totals() == 0


def test_a_search_is_paged_and_has_its_own_limits(call: Caller) -> None:
    for nth in range(5):
        call.seed(email=f"{nth}@example.jp", lastname="見本" if nth else "別人")
    first = call("POST", f"{CONTACTS}/search", {"limit": 3}).get_json()
    assert (first["total"], len(first["results"]), first["paging"]["next"]["after"]) == (5, 3, "3")
    rest = call("POST", f"{CONTACTS}/search", {"limit": 3, "after": "3"}).get_json()
    assert len(rest["results"]) == 2
    assert "paging" not in rest
    assert call("POST", f"{CONTACTS}/search", {"query": "別"}).get_json()["total"] == 1
    wrong: dict[str, Any]
    for wrong in ({"limit": 201}, {"query": "x" * 3001}, {"filterGroups": [{}] * 7}, {"after": "x"}):
        assert call("POST", f"{CONTACTS}/search", wrong).status_code == 400
    unknown = {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE"}]}]}
    assert call("POST", f"{CONTACTS}/search", unknown).status_code == 400


# Limits


def test_the_ten_second_limit_is_real_and_told_in_headers() -> None:
    call = Caller(replace(BASE, hubspot_calls_per_10_seconds=3, hubspot_calls_per_day=1000))
    answers = [call("GET", "account-info/2026-09/details") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "3"
    assert [one.headers["X-HubSpot-RateLimit-Remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert answers[0].headers["X-HubSpot-RateLimit-Daily-Remaining"] == "999"
    assert answers[3].get_json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert answers[3].get_json()["errorType"] == "RATE_LIMIT"
    assert "Retry-After" not in answers[3].headers
    call.move(9.9)
    assert call("GET", "account-info/2026-09/details").status_code == 429
    call.move(0.1)
    assert call("GET", "account-info/2026-09/details").status_code == 200


def test_a_batch_counts_as_one_call() -> None:
    call = Caller(replace(BASE, hubspot_calls_per_10_seconds=2))
    rows = [{"properties": {"lastname": "見本"}} for _ in range(100)]
    assert call("POST", f"{CONTACTS}/batch/create", {"inputs": rows}).status_code == 201
    assert call("GET", "account-info/2026-09/details").status_code == 200


def test_the_wait_is_told_when_the_portal_is_set_to() -> None:
    call = Caller(replace(BASE, hubspot_calls_per_10_seconds=0, hubspot_retry_after="7"))
    assert call("GET", "account-info/2026-09/details").headers["Retry-After"] == "7"


def test_the_daily_limit_ends_at_midnight_of_the_account() -> None:
    call = Caller(replace(BASE, hubspot_calls_per_day=1))
    assert call("GET", "account-info/2026-09/details").status_code == 200
    refused = call("GET", "account-info/2026-09/details")
    assert (refused.status_code, refused.get_json()["policyName"]) == (429, "DAILY")
    call.now = datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC)
    assert call("GET", "account-info/2026-09/details").status_code == 429
    call.now = datetime(2026, 11, 20, 15, 0, 0, tzinfo=UTC)
    assert call("GET", "account-info/2026-09/details").status_code == 200


def test_searches_have_a_limit_of_their_own_without_headers() -> None:
    call = Caller(replace(BASE, hubspot_searches_per_second=2, hubspot_calls_per_10_seconds=1))
    answers = [call("POST", f"{CONTACTS}/search", {}) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].get_json() == {
        "status": "error",
        "message": "You have reached your secondly limit.",
        "errorType": "RATE_LIMIT",
    }
    assert not any(name.startswith("X-HubSpot") for answer in answers for name in answer.headers.keys())  # noqa: SIM118
    assert call("GET", "account-info/2026-09/details").status_code == 200


# Properties


def test_a_group_and_a_property_are_made_once_and_then_409(call: Caller) -> None:
    group = {"name": "shopify_sync", "label": "Shopify"}
    assert call("POST", f"{PROPERTIES}/groups", group).status_code == 201
    assert call("POST", f"{PROPERTIES}/groups", group).status_code == 409
    assert call("GET", f"{PROPERTIES}/groups/shopify_sync").get_json()["label"] == "Shopify"
    assert call.add_property("shopify_tags", groupName="shopify_sync").status_code == 201
    again = call.add_property("shopify_tags", groupName="shopify_sync")
    assert again.status_code == 409
    assert again.get_json()["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"
    read = call("GET", f"{PROPERTIES}/shopify_tags").get_json()
    assert (read["type"], read["hasUniqueValue"], read["groupName"]) == ("string", False, "shopify_sync")
    assert call("GET", f"{PROPERTIES}/shopify_customer_id").get_json()["hasUniqueValue"] is True
    names = [one["name"] for one in call("GET", PROPERTIES).get_json()["results"]]
    assert {"email", "shopify_tags"} <= set(names)
    assert len(call("GET", f"{PROPERTIES}/groups").get_json()["results"]) == 2


def test_a_missing_property_or_group_is_404(call: Caller) -> None:
    for path in ("nothing", "groups/nothing"):
        answer = call("GET", f"{PROPERTIES}/{path}")
        assert (answer.status_code, answer.get_json()["category"]) == (404, "OBJECT_NOT_FOUND")


@pytest.mark.parametrize(
    "wrong",
    [
        {"groupName": "nothing"},
        {"type": "text"},
        {"fieldType": "textbox"},
        {"name": "Has Space"},
        {"label": ""},
        {"type": "enumeration", "fieldType": "select"},
    ],
)
def test_a_property_that_is_not_well_defined_is_refused(call: Caller, wrong: dict[str, object]) -> None:
    base: dict[str, object] = {**KEY, "name": "another"}
    assert call("POST", PROPERTIES, base | wrong).status_code == 400


def test_a_new_property_is_there_only_a_moment_later() -> None:
    call = Caller(replace(BASE, hubspot_property_lag_seconds=0.3))
    assert call("POST", PROPERTIES, KEY).status_code == 201
    assert call("GET", f"{PROPERTIES}/shopify_customer_id").status_code == 404
    refused = call.create(lastname="見本", shopify_customer_id="1")
    assert complaints(refused.get_json()["message"])[0]["error"] == "PROPERTY_DOESNT_EXIST"
    assert call("POST", PROPERTIES, KEY).status_code == 409
    call.move(0.3)
    assert call("GET", f"{PROPERTIES}/shopify_customer_id").status_code == 200
    assert call.create(lastname="見本", shopify_customer_id="1").status_code == 201


@pytest.mark.parametrize(("takes_posted", "kind"), [(False, "string"), (True, "number")])
def test_making_an_archived_property_again_restores_it(takes_posted: bool, kind: str) -> None:
    call = Caller(replace(BASE, hubspot_restores_posted_definition=takes_posted))
    call.add_property("points")
    assert call("DELETE", f"{PROPERTIES}/points").status_code == 204
    assert call("GET", f"{PROPERTIES}/points").status_code == 404
    call.move(3600)
    assert call.add_property("points", "number", "number").status_code == 201
    read = call("GET", f"{PROPERTIES}/points").get_json()
    assert (read["type"], read["createdAt"]) == (kind, "2026-11-20T03:00:00.000Z")


def test_changing_options_replaces_them_all_and_uniqueness_stays(call: Caller) -> None:
    def options(*values: str) -> list[dict[str, str]]:
        return [{"label": value, "value": value} for value in values]

    call.add_property("gender_kind", "enumeration", "select", options=options("male", "female"))
    changed = call("PATCH", f"{PROPERTIES}/gender_kind", {"options": options("other"), "hasUniqueValue": True})
    assert changed.status_code == 200
    assert [one["value"] for one in changed.get_json()["options"]] == ["other"]
    assert changed.get_json()["hasUniqueValue"] is False
    assert call.create(lastname="見本", gender_kind="male").status_code == 400


def test_only_ten_properties_can_be_unique(call: Caller) -> None:
    made = [call("POST", PROPERTIES, {**KEY, "name": f"key_{nth}"}).status_code for nth in range(10)]
    assert made == [201] * 9 + [400]


def test_properties_can_be_made_and_read_in_batches(call: Caller) -> None:
    inputs = [{**KEY, "name": "fresh", "hasUniqueValue": False}, KEY]
    answer = call("POST", f"{PROPERTIES}/batch/create", {"inputs": inputs})
    assert answer.status_code == 207
    assert [one["name"] for one in answer.get_json()["results"]] == ["fresh"]
    read = call("POST", f"{PROPERTIES}/batch/read", {"inputs": [{"name": "fresh"}]})
    assert (read.status_code, read.get_json()["results"][0]["name"]) == (200, "fresh")


def test_a_way_that_is_not_there_is_404_and_a_wrong_method_405(call: Caller) -> None:
    assert call("GET", "crm/objects/2026-09/companies").status_code == 404
    assert call("PUT", f"{CONTACTS}/1", {}).status_code == 405
    assert call("PUT", f"{PROPERTIES}/email", {}).status_code == 405
