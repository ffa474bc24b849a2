"""What is looked through by `flask doctor`, and what each thing means. Looks and judges; prints nothing.

The far sides are asked side by side, each for so long and no longer: one that hangs costs its own lines alone.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from clients.checkup import Examines, Finding, ok, skipped, wrong
from clients.errors import CarryError
from clients.hurry import one_try
from clients.lane import Lane
from handlers.causes import cause_of
from handlers.house import LANES, House
from handlers.telling import age
from ledger.breaker import pause_left
from ledger.database import StoreBusy
from ledger.seal import WrongKey
from ledger.soundness import Life, Soundness, life, soundness, try_to_write

#: The groups in their order, each with what was found.
Findings = Mapping[str, Sequence[Finding]]
Check = Callable[[], Iterable[Finding]]

ANSWER_S: Final = 8.0
IN_ALL_S: Final = 30.0
_LATE: Final = timedelta(minutes=1)
_QUIET: Final = timedelta(days=1)
_MANY: Final = 5
_NETWORK: Final = re.compile(r"nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|glusterfs|fuse\..*|vboxsf|virtiofs")
_LEAST_FREE: Final = 500_000_000
_LEAST_POSTGRESQL: Final = 16


def examine(house: House, more: Mapping[str, Check], *, in_all_s: float = IN_ALL_S) -> Findings:
    """Everything, group by group; ``more`` are the groups that the roof adds. Never raises."""
    groups: dict[str, Sequence[Finding]] = {name: list(_guarded(check)) for name, check in more.items()}
    usable = True
    try:
        groups["database"] = list(_database(house))
    except StoreBusy as e:
        usable = False
        groups["database"] = [wrong("database", str(e), "see DATABASE_URL, and whether the database runs")]
    except WrongKey as e:
        usable = False
        groups["database"] = [wrong("data keys", str(e), "put the missing key back into DATA_KEYS")]
    if usable and not any(f.state == "wrong" and f.what == "migrations" for f in groups["database"]):
        groups["worker"] = list(_guarded(lambda: _worker(house)))
        groups["webhooks"] = list(_guarded(lambda: _webhooks(house)))
        groups |= _far_sides(house, in_all_s)
    return groups


def is_well(groups: Findings) -> bool:
    """Whether nothing is wrong."""
    return not any(finding.state == "wrong" for findings in groups.values() for finding in findings)


def _guarded(check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except StoreBusy as e:
        yield wrong("database", str(e), "see DATABASE_URL, and whether the database runs")


# -- the database -----------------------------------------------------------------------------------------------------


def _database(house: House) -> Iterator[Finding]:
    told = soundness(house.database)
    yield ok("reachable", f"{'PostgreSQL' if told.on_postgresql else 'SQLite'} {told.version}")
    if told.shape == "behind":
        yield wrong("migrations", "the database lacks one", "run flask db upgrade")
        return
    newer = "the database is newer than this version: a newer one has migrated it, and this one works on it"
    yield ok("migrations", newer if told.shape == "newer" else "all have been run")
    try:
        try_to_write(house.database)
        yield ok("writable", "a row was written and taken back")
    except StoreBusy as e:
        yield wrong("writable", str(e), "see who holds it, and whether its disk is full or read-only")
    yield from judge_soundness(told)
    house.keys.check()
    if house.database.seal:
        yield ok("DATA_KEYS", "fit what is kept")


def judge_soundness(told: Soundness) -> Iterator[Finding]:
    """What the database's own settings, disk and version mean. Pure."""
    if told.on_postgresql:
        major = int(found[0]) if (found := re.match(r"\d+", told.version)) else 0
        if major < _LEAST_POSTGRESQL:
            yield wrong("version", f"PostgreSQL {told.version} is too old", f"{_LEAST_POSTGRESQL} or newer is needed")
        off = [name for name, value in sorted((told.settings or {}).items()) if value == "off"]
        if off:
            yield wrong(
                "durability",
                f"{', '.join(off)} off: with the power goes what Shopify was told is kept",
                "switch it on in postgresql.conf",
            )
        else:
            yield ok("durability", "what is committed outlives the power")
        return
    if told.journal == "wal":
        yield ok("journal", "WAL")
    else:
        yield wrong("journal", f"{told.journal}, not WAL", "put the file on a disk of this machine's own")
    if told.filesystem and _NETWORK.fullmatch(told.filesystem):
        yield wrong(
            "disk",
            f"the file lies on {told.filesystem}, whose locks SQLite cannot trust",
            "put it on a disk of this machine's own, or use PostgreSQL",
        )
    elif told.free is not None and told.free < max(_LEAST_FREE, (told.size or 0) // 10):
        yield wrong("disk", f"{told.free / 1e6:,.0f} MB are free", "make room: a full disk turns webhooks away (503)")
    elif told.free is not None:
        yield ok("disk", f"{(told.size or 0) / 1e6:,.1f} MB used, {told.free / 1e9:,.1f} GB free")


# -- the worker -------------------------------------------------------------------------------------------------------


def _worker(house: House) -> Iterator[Finding]:
    now = house.now()
    due = {
        lane: at
        for lane in LANES
        if lane not in house.lanes_off and (at := house.book.next_due(lane, now=now, updates_too=house.updates_too))
    }
    fresh = house.members.freshness().fresh_at if "smaregi" not in house.lanes_off else None
    yield judge_worker(life(house.database, now), due, fresh, now)
    for report in house.report.lanes([lane for lane in LANES if lane not in house.lanes_off]):
        if report.health.breaker != "closed":
            cause = cause_of(report.lane, report.health.kind)
            why = report.health.why or cause.title
            left = pause_left(report.health, now)
            state = f"asked to wait {left.total_seconds() / 60:.0f} min more" if left else report.health.breaker
            mend = f"{cause.do} Once it is mended: flask lane try {report.lane}"
            yield wrong(f"lane {report.lane}", f"{state}: {why}", mend)


def judge_worker(told: Life, due: Mapping[str, datetime], fresh_at: datetime | None, now: datetime) -> Finding:
    """Whether a worker carries, by what waits for it. Pure."""
    late = [lane for lane, at in due.items() if at < now - _LATE]
    mend = "start one: flask worker (Procfile: worker), and see its log"
    if told.abandoned:
        return wrong("worker", f"{told.abandoned:,} tasks were left by a worker that is gone", mend)
    if late and not told.held:
        oldest = min(due[lane] for lane in late)
        return wrong("worker", f"{', '.join(late)}: due {age(oldest, now)}, and nobody carries", mend)
    if told.held:
        return ok("worker", f"carries {told.held:,} tasks at this moment")
    if fresh_at and now - fresh_at < _LATE:
        return ok("worker", "keeps the member index fresh; nothing is due")
    return skipped("worker", f"cannot be told: nothing is due; the last attempt began {age(told.last_attempt, now)}")


# -- webhooks ---------------------------------------------------------------------------------------------------------


def _webhooks(house: House) -> Iterator[Finding]:
    now = house.now()
    refused = house.tallies.of(now.date().isoformat()).get("refused 401", 0)
    yield judge_secret(refused, house.report.last_delivery(), now)
    used = life(house.database, now).secrets
    idle = [label for label, _ in house.secrets if label not in used]
    if used:
        seen = ", ".join(f"{label} {count:,}" for label, count in sorted(used.items()))
        more = f"; not used by them: {', '.join(idle)}" if idle else ""
        yield ok("secrets in use", f"of the last deliveries: {seen}{more}")
    if at := house.report.last_delivery("test"):
        yield ok("test notification", f"the last came {age(at, now)}")
    else:
        yield skipped(
            "test notification", "none has come; the Shopify admin sends one (Settings > Notifications > Webhooks)"
        )
    if unreadable := house.unreadable.left().count:
        yield wrong(
            "bodies",
            f"{unreadable:,} signed bodies could not be read",
            "flask deliveries list names them: post them again once they can be read, or close them (docs/replay.md)",
        )


def judge_secret(refused: int, last: datetime | None, now: datetime) -> Finding:
    """Whether the secret is right: Shopify cannot be asked for it, but what came tells. Pure."""
    what, mend = "webhook secret", "copy it anew into SHOPIFY_WEBHOOK_SECRETS: the app's client secret, or the admin's"
    recent = last is not None and now - last < _QUIET
    if refused >= _MANY and not recent:
        return wrong(what, f"{refused:,} refused today (401), none accepted: the secret is wrong", mend)
    if recent:
        also = f"; {refused:,} refused today (401)" if refused else ""
        return ok(what, f"the last good delivery came {age(last, now)}{also}")
    if refused:
        return skipped(what, f"{refused:,} refused today (401), and none accepted for a day: {mend}")
    never = "no delivery has come yet" if last is None else f"the last delivery came {age(last, now)}"
    return skipped(what, f"cannot be told: {never}")


# -- the far sides ----------------------------------------------------------------------------------------------------


def _far_sides(house: House, in_all_s: float) -> dict[str, list[Finding]]:
    built = {lane.name: lane for lane in house.lanes()}
    groups: dict[str, list[Finding]] = {}
    threads: list[tuple[str, threading.Thread]] = []
    for name in LANES:
        groups[name] = [skipped("lane", f"off: {house.lanes_off[name]}")] if name in house.lanes_off else []
        if name in built:
            thread = threading.Thread(target=_look, args=(built[name], groups[name].append), daemon=True)
            threads.append((name, thread))
            thread.start()
    whole = threading.Event()
    timer = threading.Timer(in_all_s, whole.set)
    timer.daemon = True
    timer.start()
    for name, thread in threads:
        while thread.is_alive() and not whole.is_set():
            thread.join(0.05)
        if thread.is_alive():
            groups[name] = [*groups[name], wrong("answers", f"none within {in_all_s:.0f} s", "see its status page")]
    timer.cancel()
    return groups


def _look(lane: Lane, tell: Callable[[Finding], None]) -> None:
    """Every line of one far side; a lane that cannot look through itself is asked to make ready."""
    try:
        with one_try(ANSWER_S):
            if isinstance(lane, Examines):
                for finding in lane.examine():
                    tell(finding)
            else:
                lane.prepare()
                tell(ok("ready", "it lets us in"))
    except CarryError as e:
        tell(wrong("access", e.why, cause_of(lane.name, e.kind).do))
    except StoreBusy as e:
        tell(wrong("database", str(e)))
    except Exception as e:  # noqa: BLE001 - one far side's surprise must not hide the others
        tell(wrong("answers", f"looking failed ({type(e).__name__}): a fault of ours", "report it"))
