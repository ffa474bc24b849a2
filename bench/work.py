"""How much processor time our processes have spent, and how much the database's own have."""

from __future__ import annotations

import contextlib

import psutil
from sqlalchemy import text

from ledger.database import Database
from sandbox.system import Running


def spent_s(running: Running) -> float:
    """Processor seconds of this process and those it started, since they began."""
    first = psutil.Process(running.process.pid)
    return sum(_own_s(one) for one in (first, *first.children(recursive=True)))


def database_spent_s(database: Database) -> float | None:
    """The same of PostgreSQL's processes; None where SQLite does the work in ours, or the server is elsewhere."""
    if not database.on_postgresql:
        return None
    with database.reading() as c:
        pid, here = c.execute(
            text("SELECT pg_backend_pid(), inet_client_addr() IS NOT DISTINCT FROM inet_server_addr()")
        ).one()
    if not here or not psutil.pid_exists(pid):
        return None
    server = psutil.Process(pid).parent()
    return None if server is None else sum(_own_s(one) for one in (server, *server.children(recursive=True)))


def resident_mib(running: Running) -> float:
    """Resident memory of the heaviest of these processes, in MiB."""
    first = psutil.Process(running.process.pid)
    heaviest = 0.0
    for one in (first, *first.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            heaviest = max(heaviest, one.memory_info().rss / 2**20)
    return heaviest


def _own_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    # What a server's children spent before they ended is kept by their parent.
    return float(times.user + times.system + times.children_user + times.children_system)
