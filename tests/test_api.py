"""The status for the site: ready or "please wait", to who bears the token, and nobody learns which ids exist."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.test import TestResponse

from customer import Member
from handlers.lookout import Lookout
from ledger.database import StoreBusy
from ledger.standing import NOWHERE, Standing
from sandbox.system import System
from tests.building import body_of, headers_of, house_of, make_app, post
from tests.conftest import NOON, Clock
from tests.flow import until
from tests.ledger_cases import Ledger, done, failed, retry

TOKEN = "an-invented-token-for-the-site"
ID = 6900000000001
STRANGER = 6900000009999
CARD = Member("7", "CARD00012345", str(ID), (), "0")


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    made = make_app(database_url, now=clock, status_api_token=TOKEN)
    yield made
    house_of(made).close()


@pytest.fixture
def ledger(app: Flask) -> Ledger:
    return Ledger(house_of(app).database)


def ask(app: Flask, customer_id: object = ID, *, wait: object = None, token: str | None = TOKEN, **headers: str) -> Any:
    """Ask as the merchant's server does."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        given["Authorization"] = f"Bearer {token}"
    query = "" if wait is None else f"?wait={wait}"
    return app.test_client().get(f"/api/customers/{customer_id}{query}", headers=given)


def everything_of(answer: TestResponse, customer_id: int) -> tuple[Any, ...]:
    """What a caller can tell answers apart by, but for the id that they asked for themselves."""
    headers = {name: value for name, value in answer.headers if name != "ETag"}
    return (answer.status, headers, answer.text.replace(str(customer_id), "ID"))


def register(app: Flask, customer_id: int = ID) -> None:
    assert post(app.test_client(), body_of(customer_id)).status_code == 200


def link(app: Flask, ledger: Ledger, member: Member = CARD, clock: Clock | None = None) -> None:
    """As the lane does: the member into the index, then its id onto the task."""
    house_of(app).members.put([member], seen_at=NOON)
    ledger.carry(done(member.id), now=(clock or Clock()).forward(minutes=5))


def test_one_who_has_just_registered_is_asked_to_wait(app: Flask) -> None:
    register(app)
    assert ask(app).json == {
        "id": str(ID),
        "store": {
            "state": "wait",
            "code": None,
            "number": None,
            "message": "会員情報を準備しています。店舗でのご利用は、もうしばらくお待ちください。",
        },
        "crm": {"state": "wait"},
    }


def test_a_member_is_ready_with_the_code_on_their_card(app: Flask, ledger: Ledger) -> None:
    register(app)
    link(app, ledger)
    store = ask(app).json["store"]
    assert (store["state"], store["code"], store["number"]) == ("ready", "CARD00012345", str(ID))
    assert store["message"] == "店舗でご利用いただけます。"


def test_a_member_without_a_code_is_told_by_the_number(app: Flask, ledger: Ledger) -> None:
    register(app)
    link(app, ledger, replace(CARD, code=""))
    assert ask(app).json["store"]["code"] == str(ID)


def test_the_crm_is_ready_when_the_contact_is_there(app: Flask, ledger: Ledger, clock: Clock) -> None:
    register(app)
    ledger.carry(done("501"), "hubspot", now=clock.forward(minutes=5))
    answer = ask(app).json
    assert (answer["store"]["state"], answer["crm"]["state"]) == ("wait", "ready")


def test_a_change_on_its_way_takes_nothing_from_a_member(app: Flask, ledger: Ledger, clock: Clock) -> None:
    register(app)
    link(app, ledger)
    post(app.test_client(), body_of(ID, updated="2026-11-23T12:00:00+09:00", first_name="花代"))
    ledger.carry(failed(), now=clock.forward(minutes=10))
    assert ledger.task(ID)["state"] == "failed"
    assert ask(app).json["store"]["state"] == "ready"


@pytest.mark.parametrize("status", ["3", "4"])
def test_a_member_who_is_withdrawn_or_merged_is_not_ready(app: Flask, ledger: Ledger, status: str) -> None:
    register(app)
    link(app, ledger, replace(CARD, status=status))
    assert ask(app).json["store"] == ask(app, STRANGER).json["store"]


def test_a_member_who_was_deleted_at_the_till_is_not_ready(app: Flask, ledger: Ledger) -> None:
    register(app)
    link(app, ledger)
    house_of(app).members.forget(CARD.id)
    assert ask(app).json["store"]["state"] == "wait"


@pytest.mark.parametrize(
    ("wished", "language"),
    [("en", "en"), ("ja", "ja"), ("", "ja"), ("fr", "ja"), ("fr, en;q=0.5", "en"), ("en-GB", "en"), (";;,q=x", "ja")],
)
def test_the_message_is_in_the_language_that_is_liked_best(app: Flask, wished: str, language: str) -> None:
    answer = ask(app, Accept_Language=wished)
    assert answer.headers["Content-Language"] == language
    assert answer.json["store"]["message"].startswith("We " if language == "en" else "会員")


# Nobody learns which ids exist.


def test_a_stranger_is_answered_as_one_who_waits_for_whatever_reason(app: Flask, ledger: Ledger, clock: Clock) -> None:
    waits = {name: ID + i for i, name in enumerate(("pending", "running", "backing off", "failed", "withdrawn"))}
    for customer_id in waits.values():
        register(app, customer_id)
    claimed = {one.customer_id: one for one in ledger.claim(now=clock.forward(minutes=5))}
    ledger.settle([claimed[waits["backing off"]]], retry(), now=clock())
    ledger.settle([claimed[waits["failed"]]], failed(), now=clock())
    house_of(app).members.put([replace(CARD, status="3")], seen_at=NOON)
    ledger.settle([claimed[waits["withdrawn"]]], done(CARD.id), now=clock())
    for headers in ({}, {"Accept_Language": "en"}, {"If_None_Match": '"another"'}):
        stranger = everything_of(ask(app, STRANGER, **headers), STRANGER)
        for name, customer_id in waits.items():
            assert everything_of(ask(app, customer_id, **headers), customer_id) == stranger, name


def test_a_stranger_is_waited_for_as_long_as_one_who_waits(app: Flask) -> None:
    register(app)
    looked: dict[int, int] = {}
    lookout, answers = Lookout(_looking(looked, {}), every_s=0.01), {}
    for customer_id in (ID, STRANGER):
        answers[customer_id] = lookout.wait_for(
            customer_id, lambda s: s.in_store, wait_s=0.1, waiting=threading.Event()
        )
    assert answers == {ID: NOWHERE, STRANGER: NOWHERE}
    assert min(looked.values()) > 2


def test_without_the_token_every_id_is_answered_the_same(app: Flask, ledger: Ledger) -> None:
    register(app)
    link(app, ledger)
    answers = [
        everything_of(ask(app, asked, token=token), ID)
        for asked in (ID, STRANGER, "nonsense", f"{ID}/more", "0", 2**63)
        for token in (None, "", "wrong", TOKEN[:-1], TOKEN + "x", "é")
    ]
    assert len(set(map(repr, answers))) == 1
    status, headers, text = answers[0]
    assert status == "401 Unauthorized"
    assert headers["WWW-Authenticate"] == 'Bearer realm="customer-sync"'
    assert "CARD" not in text


@pytest.mark.parametrize("scheme", ["Basic", "bearers", ""])
def test_the_token_in_another_scheme_opens_nothing(app: Flask, scheme: str) -> None:
    answer = app.test_client().get(f"/api/customers/{ID}", headers={"Authorization": f"{scheme} {TOKEN}"})
    assert answer.status_code == 401


def test_without_the_setting_there_is_no_such_door(database_url: str) -> None:
    closed = make_app(database_url)
    nothing = closed.test_client().get("/nothing")
    for path in (f"/api/customers/{ID}", "/api/openapi.json"):
        answer = closed.test_client().get(path, headers={"Authorization": f"Bearer {TOKEN}"})
        assert (answer.status, answer.data) == (nothing.status, nothing.data)
        assert answer.status_code == 404
    house_of(closed).close()


@pytest.mark.parametrize(
    "asked", ["0", "01", "-1", "1.0", "nonsense", "", "１", "9223372036854775808", "1" * 400, "1/2"]
)
def test_what_can_be_no_id_is_not_there(app: Flask, asked: str) -> None:
    assert ask(app, asked).status_code == 404


def test_the_largest_id_is_one(app: Flask) -> None:
    assert ask(app, 2**63 - 1).status_code == 200


@pytest.mark.parametrize("wait", ["11", "-1", "x", "", "1e1", "1&wait=2", "nan"])
def test_a_wait_that_is_none_is_refused(app: Flask, wait: str) -> None:
    assert ask(app, wait=wait).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_only_get_is_answered_and_no_other_site_is_let_in(app: Flask, method: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://shop.example.jp"}
    answer = app.test_client().open(f"/api/customers/{ID}", method=method, headers=headers)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_head_is_get_without_the_body(app: Flask) -> None:
    told = ask(app)
    head = app.test_client().head(f"/api/customers/{ID}", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (head.data, dict(head.headers)) == (b"", dict(told.headers))


def test_a_busy_store_is_said_and_asked_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy() -> Any:
        raise StoreBusy("locked")

    monkeypatch.setattr(house_of(app).database, "reading", busy)
    answer = ask(app)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


# ETag and waiting


def test_an_answer_that_the_caller_has_is_not_sent_again(app: Flask, ledger: Ledger) -> None:
    register(app)
    first = ask(app)
    again = ask(app, If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    link(app, ledger)
    assert ask(app, If_None_Match=first.headers["ETag"]).status_code == 200


def test_another_language_is_another_answer(app: Flask) -> None:
    held = ask(app, Accept_Language="ja").headers["ETag"]
    assert ask(app, Accept_Language="en", If_None_Match=held).status_code == 200


def test_one_who_waits_is_answered_when_the_customer_is_ready(app: Flask, ledger: Ledger) -> None:
    register(app)
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(ask, app, wait=10)
        changes = pool.submit(ask, app, wait=10, If_None_Match=ask(app).headers["ETag"])
        link(app, ledger)
        assert waits.result(9).json["store"]["state"] == "ready"
        assert changes.result(9).status_code == 200


def test_one_who_is_ready_is_not_waited_for(app: Flask, ledger: Ledger) -> None:
    register(app)
    link(app, ledger)
    with ThreadPoolExecutor() as pool:
        assert pool.submit(ask, app, wait=10).result(5).json["store"]["state"] == "ready"


def test_those_who_wait_hold_up_nobody(tmp_path: Path) -> None:
    with System(tmp_path, settings={"STATUS_API_TOKEN": TOKEN, "WEB_THREADS": "2"}) as system, ExitStack() as stack:
        system.run("db", "upgrade")
        system.start_web()
        waits = f"GET /api/customers/{ID}?wait=10 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        began = time.monotonic()
        for _ in range(100):
            caller = stack.enter_context(socket.create_connection(("127.0.0.1", system.web_port), timeout=10))
            caller.sendall(waits.encode())
        body = body_of(ID)
        headers = headers_of(body, secret=system.config.webhook_secret, X_Shopify_Shop_Domain=system.config.shop)
        assert requests.post(system.webhook_url, data=body, headers=headers, timeout=9).status_code == 200
        assert requests.get(f"{system.web_url}/healthz", timeout=9).text == "ok\n"
        assert time.monotonic() - began < 9


# The lookout by itself


def _looking(looked: dict[int, int], found: Mapping[int, Standing]) -> Any:
    def look(ids: Collection[int]) -> dict[int, Standing]:
        for i in ids:
            looked[i] = looked.get(i, 0) + 1
        return {i: found.get(i, NOWHERE) for i in ids}

    return look


def test_all_who_wait_are_looked_up_together() -> None:
    looks: list[int] = []
    ready: dict[int, Standing] = {}

    def look(ids: Collection[int]) -> dict[int, Standing]:
        looks.append(len(ids))
        return {i: ready.get(i, NOWHERE) for i in ids}

    lookout = Lookout(look, every_s=0.02)
    with ThreadPoolExecutor(50) as pool:
        waits = [
            pool.submit(lookout.wait_for, i, lambda s: s.in_store, wait_s=10, waiting=threading.Event())
            for i in range(50)
        ]
        until(lambda: lookout.waiters == 50 and max(looks) == 50)
        ready.update({i: Standing(in_store=True, code=str(i)) for i in range(50)})
        assert [wait.result(9).code for wait in waits] == [str(i) for i in range(50)]
    assert lookout.waiters == 0


def test_where_too_many_wait_the_next_is_answered_at_once() -> None:
    ready: dict[int, Standing] = {}
    lookout = Lookout(_looking({}, ready), every_s=0.01, most=1)
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(lookout.wait_for, 1, lambda s: s.in_store, wait_s=10, waiting=threading.Event())
        until(lambda: lookout.waiters == 1)
        at_once = pool.submit(lookout.wait_for, 2, lambda s: s.in_store, wait_s=10, waiting=threading.Event())
        assert at_once.result(5) == NOWHERE
        ready[1] = Standing(in_store=True)
        assert waits.result(5).in_store


def test_a_store_that_is_busy_for_a_moment_ends_no_wait() -> None:
    busy = iter([True, True, False])

    def look(ids: Collection[int]) -> dict[int, Standing]:
        if next(busy, False):
            raise StoreBusy("locked")
        return dict.fromkeys(ids, Standing(in_store=True))

    lookout = Lookout(look, every_s=0.01)
    assert lookout.wait_for(1, lambda s: s.in_store, wait_s=5, waiting=threading.Event()).in_store


def test_a_look_that_fails_is_told_to_who_waits() -> None:
    def look(_: Collection[int]) -> dict[int, Standing]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Lookout(look).wait_for(1, lambda s: s.in_store, wait_s=0, waiting=threading.Event())
