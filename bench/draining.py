"""Draining: a backlog, and how close to the vendors' rates it goes: calls per customer, share of the rate, 429s."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.far_side import Call, wait_until
from bench.figures import busiest_share
from bench.lab import Lab
from bench.report import Goal, Section, Table
from bench.whole import LANES, whole_system
from sandbox.config import SandboxConfig
from sandbox.people import people
from sandbox.system import DidNotStart

#: What a worker asks of Smaregi at most (SMAREGI_WRITES_PER_SECOND): four fifths of the vendor's limit.
OUR_WRITES_PER_SECOND: Final = 16
_PATIENCE_S: Final = 180


@dataclass(frozen=True, slots=True)
class Drained:
    """One backlog, carried by so many workers: how long it took, and every call that the far sides received."""

    workers: int
    customers: int
    seconds: float
    left: int
    failed: int
    calls: dict[str, list[Call]]

    @property
    def writes(self) -> list[Call]:
        """Calls that create or change a member."""
        return [c for c in self.calls["smaregi"] if c.method in ("POST", "PATCH") and "/customers" in c.path]

    @property
    def batches(self) -> list[Call]:
        """Calls to HubSpot for the customers' sake; the set-up of the properties is none."""
        return [c for c in self.calls["hubspot"] if "/objects/" in c.path]

    @property
    def refused(self) -> dict[str, int]:
        """How many calls each system answered with 429."""
        return {system: sum(c.status == 429 for c in calls) for system, calls in self.calls.items()}

    @property
    def smaregi_share(self) -> float:
        """Share of our own pace that was used from the first write to the last."""
        return busiest_share([c.at for c in self.writes if c.status != 429], OUR_WRITES_PER_SECOND)


def measure(lab: Lab) -> Section:
    """A backlog for one worker, and smaller ones for two and for four: it takes as long as the vendors' rates say."""
    if lab.quick:
        return _section([_drain(lab, 1, 100), _drain(lab, 4, 100)])
    return _section([_drain(lab, 1, 1000), _drain(lab, 2, 300), _drain(lab, 4, 300)])


def _drain(lab: Lab, workers: int, customers: int) -> Drained:
    name = f"draining: {workers} worker{'s' if workers > 1 else ''}"
    lab.tell(f"{name}, filling")
    with whole_system(lab.room(f"draining-{workers}")) as whole:
        for person in itertools.islice(people(11, oddities=0), customers):
            whole.far_side.create(person)
        if not wait_until(lambda: whole.known() == customers, 60):
            raise DidNotStart(f"only {whole.known()} of {customers} deliveries arrived")
        whole.far_side.forget_calls()
        began = time.monotonic()
        started = whole.start_workers(workers)
        with lab.scale.on(name, whole.web, *started):

            def at_rest() -> bool:
                left = whole.waiting()
                lab.tell(f"{name}, {left:,} tasks left")
                return not left

            wait_until(at_rest, _PATIENCE_S, every_s=0.5)
            seconds = time.monotonic() - began
        calls = {system: whole.far_side.calls(system) for system in LANES}
        return Drained(workers, customers, seconds, whole.waiting(), whole.failed(), calls)


def _section(runs: Sequence[Drained]) -> Section:
    limit = SandboxConfig().smaregi_writes_per_second or 0
    words = (
        "New customers wait in the ledger before the first worker starts; the far sides answer at "
        f"once and enforce the limits of production (Shopify 100 points/s, Smaregi 50 reads/s and {limit} writes/s, "
        f"HubSpot 190 calls in 10 s). The workers keep to {OUR_WRITES_PER_SECOND} writes/s to Smaregi "
        "(SMAREGI_WRITES_PER_SECOND), for all processes together."
    )
    head = ("", *(f"{run.workers} worker{'s' if run.workers > 1 else ''}" for run in runs))
    rows = zip(*(_figures(run, limit) for run in runs), strict=True)
    named = [(name, *figures) for name, figures in zip(_NAMES, rows, strict=True)]
    return Section("Draining a backlog", words, [Table(head, named)], _goals(runs))


_NAMES: Final = (
    "customers",
    "drained in, s",
    "calls to Shopify",
    "calls to HubSpot per customer",
    "writes to Smaregi per customer",
    "reads from Smaregi",
    "share of our pace used, Smaregi writes",
    "share of Smaregi's limit used",
    "answered with 429",
    "tasks that wait for a person",
    "tasks left",
)


def _figures(run: Drained, limit: int) -> tuple[str, ...]:
    return (
        f"{run.customers:,}",
        f"{run.seconds:.0f}",
        str(len(run.calls["shopify"])),
        f"{len(run.batches) / run.customers:.3f}",
        f"{len(run.writes) / run.customers:.2f}",
        str(sum(c.method == "GET" for c in run.calls["smaregi"])),
        f"{run.smaregi_share:.0%}",
        f"{run.smaregi_share * OUR_WRITES_PER_SECOND / limit:.0%}",
        " ".join(f"{system} {n}" for system, n in run.refused.items() if n) or "0",
        str(run.failed),
        str(run.left),
    )


def _goals(runs: Sequence[Drained]) -> list[Goal]:
    batches = max(len(run.batches) / run.customers for run in runs if run.customers == runs[0].customers)
    writes = max(len(run.writes) / run.customers for run in runs)
    share = min(run.smaregi_share for run in runs)
    refused = sum(sum(run.refused.values()) for run in runs)
    enough = runs[0].customers >= 1000
    return [
        Goal(
            "calls to HubSpot per customer, backlog of 1,000",
            "≤ 0.05",
            f"{batches:.3f}",
            batches <= 0.05 if enough else None,
        ),
        Goal("writes to Smaregi per new customer in a backlog", "1", f"{writes:.2f}", writes <= 1.0, _UNREAD),
        Goal("share of the permitted rate while draining", "≥ 95 % of our pace", f"{share:.0%}", share >= 0.95),
        Goal("429 while draining", "0", str(refused), refused == 0),
    ]


_UNREAD: Final = (
    "Shopify's smallest plan lets us read ten customers a second, Smaregi takes sixteen, and the design lets a "
    "destination wait for the read two seconds at most (rule 14): the six left over go to customers that are not "
    "read yet, and to some of them again afterwards. Next: let a backlog wait for the read for as long as the "
    "reads keep coming."
)
