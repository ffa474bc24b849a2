"""Flask and Celery on Redis: ``.delay()`` before the answer.

https://flask.palletsprojects.com/en/stable/patterns/celery/ : no result is wanted, so none is stored.
https://docs.celeryq.dev/en/stable/userguide/configuration.html#broker-pool-limit : a connection for each thread.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

from bench.others.door import door

celery = Celery("shop")
celery.conf.update(
    broker_url=os.environ["BROKER_URL"],
    task_ignore_result=True,
    broker_pool_limit=int(os.environ["WEB_THREADS"]),
)


@celery.task
def carry(topic: str, customer: dict[str, Any]) -> None:
    """What a worker would do; none runs while answering is measured."""


def keep(_: str, topic: str, customer: dict[str, Any]) -> None:
    """Queue it; Redis has it when this returns."""
    carry.delay(topic, customer)


app = door(keep)
