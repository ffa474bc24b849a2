"""The migrations and `tables.py` say the same, on both databases."""

from __future__ import annotations

from pathlib import Path

from ledger.database import Database
from ledger.migrate import differences, is_current, upgrade


def test_the_migrations_lead_to_the_tables_the_code_knows(database: Database) -> None:
    assert is_current(database)
    assert differences(database) == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    upgrade(database)
    assert is_current(database)


def test_a_database_without_tables_is_not_current(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.db")
    assert not is_current(database)
    database.close()
