"""The lane ``smaregi``: a Shopify customer becomes, or is found to be, one member, and stays equal from then on.

A new customer costs one write, a change one, no change none. A member that the store already knows keeps its points,
its visits and what we do not know; only the link and what Shopify has a value for are written over it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, TypeAlias

from clients.errors import AskPerson, CarryError, TryLater
from clients.lane import Carried, Result, fingerprint, what_differs, with_doubts
from clients.pace import PaceStore
from clients.smaregi.api import SmaregiApi
from clients.smaregi.finding import SOON, Finder, as_choice
from clients.smaregi.index import MemberIndex
from clients.smaregi.mapping import CLEARED_AS, Mapped, map_member, member_number
from clients.smaregi.required import RequiredColumns, fill
from clients.smaregi.rows import JST, Row, as_member, mail_key, text
from clients.smaregi.sorting import Missing, Refused
from clients.smaregi.upkeep import Upkeep
from clients.token import Vault
from customer import Correction, Customer, Task, known

MatchedMember: TypeAlias = Literal["keep_code", "replace_code"]

HELD: Final = timedelta(minutes=5)  # longer than one customer takes, a few timeouts included
SETTLING: Final = timedelta(seconds=5)  # until the ledger has surely written down whom the member is linked to
MERGED: Final = "4"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What we want a member to be: the mapped fields, which of them only stand in, and what was corrected."""

    profile: Mapping[str, str | None]
    filled: frozenset[str]
    corrections: tuple[Correction, ...]
    number: str
    mail: str | None


class SmaregiLane:
    """Carries customers to one Smaregi contract; see ``clients.lane.Lane`` for the verbs."""

    def __init__(
        self,
        *,
        api_url: str,
        auth_url: str,
        contract_id: str,
        client_id: str,
        client_secret: str,
        index: MemberIndex,
        vault: Vault,
        pace_store: PaceStore,
        reads_per_second: float,
        writes_per_second: float,
        matched_member: MatchedMember,
        placeholder: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = SmaregiApi(
            api_url=api_url,
            auth_url=auth_url,
            contract_id=contract_id,
            client_id=client_id,
            client_secret=client_secret,
            vault=vault,
            pace_store=pace_store,
            reads_per_second=reads_per_second,
            writes_per_second=writes_per_second,
            now=now,
            sleep=sleep,
        )
        self._index = index
        self._now = now
        self._replaces_code = matched_member == "replace_code"
        self._placeholder = placeholder
        self._required = RequiredColumns(self.api.required_columns, now)
        self._upkeep = Upkeep(self.api, index, now=now, sleep=sleep)
        self._finder = Finder(self.api, index, now=now)

    @property
    def name(self) -> str:
        return "smaregi"

    @property
    def batch(self) -> int:
        # The bulk calls answer through a callback, too late for a customer who stands at the till:
        # https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomersbulk
        return 1

    @property
    def threads(self) -> int:
        return 16

    @property
    def gap(self) -> timedelta:
        return timedelta(0)

    @property
    def required_columns(self) -> frozenset[str]:
        """What the contract requires of every member, as last read."""
        return self._required.names()

    def prepare(self) -> None:
        """Read the required columns, which also tries the credentials, the scopes and the plan."""
        self._required.read()

    def tend(self) -> timedelta:
        """Scan, poll, and read the required columns again, as far as due; how long until there is more to do.

        Raises ``TryLater`` and ``StopLane`` as ``carry`` does.
        """
        wait = self._upkeep.tend()
        self._required.read_if_due()
        return wait

    def carry(self, tasks: Sequence[Task]) -> Mapping[int, Result]:
        return {task.customer.id: self._carry_or_why(task) for task in tasks}

    def _carry_or_why(self, task: Task) -> Result:
        try:
            return self._carry(task)
        except CarryError as e:
            # What was in doubt before stays so until a try has ended well.
            e.doubt = e.doubt or task.doubt
            return e

    def _carry(self, task: Task) -> Carried:
        task = with_doubts(task, lambda customer: self._mapped(customer).fields)
        wanted = self._wanted(task)
        if task.ref is not None:
            try:
                return self._update(task, task.ref, wanted)
            except Missing:
                # What we remembered is stale: https://community.smaregi.dev/discussion/82
                self._index.forget(task.ref)
                task = replace(task, ref=None, sent={}, doubt=True)
        try:
            return self._bring(task, wanted)
        except Missing as e:
            self._index.forget(e.member_id)
        # Deleted between our look and our link. Once more is enough; then it is the next attempt's.
        try:
            return self._bring(replace(task, doubt=True), wanted)
        except Missing as e:
            raise TryLater(
                "the member is being deleted at Smaregi right now",
                kind="smaregi.member_changing",
                wait=SOON,
                lane_wide=False,
            ) from e

    def _wanted(self, task: Task) -> _Wanted:
        mapped = self._mapped(task.customer)
        return _Wanted(
            profile=mapped.fields,
            filled=mapped.filled,
            corrections=mapped.corrections,
            number=member_number(task.customer.id),
            mail=mail_key(known(task.customer.email)),
        )

    def _mapped(self, customer: Customer) -> Mapped:
        return map_member(customer, placeholder=self._placeholder, today=self._today())

    # A member that we know

    def _update(self, task: Task, ref: str, wanted: _Wanted) -> Carried:
        """Send what differs from what was sent. Raises ``Missing`` when the member is gone."""
        if "customerNo" not in task.sent:
            return self._link_known(task, ref, wanted)
        # After a lost answer nobody knows what stands there: an older state may, and "nothing differs" would keep it.
        sent = dict.fromkeys(task.sent, "") if task.doubt else dict(task.sent)
        fields, kept = self._over_known(task, wanted)
        out, after = what_differs(fields, sent)
        # What was not ours to send again this time keeps its mark.
        after = {name: mark or task.sent.get(name, "") for name, mark in after.items()}
        corrections = (*wanted.corrections, *kept)
        if not out:
            return Carried(ref, "unchanged", sent=after, memo=task.memo, corrections=corrections)
        self._write(ref, out, wanted)
        return Carried(ref, "updated", sent=after, memo=task.memo, corrections=corrections)

    def _over_known(self, task: Task, wanted: _Wanted) -> tuple[dict[str, str | None], tuple[Correction, ...]]:
        """The fields for a member that exists: no null where none is taken, no stand-in over what the store knows."""
        required: frozenset[str] = frozenset()
        if any(value is None and name in task.sent for name, value in wanted.profile.items()):
            required = self._required.names()
        fields: dict[str, str | None] = {"customerNo": wanted.number}
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
            else:
                fields[name] = value
        return fields, tuple(kept)

    def _link_known(self, task: Task, ref: str, wanted: _Wanted) -> Carried:
        """A person chose this member for the customer: link it as one that was found, after a look at it."""
        row = self.api.member(ref)
        self._index.put([as_member(row)], seen_at=self._now())
        if not as_member(row).counts:
            raise Missing(ref)
        return self._link(task, self._finder.only([row], task.customer.id), wanted)

    # A member that we do not know yet

    def _bring(self, task: Task, wanted: _Wanted) -> Carried:
        """Find the member and link it, or create it. Raises ``Missing`` when it went while we looked."""
        self._upkeep.ensure_fresh()
        with self._holding(wanted.mail, task.customer.id):
            ask = task.doubt or task.attempt > 1
            row = self._finder.find(task.customer.id, wanted.number, wanted.mail, ask=ask)
            return self._create(task, wanted) if row is None else self._link(task, row, wanted)

    @contextmanager
    def _holding(self, mail: str | None, customer_id: int) -> Iterator[None]:
        """Hold an e-mail, so that two Shopify customers with the same one cannot both look in vain and create."""
        if mail is None:
            yield
            return
        now = self._now()
        if not self._index.hold_mail(mail, customer_id, now, now + HELD):
            raise TryLater(
                "another Shopify customer with the same e-mail is being carried",
                kind="smaregi.mail_held",
                wait=SOON,
                lane_wide=False,
            )
        try:
            yield
        except BaseException as e:
            # A member that may have been created is not in the index yet: the next one would look in vain.
            if not (isinstance(e, CarryError) and e.doubt):
                self._index.release_mail(mail, customer_id)
            raise
        # Let go now, the next one could see this member before the ledger knows whose it is.
        now = self._now()
        self._index.hold_mail(mail, customer_id, now, now + SETTLING)

    def _create(self, task: Task, wanted: _Wanted) -> Carried:
        known_fields = {name: value for name, value in wanted.profile.items() if value is not None}
        fields, filled = fill(
            {**known_fields, "customerCode": wanted.number, "customerNo": wanted.number},
            self._required.names(),
            placeholder=self._placeholder,
            today=self._today(),
        )
        try:
            row = self.api.create(fields)
        except Refused as e:
            # The code is unique, so a refusal of it may mean that the member is there already.
            rows = self._finder.at_smaregi("customer_code", wanted.number) if e.field == "customerCode" else []
            if not rows:
                raise
            return self._link(task, self._not_a_ghost(rows[0], task.customer.id), wanted)
        member = as_member(row)
        self._index.put([member], seen_at=self._now())
        return Carried(
            member.id,
            "created",
            sent={name: fingerprint(value) for name, value in fields.items()},
            memo=task.memo,
            corrections=(*wanted.corrections, *filled),
        )

    def _not_a_ghost(self, row: Row, customer_id: int) -> Row:
        """The member that has our code. Raises ``AskPerson`` when it is withdrawn or merged, yet keeps the code."""
        member = as_member(row)
        if member.counts:
            return self._finder.only([row], customer_id)
        raise AskPerson(
            f"member {member.id} has this customer's code but is withdrawn or merged (status {member.status}): put it "
            "back to use in Smaregi, or give it another code",
            kind="smaregi.code_taken",
            choices=[as_choice(member)],
        )

    def _link(self, task: Task, row: Row, wanted: _Wanted) -> Carried:
        """Write the link and what Shopify has a value for over a member of the store; the rest of it stays."""
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
        profile = {n: v for n, v in wanted.profile.items() if v is not None and n not in wanted.filled}
        fields = {**profile, **link}
        out: dict[str, str | None] = {name: value for name, value in fields.items() if text(row, name) != value}
        made_by_us = member.code == wanted.number and "old_code" not in memo
        # Marks without a ref are those of a late result: what it sent stands on this member.
        out |= self._to_clear(row, wanted, wanted.profile if made_by_us else task.sent)
        if out:
            if memo != task.memo:
                # Written over, the old code stands nowhere else: a lost answer or a crash must not lose it with it.
                self._index.remember(task.customer.id, memo)
            self._write(member.id, out, wanted)
        return Carried(
            member.id,
            "linked",
            sent={name: fingerprint(value) for name, value in fields.items()},
            memo=memo,
            corrections=wanted.corrections,
        )

    def _to_clear(self, row: Row, wanted: _Wanted, ours: Collection[str]) -> dict[str, str | None]:
        """Those of our fields that stand on a member and have no value any more.

        Where our code was its first, a create whose answer was lost made it, and every field is ours: since then one
        may have been cleared in Shopify, of which no mark tells.
        """
        gone = {name: CLEARED_AS.get(name) for name in ours if wanted.profile.get(name, "") is None}
        differs = {name: value for name, value in gone.items() if text(row, name) != (value or "")}
        required = self._required.names() if differs else frozenset()
        return {name: value for name, value in differs.items() if value is not None or name not in required}

    def _write(self, member_id: str, out: Mapping[str, str | None], wanted: _Wanted) -> None:
        """One PATCH; the index has the member as it is from then on. Raises ``AskPerson`` when it turns out merged."""
        row = self.api.update(member_id, out, about=wanted.profile)
        if row is None:
            return
        member = as_member(row)
        self._index.put([member], seen_at=self._now())
        if member.status == MERGED:
            into = self._index.by_mail(wanted.mail) if wanted.mail else []
            raise AskPerson(
                f"member {member.id} was merged into another one at Smaregi (名寄せ): choose the one that is in use",
                kind="smaregi.member_merged",
                choices=[as_choice(m) for m in into if m.counts],
            )

    def _today(self) -> date:
        return self._now().astimezone(JST).date()
