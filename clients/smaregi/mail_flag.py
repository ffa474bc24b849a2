"""The mail flag of a member: an opt-out that somebody said at the till, or in Smaregi, is never turned back by us.

We write "1" over a "0" only where that "0" is our own. What we last wrote is kept in a ``FlagBook``, apart from the
marks of what was sent, because a resync, a new link and a lost answer blank the marks. What the book does not know is
not ours. https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/patchcustomersbulk : only the
fields of a PATCH change, so the flag stays out of every PATCH that need not change it.

Smaregi has no conditional write. Between our last look and the moment when our PATCH arrives somebody may still say no,
and is not heard; that is one call's way, since the look is repeated when the wait for the pace is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol, TypeAlias

from clients.errors import CarryError, TryLater
from clients.lane import fingerprint
from clients.smaregi.api import SmaregiApi
from clients.smaregi.rows import Row, changed_at, text
from customer import Correction, FlagWritten

FLAG: Final = "mailReceiveFlag"
#: So long a write whose answer was lost may still arrive; the ledger's own measure (``ledger.outcome.LATE``).
LATE: timedelta = timedelta(seconds=60)
#: A look is believed for so long: whoever stood still for longer looks again.
NEAR_S: Final = 5.0
SOON: Final = timedelta(seconds=2)
SECOND: Final = timedelta(seconds=1)  # their times are whole seconds

Verdict: TypeAlias = Literal["stands", "lower", "raise", "withhold", "wait"]


class FlagBook(Protocol):
    """What we last wrote to whose flag."""

    def recall(self, customer_id: int) -> FlagWritten | None:
        """What is known of this customer's member; None when nothing is."""

    def put(
        self, customer_id: int, written: FlagWritten | None, *, instead_of: FlagWritten | None, loose: bool = False
    ) -> bool:
        """Keep ``written``, or nothing; False, and nothing is done, where ``instead_of`` is not what stands there.

        ``loose``: it may be lost with the power.
        """


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about one member's flag. ``known`` is what the book held."""

    wanted: str
    verdict: Verdict
    known: FlagWritten | None = None

    @property
    def writes(self) -> bool:
        """Whether the flag has to be sent."""
        return self.verdict in ("lower", "raise")

    @property
    def mark(self) -> str:
        """What is remembered as sent: blank where it is not as wanted, so that the next carry looks again."""
        return "" if self.verdict in ("withhold", "wait") else fingerprint(self.wanted)

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """What people are told of it."""
        if self.verdict != "withhold":
            return ()
        return (
            Correction(
                FLAG, "withheld", "the member refuses mail in Smaregi: kept, although Shopify says that mail is wanted"
            ),
        )


class NotSent(Exception):
    """Something showed at the last moment that this should not be sent; it certainly was not."""


class _Moved(NotSent):
    """The flag is not as it was when it was decided what to write; nothing was sent."""


def judge(wanted: str, row: Row, ours: FlagWritten | None, now: datetime) -> Verdict:
    """What to do about the flag of this member; ``ours`` is what we know to have written to it. Pure."""
    there = text(row, FLAG)
    if there == wanted:
        return "stands"
    if wanted != "1":
        return "lower"
    if ours is None or ours.changed:
        return "withhold"
    if ours.flag == "0":
        return "raise"
    # Our "1" was sent, and a "0" stands there. It is our old one only if nothing was written to the member since.
    if ours.over is None or text(row, "updDateTime") != ours.over:
        return "withhold"
    # Sent again now, the first one could still arrive, behind the back of somebody who says no in between.
    return "wait" if abs(now - ours.at) < LATE else "raise"


def speaks_of(known: FlagWritten | None, row: Row, *, number: str | None) -> FlagWritten | None:
    """What the book knows, if it is about this member.

    ``number`` is the customer's own, where it is not settled yet whether our create made this member: then it has that
    code. None: this member is the customer's already.
    """
    if known is None:
        return None
    if known.member is None:
        return known if number is None or text(row, "customerCode") == number else None
    return known if known.member == text(row, "customerId") else None


def _heed(
    book: FlagBook, customer_id: int, known: FlagWritten | None, row: Row, number: str | None
) -> FlagWritten | None:
    """What the book knows after this look: whoever wrote a "1" over our "0" may write a "0", and that is not ours."""
    ours = speaks_of(known, row, number=number)
    if ours is None or ours.flag != "0" or ours.changed or text(row, FLAG) != "1":
        return known
    other = replace(ours, changed=True)
    return other if book.put(customer_id, other, instead_of=known) else book.recall(customer_id)


@dataclass(frozen=True, slots=True)
class _Tools:
    """What it takes to look and to write. ``tick`` goes on at one pace, however the clock is set."""

    api: SmaregiApi
    book: FlagBook
    now: Callable[[], datetime]
    tick: Callable[[], float] = time.monotonic


class MailFlag:
    """Decides about the flag of members, and writes it."""

    def __init__(self, api: SmaregiApi, book: FlagBook, *, now: Callable[[], datetime]) -> None:
        self._tools = _Tools(api, book, now)
        self._api = api
        self._book = book
        self._now = now

    def plan(self, customer_id: int, row: Row, wanted: str, *, number: str | None = None, peek: bool = False) -> Plan:
        """What is to be done about this member as it is now. ``peek``: nothing is written to the book."""
        known = self._book.recall(customer_id)
        if not peek:
            known = _heed(self._book, customer_id, known, row, number)
        return Plan(wanted, judge(wanted, row, speaks_of(known, row, number=number), self._now()), known)

    def guess(self, customer_id: int, wanted: str) -> Plan | None:
        """The change that the book makes likely, without a look at the member: ``write`` looks before it sends."""
        known = self._book.recall(customer_id)
        if known is None or known.changed or known.flag == wanted:
            return None
        return Plan(wanted, "raise" if wanted == "1" else "lower", known)

    def seen(self, customer_id: int, row: Row | None, wanted: str | None) -> Plan | None:
        """What to think of a flag that is not as we sent it, on a member that was just written to without it."""
        if row is None or wanted is None or text(row, FLAG) in ("", wanted):
            return None
        return self.plan(customer_id, row, wanted)

    # A create

    @contextmanager
    def creating(self, customer_id: int, flag: str, *, doubt: bool) -> Iterator[Callable[[str], None]]:
        """Note that a member is about to be made with this flag, for the answer may be lost; yields what to call, with
        the member's id, when it was made.

        An earlier create whose answer was lost (``doubt``) may have made it with a "1"; then no "0" of it is ours.
        """
        before = self._book.recall(customer_id)
        if before is None and flag == "1":
            # A "0" on a member of which nothing is known is not ours either.
            yield lambda _: None
            return
        had_one = doubt if before is None else before.member is None and (before.flag == "1" or before.changed)
        noted = FlagWritten("1" if had_one else flag, self._now())
        # Lost with the power, it is unknown, and unknown is not ours.
        if not self._book.put(customer_id, noted, instead_of=before, loose=before is None):
            raise _changing()

        def created(member_id: str) -> None:
            if noted.flag != flag:
                made = FlagWritten(flag, self._now(), member_id)
                self._book.put(customer_id, made, instead_of=noted, loose=True)

        try:
            yield created
        except (CarryError, NotSent) as e:
            if isinstance(e, NotSent) or not e.doubt:
                self._book.put(customer_id, before, instead_of=noted)  # it was certainly not made
            raise

    def linking(self, customer_id: int, row: Row, number: str) -> None:
        """A member is about to be linked: what the book knows of a create speaks of it, or of nobody."""
        known = self._book.recall(customer_id)
        if known is not None and known.member is None and speaks_of(known, row, number=number) is None:
            self._book.put(customer_id, None, instead_of=known)

    def forget(self, customer_id: int) -> None:
        """The member is gone, and its flag with it."""
        if (known := self._book.recall(customer_id)) is not None:
            self._book.put(customer_id, None, instead_of=known)

    # A change

    def write(
        self,
        customer_id: int,
        member_id: str,
        out: Mapping[str, str | None],
        plan: Plan | None,
        *,
        about: Mapping[str, str | None],
        number: str | None = None,
    ) -> tuple[Row | None, Plan | None]:
        """One PATCH with these fields, and with the flag where the plan says so; none where nothing is to be written.

        The member as it is now, None when that was not told; and the plan that was carried out, which is another one
        where the member is not as it was thought to be. Raises as ``SmaregiApi.update`` does, and ``TryLater`` unsent
        while an earlier "1" may still be on its way.
        """
        if plan is not None and plan.writes:
            try:
                return self._change(customer_id, member_id, plan, number).send(out, about), plan
            except _Moved:
                row = self._api.member(member_id)
                plan = self.plan(customer_id, row, plan.wanted, number=number)
            if plan.writes:
                try:
                    return self._change(customer_id, member_id, plan, number).send(out, about), plan
                except _Moved:
                    raise _changing() from None
        if plan is not None and plan.verdict == "wait":
            # Nothing else is written meanwhile: it would move the time by which a lost "1" is known.
            raise self._unsure(plan)
        return (self._api.update(member_id, out, about=about) if out else None), plan

    def _change(self, customer_id: int, member_id: str, plan: Plan, number: str | None) -> _Change:
        return _Change(self._tools, customer_id, member_id, plan, number)

    def _unsure(self, plan: Plan) -> TryLater:
        at = plan.known.at if plan.known else self._now()
        return TryLater(
            "the mail flag waits until an earlier write, whose answer was lost, cannot arrive any more",
            kind="smaregi.flag_unsure",
            wait=min(LATE, max(SECOND, LATE - (self._now() - at))),
            lane_wide=False,
        )


class _Change:
    """One PATCH that changes the flag: it looks again at the last moment, and notes a "1" before it is sent."""

    def __init__(self, tools: _Tools, customer_id: int, member_id: str, plan: Plan, number: str | None) -> None:
        self._tools = tools
        self._book = tools.book
        self._customer_id = customer_id
        self._member_id = member_id
        self._plan = plan
        self._number = number
        self._before: FlagWritten | None = None
        self._noted: FlagWritten | None = None
        self._there = ""
        self._looked_at = 0.0

    def send(self, out: Mapping[str, str | None], about: Mapping[str, str | None]) -> Row | None:
        fields = {**out, FLAG: self._plan.wanted}
        try:
            # Never done twice by itself: a try that is lost may have been heard, and answered at the till.
            row = self._tools.api.update(
                self._member_id, fields, about=about, before_send=self._look_again, repeatable=False
            )
        except _Moved:
            self._take_back()
            raise
        except CarryError as e:
            if not e.doubt:
                self._take_back()
            raise
        self._arrived()
        return row

    def _look_again(self) -> None:
        """See that it is still right to write this. A try before this one, if any, was certainly not done."""
        row = self._tools.api.member(self._member_id)
        self._looked_at, self._there = self._tools.tick(), text(row, FLAG)
        now = self._tools.now()
        known = _heed(self._book, self._customer_id, self._book.recall(self._customer_id), row, self._number)
        before = self._before if self._noted is not None and known == self._noted else known
        if judge(self._plan.wanted, row, speaks_of(before, row, number=self._number), now) != self._plan.verdict:
            raise _Moved
        self._before = before
        if self._plan.verdict == "raise":
            noted = FlagWritten("1", now, self._member_id, over=self._over(row))
            if not self._book.put(self._customer_id, noted, instead_of=known):
                raise _Moved
            self._noted = noted
        if self._tools.tick() - self._looked_at > NEAR_S:
            raise _Moved

    def _over(self, row: Row) -> str | None:
        """The member's ``updDateTime``, where a later write must show another one."""
        at, heard = changed_at(row), self._tools.api.heard_at
        return text(row, "updDateTime") if at and heard and heard - at >= SECOND else None

    def _take_back(self) -> None:
        """Nothing was sent, so what was known before still holds."""
        if self._noted is not None:
            self._book.put(self._customer_id, self._before, instead_of=self._noted)

    def _arrived(self) -> None:
        now = self._tools.now()
        if self._noted is not None:
            self._book.put(
                self._customer_id, replace(self._noted, at=now, over=None), instead_of=self._noted, loose=True
            )
        elif self._there == "1" and self._tools.tick() - self._looked_at <= NEAR_S:
            # The "1" that stood there a moment ago is what we wrote over, so this "0" is ours.
            self._book.put(
                self._customer_id, FlagWritten("0", now, self._member_id), instead_of=self._before, loose=True
            )


def _changing() -> TryLater:
    return TryLater(
        "the member's mail flag is changing right now", kind="smaregi.flag_changing", wait=SOON, lane_wide=False
    )
