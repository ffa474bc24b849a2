"""The rounds by which up to a hundred customers come over: read what is lost, write what is known.

A round reads side by side (by our id and by e-mail) and writes side by side (updates and upserts): a new customer is
a hundredth of three calls, a changed one a hundredth of one. What HubSpot refuses is mended, each thing once, and goes
into the next round. Never search: the search index lags behind writes by seconds, and would let us create twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeAlias, TypeVar

from clients.alike import Alike
from clients.blocked import Blocked
from clients.errors import AskPerson, CarryError, StopLane, TryLater
from clients.http import Answer
from clients.hubspot.api import MOST, HubSpotApi
from clients.hubspot.complaints import objects
from clients.hubspot.properties import CUSTOMER_ID
from clients.hubspot.resolving import ASKED_FOR, Finds, Found, conflict, email_taken, linked_to_other
from clients.hubspot.rows import Row
from clients.hubspot.settling import blamed, settle
from clients.hubspot.sorting import (
    ABOUT_ROWS,
    Gone,
    NoSuchProperty,
    Taken,
    Verdict,
    Without,
    is_foreign,
    refused_everywhere,
)
from clients.lane import Did
from clients.sifting import Refusal, Sifted, Sifting

T = TypeVar("T")
Sifts: TypeAlias = Sifting[Verdict]
Reading: TypeAlias = tuple[list[Found], Sequence[tuple[Row, Verdict]]]
Write: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], Answer]

ROUNDS: Final = 8
"""More than any row can use, as each mend is made once."""


class Flow:
    """One batch on its way. ``sort`` judges an answer that is not 2xx; ``prepare`` sets the portal up once more."""

    def __init__(self, api: HubSpotApi, *, sort: Callable[[Answer], Verdict], prepare: Callable[[], None]) -> None:
        self._api = api
        self._sort = sort
        self._prepare = prepare
        self._alike = Alike()

    def carry(self, rows: Sequence[Row]) -> None:
        """Give each of these rows, at most 100, its result."""
        sifting: Sifts = Sifting("hubspot", self._alike, self._refused_too)
        for _ in range(ROUNDS):
            if not (todo := _open(rows)):
                return
            self._set_up_again([row for row in todo if row.needs_setup])
            self._resolve([row for row in _open(todo) if row.lost], sifting)
            self._write([row for row in _open(todo) if not row.lost and not row.needs_setup], sifting)
        _end(_open(rows), _unsettled())

    def _refused_too(self, blocked: Blocked) -> StopLane | None:
        return refused_everywhere(self._api.account(), blocked)

    def _set_up_again(self, rows: Sequence[Row]) -> None:
        """The portal lost properties since we last looked."""
        if not rows:
            return
        try:
            self._prepare()
        except CarryError as error:
            _end(rows, error)
        for row in rows:
            row.needs_setup = False

    def _resolve(self, rows: Sequence[Row], sifting: Sifts) -> None:
        """Find which lost rows HubSpot has: by our id, by e-mail, or at the record it says is in the way."""
        asks: list[tuple[str | None, dict[str, Row]]] = [
            (CUSTOMER_ID, {row.key: row for row in rows}),
            ("email", {way: row for row in rows if not row.look_at for way in row.contact.spellings}),
            (None, {row.look_at: row for row in rows if row.look_at}),
        ]
        batches = [(by, batch) for by, ids in asks for batch in _batches(ids)]
        answers = _side_by_side([self._reading(by, batch, sifting) for by, batch in batches])
        unread = {row: verdict for _, without_answer in answers for row, verdict in without_answer}
        for row, verdict in unread.items():
            self._judge(row, verdict)
        finds = Finds(each for found, _ in answers for each in found)
        for row in rows:
            if row not in unread:
                finds.place(row)

    def _reading(self, id_property: str | None, ids: Mapping[str, Row], sifting: Sifts) -> Callable[[], Reading]:
        return lambda: self._read(id_property, ids, sifting)

    def _read(self, id_property: str | None, ids: Mapping[str, Row], sifting: Sifts) -> Reading:
        """The contacts HubSpot has of these, and the rows it would not answer for; an id it refuses has none."""
        found: list[Found] = []

        def ask(part: Sequence[str]) -> Refusal[str, Verdict] | None:
            try:
                answer = self._api.read(id_property, part, ASKED_FOR)
            except CarryError as error:
                return Refusal(error, about_rows=False)
            if not answer.ok or is_foreign(answer):
                verdict = self._sort(answer)
                return Refusal(verdict, _is_about_rows(answer, verdict))
            contacts = _contacts(answer.body.get("results"))
            if isinstance(contacts, TryLater):
                return Refusal(contacts, about_rows=False)
            found.extend(contacts)
            return None

        sifted = sifting.run(f"read by {id_property}", list(ids), ask, whose=lambda each: ids[each].customer_id)
        blocked = [(ids[each], verdict) for each, verdict in sifted.alone if isinstance(verdict, Blocked)]
        unread: list[tuple[Row, Verdict]] = [(row, _of_one(row, verdict, sifted)) for row, verdict in blocked]
        return found, [*unread, *((ids[each], verdict) for each, verdict in sifted.unsent)]

    def _write(self, rows: Sequence[Row], sifting: Sifts) -> None:
        updates = _one_row_a_contact([row for row in rows if row.ref is not None])
        upserts = [row for row in rows if row.ref is None and _can_be_created(row)]
        for row in updates:
            if not row.changes:
                row.arrived("unchanged")
        batches = ((_open(updates), self._api.update), (upserts, self._api.upsert))
        _side_by_side([self._sending(batch, write, sifting) for batch, write in batches if batch])

    def _sending(self, rows: Sequence[Row], write: Write, sifting: Sifts) -> Callable[[], None]:
        return lambda: self._send(rows, write, sifting)

    def _send(self, rows: Sequence[Row], write: Write, sifting: Sifts) -> None:
        """One batch; refused as a whole for the sake of one row, it is sent in parts until that row stands alone."""

        def send(part: Sequence[Row]) -> Refusal[Row, Verdict] | None:
            try:
                answer = write([row.input() for row in part])
            except CarryError as error:
                return Refusal(error, about_rows=False)
            if not answer.ok or is_foreign(answer):
                verdict = self._sort(answer)
                # https://developers.hubspot.com/docs/api-reference/error-handling : one conflict may be a 409 for all
                return Refusal(verdict, _is_about_rows(answer, verdict), blamed(part, answer.body))
            return self._settle(part, answer.body, sifting)

        sifted = sifting.run("write", rows, send, whose=lambda row: row.customer_id)
        for row, verdict in sifted.alone:
            self._judge(row, _of_one(row, verdict, sifted) if isinstance(verdict, Blocked) else verdict)
        for row, verdict in sifted.unsent:
            if row.result is None:
                self._judge(row, verdict)

    def _settle(self, rows: Sequence[Row], body: Any, sifting: Sifts) -> Refusal[Row, Verdict] | None:
        """Row by row; where errors name none of several silent rows, they count as refused for the sake of one."""
        done = settle(rows, body)
        for row, result in done.landed:
            row.arrived(_did(row, result), result)
        for row, verdict in done.refused:
            self._judge(row, verdict)
        if done.nameless and done.silent:
            return Refusal(_unsettled(), about_rows=True, answered=[row for row in rows if row not in done.silent])
        if done.silent:
            self._ask_after(done.silent, sifting)
        return None

    def _ask_after(self, rows: Sequence[Row], sifting: Sifts) -> None:
        """Rows the answer says nothing of: a new contact is looked up by its key, a known one is found anew."""
        new = {row.key: row for row in rows if row.ref is None}
        for row in rows:
            if row.ref is not None and row.mend("silence"):
                row.lose()
            elif row.ref is not None:
                row.result = _unsettled()
        found, unread = self._read(CUSTOMER_ID, new, sifting) if new else ([], [])
        there, why = {each.customer_id: each for each in found}, dict(unread)
        for row in new.values():
            if hit := there.get(row.key):
                row.arrived("created", {"id": hit.ref})
            else:
                row.result = verdict if isinstance(verdict := why.get(row), CarryError) else _unsettled()

    def _judge(self, row: Row, verdict: Verdict) -> None:
        """Mend what can be mended and leave the row open for the next round; else end it."""
        match verdict:
            case CarryError():
                row.result = verdict
            case Gone():
                if row.mend("gone"):
                    row.lose()
                else:
                    row.result = _unsettled()
            case Taken(contact=other):
                _taken(row, other)
            case Without(properties=names):
                if not row.refuse(names):
                    why = f"HubSpot refuses a value of {', '.join(sorted(names))}, which cannot be left out"
                    row.result = verdict.otherwise or AskPerson(why, kind="hubspot.refused")
            case NoSuchProperty(properties=names):
                row.needs_setup = row.mend("setup")
                if not row.needs_setup:
                    why = (
                        f"HubSpot lacks contact properties even after setup ({', '.join(sorted(names)) or 'not named'})"
                    )
                    row.result = StopLane(f"{why}: run flask hubspot setup", kind="hubspot.no_property")


def _batches(ids: Mapping[str, Row]) -> list[Mapping[str, Row]]:
    """One batch for nearly all; an address that may be written in several ways can make it two."""
    items = list(ids.items())
    return [dict(items[start : start + MOST]) for start in range(0, len(items), MOST)]


def _taken(row: Row, other: str | None) -> None:
    """The contact in the way may have moved on by the next round; what still stands there then is for a person."""
    again = row.mend("taken")
    if row.ours and not again:
        row.result = email_taken(row, row.ref, other)
    elif not row.ours and again:
        row.lose(look_at=other)
    elif not row.ours:
        row.result = conflict(row, other)


def _one_row_a_contact(rows: Sequence[Row]) -> list[Row]:
    """The same record twice would refuse the whole batch: it is the one's who came with it, else the lowest id's."""
    first: dict[str | None, Row] = {}
    for row in sorted(rows, key=lambda row: (not row.ours, row.customer_id)):
        holder = first.setdefault(row.ref, row)
        if holder is not row:
            row.result = linked_to_other(row, str(row.ref), holder.key)
    return list(first.values())


def _can_be_created(row: Row) -> bool:
    if not row.contact.can_be_created:
        row.result = AskPerson(
            f"customer {row.key} has neither an e-mail address that HubSpot takes nor a name, and HubSpot makes no "
            "contact without one: add a name in Shopify",
            kind="hubspot.nothing_to_create_with",
        )
    return row.result is None


def _did(row: Row, result: Mapping[str, Any]) -> Did:
    if row.ref is None:
        return "updated" if result.get("new") is False else "created"
    return "linked" if row.links else "updated"


def _is_about_rows(answer: Answer, verdict: Verdict) -> bool:
    """Whether a batch was refused for the sake of some of its rows."""
    if isinstance(verdict, Blocked):
        return True
    return answer.status in ABOUT_ROWS and not isinstance(verdict, StopLane | NoSuchProperty)


def _of_one(row: Row, verdict: Blocked, sifted: Sifted[Any, Verdict]) -> CarryError:
    return verdict.of_one(others_taken=sifted.any_taken, attempt=row.task.attempt)


def _open(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.result is None]


def _end(rows: Sequence[Row], error: CarryError) -> None:
    for row in rows:
        row.result = error


def _contacts(results: Any) -> list[Found] | TryLater:
    """Every contact of an answer; where one cannot be told from another, nothing is concluded from any."""
    try:
        return [Found.read(each) for each in objects(results)] if isinstance(results, list) else _unreadable()
    except ValueError:
        return _unreadable()


def _unreadable() -> TryLater:
    return TryLater("HubSpot: the answer cannot be read", kind="hubspot.unreadable")


def _unsettled() -> TryLater:
    """Harmless to do again: every write is keyed, and a row without a ref asks before it creates."""
    return TryLater("HubSpot does not say how it ended", kind="hubspot.unsettled", lane_wide=False, doubt=True)


def _side_by_side(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Their results in order; several jobs wait for HubSpot at the same time."""
    if len(jobs) < 2:
        return [job() for job in jobs]
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [each.result() for each in [pool.submit(job) for job in jobs]]
