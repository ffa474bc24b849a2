"""Who is meant by what was typed: customers by ids, codes and words, and members whom no customer is linked to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, func, literal, select

from customer import Member
from ledger import tables as t
from ledger.database import Database
from ledger.members import Members
from ledger.search_words import kept_words
from ledger.words import Query

#: No more are told of one search: whoever finds more has to say more.
MOST: Final = 1000
#: Of the words that begin as the longest part of a name does, so many are compared with the other parts.
_MOST_COMPARED: Final = 20_000
_MOST_MEMBERS: Final = 20
#: Behind every text that begins so.
_LAST: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Found:
    """``customer_ids``, those first that fit by an id or best by their words; ``more``: others would fit as well.

    ``members``: those at the till that fit, but that no customer is linked to.
    """

    customer_ids: Sequence[int] = ()
    more: bool = False
    members: Sequence[Member] = ()


class Search:
    """Looks people up; ``lanes`` have refs that people know, those of ``members_lane`` are members."""

    def __init__(self, database: Database, *, lanes: Sequence[str], members_lane: str = "smaregi") -> None:
        self._database = database
        self._lanes = tuple(lanes)
        self._members = Members(database, lane=members_lane)
        self._members_lane = members_lane

    @property
    def whole_words_only(self) -> bool:
        """Whether the words are hashed, so that the beginning of one finds nobody."""
        return bool(self._database.seal)

    def find(self, query: Query) -> Found:
        """Everybody who may be meant. Raises ``StoreBusy``."""
        members = self._members_of(query)
        with self._database.reading() as c:
            linked = self._linked(c, [member.id for member in members])
            exact = [*self._by_ids(c, query), *linked.values()]
            parts = [self._by_words(c, group) for group in query.words()]
        ids = list(dict.fromkeys(chain(exact, *(part for part, _ in parts))))
        more = len(ids) > MOST or any(more for _, more in parts)
        alone = [member for member in members if member.id not in linked]
        return Found(ids[:MOST], more, alone[:_MOST_MEMBERS])

    # -- by ids -------------------------------------------------------------------------------------------------------

    def _by_ids(self, c: Connection, query: Query) -> list[int]:
        ids: list[int] = []
        if query.customer_id:
            ids += c.execute(select(t.customers.c.id).where(t.customers.c.id == query.customer_id)).scalars()
        if query.codes:
            # The lanes by their names: the index of refs begins with them.
            with_ref = and_(t.tasks.c.lane.in_(self._lanes), t.tasks.c.ref.in_(query.codes))
            ids += c.execute(select(t.tasks.c.customer_id).where(with_ref).limit(MOST)).scalars()
        return ids

    def _members_of(self, query: Query) -> list[Member]:
        found: Iterable[Member] = ()
        for code in query.codes:
            found = chain(found, self._members.by_code(code), self._members.by_number(code))
        if query.mail and "@" in query.mail:
            found = chain(found, self._members.by_mail(query.mail))
        return list({member.id: member for member in found}.values())

    def _linked(self, c: Connection, member_ids: Sequence[str]) -> dict[str, int]:
        """By member, the customer who is linked to it."""
        tasks = t.tasks.c
        query = select(tasks.ref, tasks.customer_id).where(tasks.lane == self._members_lane, tasks.ref.in_(member_ids))
        return {row.ref: row.customer_id for row in c.execute(query)} if member_ids else {}

    # -- by words -----------------------------------------------------------------------------------------------------

    def _by_words(self, c: Connection, words: Sequence[str]) -> tuple[list[int], bool]:
        """The customers to whom all these words fit, best first, and whether there are more."""
        first, *others = sorted(words, key=len, reverse=True)
        w = t.search_words.c
        fitting = select(w.word, w.customer_id).where(self._fits(t.search_words, first)).order_by(w.word, w.customer_id)
        if not others:
            rows = c.execute(fitting.limit(MOST + 1)).all()
            return [row.customer_id for row in rows], len(rows) > MOST
        compared = fitting.limit(_MOST_COMPARED).subquery()
        also = t.search_words.alias("also")
        same = also.c.customer_id == compared.c.customer_id
        all_fit = [exists(select(literal(1)).where(same, self._fits(also, other))) for other in others]
        ids = select(compared.c.customer_id).where(*all_fit).order_by(compared.c.word, compared.c.customer_id)
        found = c.execute(ids.limit(MOST + 1)).scalars().all()
        looked_at = c.execute(select(func.count()).select_from(compared)).scalar_one()
        return list(found), len(found) > MOST or looked_at == _MOST_COMPARED

    def _fits(self, words: FromClause, word: str) -> ColumnElement[bool]:
        column: Any = words.c.word
        if self.whole_words_only:
            kept: ColumnElement[bool] = column.in_(kept_words(self._database.seal, word))
            return kept
        return and_(column >= word, column < word + _LAST)
