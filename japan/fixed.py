"""What a correction gives back: the value as it may go out, and everything that was done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

What: TypeAlias = Literal["widened", "replaced", "cut", "dropped", "filled", "reformatted"]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A corrected value, or None when there was nothing, or nothing usable.

    ``fixes`` are pairs (what, detail) in the words of ``customer.Correction``. None without a fix means that the text
    was empty; None with ``dropped`` means that something stood there which nobody can use.
    """

    value: str | None
    fixes: tuple[tuple[str, str], ...] = ()


NOTHING: Final = Fixed(None)


def dropped(why: str) -> Fixed:
    """No value, and the reason why."""
    return Fixed(None, (("dropped", why),))


def fix(what: What, detail: str) -> tuple[str, str]:
    """One entry of ``Fixed.fixes``, its first word checked by mypy."""
    return (what, detail)
