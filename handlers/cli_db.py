"""The commands about the ledger's database: its shape, a copy of it, and its way to another one."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from handlers.terminal import GetHouse, Said, clearly, out, progress_of
from ledger.backup import CannotBackUp, back_up
from ledger.migrate import upgrade


def register(cli: click.Group, house: GetHouse) -> None:
    """Add the group to ``cli``; ``house`` is asked only when a command runs."""
    cli.add_command(_db(house))


def _db(house: GetHouse) -> click.Command:
    group = AppGroup("db", help="The ledger's database.")

    @group.command("upgrade")
    def upgrade_command() -> None:
        """Bring the database to the newest shape; safe to run again."""
        clearly(lambda: upgrade(house().database))
        out.print("the database is in the newest shape")

    @group.command("backup")
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    def backup_command(file: Path) -> None:
        """Copy a ledger on SQLite to FILE, while everything runs; it holds personal data as the ledger does."""
        h = house()

        def go() -> None:
            with progress_of("backup") as progress:
                bar = progress.add_task("backup", total=None)
                try:
                    size = back_up(h.database, file, lambda n, total: progress.update(bar, completed=n, total=total))
                except CannotBackUp as e:
                    raise Said(str(e)) from None
            out.print(f"{size / 1e6:,.1f} MB at {file}; keep DATA_KEYS apart from it", highlight=False)

        clearly(go)

    return group
