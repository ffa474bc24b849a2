"""Forget a person, and keep the fact that it was done.

What stays of the customer is a row with the id alone, marked as saved at the end of time: so whatever Shopify sends of
them is "older than what we know" and changes nothing. Not only a late retry with the old body is refused by that, but
newer saves too: deleting somebody in Shopify often begins with an edit, which would bring them back to every far side
on the way out. Only ``undo`` lets them in again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, select, update

from customer import Customer, known
from japan.mail import email, spellings
from ledger import tables as t
from ledger.arrival import END_OF_TIME
from ledger.database import Database

_PAGE: Final = 100
#: Deliveries that are filed under no customer, but may speak of one.
_UNFILED: Final = ("ignored", "test", "unreadable", "dismissed", "replaced")
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_QUOTES: Final = str.maketrans("", "", '"\\')


class NobodyKnown(Exception):
    """The ledger knows no customer by this id."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person was erased. ``refs``: by lane, what still stands at the far sides and is deleted there by hand."""

    customer_id: int
    erased_at: datetime
    by: str
    why: str
    refs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Erased:
    """What ``erase`` did. ``before``: they were erased already, and only what came since was emptied.

    ``in_hand``: lanes that were carrying this customer at that moment, and may still write to the far side. ``wiped``:
    nothing of them is left in SQLite's log either; somebody who is reading may prevent that for a while.
    """

    erasure: Erasure
    before: bool
    bodies: int
    in_hand: Sequence[str]
    wiped: bool


class Erasing:
    """The verbs; ``members_lane`` is the lane whose refs are members."""

    def __init__(self, database: Database, *, members_lane: str = "smaregi") -> None:
        self._database = database
        self._members_lane = members_lane

    def of(self, customer_id: int) -> Erasure | None:
        """The erasure of this customer that is in force, if any."""
        with self._database.reading() as c:
            return erasure_of(c, customer_id)

    def erase(self, customer_id: int, *, by: str, why: str, now: datetime) -> Erased:
        """Forget this customer; doing it again finishes what was left. Raises ``NobodyKnown``, ``StoreBusy``."""
        # While their e-mail is still known: bodies that nobody filed are searched for it.
        with self._database.reading() as c:
            told = c.execute(select(t.customers.c.state).where(t.customers.c.id == customer_id)).scalar()
        if told is None:
            raise NobodyKnown
        mail = known(Customer.from_json(told).email)
        bodies = self._empty(self._unfiled(customer_id, mail), now)
        with self._database.writing() as c:
            self._database.lock_customers(c, [customer_id])
            before = erasure_of(c, customer_id)
            refs, in_hand = _tasks(c, customer_id)
            members = self._forget_members(c, customer_id, mail, refs.get(self._members_lane))
            for table in (t.tasks, t.mail_holds, t.mail_flags, t.search_words):
                c.execute(delete(table).where(table.c.customer_id == customer_id))
            c.execute(update(t.attempts).where(t.attempts.c.customer_id == customer_id).values(why=None))
            _leave_the_id(c, customer_id)
            if before is None:
                values = {"customer_id": customer_id, "erased_at": now, "by": by, "why": why, "refs": refs}
                c.execute(t.erasures.insert().values(values))
        bodies += self._empty(_with_body(t.deliveries.c.customer_id == customer_id), now)
        self._forget_names(members)
        wiped = self._database.wipe_log()
        erasure = before or Erasure(customer_id, now, by, why, refs)
        return Erased(erasure, before is not None, bodies, in_hand, wiped)

    def undo(self, customer_id: int, *, by: str, now: datetime) -> bool:
        """Let this customer in again, as somebody new, with the next delivery; False when they are not erased.

        What was erased does not come back.
        """
        mine = (t.erasures.c.customer_id == customer_id, t.erasures.c.undone_at.is_(None))
        with self._database.writing() as c:
            self._database.lock_customers(c, [customer_id])
            undone = c.execute(update(t.erasures).where(*mine).values(undone_at=now, undone_by=by)).rowcount
            if undone:
                c.execute(delete(t.customers).where(t.customers.c.id == customer_id))
            return bool(undone)

    def tidy(self, now: datetime) -> int:
        """Empty what Shopify has sent of erased customers since they were erased; how many bodies."""
        erased = select(t.erasures.c.customer_id).where(t.erasures.c.undone_at.is_(None))
        return self._empty(_with_body(t.deliveries.c.customer_id.in_(erased)), now)

    def _unfiled(self, customer_id: int, mail: str | None) -> list[int]:
        """Deliveries filed under nobody in whose bodies this id or this e-mail stands."""
        d = t.deliveries.c
        words = [rf"(?<!\d){customer_id}(?!\d)", *(re.escape(way.translate(_QUOTES)) for way in _ways(mail))]
        names_them = re.compile("|".join(words))
        with self._database.reading() as c:
            ids = c.execute(_with_body(d.verdict.in_(_UNFILED), d.customer_id.is_(None))).scalars().all()
            bodies = select(d.id, d.body)
            return [
                row.id
                for page in _pages(ids)
                for row in c.execute(bodies.where(d.id.in_(page)))
                if names_them.search(_plain(row.body))
            ]

    def _empty(self, which: Select[Any] | list[int], now: datetime) -> int:
        """Empty these bodies, a page at a time, so that the store is never held for long; how many."""
        if isinstance(which, Select):
            with self._database.reading() as c:
                which = list(c.execute(which).scalars().all())
        for page in _pages(which):
            with self._database.writing() as c:
                here = (t.deliveries.c.id.in_(page), t.deliveries.c.body_gone_at.is_(None))
                c.execute(update(t.deliveries).where(*here).values(body=b"", body_gone_at=now))
        return len(which)

    def _forget_names(self, members: Collection[str]) -> None:
        """Take the names of these members out of what other customers may choose from."""
        mine = (t.tasks.c.lane == self._members_lane, t.tasks.c.state.in_(("failed", "pending")))
        query = select(t.tasks.c.customer_id, t.tasks.c.choices).where(*mine, t.tasks.c.choices.is_not(None))
        with self._database.reading() as c:
            ids = sorted(row.customer_id for row in c.execute(query) if _named(row.choices, members))
        for page in _pages(ids):
            with self._database.writing() as c:
                self._database.lock_customers(c, list(page))
                for row in c.execute(query.where(t.tasks.c.customer_id.in_(page))).all():
                    without = [{k: v for k, v in one.items() if k != "name"} for one in row.choices]
                    c.execute(
                        update(t.tasks).where(*mine, t.tasks.c.customer_id == row.customer_id).values(choices=without)
                    )

    def _forget_members(self, c: Connection, customer_id: int, mail: str | None, ref: str | None) -> set[str]:
        """Take their member out of the member index; a member of their e-mail that is another customer's stays.

        The ids of the members that may be theirs.
        """
        m, number = t.members.c, str(customer_id)
        theirs = [m.number == number, m.code == number, *([m.id == ref] if ref else [])]
        if mail:
            hashes = [hashed for way in _ways(mail) for hashed in self._database.seal.hashes(way)]
            with_mail = select(t.member_mails.c.member_id).where(t.member_mails.c.mail.in_(hashes))
            others = exists().where(
                t.tasks.c.lane == self._members_lane, t.tasks.c.ref == m.id, t.tasks.c.customer_id != customer_id
            )
            theirs.append(and_(m.id.in_(with_mail), ~others))
        # One look for each, by its own index: an OR of them would read all members.
        ids = {i for which in theirs for i in c.execute(select(m.id).where(which)).scalars()}
        c.execute(delete(t.member_mails).where(t.member_mails.c.member_id.in_(ids)))
        c.execute(delete(t.members).where(m.id.in_(ids)))
        return ids | ({ref} if ref else set())


def erasure_of(c: Connection, customer_id: int) -> Erasure | None:
    """The erasure of this customer that is in force, if any."""
    mine = (t.erasures.c.customer_id == customer_id, t.erasures.c.undone_at.is_(None))
    row = c.execute(select(t.erasures).where(*mine)).first()
    return Erasure(row.customer_id, row.erased_at, row.by, row.why, row.refs) if row else None


def _ways(mail: str | None) -> tuple[str, ...]:
    """Every way in which this address may have been written down, in lower case; none of a blank one."""
    address = (email(mail) or mail.strip().lower()) if mail else ""
    return spellings(address) if address else ()


def _plain(body: bytes) -> str:
    """What a body says, half-width and in lower case, without JSON's escapes and without the quotes of an address."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), body.decode("utf-8", "replace"))
    return unicodedata.normalize("NFKC", text).lower().translate(_QUOTES)


def _named(choices: Sequence[Mapping[str, str]], members: Collection[str]) -> bool:
    return any("name" in choice and choice.get("member") in members for choice in choices)


def _tasks(c: Connection, customer_id: int) -> tuple[dict[str, str], list[str]]:
    """By lane, the refs of this customer; and the lanes that are carrying them now."""
    rows = c.execute(select(t.tasks).where(t.tasks.c.customer_id == customer_id).order_by(t.tasks.c.lane)).all()
    return {row.lane: row.ref for row in rows if row.ref}, [row.lane for row in rows if row.state == "running"]


def _leave_the_id(c: Connection, customer_id: int) -> None:
    nobody = Customer(id=customer_id, updated_at=END_OF_TIME)
    values = {"state": nobody.to_json(), "updated_at": END_OF_TIME, "triggered_at": None, "read_through": None}
    c.execute(update(t.customers).where(t.customers.c.id == customer_id).values(values))


def _with_body(*which: ColumnElement[bool]) -> Select[Any]:
    return select(t.deliveries.c.id).where(*which, t.deliveries.c.body_gone_at.is_(None)).order_by(t.deliveries.c.id)


def _pages(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[i : i + _PAGE] for i in range(0, len(ids), _PAGE))
