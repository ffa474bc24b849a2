"""Who is at the console, what they may do, and what is written down of it.

A page module needs three things from here: ``@acts`` on each view that changes something, ``note`` in it, and ``who``.
Login and CSRF are enforced for every door of the console (`guard.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar, cast

from flask import abort, session

from handlers.house import House

Role = Literal["act", "view"]
P = ParamSpec("P")
R = TypeVar("R")


def who() -> str:
    """The name under which somebody has signed in; it says who, and proves nothing."""
    return str(session.get("who", ""))


def role() -> Role | None:
    """What they may do; None for those who have not signed in."""
    return cast("Role | None", session.get("role"))


def may_act() -> bool:
    """Whether they may change anything."""
    return role() == "act"


def acts(view: Callable[P, R]) -> Callable[P, R]:
    """Refuse (403) whoever may only look."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not may_act():
            abort(403)
        return view(*args, **kwargs)

    return guarded


def note(house: House, what: str, *, customer_id: int | None = None, **details: Any) -> None:
    """Write into the audit log that whoever is signed in does ``what``; ids and counts only in ``details``.

    ``what`` is an English text, ``marked`` so that it has its Japanese. Say it before the act: an act that could not be
    written down then does not happen. Raises ``StoreBusy``.
    """
    house.audit.note(
        what, who=who(), role=role() or "", now=house.now(), customer_id=customer_id, details=details or None
    )
