"""The lane ``smaregi``: a Shopify customer becomes, or is found to be, one member, and stays equal from then on.

A new customer costs one write, a change one, no change none. A member that the store already knows keeps its points,
its visits and what we do not know; only the link and what Shopify has a value for are written over it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from clients.checkup import Finding, clock
from clients.errors import AskPerson, CarryError, TryLater
from clients.lane import Carried, Change, Did, Look, Result, fingerprint, seen, what_differs, with_doubts
from clients.lane import Finding as Found
from clients.pace import PaceStore
from clients.smaregi.api import SmaregiApi
from clients.smaregi.blocked import BlockedMember, judge_blocked
from clients.smaregi.checking import examine
from clients.smaregi.finding import SOON, Finder, as_choice
from clients.smaregi.holding import holding
from clients.smaregi.index import MemberIndex
from clients.smaregi.mail_flag import FLAG, FlagBook, MailFlag, NotSent, Plan
from clients.smaregi.polls import EVERY, Polls
from clients.smaregi.required import RequiredColumns
from clients.smaregi.rows import Row, as_member, text
from clients.smaregi.sorting import Missing, Refused
from clients.smaregi.upkeep import Upkeep
from clients.smaregi.wanted import Wanted, Wishes
from clients.token import Vault
from customer import Task

MatchedMember: TypeAlias = Literal["keep_code", "replace_code"]

MERGED: Final = "4"
LOOKS: Final = 5  # how often somebody is looked for anew because the index had moved on before the POST
WITH_A_SLOT: Final = timedelta(milliseconds=250)  # a slot of the rate that is used later could make a burst
EVERY_ON_DEV: Final = timedelta(milliseconds=300)  # of their 10 reads/s: https://community.smaregi.dev/discussion/518
FOR_A_LOOK: Final = timedelta(minutes=1)  # how old the index may be where nothing is written


class _LookAgain(NotSent):
    """Nothing was sent: the index knows more than when this customer was looked for."""


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
        flags: FlagBook,
        vault: Vault,
        pace_store: PaceStore,
        reads_per_second: float,
        writes_per_second: float,
        matched_member: MatchedMember,
        placeholder: str,
        beside: Executor | None = None,
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
        self._required = RequiredColumns(self.api.required_columns, now)
        self._wishes = Wishes(
            self._required, now, replaces_code=matched_member == "replace_code", placeholder=placeholder
        )
        every = EVERY_ON_DEV if (urlsplit(api_url).hostname or "").endswith(".dev") else EVERY
        self._polls = Polls(self.api, index, every=every, beside=beside, now=now, sleep=sleep)
        self._upkeep = Upkeep(self.api, index, self._polls, now=now)
        self._finder = Finder(self.api, index, now=now)
        self._flag = MailFlag(self.api, flags, now=now)

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

    @property
    def is_kept_up(self) -> bool:
        """See ``clients.lane.Attends``."""
        return self._polls.is_kept_up

    def attend(self) -> timedelta | None:
        """Poll while new customers are on their way; see ``clients.lane.Attends``."""
        return self._polls.attend()

    def carry(self, tasks: Sequence[Task]) -> Mapping[int, Result]:
        return {task.customer.id: self._carry_or_why(task) for task in tasks}

    def _carry_or_why(self, task: Task) -> Result:
        try:
            return self._carry(task)
        except BlockedMember as e:
            error = judge_blocked(e, task, self.api.alike, self._required.read)
        except CarryError as e:
            error = e
        # What was in doubt before stays so until a try has ended well.
        error.doubt = error.doubt or task.doubt
        return error

    def _carry(self, task: Task) -> Carried:
        task = with_doubts(task, lambda customer: self._wishes.mapped(customer).fields)
        wanted = self._wishes.of(task)
        if task.ref is not None:
            try:
                return self._update(task, task.ref, wanted)
            except Missing:
                # What we remembered is stale: https://community.smaregi.dev/discussion/82
                self._index.forget(task.ref)
                self._flag.forget(task.customer.id)
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

    def examine(self) -> Iterator[Finding]:
        """See that credential, scopes, plan, required columns and index are right; see ``clients.checkup``."""
        yield from examine(self.api, self._index, now=self._now())
        yield clock(self.api.heard_at, self._now())

    # A look, before anything is done

    def preview(self, task: Task) -> Look:
        """What a carry would do with this customer, as a member is now; see ``clients.lane.Previews``."""
        task = with_doubts(task, lambda customer: self._wishes.mapped(customer).fields)
        wanted = self._wishes.of(task)
        if task.ref is not None:
            try:
                return self._look_at_known(task, task.ref, wanted)
            except Missing:
                task = replace(task, ref=None, sent={}, doubt=True)
        self._polls.ensure_fresh(FOR_A_LOOK)
        row = self._finder.find(task.customer.id, wanted.number, wanted.mail, ask=True)
        if row is None:
            fields, _ = self._wishes.of_a_new_one(wanted)
            return Look("would be created", changes=tuple(Change(name, None, value) for name, value in fields.items()))
        return self._would_link(task, row, wanted)

    def _look_at_known(self, task: Task, ref: str, wanted: Wanted) -> Look:
        if "customerNo" not in task.sent:
            return self._would_link(task, self._finder.only([self._in_use(ref)], task.customer.id), wanted)
        row = self.api.member(ref)
        fields, _ = self._wishes.over_known(task, wanted)
        out, _ = what_differs(fields, task.sent)
        return self._seen(task, row, "linked", out)

    def _would_link(self, task: Task, row: Row, wanted: Wanted) -> Look:
        out = self._wishes.on_linking(task, row, wanted).out
        return self._seen(task, row, "would be linked", dict(out), number=wanted.number)

    def _seen(
        self, task: Task, row: Row, found: Found, out: dict[str, str | None], *, number: str | None = None
    ) -> Look:
        if (flag := out.get(FLAG)) is not None:
            plan = self._flag.plan(task.customer.id, row, flag, number=number, peek=True)
            if not plan.writes:
                del out[FLAG]
        return seen(as_member(row).id, found, _changes(row, out))

    # A member that we know

    def _update(self, task: Task, ref: str, wanted: Wanted) -> Carried:
        """Send what differs from what was sent. Raises ``Missing`` when the member is gone."""
        if "customerNo" not in task.sent:
            return self._link_known(task, ref, wanted)
        # After a lost answer nobody knows what stands there: an older state may, and "nothing differs" would keep it.
        sent = dict.fromkeys(task.sent, "") if task.doubt else dict(task.sent)
        fields, kept = self._wishes.over_known(task, wanted)
        out, after = what_differs(fields, sent)
        # What was not ours to send again this time keeps its mark.
        after = {name: mark or task.sent.get(name, "") for name, mark in after.items()}
        corrections = (*wanted.corrections, *kept)
        plan = None
        if (flag := out.pop(FLAG, None)) is not None:
            # Where an answer was lost, what the book holds may not have arrived.
            plan = None if task.doubt else self._flag.guess(task.customer.id, flag)
            plan = plan or self._flag.plan(task.customer.id, self.api.member(ref), flag)
        row, plan = self._write(task, ref, out, wanted, plan)
        if plan is not None:
            after[FLAG] = plan.mark
        elif (plan := self._flag.seen(task.customer.id, row, fields.get(FLAG))) is not None:
            after[FLAG] = "" if plan.wanted == "1" else after[FLAG]
        if plan is not None:
            corrections = (*corrections, *plan.corrections)
        did: Did = "updated" if out or row is not None else "unchanged"
        return Carried(ref, did, sent=after, memo=task.memo, corrections=corrections)

    def _link_known(self, task: Task, ref: str, wanted: Wanted) -> Carried:
        """A person chose this member for the customer: link it as one that was found, after a look at it."""
        return self._link(task, self._finder.only([self._in_use(ref)], task.customer.id), wanted)

    def _in_use(self, ref: str) -> Row:
        """The member as it is now. Raises ``Missing`` when it is gone, withdrawn or merged."""
        sent_at = self._now()
        row = self.api.member(ref)
        self._index.put([as_member(row)], seen_at=sent_at)
        if not as_member(row).counts:
            raise Missing(ref)
        return row

    # A member that we do not know yet

    def _bring(self, task: Task, wanted: Wanted) -> Carried:
        """Find the member and link it, or create it. Raises ``Missing`` when it went while we looked."""
        word = self._polls.ensure_fresh()
        with holding(self._index, wanted.mail, task.customer.id, self._now):
            ask = task.doubt or task.attempt > 1
            for _ in range(LOOKS):
                row = self._finder.find(task.customer.id, wanted.number, wanted.mail, ask=ask)
                if row is not None:
                    return self._link(task, row, wanted)
                try:
                    return self._create(task, wanted, word, ask=ask)
                except _LookAgain:
                    word = self._polls.ensure_fresh()
        raise TryLater(
            "Smaregi's members change faster than this customer can be looked for",
            kind="smaregi.member_changing",
            wait=SOON,
            lane_wide=False,
        )

    def _create(self, task: Task, wanted: Wanted, word: datetime, *, ask: bool) -> Carried:
        """Create the member. Raises ``_LookAgain`` when it may be there after all; ``word``: how new our look was."""
        fields, filled = self._wishes.of_a_new_one(wanted)
        sent_at = word

        def leaves() -> None:
            """The wait for the rate is over: is it still true that nobody is there?"""
            nonlocal word, sent_at
            while not self._polls.is_fresh(word):
                newer = self._polls.newer(WITH_A_SLOT)
                if newer is None or self._finder.is_known(wanted.number, wanted.mail, ask=ask):
                    raise _LookAgain
                word = newer
            sent_at = self._now()

        try:
            with self._flag.creating(task.customer.id, fields[FLAG], doubt=task.doubt) as created:
                row = self.api.create(fields, before_send=leaves)
                created(text(row, "customerId"))
        except Refused as e:
            # The code is unique, so a refusal of it may mean that the member is there already.
            rows = self._finder.at_smaregi("customer_code", wanted.number) if e.field == "customerCode" else []
            if not rows:
                raise
            return self._link(task, self._not_a_ghost(rows[0], task.customer.id), wanted)
        member = as_member(row)
        self._index.put([member], seen_at=sent_at)
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

    def _link(self, task: Task, row: Row, wanted: Wanted) -> Carried:
        """Write the link and what Shopify has a value for over a member of the store; the rest of it stays."""
        member, link = as_member(row), self._wishes.on_linking(task, row, wanted)
        sent = {name: fingerprint(value) for name, value in link.fields.items()}
        out, corrections = {name: value for name, value in link.out.items() if name != FLAG}, wanted.corrections
        self._flag.linking(task.customer.id, row, wanted.number)
        plan = None
        if (flag := link.fields.get(FLAG)) is not None:
            plan = self._flag.plan(task.customer.id, row, flag, number=wanted.number)
        if out and link.memo != task.memo:
            # Written over, the old code stands nowhere else: a lost answer or a crash must not lose it with it.
            self._index.remember(task.customer.id, link.memo)
        _, plan = self._write(task, member.id, out, wanted, plan, number=wanted.number)
        if plan is not None:
            sent[FLAG], corrections = plan.mark, (*corrections, *plan.corrections)
        return Carried(member.id, "linked", sent=sent, memo=link.memo, corrections=corrections)

    def _write(
        self,
        task: Task,
        member_id: str,
        out: Mapping[str, str | None],
        wanted: Wanted,
        plan: Plan | None,
        *,
        number: str | None = None,
    ) -> tuple[Row | None, Plan | None]:
        """One PATCH, if there is anything to send; the index has the member as it is from then on.

        The member as it is now, if that was told, and what was done about its mail flag. Raises ``AskPerson`` when it
        turns out merged.
        """
        sent_at = self._now()
        row, plan = self._flag.write(task.customer.id, member_id, out, plan, about=wanted.profile, number=number)
        if row is None:
            return None, plan
        member = as_member(row)
        self._index.put([member], seen_at=sent_at)
        if member.status == MERGED:
            into = self._index.by_mail(wanted.mail) if wanted.mail else []
            raise AskPerson(
                f"member {member.id} was merged into another one at Smaregi (名寄せ): choose the one that is in use",
                kind="smaregi.member_merged",
                choices=[as_choice(m) for m in into if m.counts],
            )
        return row, plan


def _changes(row: Row, out: Mapping[str, str | None]) -> list[Change]:
    """Which of these fields a PATCH would change on this member."""
    pairs = ((name, text(row, name) or None, value) for name, value in out.items())
    return [Change(name, there, value) for name, there, value in pairs if there != value]
