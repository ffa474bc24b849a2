"""The commands about the ledger's database: its shape, a copy of it, and its way to another one."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy.exc import ArgumentError

from handlers.console.texts import marked
from handlers.house import House
from handlers.terminal import GetHouse, Said, clearly, note, out, progress_of
from ledger.backup import CannotBackUp, back_up
from ledger.copy import CannotCopy, Copying
from ledger.database import Database
from ledger.migrate import CannotUpgrade, upgrade


def register(cli: click.Group, house: GetHouse) -> None:
    """Add the group to ``cli``; ``house`` is asked only when a command runs."""
    cli.add_command(_db(house))


def _db(house: GetHouse) -> click.Command:
    group = AppGroup("db", help="The ledger's database.")

    @group.command("upgrade")
    def upgrade_command() -> None:
        """Bring the database to the newest shape; safe to run again."""
        clearly(lambda: _upgrade(house().database))

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

    @group.command("copy")
    @click.option(
        "--to",
        required=True,
        envvar="TARGET_DATABASE_URL",
        help="The address of the other database; TARGET_DATABASE_URL keeps its password off the screen.",
    )
    @click.option("--empty-target", is_flag=True, help="Take out what stands in the target first (it asks).")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    def copy_command(to: str, empty_target: bool, yes: bool) -> None:
        """Copy the whole ledger to another database: from SQLite to PostgreSQL, or back.

        Stop web and worker first, and copy; then set DATABASE_URL to the copy and start them again. What is encrypted
        stays so: DATA_KEYS are not needed here, and are the same there.
        """
        h = house()

        def go() -> None:
            try:
                target = Database(to, busy_s=10.0, seal=h.database.seal)
            except (ArgumentError, ImportError, ValueError):
                raise Said("--to is no address: write sqlite:///file.db or postgresql://user@host/database") from None
            try:
                _copy(Copying(h.database, target), h, empty_target=empty_target, yes=yes)
            except CannotCopy as e:
                raise Said(str(e)) from None
            except KeyboardInterrupt:
                raise Said("stopped: the target is not whole; copy again with --empty-target") from None
            finally:
                target.close()

        clearly(go)

    return group


def _upgrade(database: Database) -> None:
    try:
        shape = upgrade(database)
    except CannotUpgrade as e:
        raise Said(str(e)) from None
    if shape == "newer":
        out.print("a newer version has migrated this database already: it is left as it is, and can be used")
    else:
        out.print("the database is in the newest shape")


def _copy(copying: Copying, h: House, *, empty_target: bool, yes: bool) -> None:
    target = copying.target.url.render_as_string(hide_password=True)
    if empty_target and (rows := copying.rows_in_target()):
        if not yes:
            click.confirm(f"Take {rows:,} rows out of {target}? They do not come back", abort=True)
        copying.empty_target()
    copying.check(h.now())
    note(h, marked("copied the ledger to another database"))
    total = copying.count()
    with progress_of("copy") as progress:
        # Every row is read twice: here, and there again.
        bar = progress.add_task("copy", total=2 * total)
        for step in copying.run():
            progress.advance(bar, step.rows)
    for column, count in sorted(copying.mended.items()):
        out.print(f"{column}: {count:,} texts held what no database there takes; it was left out", highlight=False)
    out.print(
        f"{total:,} rows copied to {target} and compared: set DATABASE_URL to it, and start web and worker",
        highlight=False,
        soft_wrap=True,
    )
