"""Finding the one member that is this customer, or saying that there is none; never a guess.

The order is the design's: member code, member number, e-mail. What the index says is compared again on the member
itself, because the index may lag and a wrong link gives one person's points to another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from clients.errors import AskPerson, CarryError, TryLater
from clients.smaregi.api import Filter, SmaregiApi
from clients.smaregi.index import MemberIndex
from clients.smaregi.rows import Row, as_member, text
from clients.smaregi.sorting import Missing
from customer import Member

FILTERS: Final[tuple[Filter, ...]] = ("customer_code", "customer_no")
ROUNDS: Final = 2
MOST_LOOKED_AT: Final = 5  # an address like the shop's own may stand on hundreds of members
SOON: Final = timedelta(seconds=2)


class Finder:
    """Looks for members, in the index and at Smaregi."""

    def __init__(
        self, api: SmaregiApi, index: MemberIndex, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._api = api
        self._index = index
        self._now = now

    def find(self, customer_id: int, number: str, mail: str | None, *, ask: bool) -> Row | None:
        """The member, as Smaregi has it at this moment, or None when nobody is there.

        ``ask``: an earlier attempt may have created one, so Smaregi itself answers for code and number; else the index
        does. Raises ``AskPerson`` for several, or for one that is another customer's.
        """
        if ask:
            for by in FILTERS:
                if rows := [row for row in self.at_smaregi(by, number) if as_member(row).counts]:
                    return self.only(rows, customer_id)
        for _ in range(ROUNDS):
            hits, holds = self._hits(number, mail, numbers_too=not ask)
            if not hits:
                return None
            if len(hits) > MOST_LOOKED_AT:
                raise several(hits)
            rows = [row for hit in hits if (row := self._on_the_member(hit.id)) and holds(as_member(row))]
            if len(rows) == len(hits):
                return self.only(rows, customer_id)
            # The index lagged, and knows better now.
        raise TryLater(
            "the members of this customer are changing at Smaregi right now",
            kind="smaregi.member_changing",
            wait=SOON,
            lane_wide=False,
        )

    def is_known(self, number: str, mail: str | None, *, ask: bool) -> bool:
        """Whether the index has anybody whom ``find`` would look at."""
        hits, _ = self._hits(number, mail, numbers_too=not ask)
        return bool(hits)

    def at_smaregi(self, by: Filter, value: str) -> list[Row]:
        """Ask Smaregi itself for a code or a number, ghosts included."""
        sent_at = self._now()
        rows = self._api.find(by, value)
        self._index.put(map(as_member, rows), seen_at=sent_at)
        return rows

    def only(self, rows: Sequence[Row], customer_id: int) -> Row:
        """The one live member. Raises ``AskPerson`` when there are several, or it is another customer's."""
        rows = list({text(row, "customerId"): row for row in rows}.values())
        if len(rows) > 1:
            raise several([as_member(row) for row in rows], [self._beside(row, customer_id) for row in rows])
        member = as_member(rows[0])
        other = self._index.linked_to(member.id)
        if other is not None and other != customer_id:
            raise AskPerson(
                f"member {member.id} is linked to another Shopify customer ({other}) already: merge the two in "
                "Shopify, or give one of them another e-mail",
                kind="smaregi.linked_to_other",
                choices=[{**as_choice(member), "customer": str(other)}],
            )
        return rows[0]

    def _beside(self, row: Row, customer_id: int) -> Mapping[str, str]:
        """What tells a person which of several members is meant; no name of who is another Shopify customer's."""
        told = {"last_visit": text(row, "lastComeDateTime")[:10], "points": self._points(text(row, "customerId"))}
        if self._index.linked_to(text(row, "customerId")) in (None, customer_id):
            told["name"] = " ".join(filter(None, (text(row, "lastName"), text(row, "firstName"))))
        return {name: value for name, value in told.items() if value}

    def _points(self, member_id: str) -> str:
        """The member's points, "" when they are not told: a choice can be made without them."""
        try:
            return self._api.points(member_id)
        except CarryError:
            return ""

    def _hits(
        self, number: str, mail: str | None, *, numbers_too: bool
    ) -> tuple[list[Member], Callable[[Member], bool]]:
        """The live members of the first way to look that has any, and what must hold on the member itself."""
        looks: list[tuple[Callable[[], list[Member]], Callable[[Member], bool]]] = []
        if numbers_too:
            looks.append((lambda: self._index.by_code(number), lambda m: m.counts and m.code == number))
            looks.append((lambda: self._index.by_number(number), lambda m: m.counts and m.number == number))
        if mail is not None:
            looks.append((lambda: self._index.by_mail(mail), lambda m: m.counts and mail in m.mails))
        for look, holds in looks:
            if hits := [member for member in look() if member.counts]:
                return hits, holds
        return [], lambda _: False

    def _on_the_member(self, member_id: str) -> Row | None:
        """The member as it is now, and so it stands in the index from now on; None when it is gone."""
        sent_at = self._now()
        try:
            row = self._api.member(member_id)
        except Missing:
            self._index.forget(member_id)
            return None
        self._index.put([as_member(row)], seen_at=sent_at)
        return row


def several(members: Sequence[Member], beside: Sequence[Mapping[str, str]] = ()) -> AskPerson:
    """Two or more live members could be this customer: a person chooses. ``beside``: what else is known of each."""
    return AskPerson(
        f"{len(members)} live members could be this customer: choose one, or merge them in Smaregi (名寄せ)",
        kind="smaregi.several_members",
        choices=[{**as_choice(m), **(beside[place] if beside else {})} for place, m in enumerate(members)],
    )


def as_choice(member: Member) -> Mapping[str, str]:
    """A member as a person may choose it: ids and codes only."""
    return {"member": member.id, "code": member.code, "number": member.number or "", "status": member.status}
