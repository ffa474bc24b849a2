"""A process that tells what is to be told, once, and dies on the way if it is asked to: for tests of two, and of -9.

``python -m tests.alert_teller DATABASE_URL ADDRESS MINUTES [POINT]``: its clock goes so many minutes ahead; ``POINT``
is ``claimed``, ``sending`` or ``sent``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from clients import notify
from handlers.alerting import Rules
from handlers.lookout import Audience, Lookout
from ledger.alerts import Alerts
from ledger.database import Database


def _then_die(go: Callable[..., Any]) -> Callable[..., Any]:
    def gone(*args: Any, **kwargs: Any) -> Any:
        go(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    return gone


def main(url: str, address: str, minutes: str, point: str = "") -> None:
    """Say ready, wait for a line, tell."""
    database = Database(url, busy_s=10)
    alerts, send = Alerts(database), notify.send
    if point == "claimed":
        alerts.claim = _then_die(alerts.claim)  # type: ignore[method-assign]
    elif point == "sending":
        alerts.begin = _then_die(alerts.begin)  # type: ignore[method-assign]
    elif point == "sent":
        send = _then_die(send)
    lookout = Lookout(
        alerts,
        database,
        Rules(lanes=()),
        Audience((address,)),
        updates_too=True,
        usual_gap=lambda _: None,
        now=lambda: datetime.now(UTC) + timedelta(minutes=float(minutes)),
        send=send,
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    while lookout.tell():
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
