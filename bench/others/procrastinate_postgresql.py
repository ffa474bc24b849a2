"""Flask and Procrastinate on PostgreSQL: ``defer`` before the answer.

https://procrastinate.readthedocs.io/en/stable/howto/advanced/sync_defer.html : the synchronous connector, opened once.
``procrastinate --app bench.others.procrastinate_postgresql.migrating schema --apply`` makes the tables.
"""

from __future__ import annotations

import os
from typing import Any

import procrastinate

from bench.others.door import door

_URL = os.environ["QUEUE_DATABASE_URL"]
#: The commands want an asynchronous connector, as a worker does.
migrating = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=_URL))
queue = procrastinate.App(
    connector=procrastinate.SyncPsycopgConnector(conninfo=_URL, max_size=int(os.environ["POOL_SIZE"]))
)


@queue.task(name="carry")
def carry(topic: str, customer: dict[str, Any]) -> None:
    """What a worker would do; none runs while answering is measured."""


def keep(_: str, topic: str, customer: dict[str, Any]) -> None:
    """Defer it; the row is committed when this returns."""
    carry.defer(topic=topic, customer=customer)


def create_app() -> Any:
    """The door, with the pool open: once in each process."""
    queue.open()
    return door(keep)
