"""No log line, and no reason in the ledger, names a person or a secret, whatever goes wrong.

The net under the whole suite (`leaks.py`, drawn in `conftest.py`) is tried here, too.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from config.logs import set_up_logs
from ledger import tables as t
from ledger.inbox import Inbox
from sandbox.faults import System
from sandbox.people import people
from sandbox.system import ROOT
from tests.building import headers_of, post
from tests.crash import Starter, rig
from tests.flow import Flow, running, until
from tests.leaks import leaks

PAYLOADS = ROOT / "tests" / "payloads" / "shopify"

RENGE: dict[str, Any] = {
    "email": "Renge.Mitarai@example.jp",
    "last_name": "御手洗",
    "first_name": "蓮華",
    "phone": "+819000007777",
    "note": "甘いものが苦手な方",
    "tags": ["外商顧客"],
    "accepts_marketing": True,
    "addresses": [
        {
            "zip": "6048005",
            "province_code": "JP-26",
            "city": "京都市中京区",
            "address1": "恵比須町４２７",
            "address2": "見本荘２０２",
            "company": "御手洗商店",
        }
    ],
    "metafields": {
        "custom.last_name_kana": "ﾐﾀﾗｲ",
        "custom.first_name_kana": "れんげ",
        "facts.birth_date": "1988-02-29",
        "custom.gender": "女性",
    },
}
#: Everything of hers, as it was given and as it goes out.
HERS = (
    *("Renge.Mitarai", "renge.mitarai", "御手洗", "蓮華", "ﾐﾀﾗｲ", "ミタライ", "れんげ", "レンゲ", "甘いもの", "外商"),
    *("9000007777", "90-0000-7777", "604-8005", "6048005", "中京区", "恵比須町", "見本荘", "1988-02-29", "19880229"),
)
#: A far side that repeats all it was told, in its own order.
ECHO = (
    "[lastName] 御手洗 蓮華（ミタライ レンゲ、ﾐﾀﾗｲ れんげ）様 Renge.Mitarai@example.jp renge.mitarai@example.jp "
    "+819000007777 090-0000-7777 09000007777 〒604-8005 6048005 京都府京都市中京区恵比須町427見本荘202 京都市中京区 "
    "恵比須町４２７ 見本荘２０２ 1988-02-29 19880229 甘いものが苦手な方 外商顧客 御手洗商店 "
    "Bearer {token} sandbox-smaregi-secret pat-na1-sandbox shpat_sandbox"
)
OF_HUBSPOT = {
    "status": "error",
    "category": "VALIDATION_ERROR",
    "correlationId": "00000000-0000-0000-0000-000000000007",
    "message": ECHO,
    "errors": [{"message": ECHO, "code": ECHO, "context": {"propertyName": [ECHO], "ids": [ECHO]}}],
    "context": {"existingId": [ECHO], "requiredGranularScopes": [ECHO]},
}
OF_SMAREGI = {"type": "about:blank", "title": ECHO, "detail": ECHO, "status": 400}
OF_SHOPIFY = {"errors": [{"message": ECHO, "extensions": {"code": ECHO}, "path": [ECHO]}]}


@dataclass(frozen=True)
class Wrong:
    """Something that goes wrong at a far side, and the lane that must have heard of it."""

    lane: System
    status: int
    body: Any
    path: str = ""

    def __str__(self) -> str:
        return f"{self.lane} {self.path.strip('/$')} {self.status} {type(self.body).__name__}"


def wrongs() -> Iterator[Wrong]:
    bodies: dict[System, Any] = {"smaregi": OF_SMAREGI, "hubspot": OF_HUBSPOT, "shopify": OF_SHOPIFY}
    paths = {"smaregi": "/pos/customers", "hubspot": "batch", "shopify": "graphql"}
    for lane, body in bodies.items():
        for status in (400, 401, 403, 404, 409, 423, 500):
            yield Wrong(lane, status, body, path=paths[lane])
        yield Wrong(lane, 500, f"<html>{ECHO}</html>", path=paths[lane])
        yield Wrong(lane, 200, ECHO, path=paths[lane])
    yield Wrong("shopify", 200, OF_SHOPIFY, path="graphql")
    yield Wrong("hubspot", 207, {"status": "COMPLETE", "results": [], **OF_HUBSPOT}, path="upsert")
    for status in (400, 401, 500):
        yield Wrong("smaregi", status, {"error": ECHO, "error_description": ECHO}, path="/token$")


@contextlib.contextmanager
def whole_system(template: Path, folder: Path) -> Iterator[Flow]:
    """A whole system in this process, whose member index is full, and which does not wait between two tries."""
    path = folder / "ledger.db"
    path.write_bytes(template.read_bytes())
    with pytest.MonkeyPatch.context() as patch, running(f"sqlite:///{path}", worker=False) as made:
        patch.setattr("clients.http.wait_exponential_jitter", lambda **_: lambda _: 0.0)
        for lane in made.house.lanes():
            lane.prepare()
            lane.tend()
        yield made


def reasons(flow: Flow) -> list[str]:
    """Every reason in the ledger."""
    tables: list[Any] = [t.attempts, t.tasks, t.deliveries, t.lanes]
    with flow.house.database.reading() as c:
        return [why for table in tables for why in c.execute(select(table.c.why)).scalars() if why]


def check(flow: Flow, capsys: pytest.CaptureFixture[str], *secrets: str) -> str:
    """Nothing of hers and no secret stands in what was logged or in the ledger's reasons; what was logged."""
    logged = "".join(capsys.readouterr())
    assert '"event": "started"' in logged, "the log is heard at all"
    for text in (logged, *reasons(flow)):
        assert not [value for value in (*HERS, *secrets) if value in text]
        assert not leaks(text)
    return logged


@pytest.mark.parametrize("wrong", list(wrongs()), ids=str)
def test_a_far_side_that_repeats_everything_it_was_told_is_not_repeated(
    sqlite_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: Wrong
) -> None:
    with whole_system(sqlite_template, tmp_path) as flow:
        (token,) = flow.sandbox.world.smaregi._tokens
        body = json.loads(json.dumps(wrong.body).replace("{token}", token))
        if wrong.path == "/token$":
            flow.sandbox.world.smaregi.revoke_tokens()
        headers = {"X-Request-Id": "req-1", "X-HubSpot-Correlation-Id": "c-1"}
        flow.sandbox.world.faults.add(
            wrong.lane, "status", method="POST", path=wrong.path, status=wrong.status, body=body, headers=headers
        )
        flow.worker.start()
        flow.shop.create(RENGE)
        until(lambda: any(wrong.lane in line for line in troubles(flow)))
        check(flow, capsys, token)


def troubles(flow: Flow) -> list[str]:
    """The lanes that have something to complain of."""
    with flow.house.database.reading() as c:
        tried = c.execute(select(t.attempts.c.lane).where(t.attempts.c.outcome != "done")).scalars()
        ill = c.execute(select(t.lanes.c.name).where(t.lanes.c.why.is_not(None))).scalars()
        return [*tried, *ill]


class Broken(Exception):
    """An error of ours or of a library's, with a person and a secret in its words, as such errors have."""

    def __init__(self) -> None:
        super().__init__(ECHO, {"email": RENGE["email"], "name": RENGE["last_name"]})


def break_down(*_: object, **__: object) -> Any:
    renge = RENGE  # noqa: F841 - what a frame holds is not shown either
    raise Broken from ValueError(ECHO)


@pytest.mark.parametrize("verb", ["prepare", "carry", "tend"])
@pytest.mark.parametrize("lane", ["shopify", "smaregi", "hubspot"])
def test_an_error_inside_a_lane_is_told_by_its_place_not_by_its_words(
    sqlite_template: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    lane: str,
    verb: str,
) -> None:
    with whole_system(sqlite_template, tmp_path) as flow:
        (broken,) = [one for one in flow.house.lanes() if one.name == lane]
        monkeypatch.setattr(broken, verb, break_down)
        logged: list[str] = []

        def has_said() -> bool:
            logged.append(capsys.readouterr().err)
            return "Broken" in "".join(logged)

        flow.worker.start()
        flow.shop.create(RENGE)
        until(has_said)
        text = "".join(logged)
        assert "break_down" in text, "the place is told"
        assert not [value for value in HERS if value in text]
        assert not leaks(text + "".join(reasons(flow)))


def test_an_error_at_the_webhook_door_is_told_by_its_place_not_by_its_words(
    sqlite_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with whole_system(sqlite_template, tmp_path) as flow:
        monkeypatch.setattr(Inbox, "record", break_down)
        body = json.dumps({"id": 1, **{name: RENGE[name] for name in ("email", "last_name", "note")}}).encode()
        answer = requests.post(
            flow.shop.webhooks.url, body, headers=headers_of(body, secret=flow.sandbox.config.webhook_secret), timeout=5
        )
        assert answer.status_code == 500
        assert not leaks(answer.text)
        assert "break_down" in check(flow, capsys)


def test_an_error_that_nobody_caught_is_told_by_its_place_not_by_its_words(
    sqlite_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with whole_system(sqlite_template, tmp_path) as flow:
        monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
        set_up_logs("json")
        thread = threading.Thread(target=break_down)
        thread.start()
        thread.join()
        try:
            break_down()
        except Broken:
            sys.excepthook(*sys.exc_info())
        assert check(flow, capsys).count("break_down") == 2


def test_bodies_that_cannot_be_read_and_requests_that_are_refused_are_not_quoted(
    sqlite_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with whole_system(sqlite_template, tmp_path) as flow:
        config = flow.sandbox.config
        told = json.dumps({**RENGE, "id": "none"}, ensure_ascii=False).encode()
        bodies = [told, told[:-9], b"\xff" + told, b"[" + told + b"]", b"<email>" + told]
        bodies += [path.read_bytes() for path in PAYLOADS.glob("unreadable*")]
        client = flow.app.test_client()
        for body in bodies:
            assert post(client, body, headers_of(body, secret=config.webhook_secret)).status_code == 200
            assert post(client, body, headers_of(body, secret="wrong-" + config.webhook_secret)).status_code == 401
            other = {"X_Shopify_Shop_Domain": "renge.mitarai@example.jp"}
            assert post(client, body, headers_of(body, secret=config.webhook_secret, **other)).status_code == 403
        assert check(flow, capsys).count('"refused"') == 2 * len(bodies)


def test_the_ordinary_day_of_many_awkward_people_names_none_of_them(
    sqlite_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with whole_system(sqlite_template, tmp_path) as flow:
        told = [RENGE, *(person.shop_fields() for person in itertools.islice(people(1, oddities=0.9), 60))]
        flow.worker.start()
        made = [flow.shop.create(one) for one in told]
        flow.rest()
        for one in made:
            flow.shop.update(one.id, {"last_name": "御手洗"})
        flow.rest()
        assert check(flow, capsys).count('"completed"') >= len(made)


def test_the_processes_of_the_service_name_nobody_either(starter: Starter, database_url: str, tmp_path: Path) -> None:
    with rig(starter, database_url, tmp_path) as r:
        web = r.web()
        worker = r.worker()
        faults = r.sandbox.world.faults
        faults.add("smaregi", "status", method="POST", path="/customers$", status=400, body=OF_SMAREGI, times=1)
        faults.add("hubspot", "status", path="upsert", status=400, body=OF_HUBSPOT, times=1)
        r.shop.create(RENGE)
        until(lambda: bool(worker.lines("completed")))
        r.customers(3)
        until(lambda: len(worker.lines("completed")) >= 4)
        faults.add("smaregi", "status", status=401, body=OF_SMAREGI)
        faults.add("hubspot", "status", status=500, body=OF_HUBSPOT)
        until(lambda: r.customers(1) != [] and bool(worker.lines("carried")) and r.count("pending") > 0)
        url = r.shop.webhooks.url
        body = json.dumps(RENGE, ensure_ascii=False).encode()
        for headers in ({}, {"Content-Type": ECHO.encode()}, {"X-Shopify-Topic": "9" * 5000}):
            assert not requests.post(url, body, headers=headers, timeout=5).ok
        with socket.create_connection(("127.0.0.1", r.port), timeout=5) as wire:
            wire.sendall(b"RENGE /Renge.Mitarai@example.jp HTTP/9\r\nbad header Renge.Mitarai@example.jp\r\n\r\n")
            wire.recv(1000)
        worker.kill()
        web.kill()
        logs = {path.name: path.read_text() for path in tmp_path.glob("*.log")}
        assert len(logs) == 2
        for text in logs.values():
            assert not [value for value in HERS if value in text]
            assert not leaks(text)


def test_the_net_under_the_suite_fails_the_test_that_lets_a_person_out(tmp_path: Path) -> None:
    (tmp_path / "test_of_the_net.py").write_text(
        """
import sys, structlog
from config.logs import set_up_logs
def test_quiet(): set_up_logs("json"); structlog.get_logger().warning("carried", customer_id=6900000000001)
def test_printed(): print("hanako@example.jp", file=sys.stderr)
def test_logged(): set_up_logs("json"); structlog.get_logger().warning("carried", why="山田 花子")
def test_process(tmp_path): (tmp_path / "worker.log").write_text("sandbox-smaregi-secret")
"""
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c", os.devnull),
            *(f"--rootdir={tmp_path}", f"--basetemp={tmp_path / 'base'}", str(tmp_path / "test_of_the_net.py")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "4 passed, 3 errors" in done.stdout, done.stdout + done.stderr
    (tmp_path / "base").rename(tmp_path / "seen")
    for log in (tmp_path / "seen").rglob("*.log"):
        log.unlink()


def test_an_id_made_by_chance_is_nobodys_number() -> None:
    assert leaks("a call from 0900 came") == ["0900"]
    assert leaks('"webhook_id": "8048a798-0900-40c2-b6fc-695033c12231"') == []
