"""A member index and a book of mail flags for one process, in memory: for commands run by hand and for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from typing import Any

from clients.smaregi.index import Freshness, Turn
from customer import FlagWritten, Member, Poll


class AloneIndex:
    """A ``MemberIndex`` that nobody shares. ``link`` says what the ledger would know: who is linked to whom.

    ``newcomers_wait`` is what ``newcomers`` tells.
    """

    def __init__(self, freshness: Freshness | None = None) -> None:
        self._lock = threading.Lock()
        self._freshness = freshness or Freshness()
        self._poll_until: datetime | None = None
        self._turns: dict[Turn, datetime] = {}
        self.newcomers_wait = False
        self._members: dict[str, tuple[Member, datetime]] = {}
        self._linked: dict[str, int] = {}
        self.memos: dict[int, dict[str, str]] = {}
        self._held: dict[str, tuple[int, datetime]] = {}

    def freshness(self) -> Freshness:
        return self._freshness

    def may_poll(self, now: datetime, until: datetime) -> bool:
        with self._lock:
            if self._poll_until is not None and self._poll_until > now:
                return False
            self._poll_until = until
            return True

    def polled(self, change: Callable[[Freshness], Freshness]) -> None:
        with self._lock:
            self._freshness = change(self._freshness)
            self._poll_until = None

    def newcomers(self, now: datetime, until: datetime) -> bool:  # noqa: ARG002
        return self.newcomers_wait

    def my_turn(self, what: Turn, now: datetime, hold: timedelta) -> bool:
        with self._lock:
            if now < self._turns.get(what, now) <= now + hold:
                return False
            self._turns[what] = now + hold
            return True

    def put(self, members: Iterable[Member], seen_at: datetime, *, touch: bool = False) -> None:
        with self._lock:
            self._put(members, seen_at, touch=touch)

    def heard(self, members: Iterable[Member], poll: Poll) -> None:
        with self._lock:
            self._put(members, poll.sent_at)
            self._freshness = self._freshness.after(poll)

    def _put(self, members: Iterable[Member], seen_at: datetime, *, touch: bool = False) -> None:
        for member in members:
            before, before_seen_at = self._members.get(member.id, (None, seen_at))
            if before == member:
                if touch:
                    self._members[member.id] = (member, max(seen_at, before_seen_at))
            elif before_seen_at <= seen_at:
                self._members[member.id] = (member, seen_at)
                if before is not None:
                    self._freshness = self._freshness.after_overwriting(seen_at)

    def forget_unseen(self, since: datetime) -> int:
        with self._lock:
            gone = [member_id for member_id, (_, seen_at) in self._members.items() if seen_at < since]
            for member_id in gone:
                del self._members[member_id]
            return len(gone)

    def forget(self, member_id: str) -> None:
        with self._lock:
            self._members.pop(member_id, None)

    def by_mail(self, mail: str) -> list[Member]:
        return self._where(lambda member: mail in member.mails)

    def by_code(self, code: str) -> list[Member]:
        return self._where(lambda member: member.code == code)

    def by_number(self, number: str) -> list[Member]:
        return self._where(lambda member: member.number == number)

    def linked_to(self, member_id: str) -> int | None:
        return self._linked.get(member_id)

    def link(self, member_id: str, customer_id: int) -> None:
        """Say that this member is linked to this Shopify id."""
        self._linked[member_id] = customer_id

    def remember(self, customer_id: int, memo: Mapping[str, str]) -> None:
        with self._lock:
            self.memos[customer_id] = dict(memo)

    def hold_mail(self, mail: str, customer_id: int, now: datetime, until: datetime) -> bool:
        with self._lock:
            holder = self._held.get(mail)
            if holder is not None and holder[0] != customer_id and holder[1] > now:
                return False
            self._held[mail] = (customer_id, until)
            return True

    def release_mail(self, mail: str, customer_id: int) -> None:
        with self._lock:
            holder = self._held.get(mail)
            if holder is not None and holder[0] == customer_id:
                del self._held[mail]

    def _where(self, fits: Callable[[Member], bool]) -> list[Member]:
        with self._lock:
            return [member for member, _ in self._members.values() if fits(member)]


class AtOnce(Executor):
    """Runs at once, and in the caller's thread, what others would run beside it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class AloneFlags:
    """A ``FlagBook`` that nobody shares."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.written: dict[int, FlagWritten] = {}

    def recall(self, customer_id: int) -> FlagWritten | None:
        return self.written.get(customer_id)

    def put(
        self,
        customer_id: int,
        written: FlagWritten | None,
        *,
        instead_of: FlagWritten | None,
        loose: bool = False,  # noqa: ARG002
    ) -> bool:
        with self._lock:
            if self.written.get(customer_id) != instead_of:
                return False
            if written is None:
                self.written.pop(customer_id, None)
            else:
                self.written[customer_id] = written
            return True
