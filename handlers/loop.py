"""How the web process serves: one event loop for all callers, one clerk thread that commits, a few threads for pages.

gunicorn's gevent worker (`config/gunicorn_worker.py`), without the monkey-patching it is known for: nothing in this
process is changed under our feet. The loop reads requests, checks signatures and answers; the clerk
(`ledger/clerk.py`) is a real thread, so a commit holds up no caller; and whatever else is asked for runs on real
threads too. With a thread for each caller instead, half of the processor's time went into passing Python's lock around.
A slow caller costs a few kilobytes, not a thread.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent.hub import Waiter

from handlers.front import ON_A_THREAD, WAITING, Environ
from handlers.webhook import LARGEST_BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

#: A body must be here within so many seconds of its headers: Shopify itself gives up after five.
#: https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
BODY_S: Final = 15.0


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
