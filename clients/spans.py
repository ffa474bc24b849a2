"""Spans: which step took how long, for a trace of one delivery from the door to the last destination.

Nobody listens unless `config/traces.py` was asked for it; then a step costs one look here, and no library of traces is
even imported. A span holds times, lanes, outcomes and HTTP statuses: never a body, a path or a word of a far side's,
for those may be personal.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Literal, Protocol, TypeAlias

Notes: TypeAlias = Mapping[str, str | int | float | bool | None]
Kind: TypeAlias = Literal["internal", "server", "client"]


class Span(Protocol):
    """One step, while it is under way."""

    def note(self, notes: Notes) -> None:
        """Add what is known by now; None is left out."""

    def fail(self, kind: str) -> None:
        """It did not go well: the kind of the error."""

    def also(self, request_id: str, notes: Notes) -> None:
        """This step was another request's too: a load of a hundred is one call."""


class Tracer(Protocol):
    """Who listens."""

    def span(
        self, name: str, notes: Notes, *, request_id: str | None, kind: Kind, begins: bool
    ) -> AbstractContextManager[Span]:
        """See ``span``."""


class _Nobody:
    """A span that nobody hears of."""

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def note(self, notes: Notes) -> None:
        pass

    def fail(self, kind: str) -> None:
        pass

    def also(self, request_id: str, notes: Notes) -> None:
        pass


NOBODY = _Nobody()
NOTHING: Notes = {}

_tracer: Tracer | None = None


def tell_to(tracer: Tracer | None) -> None:
    """From now on this one hears of every span of this process; None: nobody does."""
    global _tracer  # noqa: PLW0603 - one for the process, like the log
    _tracer = tracer


def span(
    name: str,
    notes: Notes = NOTHING,
    *,
    request_id: str | None = None,
    kind: Kind = "internal",
    begins: bool = False,
) -> AbstractContextManager[Span]:
    """A block that is one step. With ``request_id`` a step of that request, wherever and whenever the others ran;
    without, a part of the step around it. ``begins``: the first of its request.
    """
    if _tracer is None:
        return NOBODY
    return _tracer.span(name, notes, request_id=request_id, kind=kind, begins=begins)
