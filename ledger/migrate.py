"""Bring a database to the newest shape, and say whether it is there.

Alembic is imported where it is used: the web door only asks whether the shape is right, and would carry nine megabytes
for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from sqlalchemy import inspect, text
from sqlalchemy.exc import ProgrammingError

from ledger.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent / "migrations"
#: Migrations are numbered, and their files are named after their numbers.
HEAD = max(path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*_*.py"))

Shape: TypeAlias = Literal["behind", "current", "newer"]
"""``behind``: a migration is missing. ``newer``: a later version of this service was here."""

_NO_PRIVILEGE: Final = "42501"


def config_of(database: Database) -> Config:
    """Alembic's configuration for this database."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["database"] = database
    return config


class CannotUpgrade(Exception):
    """The database does not let us change its shape; the text names the cause and the fix."""


def upgrade(database: Database) -> Shape:
    """Run every migration that is missing; several processes may do so at once.

    Comes back with the shape of the database afterwards: ``current``, or ``newer`` where a newer version of this
    service was here before, which is left as it is. Raises ``CannotUpgrade``, ``StoreBusy``.
    """
    from alembic import command  # noqa: PLC0415

    if shape_of(database) == "newer":
        return "newer"
    try:
        command.upgrade(config_of(database), "head")
    except ProgrammingError as e:
        if getattr(e.orig, "sqlstate", None) != _NO_PRIVILEGE:
            raise
        raise CannotUpgrade(_grant(database)) from None
    return "current"


def shape_of(database: Database) -> Shape:
    """How the database's shape compares with what this version knows. Raises ``StoreBusy``."""
    with database.reading() as c:
        if not inspect(c).has_table("alembic_version"):
            return "behind"
        told = c.execute(text("SELECT version_num FROM alembic_version")).scalar()
    number = int(told) if told and told.isdecimal() else 0
    return "newer" if number > int(HEAD) else "current" if number == int(HEAD) else "behind"


def is_current(database: Database) -> bool:
    """Whether every migration that this version knows has been run here. Raises ``StoreBusy``.

    Migrations only add, so a ledger that a newer version has migrated can be used: while a deployment lasts the old
    version goes on, and it can be started again when the new one is taken back.
    """
    return shape_of(database) != "behind"


def _grant(database: Database) -> str:
    # https://www.postgresql.org/docs/release/15.0/ : nobody but the owner may create in `public` any more.
    role, name = database.url.username or "the role", database.url.database or "the database"
    return (
        f"PostgreSQL lets {role} create no tables in {name} (the default since version 15): as its owner run "
        f'GRANT CREATE ON SCHEMA public TO "{role}"'
    )
