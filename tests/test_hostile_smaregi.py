"""What hostile answers of Smaregi's did to its parsers, before they were mended."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from clients.errors import TryLater
from clients.pace import AlonePace
from clients.smaregi.api import SmaregiApi
from clients.smaregi.sorting import words
from clients.token import AloneVault, Token
from fuzz.clock import FakeClock
from fuzz.wire import Asked, answered_by, reply

TOKEN = {"access_token": "a-token", "expires_in": 3600}


def api(vault: AloneVault | None = None) -> SmaregiApi:
    clock = FakeClock()
    return SmaregiApi(
        api_url="http://smaregi.test",
        auth_url="http://smaregi-id.test",
        contract_id="sb_demo",
        client_id="an-id",
        client_secret="an-invented-secret",
        vault=vault or AloneVault(),
        pace_store=AlonePace(),
        reads_per_second=8,
        writes_per_second=3,
        now=clock,
        sleep=clock.sleep,
    )


def saying(answer: Any, token: Mapping[str, Any] = TOKEN) -> Any:
    def said(asked: Asked) -> bytes:
        return reply(200, json.dumps(token if asked.path.endswith("/token") else answer).encode())

    return answered_by(said)


@pytest.mark.parametrize("life", [10**400, 1e308, "x", None, -1])
def test_a_token_of_any_life_ends_within_a_day(life: object) -> None:
    vault = AloneVault()
    with saying([], {"access_token": "a-token", "expires_in": life}):
        assert api(vault).members(page=1) == []
    kept = vault.read("smaregi:sb_demo")
    assert isinstance(kept, Token)
    assert kept.expires_at - FakeClock()() <= timedelta(days=1)


@pytest.mark.parametrize("value", ["花子", "a\nb", {"a": 1}, ["a"], 5, ""])
def test_a_token_that_cannot_stand_in_a_header_is_none(value: object) -> None:
    with saying([], {"access_token": value, "expires_in": 3600}), pytest.raises(TryLater) as raised:
        api().members(page=1)
    assert raised.value.kind == "smaregi.no_sense"


@pytest.mark.parametrize("member_id", [None, "", "1/2", {"a": 1}, "a" * 70_000, "hanako@example.jp"])
def test_nothing_is_concluded_from_a_list_with_a_nameless_member(member_id: object) -> None:
    row = {"customerId": member_id, "customerCode": "1", "mailAddress": "hanako@example.jp"}
    with saying([{**row, "customerId": 7}, row]), pytest.raises(TryLater) as raised:
        api().members(page=1)
    assert raised.value.kind == "smaregi.no_sense"


def test_a_created_member_without_an_id_is_in_doubt() -> None:
    with saying({"customerId": "a b", "customerCode": "1"}), pytest.raises(TryLater) as raised:
        api().create({"customerCode": "1"})
    assert raised.value.doubt


@pytest.mark.parametrize("column", [["x"], "姓", "a" * 70_000, ""])
def test_a_required_column_without_a_name_is_not_guessed(column: object) -> None:
    with saying([{"columnName": column, "value": "1"}]), pytest.raises(TryLater) as raised:
        api().required_columns()
    assert raised.value.kind == "smaregi.no_sense"


def test_a_member_with_half_an_emoji_for_an_address_can_be_stored() -> None:
    with saying([{"customerId": 7, "mailAddress": "a\ud83d@example.jp", "customerCode": "\x00"}]):
        [row] = api().members(page=1)
    assert row == {"customerId": 7, "mailAddress": "a\ufffd@example.jp", "customerCode": ""}


@pytest.mark.parametrize("detail", ["a" * 300_000, "a@" * 150_000, "0-" * 150_000, "[" + "a" * 300_000 + "] x"])
def test_a_refusal_as_long_as_a_book_costs_no_time(detail: str) -> None:
    began = time.process_time()
    told = words({"detail": detail}, {"lastName": "御手洗", "mailAddress": "renge@example.jp"})
    assert time.process_time() - began < 1
    assert len(str(told)) < 300
