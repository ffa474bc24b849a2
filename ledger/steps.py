"""Long upkeep in short steps: how much the next one takes on, and how long it rests before it. Pure."""

from __future__ import annotations

from typing import Final

#: No step holds the store for longer.
MOST_S: Final = 0.05
#: What a step is meant to take: so far below that a slow moment of the disk does not break the promise.
AIM_S: Final = 0.015
FIRST_SIZE: Final = 50
LARGEST_SIZE: Final = 2000


def next_size(size: int, took_s: float) -> int:
    """How many rows the next step takes on, after one that took on ``size`` and held the store for ``took_s``.

    As many as fit at the same pace, at most twice as many as before: one quick step proves little.
    """
    fitting = int(size * AIM_S / max(took_s, 1e-6))
    return max(1, min(fitting, 2 * size, LARGEST_SIZE))


def rest_s(took_s: float) -> float:
    """How long to rest after a step, so that those who receive and carry always go first: twice as long as it took."""
    return max(0.01, 2 * took_s)
