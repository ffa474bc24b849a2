"""How the web process serves: one event loop for all callers, one clerk thread that commits, a few threads for pages.

gunicorn's gevent worker, without the monkey-patching it is known for: nothing in this process is changed under our
feet. The loop reads requests, checks signatures and answers; the clerk (`ledger/clerk.py`) is a real thread, so a
commit holds up no caller; and whatever else is asked for runs on real threads too. With a thread for each caller
instead, half of the processor's time went into passing Python's lock around. A slow caller costs a few kilobytes, not a
thread.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent import socket
from gevent.event import Event
from gevent.hub import Waiter
from gevent.pool import Pool
from gevent.server import StreamServer
from greenlet import greenlet
from gunicorn.workers.ggevent import GeventWorker

from handlers.front import ON_A_THREAD, WAITING, Environ
from handlers.webhook import LARGEST_BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

#: A body must be here within so many seconds of its headers: Shopify itself gives up after five.
#: https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
BODY_S: Final = 15.0
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
        super().load_wsgi()
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
                gevent.killall(list(self._idle), block=False)
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


class LoopEvent:
    """`front.Waiting` for one who waits in the loop and is woken by another thread."""

    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._waiter: Waiter[bool] = Waiter()

    def wait(self, timeout: float) -> bool:
        """Whether it was woken within so many seconds; others are served meanwhile."""
        with _at_most(timeout):
            return self._waiter.get()
        return False

    def set(self) -> None:
        """Wake it, from any thread."""
        self._loop.run_callback_threadsafe(self._waiter.switch, True)


def served_by_the_loop(app: WSGIApplication, *, threads: int) -> WSGIApplication:
    """The app, each request with its body already here and the loop's own ways to wait."""
    pool = gevent.get_hub().threadpool
    pool.maxsize = threads

    def on_a_thread(go: Callable[[], Any]) -> Any:
        return pool.apply(go)

    def serve(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ[WAITING] = LoopEvent
        environ[ON_A_THREAD] = on_a_thread
        whole: bytes | None = None
        with _at_most(BODY_S):
            whole = _body(environ)
        if whole is None:
            told = b"the body did not come in time\n"
            headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(told))), ("Connection", "close")]
            start_response("408 Request Timeout", headers)
            return (told,)
        environ["wsgi.input"] = io.BytesIO(whole)
        return app(environ, start_response)

    return serve


def _body(environ: Environ) -> bytes:
    """The body as far as anybody may read it: one that is too large is refused by its length, unread."""
    length = environ.get("CONTENT_LENGTH")
    if length and (not length.isdecimal() or int(length) > LARGEST_BODY):
        return b""
    body: bytes = environ["wsgi.input"].read(LARGEST_BODY + 1)
    return body


def _at_most(seconds: float) -> gevent.Timeout:
    """A block that is left, without a word, when it takes longer."""
    return gevent.Timeout(seconds, False)  # type: ignore[arg-type]  # the stubs do not know this way of gevent's
