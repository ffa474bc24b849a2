"""Smaregi over HTTP: what goes out, what comes back, and which calls may be made twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import responses
from responses import matchers

from clients.errors import Busy, StopLane, TryLater
from clients.pace import AlonePace
from clients.smaregi.api import SmaregiApi
from clients.smaregi.sorting import Missing, Refused
from clients.token import AloneVault, Token

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
AUTH = "https://id.example.com/app/sb_example/token"
POS = "https://api.example.com/sb_example/pos"
MEMBER = {"customerId": 10, "customerCode": "6900000000002", "customerNo": "6900000000002", "status": "0"}
SECRET = "not-for-anybody"


@pytest.fixture
def far() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as far:
        yield far


@pytest.fixture
def vault() -> AloneVault:
    vault = AloneVault()
    vault.write("smaregi:sb_example", Token("good", NOW + timedelta(minutes=55), NOW + timedelta(hours=1)))
    return vault


def api_with(vault: AloneVault, pace: AlonePace | None = None) -> SmaregiApi:
    return SmaregiApi(
        api_url="https://api.example.com/",
        auth_url="https://id.example.com",
        contract_id="sb_example",
        client_id="app",
        client_secret=SECRET,
        vault=vault,
        pace_store=pace or AlonePace(),
        reads_per_second=8,
        writes_per_second=3,
        now=lambda: NOW,
        sleep=lambda _: None,
    )


@pytest.fixture
def api(vault: AloneVault) -> SmaregiApi:
    return api_with(vault)


def token(value: str, status: int = 200) -> dict[str, Any]:
    body = {"scope": "pos.customers:read", "token_type": "Bearer", "expires_in": 3600, "access_token": value}
    return {"json": body if status == 200 else {"error": "invalid_client"}, "status": status}


def bearers(far: responses.RequestsMock) -> list[str]:
    heads = [str(call.request.headers.get("Authorization")) for call in far.calls]
    return [head.removeprefix("Bearer ") for head in heads if head.startswith("Bearer ")]


def test_a_token_is_fetched_once_with_basic_and_a_form_and_kept_for_all(far: responses.RequestsMock) -> None:
    form = {"grant_type": "client_credentials", "scope": "pos.customers:read pos.customers:write"}
    far.post(
        AUTH,
        **token("fresh"),
        match=[
            matchers.urlencoded_params_matcher(form),
            matchers.header_matcher({"Authorization": requests.auth._basic_auth_str("app", SECRET)}),
        ],
    )
    far.get(f"{POS}/customers/10", json=MEMBER)
    vault = AloneVault()
    api = api_with(vault)
    api.member("10")
    api.member("10")
    assert bearers(far) == ["fresh", "fresh"]
    kept = vault.read("smaregi:sb_example")
    assert kept is not None
    assert kept.renew_at == NOW + timedelta(minutes=55)


def test_a_token_call_counts_against_the_pace(far: responses.RequestsMock, mocker: Any) -> None:
    pace = AlonePace()
    reserve = mocker.spy(pace, "reserve")
    far.post(AUTH, **token("fresh"))
    far.get(f"{POS}/customers/10", json=MEMBER)
    api_with(AloneVault(), pace).member("10")
    assert [call.args[0] for call in reserve.call_args_list] == [
        "smaregi.writes:sb_example",
        "smaregi.reads:sb_example",
    ]


def test_a_write_is_paced_as_a_write(far: responses.RequestsMock, vault: AloneVault, mocker: Any) -> None:
    pace = AlonePace()
    reserve = mocker.spy(pace, "reserve")
    far.patch(f"{POS}/customers/10", json=MEMBER)
    api_with(vault, pace).update("10", {"address": "x"})
    assert [call.args[0] for call in reserve.call_args_list] == ["smaregi.writes:sb_example"]


def test_a_refused_token_is_fetched_again_once_and_the_call_repeated(
    api: SmaregiApi, far: responses.RequestsMock
) -> None:
    far.post(f"{POS}/customers", status=401)
    far.post(f"{POS}/customers", json=MEMBER)
    far.post(AUTH, **token("fresh"))
    assert api.create({"customerCode": "6900000000002"})["customerId"] == 10
    assert bearers(far) == ["good", "fresh"]


@pytest.mark.parametrize(("status", "kind"), [(401, "smaregi.credentials"), (403, "smaregi.forbidden")])
def test_a_fresh_token_that_is_refused_too_stops_the_lane(
    api: SmaregiApi, far: responses.RequestsMock, status: int, kind: str
) -> None:
    far.get(f"{POS}/customers/10", status=status)
    far.post(AUTH, **token("fresh"))
    with pytest.raises(StopLane) as stopped:
        api.member("10")
    assert stopped.value.kind == kind
    assert bearers(far) == ["good", "fresh"]


def test_wrong_credentials_stop_the_lane_and_show_no_secret(far: responses.RequestsMock) -> None:
    far.post(AUTH, **token("", status=401))
    with pytest.raises(StopLane) as stopped:
        api_with(AloneVault()).member("10")
    assert stopped.value.kind == "smaregi.credentials"
    assert SECRET not in str(stopped.value)


def test_a_lost_token_call_leaves_no_doubt_about_the_write_that_wanted_it(far: responses.RequestsMock) -> None:
    far.post(AUTH, body=requests.ReadTimeout())
    with pytest.raises(TryLater) as later:
        api_with(AloneVault()).create({"customerCode": "1"})
    assert not later.value.doubt


def test_a_lost_answer_to_a_create_is_in_doubt_and_not_repeated(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.post(f"{POS}/customers", body=requests.ReadTimeout())
    with pytest.raises(TryLater) as later:
        api.create({"customerCode": "1"})
    assert later.value.doubt
    assert len(far.calls) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_create_that_broke_down_is_in_doubt_and_not_repeated(
    api: SmaregiApi, far: responses.RequestsMock, status: int
) -> None:
    far.post(f"{POS}/customers", status=status)
    with pytest.raises(TryLater) as later:
        api.create({"customerCode": "1"})
    assert later.value.doubt
    assert len(far.calls) == 1


def test_a_create_answered_without_an_id_is_in_doubt(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.post(f"{POS}/customers", json={}, status=201)
    with pytest.raises(TryLater) as later:
        api.create({"customerCode": "1"})
    assert later.value.doubt


def test_an_update_is_repeated_within_seconds(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.patch(f"{POS}/customers/10", status=503)
    far.patch(f"{POS}/customers/10", json=MEMBER)
    assert api.update("10", {"address": None}) == MEMBER
    assert json.loads(far.calls[0].request.body or b"") == {"address": None}


def test_a_throttled_call_waits_and_then_says_for_how_long(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.get(f"{POS}/customers/10", status=429, headers={"Retry-After": "30"})
    with pytest.raises(Busy) as busy:
        api.member("10")
    assert busy.value.wait == timedelta(seconds=30)
    assert len(far.calls) == 1


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_member_that_is_not_there_is_missing(api: SmaregiApi, far: responses.RequestsMock, method: str) -> None:
    far.add(method, f"{POS}/customers/10", status=404)
    with pytest.raises(Missing):
        _ = api.member("10") if method == "GET" else api.update("10", {"address": "x"})


def test_an_update_answered_with_nothing_is_done(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.patch(f"{POS}/customers/10", status=204)
    assert api.update("10", {"address": "x"}) is None


def test_a_refusal_names_the_field_and_masks_what_was_sent(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.post(f"{POS}/customers", status=400, json={"title": "Bad Request", "detail": "[lastName] 見本は使えません"})
    with pytest.raises(Refused) as refused:
        api.create({"lastName": "見本"})
    assert refused.value.field == "lastName"
    assert "見本" not in str(refused.value)


def test_a_member_is_found_by_code_whatever_type_its_id_has(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.get(f"{POS}/customers", json=[MEMBER])
    assert api.find("customer_code", "6900000000002") == [MEMBER]
    assert "customer_code=6900000000002" in str(far.calls[0].request.url)


def test_nobody_is_found(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.get(f"{POS}/customers", json=[])
    assert api.find("customer_no", "1") == []


def test_strangers_in_answer_to_a_filter_stop_the_lane(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.get(f"{POS}/customers", json=[MEMBER])
    with pytest.raises(StopLane) as stopped:
        api.find("customer_no", "7000000000001")
    assert stopped.value.kind == "smaregi.filter_ignored"


def test_a_window_goes_out_in_japanese_time_with_its_plus_encoded(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.get(f"{POS}/customers", json=[])
    api.members(page=3, since=NOW - timedelta(minutes=2), until=NOW)
    url = str(far.calls[0].request.url)
    assert "upd_date_time-from=2026-11-22T11%3A58%3A00%2B09%3A00" in url
    assert "upd_date_time-to=2026-11-22T12%3A00%3A00%2B09%3A00" in url
    assert "limit=1000" in url
    assert "page=3" in url
    assert "sort=customerId" in url


def test_a_page_that_is_no_list_is_tried_later(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.get(f"{POS}/customers", body="<html>maintenance</html>")
    with pytest.raises(TryLater):
        api.members(page=1)


def test_required_columns_are_those_set_to_one(api: SmaregiApi, far: responses.RequestsMock) -> None:
    rows = [
        {"columnName": "mailAddress", "value": "1"},
        {"columnName": "sex", "value": "0"},
        {"columnName": "entry_date", "value": 1},
    ]
    far.get(f"{POS}/customer_required_column_setting", json=rows)
    assert api.required_columns() == {"mailAddress", "entryDate"}


def test_a_wrong_contract_or_address_stops_the_lane(api: SmaregiApi, far: responses.RequestsMock) -> None:
    far.get(f"{POS}/customer_required_column_setting", status=404)
    with pytest.raises(StopLane) as stopped:
        api.required_columns()
    assert "SMAREGI_CONTRACT_ID" in stopped.value.why
