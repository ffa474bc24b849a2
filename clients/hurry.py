"""For whoever sits before a screen: calls that are made once, and given up soon. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

#: How many seconds an answer may take; None where nobody waits, and a call has its own patience.
ANSWER_S: Final[ContextVar[float | None]] = ContextVar("answer_s", default=None)


@contextmanager
def one_try(answer_s: float) -> Iterator[None]:
    """Every call within, in this thread, is made once and waits so long for each part of its answer."""
    held = ANSWER_S.set(answer_s)
    try:
        yield
    finally:
        ANSWER_S.reset(held)
