"""The scale: how much memory each process of the service holds, at its start and while it works."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import psutil

from bench.figures import slope
from bench.report import Goal, Section, Table
from sandbox.system import Running

MIB: Final = 2**20
LIMITS: Final = {"web": 100, "worker": 120}


@dataclass(slots=True)
class Weighed:
    """One process in one run: (seconds, MiB) from the run's start on."""

    run: str
    name: str
    points: list[tuple[float, float]] = field(default_factory=list)

    @property
    def growth_per_minute(self) -> float:
        """MiB a minute over the second half of the run, when all that is loaded once has been loaded."""
        late = self.points[len(self.points) // 2 :]
        return slope(late) * 60


class Scale:
    """Weighs processes while they run; ``section`` tells what was found."""

    def __init__(self) -> None:
        self._weighed: list[Weighed] = []

    @contextlib.contextmanager
    def on(self, run: str, *processes: Running, every_s: float = 0.5) -> Iterator[None]:
        """Weigh these processes, and those they started, until the block ends."""
        stop = threading.Event()
        kept: dict[int, Weighed] = {}
        began = time.monotonic()

        def weigh() -> None:
            for running in processes:
                for process, name in _family(running):
                    with contextlib.suppress(psutil.Error):
                        point = (time.monotonic() - began, process.memory_info().rss / MIB)
                        kept.setdefault(process.pid, Weighed(run, name)).points.append(point)

        def go_on() -> None:
            while not stop.wait(every_s):
                weigh()

        weigh()
        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            weigh()
            self._weighed += kept.values()

    def section(self) -> Section:
        """Every process of every run, and the heaviest of each kind against its limit."""
        rows = [
            (
                f"{w.name}: {w.run}",
                f"{w.points[0][1]:.0f}",
                f"{w.points[-1][1]:.0f}",
                f"{max(mib for _, mib in w.points):.0f}",
                f"{w.growth_per_minute:+.1f}",
            )
            for w in self._weighed
        ]
        return Section(
            "Memory",
            "Resident memory (RSS) of each process of the service, in MiB, from the moment it could work to the end of "
            "the run, weighed twice a second. The growth is the slope over the second half of a run: over so short a "
            "time it shows a leak that is fast, not one that is slow.",
            [Table(("process", "at start", "at end", "most", "growth a minute"), rows)],
            [self._goal(kind, limit) for kind, limit in LIMITS.items()],
        )

    def _goal(self, kind: str, limit: int) -> Goal:
        most = max((mib for w in self._weighed if w.name.startswith(kind) for _, mib in w.points), default=None)
        measured = "not measured" if most is None else f"{most:.0f} MiB at most"
        return Goal(
            f"memory of a {kind} process", f"≤ {limit} MB", measured, None if most is None else most <= limit, _DRAINING
        )


_DRAINING: Final = (
    "only while a hundred thousand deliveries drain without any limit, when all threads of all lanes are busy at "
    "once; the other runs are below. Next: fewer threads where the pace does not need them."
)


def _family(running: Running) -> list[tuple[psutil.Process, str]]:
    """The process and those it started, with a name for each."""
    try:
        first = psutil.Process(running.process.pid)
        children = first.children()
    except psutil.Error:
        return []
    if not children:
        return [(first, running.name)]
    named = [(child, f"{running.name} process {place}") for place, child in enumerate(children, start=1)]
    return [(first, f"{running.name} (gunicorn's arbiter)"), *named]
