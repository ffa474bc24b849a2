"""The watchman: sees what is wrong, and tells it. Two loops in every worker, of which one at a time looks.

Neither ever holds the work up: each has a thread of its own, its looks are bounded, and what cannot be sent waits in
the ledger. A lane that opens and closes again between two looks is not told: it mattered to nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from clients.notify import LIMIT_S, Heard, Tone, mark_of, send
from handlers.alert_changes import all_on_since, changes, count_refused
from handlers.alert_words import english, notice, trial_notice, words_of
from handlers.alerting import NO_OUTAGE, SAME_PERSON, SAYS_NOTHING, TROUBLES, Now, Rules, judge
from ledger.alert import Alert
from ledger.alerts import LONGEST_BACK_OFF, Alerts
from ledger.database import Database, StoreBusy
from ledger.readings import Asked, look

log = structlog.get_logger()

LOOK_S: Final = 10.0
TELL_S: Final = 5.0
#: A little less than a round, so that whoever looked last looks again, and else the next one does.
_TURN: Final = timedelta(seconds=LOOK_S - 1)
#: Longer than a notice may take.
LEASE: Final = timedelta(seconds=3 * LIMIT_S)
_AT_ONCE: Final = 5
_KEPT: Final = timedelta(days=180)
_PRUNE_EVERY: Final = timedelta(hours=1)


class Send(Protocol):
    """``clients.notify.send``, or a stand-in."""

    def __call__(self, addresses: Sequence[str], title: str, body: str, tone: Tone) -> list[Heard]:
        """How each address took it."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom to tell (``ADMIN_NOTIFY_URLS``), and where the console is reached (``PUBLIC_URL``)."""

    addresses: Sequence[str] = ()
    public_url: str | None = None

    def __repr__(self) -> str:
        return f"Audience({len(self.addresses)} addresses)"  # an address holds secrets


class Watchman:
    """Looks and tells; ``usual_gap`` knows for how long nothing may come at an hour (None: not yet)."""

    def __init__(
        self,
        alerts: Alerts,
        database: Database,
        rules: Rules,
        audience: Audience,
        *,
        updates_too: bool,
        usual_gap: Callable[[datetime], timedelta | None],
        now: Callable[[], datetime],
        send: Send = send,
    ) -> None:
        self._alerts = alerts
        self._database = database
        self._rules = rules
        self._audience = audience
        self._asked = Asked(
            lanes=rules.lanes,
            pos=rules.pos,
            says_nothing=SAYS_NOTHING,
            twins=SAME_PERSON,
            updates_too=updates_too,
            attempts=rules.after_failures,
            no_outage=NO_OUTAGE,
        )
        self._usual_gap = usual_gap
        self._now = now
        self._up_since = now()
        self._send = send
        self._prune_at: datetime | None = None

    @property
    def audience(self) -> Audience:
        """Whom it tells."""
        return self._audience

    def try_out(self) -> list[Heard]:
        """Send everybody a notice that says it is a test; how each took it."""
        title, body = trial_notice(self._audience.public_url)
        return self._send(self._audience.addresses, title, body, "info")

    # -- looking ------------------------------------------------------------------------------------------------------

    def look_loop(self, stop: threading.Event) -> None:
        """Look every ten seconds, until ``stop``."""
        while not stop.wait(LOOK_S):
            try:
                self.look()
            except StoreBusy as e:
                log.warning("store busy", why=str(e))
            except Exception as e:
                log.exception("not looked", exception=type(e).__name__)

    def look(self) -> bool:
        """Look once, and write down what has changed; False when it is another process's turn. Raises ``StoreBusy``."""
        at = self._now()
        turn = self._alerts.take_turn(at, _TURN)
        if turn is None:
            return False
        until, memory = turn
        readings = look(self._database, self._asked, at)
        open_ones = self._alerts.open_ones()
        on_since, memory_of_lanes = all_on_since(memory, self._asked.lanes, at, updates_too=self._asked.updates_too)
        refused, remember = count_refused({**memory, **(memory_of_lanes or {})}, readings.refused, at)
        remember = remember or ({**memory, **memory_of_lanes} if memory_of_lanes else None)
        calm_since = self._calm_since(open_ones, on_since)
        moment = Now(at, readings, open_ones, self._usual_gap(at), refused, calm_since, up_since=self._up_since)
        somebody = bool(self._audience.addresses)
        changed = changes(judge(moment, self._rules), open_ones, at, somebody=somebody)
        rose, over = self._alerts.write(changed, now=at, tell=somebody, turn=until, memory=remember)
        for alert in (*rose, *over):
            _log(alert)
        if self._prune_at is None or at >= self._prune_at:
            self._prune_at = at + _PRUNE_EVERY
            self._alerts.prune(at - _KEPT)
        return True

    def _calm_since(self, open_ones: Sequence[Alert], on_since: datetime) -> datetime | None:
        if any(alert.kind in TROUBLES for alert in open_ones):
            return None
        # A moment that lies ahead was written by a clock that has been set back since.
        return max(min(self._alerts.last_ended(TROUBLES) or on_since, self._now()), on_since)

    # -- telling ------------------------------------------------------------------------------------------------------

    def tell_loop(self, stop: threading.Event) -> None:
        """Tell what nobody has been told, until ``stop``; at once over where there is nobody to tell."""
        while self._audience.addresses and not stop.wait(TELL_S):
            try:
                self.tell(stop)
            except StoreBusy as e:
                log.warning("store busy", why=str(e))
            except Exception as e:
                log.exception("not told", exception=type(e).__name__)

    def tell(self, stop: threading.Event | None = None) -> int:
        """Tell what is due, the oldest news first; how many alerts. Raises ``StoreBusy``.

        What was claimed and is left when ``stop`` is set comes back when its lease ends.
        """
        for alert in self._alerts.end_unknown(now=self._now(), lease=LEASE):
            log.warning("alert not sent", kind=alert.kind, lane=alert.lane, why=alert.trouble)
        count = 0
        for alert in self._alerts.claim(_AT_ONCE, now=self._now(), lease=LEASE):
            if (stop is None or not stop.is_set()) and self._alerts.begin(alert, now=self._now(), lease=LEASE):
                self._tell_one(alert)
                count += 1
        return count

    def _tell_one(self, alert: Alert) -> None:
        left = [address for address in self._audience.addresses if mark_of(address) not in alert.told_to]
        title, body = notice(alert, self._audience.public_url)
        heard = self._send(left, title, body, "success" if alert.news == "over" else "failure") if left else []
        failed = [one for one in heard if one.how == "not sent"]
        troubles = dict.fromkeys(f"{one.label}: {one.why}" for one in heard if one.how != "sent")
        trouble, again_in = "; ".join(troubles) or None, _back_off(alert.tries)
        self._alerts.told(
            alert,
            now=self._now(),
            told_to=[mark_of(left[one.place]) for one in heard if one.how != "not sent"],
            trouble=trouble,
            again_at=self._now() + again_in if failed else None,
        )
        if trouble:
            wait_s = again_in.total_seconds() if failed else None
            log.warning("alert not sent", kind=alert.kind, lane=alert.lane, why=trouble, wait_s=wait_s)


def _back_off(tries: int) -> timedelta:
    """How long what could not be sent waits: 30 s, doubled each time, a quarter of an hour at most."""
    return min(timedelta(seconds=30 * 2 ** min(tries, 10)), LONGEST_BACK_OFF)


def _log(alert: Alert) -> None:
    tell = log.info if alert.over_at else log.error
    tell(
        "alert",
        kind=alert.kind,
        state="over" if alert.over_at else "open",
        lane=alert.lane,
        customer_id=alert.customer_id,
        count=alert.count,
        reason=alert.cause,
        why=words_of(alert, english).title,
    )
