"""The layer in front of all stand-ins, where calls are written down and faults happen to them."""

import errno
import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING

from werkzeug.test import run_wsgi_app

from sandbox.calls import Call, Calls
from sandbox.faults import Fault, Faults, Kind, System

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MOUNTS: dict[str, System] = {
    "/smaregi-id": "smaregi",
    "/smaregi": "smaregi",
    "/hubspot": "hubspot",
    "/shopify": "shopify",
}
"""Where each stand-in begins; the longer name first, because one is the start of the other."""


class ConnectionDropped(ConnectionResetError):
    """The connection ends here without an answer. The WSGI servers used here close the socket on it, quietly."""

    def __init__(self) -> None:
        # gunicorn keeps quiet about a lost connection only when it is told which kind of loss it was.
        super().__init__(errno.ECONNRESET, "dropped by a fault of the sandbox")


class FaultGate:
    """WSGI layer in front of all stand-ins: notes each call, and lets the faults that stand happen to it."""

    def __init__(
        self, app: "WSGIApplication", faults: Faults, calls: Calls, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._app = app
        self._faults = faults
        self._calls = calls
        self._pause = pause

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        found = _find_mount(environ.get("PATH_INFO", ""))
        if found is None:
            return self._app(environ, start_response)
        system, path = found
        call = Call(datetime.now(UTC), system, environ["REQUEST_METHOD"], path)
        self._calls.begin(call)
        environ["sandbox.came"] = begun = time.monotonic()
        try:
            # A server that is refusing has still been sent the body; left unread it would turn a clean close into a
            # reset.
            terminated = environ.get("wsgi.input_terminated", False)
            body_sent = environ["wsgi.input"].read(-1 if terminated else int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body_sent), str(len(body_sent))
            status, headers, body = self._meet(environ, self._faults.strike(system, call.method, path, body_sent))
        except ConnectionDropped:
            call.status = 0
            raise
        finally:
            call.duration_ms = round((time.monotonic() - begun) * 1000, 1)
        call.status = int(status.split()[0])
        start_response(status, headers)
        return body

    def _meet(self, environ: "WSGIEnvironment", met: list[Fault]) -> tuple[str, list[tuple[str, str]], Iterable[bytes]]:
        self._pause_for(met, "late")
        deciding = next((fault for fault in met if fault.kind not in {"delay", "late"}), None)
        if deciding is not None and deciding.kind in {"refused", "hang"}:
            self._pause_for([deciding], "hang")
            raise ConnectionDropped
        if deciding is not None and deciding.kind == "status":
            self._pause_for(met, "delay")
            return _spoken(deciding, environ["REQUEST_METHOD"])
        answer, status, answered = run_wsgi_app(self._app, environ, buffered=True)
        body = b"".join(answer)
        self._pause_for(met, "delay")
        if deciding is not None and deciding.kind == "lost":
            raise ConnectionDropped
        answered["Content-Length"] = str(len(body))
        parts = _half(body) if deciding is not None and deciding.kind == "half" else [body]
        return status, list(answered), parts

    def _pause_for(self, met: list[Fault], kind: Kind) -> None:
        seconds = sum(fault.seconds for fault in met if fault.kind == kind)
        if seconds:
            self._pause(seconds)


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionDropped


def _find_mount(path: str) -> tuple[System, str] | None:
    for mount, system in MOUNTS.items():
        if path == mount or path.startswith(mount + "/"):
            return system, path[len(mount) :] or "/"
    return None


def _spoken(fault: Fault, method: str) -> tuple[str, list[tuple[str, str]], list[bytes]]:
    """The answer of a `status` fault: the body given, or what that vendor says at such a moment."""
    phrase = HTTPStatus(fault.status).phrase if fault.status in set(HTTPStatus) else "Unknown"
    said = fault.body if fault.body is not None else _said_by_default(fault.system, fault.status, phrase)
    body = said.encode() if isinstance(said, str) else json.dumps(said, ensure_ascii=False).encode()
    kind = "application/problem+json" if fault.system == "smaregi" else "application/json;charset=utf-8"
    if isinstance(said, str):
        kind = "text/html"
    headers = {"Content-Type": kind, **fault.headers, "Content-Length": str(len(body))}
    return f"{fault.status} {phrase}", list(headers.items()), [b"" if method == "HEAD" else body]


def _said_by_default(system: System, status: int, phrase: str) -> object:
    match system:
        case "smaregi":
            return {"type": "about:blank", "title": phrase, "status": status}
        case "hubspot" if status == 429:
            return {
                "status": "error",
                "message": "You have reached your ten_secondly_rolling limit.",
                "errorType": "RATE_LIMIT",
                "policyName": "TEN_SECONDLY_ROLLING",
            }
        case "hubspot":
            return {"status": "error", "message": phrase, "correlationId": "00000000-0000-0000-0000-000000000000"}
        case _:
            return {"errors": phrase}
