"""The commands that repair: make tasks pending again, and say which member is meant."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click

from handlers.console.texts import marked
from handlers.house import LANES, House
from handlers.preview import preview
from handlers.telling_preview import table_of_previews
from handlers.terminal import GetHouse, Said, clearly, note, out, progress_of, values_too
from ledger.position import Positions
from ledger.resync import AlreadyLinked

#: A letter is written once: no hand makes it pending again.
RESYNCED: Final = tuple(lane for lane in LANES if lane != "mail")
_MOST_COMPARED: Final = 20
_MOST_NOTED: Final = 50


def register(cli: click.Group, house: GetHouse) -> None:
    """Add every command to ``cli``; ``house`` is asked only when a command runs."""
    for make in (_resync, _link):
        cli.add_command(make(house))


def _link(house: GetHouse) -> click.Command:
    @click.command("link")
    @click.argument("customer_id", type=int, metavar="ID")
    @click.argument("member")
    @click.option("--lane", type=click.Choice(RESYNCED[1:]), default="smaregi", show_default=True)
    def link(customer_id: int, member: str, lane: str) -> None:
        """Say that customer ID is MEMBER (Smaregi's customerId, or with --lane hubspot the contact's record id).

        For those who waited because several could be meant. They are carried at once; points and visits stay.
        """
        h = house()

        def go() -> None:
            note(h, marked("linked a customer"), customer_id=customer_id, lane=lane, ref=member)
            try:
                if not h.resync.link(customer_id, lane, member, now=h.now()):
                    raise Said(f"no customer {customer_id} in the ledger: save them again in the Shopify admin")
            except AlreadyLinked as e:
                raise Said(f"{member} is customer {e.customer_id}'s already: merge the two in Shopify first") from None
            out.print(f"customer {customer_id} is {member} from the next carry on: flask show {customer_id} tells")

        clearly(go)

    return link


def _resync(house: GetHouse) -> click.Command:
    @click.command("resync")
    @click.argument("customer_ids", type=int, nargs=-1, metavar="ID...")
    @click.option("--failed", is_flag=True, help="Every task that failed.")
    @click.option("--kind", "kinds", multiple=True, help="Of what failed, only this kind (flask failures); repeatable.")
    @click.option("--all", "everyone", is_flag=True, help="Every customer.")
    @click.option("--lane", "lanes", type=click.Choice(RESYNCED), multiple=True, help="Only this lane; repeatable.")
    @click.option("--dry-run", is_flag=True, help="Only look: how many tasks, and what would change.")
    @click.option(
        "--limit",
        type=click.IntRange(0, _MOST_COMPARED),
        default=10,
        show_default=True,
        help="With --dry-run: how many customers to compare with the far sides.",
    )
    @click.option("--show-values", is_flag=True, help="With --dry-run: the values too, on a terminal only.")
    @click.option("--from-start", is_flag=True, help="Begin anew where an earlier run was stopped.")
    def resync(  # noqa: PLR0917 - click hands each option in by name
        customer_ids: Sequence[int],
        failed: bool,
        kinds: Sequence[str],
        everyone: bool,
        lanes: Sequence[str],
        dry_run: bool,
        limit: int,
        show_values: bool,
        from_start: bool,
    ) -> None:
        """Make tasks pending again: everything is read and sent anew, not only what differs.

        May be stopped (Ctrl-C): what was made pending stays so, and the same command goes on where it was.
        """
        failed = failed or bool(kinds)
        if sum((bool(customer_ids), failed, everyone)) != 1:
            raise click.UsageError("name customers by their Shopify IDs, or say --failed, or say --all")
        if values_too(show_values) and not dry_run:
            raise click.UsageError("--show-values goes with --dry-run")
        h = house()
        which: dict[str, Any] = {
            "lanes": tuple(lanes) or RESYNCED,
            "customer_ids": list(customer_ids) or None,
            "only": "failed" if failed else "all",
            "kinds": list(kinds) or None,
        }

        def go() -> None:
            total = h.resync.count(**which)
            if customer_ids and not total:
                raise Said("none of these customers is in the ledger: save them again in the Shopify admin")
            if dry_run:
                _compare(h, which, limit, show_values=show_values)
                out.print(f"{_tasks(total)} would be made pending; nothing was changed")
                return
            _run(h, which, total, from_start=from_start)

        clearly(go)

    return resync


def _tasks(count: int) -> str:
    return f"{count:,} task" + ("" if count == 1 else "s")


# -- a look -----------------------------------------------------------------------------------------------------------


def _compare(h: House, which: dict[str, Any], limit: int, *, show_values: bool) -> None:
    """Print what would change for the first of them; a lane that is off is said once."""
    ids = h.resync.first_ids(**which, limit=limit) if limit else []
    lanes = [lane for lane in which["lanes"] if lane not in h.lanes_off]
    for lane in which["lanes"]:
        if lane in h.lanes_off:
            out.print(f"{lane} is off ({h.lanes_off[lane]}): its tasks wait until it is on", highlight=False)
    if show_values:
        for customer_id in ids:
            note(h, marked("looked at a customer in full"), customer_id=customer_id)
    told = []
    with progress_of("compare") as progress:
        bar = progress.add_task("compare", total=len(ids) * len(lanes))
        for customer_id in ids:
            for lane in lanes:
                told.append(preview(h, customer_id, lane))
                progress.advance(bar)
    if told:
        out.print(table_of_previews(told, show_values=show_values))


# -- a run ------------------------------------------------------------------------------------------------------------


def _run(h: House, which: dict[str, Any], total: int, *, from_start: bool) -> None:
    # Whoever names customers sees where it stopped; a long run is remembered.
    positions = Positions(h.database) if which["customer_ids"] is None else None
    name = _name_of(which)
    kept = positions.of(name) if positions else None
    if kept and not from_start:
        out.print(
            f"goes on after customer {kept['after']}, {_tasks(kept['made'])} were made pending; "
            "--from-start begins anew",
            highlight=False,
        )
    details = {"lanes": list(which["lanes"]), "tasks": total, "only": which["only"], "kinds": which["kinds"]}
    ids = which["customer_ids"] or []
    for customer_id in ids[:_MOST_NOTED]:
        note(h, marked("resynced a customer"), customer_id=customer_id, lanes=list(which["lanes"]))
    if len(ids) != 1:
        note(h, marked("resynced many customers"), **details)
    after, before = (kept["after"], kept["made"]) if kept and not from_start else (0, 0)
    made = 0
    with _until_stopped() as stopped, progress_of("resync") as progress:
        bar = progress.add_task("resync", total=total, completed=before if which["only"] == "all" else 0)
        while not stopped:
            count, last = h.resync.page(now=h.now(), after_id=after, **which)
            made += count
            progress.advance(bar, count)
            if last is None:
                break
            after = last
            if positions:
                positions.keep(name, {"after": after, "made": before + made})
    if stopped:
        goes_on = ": the same command goes on there" if positions else ""
        out.print(f"stopped after customer {after}, {_tasks(made)} made pending{goes_on}", highlight=False)
        raise click.exceptions.Exit(130)
    if positions:
        positions.drop(name)
    out.print(f"{_tasks(before + made)} made pending")


def _name_of(which: dict[str, Any]) -> str:
    """The same choice of tasks is the same piece of work."""
    chosen = repr((which["only"], sorted(which["lanes"]), sorted(which["kinds"] or ())))
    return f"resync:{hashlib.blake2b(chosen.encode(), digest_size=8).hexdigest()}"


@contextmanager
def _until_stopped() -> Iterator[list[int]]:
    """Ctrl-C once fills the list, and the page in hand is finished; twice ends it on the spot."""
    stopped: list[int] = []

    def stop(number: int, _: Any) -> None:
        stopped.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)
