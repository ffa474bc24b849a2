"""What lies between gunicorn and the doors: how a request waits, and on whose thread it is answered.

The web process is one event loop (`loop.py`), so the doors say how they want to be served: the webhook door in the loop
itself, all other doors on a few threads, where a slow look into the ledger holds nobody up. Without the loop (in tests,
under another server) everything happens on the caller's thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from ledger.clerk import Waiting

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

#: A request as WSGI hands it in (PEP 3333): headers in capitals, behind ``HTTP_``.
Environ: TypeAlias = dict[str, Any]

#: Where the loop leaves its own ways: a class of ``Waiting``, and a function that runs another on a thread.
WAITING: Final = "customer_sync.waiting"
ON_A_THREAD: Final = "customer_sync.on_a_thread"


def waiting(environ: Environ) -> Waiting:
    """Something to wait with, as this request's server wishes."""
    return cast(Waiting, environ.get(WAITING, threading.Event)())


def on_threads(app: WSGIApplication) -> WSGIApplication:
    """The app, answering on a thread when the server is the loop; its answers are short, and sent whole."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        run: Callable[[Callable[[], Any]], Any] | None = environ.get(ON_A_THREAD)
        if run is None:
            return app(environ, start_response)
        started: list[Any] = []
        written: list[bytes] = []  # what an app says before it returns (PEP 3333)

        def keep(*told: Any) -> Callable[[bytes], object]:
            started.append(told)
            return written.append

        def whole() -> list[bytes]:
            parts = app(environ, keep)
            try:
                return [*written, *parts]
            finally:
                close = getattr(parts, "close", None)
                if close:
                    close()

        body = run(whole)
        start_response(*started[-1])
        return cast("list[bytes]", body)

    return answer
