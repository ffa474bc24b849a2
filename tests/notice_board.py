"""Stands in for a chat service: a web server on this machine that keeps every notice, and answers as its path says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Board:
    """``/no`` in a path is refused with 403, ``/late`` is answered when ``free`` is set; all else is taken."""

    port: int
    notices: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)

    def address(self, path: str = "yes", *, login: str = "") -> str:
        """An address for ``ADMIN_NOTIFY_URLS``."""
        return f"json://{login}127.0.0.1:{self.port}/{path}"


@contextmanager
def notice_board() -> Iterator[Board]:
    """A board that listens until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            board.notices.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            board.headers.append(dict(self.headers))
            board.came.set()
            if "late" in self.path:
                board.free.wait(60)
            self.send_response(403 if "no" in self.path else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        board = Board(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield board
        finally:
            board.free.set()
            server.shutdown()
            thread.join(10)
