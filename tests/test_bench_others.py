"""The usual ways beside us: each is a fair door, what it kept is counted, and what is missing here is said."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import sys
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask

from bench.answers import Pair, ahead_of_durable, section
from bench.doors import Door, Kept, prove_refusing
from bench.figures import ratios
from bench.knocks import badly_signed
from bench.load import Address, Volley, drive
from bench.others import ways
from bench.others.door import door
from bench.others.redis import length_of
from bench.report import draw
from clients.shopify.signature import sign, verify
from sandbox.config import SandboxConfig
from sandbox.keepalive import KeepAliveServer
from sandbox.server import RunningSandbox
from sandbox.shopify_payloads import encode
from sandbox.system import ROOT, DidNotStart
from tests.test_bench import parted

SECRET = SandboxConfig().webhook_secret
FIRST_ID = 7_000_000_000_000


def signed(body: bytes, topic: str = "customers/create") -> dict[str, str]:
    return {
        "X-Shopify-Hmac-Sha256": sign(body, SECRET),
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": "webhook-1",
        "Content-Type": "application/json",
    }


@contextlib.contextmanager
def serving(app: Flask) -> Iterator[Address]:
    server = KeepAliveServer("127.0.0.1", 0, app)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield "127.0.0.1", server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


def a_door(name: str, *rates: float, durable: bool = True, count: Callable[[], int] | None = None) -> Door:
    """A door that answered with these rates, run by run, whatever the number of connections."""
    running = cast("Any", SimpleNamespace(process=SimpleNamespace(pid=os.getpid()), log=Path("web.log")))
    made = Door(name, ("127.0.0.1", 1), running, durable, "committed before", count)
    for number in (16, 64, 256):
        made.volleys[number] = [Volley(rate, array("d", [10.0, 20.0]), {}) for rate in rates]
        made.work_us[number] = [500.0 for _ in rates]
    return made


def a_pair(*rates: float) -> Pair:
    return Pair(
        "SQLite FULL", a_door("ours, SQLite FULL", *rates), a_door("limit of SQLite FULL", *(4000.0 for _ in rates))
    )


def test_a_door_keeps_what_is_signed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    kept: list[tuple[str, str, dict[str, Any]]] = []
    client = door(lambda *one: kept.append(one)).test_client()
    body = b'{"id": 1}'
    assert client.post("/webhooks/shopify", data=body, headers=signed(b'{"id": 2}')).status_code == 401
    assert client.post("/webhooks/shopify", data=body, headers={"X-Shopify-Hmac-Sha256": "変"}).status_code == 401
    assert client.post("/webhooks/shopify", data=body).status_code == 401
    assert not kept
    assert client.post("/webhooks/shopify", data=body, headers=signed(body)).status_code == 200
    assert kept == [("webhook-1", "customers/create", {"id": 1})]


def test_calling_in_the_request_answers_when_both_vendors_have_the_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    person = {"id": 7, "email": "hanako@example.jp", "last_name": "𠮷田", "first_name": None}
    with RunningSandbox() as sandbox:
        for name, value in {**sandbox.settings_env(), "WEBHOOK_SECRET": SECRET}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delitem(sys.modules, "bench.others.in_request", raising=False)
        in_request = importlib.import_module("bench.others.in_request")
        client = in_request.app.test_client()
        for topic, name in (("customers/create", "花子"), ("customers/update", "華子")):
            body = encode({**person, "first_name": name})
            assert client.post("/webhooks/shopify", data=body, headers=signed(body, topic)).status_code == 200
        in_request._own.session.close()
        records = sandbox.world.records()
    members, contacts = (cast("list[dict[str, Any]]", records[name]) for name in ("members", "contacts"))
    assert [(one["customerCode"], one["lastName"], one["firstName"]) for one in members] == [("7", "田", "華子")]
    assert [one["properties"]["firstname"] for one in contacts] == ["華子"]


def test_badly_signed_knocks_are_signed_by_nobody() -> None:
    knocks = [parted(request) for request in badly_signed(FIRST_ID)]
    assert len(knocks) == 3
    for headers, body in knocks:
        assert int(headers["content-length"]) == len(body)
        assert verify(body, headers.get("x-shopify-hmac-sha256"), (("secret 1", SECRET),)) is None


def test_a_way_that_takes_in_what_is_not_signed_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    kept: list[str] = []
    fair = door(lambda *_: kept.append("one"))
    careless = Flask("careless")
    careless.post("/webhooks/shopify")(lambda: "kept")
    for app, fails in ((fair, False), (careless, True)):
        with serving(app) as address:
            one = a_door("a way", count=lambda: len(kept))
            one.address = address
            if fails:
                with pytest.raises(DidNotStart, match="a way answers 200 without a good signature"):
                    prove_refusing([one], FIRST_ID)
            else:
                prove_refusing([one], FIRST_ID)


@pytest.mark.parametrize(
    ("kept", "answered", "unanswered", "is_true"),
    [(10, 10, 0, True), (9, 10, 0, False), (11, 10, 0, False), (11, 10, 1, True), (12, 10, 1, False)],
)
def test_an_answer_without_a_kept_delivery_is_found_and_so_is_one_too_many(
    kept: int, answered: int, unanswered: int, is_true: bool
) -> None:
    assert Kept(kept, answered, unanswered).is_true is is_true


def test_what_was_kept_is_compared_with_every_answer_that_was_given() -> None:
    volleys = [Volley(2.0, array("d", [1.0, 2.0]), {"500": 1}), Volley(1.0, array("d", [1.0]), {})]
    gun = cast("Any", SimpleNamespace(fire=lambda *_, **__: volleys.pop()))
    one = a_door("a way", count=lambda: 4)
    one.warm(gun, connections=1, seconds=1, first_id=FIRST_ID)
    one.take(gun, connections=1, seconds=1, first_id=FIRST_ID)
    assert one.kept() == Kept(kept=4, answered=3, unanswered=1)


def test_a_slow_way_is_given_a_run_long_enough_to_tell_something() -> None:
    asked: list[float] = []

    def fire(*_: Any, seconds: float, **__: Any) -> Volley:
        asked.append(seconds)
        return Volley(1.0, array("d", [1.0]), {})

    one = a_door("a way")
    one.least_s = 4.8
    one.take(cast("Any", SimpleNamespace(fire=fire)), connections=1, seconds=1, first_id=FIRST_ID)
    assert asked == [4.8]


def test_only_the_durable_ways_must_be_outdone() -> None:
    fast, slow = a_door("Redis everysec", 2000.0, 2000.0, durable=False), a_door("Procrastinate", 500.0, 600.0)
    goal = ahead_of_durable(a_pair(1000.0, 1500.0), [fast, slow], [], (16, 64))
    assert goal.met
    assert goal.measured == "2.25 × at least (Procrastinate, 16 connections)"
    assert ahead_of_durable(a_pair(1000.0, 1500.0), [a_door("DBOS", 1100.0, 1600.0)], [], (16, 64)).met is False


def test_nobody_is_ahead_of_a_way_that_could_not_be_measured() -> None:
    always = next(way for way in ways.WAYS if way.name == "Celery, Redis always")
    missing = [ways.NotMeasured(always, "redis-server on PATH")]
    goal = ahead_of_durable(a_pair(1000.0), [a_door("DBOS", 500.0)], missing, (16,))
    assert goal.met is None
    assert goal.measured.endswith("not measured: Celery, Redis always")
    assert ahead_of_durable(a_pair(100.0), [a_door("DBOS", 500.0)], missing, (16,)).met is False


def test_without_redis_its_ways_are_rows_that_say_what_they_need(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = []
    for way in ways.WAYS[:2]:
        with pytest.raises(ways.Missing) as e, way.place(cast("Any", None), tmp_path):
            pass
        missing.append(ways.NotMeasured(way, str(e.value)))
    found = section([a_pair(1000.0)], [a_door("DBOS", 500.0)], missing, (16, 64), how="1 s each", ceilings={16: 2e4})
    rows = next(table.rows for table in found.tables if "beside the usual ways" in table.title)
    assert [row[1] for row in rows if row[0].startswith("Celery")] == ["not measured: needs redis-server on PATH"] * 2
    assert {len(row) for row in rows} == {len(rows[0])}


def test_without_their_environment_the_usual_ways_are_missing_and_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ways, "BIN", tmp_path)
    lab = cast("Any", SimpleNamespace(tell=lambda _: None, room=lambda _: tmp_path))
    with contextlib.ExitStack() as stack:
        doors, missing = ways.start_ways(lab, stack)
    assert not doors
    assert [one.way for one in missing] == list(ways.WAYS)
    assert {one.needs for one in missing} == {"the environment that `make bench-full` makes"}


def test_a_way_that_answered_nobody_has_its_row_and_the_pictures_are_drawn_all_the_same(tmp_path: Path) -> None:
    silent = a_door("a silent way", 0.0)
    silent.volleys = {number: [Volley(0.0, array("d"), {"after 5 s": 3})] for number in silent.volleys}
    found = section([a_pair(1000.0)], [silent], [], (16, 64), how="1 s each", ceilings={16: 2e4})
    waits = next(table.rows for table in found.tables if table.title.startswith("Latency beside"))
    assert waits[-1] == ("a silent way", "none answered", "none answered", "6")
    draw([found], tmp_path)
    drawn = {file.name: file.read_text() for file in (tmp_path / "img").iterdir()}
    assert set(drawn) == {"answering-rates.svg", "answering-latency.svg"}
    assert all("a silent way" in text and "ours, SQLite FULL" in text for text in drawn.values())


def test_a_quick_look_without_the_usual_ways_says_nothing_of_them() -> None:
    found = section([a_pair(1000.0)], [], [], (16, 64), how="1 s each", ceilings={16: 2e4})
    assert [table.title for table in found.tables] == ["Answers per second", "Latency"]
    assert not found.pictures
    assert "usual" not in found.words


def test_many_connections_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    kept: list[str] = []
    body = b'{"id": 1}'
    head = "".join(f"{name}: {value}\r\n" for name, value in signed(body).items())
    request = f"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with serving(door(lambda *_: kept.append("one"))) as address:
        volley = drive(address, iter(lambda: request, b""), connections=40, seconds=0.05)
    assert not volley.errors
    assert len(volley.latencies_ms) == len(kept) >= 40


def test_a_ratio_against_one_that_did_nothing_is_infinite() -> None:
    assert ratios([1.0, 1.0, 1.0], [0.0, 0.0, 2.0]).median == float("inf")


def test_the_length_of_a_list_in_redis_is_asked_over_a_plain_line() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as line:
                heard.append(line.recv(100))
                line.sendall(b":7\r\n" if b"celery" in heard[-1] else b"-WRONGTYPE\r\n")

        address = server.getsockname()
        for key, expected in (("celery", 7), ("other", None)):
            thread = Thread(target=answer)
            thread.start()
            if expected is None:
                with pytest.raises(OSError, match="WRONGTYPE"):
                    length_of(address, key)
            else:
                assert length_of(address, key) == expected
            thread.join()
    assert heard == [b"LLEN celery\r\n", b"LLEN other\r\n"]


def test_every_way_has_an_app_and_a_pinned_version() -> None:
    for way in ways.WAYS:
        assert (ROOT / "bench" / "others" / f"{way.app.partition(':')[0]}.py").exists()
    assert all(name in ways.versions() for name in ("Celery 5.", "Procrastinate 3.", "DBOS 3."))


def test_the_apps_know_nothing_of_the_service() -> None:
    ours = ("clients", "ledger", "handlers", "config", "sandbox", "customer", "app", "japan")
    for name in {way.app.partition(":")[0] for way in ways.WAYS} | {"door", "gunicorn_conf"}:
        lines = (ROOT / "bench" / "others" / f"{name}.py").read_text().splitlines()
        imported = [line.split()[1] for line in lines if line.startswith(("import ", "from "))]
        assert not [one for one in imported if one.split(".")[0] in ours]
        assert {one for one in imported if one.startswith("bench")} <= {"bench.others.door"}
