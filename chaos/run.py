"""One run from beginning to end: the storm, then rest, then the comparison."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from chaos.compare import LANES, End, Finding, choices, findings, opt_outs, opt_outs_undone, went_back
from chaos.plan import Plan
from chaos.postgresql import own_server
from chaos.shop import Shop
from chaos.stage import Stage
from chaos.strike import Striker
from ledger import tables as t
from ledger.database import Database, StoreBusy
from ledger.resync import Resync

#: Nothing may happen for so long before the system counts as being at rest.
_QUIET_S: Final = 3.0
#: Faults by which an old write may reach a far side after a newer one: it was on its way all the time.
SLIPS: Final = frozenset({"pause", "pause_kill", "pause_dead", "late", "clock", "kill"})


@dataclass
class Sight:
    """What can be seen of a run while it lasts."""

    plan: Plan
    phase: str = "starting"
    elapsed_s: float = 0.0
    faults: tuple[str, ...] = ()
    registered: int = 0
    arrived: int = 0
    owed: int = 0
    waiting: int = 0


@dataclass
class Verdict:
    """How a run ended. ``slips``: older states that came late and were mended; no fault by themselves."""

    plan: Plan
    findings: list[Finding] = field(default_factory=list)
    slips: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    rest_s: float | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing was lost, doubled, stale or left."""
        return not self.findings

    def of(self, what: str) -> int:
        """How many findings are of this kind."""
        return sum(finding.what == what for finding in self.findings)


def run(plan: Plan, folder: Path, see: Callable[[Sight], None]) -> Verdict:
    """Carry out this plan in ``folder``, telling ``see`` about twice a second how it goes."""
    see(Sight(plan))
    with ExitStack() as stack:
        server = stack.enter_context(own_server(folder / "postgresql")) if plan.store == "postgresql" else None
        stage = stack.enter_context(Stage(folder, server.url if server else None))
        database = Database(stage.system.database_url)
        stack.callback(database.close)
        shop = Shop(stage.far_side, lambda customer_id: _resync(database, customer_id))
        shop.know_members(plan.deeds)
        stage.start()
        striker = Striker(stage, server)
        scene = _Scene(plan, stage, shop, striker, database)
        watch = _Watch(scene, see)
        try:
            _storm(scene, watch)
        finally:
            watch.sight.phase = "ending the faults"
            striker.end()
        rest_s = _rest(watch, limit_s=max(240.0, plan.seconds))
        return _verdict(scene, rest_s)


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything that takes part in one run."""

    plan: Plan
    stage: Stage
    shop: Shop
    striker: Striker
    database: Database


class _Watch:
    """Looks at the ledger and the sender now and then, for the screen and for the end."""

    def __init__(self, scene: _Scene, see: Callable[[Sight], None]) -> None:
        self.sight = Sight(scene.plan)
        self.began = time.monotonic()
        self._scene, self._see = scene, see

    def look(self) -> None:
        """Bring ``sight`` up to date, as far as the store lets itself be looked at."""
        sight, scene = self.sight, self._scene
        sight.elapsed_s = time.monotonic() - self.began
        sight.faults = tuple(fault.name for fault in list(scene.striker.on.values()))
        sight.registered = len(scene.shop.ids)
        sight.waiting = sum(one["state"] == "waiting" for one in scene.stage.far_side.deliveries(5_000))
        try:
            with scene.database.reading() as c:
                states: Counter[tuple[str, str]] = Counter()
                query = select(t.tasks.c.lane, t.tasks.c.state, func.count()).group_by(t.tasks.c.lane, t.tasks.c.state)
                for lane, state, count in c.execute(query):
                    states[lane, state] = count
            sight.arrived = min(states[lane, "done"] for lane in LANES if lane != "shopify")
            sight.owed = sum(count for (_, state), count in states.items() if state in ("pending", "running"))
        except StoreBusy:
            pass  # locked or away: a fault of ours
        self._see(sight)


def _resync(database: Database, customer_id: int) -> None:
    """As ``flask resync ID --lane smaregi`` does it; not at all while the store is away."""
    with suppress(StoreBusy):
        Resync(database).page(now=datetime.now(UTC), lanes=["smaregi"], customer_ids=[customer_id])


def _storm(scene: _Scene, watch: _Watch) -> None:
    """Everything the plan says, each thing at its time."""
    plan = scene.plan
    over = threading.Event()
    troubles: list[Exception] = []

    def live() -> None:
        try:
            for deed in plan.deeds:
                if over.wait(max(0.0, watch.began + deed.at - time.monotonic())):
                    return
                scene.shop.do(deed)
        except Exception as e:  # noqa: BLE001 - handed on below
            troubles.append(e)

    watch.sight.phase = "storm"
    watch.began = time.monotonic()
    people = threading.Thread(target=live, name="people", daemon=True)
    people.start()
    try:
        coming = list(plan.faults)
        while (elapsed := time.monotonic() - watch.began) < plan.seconds or people.is_alive():
            while coming and coming[0].at <= elapsed:
                scene.striker.strike(coming.pop(0))
            watch.look()
            if troubles:
                raise troubles[0]
            next_at = coming[0].at if coming else plan.seconds
            time.sleep(min(0.5, max(0.01, next_at - (time.monotonic() - watch.began))))
    finally:
        over.set()
        people.join(60)


def _rest(watch: _Watch, limit_s: float) -> float | None:
    """Wait until nothing is on its way; after how many seconds that was so, None if it never was."""
    watch.sight.phase = "waiting for rest"
    began = time.monotonic()
    quiet_since: float | None = None
    while time.monotonic() - began < limit_s:
        watch.look()
        if watch.sight.owed or watch.sight.waiting:
            quiet_since = None
        elif quiet_since is None:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > _QUIET_S:
            return quiet_since - began
        time.sleep(0.5)
    return None


def _verdict(scene: _Scene, rest_s: float | None) -> Verdict:
    plan, stage, shop = scene.plan, scene.stage, scene.shop
    records = stage.far_side.records()
    deliveries = stage.far_side.deliveries()
    with scene.database.reading() as c:
        tasks: list[dict[str, Any]] = [dict(row) for row in c.execute(select(t.tasks)).mappings()]
        webhook_ids = set(c.execute(select(t.deliveries.c.webhook_id)).scalars())
    end = End(
        customers=records["customers"],
        left=shop.left,
        pairs=shop.pairs,
        members=records["members"],
        known_members=shop.members,
        contacts=records["contacts"],
        tasks=tasks,
        deliveries=deliveries,
        webhook_ids=webhook_ids,
        writes=stage.far_side.writes(),
        flag_writes=stage.far_side.flag_writes(),
        refuse=shop.refuse,
    )
    found, slips = [*findings(end), *opt_outs_undone(end)], went_back(end)
    found += [Finding("failed", "chaos", None, broken) for broken in scene.striker.broken]
    if not SLIPS & {fault.kind for fault in plan.faults}:
        found, slips = [*found, *slips], []
    attempts = [one["attempts"] for one in deliveries]
    counts = {
        **{f"{what}s": count for what, count in sorted(shop.done.items())},
        "deliveries": len(deliveries),
        "tried again": sum(attempts) - len(attempts),
        "writes": len(end.writes),
        "older for a while": len(slips),
        "opt-outs that stand": len(opt_outs(end).standing),
        "opt-outs that crossed an opt-in": opt_outs(end).crossed,
        "choices for a person": choices(end),
        "processes started again": sum(stage.starts.values()) - len(stage.starts),
    }
    return Verdict(plan, found, slips, counts, Counter(fault.kind for fault in plan.faults), rest_s)
