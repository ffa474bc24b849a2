"""The member index in the database: our local copy of what is needed to find a member by e-mail, code or number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, TypeAlias

from sqlalchemy import Connection, delete, func, or_, select, text, update

from customer import Freshness, Member, Poll
from japan.mail import FORM
from ledger import tables as t
from ledger.breaker import free_from
from ledger.database import Database
from ledger.health import HealthBook
from ledger.lease import ended, free
from ledger.older_form import OLDER, being_written, beside, name_of
from ledger.rows import insert_of
from ledger.seal import Seal
from ledger.turn import take_turn

Turn: TypeAlias = Literal["poll", "look_back"]

_MOMENTS = ("scanned_at", "scan_began_at", "fresh_at")
#: One for each form of an e-mail: a scan under another form says nothing of how these rows are found.
CURSOR: Final = name_of(FORM)
#: A poll that looks back at least so far comes once in ten seconds, and tidies up as well.
_FAR_BACK: Final = timedelta(minutes=1)
# As it stands in the index of who is new: a value handed in beside the statement would not lead a planner there.
_PENDING, _RUNNING = text("tasks.state = 'pending'"), text("tasks.state = 'running'")
#: An e-mail is held for five minutes at most: the longest that the lane asks for.
_MAIL_HOLD = timedelta(minutes=5)

_CURSORS: Final = select(t.cursors.c.name, t.cursors.c.value).where(t.cursors.c.name.in_((CURSOR, *OLDER)))


def freshness_of(c: Connection) -> Freshness:
    """How much the index holds in the form of today."""
    values = {row.name: row.value for row in c.execute(_CURSORS).all()}
    return beside(values.get(name) for name in OLDER).over(_read(values.get(CURSOR)))


class Members:
    """The rows of ``members``, their e-mails, and how fresh they are; shared by all processes.

    ``lane`` is the lane whose tasks' refs say which customer is linked to which member.
    """

    cursor: ClassVar[str] = CURSOR

    def __init__(self, database: Database, *, lane: str = "smaregi") -> None:
        self._database = database
        self._lane = lane
        self._insert = insert_of(database)

    def freshness(self) -> Freshness:
        """How much the index holds in the form of today."""
        with self._database.reading() as c:
            return freshness_of(c)

    def newcomers(self, now: datetime, until: datetime) -> bool:
        """Whether customers who are not linked to a member are being carried, or may be by ``until``.

        While the lane is open, or was asked to wait, only those who are being carried.
        """
        new = (t.tasks.c.lane == self._lane, t.tasks.c.ref.is_(None))
        pending = [
            select(t.tasks.c.customer_id).where(*new, _PENDING, t.tasks.c.held.is_(held), t.tasks.c.due_at <= until)
            for held in (False, True)
        ]
        running = select(t.tasks.c.customer_id).where(*new, _RUNNING)
        with self._database.reading() as c:
            free = free_from(HealthBook.look(c, self._lane), now, now) <= until
            return any(c.execute(query.limit(1)).first() for query in (running, *(pending if free else ())))

    def may_poll(self, now: datetime, until: datetime) -> bool:
        """Whether the caller alone may scan now; the right ends by itself at ``until``."""
        with self._database.writing(loose=True) as c:
            self._begin(c)
            ours = free(t.cursors.c.held_until, now, until - now)
            mine = update(t.cursors).where(t.cursors.c.name == self.cursor, ours).values(held_until=until)
            return not being_written(c, now, until - now) and bool(c.execute(mine).rowcount)

    def my_turn(self, what: Turn, now: datetime, hold: timedelta) -> bool:
        """Whether the caller may begin this now; nobody else may for ``hold``, and then whoever asks first."""
        return take_turn(self._database, f"{self.cursor}.{what}", now, hold) is not None

    def polled(self, change: Callable[[Freshness], Freshness]) -> None:
        """Write down how far a scan came, in one step with reading what stands there, and give up the right to scan."""
        with self._database.writing() as c:
            self._write_freshness(c, change(self._locked_freshness(c)), held_until=None)

    def put(self, members: Iterable[Member], seen_at: datetime, *, touch: bool = False) -> None:
        """Add these members, or replace what was known of them; ``seen_at`` is when the call that showed them was sent.

        A member that did not change is not written, unless ``touch``: then it counts as seen. One that a later call
        showed is left alone.
        """
        rows = {m.id: m for m in members}
        if not rows:
            return
        with self._database.writing(loose=True) as c:
            freshness = self._locked_freshness(c)
            after = self._put(c, rows, seen_at, freshness, touch=touch)
            if after != freshness:
                self._write_freshness(c, after)

    def heard(self, members: Iterable[Member], poll: Poll) -> None:
        """``put``, and in the same step ``Freshness.after``: these are the last rows of the answer to ``poll``.

        It may be lost with the power: then ``fresh_at`` is lost, too, and the next poll looks back farther.
        """
        rows = {m.id: m for m in members}
        with self._database.writing(loose=True) as c:
            freshness = self._locked_freshness(c)
            after = self._put(c, rows, poll.sent_at, freshness, touch=False).after(poll)
            if after != freshness:
                self._write_freshness(c, after)
            if poll.sent_at - poll.since >= _FAR_BACK:
                # Holds that ended by themselves long ago: an e-mail is not kept for longer than it is needed.
                c.execute(delete(t.mail_holds).where(t.mail_holds.c.until < poll.sent_at - timedelta(minutes=10)))

    def _begin(self, c: Connection) -> None:
        c.execute(self._insert(t.cursors).values(name=self.cursor).on_conflict_do_nothing(index_elements=["name"]))

    def _locked_freshness(self, c: Connection) -> Freshness:
        """How much the index holds; until the transaction ends nobody else changes that, or a member."""
        if self._database.on_postgresql:
            query = select(t.cursors.c.name).where(t.cursors.c.name == self.cursor).with_for_update()
            if c.execute(query).first() is None:
                self._begin(c)
                c.execute(query)
        return freshness_of(c)

    def _write_freshness(self, c: Connection, freshness: Freshness, **columns: Any) -> None:
        value: dict[str, Any] = {"scan_page": freshness.scan_page}
        for name in _MOMENTS:
            at: datetime | None = getattr(freshness, name)
            value[name] = at.isoformat() if at else None
        values = {"value": value, **columns}
        new = self._insert(t.cursors).values(name=self.cursor, **values)
        c.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))

    def _put(
        self, c: Connection, members: Mapping[str, Member], seen_at: datetime, freshness: Freshness, *, touch: bool
    ) -> Freshness:
        """Write what differs; the freshness of the index then."""
        if not members:
            return freshness
        found = c.execute(select(t.members).where(t.members.c.id.in_(list(members))))
        known = {row.id: (_member(row), row.seen_at) for row in found}
        changed: dict[str, Member] = {}
        for member in members.values():
            before, before_seen_at = known.get(member.id, (None, seen_at))
            if before != member and before_seen_at <= seen_at:
                changed[member.id] = member
        if touch and (same := [i for i, (_, at) in known.items() if i not in changed and at < seen_at]):
            c.execute(update(t.members).where(t.members.c.id.in_(same)).values(seen_at=seen_at))
        if not changed:
            return freshness
        new = self._insert(t.members)
        columns = ("code", "number", "status", "mails", "seen_at")
        c.execute(
            new.on_conflict_do_update(index_elements=["id"], set_={n: getattr(new.excluded, n) for n in columns}),
            [
                {
                    "id": m.id,
                    "code": m.code,
                    "number": m.number,
                    "status": m.status,
                    "mails": list(m.mails),
                    "seen_at": seen_at,
                }
                for m in sorted(changed.values(), key=lambda m: m.id)
            ],
        )
        self._write_mails(c, changed)
        overwritten = not changed.keys().isdisjoint(known)
        return freshness.after_overwriting(seen_at) if overwritten else freshness

    def hash_again(self, member_ids: Sequence[str]) -> None:
        """Write the e-mails of these members anew, hashed with the newest key."""
        rows = select(t.members).where(t.members.c.id.in_(member_ids)).order_by(t.members.c.id)
        with self._database.writing(loose=True) as c:
            found = c.execute(rows.with_for_update() if self._database.on_postgresql else rows).all()
            gone = set(member_ids) - {row.id for row in found}
            c.execute(delete(t.member_mails).where(t.member_mails.c.member_id.in_(gone)))
            self._write_mails(c, {row.id: _member(row) for row in found})

    def _write_mails(self, c: Connection, members: dict[str, Member]) -> None:
        c.execute(delete(t.member_mails).where(t.member_mails.c.member_id.in_(list(members))))
        hashed = self._database.seal.hashed
        mails = [{"mail": hashed(mail), "member_id": m.id} for m in members.values() for mail in sorted(set(m.mails))]
        if mails:
            c.execute(self._insert(t.member_mails).on_conflict_do_nothing(), mails)

    def forget_unseen(self, since: datetime) -> int:
        """Drop the members no scan, poll or write has seen since then; how many."""
        with self._database.writing() as c:
            gone = select(t.members.c.id).where(t.members.c.seen_at < since)
            c.execute(delete(t.member_mails).where(t.member_mails.c.member_id.in_(gone)))
            return c.execute(delete(t.members).where(t.members.c.seen_at < since)).rowcount

    def forget(self, member_id: str) -> None:
        """Drop one member."""
        with self._database.writing() as c:
            c.execute(delete(t.member_mails).where(t.member_mails.c.member_id == member_id))
            c.execute(delete(t.members).where(t.members.c.id == member_id))

    def by_mail(self, mail: str) -> list[Member]:
        """Members with this e-mail in any of their three fields, ghosts included, in the order of their ids."""
        with_mail = select(t.member_mails.c.member_id).where(
            t.member_mails.c.mail.in_(self._database.seal.hashes(mail))
        )
        return self._members(t.members.c.id.in_(with_mail))

    def by_code(self, code: str) -> list[Member]:
        """Members with this member code."""
        return self._members(t.members.c.code == code)

    def by_id(self, member_id: str) -> Member | None:
        """The member with this id, if the index holds it."""
        return next(iter(self._members(t.members.c.id == member_id)), None)

    def by_number(self, number: str) -> list[Member]:
        """Members with this member number."""
        return self._members(t.members.c.number == number)

    def _members(self, which: Any) -> list[Member]:
        with self._database.reading() as c:
            rows = c.execute(select(t.members).where(which).order_by(t.members.c.id)).all()
        return [_member(row) for row in rows]

    def count(self) -> int:
        """How many members the index holds."""
        with self._database.reading() as c:
            return c.execute(select(func.count()).select_from(t.members)).scalar() or 0

    def linked_to(self, member_id: str) -> int | None:
        """The Shopify id of the customer that is linked to this member, if any."""
        with self._database.reading() as c:
            return c.execute(
                select(t.tasks.c.customer_id).where(t.tasks.c.lane == self._lane, t.tasks.c.ref == member_id).limit(1)
            ).scalar()

    def remember(self, customer_id: int, memo: Mapping[str, str]) -> None:
        """Keep a task's memo at once, before what it speaks of is written over at the far side."""
        mine = (t.tasks.c.customer_id == customer_id, t.tasks.c.lane == self._lane)
        with self._database.writing() as c:
            c.execute(update(t.tasks).where(*mine).values(memo=dict(memo)))

    def hold_mail(self, mail: str, customer_id: int, now: datetime, until: datetime) -> bool:
        """Hold an e-mail for this customer while it is looked up and created; False while another customer holds it.

        It is held under each key: while keys change, another process may have another one for its newest.
        """
        held = _hold_names(self._database.seal, mail)
        new = self._insert(t.mail_holds).values([{"mail": h, "customer_id": customer_id, "until": until} for h in held])
        ours = or_(ended(t.mail_holds.c.until, now, _MAIL_HOLD), t.mail_holds.c.customer_id == customer_id)
        mine = new.on_conflict_do_update(
            index_elements=["mail"], set_={"customer_id": customer_id, "until": until}, where=ours
        )
        with self._database.writing(loose=True) as c:
            # What it returns, not how many rows: an INSERT's count is not told by every driver.
            all_mine = len(c.execute(mine.returning(t.mail_holds.c.mail)).all()) == len(held)
            if not all_mine:
                c.rollback()
            return all_mine

    def release_mail(self, mail: str, customer_id: int) -> None:
        """Let the e-mail go."""
        held = t.mail_holds.c.mail.in_(_hold_names(self._database.seal, mail))
        with self._database.writing(loose=True) as c:
            c.execute(delete(t.mail_holds).where(held, t.mail_holds.c.customer_id == customer_id))


def _read(value: Mapping[str, Any] | None) -> Freshness:
    told: dict[str, Any] = dict(value or {})
    for name in _MOMENTS:
        if told.get(name):
            told[name] = datetime.fromisoformat(told[name])
    return Freshness(**told)


def _member(row: Any) -> Member:
    return Member(row.id, row.code, row.number, tuple(row.mails), row.status)


def _hold_names(seal: Seal, mail: str) -> list[str]:
    """What stands for an e-mail that is held; in order, so that two processes never wait for each other."""
    names = seal.hashes(mail)
    return sorted(names[:-1] or names)  # the plain text only where there is no key
