"""One customer on its way through one `carry`: what is known of the contact, what was mended, how it ended."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import uuid4

import japan
from clients.errors import AskPerson
from clients.hubspot.complaints import objects, record_id
from clients.hubspot.mapping import contact, moment, refused_value
from clients.hubspot.properties import CUSTOMER_ID, UPDATED_AT
from clients.lane import Carried, Did, Result, fingerprint, what_differs, with_doubts
from customer import Correction, Task

_REFUSED: Final = "refused:"


class Row:
    """A task, and where it stands.

    A row is *lost* until we know whether HubSpot has the contact; then it has a ``ref``, or is ``absent``.
    """

    def __init__(self, task: Task, today: date) -> None:
        self.task = task
        self.customer_id = task.customer.id
        self.key = str(task.customer.id)
        # https://developers.hubspot.com/docs/api-reference/error-handling : errors name their row by this, so that one
        # bad row does not refuse the other 99
        self.trace = f"{self.key}-{uuid4().hex[:12]}"
        self.ref = task.ref
        self.absent = False
        self.links = False
        self.look_at: str | None = None
        self.needs_setup = False
        self.result: Result | None = None
        # A fingerprint made empty means that a person asked for it all again: then refusals are forgotten, too.
        forced = any(not mark for mark in task.sent.values())
        kept = {} if forced else {name: mark for name, mark in task.memo.items() if name.startswith(_REFUSED)}
        self._refused = {name.removeprefix(_REFUSED): mark for name, mark in kept.items()}
        # After a lost answer nobody knows what stands there: a newer state may, and "nothing differs" would keep it.
        doubted = with_doubts(task, lambda customer: contact(customer, today=today).properties)
        self._marks = dict.fromkeys(doubted.sent, "") if task.doubt else task.sent
        self._sent: Mapping[str, str] = self._marks if task.ref else {}
        self._mended: set[str] = set()
        self._left_out: set[str] = set()
        self._today = today
        self.contact = contact(task.customer, today=today, refused=self._refused)

    @property
    def lost(self) -> bool:
        """Whether it must be asked first if HubSpot has this contact."""
        return self.ref is None and not self.absent

    @property
    def ours(self) -> bool:
        """Whether we came with the record id, from an earlier time."""
        return self.ref is not None and self.ref == self.task.ref

    @property
    def holds_email(self) -> bool:
        """Whether this contact already has, by us, the address it is to have."""
        email = self.contact.email
        return email is not None and self.ours and self.task.sent.get("email") == fingerprint(email)

    @property
    def changes(self) -> bool:
        """Whether anything would have to be written to the contact we know."""
        return self.links or bool(what_differs(self.contact.properties, self._sent)[0])

    def input(self) -> dict[str, Any]:
        """This row of a batch: keyed by the record id, or by our own unique property."""
        out, _ = what_differs(self.contact.properties, self._sent, cleared="")
        if self.ref is None or self.links:
            out[CUSTOMER_ID] = self.key
        if self.task.customer.updated_at and UPDATED_AT not in self._left_out:
            # Beside a real change only: it moves with every save, and by itself would be no reason for a call.
            out[UPDATED_AT] = moment(self.task.customer.updated_at)
        if self.ref is not None:
            return {"id": self.ref, "properties": out, "objectWriteTraceId": self.trace}
        return {"id": self.key, "idProperty": CUSTOMER_ID, "properties": out, "objectWriteTraceId": self.trace}

    def found(self, ref: str, *, links: bool) -> None:
        """HubSpot has the contact; ``links``: it does not hold our customer's id yet."""
        self.ref, self.links = ref, links
        self.absent, self.look_at = False, None
        # Marks without a ref are those of a late result, or of a doubt: what was sent stands at this contact.
        self._sent = self._marks if self.task.ref in (None, ref) else {}

    def missed(self) -> None:
        """HubSpot does not have the contact."""
        self.absent, self.look_at = True, None

    def lose(self, look_at: str | None = None) -> None:
        """What we knew of the contact's place is wrong: ask again, first at the record ``look_at`` if it is named."""
        self.ref, self.links, self.absent, self.look_at = None, False, False, look_at
        self._sent = {}

    def mend(self, what: str) -> bool:
        """Whether ``what`` may be tried now: each mend once."""
        if what in self._mended:
            return False
        self._mended.add(what)
        return True

    def refuse(self, names: Iterable[str]) -> bool:
        """Hold the values sent under these names back from now on; False when none of them was sent.

        A property that HubSpot does not let us empty is held back, too: its value stands there as it was.
        """
        was_sent = self.input()["properties"]
        fresh = set(names) & was_sent.keys() - {CUSTOMER_ID}
        self._left_out |= fresh & {UPDATED_AT}
        # A time of ours is new with each change: it is left out of this carry alone.
        self._refused |= {name: fingerprint(was_sent[name] or None) for name in fresh - {UPDATED_AT}}
        self.contact = contact(self.task.customer, today=self._today, refused=self._refused)
        return bool(fresh)

    def arrived(self, did: Did, answer: Mapping[str, Any] | None = None) -> None:
        """It is done; ``answer`` is the row HubSpot answered with (None: nothing had to be sent)."""
        answer = answer or {}
        _, after = what_differs(self.contact.properties, self._sent)
        self.result = Carried(
            ref=record_id(answer.get("id")) or str(self.ref),
            did=did,
            sent=after,
            memo={_REFUSED + name: mark for name, mark in self.contact.refused.items()},
            corrections=(*self.contact.corrections, *self._corrections(), *_normalised(answer)),
        )

    def _corrections(self) -> list[Correction]:
        at = self.task.customer.updated_at
        return [refused_value(name, moment(at)) for name in self._left_out if at]


def fold(tasks: Sequence[Task], today: date) -> list[Row]:
    """A row for each customer, in its newest state; the same id twice would refuse the whole batch."""
    newest: dict[int, Task] = {}
    for task in tasks:
        kept = newest.get(task.customer.id)
        if kept is None or _age(task) >= _age(kept):
            newest[task.customer.id] = task
    rows = [Row(task, today) for task in newest.values()]
    _one_contact_an_email(rows)
    return rows


def _age(task: Task) -> datetime:
    return task.customer.updated_at or datetime.min.replace(tzinfo=UTC)


def _one_contact_an_email(rows: Sequence[Row]) -> None:
    """In HubSpot a mailbox belongs to one contact: to the customer who has it there, else to the lowest id."""
    holders: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if box := japan.mailbox(row.contact.email):
            holders[box].append(row)
    for each in holders.values():
        first, *others = sorted(each, key=lambda row: (not row.holds_email, not row.ours, row.customer_id))
        for row in others:
            if row.lost or row.changes:
                row.result = AskPerson(
                    f"customers {first.key} and {row.key} have the same e-mail address; in HubSpot it can stand at one "
                    "contact only: change one of them in Shopify, or merge them",
                    kind="hubspot.email_twice",
                    choices=[{CUSTOMER_ID: first.key}, {CUSTOMER_ID: row.key}],
                )


def _normalised(answer: Mapping[str, Any]) -> list[Correction]:
    """What HubSpot itself changed: since 2026-09 it normalises dates instead of refusing them, and says so."""
    return [
        Correction(name, "reformatted", f"HubSpot made it {str(about.get('normalizedValue'))[:100]}")
        for warning in objects(answer.get("warnings"))
        if warning.get("category") == "PROPERTY_VALUE_NORMALIZED"
        if isinstance(about := warning.get("context"), Mapping)
        if isinstance(name := about.get("propertyName"), str) and re.fullmatch(r"[a-z0-9_]{1,100}", name)
    ]
