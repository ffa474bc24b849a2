"""*Judge*: from what was read to what is wrong now. Pure; the clock comes in.

Each rule answers with what it sees. A rule that rises at one figure and goes at another hands the open alert back as
long as it holds, so that nothing flaps; one that cannot tell does the same. One trouble is one alert: a lane that is
open for its credential is told as that alone, and customers who were slow because a lane was away are not told as slow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from clients.shopify.node import PERSONAL
from clients.shopify.unseen import name_of
from ledger.alert import Alert, Sighting
from ledger.readings import MOST, Readings

#: Lanes stopped by these do not know us any more; no waiting mends that.
CREDENTIALS: Final = frozenset(
    {
        "shopify.credential",
        "shopify.forbidden",
        "shopify.access_denied",
        "shopify.scope_missing",
        "smaregi.credentials",
        "smaregi.token_refused",
        "smaregi.forbidden",
        "hubspot.token",
        "hubspot.scopes",
        "mail.credential",
    }
)
#: Whose member or contact is whose is a question about each customer, so each is told by itself.
SAME_PERSON: Final = frozenset(
    {
        "smaregi.several_members",
        "smaregi.linked_to_other",
        "hubspot.linked_to_other",
        "hubspot.email_taken",
        "hubspot.email_twice",
    }
)
#: Attempts that ended so say nothing of the POS: it asked us to wait, or we did not ask it.
SAYS_NOTHING: Final = frozenset(
    {
        "smaregi.busy",
        "smaregi.mail_held",
        "smaregi.member_changing",
        "smaregi.flag_changing",
        "smaregi.flag_unsure",
        "smaregi.index_building",
        "smaregi.index_stale",
        "token.busy",
        "store.busy",
    }
)
#: Those that say nothing of any far side: we did not ask it. They make no outage.
NO_OUTAGE: Final = SAYS_NOTHING - {"smaregi.busy"}
#: While one of these is open, and for whoever came before it was over, being slow is no news. So none rises together
#: with the notice that an outage is over.
TROUBLES: Final = ("open", "paused", "credential", "debt", "failing")

OLD_DEBT: Final = timedelta(minutes=15)
OLD_INDEX: Final = timedelta(minutes=5)
#: The newest so many who arrived, of whom so many must have been slow.
NEWEST, SLOW_ONES = 5, 3
SLOW, WELL_AGAIN = 3.0, 2.0
#: What is normal: the median of so many before them; until there are enough, this.
NORMAL_OF, ENOUGH, FIRST_NORMAL_MS = 200, 20, 2000.0
#: Nobody who walks up to a till notices less, however fast it usually is.
UNNOTICED_MS: Final = 1000.0
REFUSED_WITHIN: Final = timedelta(minutes=10)
#: So many 401 within that time are many; so few are the noise of the net.
MANY_REFUSED, FEW_REFUSED = 20, 5
#: So many customers are told one by one; of more at once only their number.
ONE_BY_ONE: Final = 10


@dataclass(frozen=True, slots=True)
class Rules:
    """What depends on the settings: the lanes that are on (without mail, whose failures only the log tells), the lane
    of the POS, and after how many failures in a row it is told. ``mail``: the lane whose health alone counts.
    """

    lanes: Sequence[str]
    pos: str = "smaregi"
    after_failures: int = 3
    mail: str | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """One moment as it is judged. ``usual_gap``: so long nothing may come at this hour (None: nobody knows yet).
    ``refused``: so many 401 within ``REFUSED_WITHIN``. ``calm_since``: no lane has been off or in trouble since then
    (None: one is). ``up_since``: when this process began to look.
    """

    at: datetime
    readings: Readings
    open_ones: Sequence[Alert]
    usual_gap: timedelta | None
    refused: int
    calm_since: datetime | None
    up_since: datetime | None = None

    def open_as(self, key: str) -> Alert | None:
        """The open alert with this key."""
        return next((alert for alert in self.open_ones if alert.key == key), None)


def judge(now: Now, rules: Rules) -> list[Sighting]:
    """Everything that is wrong now."""
    return [
        *_lanes(now, rules),
        *_failing(now, rules),
        *_slow(now),
        *_same_person(now),
        *_failed(now, rules),
        *_debts(now, rules),
        *_index(now, rules),
        *_silence(now),
        *_unreadable(now),
        *_refused(now),
        *_withheld(now, rules),
    ]


def _levels(count: int) -> Mapping[str, float]:
    """Ten times as many is news again; 0 for one, 1 for ten, 2 for a hundred."""
    return {"level": len(str(count)) - 1, "most": MOST if count >= MOST else 0}


# -- the rules ---------------------------------------------------------------------------------------------------------


def _lanes(now: Now, rules: Rules) -> Iterator[Sighting]:
    for lane in (*rules.lanes, *([rules.mail] if rules.mail else [])):
        health = now.readings.healths.get(lane)
        if health is None or health.breaker == "closed":
            continue
        since = health.opened_at or now.at
        if health.kind in CREDENTIALS:
            yield Sighting("credential", f"credential:{lane}", since, lane, cause=health.kind, why=health.why)
        elif health.paused_until is not None:
            yield Sighting("paused", f"paused:{lane}", since, lane, cause=health.kind, why=health.why)
            continue
        if health.kind not in CREDENTIALS or now.open_as(f"open:{lane}"):
            yield Sighting("open", f"open:{lane}", since, lane, cause=health.kind, why=health.why)


def _failing(now: Now, rules: Rules) -> Iterator[Sighting]:
    if rules.pos not in rules.lanes:
        return
    key, tried = f"failing:{rules.pos}", now.readings.pos
    streak = next((i for i, one in enumerate(tried) if one.well), len(tried))
    standing = now.open_as(key)
    if standing and (streak or not tried):
        yield standing
    health = now.readings.healths.get(rules.pos)
    is_open = health is not None and health.breaker != "closed"  # then that is told, and says more
    if not standing and streak >= rules.after_failures and not is_open:
        row = tried[:streak]
        customers = tuple(dict.fromkeys(one.customer_id for one in row))
        yield Sighting(
            "failing",
            key,
            row[-1].started_at,
            rules.pos,
            customer_id=customers[0] if len(customers) == 1 else None,
            cause=row[0].cause,
            count=streak,
            customers=customers[:5],
        )


def _slow(now: Now) -> Iterator[Sighting]:
    arrived, standing = now.readings.arrived, now.open_as("slow")
    calm = now.calm_since
    newest = [] if calm is None else [one.counted_ms for one in arrived[:NEWEST] if one.came_at >= calm]
    before = [one.counted_ms for one in arrived[NEWEST : NEWEST + NORMAL_OF]]
    normal = median(before) if len(before) >= ENOUGH else FIRST_NORMAL_MS
    if len(newest) < SLOW_ONES:
        if standing:
            yield standing
    elif standing:
        if median(newest) >= max(WELL_AGAIN * normal, UNNOTICED_MS):
            yield standing
    else:
        slow = [ms for ms in newest if ms > max(SLOW * normal, UNNOTICED_MS)]
        if len(slow) >= SLOW_ONES:
            yield Sighting("slow", "slow", now.at, facts={"ms": round(median(newest)), "normal_ms": round(normal)})


def _same_person(now: Now) -> Iterator[Sighting]:
    """One alert a customer, whatever the lanes; of many at once one for all of them, until none of those is left."""
    of_customer: dict[int, list[tuple[str, str, datetime]]] = defaultdict(list)
    for customer_id, lane, cause, since in now.readings.twins:
        of_customer[customer_id].append((lane, cause, since))
    told = {alert.customer_id for alert in now.open_ones if alert.kind == "same_person"}
    new = [i for i in of_customer if i not in told]
    together = now.open_as("same_person") is not None or len(new) + len(told - {None}) > ONE_BY_ONE
    if new and together:
        since = min(at for i in new for _, _, at in of_customer[i])
        yield Sighting(
            "same_person", "same_person", since, count=len(new), customers=tuple(new[:5]), facts=_levels(len(new))
        )
    for i in of_customer:
        if i in told or not together:
            lane, cause, since = of_customer[i][0]
            yield Sighting("same_person", f"same_person:{i}", since, lane, i, cause, customers=(i,))


def _failed(now: Now, rules: Rules) -> Iterator[Sighting]:
    for one in now.readings.waiting:
        if one.lane in rules.lanes:
            only = one.customers[0] if one.count == 1 else None
            yield Sighting(
                "failed",
                f"failed:{one.lane}:{one.cause}",
                one.since,
                one.lane,
                customer_id=only,
                cause=one.cause,
                count=one.count,
                customers=one.customers,
                facts=_levels(one.count),
            )


def _debts(now: Now, rules: Rules) -> Iterator[Sighting]:
    for lane in rules.lanes:
        since = now.readings.debts.get(lane)
        if since is not None and now.at - since > OLD_DEBT:
            yield Sighting("debt", f"debt:{lane}", since, lane)


def _index(now: Now, rules: Rules) -> Iterator[Sighting]:
    """A lane that has stopped says more; after that, and after a start, the index has time to be read up."""
    fresh_at, health = now.readings.index_fresh_at, now.readings.healths.get(rules.pos)
    if rules.pos not in rules.lanes or fresh_at is None or (health is not None and health.breaker != "closed"):
        return
    if any(now.open_as(f"{kind}:{rules.pos}") for kind in ("open", "paused", "credential")):
        return
    known_to = fresh_at if now.open_as("index") else max(fresh_at, now.up_since or fresh_at)
    if now.at - known_to > OLD_INDEX:
        yield Sighting("index", "index", fresh_at, rules.pos)


def _silence(now: Now) -> Iterator[Sighting]:
    """Only a delivery ends it: at night a longer silence is usual, and would hide one that began in the evening."""
    last, standing = now.readings.last_delivery, now.open_as("silence")
    if standing:
        if last is None or last <= standing.since:
            yield standing
    elif last is not None and now.usual_gap is not None and now.at - last > now.usual_gap:
        yield Sighting("silence", "silence", last, facts={"usual_s": round(now.usual_gap.total_seconds())})


def _unreadable(now: Now) -> Iterator[Sighting]:
    """It stands until each of them has been closed, or was posted again and could be read."""
    if now.readings.unreadable:
        count, since = now.readings.unreadable
        yield Sighting("unreadable", "unreadable", since, count=count, facts=_levels(count))


def _refused(now: Now) -> Iterator[Sighting]:
    standing = now.open_as("refused")
    if standing:
        if now.refused >= FEW_REFUSED:
            yield standing
    elif now.refused >= MANY_REFUSED:
        yield Sighting("refused", "refused", now.at - REFUSED_WITHIN, count=now.refused)


def _withheld(now: Now, rules: Rules) -> Iterator[Sighting]:
    """One for all personal fields together; the others are told on the pages alone."""
    fields = {name_of(key): since for key, since in now.readings.unseen.items() if key in PERSONAL}
    if fields and "shopify" in rules.lanes:
        why = ", ".join(fields)
        yield Sighting("withheld", "withheld", min(fields.values()), "shopify", cause="shopify.withheld", why=why)
