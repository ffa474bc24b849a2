"""The class of gunicorn's worker. Its main process imports it, so it imports nothing of this service before the fork.

What the main process has imported its workers inherit: after a SIGHUP they would run old code beside new. What serves
requests (`handlers/loop.py`) is therefore imported when a worker loads the app.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent import socket
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from greenlet import greenlet
from gunicorn.arbiter import Arbiter
from gunicorn.workers.ggevent import GeventWorker

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: A worker that is told to leave keeps idle connections so long, for a request that may be on its way.
LINGER_S: Final = 0.5


class LoopWorker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's worker; `config/gunicorn.py` names it."""

    sockets: list[Any]
    wsgi: WSGIApplication

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._idle: set[greenlet] = set()
        self._told_to_leave: Event | None = None

    def patch(self) -> None:
        """Hand the listening sockets to the loop, and leave the rest of Python as it is."""
        self.sockets = [socket.socket(s.FAMILY, socket.SOCK_STREAM, fileno=s.sock.detach()) for s in self.sockets]

    def load_wsgi(self) -> None:
        """Load the app; the threads for pages are as many as `WEB_THREADS` says."""
        try:
            super().load_wsgi()
        except SystemExit as e:
            # Wrong settings. At the start they end gunicorn, with their words; later the workers that run go on.
            if not isinstance(e.code, str):
                raise
            self.log.error("%s", e.code)
            sys.exit(Arbiter.APP_LOAD_ERROR if self.age <= self.cfg.workers else 1)
        from handlers.loop import served_by_the_loop  # noqa: PLC0415 - after the fork: see above

        self.wsgi = served_by_the_loop(self.wsgi, threads=self.cfg.threads)

    def run(self) -> None:
        """Serve until told to leave; then answer what is in hand, for `graceful_timeout` seconds at most."""
        self._told_to_leave = Event()
        servers = [
            StreamServer(s, handle=partial(self.handle, s), spawn=Pool(self.worker_connections)) for s in self.sockets
        ]
        for server in servers:
            server.max_accept = 1 if self.cfg.workers > 1 else 16
            server.start()
        while self.alive:
            self.notify()
            self._told_to_leave.wait(1.0)
        for server in servers:
            server.close()
        with _at_most(self.cfg.graceful_timeout):
            gevent.sleep(LINGER_S)
            while any(server.pool for server in servers):
                self.notify()
                # As if the caller had gone: gunicorn takes any other way to end a wait for an error, and logs it.
                gone = ConnectionResetError(errno.ECONNRESET, "the process leaves")
                gevent.killall(list(self._idle), exception=gone, block=False)
                gevent.sleep(0.05)
        for server in servers:
            server.stop(timeout=1)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: leave, without waiting for the next look at the clock."""
        super().handle_exit(sig, frame)
        if self._told_to_leave is not None:
            self._told_to_leave.set()

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Around each wait for a caller's next request."""
        me = gevent.getcurrent()
        self._idle.add(me)
        try:
            with _at_most(self.cfg.keepalive):
                yield
        finally:
            self._idle.discard(me)


def _at_most(seconds: float) -> gevent.Timeout:
    """A block that is left, without a word, when it takes longer."""
    return gevent.Timeout(seconds, False)  # type: ignore[arg-type]  # the stubs do not know this way of gevent's
