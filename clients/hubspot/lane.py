"""HubSpot as a lane: up to a hundred customers at a time, in two round trips when nothing is amiss."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

from clients.checkup import Finding, clock
from clients.errors import StopLane
from clients.http import Answer
from clients.hubspot.api import MOST, HubSpotApi
from clients.hubspot.checking import examine
from clients.hubspot.flow import Flow
from clients.hubspot.looking import look
from clients.hubspot.rows import fold
from clients.hubspot.setup import Findings, check, setup, wrong_ones
from clients.hubspot.sorting import Verdict, sort_answer
from clients.lane import Look, Result
from clients.pace import PaceStore
from customer import Task

CALLS_A_BATCH: Final = 3  # of new customers: two reads side by side, one upsert
JAPAN: Final = timezone(timedelta(hours=9))


class HubSpotLane:
    """Customers on the way to HubSpot; a ``clients.lane.Lane``."""

    name = "hubspot"
    batch = MOST
    # https://developers.hubspot.com/docs/api-reference/error-handling : records lock for 2 s under parallel writes, but
    # no two batches hold the same customer. A new one is two round trips; while they last, the next batches set out.
    threads = 8

    def __init__(
        self,
        *,
        access_token: str,
        api_url: str,
        pace_store: PaceStore,
        portal_id: int | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = HubSpotApi(access_token=access_token, api_url=api_url, pace_store=pace_store, now=now, sleep=sleep)
        self._flow = Flow(self._api, sort=self._sort, prepare=self.prepare)
        self._now = now
        self._sleep = sleep
        self._portal_id = portal_id
        self._zone: ZoneInfo | None = None

    def __repr__(self) -> str:
        return f"HubSpotLane({self._api!r})"

    @property
    def gap(self) -> timedelta:
        """As long as the pace needs for a batch: one that sets out sooner is smaller, and waits all the same."""
        return timedelta(seconds=CALLS_A_BATCH / self._api.pace.per_second)

    def prepare(self) -> None:
        """See that the token is good, and that the group and the properties are there as they must be.

        Raises ``StopLane`` with the mend, or ``TryLater``.
        """
        self._look_at_account()
        if stop := wrong_ones(self.setup()):
            raise stop

    def setup(self) -> Findings:
        """Create what is missing: (property, ``present`` | ``created`` | ``wrong: ...``) for each of ours."""
        return setup(self._api, sleep=self._sleep)

    def check(self) -> Findings:
        """Look, and change nothing: (property, ``present`` | ``missing`` | ``wrong: ...``) for each of ours."""
        return check(self._api)

    def tend(self) -> timedelta | None:
        """None: nothing is kept of HubSpot that would need upkeep."""
        return None

    def carry(self, tasks: Sequence[Task]) -> Mapping[int, Result]:
        """A result for each Shopify id; whatever one row meets, the others are settled without it."""
        rows = fold(tasks, self._today())
        for row in rows:
            if row.result is None and not row.lost and not row.changes:
                row.arrived("unchanged")
        todo = [row for row in rows if row.result is None]
        for start in range(0, len(todo), MOST):
            self._flow.carry(todo[start : start + MOST])
        return {row.customer_id: row.result for row in rows if row.result is not None}

    def preview(self, task: Task) -> Look:
        """What a carry would do to this contact; see ``clients.lane.Previews``."""
        return look(self._api, task, today=self._today(), sort=self._sort)

    def examine(self) -> Iterator[Finding]:
        """See that key, scopes and properties are right; see ``clients.checkup``."""
        yield from examine(self._api, check=self.check, sort=self._sort, portal_id=self._portal_id)
        yield clock(self._api.heard_at, self._now())

    def _look_at_account(self) -> None:
        """The cheapest look at the token; it tells the time zone in which the daily limit ends."""
        answer = self._api.account()
        if answer.status == 401 and isinstance(stop := self._sort(answer), StopLane):
            raise stop
        # Whatever else it says is no reason to stop: the path is not documented for this version.
        if answer.ok and isinstance(answer.body, Mapping):
            try:
                self._zone = ZoneInfo(str(answer.body.get("timeZone")))
            except (KeyError, ValueError, OSError):
                self._zone = None

    def _sort(self, answer: Answer) -> Verdict:
        return sort_answer(answer, now=self._now(), zone=self._zone)

    def _today(self) -> date:
        return self._now().astimezone(JAPAN).date()
