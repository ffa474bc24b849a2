"""How a worker hears of new work within milliseconds without asking all the time.

SQLite tells with one cheap pragma that somebody committed; PostgreSQL tells by NOTIFY. Both only wake: what there is to
do is always looked up, so a missed call costs a quarter of a second and no more.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable

from ledger.database import Database

_LOOK_S = 0.02
_FALLBACK_S = 0.25


def watch(database: Database, wake: Callable[[], None], stop: threading.Event) -> None:
    """Call ``wake`` soon after any commit that may mean work, and at least four times a second, until ``stop``."""
    look = _listen if database.on_postgresql else _look_at_the_file
    while not stop.is_set():
        try:
            look(database, wake, stop)
        except (sqlite3.Error, ConnectionError):
            # The database is away for a moment. Waking goes on, slowly, and so does trying to watch.
            wake()
            stop.wait(_FALLBACK_S)


def _look_at_the_file(database: Database, wake: Callable[[], None], stop: threading.Event) -> None:
    connection = sqlite3.connect(database.url.database or "", timeout=1, isolation_level=None)
    try:
        seen, quiet = None, 0.0
        while not stop.wait(_LOOK_S):
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            quiet += _LOOK_S
            if version != seen or quiet >= _FALLBACK_S:
                seen, quiet = version, 0.0
                wake()
    finally:
        connection.close()


def _listen(database: Database, wake: Callable[[], None], stop: threading.Event) -> None:
    import psycopg  # noqa: PLC0415 - nine megabytes that a worker on SQLite need not carry

    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            connection.execute("LISTEN customer_sync")
            while not stop.is_set():
                for _ in connection.notifies(timeout=_FALLBACK_S, stop_after=1):
                    pass
                wake()
    except psycopg.Error as e:
        raise ConnectionError from e
