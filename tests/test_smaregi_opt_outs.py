"""Whatever happens in whatever order, no opt-out that was said at the till is ever undone by us.

Hypothesis plays the customer in the shop, the till, the operator, the net and the clock at once. The far side itself
keeps count of whose each "0" is, without asking anything of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import requests
import responses
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clients.lane import Carried
from clients.smaregi.mail_flag import FLAG, LATE
from customer import Task
from tests.test_smaregi_lane import HANAKO, ID, Reply
from tests.test_smaregi_mail_flag import Shop, Till

CONSENTS = st.sampled_from(["subscribed", "unsubscribed"])
FATES = st.sampled_from(["heard", "heard", "heard", "lost", "unheard", "late"])
MAIL = "hanako.test@example.com"


@dataclass
class Watching(Till):
    """A till whose every "0" has an owner: ``theirs`` holds the members whose "0" somebody said there."""

    theirs: set[str] = field(default_factory=set)
    undone: list[str] = field(default_factory=list)
    #: A "1" of theirs that we have not looked at: a "0" after it cannot be told from ours, if ours it was.
    unseen: dict[str, bool] = field(default_factory=dict)
    #: Writes that are on their way, with when they were sent; each knows whose "0" it may cross.
    late: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)

    def answer(self, request: requests.PreparedRequest) -> Reply:
        if request.method == "GET":
            for row in self.rows.values():
                self.unseen.pop(str(row["customerId"]), None)
        elif self.fates and self.fates[0] == "late":
            self.fates.pop(0)
            theirs = set(self.theirs)
            self.late.append((self.now(), lambda: self._arrive(request, theirs)))
            raise requests.ReadTimeout
        return super().answer(request)

    def _arrive(self, request: requests.PreparedRequest, theirs: set[str]) -> None:
        """It was sent when only ``theirs`` had opted out; nobody can hold it up for one who did since."""
        crossed, self.theirs = self.theirs - theirs, self.theirs & theirs
        super().answer(request)
        self.theirs |= {member for member in crossed if self.rows.get(member, {}).get(FLAG) == "0"}

    def _update(self, member_id: str, body: dict[str, Any]) -> Reply:
        there = self.rows.get(member_id, {}).get(FLAG)
        if body.get(FLAG) == "1" and there == "0" and member_id in self.theirs:
            self.undone.append(member_id)
        if FLAG in body and body[FLAG] != there:
            self.theirs.discard(member_id)
            self.unseen.pop(member_id, None)
        return super()._update(member_id, body)

    def set_flag(self, member_id: str, flag: str) -> None:
        there = self.rows[member_id][FLAG]
        super().set_flag(member_id, flag)
        if flag == "1" and there == "0":
            self.unseen[member_id] = member_id not in self.theirs
            self.theirs.discard(member_id)
        elif flag == "0" and there == "1" and not self.unseen.pop(member_id, False):
            self.theirs.add(member_id)


class OptOuts(RuleBasedStateMachine):
    """One customer, their members, and everybody who has a hand in the flag."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop(smaregi=Watching())
        self.unsure_until = self.shop.now
        self.quiet = True  # nothing has happened but what the shop said and what the net did
        self.net = responses.RequestsMock(assert_all_requests_are_fired=False)
        self.net.start()
        for method in ("GET", "POST", "PATCH"):
            self.net.add_callback(method, re.compile(r"https://api\.example\.com/.*"), self.till.answer)
        self.lane = self.shop.lane()
        self.lane.prepare()

    @property
    def till(self) -> Watching:
        assert isinstance(self.shop.smaregi, Watching)
        return self.shop.smaregi

    @initialize(known=st.sampled_from([None, None, "0", "1"]), consent=CONSENTS)
    def begins(self, known: str | None, consent: str) -> None:
        if known is not None:
            member = self.shop.in_store(mailAddress=MAIL, mailReceiveFlag=known)
            self.till.theirs |= {member} if known == "0" else set()
            self.quiet = known == "1"
        self.shop.task = Task(replace(HANAKO, email_consent=consent))

    # The shop and the net

    @rule(consent=CONSENTS)
    def the_customer_says(self, consent: str) -> None:
        self.shop.task = replace(self.shop.task, customer=replace(self.shop.task.customer, email_consent=consent))

    @rule(name=st.sampled_from(["花子", "華子"]))
    def the_customer_changes(self, name: str) -> None:
        self.shop.task = replace(self.shop.task, customer=replace(self.shop.task.customer, first_name=name))

    @rule(fate=FATES)
    def we_carry(self, fate: str) -> None:
        """As the ledger does: what was in doubt is sent once more when nothing older can arrive."""
        shop, now = self.shop, self.shop.now
        self.till.fates[:] = [fate]
        result = self.lane.carry([shop.task])[ID]
        self.till.fates.clear()
        if isinstance(result, Carried):
            unsure = self.unsure_until > now
            sent = dict.fromkeys(result.sent, "") if unsure else result.sent
            shop.task = Task(shop.task.customer, ref=result.ref, sent=sent, memo=result.memo, doubt=unsure)
            return
        if (result.doubt and not shop.task.doubt) or fate in ("lost", "unheard", "late"):
            self.unsure_until = now + LATE
        shop.task = replace(shop.task, doubt=result.doubt, attempt=shop.task.attempt + 1)

    @precondition(lambda self: self.till.late)
    @rule()
    def what_was_on_its_way_arrives(self) -> None:
        self.till.late.pop(0)[1]()

    @rule(seconds=st.sampled_from([1, 1, 5, 30, 61]))
    def time_passes(self, seconds: int) -> None:
        self.shop.passes(seconds)
        while self.till.late and self.till.late[0][0] + LATE <= self.shop.now:
            self.till.late.pop(0)[1]()

    # The till

    @precondition(lambda self: self.till.rows)
    @rule(flag=st.sampled_from(["0", "0", "1"]), data=st.data())
    def the_till_sets(self, flag: str, data: st.DataObject) -> None:
        self.till.set_flag(data.draw(st.sampled_from(sorted(self.till.rows))), flag)
        self.quiet = False

    @precondition(lambda self: self.shop.task.ref in self.till.rows)
    @rule()
    def the_till_changes_something_else(self) -> None:
        self.till.rows[self.shop.ref]["updDateTime"] = (self.shop.now + timedelta(hours=9)).strftime(
            "%Y-%m-%dT%H:%M:%S+09:00"
        )
        self.quiet = False

    @precondition(lambda self: self.shop.task.ref in self.till.rows)
    @rule()
    def the_member_is_deleted(self) -> None:
        del self.till.rows[self.shop.ref]
        self.till.theirs.discard(self.shop.ref)
        self.till.unseen.pop(self.shop.ref, None)
        self.quiet = False

    # The operator

    @rule()
    def a_resync(self) -> None:
        self.shop.task = replace(self.shop.task, sent=dict.fromkeys(self.shop.task.sent, ""))

    @rule(ref_too=st.booleans())
    def the_marks_are_lost(self, ref_too: bool) -> None:
        ref = None if ref_too else self.shop.task.ref
        self.shop.task = replace(self.shop.task, sent={}, memo={}, ref=ref)

    @rule()
    def what_we_wrote_is_not_known(self) -> None:
        """An older ledger, or one that was made anew."""
        self.shop.flags.written.clear()
        self.quiet = False

    @precondition(lambda self: len(self.till.rows) < 3)
    @rule(flag=st.sampled_from(["0", "1"]))
    def a_person_links_another_member(self, flag: str) -> None:
        member = self.shop.in_store(mailAddress="other@example.com", mailReceiveFlag=flag)
        self.till.theirs |= {member} if flag == "0" else set()
        self.shop.task = replace(self.shop.task, ref=member, sent={})
        self.quiet = False

    # What must hold

    def check_invariants(self, settings: Any, output: Any, runtimes: Any) -> None:
        super().check_invariants(settings, output, runtimes)
        assert not self.till.undone, "a 1 was written over a 0 that was said at the till"

    def teardown(self) -> None:
        try:
            for _ in range(4):
                self.time_passes(61)
                self.a_resync()  # else a member that was deleted meanwhile is not missed
                self.we_carry("heard")
            assert not self.till.undone
            wanted = "1" if self.shop.task.customer.email_consent == "subscribed" else "0"
            flag = self.till.rows[self.shop.ref][FLAG]
            told = [c.what for c in self._last_corrections() if c.field == FLAG]
            if flag != wanted:
                assert (wanted, told) == ("1", ["withheld"])  # people are told, and only of an opt-out
            if self.quiet:
                assert flag == wanted  # where nobody else had a hand in it, what the customer says arrives
        finally:
            self.net.stop()
            self.net.reset()

    def _last_corrections(self) -> Any:
        self.a_resync()
        result = self.lane.carry([self.shop.task])[ID]
        assert isinstance(result, Carried), result
        return result.corrections


def test_no_opt_out_is_ever_undone() -> None:
    run_state_machine_as_test(
        OptOuts, settings=settings(settings.get_profile("suite"), max_examples=40, stateful_step_count=25)
    )
