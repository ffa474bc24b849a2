"""An opt-out that was said at the till stays: no resync, link or lost answer of ours ever turns it back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
import responses

from clients.lane import Carried
from clients.smaregi.alone import AloneFlags
from clients.smaregi.mail_flag import FLAG, judge
from clients.smaregi.rows import as_time
from customer import Customer, FlagWritten, Task
from tests.test_smaregi_lane import HANAKO, ID, NOON, Reply, Smaregi, World, after

NO = replace(HANAKO, email_consent="unsubscribed")
YES = HANAKO


@dataclass
class Till(Smaregi):
    """A Smaregi that notes when a member was changed, tells its time, and is used at a till, too."""

    now: Callable[[], datetime] = lambda: NOON
    #: What becomes of the next writes: "lost" is never carried out, "unheard" is, and neither is answered.
    fates: list[str] = field(default_factory=list)
    before_look: Callable[[], None] | None = None

    def answer(self, request: requests.PreparedRequest) -> Reply:
        if request.method == "GET":
            if self.before_look is not None and "/customers/" in str(request.url):
                act = self.before_look
                self.before_look = None
                act()
            return self._dated(super().answer(request))
        fate = self.fates.pop(0) if self.fates else "heard"
        if fate == "lost":
            raise requests.ReadTimeout
        reply = self._dated(super().answer(request))
        if fate == "unheard":
            raise requests.ReadTimeout
        return reply

    def _create(self, body: dict[str, Any]) -> Reply:
        return super()._create({**body, "updDateTime": as_time(self.now())})

    def _update(self, member_id: str, body: dict[str, Any]) -> Reply:
        return super()._update(member_id, {**body, "updDateTime": as_time(self.now())})

    def _dated(self, reply: Reply) -> Reply:
        status, headers, body = reply
        return status, {**headers, "Date": self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")}, body

    def set_flag(self, member_id: str, flag: str) -> None:
        """Somebody changes the flag at the till."""
        self.rows[member_id] |= {FLAG: flag, "updDateTime": as_time(self.now())}

    @property
    def flags_sent(self) -> list[Any]:
        """The flag in each write of the last carry, None where it was left out."""
        return [body.get(FLAG) for body in self.bodies]


@dataclass
class Shop(World):
    """One customer, carried again and again as the ledger would have it."""

    smaregi: Till = field(default_factory=Till)
    task: Task = field(default_factory=lambda: Task(NO))

    def __post_init__(self) -> None:
        self.smaregi.now = lambda: self.now

    def brings(self, customer: Customer | None = None, **change: Any) -> Carried:
        """Carry the customer, now as told; what it left behind is remembered."""
        self.task = replace(self.task, customer=customer or self.task.customer, **change)
        carried = self.arrives(self.task)
        self.task = after(self.task, carried)
        return carried

    def loses(self, fate: str, customer: Customer | None = None) -> str:
        """Carry the customer, and lose the answer; under which name it comes back."""
        self.smaregi.fates.append(fate)
        self.task = replace(self.task, customer=customer or self.task.customer)
        later = self.waits(self.task)
        assert later.doubt
        self.task = replace(self.task, doubt=True, attempt=self.task.attempt + 1)
        return later.kind

    def resynced(self) -> dict[str, Any]:
        """What ``flask resync`` changes of a task: every mark is blank."""
        return {"sent": dict.fromkeys(self.task.sent, "")}

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def ref(self) -> str:
        assert self.task.ref
        return self.task.ref

    @property
    def flag(self) -> str:
        """What stands at the till."""
        return str(self.smaregi.rows[self.ref][FLAG])


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as far:
        for method in ("GET", "POST", "PATCH"):
            far.add_callback(method, re.compile(r"https://api\.example\.com/.*"), shop.smaregi.answer)
        yield shop


def kept(carried: Carried) -> bool:
    """Whether people are told that an opt-out was kept; the mark is blank then, so that the next carry looks again."""
    told = [(c.what, c.detail) for c in carried.corrections if c.field == FLAG]
    assert told in (
        [],
        [("withheld", "the member refuses mail in Smaregi: kept, although Shopify says that mail is wanted")],
    )
    assert bool(told) == (carried.sent[FLAG] == "")
    return bool(told)


# Whose "0" it is

OURS, ONE = FlagWritten("0", NOON), FlagWritten("1", NOON, "10", over="2026-11-22T11:59:00+09:00")


@pytest.mark.parametrize(
    ("wanted", "there", "ours", "verdict"),
    [
        ("1", "1", None, "stands"),
        ("0", "0", None, "stands"),
        ("0", "1", None, "lower"),
        ("0", "1", ONE, "lower"),
        ("1", "0", None, "withhold"),  # nothing is known: older ledgers, the store's own members
        ("1", "0", OURS, "raise"),
        ("1", "0", replace(OURS, changed=True), "withhold"),
        ("1", "0", FlagWritten("1", NOON, "10"), "withhold"),  # our "1" arrived
        ("1", "0", ONE, "wait"),  # our "1" was lost, and nothing was written since
        ("1", "0", replace(ONE, at=NOON - timedelta(seconds=60)), "raise"),
        ("1", "0", replace(ONE, at=NOON + timedelta(seconds=60)), "raise"),  # the clock was set back
        ("1", "0", replace(ONE, over="2026-11-22T11:58:00+09:00"), "withhold"),  # something was
        ("1", "", None, "withhold"),
    ],
)
def test_a_one_is_written_only_over_a_zero_of_ours(
    wanted: str, there: str, ours: FlagWritten | None, verdict: str
) -> None:
    row = {"customerId": "10", FLAG: there, "updDateTime": "2026-11-22T11:59:00+09:00"}
    assert judge(wanted, row, ours, NOON) == verdict


# What the customer says in the shop arrives


def test_a_newer_consent_is_written_over_our_own_zero_with_one_look_and_one_write(shop: Shop) -> None:
    shop.brings(NO)
    carried = shop.brings(YES)
    assert shop.smaregi.calls == ["GET /customers/10", "PATCH /customers/10"]
    assert shop.smaregi.bodies == [{FLAG: "1"}]
    assert not kept(carried)
    assert shop.brings().did == "unchanged"
    assert shop.smaregi.calls == []


def test_consent_that_goes_to_and_fro_arrives_each_time(shop: Shop) -> None:
    shop.brings(YES)
    for customer, flag in ((NO, "0"), (YES, "1"), (NO, "0"), (YES, "1")):
        assert not kept(shop.brings(customer))
        assert shop.flag == flag


def test_a_change_of_something_else_costs_no_look(shop: Shop) -> None:
    shop.brings(YES)
    shop.brings(replace(YES, first_name="華子"))
    assert shop.smaregi.calls == ["PATCH /customers/10"]


def test_a_zero_of_ours_on_a_linked_member_is_ours(shop: Shop) -> None:
    shop.in_store(mailAddress="hanako.test@example.com", mailReceiveFlag="1")
    shop.brings(NO)
    assert shop.flag == "0"
    shop.brings(YES, **shop.resynced())
    assert shop.flag == "1"


# What is said at the till stays


def test_no_resync_turns_an_opt_out_back(shop: Shop) -> None:
    shop.brings(YES)
    shop.smaregi.set_flag("10", "0")
    for _ in range(3):
        carried = shop.brings(replace(YES, first_name="華子"), **shop.resynced())
        assert (shop.flag, shop.smaregi.flags_sent) == ("0", [None])
        assert kept(carried)
        assert shop.smaregi.rows["10"]["firstName"] == "華子"  # the rest arrives


def test_it_stays_when_the_customer_changes_and_a_resync_is_long_ago(shop: Shop) -> None:
    shop.brings(YES)
    shop.smaregi.set_flag("10", "0")
    carried = shop.brings(replace(YES, first_name="華子"))
    assert (shop.flag, kept(carried)) == ("0", True)


def test_it_stays_when_a_member_of_the_store_is_linked(shop: Shop) -> None:
    shop.in_store(mailAddress="hanako.test@example.com", mailReceiveFlag="0")
    carried = shop.brings(YES)
    assert (carried.did, shop.flag, kept(carried)) == ("linked", "0", True)


@pytest.mark.parametrize("matched_member", ["keep_code", "replace_code"])
def test_it_stays_when_a_person_links_another_member(shop: Shop, matched_member: Any) -> None:
    shop.matched_member = matched_member
    shop.brings(NO)
    other = shop.in_store(mailAddress="other@example.com", mailReceiveFlag="0")
    carried = shop.brings(YES, ref=other, sent={})
    assert (shop.flag, kept(carried)) == ("0", True)
    assert kept(shop.brings(**shop.resynced()))  # the code is ours by now, the "0" is not


def test_it_stays_where_an_older_version_carried_the_customer(shop: Shop) -> None:
    shop.brings(NO)
    shop.flags.written.clear()
    carried = shop.brings(YES)
    assert (shop.flag, kept(carried)) == ("0", True)


@pytest.mark.parametrize("lost", [{"sent": {}}, {"sent": {}, "ref": None, "memo": {}}])
def test_it_stays_when_the_marks_are_lost(shop: Shop, lost: dict[str, Any]) -> None:
    shop.brings(YES)
    shop.smaregi.set_flag("10", "0")
    carried = shop.brings(YES, **lost)
    assert (shop.ref, shop.flag, kept(carried)) == ("10", "0", True)


def test_our_own_zero_stays_ours_when_the_marks_are_lost(shop: Shop) -> None:
    shop.brings(NO)
    assert not kept(shop.brings(YES, sent={}, ref=None))
    assert shop.flag == "1"


def test_a_zero_after_somebody_elses_one_is_not_ours(shop: Shop) -> None:
    shop.brings(NO)
    shop.smaregi.set_flag("10", "1")
    shop.brings(replace(NO, first_name="華子"))  # the answer shows it
    assert shop.flag == "1"
    shop.smaregi.set_flag("10", "0")
    assert kept(shop.brings(YES))
    assert shop.flag == "0"


def test_a_member_that_was_made_again_is_another_one(shop: Shop) -> None:
    shop.brings(NO)
    del shop.smaregi.rows["10"]
    shop.brings(YES)
    assert (shop.ref, shop.flag) == ("11", "1")
    shop.smaregi.set_flag("11", "0")
    assert kept(shop.brings(**shop.resynced()))


def test_an_opt_out_between_the_claim_and_the_write_is_heard(shop: Shop) -> None:
    """The look comes when the wait for a slot is over, right before the write."""
    shop.brings(NO)
    shop.smaregi.set_flag("10", "1")
    shop.smaregi.before_look = lambda: shop.smaregi.set_flag("10", "0")
    shop.flags.written[ID] = replace(shop.flags.written[ID], changed=True)
    assert kept(shop.brings(YES))
    assert shop.smaregi.flags_sent == []


def test_an_opt_out_that_comes_while_it_is_decided_is_heard(shop: Shop) -> None:
    shop.brings(YES)
    shop.brings(NO)
    shop.smaregi.set_flag("10", "1")

    def says_no_again() -> None:
        shop.smaregi.before_look = lambda: shop.smaregi.set_flag("10", "0")

    shop.smaregi.before_look = says_no_again  # after the first look, before the second
    carried = shop.brings(YES)
    assert (shop.flag, shop.smaregi.flags_sent, kept(carried)) == ("0", [], True)


# Lost answers


@pytest.mark.parametrize("fate", ["lost", "unheard"])
def test_a_one_that_was_lost_arrives_in_the_end(shop: Shop, fate: str) -> None:
    shop.brings(NO)
    shop.passes(5)
    shop.loses(fate, YES)
    if fate == "lost":
        later = shop.waits(replace(shop.task, attempt=2))
        assert (later.kind, later.doubt, later.lane_wide) == ("smaregi.flag_unsure", True, False)
        assert later.wait is not None
        assert timedelta(seconds=59) < later.wait <= timedelta(seconds=60)
        assert shop.smaregi.bodies == []
    shop.passes(60)
    assert not kept(shop.brings())
    assert shop.flag == "1"


@pytest.mark.parametrize("fate", ["lost", "unheard"])
def test_an_opt_out_after_a_lost_one_stays(shop: Shop, fate: str) -> None:
    shop.brings(NO)
    shop.passes(5)
    shop.loses(fate, YES)
    shop.passes(1)
    shop.smaregi.set_flag("10", "0")
    for seconds in (1, 60):
        shop.passes(seconds)
        assert kept(shop.brings(doubt=True))
        assert shop.flag == "0"


@pytest.mark.parametrize("first", [YES, NO])
def test_after_a_lost_create_the_till_has_its_word(shop: Shop, first: Customer) -> None:
    shop.loses("unheard", first)
    shop.smaregi.set_flag("10", "0")
    carried = shop.brings(YES)
    assert (shop.ref, shop.flag, kept(carried)) == ("10", *(("0", True) if first is YES else ("1", False)))


def test_a_create_of_which_nobody_knows_which_try_made_it_has_no_zero_of_ours(shop: Shop) -> None:
    shop.loses("unheard", YES)
    made = shop.smaregi.rows.pop("10")  # it is not shown yet
    shop.loses("lost", NO)
    shop.smaregi.rows["10"] = made
    shop.smaregi.set_flag("10", "0")
    assert kept(shop.brings(YES))


def test_a_refused_create_leaves_no_word_behind(shop: Shop) -> None:
    shop.smaregi.required = {"birthDate", "entryDate"}
    shop.asks(shop.task)
    assert shop.flags.written == {}


# What people see before


def test_a_preview_shows_no_change_that_would_not_be_made_and_writes_nothing_down(shop: Shop) -> None:
    shop.brings(NO)
    shop.smaregi.set_flag("10", "1")
    before = dict(shop.flags.written)
    look = shop.lane().preview(replace(shop.task, customer=YES, sent={}))
    assert FLAG not in {change.field for change in look.changes}
    shop.flags.written.clear()
    shop.smaregi.set_flag("10", "0")
    look = shop.lane().preview(replace(shop.task, customer=YES, **shop.resynced()))
    assert FLAG not in {change.field for change in look.changes}
    shop.flags.written |= before
    look = shop.lane().preview(replace(shop.task, customer=YES, **shop.resynced()))
    assert [(c.there, c.would_be) for c in look.changes if c.field == FLAG] == [("0", "1")]
    assert shop.flags.written == before


def test_two_workers_never_put_an_older_word_in_place_of_a_newer_one() -> None:
    book = AloneFlags()
    assert book.put(ID, OURS, instead_of=None)
    assert not book.put(ID, ONE, instead_of=None)
    assert book.put(ID, ONE, instead_of=OURS)
    assert not book.put(ID, None, instead_of=OURS)
    assert book.recall(ID) == ONE


def test_nothing_that_is_told_of_it_is_personal(shop: Shop) -> None:
    shop.brings(YES)
    shop.smaregi.set_flag("10", "0")
    carried = shop.brings(**shop.resynced())
    told = json.dumps([c.detail for c in carried.corrections if c.field == FLAG], ensure_ascii=False)
    assert not any(word in told for word in ("見本", "花子", "example.com"))
