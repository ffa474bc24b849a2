"""What something before Smaregi refuses for the sake of one member, or of all: which of the two, as far as is known.

One customer is carried at a time, so what becomes of the others is held against it in ``clients.alike``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from clients.alike import Alike
from clients.blocked import Blocked, is_a_page, says_nothing_of_the_row
from clients.errors import CarryError, StopLane
from clients.http import Answer
from clients.smaregi.sorting import not_permitted, wrong_address
from customer import Task

#: What Smaregi itself says of the fields or of the member: the call came through.
OF_THE_ROW: Final = frozenset({400, 404, 409, 422})


class BlockedMember(Blocked):
    """A call about one member was refused, and perhaps not by Smaregi. ``door`` is the kind of call."""

    def __init__(self, answer: Answer, what: str, *, door: str, begun: int) -> None:
        stop = _of_all(answer, what)
        super().__init__(stop.why, vendor="Smaregi", kind=stop.kind, status=answer.status, writes=door != "GET")
        self.door = door
        self.begun = begun


def may_be_of_one(answer: Answer) -> bool:
    """Whether this refusal may depend on the member that was sent, and be no word of Smaregi's.

    Its errors are problem+json; that a 403 is about the plan or the scopes is not told by any code.
    https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomergroups
    """
    if answer.status in (402, 403):
        return True
    if answer.status == 413:
        return not (isinstance(answer.body, Mapping) and isinstance(answer.body.get("detail"), str))
    return is_a_page(answer) and not says_nothing_of_the_row(answer.status)


def judge_blocked(e: BlockedMember, task: Task, alike: Alike, account: Callable[[], object]) -> CarryError:
    """Whether it is this customer or everybody. ``account`` asks for what no customer can have a part in."""
    try:
        account()
    except StopLane as stop:
        return stop
    except CarryError as other:
        if other.status == e.status and e.status is not None and e.status < 300:
            return e  # the same page, whatever is asked
    who = task.customer.id
    if alike.refused(e.door, who, e.how, begun=e.begun):
        return e
    return e.of_one(others_taken=alike.is_reason(e.door, who), attempt=task.attempt)


def _of_all(answer: Answer, what: str) -> StopLane:
    """What it means if it is everybody."""
    if 300 <= answer.status < 400 or answer.status in (404, 405):
        return wrong_address(what, answer.status)
    if answer.status in (402, 403) and not is_a_page(answer):
        return not_permitted(answer.status)
    return StopLane(
        f"Smaregi's API does not answer here, something else does (a firewall, a proxy): HTTP {answer.status}; look "
        "there, and at SMAREGI_API_URL",
        kind="smaregi.all_blocked",
        status=answer.status,
    )
