"""What we want of a member: of a new one, of one we know, of one of the store's that is found. Decides, calls nothing.

Only the required columns may have to be asked for, once in ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from clients.lane import fingerprint
from clients.smaregi.mapping import CLEARED_AS, Mapped, map_member, member_number
from clients.smaregi.required import RequiredColumns, fill
from clients.smaregi.rows import JST, Row, as_member, mail_key, text
from customer import Correction, Customer, Task, known

_STAYS: Final = "stays"
"""In the memo: fields of the store's own that what is borrowed is not laid over, parted by spaces."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What we want a member to be: the mapped fields, which of them stand in or are borrowed, what was corrected."""

    profile: Mapping[str, str | None]
    filled: frozenset[str]
    borrowed: frozenset[str]
    corrections: tuple[Correction, ...]
    number: str
    mail: str | None


@dataclass(frozen=True, slots=True)
class Linking:
    """A member of the store becomes this customer's: ``fields`` are ours from then on, ``out`` has to be written.

    ``memo`` remembers what is written over.
    """

    fields: Mapping[str, str]
    out: Mapping[str, str | None]
    memo: Mapping[str, str]


class Wishes:
    """Turns customers into what their members are to be."""

    def __init__(
        self, required: RequiredColumns, now: Callable[[], datetime], *, replaces_code: bool, placeholder: str
    ) -> None:
        self._required = required
        self._now = now
        self._replaces_code = replaces_code
        self._placeholder = placeholder

    def of(self, task: Task) -> Wanted:
        """What this task's customer is to be."""
        mapped = self.mapped(task.customer)
        return Wanted(
            profile=mapped.fields,
            filled=mapped.filled,
            borrowed=mapped.borrowed,
            corrections=mapped.corrections,
            number=member_number(task.customer.id),
            mail=mail_key(known(task.customer.email)),
        )

    def mapped(self, customer: Customer) -> Mapped:
        """The customer in Smaregi's fields."""
        return map_member(customer, placeholder=self._placeholder, today=self._today())

    def of_a_new_one(self, wanted: Wanted) -> tuple[dict[str, str], tuple[Correction, ...]]:
        """Every field of a new member, and what was filled in. Raises ``AskPerson`` when a required one is missing."""
        known_fields = {name: value for name, value in wanted.profile.items() if value is not None}
        return fill(
            {**known_fields, "customerCode": wanted.number, "customerNo": wanted.number},
            self._required.names(),
            placeholder=self._placeholder,
            today=self._today(),
        )

    def over_known(self, task: Task, wanted: Wanted) -> tuple[dict[str, str | None], tuple[Correction, ...]]:
        """The fields for a member that exists: no null where none is taken, no stand-in over what the store knows."""
        required: frozenset[str] = frozenset()
        if any(value is None and name in task.sent for name, value in wanted.profile.items()):
            required = self._required.names()
        fields: dict[str, str | None] = {"customerNo": wanted.number}
        stays = wanted.borrowed & set(task.memo.get(_STAYS, "").split())
        kept = []
        for name, value in wanted.profile.items():
            mark = task.sent.get(name)
            if value is None and mark is not None and name in CLEARED_AS:
                fields[name] = CLEARED_AS[name]
            elif value is None and mark is not None and name in required:
                # https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/patchcustomersbulk
                kept.append(Correction(name, "dropped", "会員必須項目設定: a required field is not cleared"))
            elif name in wanted.filled and mark in (None, "", fingerprint(value)):
                # The store may have written the real name over our stand-in. Only where a value of ours was cleared
                # in Shopify does the stand-in go out.
                continue
            elif name not in stays:
                fields[name] = value
        return fields, tuple(kept)

    def on_linking(self, task: Task, row: Row, wanted: Wanted) -> Linking:
        """The link, and what Shopify has a value for, over a member of the store; the rest of it stays."""
        member = as_member(row)
        memo = dict(task.memo)
        link = {"customerNo": wanted.number}
        if member.number not in (None, wanted.number):
            memo["old_number"] = member.number or ""
        if self._replaces_code:
            # A till refuses a sale whose code is not the member's:
            # https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/posttransactionsconsumeproductsets
            link["customerCode"] = wanted.number
            if member.code not in ("", wanted.number):
                memo["old_code"] = member.code
        made_by_us = member.code == wanted.number and "old_code" not in memo
        own = frozenset() if made_by_us else self._own_of(row, wanted.borrowed)
        if own:
            memo[_STAYS] = " ".join(sorted(own))
        kept = wanted.filled | own
        profile = {n: v for n, v in wanted.profile.items() if v is not None and n not in kept}
        fields = {**profile, **link}
        out: dict[str, str | None] = {name: value for name, value in fields.items() if text(row, name) != value}
        # Marks without a ref are those of a late result: what it sent stands on this member.
        out |= self._to_clear(row, wanted, wanted.profile if made_by_us else task.sent)
        return Linking(fields, out, memo)

    def _own_of(self, row: Row, borrowed: Collection[str]) -> frozenset[str]:
        """The borrowed fields for which the store has something: an address is one value in two fields."""
        there = {name for name in borrowed if text(row, name) not in ("", self._placeholder)}
        return frozenset(there | ({"address", "postCode"} if there & {"address", "postCode"} else set()))

    def _to_clear(self, row: Row, wanted: Wanted, ours: Collection[str]) -> dict[str, str | None]:
        """Those of our fields that stand on a member and have no value any more.

        Where our code was its first, a create whose answer was lost made it, and every field is ours: since then one
        may have been cleared in Shopify, of which no mark tells.
        """
        gone = {name: CLEARED_AS.get(name) for name in ours if wanted.profile.get(name, "") is None}
        differs = {name: value for name, value in gone.items() if text(row, name) != (value or "")}
        required = self._required.names() if differs else frozenset()
        return {name: value for name, value in differs.items() if value is not None or name not in required}

    def _today(self) -> date:
        return self._now().astimezone(JST).date()
