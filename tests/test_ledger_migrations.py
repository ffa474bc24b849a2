"""The migrations and `tables.py` say the same, on both databases."""

from __future__ import annotations

import secrets
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import make_url

from ledger.book import Book
from ledger.copy import CannotCopy, Copying
from ledger.database import Database
from ledger.inbox import Inbox
from ledger.migrate import HEAD, CannotUpgrade, config_of, is_current, shape_of, upgrade
from ledger.tables import metadata
from tests.conftest import NOON
from tests.ledger_cases import DESTINATIONS, LEASE, READS, delivery_of, person


def test_the_migrations_lead_to_the_tables_the_code_knows(database: Database) -> None:
    assert is_current(database)
    with database.reading() as c:
        assert compare_metadata(MigrationContext.configure(c), metadata) == []


def test_the_newest_migration_is_the_one_with_the_highest_number(database: Database) -> None:
    assert ScriptDirectory.from_config(config_of(database)).get_heads() == [HEAD]


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    upgrade(database)
    assert is_current(database)


def test_a_database_without_tables_is_not_current(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.db")
    assert not is_current(database)
    database.close()


def made_newer(database: Database) -> None:
    """What a later version leaves behind: a further migration, with a column and a table of its own."""
    with database.writing() as c:
        c.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        c.execute(text("ALTER TABLE customers ADD COLUMN of_a_later_version TEXT"))
        c.execute(text("CREATE TABLE of_a_later_version (id INTEGER)"))


def test_a_ledger_that_a_newer_version_has_migrated_is_current_and_is_left_as_it_is(database: Database) -> None:
    made_newer(database)
    try:
        assert (shape_of(database), is_current(database)) == ("newer", True)
        assert upgrade(database) == "newer"
        with database.reading() as c:
            assert c.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    finally:
        as_before(database)


def test_this_version_takes_in_and_hands_out_on_a_newer_ledger(database: Database) -> None:
    made_newer(database)
    try:
        inbox = Inbox(database, destinations=DESTINATIONS, reads=READS)
        inbox.record([delivery_of(person())], now=NOON, reading_is_on=True)
        book = Book(database, destinations=DESTINATIONS, reads=READS)
        assert [claimed.customer_id for claimed in book.claim(READS, 5, now=NOON, lease=LEASE)] == [1]
    finally:
        as_before(database)


def as_before(database: Database) -> None:
    """The database of a test process is migrated once, and used by all its tests."""
    with database.writing() as c:
        c.execute(text("DROP TABLE of_a_later_version"))
        c.execute(text("ALTER TABLE customers DROP COLUMN of_a_later_version"))
        c.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})


def test_a_newer_ledger_is_not_copied_since_what_is_new_would_be_left_out(database: Database, tmp_path: Path) -> None:
    made_newer(database)
    target = Database(f"sqlite:///{tmp_path}/target.db")
    try:
        with pytest.raises(CannotCopy, match="a newer version"):
            Copying(database, target).check(NOON)
    finally:
        target.close()
        as_before(database)


def test_a_role_that_may_create_nothing_is_told_the_grant(postgresql_server: str) -> None:
    role = f"poor_{secrets.token_hex(4)}"
    with psycopg.connect(postgresql_server, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN")
        admin.execute(f"CREATE DATABASE {role}")
    place = make_url(postgresql_server).set(username=role, database=role)
    database = Database(place.render_as_string(hide_password=False))
    try:
        with pytest.raises(CannotUpgrade, match=rf'GRANT CREATE ON SCHEMA public TO "{role}"'):
            upgrade(database)
    finally:
        database.close()
        with psycopg.connect(postgresql_server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {role} WITH (FORCE)")
            admin.execute(f"DROP ROLE {role}")
