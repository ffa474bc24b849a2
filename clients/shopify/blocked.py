"""A read of many customers that something before Shopify refuses, perhaps for the sake of one: read in parts.

A firewall on the way sees the ids and may take one for something else. What Shopify itself answers keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from clients.alike import Alike
from clients.blocked import Blocked, is_a_page, says_nothing_of_the_row
from clients.errors import CarryError, StopLane, TryLater
from clients.http import Answer
from clients.lane import Result
from clients.shopify.refusals import sort_status
from clients.sifting import Refusal, Sifting
from customer import Task

#: Refusals of reads are held against each other, of whichever batch they are.
DOOR = "read"


def refusal_of_rows(answer: Answer, credential: str) -> CarryError | None:
    """Why customers were not read, where the ids that were asked for may be the reason; None for an answer to read.

    ``credential`` names the settings that were used.
    """
    status = answer.status
    if not (status in (403, 413) or (is_a_page(answer) and not says_nothing_of_the_row(status))):
        return None if answer.ok else sort_status(answer, credential)
    stop = None if answer.ok else sort_status(answer, credential)
    if stop is not None and not isinstance(stop, StopLane):
        return stop
    if stop is not None and (status in (402, 404) or status < 400 or not is_a_page(answer)):
        return Blocked(stop.why, vendor="Shopify", kind=stop.kind, status=status, writes=False)
    return Blocked(
        f"Shopify's API does not answer here, something else does (a firewall, a proxy): HTTP {status}; look there, "
        "and at SHOPIFY_API_URL",
        vendor="Shopify",
        kind="shopify.all_blocked",
        status=status,
        writes=False,
    )


def read_in_parts(
    tasks: Sequence[Task],
    read: Callable[[Sequence[int]], Mapping[int, Result]],
    alike: Alike,
    account: Callable[[], object],
) -> dict[int, Result]:
    """Each customer's result; ``read`` raises ``Blocked`` for ids that were not read, perhaps for the sake of one.

    ``account`` asks Shopify for what no customer has a part in. Raises the ``CarryError`` that stands for all.
    """
    attempts = {task.customer.id: task.attempt for task in tasks}
    results: dict[int, Result] = {}

    def send(part: Sequence[int]) -> Refusal[int, CarryError] | None:
        try:
            results.update(read(part))
        except CarryError as e:
            return Refusal(e, about_rows=isinstance(e, Blocked))
        return None

    def refused_too(blocked: Blocked) -> CarryError | None:
        try:
            account()
        except StopLane as stop:
            return stop
        except TryLater as e:
            return e if e.status == blocked.status else None  # the same page, whatever is asked
        return None

    sifting: Sifting[CarryError] = Sifting("shopify", alike, refused_too)
    sifted = sifting.run(DOOR, list(attempts), send, whose=lambda customer_id: customer_id)
    for customer_id, error in sifted.alone:
        if isinstance(error, Blocked):
            error = error.of_one(others_taken=sifted.any_taken, attempt=attempts[customer_id])  # noqa: PLW2901
        results[customer_id] = error
    whys = {id(error): error for _, error in sifted.unsent}
    if len(whys) == 1 and not results:
        raise next(iter(whys.values()))
    results.update(sifted.unsent)
    return results
