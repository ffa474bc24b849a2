"""The service as chaos starts it: as in production, but with a clock that can be moved and a short lease.

``gunicorn 'chaos.entry:create_app()'`` and ``flask --app chaos.entry worker``. No setting of the service can do this.
"""

from __future__ import annotations

import contextlib
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask

import app
import clients.smaregi.mail_flag
import clients.token
import handlers.lane_runner
import ledger.database
import ledger.outcome

#: The file that says by how many seconds this process's clock is wrong.
CLOCK = "CHAOS_CLOCK"
#: How many seconds a claim is held without a sign of life; in earnest 30.
LEASE = "CHAOS_LEASE_S"

_LOOK_AGAIN_S = 0.05


class MovedClock:
    """The time of this machine, moved by what the file says; asked as ``now()``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = timedelta(0)
        self._looked_at = float("-inf")

    def __call__(self) -> datetime:
        at = time.monotonic()
        if at - self._looked_at > _LOOK_AGAIN_S:
            self._looked_at = at
            with contextlib.suppress(OSError, ValueError):  # not there, or no number: as before
                self._offset = timedelta(seconds=float(self._path.read_text()))
        return datetime.now(UTC) + self._offset


def create_app() -> Flask:
    """The app of ``app.py``, for a process of a chaos run."""
    _shorten_the_waits(timedelta(seconds=float(os.environ[LEASE])))
    return app.create_app(now=MovedClock(Path(os.environ[CLOCK])))


def _shorten_the_waits(lease: timedelta) -> None:
    """Everything that is held for somebody who may be gone is held as much shorter as the lease is."""
    shorter = lease / handlers.lane_runner.LEASE
    handlers.lane_runner.LEASE = lease
    clients.token.SharedToken.HOLD *= shorter
    ledger.database.ABANDONED *= shorter
    ledger.outcome.LATE *= shorter
    clients.smaregi.mail_flag.LATE *= shorter
