"""Is this process there, and can it take deliveries in? For load balancers; the far sides play no part in it."""

from __future__ import annotations

from flask import Blueprint, Response

from ledger.database import Database, StoreBusy
from ledger.keys import KeyCheck
from ledger.migrate import is_current
from ledger.seal import WrongKey


def status_door(database: Database, keys: KeyCheck) -> Blueprint:
    """``GET /healthz`` (the process answers) and ``GET /readyz``: the ledger is there, in the newest shape, and
    DATA_KEYS open it.
    """
    door = Blueprint("status", __name__)

    @door.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain")

    @door.get("/readyz")
    def readyz() -> Response:
        why = why_not_ready(database, keys)
        return Response(f"{why}\n" if why else "ok\n", 503 if why else 200, content_type="text/plain")

    return door


def why_not_ready(database: Database, keys: KeyCheck) -> str | None:
    """Why no delivery can be taken in, in words for whoever runs this; None when all is well."""
    try:
        if not is_current(database):
            return "the database lacks a migration: run flask db upgrade"
        keys.check()
    except StoreBusy as e:
        return str(e)
    except WrongKey:
        # Which key is missing is no stranger's business.
        return "DATA_KEYS does not open this ledger: any command, as flask worker, says which key is missing"
    return None
