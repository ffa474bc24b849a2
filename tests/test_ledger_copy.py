"""A ledger moves from one database to another whole, or says that it did not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Text, func, select, type_coerce

from customer import FlagWritten, Member
from ledger import tables as t
from ledger.copy import CannotCopy, Copying
from ledger.database import Database
from ledger.inbox import Inbox
from ledger.mail_flags import MailFlags
from ledger.members import Members
from ledger.seal import Seal, new_key
from tests.building import body_of, house_of, make_app, post
from tests.conftest import NOON, empty
from tests.ledger_cases import delivery_of, person

ROWS = 10_500
SEAL = Seal([new_key()])


@pytest.fixture(params=["to PostgreSQL", "to SQLite", "SQLite to SQLite"])
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, postgresql_url: str
) -> Iterator[tuple[Database, Database]]:
    """A ledger and an empty database of another kind, which has no tables yet where that is possible."""
    empty(postgresql_url)
    shutil.copy(sqlite_template, tmp_path / "a.db")
    lite, other = f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/sub/b.db"
    urls = {
        "to PostgreSQL": (lite, postgresql_url),
        "to SQLite": (postgresql_url, lite),
        "SQLite to SQLite": (lite, other),
    }
    source, target = (Database(url, busy_s=5, seal=SEAL) for url in urls[request.param])
    yield source, target
    source.close()
    target.close()


def fill(database: Database, rows: int = 20) -> None:
    """A few customers as they come in, a member, and many attempts."""
    inbox = Inbox(database, destinations=("smaregi", "hubspot"), reads="shopify")
    inbox.record([delivery_of(person(i)) for i in range(2**40, 2**40 + 5)], now=NOON, reading_is_on=True)
    book = MailFlags(database)
    ours = (FlagWritten("0", NOON), FlagWritten("1", NOON, "7", "2026-11-22T12:00:00+09:00", changed=True))
    for i, written in enumerate(ours):
        assert book.put(2**40 + i, written, instead_of=None)
    Members(database).put([Member("7", "CARD", None, ("hanako@example.jp",), "0")], seen_at=NOON)
    tried = {
        "customer_id": 2**40,
        "lane": "smaregi",
        "attempt": 1,
        "revision": 1,
        "started_at": NOON,
        "duration_ms": 0.1 + 0.2,
        "outcome": "failed",
        "why": "見本 😀",
        "request_id": "r",
    }
    with database.writing() as c:
        c.execute(t.attempts.insert(), [tried for _ in range(rows)])


def everything(database: Database) -> dict[str, list[Any]]:
    with database.reading() as c:
        return {
            table.name: sorted(repr(tuple(row)) for row in c.execute(select(table)))
            for table in t.metadata.sorted_tables
        }


def copy(source: Database, target: Database) -> Copying:
    copying = Copying(source, target)
    copying.check(NOON)
    steps = list(copying.run())
    assert sum(step.rows for step in steps if not step.checked) == copying.count()
    return copying


def test_every_row_arrives_and_opens_as_before_and_numbering_goes_on(pair: tuple[Database, Database]) -> None:
    source, target = pair
    fill(source, ROWS)
    assert not copy(source, target).mended
    assert everything(source) == everything(target)
    with target.writing() as c:
        kept = c.execute(select(type_coerce(t.attempts.c.why, Text)).limit(1)).scalar_one()
        assert kept.startswith("sealed:")
        assert c.execute(select(t.attempts.c.why).limit(1)).scalar_one() == "見本 😀"
        last = c.execute(select(func.max(t.attempts.c.id))).scalar_one()
    with target.writing() as c:
        row = {"customer_id": 1, "lane": "a", "attempt": 1, "revision": 1, "started_at": NOON, "duration_ms": 1.0}
        made = c.execute(t.attempts.insert().values(**row, outcome="done", request_id="r")).inserted_primary_key
    assert made is not None
    assert made[0] == last + 1


def test_a_target_that_holds_anything_is_refused_until_it_is_emptied(pair: tuple[Database, Database]) -> None:
    source, target = pair
    fill(source)
    copy(source, target)
    with pytest.raises(CannotCopy, match="not empty"):
        Copying(source, target).check(NOON)
    again = Copying(source, target)
    again.empty_target()
    assert again.rows_in_target() == 0
    copy(source, target)
    assert everything(source) == everything(target)


def test_what_is_written_to_the_ledger_meanwhile_is_noticed(pair: tuple[Database, Database]) -> None:
    source, target = pair
    fill(source)
    steps = Copying(source, target).run()
    next(steps)
    with source.writing() as c:
        c.execute(t.tasks.update().values(attempt=t.tasks.c.attempt + 1))
    with pytest.raises(CannotCopy, match="written to while"):
        list(steps)


def test_what_is_changed_in_the_target_meanwhile_is_noticed(pair: tuple[Database, Database]) -> None:
    source, target = pair
    fill(source)
    steps = Copying(source, target).run()
    for step in steps:
        if step.table == "attempts":
            break
    with target.writing() as c:
        last = select(func.max(t.attempts.c.id)).scalar_subquery()
        c.execute(t.attempts.update().where(t.attempts.c.id == last).values(duration_ms=0.3))
    with pytest.raises(CannotCopy, match="attempts did not arrive whole"):
        list(steps)


def test_a_worker_at_work_is_noticed(pair: tuple[Database, Database]) -> None:
    source, target = pair
    fill(source)
    with source.writing() as c:
        c.execute(t.tasks.update().values(state="running", lease_until=NOON + timedelta(seconds=30)))
    with pytest.raises(CannotCopy, match="stop web and worker first"):
        Copying(source, target).check(NOON)
    Copying(source, target).check(NOON + timedelta(minutes=1))


def test_a_ledger_is_not_copied_onto_itself(pair: tuple[Database, Database]) -> None:
    source, _ = pair
    with pytest.raises(CannotCopy, match="itself"):
        Copying(source, source).check(NOON)


def test_texts_that_postgresql_cannot_hold_are_mended_and_counted(
    tmp_path: Path, sqlite_template: Path, postgresql_url: str
) -> None:
    empty(postgresql_url)
    shutil.copy(sqlite_template, tmp_path / "a.db")
    source, target = Database(f"sqlite:///{tmp_path}/a.db"), Database(postgresql_url)
    fill(source)
    with source.writing() as c:
        c.exec_driver_sql("UPDATE attempts SET vendor_request_id = 'a' || char(0) || 'b' WHERE id = 1")
        c.exec_driver_sql("UPDATE attempts SET vendor_request_id = CAST(X'61FF62' AS TEXT) WHERE id = 2")
    assert copy(source, target).mended == {"attempts.vendor_request_id": 2}
    with target.reading() as c:
        query = select(t.attempts.c.vendor_request_id).where(t.attempts.c.id < 3).order_by(t.attempts.c.id)
        assert c.execute(query).scalars().all() == ["ab", "a\ufffdb"]
    source.close()
    target.close()


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    made = make_app(database_url)
    yield made
    house_of(made).close()


def test_the_command_copies_and_says_what_is_next(app: Flask, tmp_path: Path) -> None:
    post(app.test_client(), body_of(1))
    other = f"sqlite:///{tmp_path}/copy.db"
    told = app.test_cli_runner().invoke(args=["db", "copy", "--to", other])
    assert told.exit_code == 0, told.output
    assert "set DATABASE_URL to it" in told.output
    again = app.test_cli_runner().invoke(args=["db", "copy"], env={"TARGET_DATABASE_URL": other})
    assert again.exit_code == 1
    assert "--empty-target" in again.output
    asked = app.test_cli_runner().invoke(args=["db", "copy", "--to", other, "--empty-target"], input="n\n")
    assert asked.exit_code == 1
    assert app.test_cli_runner().invoke(args=["db", "copy", "--to", other, "--empty-target", "--yes"]).exit_code == 0
    copied = make_app(other)
    assert house_of(copied).report.story(1) is not None
    house_of(copied).close()


@pytest.mark.parametrize("to", ["nonsense", "mysql://a@b/c", "postgresql://nobody@127.0.0.1:9/nowhere"])
def test_a_target_that_is_none_is_said_in_words(app: Flask, to: str) -> None:
    told = app.test_cli_runner().invoke(args=["db", "copy", "--to", to])
    assert told.exit_code == 1
    assert told.output.startswith("Error: ")
