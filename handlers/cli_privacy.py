"""The commands about personal data: prune what is old, erase a person, look after the keys."""

from __future__ import annotations

import getpass
import time

import click
from flask.cli import AppGroup

from handlers.console.texts import marked
from handlers.house import LANES, House
from handlers.terminal import GetHouse, Said, clearly, note, out, progress_of
from ledger.erase import Erased, Erasure, NobodyKnown
from ledger.prune import PrunesAlready
from ledger.rotate import Rotation, StillWritten
from ledger.seal import new_key

_FAR_SIDES = {"smaregi": "member", "hubspot": "contact record"}


def register(cli: click.Group, house: GetHouse) -> None:
    """Add every command to ``cli``; ``house`` is asked only when a command runs."""
    for make in (_prune, _erase, _keys):
        cli.add_command(make(house))


# -- prune -------------------------------------------------------------------------------------------------------------


def _prune(house: GetHouse) -> click.Command:
    @click.command("prune")
    @click.option("--dry-run", is_flag=True, help="Only say how much it would be.")
    @click.option(
        "--unreadable", is_flag=True, help="Also old bodies that nobody could read: you have dealt with them."
    )
    def prune(dry_run: bool, unreadable: bool) -> None:
        """Empty bodies older than KEEP_BODIES_DAYS, and delete attempts older than KEEP_ATTEMPTS_DAYS.

        The worker does so by itself once an hour. In short steps: nobody waits for it, and it may be stopped.
        """
        h = house()

        def go() -> None:
            owed = h.pruning.owed(h.now())
            waiting = h.pruning.count_unreadable(h.now()) if unreadable else 0
            if dry_run:
                would = f"{owed.bodies + waiting:,} bodies would be emptied, {owed.attempts:,} attempts deleted"
                out.print(f"{would}; nothing was changed")
                return
            note(h, marked("pruned by hand"), bodies=owed.bodies + waiting, attempts=owed.attempts)
            bodies, attempts = _prune_all(h, owed.bodies + owed.attempts)
            if unreadable:
                bodies += h.pruning.empty_unreadable(h.now())
            out.print(f"{bodies:,} bodies emptied, {attempts:,} attempts deleted")

        clearly(go)

    return prune


def _prune_all(h: House, total: int) -> tuple[int, int]:
    bodies = attempts = 0
    try:
        with progress_of("prune") as progress:
            bar = progress.add_task("prune", total=total)
            for step in h.pruning.run(now=h.now, rest=time.sleep):
                bodies, attempts = bodies + step.bodies, attempts + step.attempts
                progress.update(bar, completed=bodies + attempts)
    except PrunesAlready:
        raise Said("a worker is pruning at this moment: nothing is left to do by hand") from None
    return bodies, attempts


# -- erase -------------------------------------------------------------------------------------------------------------


def _erase(house: GetHouse) -> click.Command:
    @click.command("erase")
    @click.argument("customer_id", type=int, metavar="ID")
    @click.option("--by", help="Who does it; your login by default.")
    @click.option("--why", default="", help="Why, without a name: the number of a ticket is best.")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @click.option("--undo", is_flag=True, help="Let the customer in again; what was erased does not come back.")
    def erase(customer_id: int, by: str | None, why: str, yes: bool, undo: bool) -> None:
        """Forget customer ID in this ledger, and keep the fact that it was done, when, by whom and why.

        Nothing is deleted at Shopify, Smaregi or HubSpot: what is left to do there is said. Whatever Shopify still
        sends of this customer is refused, until --undo.
        """
        h = house()
        who = by or getpass.getuser()

        def go() -> None:
            h.keys.check()
            if undo:
                _undo(h, customer_id, who)
                return
            if not yes:
                told = click.prompt(f"This cannot be taken back. Type {customer_id} to erase this customer")
                if told.strip() != str(customer_id):
                    raise Said("not the same id: nothing was changed")
            try:
                note(h, marked("erased a customer"), customer_id=customer_id)
                _tell(h.erasing.erase(customer_id, by=who, why=why, now=h.now()))
            except NobodyKnown:
                raise Said(f"no customer {customer_id} in the ledger: nothing was changed") from None

        clearly(go)

    return erase


def _undo(h: House, customer_id: int, by: str) -> None:
    note(h, marked("let an erased customer in again"), customer_id=customer_id)
    if not h.erasing.undo(customer_id, by=by, now=h.now()):
        raise Said(f"customer {customer_id} is not erased: nothing was changed")
    out.print(f"customer {customer_id} is let in again: save them in the Shopify admin to bring them over")


def _tell(erased: Erased) -> None:
    e = erased.erasure
    if erased.before:
        out.print(f"customer {e.customer_id} was erased on {e.erased_at:%Y-%m-%d} by {e.by} already", highlight=False)
    out.print(f"customer {e.customer_id} is erased in this ledger; bodies emptied: {erased.bodies:,}", highlight=False)
    if not erased.wiped:
        out.print("SQLite's log is in use and still holds old pages: run this again in a minute")
    if erased.in_hand:
        lanes = ", ".join(erased.in_hand)
        out.print(f"[yellow]being carried at this moment: {lanes}. Look there again in a minute[/yellow]")
    out.print("[bold]Not deleted, and yours to delete by hand:[/bold]")
    for line in _left(e):
        out.print(f"  {line}", highlight=False, markup=False)


def _left(e: Erasure) -> list[str]:
    return [
        f"Shopify: customer {e.customer_id} (Customers > Erase personal data)",
        *(f"{lane}: {_FAR_SIDES.get(lane, 'record')} {e.refs[lane]}" for lane in LANES[1:] if lane in e.refs),
        *(f"{lane}: nothing of this customer is known here; look for them" for lane in LANES[1:] if lane not in e.refs),
        "backups of this database, and logs of the web server in front of it",
    ]


# -- keys --------------------------------------------------------------------------------------------------------------


def _keys(house: GetHouse) -> click.Command:
    group = AppGroup("keys", help="The keys that encrypt personal data (DATA_KEYS).")

    @group.command("new")
    def new() -> None:
        """Print a fresh key. Keep a copy apart from the ledger: a lost key is lost data."""
        click.echo(new_key())

    @group.command("rotate")
    @click.option("--dry-run", is_flag=True, help="Only say how many values it would be.")
    def rotate(dry_run: bool) -> None:
        """Shut everything again with the first of DATA_KEYS; afterwards the others may be dropped.

        Every process must have the new key as its first by then. In short steps; may be stopped and run again.
        """
        h = house()

        def go() -> None:
            if not h.database.seal:
                raise Said("DATA_KEYS is not set: put a key there (flask keys new) and start every process again")
            h.keys.check()
            rotation = Rotation(h.database)
            total = rotation.count()
            if dry_run:
                out.print(f"{total:,} rows would be shut again; nothing was changed")
                return
            done = 0
            note(h, marked("shut personal data with another key"), rows=total)
            try:
                with progress_of("rotate") as progress:
                    bar = progress.add_task("rotate", total=total)
                    for count in rotation.run(rest=time.sleep):
                        done += count
                        progress.update(bar, completed=done)
            except StillWritten:
                raise Said("a process still writes with another key: start each again with the new key first") from None
            first, *others = h.database.seal.key_ids
            out.print(f"{done:,} rows shut again; everything is under the key {first} now", highlight=False)
            if others:
                out.print(f"the other keys may be dropped from DATA_KEYS: {', '.join(others)}", highlight=False)

        clearly(go)

    return group
