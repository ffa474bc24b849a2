"""A small threaded HTTP/1.1 server for tests and the demo, whose connections stay open between calls.

Werkzeug's own handler closes after each answer. Clients with pooled sessions would then never meet what they meet in
life: a kept connection that drops under a call.
"""

import socket
import threading
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class KeepAliveServer(ThreadedWSGIServer):
    """Serves on `host`:`port` (0 = any free one), one thread for each connection."""

    def __init__(self, host: str, port: int, app: "WSGIApplication") -> None:
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(host, port, app, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that vanish are no news here, and no stack trace may land in the output of the demo."""

    def hang_up(self) -> None:
        """End every connection that is still open; their threads then end too."""
        with self._guard:
            for one in self._open:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name is werkzeug's
        """Nothing: paths may hold e-mail addresses."""

    def run_wsgi(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        environ = self.make_environ()
        if "wsgi.input_terminated" not in environ:
            environ["wsgi.input"] = BytesIO(self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0)))
        said: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ARG001 - WSGI
            said[:] = [status, headers]
            return self.wfile.write

        try:
            answer = self.server.app(environ, start_response)
            try:
                self._send(said, answer)
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        except ConnectionError:
            self.close_connection = True

    def _send(self, said: list[Any], answer: Iterable[bytes]) -> None:
        head: bytes | None = None
        for part in answer:
            if head is None:
                head = self._head(*said)
                part = head + part  # noqa: PLW2901 - one packet for a small answer: no wait for the far side's ACK
            self.wfile.write(part)
        if head is None:
            self.wfile.write(self._head(*said))

    def _head(self, status: str, headers: list[tuple[str, str]]) -> bytes:
        names = {name.lower() for name, _ in headers}
        bodiless = self.command == "HEAD" or status[:3] in {"204", "304"}
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        if "content-length" not in names and not bodiless:
            self.close_connection = True
        if "date" not in names:
            lines.append(f"Date: {self.date_time_string()}")
        lines.append("Connection: close" if self.close_connection else "Connection: keep-alive")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
