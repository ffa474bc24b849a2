"""The two databases behind one door: SQLite (the default) and PostgreSQL, and what each needs to be trusted."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ledger.seal import NO_SEAL, Seal

#: A transaction in which nothing has happened for so long is somebody's who stands still, or whose host is gone:
#: PostgreSQL ends it, else what it holds would be held until the network gives up, hours later.
ABANDONED = timedelta(seconds=10)

#: Readers are in the way of emptying SQLite's log only as long as they read.
_WIPE_S = 1.0


class StoreBusy(Exception):
    """The database is locked, gone, or slower than the caller may wait."""


class Database:
    """The ledger's database: transactions that write, and looks that only read.

    ``busy_s`` is how long a writer waits for its turn before ``StoreBusy``. A *loose* transaction may be lost with the
    power (not with a killed process): right for claims, leases and pace, which come back by themselves, and it saves
    SQLite a disk flush.

    ``seal`` shuts what is personal; the sealed column types find it on the dialect of the engine they speak for.
    """

    def __init__(self, url: str, *, busy_s: float = 10.0, pool: int = 4, seal: Seal = NO_SEAL) -> None:
        self.url = make_url(url)
        self.seal = seal
        self._busy_s = busy_s
        self._writer = threading.Lock()
        self.on_postgresql = self.url.get_backend_name() == "postgresql"
        if self.on_postgresql:
            self.url = self.url.set(drivername="postgresql+psycopg")
            wait_ms, abandoned_ms = int(busy_s * 1000), int(ABANDONED.total_seconds() * 1000)
            self.engine = create_engine(
                self.url,
                hide_parameters=True,  # an error's text must not carry a person into a log
                pool_size=pool,
                max_overflow=2 * pool,
                pool_timeout=busy_s,
                connect_args={
                    "connect_timeout": max(2, int(busy_s)),
                    "options": f"-c lock_timeout={wait_ms} -c statement_timeout={wait_ms + 20_000} -c timezone=UTC "
                    f"-c idle_in_transaction_session_timeout={abandoned_ms}",
                    "keepalives_idle": 30,
                },
            )
            self._loose = self.engine
            _pass_over_dead_connections(self.engine)
        else:
            if self.url.database and self.url.database != ":memory:":
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = _sqlite(self.url.render_as_string(hide_password=False), busy_s, pool, "FULL")
            self._loose = _sqlite(self.url.render_as_string(hide_password=False), busy_s, pool, "NORMAL")
        for engine in (self.engine, self._loose):
            engine.dialect.seal = seal  # type: ignore[attr-defined]  # ours, read in tables.py

    @contextlib.contextmanager
    def writing(self, *, loose: bool = False) -> Iterator[Connection]:
        """A transaction that writes; on SQLite it has the file to itself from the first moment."""
        engine = self._loose if loose else self.engine
        with self._turn_to_write():
            try:
                with engine.begin() as connection:
                    yield connection
            except (DBAPIError, PoolTimeoutError) as e:
                raise _in_our_words(e) from e

    @contextlib.contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """On SQLite one thread of a process at a time asks for the file; else all who wait would knock at it in turns,
        and what they burn is missing to the one who writes.
        """
        if self.on_postgresql:
            yield
            return
        if not self._writer.acquire(timeout=self._busy_s):
            raise StoreBusy(f"no turn to write within {self._busy_s:g} s")
        try:
            yield
        finally:
            self._writer.release()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to look with; it sees what is committed, and holds nobody up."""
        try:
            with self.engine.connect().execution_options(looks_only=True) as connection:
                yield connection
        except (DBAPIError, PoolTimeoutError) as e:
            raise _in_our_words(e) from e

    def lock_customers(self, connection: Connection, customer_ids: list[int]) -> None:
        """Hold these customers, there or not yet there, until the transaction ends.

        On SQLite a writing transaction has everything to itself. On PostgreSQL an advisory lock stands for each id,
        taken in order, so that two processes never wait for each other.
        """
        if self.on_postgresql and customer_ids:
            connection.exec_driver_sql(
                "SELECT pg_advisory_xact_lock(id) FROM (SELECT unnest(%s::bigint[]) AS id ORDER BY 1) AS ids",
                (sorted(set(customer_ids)),),
            )

    def notify(self, connection: Connection) -> None:
        """Wake the workers when this transaction commits; on SQLite the file itself tells them."""
        if self.on_postgresql:
            connection.exec_driver_sql("NOTIFY customer_sync")

    def wipe_log(self) -> bool:
        """Fold SQLite's log into the file and empty it, for it keeps what was overwritten there; False while in use."""
        if self.on_postgresql:
            return True
        connection = self.engine.raw_connection()
        try:
            end = time.monotonic() + _WIPE_S
            while busy := connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() >= end:
                    break
                time.sleep(0.01)
            return not busy
        finally:
            connection.close()

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()
        self._loose.dispose()


def _in_our_words(e: DBAPIError | PoolTimeoutError) -> Exception:
    if isinstance(e, PoolTimeoutError):
        return StoreBusy("every connection to the database is in use")
    if is_passing(e):
        return StoreBusy(f"the database is busy or gone ({type(e.orig).__name__})")
    if getattr(e.orig, "sqlstate", None) == "42P01" or "no such table" in str(e.orig):
        return StoreBusy("the database lacks its tables: run flask db upgrade")
    return e


def is_passing(e: DBAPIError) -> bool:
    """Whether an error of the database says "not now" (locked, gone, full, shutting down), not "never"."""
    if e.connection_invalidated:
        return True
    if isinstance(e.orig, sqlite3.OperationalError):
        return any(word in str(e.orig) for word in ("locked", "busy", "unable to open", "disk I/O", "full"))
    state = getattr(e.orig, "sqlstate", None)
    if isinstance(e, OperationalError):
        return state is None or state[:2] in ("08", "53", "55", "57", "40")
    return bool(state) and str(state)[:2] in ("08", "53", "57", "40")


def _sqlite(url: str, busy_s: float, pool: int, synchronous: str) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_size=pool, max_overflow=4 * pool, connect_args={"timeout": 0}
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "secure_delete=ON",  # what is pruned or erased is overwritten, not only let go
            "temp_store=MEMORY",
            "cache_size=-8000",
            "wal_autocheckpoint=2000",
            "journal_size_limit=67108864",
        ):
            _patiently(lambda p=pragma: connection.execute(f"PRAGMA {p}"), busy_s)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("looks_only"):
            connection.exec_driver_sql("BEGIN")
        else:
            # SQLite's own busy handler sleeps up to 100 ms between looks; a millisecond keeps the line short.
            _patiently(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"), busy_s)

    return engine


def _patiently(go: Any, patience_s: float) -> None:
    """Try until the file is free, or ``patience_s`` is over."""
    end = time.monotonic() + patience_s
    while True:
        try:
            go()
            return
        except (sqlite3.OperationalError, OperationalError) as e:
            told = str(getattr(e, "orig", e))
            if not any(word in told for word in ("locked", "busy")) or time.monotonic() >= end:
                raise
            time.sleep(0.001)


def _pass_over_dead_connections(engine: Engine) -> None:
    """After PostgreSQL came back, a connection from before would fail its first transaction: look before handing out.

    A look costs a round trip, so only a connection that lay idle for over two seconds is looked at.
    """

    @event.listens_for(engine, "checkin")
    def _on_checkin(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle_since", time.monotonic()) > 2:
            try:
                connection.execute("SELECT 1")
                connection.rollback()
            except Exception as e:
                raise DisconnectionError from e
