"""Is this process there, and can it take deliveries in? For load balancers; the far sides play no part in it."""

from __future__ import annotations

from flask import Blueprint, Response

from ledger.database import Database, StoreBusy
from ledger.migrate import is_current


def status_door(database: Database) -> Blueprint:
    """``GET /healthz`` (the process answers) and ``GET /readyz`` (the ledger is there, and in the newest shape)."""
    door = Blueprint("status", __name__)

    @door.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain")

    @door.get("/readyz")
    def readyz() -> Response:
        try:
            ready, why = is_current(database), "the database lacks a migration: run flask db upgrade"
        except StoreBusy as e:
            ready, why = False, str(e)
        return Response("ok\n" if ready else f"{why}\n", 200 if ready else 503, content_type="text/plain")

    return door
