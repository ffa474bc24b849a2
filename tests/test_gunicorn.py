"""How the web process is started, reloaded and stopped: gunicorn's main process outlives the code it began with."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from sandbox.system import ROOT, Checkout, Running, System
from tests.flow import until

SERVICE = ("app.py", "customer.py", "clients", "config", "handlers", "japan", "ledger", "sandbox")
NO_CACHE = shutil.ignore_patterns("__pycache__")


def test_the_main_process_imports_nothing_of_the_service_but_its_workers_class() -> None:
    look = """
import json, sys
from gunicorn.app.wsgiapp import WSGIApplication
sys.argv = ["gunicorn", "-c", "config/gunicorn.py", "app:create_app()"]
cfg = WSGIApplication().cfg
cfg.worker_class
ours = {"app", "customer", "clients", "config", "handlers", "japan", "ledger", "sandbox"}
print(json.dumps(sorted(name for name in sys.modules if name.split(".")[0] in ours)))
"""
    told = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == ["config", "config.gunicorn_worker"]


@pytest.mark.parametrize(
    ("settings", "bind", "workers", "threads"),
    [
        ({}, "0.0.0.0:8000", 1, 8),
        ({"PORT": "8123", "WEB_THREADS": "3"}, "0.0.0.0:8123", 1, 3),
        ({"DATABASE_URL": "postgresql://u@h/d"}, "0.0.0.0:8000", 2, 8),
        ({"DATABASE_URL": "postgresql://u@h/d", "WEB_PROCESSES": "5"}, "0.0.0.0:8000", 5, 8),
        ({"WEB_PROCESSES": "", "PORT": "eighty"}, "0.0.0.0:8000", 1, 8),
    ],
    ids=["nothing set", "set", "postgresql", "more processes", "wrong or blank: the worker names it"],
)
def test_port_processes_and_threads_come_from_the_settings(
    settings: dict[str, str], bind: str, workers: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
    for name in ("PORT", "WEB_PROCESSES", "WEB_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    told: dict[str, object] = {"__name__": "config"}
    exec(compile((ROOT / "config/gunicorn.py").read_text(), "config/gunicorn.py", "exec"), told)
    assert (told["bind"], told["workers"], told["threads"]) == (bind, workers, threads)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copy of the service, whose code and ``.env`` a test may change."""
    folder = tmp_path / "service"
    folder.mkdir()
    for name in SERVICE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=NO_CACHE)
        else:
            shutil.copy(ROOT / name, folder / name)
    return Checkout(folder)


@pytest.fixture
def system(tmp_path: Path, checkout: Checkout) -> Iterator[System]:
    # The .env of the copy is read, as a merchant's is.
    with System(tmp_path / "run", service=checkout, settings={"FLASK_SKIP_DOTENV": ""}) as made:
        made.run("db", "upgrade")
        yield made


def pids(web: Running) -> set[int]:
    return {child.pid for child in psutil.Process(web.process.pid).children()}


def said(web: Running, words: str) -> bool:
    return words in web.log.read_text()


def healthz(system: System) -> str:
    """What the process says that answers a caller without a connection from before."""
    return requests.get(f"{system.web_url}/healthz", timeout=30, headers={"Connection": "close"}).text


def test_a_reload_takes_in_new_code_whole_and_no_caller_is_refused(system: System, checkout: Checkout) -> None:
    web = system.start_web()
    before = pids(web)
    status = checkout.folder / "handlers" / "status.py"
    status.write_text(status.read_text().replace('Response("ok\\n", content', 'Response(f"{NEW}\\n", content'))
    # One that is imported beside it: the two would not fit together if half of the old version stayed.
    keys = checkout.folder / "ledger" / "keys.py"
    keys.write_text(keys.read_text() + '\n\nNEW = "the new version"\n')
    status.write_text(status.read_text().replace("import KeyCheck", "import NEW, KeyCheck"))
    web.process.send_signal(signal.SIGHUP)
    until(lambda: healthz(system) == "the new version\n", 30)
    until(lambda: pids(web).isdisjoint(before), 30)
    assert not said(web, "Traceback"), web.log.read_text()


def test_a_reload_with_a_wrong_setting_keeps_the_workers_and_names_it(system: System, checkout: Checkout) -> None:
    web = system.start_web()
    before = pids(web)
    (checkout.folder / ".env").write_text("ALERT_AFTER_FAILURES=several\n")
    web.process.send_signal(signal.SIGHUP)
    until(lambda: said(web, "SIGHUP is not followed"), 30)
    assert said(web, "ALERT_AFTER_FAILURES is wrong")
    assert (pids(web), healthz(system)) == (before, "ok\n")
    (checkout.folder / ".env").write_text("ALERT_AFTER_FAILURES=4\n")
    web.process.send_signal(signal.SIGHUP)
    until(lambda: pids(web).isdisjoint(before) and pids(web) != set(), 30)
    assert healthz(system) == "ok\n"


def test_a_wrong_setting_stops_the_start_with_its_name(system: System, checkout: Checkout) -> None:
    (checkout.folder / ".env").write_text("WEB_THREADS=many\n")
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "app:create_app()"]
    done = subprocess.run(
        command, cwd=checkout.folder, env=system.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "WEB_THREADS is wrong" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stop_with_idle_connections_logs_no_error(system: System) -> None:
    web = system.start_web()
    lines = [socket.create_connection(("127.0.0.1", system.web_port), timeout=30) for _ in range(3)]
    for line in lines[:2]:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 200")
    assert web.stop() == 0
    for line in lines:
        line.close()
    told = web.log.read_text()
    assert "rror" not in told, told
    assert "Traceback" not in told, told
