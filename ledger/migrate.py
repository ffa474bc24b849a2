"""Bring a database to the newest shape, and say whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger.database import Database
from ledger.tables import metadata

_FOLDER = Path(__file__).parent / "migrations"


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["database"] = database
    return config


def upgrade(database: Database) -> None:
    """Run every migration that is missing; several processes may do so at once."""
    command.upgrade(_config(database), "head")


def is_current(database: Database) -> bool:
    """Whether every migration has been run here."""
    head = ScriptDirectory.from_config(_config(database)).get_current_head()
    with database.reading() as c:
        return MigrationContext.configure(c).get_current_revision() == head


def differences(database: Database) -> list[object]:
    """What distinguishes the database from ``tables.py``; empty when the migrations are complete."""
    with database.reading() as c:
        return list(compare_metadata(MigrationContext.configure(c), metadata))
