"""Anything in any order: whatever happens, the newest state of every customer arrives, and nobody acts twice.

Hypothesis plays the shop, several workers, the operator and the clock at once, and keeps a model of what must follow.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event

from clients.lane import what_differs
from customer import Customer, Unknown
from ledger import tables as t
from ledger.arrival import Arrival, Verdict
from ledger.book import Claimed, Settlement
from ledger.breaker import may_claim
from ledger.database import Database
from ledger.health import HealthBook
from ledger.outcome import LATE, Done, Failed, Outcome
from tests.conftest import NOON
from tests.ledger_cases import (
    DESTINATIONS,
    LANES,
    LEASE,
    READS,
    SHOP,
    Ledger,
    delivery_of,
    done,
    failed,
    ids,
    person,
    retry,
)

CUSTOMERS = st.integers(1, 2)
NAMES = st.sampled_from(["佐藤", "鈴木", None])
KANAS = st.sampled_from(["サトウ", "スズキ"])
WAIT = st.sampled_from([3, 3, 0, 30])
LATER = st.sampled_from([0.0, 0.4, 1.0, 5.0])
IN_DOUBT = retry(lane_wide=False, doubt=True)
OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(
    [
        done(),
        done(),
        done(),
        failed(),
        failed(),
        IN_DOUBT,
        IN_DOUBT,
        retry(),
        retry(after=timedelta(seconds=20), pause=True),
        retry(stop=True),
    ]
)
# One destination is as good as the other; one of them sees more of the play.
LANE = st.sampled_from([READS, "smaregi", "smaregi", "hubspot"])


@dataclass
class Expected:
    """What the model expects of one task of a destination; ``far`` is what stands at the far side."""

    state: str = "pending"
    moved_on: bool = False
    given: Customer | None = None
    arrived: Customer | None = None
    far: dict[str, str | None] = field(default_factory=dict)
    unsure_until: datetime | None = None

    def owe(self) -> None:
        """There is one more reason to carry it."""
        if self.state == "running":
            self.moved_on = True
        else:
            self.state = "pending"


def mapped(customer: Customer) -> dict[str, str | None]:
    """What a destination is told of a customer: nothing of what nobody told us."""
    fields = {"name": customer.last_name, "kana": customer.last_kana}
    return {name: value for name, value in fields.items() if not isinstance(value, Unknown)}


@dataclass
class InHand:
    """A task in some worker's hand, its lease perhaps long over; ``found`` is what a read saw when it began."""

    claimed: Claimed
    began_at: datetime
    found: Customer


class LedgerMachine(RuleBasedStateMachine):
    """The shop's saves and posts, the workers' claims, the operator's hand and the clock, against one ledger."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        with database.writing() as c:
            for table in t.metadata.tables.values():
                c.execute(table.delete())
        self.ledger = Ledger(database)
        self.shop_time = NOON
        self.behind = timedelta(0)  # how far our clock is behind the shop's
        self.truth: dict[int, Customer] = {}
        self.posts: list[Arrival] = []
        self.delivered: set[str] = set()
        self.known: dict[int, tuple[Customer, datetime | None]] = {}
        self.tasks: dict[tuple[int, str], Expected] = {}
        self.hands: list[InHand] = []
        self.live: dict[tuple[int, str], tuple[str, datetime]] = {}
        self.off: set[str] = set()
        self.updates_too = True

    @property
    def now(self) -> datetime:
        return self.shop_time - self.behind

    # --- the shop

    @initialize(i=CUSTOMERS, name=NAMES, kana=KANAS)
    def first_save(self, i: int, name: str | None, kana: str) -> None:
        self.save(i, name, kana, 0.0)
        self.deliver([0], reading_is_on=True)

    @rule(i=CUSTOMERS, name=NAMES, kana=KANAS, later=LATER, reading_is_on=st.booleans())
    def save_and_deliver(self, i: int, name: str | None, kana: str, later: float, *, reading_is_on: bool) -> None:
        self.save(i, name, kana, later)
        self.deliver([len(self.posts) - 1], reading_is_on=reading_is_on)

    @rule(i=CUSTOMERS, names=st.tuples(NAMES, NAMES), kanas=st.tuples(KANAS, KANAS), later=LATER)
    def two_saves_arrive_the_other_way_round(
        self, i: int, names: tuple[str | None, str | None], kanas: tuple[str, str], later: float
    ) -> None:
        for name, kana in zip(names, kanas, strict=True):
            self.save(i, name, kana, later)
        self.deliver([len(self.posts) - 1], reading_is_on=True)
        self.deliver([len(self.posts) - 2], reading_is_on=True)

    @rule(i=CUSTOMERS, name=NAMES, kana=KANAS, later=LATER)
    def save(self, i: int, name: str | None, kana: str, later: float) -> None:
        """The shop saves a customer; its times are whole seconds, and the body does not tell the kana."""
        self.shop_time += timedelta(seconds=later, microseconds=1)
        saved = self.shop_time.replace(microsecond=0)
        self.truth[i] = person(i, last_name=name, last_kana=kana, saved=saved)
        body = person(i, last_name=name, saved=saved)
        self.posts.append(delivery_of(body, triggered_at=self.shop_time, received_at=self.now))

    @rule(picks=st.lists(st.integers(0, 99), min_size=1, max_size=3), reading_is_on=st.booleans())
    def deliver(self, picks: list[int], *, reading_is_on: bool) -> None:
        """Posts arrive late, in any order, several at once, and again."""
        group = [self.posts[pick % len(self.posts)] for pick in picks]
        told = self.ledger.hear(*group, now=self.now, reading_is_on=reading_is_on)
        changed: set[int] = set()
        alive: set[int] = set()
        for arrival, recorded in zip(group, told, strict=True):
            assert arrival.customer
            i = arrival.customer.id
            repeat = arrival.webhook_id in self.delivered
            assert recorded.repeat is repeat
            self.delivered.add(arrival.webhook_id)
            if not repeat:
                verdict = self.learn(arrival.customer, arrival.triggered_at)
                assert recorded.verdict == verdict
                if verdict == "older":
                    continue
                if verdict == "changed":
                    changed.add(i)
            alive.add(i)
        for i in changed:
            self.owe(i)
        for (i, _), task in self.tasks.items():
            if i in alive - changed and task.state == "failed":
                task.state = "pending"

    def learn(self, told: Customer, triggered_at: datetime | None) -> Verdict:
        there, last_trigger = self.known.get(told.id, (None, None))
        if there is None:
            self.known[told.id] = (told, triggered_at)
            return "changed"
        assert told.updated_at
        assert there.updated_at
        tie_lost = triggered_at is not None and last_trigger is not None and triggered_at < last_trigger
        if told.updated_at < there.updated_at or (told.updated_at == there.updated_at and tie_lost):
            return "older"
        merged = there.seen_with(told)
        triggers = [at for at in (last_trigger, triggered_at) if at]
        self.known[told.id] = (merged, max(triggers, default=None))
        return "unchanged" if merged.says_the_same_as(there) else "changed"

    def owe(self, i: int) -> None:
        for lane in DESTINATIONS:
            self.tasks.setdefault((i, lane), Expected()).owe()

    # --- the workers

    @rule(lane=LANE, limit=st.integers(1, 4), wait=WAIT, outcome=OUTCOMES)
    def work(self, lane: str, limit: int, wait: int, outcome: Outcome) -> None:
        """One round of a worker: claim, carry, settle."""
        before = len(self.hands)
        self.claim(lane, limit, wait)
        for hand in self.hands[before:]:
            self.settle_one(hand, outcome)
        del self.hands[before:]

    @rule(lane=LANE, limit=st.integers(1, 4), wait=WAIT)
    def claim(self, lane: str, limit: int, wait: int = 0) -> None:
        self.time_goes_on(wait)
        if lane in self.off:
            return
        with self.ledger.database.reading() as c:
            may, _ = may_claim(HealthBook.look(c, lane), limit, self.now)
        due = [
            row["customer_id"]
            for row in self.ledger.rows(t.tasks, lane=lane, state="pending")
            if row["due_at"] <= self.now and (self.updates_too or row["ref"] is None)
        ]
        claimed = self.ledger.claim(lane, limit, now=self.now, updates_too=self.updates_too)
        assert len(claimed) == min(may, len(due))
        assert set(ids(claimed)) <= set(due)
        for one in claimed:
            key = (one.customer_id, lane)
            assert key not in self.live, "a task that somebody holds was handed out"
            self.live[key] = (one.token, self.now + LEASE)
            self.hands.append(InHand(one, self.now, self.truth[one.customer_id]))
            if lane in DESTINATIONS:
                self.tasks[key].state = "running"
                self.tasks[key].moved_on = False
                self.tasks[key].given = one.task.customer

    @precondition(lambda self: self.hands)
    @rule(pick=st.integers(0, 99), outcome=OUTCOMES, keep=st.booleans())
    def settle(self, pick: int, outcome: Outcome, *, keep: bool) -> None:
        """A result comes in, from whoever, at whatever time; ``keep``: and may come in once more later."""
        hand = self.hands[pick % len(self.hands)]
        if not keep:
            self.hands.remove(hand)
        self.settle_one(hand, outcome)

    def settle_one(self, hand: InHand, outcome: Outcome) -> None:
        lane, i, token = hand.claimed.lane, hand.claimed.customer_id, hand.claimed.token
        if isinstance(outcome, Done):
            written = {} if lane == READS else self.write_at_the_far_side(hand)
            arrived = done(f"{lane}-{i}", found=hand.found if lane == READS else None)
            outcome = replace(arrived, sent=written)
        elif lane in DESTINATIONS and outcome == IN_DOUBT:
            self.write_at_the_far_side(hand)
        # Of two saves in the same second nobody can say which a read has seen.
        moved_on = self.ledger.task(i, lane)["wanted"] != hand.claimed.carrying
        overtaken = moved_on and hand.found.updated_at == self.known[i][0].updated_at
        settlement = Settlement(lane, [(hand.claimed, outcome)], hand.began_at, 1.0)
        (settled,) = self.ledger.book.settle([settlement], now=self.now)[0]
        holder, _ = self.live.get((i, lane), (None, None))
        assert settled.refused is (holder != token), "a stale token was accepted, or a live one refused"
        if settled.refused:
            if lane in DESTINATIONS and (isinstance(outcome, Done) or outcome == IN_DOUBT):
                self.ledger.book.send_again(lane, {i: outcome.sent if isinstance(outcome, Done) else ()}, now=self.now)
                self.tasks[i, lane].owe()
            return
        del self.live[i, lane]
        if lane == READS:
            if isinstance(outcome, Done) and not overtaken and self.learn(hand.found, None) == "changed":
                self.owe(i)
            return
        task = self.tasks[i, lane]
        if isinstance(outcome, Done):
            task.arrived = hand.claimed.task.customer
            task.state = "pending" if task.unsure_until and task.unsure_until > self.now else "done"
        else:
            if outcome == IN_DOUBT:
                task.unsure_until = self.now + LATE
            task.state = "failed" if isinstance(outcome, Failed) else "pending"
        if task.moved_on:
            task.state = "pending"
        assert settled.state == task.state

    def write_at_the_far_side(self, hand: InHand) -> dict[str, str]:
        """A destination as the real ones are: only what differs goes out, and in doubt everything does."""
        task = hand.claimed.task
        before = dict.fromkeys(["name", "kana"], "") if task.doubt else task.sent
        out, sent = what_differs(mapped(task.customer), before)
        self.tasks[hand.claimed.customer_id, hand.claimed.lane].far.update(out)
        return sent

    @precondition(lambda self: self.hands)
    @rule(pick=st.integers(0, 99), after_the_call=st.booleans())
    def crash(self, pick: int, *, after_the_call: bool) -> None:
        """Somebody dies with all they hold under this token, perhaps between the call and the settling."""
        token = self.hands[pick % len(self.hands)].claimed.token
        for hand in [hand for hand in self.hands if hand.claimed.token == token]:
            self.hands.remove(hand)
            key = (hand.claimed.customer_id, hand.claimed.lane)
            still_ours = self.live.get(key, (None,))[0] == token
            if after_the_call and still_ours and key in self.tasks:
                self.write_at_the_far_side(hand)

    def somebody_carries(self, lane: str, i: int, name: str | None) -> list[InHand]:
        """There is something new to carry, and somebody takes it up, if the lane lets them."""
        self.off.discard(lane)
        self.ledger.book.health_book.probe_now(lane, now=self.now)
        self.save_and_deliver(i, name, "サトウ", 1.0, reading_is_on=False)
        before = len(self.hands)
        self.claim(lane, 4, 3)
        taken = self.hands[before:]
        del self.hands[before:]
        return taken

    @rule(lane=LANE, i=CUSTOMERS, names=st.tuples(NAMES, NAMES), kana=KANAS, later=LATER, outcome=OUTCOMES)
    def a_change_comes_while_it_is_carried(
        self, lane: str, i: int, names: tuple[str | None, str | None], kana: str, later: float, outcome: Outcome
    ) -> None:
        taken = self.somebody_carries(lane, i, names[0])
        self.save_and_deliver(i, names[1], kana, later, reading_is_on=True)
        for hand in taken:
            self.settle_one(hand, outcome)

    @rule(lane=LANE, i=CUSTOMERS, name=NAMES, seconds=st.sampled_from([45, 61]), first=OUTCOMES, second=OUTCOMES)
    def two_act_on_one(
        self, lane: str, i: int, name: str | None, seconds: int, first: Outcome, second: Outcome
    ) -> None:
        """One is slow and is taken for dead, and another takes over; then both hand in what they have."""
        slow = self.somebody_carries(lane, i, name)
        self.time_goes_on(seconds)
        self.rescue()
        quick = self.somebody_carries(lane, i, name)
        for hand in slow:
            self.settle_one(hand, first)
        for hand in quick:
            self.settle_one(hand, second)

    @precondition(lambda self: self.hands)
    @rule(pick=st.integers(0, 99))
    def renew(self, pick: int) -> None:
        token, until = self.hands[pick % len(self.hands)].claimed.token, self.now + LEASE
        mine = [key for key, (held, _) in self.live.items() if held == token]
        assert self.ledger.book.renew([token], until=until) == len(mine)
        for key in mine:
            self.live[key] = (token, until)

    @rule()
    def rescue(self) -> None:
        # A lease that lies too far ahead was taken before the clock was set back, and binds nobody.
        ended = [key for key, (_, until) in self.live.items() if not self.now < until <= self.now + 2 * LEASE]
        assert self.ledger.book.rescue(now=self.now) == len(ended)
        for key in ended:
            del self.live[key]
            if key in self.tasks:
                self.tasks[key].state = "pending"
                self.tasks[key].unsure_until = self.now + LATE

    # --- the operator and the clock

    @rule(lane=LANE, what=st.sampled_from(["switch", "switch updates", "probe now", "test", "unreadable", "ignored"]))
    def operate(self, lane: str, what: Any) -> None:
        match what:
            case "test" | "unreadable" | "ignored":
                tells_of_nobody = delivery_of(None, verdict=what, received_at=self.now)
                assert self.ledger.hear(tells_of_nobody, now=self.now)[0].verdict == what
            case "switch":
                self.off ^= {lane}
            case "switch updates":
                self.updates_too = not self.updates_too
            case _:
                self.ledger.book.health_book.probe_now(lane, now=self.now)

    @rule(lanes=st.lists(LANE, min_size=1, unique=True), only_failed=st.booleans())
    def resync(self, lanes: list[str], *, only_failed: bool) -> None:
        only: Any = "failed" if only_failed else "all"
        expected = self.ledger.resync.count(lanes=lanes, only=only)
        changed, _ = self.ledger.resync.page(now=self.now, lanes=lanes, only=only)
        assert changed == expected
        for (_, lane), task in self.tasks.items():
            if lane in lanes and (task.state == "failed" or not only_failed):
                task.owe()

    @rule(lane=LANE, i=CUSTOMERS, name=NAMES, back=st.sampled_from([30, 100, 3600]), outcome=OUTCOMES)
    def the_clock_is_set_back_and_the_holder_dies(
        self, lane: str, i: int, name: str | None, back: int, outcome: Outcome
    ) -> None:
        """What it held comes back within twice the lease, by whatever clock, and goes out."""
        dead = self.somebody_carries(lane, i, name)
        self.behind += timedelta(seconds=back)
        self.rescue()
        for _ in range(2):
            self.time_goes_on(int(LEASE.total_seconds()))
            self.rescue()
        tokens = {hand.claimed.token for hand in dead}
        assert tokens.isdisjoint(token for token, _ in self.live.values())
        self.work(lane, 4, 0, outcome)

    @rule(seconds=st.sampled_from([1, 10, 61, 4000, -1, -30, -600, -3600]))
    def set_the_clock(self, seconds: int) -> None:
        """Time goes on, or our clock is set back."""
        if seconds < 0:
            self.behind -= timedelta(seconds=seconds)
        else:
            self.time_goes_on(seconds)

    def time_goes_on(self, seconds: int) -> None:
        self.shop_time += timedelta(seconds=seconds)

    @rule()
    def a_quiet_day(self) -> None:
        """Everything is on and answers; what failed goes on waiting for a person."""
        self.off, self.updates_too = set(), True
        self.come_to_rest()

    def come_to_rest(self) -> None:
        self.behind = timedelta(0)
        for _ in range(20):
            self.time_goes_on(7200)
            self.rescue()
            before = len(self.hands)
            for lane in LANES:
                self.claim(lane, 4)
            fresh = self.hands[before:]
            del self.hands[before:]
            for hand in fresh:
                self.settle_one(hand, done())
            if not fresh:
                return
        raise AssertionError("it never came to rest")

    # --- what always holds

    @invariant()
    def the_ledger_is_as_the_model_says(self) -> None:
        found = self.ledger.rows(t.tasks)
        rows = {(row["customer_id"], row["lane"]): row for row in found}
        assert len(rows) == len(found)
        assert {(i, lane) for i in self.known for lane in LANES} == set(rows)
        for key, row in rows.items():
            assert row["state"] in ("pending", "running", "done", "failed")
            held = self.live.get(key)
            assert (row["state"] == "running") is (held is not None)
            assert row["token"] == (held[0] if held else None)
            assert (row["lease_until"] is None) is (held is None)
            if key in self.tasks:
                assert row["state"] == self.tasks[key].state, key
        known = {row["id"]: Customer.from_json(row["state"]) for row in self.ledger.rows(t.customers)}
        assert known == {i: customer for i, (customer, _) in self.known.items()}

    @invariant()
    def the_newest_is_never_lost(self) -> None:
        for (i, _), task in self.tasks.items():
            newest, _ = self.known[i]
            match task.state:
                case "done":
                    assert task.arrived
                    assert task.arrived.says_the_same_as(newest)
                case "failed":
                    assert task.given
                    assert task.given.says_the_same_as(newest)
                case "running":
                    assert task.given
                    assert task.moved_on or task.given.says_the_same_as(newest)

    def teardown(self) -> None:
        """When all is well again everything comes to rest by itself, and every far side has what the shop has."""
        if not self.posts:
            return
        self.off, self.updates_too = set(), True
        for n, post in enumerate(self.posts):
            if post.webhook_id not in self.delivered:  # the shop comes again until it is told "kept"
                self.deliver([n], reading_is_on=True)
        self.resync(list(LANES), only_failed=True)
        self.come_to_rest()
        self.the_ledger_is_as_the_model_says()
        assert {row["state"] for row in self.ledger.rows(t.tasks)} == {"done"}
        assert set(self.known) == set(self.truth)
        for (i, lane), task in self.tasks.items():
            assert task.arrived
            assert task.arrived.says_the_same_as(self.truth[i]), (i, lane)
            assert {name: value for name, value in task.far.items() if value} == {
                name: value for name, value in mapped(self.truth[i]).items() if value
            }
            assert self.ledger.task(i, lane)["ref"] == f"{lane}-{i}"
        assert {row["shop"] for row in self.ledger.rows(t.deliveries)} == {SHOP}


def _without_waiting_for_the_disk(database: Database) -> None:
    """Thousands of commits, and no power cut among what can happen here."""
    off = "SET synchronous_commit = off" if database.on_postgresql else "PRAGMA synchronous = OFF"

    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute(off)
        connection.commit()

    for engine in (database.engine, database._loose):
        event.listen(engine, "connect", on_connect)


def test_whatever_happens_the_newest_arrives_and_nobody_acts_twice(database: Database) -> None:
    class OnThisDatabase(LedgerMachine):
        def __init__(self) -> None:
            super().__init__(database)

    _without_waiting_for_the_disk(database)
    examples = 8 if database.on_postgresql else 20
    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(settings.get_profile("suite"), max_examples=examples, stateful_step_count=30),
    )
