"""The shape of a destination: any object with these few verbs is a lane, and mypy proves it at the roof."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from clients.errors import CarryError
from customer import Correction, Customer, Task

Did: TypeAlias = Literal["created", "updated", "linked", "unchanged", "read", "gone", "sent", "nothing"]


@dataclass(frozen=True, slots=True)
class Carried:
    """A task that arrived. ``ref`` is the far side's own id; ``sent`` and ``memo`` are kept for the next time.

    ``found`` is the whole customer, where the lane is one that reads.
    """

    ref: str
    did: Did
    sent: Mapping[str, str] = field(default_factory=dict)
    memo: Mapping[str, str] = field(default_factory=dict)
    corrections: Sequence[Correction] = ()
    found: Customer | None = None
    vendor_request_id: str | None = None


Result: TypeAlias = Carried | CarryError

Finding: TypeAlias = Literal["linked", "would be linked", "would be created", "nothing to do"]


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a carry would change: what stands there now, and what would stand there (None: nothing)."""

    field: str
    there: str | None
    would_be: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """What a carry would find and change, without having changed anything. ``ref`` is the far side's id, if any.

    ``why`` is what else should be known, in words.
    """

    found: Finding
    ref: str | None = None
    changes: tuple[Change, ...] = ()
    why: str | None = None


def seen(ref: str, found: Finding, changes: Sequence[Change]) -> Look:
    """A look at what is there; linked, and equal in every field, is nothing to do."""
    return Look("nothing to do" if found == "linked" and not changes else found, ref, tuple(changes))


class Lane(Protocol):
    """A far side that customers are carried to (or, for ``shopify``, read from)."""

    @property
    def name(self) -> str:
        """``shopify``, ``smaregi``, ``hubspot``, ``mail``: the word in tables, logs and commands."""

    @property
    def batch(self) -> int:
        """The most tasks one ``carry`` takes."""

    @property
    def threads(self) -> int:
        """How many ``carry`` may run side by side in one process."""

    @property
    def gap(self) -> timedelta:
        """The least time between two carries' beginnings; a lane of batches gathers meanwhile. Nought for most."""

    def prepare(self) -> None:
        """Check and set up the far side (schema, required columns); called before the first task and after a stop.

        Raises ``StopLane`` with the mend, or ``TryLater``.
        """

    def carry(self, tasks: Sequence[Task]) -> Mapping[int, Result]:
        """Bring each task's customer over: a result for each Shopify id, each row settled by itself.

        Tasks whose mapped fields equal what was sent cost no call. A raised ``CarryError`` stands for every task.
        """

    def tend(self) -> timedelta | None:
        """Upkeep between tasks (the member index): how long until it wants to be called again, None for never."""


@runtime_checkable
class Attends(Protocol):
    """A lane with upkeep that follows the work, beside ``tend``: Smaregi's members while new customers come."""

    @property
    def is_kept_up(self) -> bool:
        """Whether what is kept of the far side is as new as upkeep keeps it, whichever process asked last."""

    def attend(self) -> timedelta | None:
        """Do what the customers on their way need, without waiting for it.

        How long until it is to be called again, whatever happens; None: with the next commit. Raises ``CarryError``.
        """


@runtime_checkable
class Previews(Protocol):
    """A lane that can say what a carry would change. Not every lane: a letter has nothing to be compared with."""

    @property
    def name(self) -> str:
        """The lane's word."""

    def preview(self, task: Task) -> Look:
        """What ``carry`` would do to this one task, by looking only: nothing is written at the far side.

        Raises ``CarryError``, also where a carry would stop and ask a person.
        """


def with_doubts(task: Task, mapped: Callable[[Customer], Mapping[str, Any]]) -> Task:
    """In doubt, the task with a blank mark for each field that a try we never heard of may have sent.

    No mark tells of those that had a value then and were cleared since; left out, they would stand there for ever.
    ``mapped`` gives a customer in the lane's own fields.
    """
    if not (task.doubt and task.customer.cleared):
        return task
    sure = mapped(task.customer.without_cleared())
    gone = [name for name, value in mapped(task.customer).items() if value is None and name not in sure]
    return replace(task, sent={**dict.fromkeys(gone, ""), **task.sent})


def fingerprint(value: Any) -> str:
    """A short, stable fingerprint of one mapped field: equal means that there is nothing to send."""
    return hashlib.blake2b(repr(value).encode(), digest_size=9).hexdigest()


def what_differs(
    wanted: Mapping[str, Any], sent: Mapping[str, str], *, cleared: Any = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields that must go out, and what will have been sent when they arrived.

    ``wanted`` maps each field we know to its value, or to None when we know that there is none. A None goes out (as
    ``cleared``) only where a value of ours stands at the far side: what we never filled is never blanked. Fields equal
    to what was sent stay home, so what the far side's own people changed since is left alone.
    """
    out: dict[str, Any] = {}
    after = dict(sent)
    for name, value in wanted.items():
        if value is None:
            if name in after:
                out[name] = cleared
                del after[name]
            continue
        mark = fingerprint(value)
        if after.get(name) != mark:
            out[name] = value
            after[name] = mark
    return out, after
