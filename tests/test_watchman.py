"""The watchman over a real ledger: everything that is told rises once and ends once, by any number of workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from clients.notify import Heard, Tone, mark_of
from customer import Freshness
from handlers.alerting import Rules
from handlers.watchman import LEASE, Audience, Watchman
from ledger import tables as t
from ledger.alerts import Alerts
from ledger.database import Database, StoreBusy
from ledger.members import Members
from ledger.outcome import Failed, Retry
from ledger.unreadable import Unreadable
from tests.conftest import Clock
from tests.ledger_cases import LANES, Ledger, delivery_of, done, failed, person

ADDRESS = "json://token-1@127.0.0.1/secret"
OTHER = "slack://token-2/secret"
STRANGERS = ("見本", "hanako", "example.jp", "token-", "/secret")


@dataclass
class Post:
    """Stands in for Apprise: keeps what is sent, and takes it as ``how`` says, address by address."""

    how: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[str, str, str, Tone]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, addresses: Sequence[str], title: str, body: str, tone: Tone) -> list[Heard]:
        heard = []
        for place, address in enumerate(addresses):
            how: Any = self.how.get(address, "sent")
            heard.append(Heard(place, "label://", how, None if how == "sent" else "it answers 500"))
            if how == "sent":
                with self.lock:
                    self.sent.append((address, title, body, tone))
        return heard

    @property
    def tones(self) -> list[Tone]:
        return [tone for *_, tone in self.sent]


@dataclass
class Scene:
    """A ledger, a clock, and two workers' watchmen on it."""

    ledger: Ledger
    clock: Clock
    post: Post = field(default_factory=Post)
    gap: timedelta | None = None
    addresses: Sequence[str] = (ADDRESS,)

    def watchman(self, database: Database | None = None) -> Watchman:
        return Watchman(
            self.alerts,
            database or self.ledger.database,
            Rules(lanes=LANES, after_failures=3),
            Audience(self.addresses, "https://sync.example.com"),
            updates_too=True,
            usual_gap=lambda _: self.gap,
            now=self.clock,
            send=self.post,
        )

    @property
    def alerts(self) -> Alerts:
        return Alerts(self.ledger.database)

    def run(self, *, minutes: float = 5) -> None:
        """Two workers look and tell, every ten seconds of the clock."""
        workers = [self.watchman(), self.watchman()]
        for _ in range(int(minutes * 6)):
            self.clock.forward(seconds=10)
            for worker in workers:
                worker.look()
                worker.tell()

    def pass_by(self, **time: float) -> None:
        self.clock.forward(**time)

    def write(self, statement: Any) -> None:
        with self.ledger.database.writing() as c:
            c.execute(statement)

    def hear(self, *ids: int, **told: Any) -> None:
        self.ledger.hear(*(delivery_of(person(i), received_at=self.clock(), **told) for i in ids), now=self.clock())

    def attempts(self, *outcomes: str, lane: str = "smaregi", total_ms: float | None = None) -> None:
        row = {
            "customer_id": 7,
            "lane": lane,
            "attempt": 1,
            "revision": 1,
            "started_at": self.clock(),
            "request_id": "r",
        }
        rows = [{**row, "duration_ms": 1.0, "outcome": outcome, "total_ms": total_ms} for outcome in outcomes]
        self.write(insert(t.attempts).values(rows))

    def breaker(self, state: str, kind: str | None) -> None:
        self.write(delete(t.lanes))
        row = {
            "name": "smaregi",
            "breaker": state,
            "failures": 5,
            "openings": 1,
            "opened_at": self.clock(),
            "kind": kind,
        }
        self.write(insert(t.lanes).values(row))

    def tally(self, count: int) -> None:
        self.ledger.hear(now=self.clock())
        day = self.clock().date().isoformat()
        self.write(delete(t.tallies))
        self.write(insert(t.tallies).values(day=day, name="refused 401", count=count))


@pytest.fixture
def scene(database: Database, clock: Clock) -> Scene:
    made = Scene(Ledger(database), clock)
    made.hear(1, 2)
    made.ledger.carry_everything(now=clock.forward(seconds=2))
    made.run(minutes=0.5)
    assert made.post.sent == []
    return made


def _fail(scene: Scene, outcome: Failed | Retry) -> None:
    scene.hear(7, 8)
    for lane in LANES:
        scene.ledger.carry(outcome if lane == "smaregi" else done(f"{lane}-ref"), lane, now=scene.clock())


def _slow(scene: Scene, ms: float) -> None:
    scene.attempts(*["done"] * 5, lane="hubspot", total_ms=ms)


def _repair(scene: Scene) -> None:
    scene.ledger.resync.page(now=scene.clock(), lanes=LANES, only="all", customer_ids=None, after_id=0)
    scene.ledger.carry_everything(now=scene.clock())


def _debt(scene: Scene) -> None:
    scene.hear(7)
    scene.clock.forward(minutes=16)


def _read_index(scene: Scene) -> None:
    now = scene.clock()
    assert Members(scene.ledger.database).may_poll(now, now)
    Members(scene.ledger.database).polled(lambda _: Freshness(scanned_at=now, fresh_at=now))


def _old_index(scene: Scene) -> None:
    _read_index(scene)
    scene.run(minutes=5.5)


def _stop(kind: str) -> Callable[[Scene], None]:
    return lambda scene: scene.breaker("open", kind)


def _well(scene: Scene) -> None:
    scene.breaker("closed", None)


def _silent(scene: Scene) -> None:
    scene.gap = timedelta(minutes=30)
    scene.clock.forward(minutes=31)


def _unreadable(scene: Scene) -> None:
    scene.ledger.hear(delivery_of(None, verdict="unreadable", received_at=scene.clock()), now=scene.clock())


def _close(scene: Scene) -> None:
    unreadable = Unreadable(scene.ledger.database)
    assert unreadable.close(unreadable.left(named=9).newest, "ticket 12", now=scene.clock())


TWINS = Failed(why="two members have this e-mail", kind="smaregi.several_members", choices=[{"member": "7"}])

Act = Callable[[Scene], None]
#: What is told, how it comes about, how it ends; and how many notices the rise is: one for each customer of two.
KINDS: dict[str, tuple[Act, Act, int]] = {
    "failing": (lambda s: s.attempts("retry", "failed", "retry"), lambda s: s.attempts("done"), 1),
    "open": (_stop("smaregi.unavailable"), _well, 1),
    "credential": (_stop("smaregi.credentials"), _well, 1),
    "slow": (lambda s: _slow(s, 7000), lambda s: _slow(s, 1500), 1),
    "same_person": (lambda s: _fail(s, TWINS), _repair, 2),
    "failed": (lambda s: _fail(s, failed()), _repair, 1),
    "debt": (_debt, lambda s: s.ledger.carry_everything(now=s.clock()), 3),
    "index": (_old_index, _read_index, 1),
    "silence": (_silent, lambda s: s.hear(1), 1),
    "unreadable": (_unreadable, _close, 1),
    "refused": (lambda s: s.tally(25), lambda s: s.pass_by(minutes=11), 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_rises_once_and_ends_once_though_two_workers_look(scene: Scene, kind: str) -> None:
    begin, end, count = KINDS[kind]
    begin(scene)
    scene.run()
    assert scene.post.tones == ["failure"] * count
    assert {alert.kind for alert in scene.alerts.open_ones()} == {kind}

    end(scene)
    scene.run()
    assert scene.post.tones == ["failure"] * count + ["success"] * count
    assert scene.alerts.open_ones() == []

    texts = " ".join(f"{title} {body}" for _, title, body, _ in scene.post.sent)
    assert not [stranger for stranger in STRANGERS if stranger in texts]
    assert "https://sync.example.com/console/" in texts


def test_two_workers_at_the_same_moment_tell_it_once(scene: Scene, database_url: str) -> None:
    _fail(scene, failed())
    scene.clock.forward(seconds=10)
    databases = [Database(database_url, busy_s=5) for _ in range(4)]
    barrier = threading.Barrier(4)

    def work(database: Database) -> None:
        alerts = Alerts(database)
        mine = Watchman(
            alerts, database, Rules(lanes=LANES), Audience((ADDRESS,)), updates_too=True, usual_gap=lambda _: None,
            now=scene.clock, send=scene.post,
        )  # fmt: skip
        barrier.wait(10)
        mine.look()
        barrier.wait(10)
        mine.tell()

    threads = [threading.Thread(target=work, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for database in databases:
        database.close()
    assert scene.post.tones == ["failure"]


def test_who_cannot_be_reached_is_tried_again_and_the_others_are_not_told_twice(scene: Scene) -> None:
    scene.addresses = (ADDRESS, OTHER)
    scene.post.how[OTHER] = "not sent"
    _fail(scene, failed())
    scene.run(minutes=3)
    assert [address for address, *_ in scene.post.sent] == [ADDRESS]
    [alert] = scene.alerts.open_ones()
    assert alert.trouble == "label://: it answers 500"
    assert alert.told_to == (mark_of(ADDRESS),)
    assert 2 <= alert.tries <= 4, "with more and more time between"

    scene.post.how.clear()
    scene.run(minutes=5)
    assert [address for address, *_ in scene.post.sent] == [ADDRESS, OTHER]
    assert scene.alerts.open_ones()[0].trouble is None


def test_who_may_have_been_told_is_not_told_again(scene: Scene) -> None:
    scene.post.how[ADDRESS] = "unknown"
    _fail(scene, failed())
    scene.run(minutes=1)
    scene.post.how.clear()
    scene.run(minutes=30)
    assert scene.post.sent == []
    assert scene.alerts.open_ones()[0].news is None


def test_a_worker_that_dies_while_sending_leaves_word_of_it(scene: Scene) -> None:
    _fail(scene, failed())
    scene.clock.forward(seconds=10)
    dying = scene.watchman()
    dying.look()
    [alert] = scene.alerts.claim(1, now=scene.clock(), lease=LEASE)
    assert scene.alerts.begin(alert, now=scene.clock(), lease=LEASE)
    scene.run(minutes=5)
    assert scene.post.sent == []
    assert "may have been sent" in (scene.alerts.open_ones()[0].trouble or "")


def test_without_an_address_alerts_are_kept_and_logged(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.addresses = ()
    _fail(scene, failed())
    scene.run(minutes=1)
    assert (scene.post.sent, scene.alerts.count_open()) == ([], 1)
    _repair(scene)
    scene.run()
    assert (scene.post.sent, scene.alerts.count_open()) == ([], 0)


def test_customers_who_were_slow_because_a_lane_was_away_are_no_news(scene: Scene) -> None:
    scene.breaker("open", "smaregi.unavailable")
    scene.run(minutes=5)
    scene.breaker("closed", None)
    scene.clock.forward(seconds=5)
    _slow(scene, 250_000)
    scene.run()
    assert scene.post.tones == ["failure", "success"]


def test_a_notice_that_takes_its_time_holds_no_look_up(scene: Scene) -> None:
    free, entered = threading.Event(), threading.Event()

    def slow_post(addresses: Sequence[str], title: str, body: str, tone: Tone) -> list[Heard]:
        entered.set()
        free.wait(30)
        return scene.post(addresses, title, body, tone)

    _fail(scene, failed())
    scene.clock.forward(seconds=10)
    stuck = scene.watchman()
    stuck._send = slow_post
    stuck.look()
    telling = threading.Thread(target=stuck.tell)
    telling.start()
    assert entered.wait(10)
    scene.clock.forward(seconds=10)
    _unreadable(scene)
    assert stuck.look()
    assert scene.alerts.count_open() == 2
    assert scene.ledger.claim("smaregi", now=scene.clock()) == [], "and the ledger is nobody's"
    free.set()
    telling.join(10)
    assert scene.post.tones == ["failure"]


def test_a_look_reads_a_bounded_part_of_the_attempts(scene: Scene) -> None:
    scene.attempts("retry", "retry", "retry")
    for _ in range(4):
        scene.attempts(*["done"] * 1000, lane="hubspot")
    scene.run(minutes=1)
    assert scene.post.sent == [], "what is so far back says nothing of now"


def test_a_debt_of_changes_that_are_switched_off_is_no_debt(scene: Scene) -> None:
    scene.write(update(t.tasks).where(t.tasks.c.customer_id == 1).values(state="pending", since=scene.clock()))
    scene.clock.forward(minutes=20)
    on, off = scene.watchman(), scene.watchman()
    off._asked = replace(off._asked, updates_too=False)
    off.look()
    assert scene.alerts.count_open() == 0
    scene.clock.forward(seconds=10)
    on.look()
    assert {alert.lane for alert in scene.alerts.open_ones()} == set(LANES)


def test_what_is_over_for_half_a_year_is_forgotten(scene: Scene) -> None:
    _unreadable(scene)
    scene.run(minutes=1)
    _close(scene)
    scene.run(minutes=1)
    assert len(scene.alerts.last_over()) == 1
    scene.clock.forward(days=180)
    scene.run(minutes=1)
    assert scene.alerts.last_over() == []


def test_the_loops_end_when_they_are_told_to(scene: Scene) -> None:
    stop = threading.Event()
    stop.set()
    scene.watchman().look_loop(stop)
    scene.watchman().tell_loop(stop)


def test_a_busy_store_and_a_fault_are_borne(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.watchman.LOOK_S", 0)
    monkeypatch.setattr("handlers.watchman.TELL_S", 0)
    watchman, stop, calls = scene.watchman(), threading.Event(), [StoreBusy("busy"), ZeroDivisionError()]

    def trouble(*_: object) -> None:
        if not calls:
            stop.set()
        else:
            raise calls.pop()

    for name, loop in (("look", watchman.look_loop), ("tell", watchman.tell_loop)):
        calls[:] = [StoreBusy("busy"), ZeroDivisionError()]
        stop.clear()
        monkeypatch.setattr(watchman, name, trouble)
        loop(stop)
        assert calls == []
