"""Smaregi's refusals: each is sorted once, in its words, without what we sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from clients.errors import AskPerson, Busy, CarryError, StopLane, TryLater
from clients.http import Answer
from clients.smaregi.sorting import Refused, refusal_of_read, refusal_of_write, token_refusal, words


def problem(detail: str, status: int = 400) -> Answer:
    return Answer(status, {}, {"type": "about:blank", "title": "Bad Request", "detail": detail, "status": status})


def on_write(answer: Answer) -> CarryError:
    return refusal_of_write(answer, "create a member", {"lastName": "見本"})


@pytest.mark.parametrize(
    ("status", "what", "kind"),
    [
        (400, AskPerson, "smaregi.refused"),
        (409, AskPerson, "smaregi.refused"),
        (413, AskPerson, "smaregi.refused"),
        (422, AskPerson, "smaregi.refused"),
        (401, StopLane, "smaregi.credentials"),
        (402, StopLane, "smaregi.forbidden"),
        (403, StopLane, "smaregi.forbidden"),
        (404, StopLane, "smaregi.address"),
        (405, StopLane, "smaregi.address"),
        (302, StopLane, "smaregi.address"),
        (429, Busy, "smaregi.busy"),
        (408, TryLater, "smaregi.unavailable"),
        (500, TryLater, "smaregi.unavailable"),
        (503, TryLater, "smaregi.unavailable"),
    ],
)
def test_each_status_of_a_write_says_what_to_do(status: int, what: type[CarryError], kind: str) -> None:
    error = on_write(Answer(status, {}, None))
    assert isinstance(error, what)
    assert (error.kind, error.status) == (kind, status)


@pytest.mark.parametrize(("status", "doubt"), [(500, True), (503, True), (408, True), (429, False), (400, False)])
def test_only_a_far_side_that_broke_down_leaves_a_write_in_doubt(status: int, doubt: bool) -> None:
    assert on_write(Answer(status, {}, None)).doubt is doubt


def test_a_read_that_broke_down_leaves_nothing_in_doubt() -> None:
    error = refusal_of_read(Answer(503, {}, None), "read the members")
    assert isinstance(error, TryLater)
    assert not error.doubt


def test_a_question_that_is_refused_is_no_fault_of_a_customer() -> None:
    error = refusal_of_read(problem("[limit] 値が不正です"), "read the members")
    assert isinstance(error, StopLane)
    assert error.kind == "smaregi.query_refused"
    assert "[limit] 値が不正です" in error.why


def test_the_wait_that_smaregi_names_is_obeyed() -> None:
    named = on_write(Answer(429, {"Retry-After": "17"}, None))
    unnamed = on_write(Answer(429, {}, None))
    assert isinstance(named, Busy)
    assert isinstance(unnamed, Busy)
    assert named.wait == timedelta(seconds=17)
    assert unnamed.wait == timedelta(seconds=5)


def test_wrong_credentials_name_the_two_settings() -> None:
    why = on_write(Answer(401, {}, None)).why
    assert "SMAREGI_CLIENT_ID" in why
    assert "SMAREGI_CLIENT_SECRET" in why


def test_a_missing_permission_names_the_plans_and_the_scopes() -> None:
    why = on_write(Answer(403, {}, None)).why
    assert "Premium Plus" in why
    assert "pos.customers:write" in why


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "smaregi.credentials"),
        (400, "smaregi.token_refused"),
        (403, "smaregi.token_refused"),
        (404, "smaregi.address"),
    ],
)
def test_a_refused_token_stops_the_lane(status: int, kind: str) -> None:
    error = token_refusal(Answer(status, {}, {"error": "invalid_scope"}))
    assert isinstance(error, StopLane)
    assert error.kind == kind


def test_a_refusal_keeps_the_field_and_the_vendors_sentence() -> None:
    error = on_write(problem("[birthDate] 生年月日の形式が正しくありません"))
    assert isinstance(error, Refused)
    assert error.field == "birthDate"
    assert "[birthDate] 生年月日の形式が正しくありません" in error.why
    assert "HTTP 400" in error.why


@pytest.mark.parametrize(
    ("detail", "sent", "kept"),
    [
        ("[lastName] 「見本」は使えません", {"lastName": "見本"}, "「***」は使えません"),
        ("[address] 東京都千代田区1-1は長すぎます", {"address": "東京都千代田区1-1"}, "***は長すぎます"),
        ("[firstName] 林は使えません", {"firstName": "林"}, "***は使えません"),
        ("見本見は不正です", {"lastName": "見本", "firstName": "見本見"}, "***は不正です"),
        ("other.person@example.com は登録済みです", {}, "*** は登録済みです"),
        ("電話番号 090-0000-0001 が不正です", {}, "電話番号 *** が不正です"),
        ("[sex] 0、1、2のいずれかです", {"sex": "0"}, "0、1、2のいずれかです"),
        (
            "[customerCode] 6900000000002は登録済みです",
            {"customerCode": "6900000000002"},
            "6900000000002は登録済みです",
        ),
    ],
)
def test_what_we_sent_is_masked_in_the_vendors_sentence(detail: str, sent: dict[str, str | None], kept: str) -> None:
    assert words({"detail": detail}, sent).detail == kept


@pytest.mark.parametrize("body", [None, [], "<html>", {}, {"detail": 7}, {"detail": ""}])
def test_a_refusal_without_words_is_still_a_sentence(body: Any) -> None:
    assert str(words(body)) == "no explanation"


def test_a_long_sentence_is_cut() -> None:
    assert len(words({"detail": "あ" * 1000}).detail) == 200
