"""The shape of a target, and how one input is played."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fuzz.laws import Broken
from fuzz.source import Source

SLOWEST_S: Final = 2.0  # of processor time, which a busy machine does not stretch


@dataclass(frozen=True, slots=True)
class Target:
    """``play`` reads one input off its source and raises when ``law`` does not hold; ``seeds`` to begin with."""

    name: str
    law: str
    play: Callable[[Source], None]
    seeds: Callable[[], list[bytes]] = list

    def try_one(self, data: bytes) -> None:
        """Play one input. Raises what the code under attack raised, and ``Broken`` for a broken law."""
        began = time.process_time()
        self.play(Source(data))
        if (took := time.process_time() - began) > SLOWEST_S:
            raise Broken(f"one input took {took:.1f} s of processor time")
