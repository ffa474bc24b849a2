"""The web process as gunicorn runs it: one loop for all callers, and nobody is held up by anybody else."""

from __future__ import annotations

import contextlib
import io
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import psutil
import pytest
import requests
from gevent.event import Event

from handlers import loop
from handlers.front import on_threads, waiting
from handlers.loop import LoopEvent, served_by_the_loop
from handlers.webhook import LARGEST_BODY
from sandbox.system import Running, System
from tests.building import body_of, headers_of
from tests.flow import until

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

Answer = tuple[str, bytes]


def served(app: Any, **environ: Any) -> Answer:
    """What the loop makes of one request: the status line and the body."""
    said: list[str] = []
    given = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "wsgi.input": io.BytesIO(), **environ}
    body = b"".join(app(given, lambda status, *_: said.append(status)))
    return said[-1], body


def echo(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Gives back what it was sent."""
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def together(*jobs: Callable[[], Answer]) -> list[Answer | None]:
    """Every job as a caller of its own, in the order they come; None for one without an answer."""
    callers = [gevent.spawn(job) for job in jobs]
    gevent.joinall(callers, timeout=20)
    return [caller.value for caller in callers]


def test_a_body_is_all_there_when_a_door_is_asked() -> None:
    app = served_by_the_loop(echo, threads=2)
    assert served(app, **{"wsgi.input": io.BytesIO(b"whole"), "CONTENT_LENGTH": "5"}) == ("200 OK", b"whole")


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Never:
        def read(self, _: int) -> bytes:
            Event().wait()
            return b""

    monkeypatch.setattr(loop, "BODY_S", 0.01)
    app = served_by_the_loop(echo, threads=2)
    assert served(app, **{"wsgi.input": Never()})[0] == "408 Request Timeout"


@pytest.mark.parametrize("length", [str(LARGEST_BODY + 1), "nonsense", "-1"])
def test_a_body_that_is_too_large_by_its_own_word_is_not_read(length: str) -> None:
    class Untouchable:
        def read(self, _: int) -> bytes:
            raise AssertionError

    app = served_by_the_loop(echo, threads=2)
    assert served(app, **{"wsgi.input": Untouchable(), "CONTENT_LENGTH": length}) == ("200 OK", b"")


def test_a_page_that_takes_long_holds_up_no_delivery() -> None:
    delivered = threading.Event()

    def page(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"after the delivery" if delivered.wait(10) else b"alone"]

    slow = on_threads(page)

    def doors(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/page":
            return slow(environ, start_response)
        delivered.set()
        return echo(environ, start_response)

    app = served_by_the_loop(doors, threads=2)
    answers = together(lambda: served(app, PATH_INFO="/page"), lambda: served(app))
    assert answers == [("200 OK", b"after the delivery"), ("200 OK", b"")]


def test_what_a_page_writes_before_it_returns_comes_first() -> None:
    def writes(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])(b"first, ")
        return [b"then"]

    app = served_by_the_loop(on_threads(writes), threads=2)
    assert served(app) == ("200 OK", b"first, then")


def test_an_error_of_a_page_reaches_the_server_as_it_is() -> None:
    def broken(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        raise ZeroDivisionError

    app = served_by_the_loop(on_threads(broken), threads=2)
    with pytest.raises(ZeroDivisionError):
        served(app)


def test_one_who_waits_in_the_loop_is_woken_by_another_thread_while_others_go_on() -> None:
    went_on = threading.Event()

    def wait() -> Answer:
        event = LoopEvent()

        def wake() -> None:
            went_on.wait(10)
            event.set()

        threading.Thread(target=wake).start()
        return ("woken" if event.wait(10) else "gave up", b"")

    def go_on() -> Answer:
        went_on.set()
        return ("went on", b"")

    assert together(wait, go_on) == [("woken", b""), ("went on", b"")]


def test_one_who_is_woken_before_waiting_does_not_wait() -> None:
    event = LoopEvent()
    event.set()
    assert event.wait(10)


def test_one_who_is_not_woken_gives_up_and_may_be_woken_in_vain() -> None:
    event = LoopEvent()
    assert not event.wait(0.01)
    event.set()
    gevent.sleep(0)


def test_without_the_loop_a_request_waits_on_its_own_thread() -> None:
    assert isinstance(waiting({}), threading.Event)


# --- as a process


@pytest.fixture
def system(sqlite_template: Path, tmp_path: Path) -> Iterator[System]:
    (tmp_path / "customer-sync.db").write_bytes(sqlite_template.read_bytes())
    with System(tmp_path) as system:
        yield system


def knock(system: System, customer_id: int) -> requests.Response:
    body = body_of(customer_id)
    signed = headers_of(body, secret=system.config.webhook_secret, X_Shopify_Shop_Domain=system.config.shop)
    return requests.post(system.webhook_url, body, headers=signed, timeout=15)


def is_taken_up(system: System) -> bool:
    """Whether somebody is connected to the door."""
    connections = psutil.net_connections("tcp")
    return any(c.laddr.port == system.web_port and c.status == psutil.CONN_ESTABLISHED for c in connections if c.laddr)


def told_to_leave(web: Running) -> None:
    """SIGTERM, and until it is heard."""
    web.process.send_signal(signal.SIGTERM)
    until(lambda: "Handling signal: term" in web.log.read_text(encoding="utf-8"))


def test_a_web_process_that_is_told_to_leave_does_not_wait_for_idle_connections(system: System) -> None:
    web = system.start_web()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            session = stack.enter_context(requests.Session())
            assert session.get(f"{system.web_url}/healthz", timeout=10).ok
        began = time.monotonic()
        assert web.stop() == 0
        assert time.monotonic() - began < 15, "graceful_timeout is 20 s"


def test_a_delivery_in_hand_is_answered_before_the_process_leaves(system: System, tmp_path: Path) -> None:
    web = system.start_web()
    answers: list[int] = []
    with contextlib.closing(sqlite3.connect(tmp_path / "customer-sync.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        caller = threading.Thread(target=lambda: answers.append(knock(system, 6900000000001).status_code))
        caller.start()
        until(lambda: is_taken_up(system))
        told_to_leave(web)
        other.execute("ROLLBACK")
    caller.join(20)
    assert answers == [200]
    assert web.stop() == 0


def test_hundreds_who_send_half_a_delivery_hold_up_nobody(system: System) -> None:
    system.start_web()
    half = b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", system.web_port), timeout=10))
            slow.sendall(half)
        assert [knock(system, 6900000000001 + i).status_code for i in range(10)] == [200] * 10
