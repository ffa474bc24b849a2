"""A burst: an import in the shop, and every delivery at once; what the callers see, and how the backlog drains."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bench import plots
from bench.knocks import MIX
from bench.lab import Lab
from bench.load import Volley
from bench.report import Goal, Picture, Section, Table
from bench.whole import LANES, UNLIMITED, Whole, whole_system
from bench.work import resident_mib
from ledger.report import Report

#: The design speaks of so many.
CONNECTIONS: Final = 64
_FIRST_ID: Final = 7_000_000_000_000
_PATIENCE_S: Final = 1_200


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of it; sizes in MiB, the most there was.

    ``curve`` has (seconds, tasks left) from the moment at which the far sides had no limits any more.
    """

    deliveries: int
    volley: Volley
    customers: int
    carried_meanwhile: int
    curve: list[tuple[float, int]]
    failed: dict[str, int]
    memory_mib: dict[str, float]
    database_mib: float
    wal_mib: float

    @property
    def sent_in_s(self) -> float:
        """How long it took until the last one was answered."""
        return len(self.volley.latencies_ms) / self.volley.per_second

    @property
    def drained_per_second(self) -> float:
        """Tasks a second while it drained."""
        (began, first), (ended, last) = self.curve[0], self.curve[-1]
        return (first - last) / (ended - began) if ended > began else 0.0


def measure(lab: Lab) -> Section:
    """A hundred thousand deliveries in a full run, fewer otherwise."""
    return section(take(lab))


def take(lab: Lab) -> Burst:
    """The raw figures."""
    deliveries = 100_000 if lab.full else int(lab.choose(10_000, 3_000))
    name = f"burst of {deliveries:,}"
    lab.tell(f"{name}: starting the system")
    memory: dict[str, float] = {}
    with whole_system(lab.room("burst")) as whole:
        worker = whole.start_workers(1)[0]
        file = Path(str(whole.database.url.database))
        with _most_mib(file.with_name(f"{file.name}-wal")) as wal:
            with lab.scale.on(f"{name}, answering", whole.web, worker):
                lab.tell(f"{name}: as fast as they are answered")
                volley = lab.gun.fire(
                    ("127.0.0.1", whole.system.web_port),
                    connections=CONNECTIONS,
                    seconds=_PATIENCE_S,
                    first_id=_FIRST_ID,
                    most=deliveries,
                )
            carried = _done(whole, "smaregi")
            memory["web"], memory["worker, far sides with limits"] = resident_mib(whole.web), resident_mib(worker)
            # At the vendors' pace it would be hours; what the service itself can do shows when nothing holds it.
            worker.stop()
            whole.far_side.lift_limits()
            whole.system.env.update(UNLIMITED)
            worker = whole.start_workers(1)[0]
            with lab.scale.on(f"{name}, draining", whole.web, worker):
                curve = _drain(lab, whole, name)
            memory["worker, draining"] = resident_mib(worker)
            worker.stop()
        return Burst(
            deliveries,
            volley,
            whole.known(),
            carried,
            curve,
            {f"{one.lane} {one.kind}": one.count for one in Report(whole.database).failures(LANES, examples=0)},
            memory,
            file.stat().st_size / 2**20,
            wal[0],
        )


def _drain(lab: Lab, whole: Whole, name: str) -> list[tuple[float, int]]:
    began = time.monotonic()
    curve: list[tuple[float, int]] = []
    while (now := time.monotonic() - began) < _PATIENCE_S:
        curve.append((now, left := whole.waiting()))
        lab.tell(f"{name}: {left:,} tasks left")
        if not left:
            break
        # Counting reads every task: seldom, so that it is no part of what is measured.
        time.sleep(min(5.0, max(0.5, left / 5_000)))
    return curve


def _done(whole: Whole, lane: str) -> int:
    return whole.tasks("done", lanes=[lane])


@contextlib.contextmanager
def _most_mib(file: Path) -> Iterator[list[float]]:
    """The largest this file ever was during the block, as the one entry of the list."""
    most, stop = [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            with contextlib.suppress(FileNotFoundError):
                most[0] = max(most[0], file.stat().st_size / 2**20)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        stop.set()
        thread.join()


def section(burst: Burst) -> Section:
    """What the callers saw, and what the service did with it."""
    volley, errors = burst.volley, sum(burst.volley.errors.values())
    words = (
        f"{burst.deliveries:,} deliveries over {CONNECTIONS} connections, each sent as soon as the one before was "
        f"answered ({MIX}), into a running system on SQLite: one web process, and one worker that carries meanwhile, "
        "at the pace that the vendors permit in production. Then the limits of both sides are lifted, the worker is "
        "started anew, and what is left drains as fast as the service, the stand-ins and the machine they share "
        "permit. At Smaregi's own pace of 16 writes/s it would take "
        f"{burst.customers / 16 / 60:,.0f} minutes."
    )
    failed = ", ".join(f"{count} {kind}" for kind, count in burst.failed.items()) or "0"
    rows = [
        ("answered with 200", f"{len(volley.latencies_ms):,}"),
        ("anything else", str(errors)),
        ("answers per second", f"{volley.per_second:,.0f}"),
        ("all answered in, s", f"{burst.sent_in_s:,.1f}"),
        *((f"p{share:g} ms", f"{volley.at(share / 100):,.0f}") for share in (50, 99, 99.9)),
        ("max ms", f"{volley.at(1):,.0f}"),
        ("customers", f"{burst.customers:,}"),
        ("carried to Smaregi meanwhile", f"{burst.carried_meanwhile:,}"),
        ("tasks left when the limits were lifted", f"{burst.curve[0][1]:,}"),
        ("tasks left in the end", f"{burst.curve[-1][1]:,}"),
        ("drained in, s", f"{burst.curve[-1][0]:,.0f}"),
        ("tasks per second", f"{burst.drained_per_second:,.0f}"),
        ("tasks that wait for a person", failed),
        *((f"memory of {name}, MiB", f"{mib:,.0f}") for name, mib in burst.memory_mib.items()),
        ("database, MiB", f"{burst.database_mib:,.0f}"),
        ("its WAL at most, MiB", f"{burst.wal_mib:,.0f}"),
    ]
    p999, lost = volley.at(0.999), burst.deliveries - len(volley.latencies_ms)
    left = burst.curve[-1][1]
    return Section(
        "A burst",
        words,
        [Table(("", f"{burst.deliveries:,} deliveries"), rows)],
        [
            Goal(
                f"answers in a burst of {burst.deliveries:,}",
                "p99.9 < 1 s, no error",
                f"p99.9 {p999:,.0f} ms, {lost + errors} errors",
                p999 < 1000 and not lost and not errors,
            ),
            Goal(
                "everything drains after a burst",
                "0 tasks left, 0 failed",
                f"{left:,} left, {sum(burst.failed.values())} failed",
                not left and not burst.failed,
            ),
        ],
        [
            Picture(
                f"Draining {burst.deliveries:,} deliveries, the far sides' limits lifted",
                "burst-drain.svg",
                partial(
                    plots.lines, [plots.Line("tasks left", burst.curve)], across="seconds", up="tasks not yet carried"
                ),
            )
        ],
    )
