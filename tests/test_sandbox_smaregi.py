"""The stand-in for Smaregi behaves as the fact sheet says, traps included."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox.config import SandboxConfig
from sandbox.core import create_sandbox, world_of
from sandbox.world import World

UNLIMITED = SandboxConfig(smaregi_reads_per_second=None, smaregi_writes_per_second=None)
SCOPES = "pos.customers:read pos.customers:write"
NOON = datetime(2026, 11, 20, 3, 0, 0, 123456, tzinfo=UTC)
HANAKO = {
    "customerCode": "6900000000002",
    "customerNo": "6900000000002",
    "lastName": "見本",
    "firstName": "花子",
    "lastKana": "ミホン",
    "firstKana": "ハナコ",
    "postCode": "100-0014",
    "address": "東京都千代田区永田町２丁目３−１見本ビル３０１",
    "phoneNumber": "090-0000-0000",
    "mailAddress": "hanako.test@example.com",
    "sex": "0",
    "birthDate": "1990-01-31",
    "mailReceiveFlag": "0",
}


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Caller:
    """A client with a token, that knows its way to one sandbox."""

    def __init__(self, config: SandboxConfig = UNLIMITED, scopes: str = SCOPES) -> None:
        self.clock = Clock()
        app = create_sandbox(config, clock=self.clock)
        self.world: World = world_of(app)
        self.http: FlaskClient = app.test_client()
        self.config = config
        self.token = self.ask_token(scope=scopes).get_json()["access_token"]

    def ask_token(
        self,
        user: str | None = None,
        secret: str | None = None,
        contract: str = "sb_demo",
        **form: str,
    ) -> TestResponse:
        auth = (user or self.config.smaregi_client_id, secret or self.config.smaregi_client_secret)
        fields = {"grant_type": "client_credentials", "scope": SCOPES} | form
        return self.http.post(f"/smaregi-id/app/{contract}/token", data=fields, auth=auth)

    def __call__(self, method: str, path: str, contract: str = "sb_demo", **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return self.http.open(f"/smaregi/{contract}/pos/{path}", method=method, headers=headers, **more)

    def create(self, **changes: Any) -> TestResponse:
        body = {name: value for name, value in {**HANAKO, **changes}.items() if value != "(left out)"}
        return self("POST", "customers", json=body)

    def seed(self, **fields: Any) -> dict[str, str | None]:
        return self.world.smaregi.seed(fields)


@pytest.fixture
def call() -> Caller:
    return Caller()


def assert_problem(answer: TestResponse, status: int, field: str | None = None) -> None:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["title"]
    if field is not None:
        assert body["detail"].startswith(f"[{field}] ")


# Token


def test_a_token_is_given_for_client_credentials_without_a_refresh_token(call: Caller) -> None:
    body = call.ask_token().get_json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert set(body["scope"].split()) == set(SCOPES.split())
    assert "refresh_token" not in body


@pytest.mark.parametrize(
    "wrong", [{"user": "somebody"}, {"secret": "wrong"}, {"contract": "sb_other"}], ids=["client", "secret", "contract"]
)
def test_wrong_credentials_are_answered_in_the_shape_of_oauth(call: Caller, wrong: dict[str, str]) -> None:
    answer = call.ask_token(**wrong)
    assert answer.status_code == 401
    assert answer.get_json() == {"error": "invalid_client", "error_description": "Client authentication failed"}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "pos.customers:read,pos.customers:write"}, "invalid_scope"),
        ({"scope": "pos.everything"}, "invalid_scope"),
    ],
)
def test_a_badly_asked_token_is_refused(call: Caller, form: dict[str, str], error: str) -> None:
    answer = call.ask_token(**form)
    assert answer.status_code == 400
    assert answer.get_json()["error"] == error


def test_a_token_must_be_asked_for_with_a_form(call: Caller) -> None:
    auth = (UNLIMITED.smaregi_client_id, UNLIMITED.smaregi_client_secret)
    body = {"grant_type": "client_credentials", "scope": SCOPES}
    answer = call.http.post("/smaregi-id/app/sb_demo/token", json=body, auth=auth)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    assert call.http.post("/smaregi-id/app/sb_demo/token", data=body).status_code == 401


def test_a_token_expires(call: Caller) -> None:
    call.clock.move(3599)
    assert call("GET", "customers").status_code == 200
    call.clock.move(1)
    assert_problem(call("GET", "customers"), 401)


def test_an_unknown_or_revoked_token_is_401(call: Caller) -> None:
    assert_problem(call("GET", "customers", headers={"Authorization": "Bearer nonsense"}), 401)
    assert_problem(call("GET", "customers", headers={"Authorization": ""}), 401)
    call.world.smaregi.revoke_tokens()
    assert_problem(call("GET", "customers"), 401)


def test_another_contract_a_missing_scope_and_a_small_plan_are_403() -> None:
    assert_problem(Caller()("GET", "customers", contract="sb_other"), 403)
    reader = Caller(scopes="pos.customers:read")
    assert reader("GET", "customers").status_code == 200
    assert_problem(reader.create(), 403)
    assert_problem(Caller(replace(UNLIMITED, smaregi_members_in_plan=False))("GET", "customers"), 403)


# Create


def test_a_created_member_comes_back_in_strings_with_tokyo_time_in_whole_seconds(call: Caller) -> None:
    answer = call.create()
    body = answer.get_json()
    assert answer.status_code == 200
    assert {name: body[name] for name in HANAKO} == HANAKO
    assert body["insDateTime"] == body["updDateTime"] == "2026-11-20T12:00:00+09:00"
    assert body["status"] == "0"
    assert body["mailAddress2"] is None
    assert "point" not in body


def test_the_id_in_a_create_answer_is_now_a_number_and_now_a_string_but_in_lists_a_string(call: Caller) -> None:
    ids = [call.create(customerCode=str(code)).get_json()["customerId"] for code in range(4)]
    assert ids == [1, "2", 3, "4"]
    assert [row["customerId"] for row in call("GET", "customers").get_json()] == ["1", "2", "3", "4"]


def test_a_create_is_not_idempotent_and_a_code_that_is_taken_is_refused(call: Caller) -> None:
    assert call.create().status_code == 200
    assert_problem(call.create(), 400, "customerCode")
    assert call.create(customerCode="other").status_code == 200
    assert len(call.world.smaregi.records()) == 2


def test_of_sixteen_creates_at_the_same_instant_one_gets_the_code(call: Caller) -> None:
    def create(_: int) -> int:
        client = call.http.application.test_client()
        headers = {"Authorization": f"Bearer {call.token}"}
        return client.post("/smaregi/sb_demo/pos/customers", json=HANAKO, headers=headers).status_code

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(create, range(16))) == [200] + [400] * 15
    assert len(call.world.smaregi.records()) == 1


def test_two_members_may_share_an_email_and_a_number(call: Caller) -> None:
    call.create(customerCode="a")
    call.create(customerCode="b")
    assert len(call("GET", "customers?customer_no=6900000000002").get_json()) == 2


def test_mail_is_allowed_unless_the_flag_is_sent(call: Caller) -> None:
    assert call.create(mailReceiveFlag="(left out)").get_json()["mailReceiveFlag"] == "1"


@pytest.mark.parametrize("name", ["customerCode", "firstName", "lastName"])
@pytest.mark.parametrize("value", ["(left out)", None, ""])
def test_a_member_needs_a_code_and_both_names(call: Caller, name: str, value: str | None) -> None:
    assert_problem(call.create(**{name: value}), 400, name)


def test_columns_the_contract_requires_are_told_and_demanded() -> None:
    call = Caller(replace(UNLIMITED, smaregi_required_columns=("birthDate", "lastKana")))
    told = {row["columnName"]: row["value"] for row in call("GET", "customer_required_column_setting").get_json()}
    assert {name for name, value in told.items() if value == "1"} == {"birthDate", "lastKana"}
    assert set(told.values()) == {"0", "1"}
    assert_problem(call.create(birthDate="(left out)"), 400, "birthDate")
    number = call.create().get_json()["customerId"]
    assert_problem(call("PATCH", f"customers/{number}", json={"lastKana": None}), 400, "lastKana")
    assert call("PATCH", f"customers/{number}", json={"firstKana": None}).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("customerCode", "1" * 21),
        ("customerNo", "会員1"),
        ("customerNo", "1\n"),
        ("lastName", "見" * 86),
        ("firstName", ""),
        ("lastKana", "みほん"),
        ("lastKana", "ﾐﾎﾝ"),
        ("firstKana", "花子"),
        ("firstKana", "ハ" * 86),
        ("postCode", "12345678901"),
        ("address", "東" * 86),
        ("phoneNumber", "０９０－００００－００００"),
        ("phoneNumber", "0" * 21),
        ("mobileNumber", "090 0000 0000 内線1"),
        ("sex", "3"),
        ("sex", "male"),
        ("sex", 0),
        ("status", "5"),
        ("mailReceiveFlag", True),
        ("mailReceiveFlag", "2"),
        ("birthDate", "1990/01/31"),
        ("birthDate", "1990-02-30"),
        ("birthDate", "19900131"),
        ("customerNo", 6900000000002),
        ("lastName", "𠮷田"),
        ("address", "東京都😀"),
        ("rank", "99"),
        ("storeId", "99"),
        ("pointGivingUnit", "100"),
        ("emailAddress", "hanako.test@example.com"),
        ("customerId", "7"),
        ("note", "あ" * 1001),
    ],
)
def test_a_value_against_the_rules_is_refused_with_its_field_named(call: Caller, name: str, value: object) -> None:
    field = "pointGivingUnitPrice" if name == "pointGivingUnit" else name
    assert_problem(call.create(**{name: value}), 400, field)
    assert call.world.smaregi.records() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("customerCode", "!~ " + "1" * 17),
        ("lastName", "髙" * 85),
        ("lastKana", "ヴァンサン ー－・　ヶ A1"),
        ("phoneNumber", "+81-90-0000-0000"),
        ("address", "東" * 85),
        ("mailAddress", "not an address"),
        ("rank", "2"),
        ("storeId", "1"),
        ("status", "4"),
        ("birthDate", None),
    ],
)
def test_a_value_within_the_rules_is_stored_as_sent(call: Caller, name: str, value: object) -> None:
    assert call.create(**{name: value}).get_json()[name] == value


def test_4_byte_characters_can_be_let_in() -> None:
    call = Caller(replace(UNLIMITED, smaregi_refuses_4_byte_characters=False))
    assert call.create(lastName="𠮷田").status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b""])
def test_a_body_that_is_no_json_object_is_refused(call: Caller, body: bytes) -> None:
    assert_problem(call("POST", "customers", data=body, content_type="application/json"), 400)
    assert_problem(call("POST", "customers", data={"customerCode": "1"}), 400)


# Update


def test_only_what_is_sent_changes_and_the_time_of_change_moves(call: Caller) -> None:
    call.create()
    call.clock.move(60)
    body = call("PATCH", "customers/1", json={"address": "大阪府大阪市"}).get_json()
    assert body["address"] == "大阪府大阪市"
    assert {name: body[name] for name in HANAKO if name != "address"} == {
        name: value for name, value in HANAKO.items() if name != "address"
    }
    assert (body["insDateTime"], body["updDateTime"]) == ("2026-11-20T12:00:00+09:00", "2026-11-20T12:01:00+09:00")


def test_null_clears_what_may_be_empty_and_nothing_else(call: Caller) -> None:
    call.create()
    assert call("PATCH", "customers/1", json={"phoneNumber": None}).get_json()["phoneNumber"] is None
    for name in ("customerCode", "lastName", "firstName", "mailReceiveFlag"):
        assert_problem(call("PATCH", "customers/1", json={name: None}), 400, name)
    assert_problem(call("PATCH", "customers/1", json={"phoneNumber": ""}), 400, "phoneNumber")


def test_a_changed_code_frees_the_old_one_and_a_taken_one_is_refused(call: Caller) -> None:
    call.create(customerCode="a")
    call.create(customerCode="b")
    assert_problem(call("PATCH", "customers/2", json={"customerCode": "a"}), 400, "customerCode")
    assert call("PATCH", "customers/2", json={"customerCode": "b"}).status_code == 200
    assert call("PATCH", "customers/2", json={"customerCode": "c"}).status_code == 200
    assert call("GET", "customers?customer_code=b").get_json() == []
    assert call.create(customerCode="b").status_code == 200


@pytest.mark.parametrize("path", ["customers/999", "customers/0", "customers/A1", "customers/12345678901"])
def test_an_unknown_member_is_404(call: Caller, path: str) -> None:
    assert_problem(call("PATCH", path, json={"address": "x"}), 404)
    assert_problem(call("GET", path), 404)


def test_put_is_not_allowed_and_other_paths_are_not_there(call: Caller) -> None:
    call.create()
    assert_problem(call("PUT", "customers/1", json=HANAKO), 405)
    assert_problem(call("GET", "stores"), 404)
    assert_problem(call.http.get("/smaregi/elsewhere"), 404)


def test_a_deleted_member_is_gone_and_its_code_is_free(call: Caller) -> None:
    call.create()
    assert call("DELETE", "customers/1").status_code == 200
    assert_problem(call("GET", "customers/1"), 404)
    assert call.create().status_code == 200
    empty = Caller(replace(UNLIMITED, smaregi_delete_status=204))
    empty.create()
    assert empty("DELETE", "customers/1").data == b""


# Lists


def test_a_parameter_that_does_not_exist_is_ignored_and_strangers_come_back(call: Caller) -> None:
    call.seed(mailAddress="taro@example.jp")
    call.seed(mailAddress="jiro@example.jp")
    for trap in ("mail_address=hanako@example.com", "email=x", "customer_name=x", "phone_number=090", "store_id=9"):
        assert len(call("GET", f"customers?{trap}").get_json()) == 2


def test_code_and_number_are_matched_exactly(call: Caller) -> None:
    call.seed(customerCode="100", customerNo="7")
    call.seed(customerCode="1001", customerNo="77")
    assert [row["customerCode"] for row in call("GET", "customers?customer_code=100").get_json()] == ["100"]
    assert [row["customerNo"] for row in call("GET", "customers?customer_no=7").get_json()] == ["7"]
    assert call("GET", "customers?customer_code=10").get_json() == []


def test_pages_are_bare_arrays_of_a_hundred_unless_asked_otherwise(call: Caller) -> None:
    for _ in range(205):
        call.seed()
    assert [len(call("GET", f"customers?page={page}").get_json()) for page in (1, 2, 3, 4)] == [100, 100, 5, 0]
    assert len(call("GET", "customers?limit=1000").get_json()) == 205
    assert "Link" not in call("GET", "customers").headers


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "page=0", "page=-1"])
def test_a_page_out_of_range_is_refused(call: Caller, query: str) -> None:
    assert_problem(call("GET", f"customers?{query}"), 400, query.partition("=")[0])


def test_lists_are_sorted_by_number_or_by_code(call: Caller) -> None:
    for code in ("b", "a", "c"):
        call.seed(customerCode=code)

    def codes(sort: str) -> list[str]:
        return [row["customerCode"] for row in call("GET", f"customers?sort={sort}").get_json()]

    assert codes("customerId") == ["b", "a", "c"]
    assert codes("customerId:desc") == ["c", "a", "b"]
    assert codes("customerCode") == ["a", "b", "c"]
    assert_problem(call("GET", "customers?sort=updDateTime:desc"), 400, "sort")


def test_only_the_fields_asked_for_are_answered(call: Caller) -> None:
    call.create()
    wanted = "customerId,mailAddress,status"
    assert call("GET", f"customers?fields={wanted}").get_json() == [
        {"customerId": "1", "mailAddress": "hanako.test@example.com", "status": "0"}
    ]
    assert list(call("GET", f"customers/1?fields={wanted}").get_json()) == wanted.split(",")
    assert_problem(call("GET", "customers?fields=emailAddress"), 400, "fields")


def test_a_range_of_numbers_includes_both_ends(call: Caller) -> None:
    for _ in range(5):
        call.seed()
    rows = call("GET", "customers?customer_id-from=2&customer_id-to=4").get_json()
    assert [row["customerId"] for row in rows] == ["2", "3", "4"]


def test_withdrawn_and_merged_members_and_empty_mail_fields_stay_in_lists(call: Caller) -> None:
    for status, mail in (("3", "taro@example.jp"), ("4", ""), ("0", None)):
        call.seed(status=status, mailAddress=mail)
    rows = call("GET", "customers").get_json()
    assert [(row["status"], row["mailAddress"]) for row in rows] == [("3", "taro@example.jp"), ("4", ""), ("0", None)]


@pytest.fixture
def window(call: Caller) -> Callable[[str, str | None], TestResponse]:
    def ask(begin: str, end: str | None = None) -> TestResponse:
        query = {"upd_date_time-from": begin} | ({} if end is None else {"upd_date_time-to": end})
        return call("GET", "customers", query_string=query)

    return ask


def test_a_window_of_update_times_finds_what_changed_in_it(call: Caller, window: Callable[..., TestResponse]) -> None:
    call.seed(updDateTime="2026-11-19T10:00:00+09:00")
    call.seed(updDateTime="2026-11-20T10:00:00+09:00")
    since = window("2026-11-20T10:00:00+09:00").get_json()
    assert [row["customerId"] for row in since] == ["2"]
    between = window("2026-11-19T00:00:00+09:00", "2026-11-19T01:00:00Z").get_json()
    assert [row["customerId"] for row in between] == ["1"]
    call.clock.move(60)
    call("PATCH", "customers/1", json={"address": "x"})
    assert [row["customerId"] for row in window("2026-11-20T12:00:00+09:00").get_json()] == ["1"]


def test_a_window_over_31_days_is_refused(window: Callable[..., TestResponse]) -> None:
    assert window("2026-10-01T00:00:00+09:00", "2026-11-01T00:00:00+09:00").status_code == 200
    assert_problem(window("2026-10-01T00:00:00+09:00", "2026-11-01T00:00:01+09:00"), 400)
    assert_problem(window("2026-10-20T11:59:59+09:00"), 400)
    assert window("2026-10-20T12:00:01+09:00").status_code == 200
    assert_problem(window("2026-10-02T00:00:00+09:00", "2026-10-01T00:00:00+09:00"), 400)


def test_a_plus_that_was_not_encoded_spoils_the_time(call: Caller) -> None:
    answer = call("GET", "customers?upd_date_time-from=2026-11-20T10:00:00+09:00")
    assert_problem(answer, 400, "upd_date_time-from")
    answer = call("GET", "customers?upd_date_time-from=2026-11-20T10:00:00%2B09:00")
    assert answer.status_code == 200
    assert_problem(call("GET", "customers?upd_date_time-from=2026-11-20"), 400)
    assert_problem(call("GET", "customers?upd_date_time-to=2026-11-20T10:00:00Z"), 400)


# Points


def test_points_are_added_subtracted_and_set_apart_from_the_member(call: Caller) -> None:
    call.create()
    first = call("POST", "customers/1/point/add", json={"point": "300"}).get_json()
    second = call("POST", "customers/1/point/add", json={"point": "-100"}).get_json()
    assert (first["point"], second["point"]) == ("300", "200")
    assert first["transactionHeadIds"] != second["transactionHeadIds"]
    assert call("PATCH", "customers/1/point", json={"point": "50"}).get_json()["point"] == "50"
    (row,) = call("GET", "customers/point?customer_id=1").get_json()
    assert (row["customerId"], row["point"], row["mile"]) == ("1", "50", "0")
    assert_problem(call("POST", "customers/1/point/add", json={"point": "-51"}), 400, "point")
    assert_problem(call("POST", "customers/1/point/add", json={"point": 5}), 400, "point")
    assert_problem(call("PATCH", "customers/1/point", json={"point": "1000000000"}), 400, "point")


def test_balances_survive_a_change_of_the_member(call: Caller) -> None:
    call.seed(customerCode="CARD-1", point=120, mile=3)
    call("PATCH", "customers/1", json={"customerNo": "6900000000002", "customerCode": "6900000000002"})
    (record,) = call.world.smaregi.records()
    assert (record["point"], record["mile"], record["customerNo"]) == ("120", "3", "6900000000002")


def test_reading_balances_takes_expired_points_away(call: Caller) -> None:
    call.seed(point=120, pointExpireDate="2026-11-20")
    assert call("GET", "customers/point?customer_id=1").get_json()[0]["point"] == "120"
    call.clock.move(12 * 3600)
    assert call.world.smaregi.records()[0]["point"] == "120"
    call.token = call.ask_token().get_json()["access_token"]
    assert call("GET", "customers/point?customer_id=1").get_json()[0]["point"] == "0"
    assert call.world.smaregi.records()[0]["point"] == "0"


# Limits


def test_reads_and_writes_have_a_limit_each_and_the_answer_names_the_wait() -> None:
    call = Caller(replace(UNLIMITED, smaregi_reads_per_second=3, smaregi_writes_per_second=2))
    call.clock.move(1)
    assert [call("GET", "customers").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert [call.create(customerCode=str(code)).status_code for code in range(3)] == [200, 200, 429]
    refused = call("GET", "customers")
    assert_problem(refused, 429)
    assert refused.headers["Retry-After"] == "1"
    call.clock.move(1)
    assert call("GET", "customers").status_code == 200
    assert len(call.world.smaregi.records()) == 2


def test_asking_for_a_token_counts_against_the_limit() -> None:
    call = Caller(replace(UNLIMITED, smaregi_writes_per_second=1))
    assert call.create().status_code == 429
    assert call.ask_token().status_code == 429
    call.clock.move(1)
    assert call.create().status_code == 200


def test_the_wait_can_be_left_unsaid() -> None:
    call = Caller(replace(UNLIMITED, smaregi_reads_per_second=0, smaregi_retry_after=None))
    answer = call("GET", "customers")
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers
