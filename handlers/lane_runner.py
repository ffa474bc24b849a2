"""One lane in one worker: *claim* -> *carry* -> *judge* -> *settle*, with its own threads, pace and health.

A worker killed at any line loses nothing: what it held comes back when the lease ends, in doubt, and the lane asks
before it creates.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from clients import spans
from clients.errors import CarryError, StopLane, TryLater
from clients.lane import Attends, Lane, Result
from handlers.faults import LaneFaults, stopped_for
from handlers.judge import broken, judge
from handlers.lane_upkeep import LaneUpkeep
from ledger.book import Book, Claimed, Settled, Settlement
from ledger.clerk import Clerk
from ledger.database import StoreBusy
from ledger.outcome import Done, Outcome, Retry

log = structlog.get_logger()

T = TypeVar("T")

#: A claim is held so long without a sign of life; a worker renews its claims three times as often.
LEASE = timedelta(seconds=30)
#: A lane whose oldest due task waits for longer is behind.
BEHIND = timedelta(seconds=10)
#: A carry that our own database cut short is tried again after so long.
STORE_WAIT = timedelta(seconds=5)
_IDLE_S = 1.0
_STOPPED_S = 15.0


@dataclass(frozen=True, slots=True)
class Crew:
    """What every lane's runner shares: the book, the settling clerk, the clock, and who waits for what."""

    book: Book
    clerk: Clerk[Settlement, list[Settled]]
    now: Callable[[], datetime]
    lanes_off: Mapping[str, str]
    updates_too: bool
    stop: threading.Event


class LaneRunner:
    """One lane in one worker: a thread that claims, a pool that carries, a thread for upkeep."""

    def __init__(self, lane: Lane, crew: Crew) -> None:
        self.lane = lane
        self.wake = threading.Event()
        self._crew = crew
        self._book = crew.book
        self._free = threading.Semaphore(lane.threads)
        self._pool = ThreadPoolExecutor(lane.threads, thread_name_prefix=f"{lane.name}-carry")
        self._lock = threading.Lock()
        self._live: dict[str, int] = {}
        self._prepared = False
        self._faults = LaneFaults(lane.name, crew.book.health_book, crew.now)
        self._upkeep = LaneUpkeep(lane, self._faults, crew.stop, self.wake)
        self._newest = False
        self._rests_until = 0.0
        self._done = 0
        self._threads = [
            threading.Thread(target=self._claim_loop, name=f"{lane.name}-claim", daemon=True),
            threading.Thread(target=self._upkeep.loop, name=f"{lane.name}-tend", daemon=True),
        ]
        self._news = threading.Event()
        if isinstance(lane, Attends):
            attends = (self._upkeep.attend_loop, (lane, self._news))
            self._threads.append(threading.Thread(None, attends[0], f"{lane.name}-attend", attends[1], daemon=True))

    def start(self) -> None:
        """Begin; a lane that is switched off only says so."""
        why = self._crew.lanes_off.get(self.lane.name)
        if why:
            log.info("lane off", lane=self.lane.name, why=why)
            return
        try:
            self._book.health_book.probe_now(self.lane.name, now=self._crew.now())
        except StoreBusy as e:
            log.warning("store busy", lane=self.lane.name, why=str(e))
        for thread in self._threads:
            thread.start()

    def hear(self) -> None:
        """Somebody committed: look for work at once."""
        self.wake.set()
        self._news.set()

    def finish(self, deadline: float) -> None:
        """Wait for what is in hand, until ``deadline`` (monotonic seconds)."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        taken = 0
        while taken < self.lane.threads and self._free.acquire(timeout=max(0.0, deadline - time.monotonic())):
            taken += 1
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def tokens(self) -> list[str]:
        """The live tokens of what this runner holds."""
        with self._lock:
            return list(self._live)

    def take_done(self) -> int:
        """How many tasks have been settled since the last time this was asked."""
        with self._lock:
            done, self._done = self._done, 0
            return done

    # -- claim ----------------------------------------------------------------------------------------------------

    def _claim_loop(self) -> None:
        while not self._crew.stop.is_set():
            try:
                wait_s = self._claim_once()
            except StoreBusy as e:
                log.warning("store busy", lane=self.lane.name, why=str(e))
                wait_s = 0.5
            except Exception as e:
                log.exception("claiming failed", lane=self.lane.name, exception=type(e).__name__)
                wait_s = _STOPPED_S if self._faults.met("claiming", e) else _IDLE_S
            if wait_s > 0:
                self.wake.wait(wait_s)
                self.wake.clear()

    def _claim_once(self) -> float:
        """Claim what is due and there is room for; how many seconds until it is worth looking again."""
        crew, lane = self._crew, self.lane
        if wait_s := self._rest_s():
            return wait_s
        now = crew.now()
        due = self._book.next_due(lane.name, now=now, updates_too=crew.updates_too)
        if due is None or due > now:
            return _IDLE_S if due is None else min(_IDLE_S, max((due - now).total_seconds(), 0.001))
        if not self._free.acquire(timeout=_IDLE_S):
            return 0
        room = 1
        # A lane that carries one at a time fills all its free threads with one claim.
        while lane.batch == 1 and room < lane.threads and self._free.acquire(blocking=False):
            room += 1
        claimed: list[Claimed] = []
        try:
            if not crew.stop.is_set():
                claimed = self._book.claim(
                    lane.name,
                    room * lane.batch,
                    now=crew.now(),
                    lease=LEASE,
                    updates_too=crew.updates_too,
                    newest_first=self._newest_in_turn(behind=now - due),
                )
            self._faults.well("claiming")
            loads = [claimed[i : i + lane.batch] for i in range(0, len(claimed), lane.batch)]
            if claimed:
                self._rests_until = time.monotonic() + lane.gap.total_seconds()
                with self._lock:
                    self._live[claimed[0].token] = len(loads)
        finally:
            for _ in range(room - -(-len(claimed) // lane.batch)):
                self._free.release()
        for load in loads:
            self._pool.submit(self._carry_load, load)
        return 0 if claimed else 0.05

    def _rest_s(self) -> float:
        """For how many seconds nothing is claimed, whatever is due; the far side is set up meanwhile if need be."""
        # Not merely slept: any commit wakes the loop, and must not hurry it.
        if (rest_s := self._rests_until - time.monotonic()) > 0:
            return rest_s
        if not self._prepared and (wait_s := self._prepare()):
            self._rests_until = time.monotonic() + wait_s
            return wait_s
        # Refused, the upkeep is the probe, and says when the lane goes again.
        return _IDLE_S if self._upkeep.refused else 0

    def _newest_in_turn(self, behind: timedelta) -> bool:
        """Whether this claim takes the newest: every second one does while the lane is behind.

        Whoever registers while an import drains may stand at the till already; those in front are not there.
        """
        self._newest = behind > BEHIND and not self._newest
        return self._newest

    def _prepare(self) -> float:
        """Set the far side up before anything is claimed; how many seconds to wait when that was refused."""
        now = self._crew.now()
        if left := self._book.health_book.pause_left(self.lane.name, now=now):
            return min(left.total_seconds(), 5.0)
        try:
            self.lane.prepare()
        except StopLane as e:
            log.error("lane stopped", lane=self.lane.name, why=e.why, kind=e.kind)
            self._book.health_book.note(self.lane.name, judge(e), now=now)
            return _STOPPED_S
        except CarryError as e:
            log.warning("lane not ready", lane=self.lane.name, why=e.why, kind=e.kind)
            self._book.health_book.note(self.lane.name, judge(e), now=now)
            named = e.wait.total_seconds() if isinstance(e, TryLater) and e.wait else 2.0
            return min(max(named, 0.5), 30.0)
        self._prepared = True
        log.info("lane ready", lane=self.lane.name)
        return 0

    # -- carry, judge, settle ---------------------------------------------------------------------------------------

    def _carry_load(self, load: Sequence[Claimed]) -> None:
        try:
            started_at, began = self._crew.now(), time.perf_counter()
            notes: spans.Notes = {"lane": self.lane.name, "tasks": len(load)}
            with spans.span(f"carry {self.lane.name}", notes, request_id=load[0].task.request_id) as span:
                outcomes = self._carry(load)
                ms = (time.perf_counter() - began) * 1000
                _note(span, outcomes, started_at)
                with spans.span("settle"):
                    settled = self._settle(Settlement(self.lane.name, outcomes, started_at, ms))
            if any(isinstance(outcome, Retry) and outcome.stop for _, outcome in outcomes):
                self._prepared = False
            for claimed, outcome, left in settled:
                self._tell(claimed, outcome, left, ms)
        except Exception as e:
            # The lease ends by itself and brings the tasks back; the thread must live on.
            log.exception("settling failed", lane=self.lane.name, exception=type(e).__name__)
        finally:
            with self._lock:
                self._done += len(load)
                token = load[0].token
                self._live[token] -= 1
                if not self._live[token]:
                    del self._live[token]
            self._free.release()
            self.wake.set()

    def _carry(self, load: Sequence[Claimed]) -> list[tuple[Claimed, Outcome]]:
        results: Mapping[int, Result] = {}
        try:
            results = self.lane.carry([claimed.task for claimed in load])
        except CarryError as e:
            return [(claimed, judge(e)) for claimed in load]
        except StoreBusy as e:
            # Our own trouble, and soon over: it must not wait as long as one whom the far side refused as often.
            busy = Retry(STORE_WAIT, str(e), "store.busy", lane_wide=False, ours=True, doubt=True)
            return [(claimed, busy) for claimed in load]
        except Exception as e:
            log.exception("carrying failed", lane=self.lane.name, exception=type(e).__name__)
            return self._carry_in_parts(load, e)
        self._faults.well("carrying")
        return [(claimed, judge(results.get(claimed.customer_id))) for claimed in load]

    def _carry_in_parts(self, load: Sequence[Claimed], e: Exception) -> list[tuple[Claimed, Outcome]]:
        """A fault ended this carry: each half anew, in doubt, until it is known whose data it comes from.

        As soon as several customers met one by themselves it is nobody's data, and the lane stops.
        """
        if len(load) == 1:
            many = self._faults.carrying_met(load[0].customer_id)
            return [(load[0], stopped_for("carrying", e) if many else broken(e))]
        doubted = [replace(claimed, task=replace(claimed.task, doubt=True)) for claimed in load]
        middle = len(load) // 2
        first = self._carry(doubted[:middle])
        if self._faults.nobody_is_carried:
            return first + [(claimed, stopped_for("carrying", e)) for claimed in doubted[middle:]]
        return first + self._carry(doubted[middle:])

    def _settle(self, settlement: Settlement) -> list[tuple[Claimed, Outcome, Settled]]:
        """Write it down, with patience: what is not written was done for nothing, and is done in doubt again.

        A row that a fault of ours keeps from being written is left out, and comes back when its lease ends.
        """
        rows = settlement.outcomes
        try:
            settled = self._write_down(settlement)
        except StoreBusy:
            raise
        except Exception as e:
            if len(rows) > 1:
                return [left for row in rows for left in self._settle(replace(settlement, outcomes=[row]))]
            customer_id = rows[0][0].customer_id
            log.exception("settling failed", lane=self.lane.name, exception=type(e).__name__, customer_id=customer_id)
            self._faults.met("settling", e)
            return []
        self._faults.well("settling")
        return [(claimed, outcome, left) for (claimed, outcome), left in zip(rows, settled, strict=True)]

    def _write_down(self, settlement: Settlement) -> list[Settled]:
        settled = self._patiently(lambda: self._crew.clerk.do(settlement, timeout_s=20))
        late = {
            claimed.customer_id: written
            for (claimed, outcome), left in zip(settlement.outcomes, settled, strict=True)
            if left.refused and (written := _written(outcome)) is not None
        }
        if late:
            # Our lease was over, yet we wrote: perhaps over something newer of whoever took our place.
            self._patiently(lambda: self._book.send_again(self.lane.name, late, now=self._crew.now()))
        return settled

    def _patiently(self, write: Callable[[], T]) -> T:
        give_up_at = time.monotonic() + 3 * LEASE.total_seconds()
        while True:
            try:
                return write()
            except StoreBusy as e:
                if time.monotonic() > give_up_at:
                    raise
                log.warning("store busy", lane=self.lane.name, why=str(e))
                time.sleep(0.2)

    def _tell(self, claimed: Claimed, outcome: Outcome, left: Settled, ms: float) -> None:
        tell = log.info if isinstance(outcome, Done) else log.warning
        common = {"request_id": claimed.task.request_id, "customer_id": claimed.customer_id}
        tell(
            "result refused" if left.refused else "carried",
            lane=self.lane.name,
            attempt=claimed.task.attempt,
            duration_ms=round(ms, 1),
            outcome=type(outcome).__name__.lower(),
            did=outcome.did if isinstance(outcome, Done) else None,
            kind=None if isinstance(outcome, Done) else outcome.kind,
            why=None if isinstance(outcome, Done) else outcome.why,
            status=outcome.status,
            vendor_request_id=outcome.vendor_request_id,
            corrections=[f"{c['field']}:{c['what']}" for c in outcome.corrections]
            if isinstance(outcome, Done)
            else None,
            revision=claimed.revision,
            **common,
        )
        if end := left.completed:
            log.info("completed", total_ms=round(end.total_ms, 1), outcome=end.outcome, lanes=end.lanes, **common)


def _note(span: spans.Span, outcomes: Sequence[tuple[Claimed, Outcome]], started_at: datetime) -> None:
    """How it ended for the first, whose step this is, and for those who were carried with them."""
    for i, (claimed, outcome) in enumerate(outcomes):
        notes: spans.Notes = {
            "attempt": claimed.task.attempt,
            "outcome": type(outcome).__name__.lower(),
            "did": outcome.did if isinstance(outcome, Done) else None,
            "kind": None if isinstance(outcome, Done) else outcome.kind,
            "status": outcome.status,
            "waited_ms": round((started_at - claimed.since).total_seconds() * 1000, 1),
        }
        if i:
            span.also(claimed.task.request_id, notes)
        else:
            span.note(notes)
            if not isinstance(outcome, Done):
                span.fail(outcome.kind)


def _written(outcome: Outcome) -> Collection[str] | None:
    """The fields that this outcome may have changed at the far side; None when it surely changed nothing there."""
    match outcome:
        case Done(did="created" | "updated" | "linked"):
            return outcome.sent
        case Retry(doubt=True):
            return ()
        case _:
            return None
