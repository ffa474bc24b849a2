"""Group commit: those who wait share one, nobody is told "kept" before it, and one bad job takes no other with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from ledger import tables as t
from ledger.arrival import Arrival, Recorded
from ledger.book import Settled, Settlement
from ledger.clerk import Clerk
from ledger.database import Database, StoreBusy
from ledger.report import Report
from tests.conftest import Clock
from tests.ledger_cases import Ledger, delivery_of, done, person


def ten_times(jobs: Sequence[int]) -> list[int]:
    return [job * 10 for job in jobs]


class Desk:
    """A clerk whose pen can be held: what is handed in meanwhile waits."""

    def __init__(self, write: Callable[[Sequence[Any]], Sequence[Any]] = ten_times) -> None:
        self.groups: list[list[Any]] = []
        self._free = threading.Event()
        self._writing = threading.Event()
        self._write_really = write
        self.clerk: Clerk[Any, Any] = Clerk("desk", self._write, most=8)

    def _write(self, jobs: Sequence[Any]) -> Sequence[Any]:
        self.groups.append(list(jobs))
        self._writing.set()
        assert self._free.wait(10)
        return self._write_really(jobs)

    def free(self) -> None:
        self._free.set()

    @contextmanager
    def held(self, first: Any, *others: Any) -> Iterator[list[Any]]:
        """The first job is being written, the others wait; afterwards the list holds every result or error."""
        results: list[Any] = []

        def ask(job: Any) -> Any:
            try:
                return self.clerk.do(job, timeout_s=10)
            except Exception as e:  # noqa: BLE001 - the error is what is looked at
                return e

        with ThreadPoolExecutor(1 + len(others)) as pool:
            futures = [pool.submit(ask, first)]
            assert self._writing.wait(10)
            for n, other in enumerate(others, 1):
                futures.append(pool.submit(ask, other))
                while self.clerk._waiting.qsize() < n:
                    pass
            yield results
            self.free()
            results += [future.result(10) for future in futures]


def test_those_who_wait_together_are_written_together() -> None:
    desk = Desk()
    with desk.held(1, 2, 3, 4) as results:
        assert desk.groups == [[1]]
    assert desk.groups == [[1], [2, 3, 4]]
    assert results == [10, 20, 30, 40]


def test_a_group_is_no_larger_than_it_may_be() -> None:
    desk = Desk()
    with desk.held(0, *range(1, 12)):
        pass
    assert [len(group) for group in desk.groups] == [1, 8, 3]


def test_nobody_is_told_before_the_commit() -> None:
    desk = Desk()
    with desk.held(1), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(desk.clerk.do, 2, timeout_s=10)
        assert not waiting.done()
        desk.free()
        assert waiting.result(10) == 20


def test_a_bad_job_fails_alone() -> None:
    def write(jobs: Sequence[int]) -> list[int]:
        if 3 in jobs:
            raise ValueError("three is not a number we like")
        return [job * 10 for job in jobs]

    desk = Desk(write)
    with desk.held(1, 2, 3, 4) as results:
        pass
    assert results[:2] == [10, 20]
    assert isinstance(results[2], ValueError)
    assert results[3] == 40
    assert desk.groups == [[1], [2, 3, 4], [2], [3], [4]]


def test_a_busy_store_is_tried_once_more_and_then_said_to_all_who_wait() -> None:
    def write(_: Sequence[int]) -> list[int]:
        raise StoreBusy("locked")

    desk = Desk(write)
    with desk.held(1, 2, 3) as results:
        pass
    assert all(isinstance(one, StoreBusy) for one in results)
    assert desk.groups == [[1], [1], [2, 3], [2, 3]]


def test_who_waits_too_long_hears_so_and_their_job_is_dropped() -> None:
    desk = Desk()
    with desk.held(1) as results, pytest.raises(StoreBusy):
        desk.clerk.do(2, timeout_s=0.01)
    assert results == [10]
    assert desk.clerk.do(3, timeout_s=10) == 30
    assert desk.groups == [[1], [3]]


# --- with the ledger


def clerk_of(ledger: Ledger, clock: Clock) -> Clerk[Arrival, Recorded]:
    return Clerk("inbox", lambda group: ledger.inbox.record(group, now=clock(), reading_is_on=False))


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def test_a_hundred_deliveries_need_far_fewer_commits(ledger: Ledger, clock: Clock) -> None:
    commits: list[Any] = []
    event.listen(ledger.database.engine, "commit", commits.append)
    clerk = clerk_of(ledger, clock)
    arrivals = [delivery_of(person(i)) for i in range(1, 101)]
    gate = threading.Barrier(25)

    def four(n: int) -> list[Recorded]:
        gate.wait(10)
        return [clerk.do(arrival, timeout_s=10) for arrival in arrivals[n * 4 : n * 4 + 4]]

    with ThreadPoolExecutor(25) as pool:
        told = [one for four_told in pool.map(four, range(25)) for one in four_told]

    assert {one.verdict for one in told} == {"changed"}
    assert len(ledger.rows(t.customers)) == 100
    assert len(commits) <= 50


def test_a_delivery_that_no_database_can_hold_takes_no_other_with_it(ledger: Ledger, clock: Clock) -> None:
    desk = Desk(lambda group: ledger.inbox.record(group, now=clock(), reading_is_on=False))
    with desk.held(*[delivery_of(person(i)) for i in (1, 2, 2**63, 3)]) as results:
        pass
    assert [isinstance(one, Recorded) for one in results] == [True, True, False, True]
    assert {row["customer_id"] for row in ledger.rows(t.deliveries)} == {1, 2, 3}


def test_settlements_share_a_commit_too(ledger: Ledger, clock: Clock) -> None:
    for i in (1, 2, 3):
        ledger.hear(delivery_of(person(i)), now=clock())

    def one_by_one() -> Settlement:
        (claimed,) = ledger.claim(limit=1, now=clock())
        return Settlement("smaregi", [(claimed, done())], clock(), 1.0)

    desk = Desk(lambda group: ledger.book.settle(group, now=clock()))
    results: list[list[Settled]]
    with desk.held(*[one_by_one() for _ in range(3)]) as results:
        pass
    assert [settled.state for (settled,) in results] == ["done"] * 3
    assert [len(group) for group in desk.groups] == [1, 2]


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Somebody else has the store to themselves."""
    other = Database(database.url.render_as_string(hide_password=False))
    with other.writing() as c:
        if other.on_postgresql:
            c.exec_driver_sql("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        yield
    other.close()


@pytest.mark.parametrize(
    ("busy_s", "timeout_s"), [(0.1, 5.0), (5.0, 0.1)], ids=["the store's patience ends", "the caller's patience ends"]
)
def test_a_store_that_stays_busy_is_said_in_time(
    database_url: str, clock: Clock, busy_s: float, timeout_s: float
) -> None:
    ledger = Ledger(Database(database_url, busy_s=busy_s))
    clerk = clerk_of(ledger, clock)
    ledger.hear(now=clock())  # a connection lies ready, as in a process that has been running
    began = monotonic()
    with locked(ledger.database), pytest.raises(StoreBusy):
        clerk.do(delivery_of(person(1)), timeout_s=timeout_s)
    assert monotonic() - began < 3
    assert clerk.do(delivery_of(person(2)), timeout_s=10).verdict == "changed"
    ledger.database.close()


def test_a_look_needs_no_turn(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(person()), now=clock())
    if ledger.database.on_postgresql:
        with ledger.database.writing() as c:
            c.execute(t.tasks.update().values(request_id="being written"))
            assert ledger.task()["request_id"] != "being written"
    else:
        with locked(ledger.database):
            assert ledger.book.next_due("smaregi", now=clock()) == clock()


# --- a database that goes and comes back


def end_all_connections(database: Database) -> None:
    """What a restart of PostgreSQL does to those who were connected."""
    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no server
def test_after_a_restart_of_the_database_nobody_who_asks_the_clerk_notices(ledger: Ledger, clock: Clock) -> None:
    clerk = clerk_of(ledger, clock)
    gate = threading.Barrier(6)

    def look_together(_: int) -> None:
        with ledger.database.reading() as c:
            gate.wait(10)
            c.exec_driver_sql("SELECT 1")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(look_together, range(6)))  # several connections lie in the pool
    assert clerk.do(delivery_of(person(1)), timeout_s=5).verdict == "changed"
    for i in (2, 3):
        end_all_connections(ledger.database)
        assert clerk.do(delivery_of(person(i)), timeout_s=5).verdict == "changed"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no server
def test_a_connection_that_died_while_it_lay_idle_is_not_handed_out(ledger: Ledger, clock: Clock) -> None:
    with ledger.database.reading() as c:
        record = c.connection._connection_record
    record.info["idle_since"] -= 10
    end_all_connections(ledger.database)
    assert Report(ledger.database).last_delivery() is None
    assert ledger.book.claim("smaregi", 1, now=clock(), lease=timedelta(seconds=60)) == []


def test_a_database_that_is_not_there_is_said_to_be_gone(clock: Clock) -> None:
    ledger = Ledger(Database("postgresql://nobody@127.0.0.1:9/none", busy_s=0.2))
    with pytest.raises(StoreBusy):
        ledger.hear(delivery_of(person()), now=clock())
    with pytest.raises(StoreBusy):
        Report(ledger.database).last_delivery()
    ledger.database.close()


def test_no_personal_data_stands_in_a_database_error(ledger: Ledger, clock: Clock) -> None:
    with pytest.raises(Exception) as caught:
        ledger.hear(delivery_of(person(2**63, email="secret-person@example.jp")), now=clock())
    assert "secret-person" not in str(caught.value)
    assert "secret-person" not in repr(caught.value)
