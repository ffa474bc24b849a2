"""The sandbox's own frame: faults, the book of calls, the doors under /sandbox, and the servers that carry it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.config import SandboxConfig
from sandbox.core import create_sandbox
from sandbox.faults import Fault, FaultRefused, Faults
from sandbox.server import RunningSandbox

CONFIG = SandboxConfig(
    smaregi_reads_per_second=None,
    smaregi_writes_per_second=None,
    hubspot_calls_per_10_seconds=None,
    hubspot_calls_per_day=None,
    hubspot_property_lag_seconds=0,
)
BEARER = {"Authorization": f"Bearer {CONFIG.hubspot_token}"}
CONTACTS = "/hubspot/crm/objects/2026-09/contacts"


class Pauses:
    """Stands in for sleeping and remembers how long it was asked to."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def far_side(pauses: Pauses) -> Iterator[RunningSandbox]:
    with RunningSandbox(CONFIG, pause=pauses) as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        one.headers.update(BEARER)
        one.trust_env = False
        yield one


def create(session: requests.Session, far_side: RunningSandbox, email: str = "hanako@example.com") -> requests.Response:
    body = {"properties": {"email": email, "lastname": "見本"}}
    return session.post(far_side.url + CONTACTS, json=body, timeout=5)


def test_a_lost_answer_is_done_at_the_far_side_and_seen_as_a_dropped_connection(
    far_side: RunningSandbox, session: requests.Session
) -> None:
    far_side.world.faults.add("hubspot", "lost", method="POST", times=1)
    with pytest.raises(requests.ConnectionError):
        create(session, far_side)
    assert len(far_side.world.hubspot.records()) == 1
    assert create(session, far_side).status_code == 409


def test_a_lost_answer_drops_a_connection_that_was_kept_open(
    far_side: RunningSandbox, session: requests.Session
) -> None:
    assert create(session, far_side, "first@example.com").status_code == 201
    far_side.world.faults.add("hubspot", "lost", times=1)
    with pytest.raises(requests.ConnectionError):
        create(session, far_side, "second@example.com")
    assert create(session, far_side, "third@example.com").status_code == 201
    assert len(far_side.world.hubspot.records()) == 3


def test_a_refused_call_is_not_done(far_side: RunningSandbox, session: requests.Session) -> None:
    far_side.world.faults.add("hubspot", "refused", times=1)
    with pytest.raises(requests.ConnectionError):
        create(session, far_side)
    assert far_side.world.hubspot.records() == []


def test_a_hanging_call_is_dropped_after_its_time_and_not_done(
    far_side: RunningSandbox, session: requests.Session, pauses: Pauses
) -> None:
    far_side.world.faults.add("hubspot", "hang", seconds=30, times=1)
    with pytest.raises(requests.ConnectionError):
        create(session, far_side)
    assert pauses.asked == [30]
    assert far_side.world.hubspot.records() == []


def test_half_an_answer_is_done_and_breaks_off_in_the_middle(
    far_side: RunningSandbox, session: requests.Session
) -> None:
    far_side.world.faults.add("hubspot", "half", times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        create(session, far_side)
    assert len(far_side.world.hubspot.records()) == 1


def test_a_delayed_call_is_done_before_the_wait_and_a_late_one_after_it() -> None:
    stored_when_pausing: list[int] = []
    app = create_sandbox(CONFIG, pause=lambda _: stored_when_pausing.append(len(world.hubspot.records())))
    world = app.extensions["world"]
    client = app.test_client()
    for kind in ("delay", "late"):
        world.faults.clear()
        world.faults.add("hubspot", kind, seconds=1)
        body = {"properties": {"email": f"{kind}@example.com"}}
        assert client.post(CONTACTS, json=body, headers=BEARER).status_code == 201
    assert stored_when_pausing == [1, 1]


def test_delays_add_up_with_each_other_and_with_another_fault(
    far_side: RunningSandbox, session: requests.Session, pauses: Pauses
) -> None:
    far_side.world.faults.add("hubspot", "delay", seconds=0.4)
    far_side.world.faults.add("hubspot", "status", status=502, times=1)
    far_side.world.faults.add("hubspot", "delay", seconds=0.1)
    assert create(session, far_side).status_code == 502
    assert pauses.asked == [pytest.approx(0.5)]


def test_a_status_fault_speaks_with_the_body_and_headers_given(
    far_side: RunningSandbox, session: requests.Session
) -> None:
    far_side.world.faults.add("hubspot", "status", status=477, body={"message": "moving"}, headers={"Retry-After": "3"})
    answer = create(session, far_side)
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (477, {"message": "moving"}, "3")
    assert far_side.world.hubspot.records() == []


def test_a_status_fault_without_a_body_speaks_as_the_vendor_does(far_side: RunningSandbox) -> None:
    far_side.world.faults.add("smaregi", "status", status=503)
    answer = requests.get(f"{far_side.url}/smaregi/sb_demo/pos/customers", timeout=5)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {"type": "about:blank", "title": "Service Unavailable", "status": 503}


def test_a_fault_meets_only_its_system_method_and_path(far_side: RunningSandbox, session: requests.Session) -> None:
    faults = far_side.world.faults
    faults.add("smaregi", "status", status=500)
    faults.add("hubspot", "status", status=500, method="GET")
    faults.add("hubspot", "status", status=500, path=r"/batch/upsert$")
    assert create(session, far_side).status_code == 201
    upsert = session.post(f"{far_side.url}{CONTACTS}/batch/upsert", json={}, timeout=5)
    assert upsert.status_code == 500


def test_the_token_door_of_smaregi_belongs_to_smaregi(far_side: RunningSandbox) -> None:
    far_side.world.faults.add("smaregi", "status", status=500, path=r"/token$")
    assert requests.post(f"{far_side.url}/smaregi-id/app/sb_demo/token", timeout=5).status_code == 500


def test_a_counted_fault_ends_by_itself_and_an_uncounted_one_stands_until_removed() -> None:
    faults = Faults()
    faults.add("hubspot", "refused", times=2)
    lasting = faults.add("hubspot", "lost")
    met = [faults.strike("hubspot", "GET", "/")[0].kind for _ in range(4)]
    assert met == ["refused", "refused", "lost", "lost"]
    assert faults.remove(lasting)
    assert faults.strike("hubspot", "GET", "/") == []


def test_a_share_of_calls_meets_the_same_calls_in_every_run() -> None:
    def hits() -> list[bool]:
        faults = Faults(seed=3)
        faults.add("hubspot", "lost", share=0.3)
        return [bool(faults.strike("hubspot", "POST", "/")) for _ in range(300)]

    assert hits() == hits()
    assert 50 < sum(hits()) < 130


@pytest.mark.parametrize(
    "wrong",
    [
        {"system": "mars", "kind": "lost"},
        {"system": "hubspot", "kind": "explode"},
        {"system": "hubspot", "kind": "lost", "share": 2},
        {"system": "hubspot", "kind": "delay", "seconds": -1},
        {"system": "hubspot", "kind": "lost", "times": 0},
        {"system": "hubspot", "kind": "status", "status": 99},
        {"system": "hubspot", "kind": "lost", "path": "("},
        {"system": "hubspot", "kind": "lost", "colour": "red"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, Any], far_side: RunningSandbox) -> None:
    with pytest.raises((FaultRefused, TypeError)):
        Fault(**wrong)
    answer = requests.post(f"{far_side.url}/sandbox/faults", json=wrong, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert far_side.world.faults.listed() == []


def test_faults_are_set_seen_and_lifted_over_http(far_side: RunningSandbox, session: requests.Session) -> None:
    doors = f"{far_side.url}/sandbox/faults"
    made = session.post(doors, json={"system": "hubspot", "kind": "status", "status": 500, "times": 3}, timeout=5)
    assert made.status_code == 201
    assert create(session, far_side).status_code == 500
    (listed,) = session.get(doors, timeout=5).json()
    assert (listed["id"], listed["left"], listed["hits"], listed["kind"]) == (made.json()["id"], 2, 1, "status")
    assert session.delete(f"{doors}/{listed['id']}", timeout=5).status_code == 204
    assert session.delete(f"{doors}/{listed['id']}", timeout=5).status_code == 404
    assert create(session, far_side).status_code == 201
    session.post(doors, json={"system": "hubspot", "kind": "lost"}, timeout=5)
    assert session.delete(doors, timeout=5).status_code == 204
    assert session.get(doors, timeout=5).json() == []


def test_calls_are_counted_and_shown_without_what_was_said(far_side: RunningSandbox, session: requests.Session) -> None:
    far_side.world.faults.add("hubspot", "lost", times=1)
    with pytest.raises(requests.ConnectionError):
        create(session, far_side)
    create(session, far_side)
    session.get(f"{far_side.url}{CONTACTS}/1?idProperty=email", timeout=5)
    requests.get(f"{far_side.url}/smaregi/sb_demo/pos/customers", timeout=5)
    shown = session.get(f"{far_side.url}/sandbox/calls?system=hubspot&method=post&path=contacts$", timeout=5).json()
    assert shown["count"] == 2
    assert shown["by_status"] == {"0": 1, "409": 1}
    assert {key for call in shown["calls"] for key in call} == {
        "at",
        "system",
        "method",
        "path",
        "status",
        "duration_ms",
    }
    assert "hanako" not in str(session.get(f"{far_side.url}/sandbox/calls", timeout=5).json())
    assert far_side.world.calls.count() == 4
    assert session.delete(f"{far_side.url}/sandbox/calls", timeout=5).status_code == 204
    assert far_side.world.calls.count() == 0


def test_the_control_doors_are_neither_counted_nor_hit_by_faults(far_side: RunningSandbox) -> None:
    for system in ("smaregi", "hubspot", "shopify"):
        far_side.world.faults.add(system, "refused")
    assert requests.get(f"{far_side.url}/sandbox/faults", timeout=5).status_code == 200
    assert far_side.world.calls.count() == 0


def test_seeded_records_are_shown_and_reset_takes_all_away(far_side: RunningSandbox) -> None:
    seed = {
        "members": [{"customerCode": "A1", "lastName": "見本", "mailAddress": "taro@example.jp", "point": 120}],
        "contacts": [{"properties": {"email": "Jiro@example.jp"}}],
    }
    assert requests.post(f"{far_side.url}/sandbox/seed", json=seed, timeout=5).status_code == 201
    records = requests.get(f"{far_side.url}/sandbox/records", timeout=5).json()
    assert (records["members"][0]["customerCode"], records["members"][0]["point"]) == ("A1", "120")
    assert records["contacts"][0]["properties"]["email"] == "jiro@example.jp"
    assert requests.post(f"{far_side.url}/sandbox/seed", json=seed, timeout=5).status_code == 400
    far_side.world.faults.add("hubspot", "lost")
    assert requests.post(f"{far_side.url}/sandbox/reset", timeout=5).status_code == 204
    records = requests.get(f"{far_side.url}/sandbox/records", timeout=5).json()
    assert (records["members"], records["contacts"]) == ([], [])
    assert far_side.world.faults.listed() == []


def test_the_settings_lead_to_this_sandbox(far_side: RunningSandbox) -> None:
    settings = far_side.settings_env()
    token = requests.post(
        f"{settings['SMAREGI_AUTH_URL']}/app/{settings['SMAREGI_CONTRACT_ID']}/token",
        auth=(settings["SMAREGI_CLIENT_ID"], settings["SMAREGI_CLIENT_SECRET"]),
        data={"grant_type": "client_credentials", "scope": "pos.customers:read"},
        timeout=5,
    ).json()["access_token"]
    members = requests.get(
        f"{settings['SMAREGI_API_URL']}/{settings['SMAREGI_CONTRACT_ID']}/pos/customers",
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )
    assert members.json() == []
    details = requests.get(
        f"{settings['HUBSPOT_API_URL']}/account-info/2026-09/details",
        headers={"Authorization": f"Bearer {settings['HUBSPOT_ACCESS_TOKEN']}"},
        timeout=5,
    )
    assert details.json()["timeZone"] == "Asia/Tokyo"


def test_a_connection_is_kept_open_between_calls(far_side: RunningSandbox) -> None:
    with socket.create_connection(("127.0.0.1", int(far_side.url.rpartition(":")[2])), timeout=5) as wire:
        for _ in range(3):
            wire.sendall(b"GET /sandbox/faults HTTP/1.1\r\nHost: sandbox\r\n\r\n")
            answer = b""
            while not answer.endswith(b"[]\n"):
                answer += wire.recv(4096)
            assert b"200 OK" in answer


def test_a_hundred_slow_calls_are_served_at_once() -> None:
    everyone_is_here = threading.Barrier(100)

    def pause(_: float) -> None:
        everyone_is_here.wait(20)

    with RunningSandbox(CONFIG, pause=pause) as running:
        running.world.faults.add("hubspot", "delay", seconds=0.8)
        url = f"{running.url}/hubspot/account-info/2026-09/details"
        with ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(lambda _: requests.get(url, headers=BEARER, timeout=20).status_code, range(100)))
    assert answers == [200] * 100


@pytest.fixture
def served() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    code = f"from sandbox.server import serve; serve('127.0.0.1', {port})"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        env={"PATH": os.environ["PATH"]},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(url)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert errors == b""


def _wait_until_up(url: str) -> None:
    give_up_at = time.monotonic() + 20
    while True:
        try:
            requests.get(f"{url}/sandbox/faults", timeout=5)
        except requests.ConnectionError:
            if time.monotonic() > give_up_at:
                raise
            threading.Event().wait(0.05)
        else:
            return


def test_served_by_gunicorn_answers_are_lost_refused_and_halved_just_as_well(
    served: str, session: requests.Session
) -> None:
    stored = 0
    for kind in ("lost", "refused", "half"):
        session.post(f"{served}/sandbox/faults", json={"system": "hubspot", "kind": kind, "times": 1}, timeout=5)
        body = {"properties": {"email": f"{kind}@example.com"}}
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            session.post(served + CONTACTS, json=body, timeout=5)
        stored += kind != "refused"
        assert len(session.get(f"{served}/sandbox/records", timeout=5).json()["contacts"]) == stored
