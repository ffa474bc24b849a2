"""The migrations and `tables.py` say the same, on both databases."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger.database import Database
from ledger.migrate import HEAD, config_of, is_current, upgrade
from ledger.tables import metadata


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
