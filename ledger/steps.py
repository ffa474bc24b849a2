"""Long upkeep in short steps: how much the next one takes on, and how long it rests before it. Pure."""

from __future__ import annotations

from typing import Final

#: No step holds the store for longer.
MOST_S: Final = 0.05
#: A step takes on one slice of rows after another until so much time is gone, then commits: so far below what it may
#: take that a slow moment of the disk does not break the promise.
STEP_S: Final = 0.012
#: What one slice is meant to take.
SLICE_S: Final = 0.004
FIRST_SIZE: Final = 20
LARGEST_SIZE: Final = 1000


def next_size(size: int, took_s: float) -> int:
    """How many rows the next slice takes on, after one that took on ``size`` and needed ``took_s``.

    As many as fit at the same pace, at most twice as many as before: one quick slice proves little.
    """
    fitting = int(size * SLICE_S / max(took_s, 1e-6))
    return max(1, min(fitting, 2 * size, LARGEST_SIZE))


def rest_s(took_s: float) -> float:
    """How long to rest after a step, so that those who receive and carry always go first: twice as long as it took."""
    return max(0.01, 2 * took_s)
