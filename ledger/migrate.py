"""Bring a database to the newest shape, and say whether it is there.

Alembic is imported where it is used: the web door only asks whether the shape is right, and would carry nine megabytes
for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from ledger.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent / "migrations"
#: Migrations are numbered, and their files are named after their numbers.
HEAD = max(path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*_*.py"))


def config_of(database: Database) -> Config:
    """Alembic's configuration for this database."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["database"] = database
    return config


def upgrade(database: Database) -> None:
    """Run every migration that is missing; several processes may do so at once."""
    from alembic import command  # noqa: PLC0415

    command.upgrade(config_of(database), "head")


def is_current(database: Database) -> bool:
    """Whether every migration has been run here. Raises ``StoreBusy``."""
    with database.reading() as c:
        if not inspect(c).has_table("alembic_version"):
            return False
        return c.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
