"""What every measurement is handed: where to work, how long to take, and what to weigh on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.load import Gun
from bench.scale import Scale


@dataclass(frozen=True, slots=True)
class Lab:
    """``quick``: shorter runs, to see that all is well rather than to know. ``postgresql``: a server's address.

    ``full``: all sizes, however long it takes, more connections, and the usual ways beside ours (`make bench-full`).
    """

    folder: Path
    quick: bool
    postgresql: str
    gun: Gun
    scale: Scale
    tell: Callable[[str], None]
    full: bool = False

    def choose(self, full: float, quick: float) -> float:
        """``full``, or ``quick`` in a quick run."""
        return quick if self.quick else full

    def room(self, name: str) -> Path:
        """A folder for one run's ledger and logs."""
        made = self.folder / name
        made.mkdir()
        return made
