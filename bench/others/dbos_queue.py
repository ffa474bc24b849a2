"""Flask and DBOS, on SQLite or PostgreSQL: a durable workflow is enqueued before the answer, for workers to run.

https://docs.dbos.dev/python/examples/queue-worker : web servers enqueue through a client, workers are apart. Starting
the workflow in the web process itself would cost its answers more, since it is run there, too. The workflow's id is the
webhook's, so that a repeat is one workflow: https://docs.dbos.dev/python/tutorials/idempotency-tutorial
"""

from __future__ import annotations

import os
from typing import Any

from dbos import DBOSClient, EnqueueOptions

from bench.others.door import door

client = DBOSClient(
    system_database_url=os.environ["QUEUE_DATABASE_URL"],
    system_database_pool_size=int(os.environ["POOL_SIZE"]),
)


def keep(webhook_id: str, topic: str, customer: dict[str, Any]) -> None:
    """Enqueue it; the row is committed when this returns."""
    options: EnqueueOptions = {"queue_name": "carry", "workflow_name": "carry", "workflow_id": webhook_id}
    client.enqueue(options, topic, customer)


app = door(keep)
