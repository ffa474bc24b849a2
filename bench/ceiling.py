"""How fast the load itself can be: against a server that reads and answers by rote, nothing more."""

from __future__ import annotations

import contextlib
import multiprocessing
import selectors
import socket
from collections.abc import Iterator
from multiprocessing.connection import Connection

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nkept\n"


@contextlib.contextmanager
def rote_server() -> Iterator[tuple[str, int]]:
    """Such a server in a process of its own: its host and port."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield "127.0.0.1", ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(out: Connection) -> None:
    door = socket.create_server(("127.0.0.1", 0), backlog=256)
    out.send(door.getsockname()[1])
    with selectors.DefaultSelector() as selector:
        selector.register(door, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                one = key.fileobj
                assert isinstance(one, socket.socket)
                if one is door:
                    selector.register(door.accept()[0], selectors.EVENT_READ)
                    continue
                # A request comes in one piece: it is far smaller than what the socket holds.
                if one.recv(65536):
                    one.sendall(_ANSWER)
                else:
                    selector.unregister(one)
                    one.close()
