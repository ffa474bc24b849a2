"""The machine a figure was taken on, as far as it matters to the figure; neither its name nor its paths."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import tempfile
import time
from datetime import date
from pathlib import Path

import psutil
import psycopg

from bench.figures import percentile
from bench.report import Table


def machine(folder: Path, postgresql: str, today: date) -> Table:
    """Cores, memory, disk and versions; ``folder`` lies on the disk that the ledgers were on."""
    busy = psutil.cpu_percent(interval=1.0)
    flush_ms = flush_time_ms(folder)
    with psycopg.connect(postgresql) as c:
        shown = [c.execute(f"SHOW {name}").fetchone() for name in ("server_version", "fsync", "synchronous_commit")]
    version, fsync, commit = (row[0] if row else "?" for row in shown)
    rows = (
        ("date", today.isoformat()),
        ("processor", f"{os.cpu_count()} × {processor()}"),
        ("memory", f"{psutil.virtual_memory().total / 2**30:.1f} GiB"),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("Python", platform.python_version()),
        ("SQLite", f"{sqlite3.sqlite_version}, WAL, synchronous FULL"),
        ("PostgreSQL", f"{version}, fsync {fsync}, synchronous_commit {commit}"),
        ("one flush of the disk", f"{flush_ms:.2f} ms (median of 100)"),
        ("busy with other things before the run", f"{busy:.0f} % of all cores"),
    )
    return Table(("", ""), rows)


def processor() -> str:
    """The model's name, as the system tells it."""
    told = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", told.read_text(), re.MULTILINE) if told.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def flush_time_ms(folder: Path) -> float:
    """How long the disk takes to make 4 KiB durable: the floor under every commit."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return percentile(times, 0.5)
