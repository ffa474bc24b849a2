"""The commands, on Flask's own CLI: what ops and developers do by hand. Each is thin: it asks a part and prints."""

from __future__ import annotations

import signal
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from flask.cli import AppGroup
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clients.errors import CarryError
from clients.shopify.signature import sign
from handlers.house import DESTINATIONS, LANES, SYNCED, House
from handlers.telling import age, story, table_of_failures, table_of_lanes
from ledger.backup import CannotBackUp, back_up
from ledger.database import StoreBusy
from ledger.migrate import is_current, upgrade
from ledger.resync import AlreadyLinked
from ledger.seal import WrongKey

GetHouse = Callable[[], House]
# A pipe has no width of its own, and nothing may be cut off for it.
out = Console(width=None if sys.stdout.isatty() else 200)


class Said(click.ClickException):
    """An error for the person at the terminal: one line that names the mend, and exit code 1."""


def clearly(go: Callable[[], None]) -> None:
    """Run a command's work; what stops it is said in words. Raises ``Said``."""
    try:
        go()
    except StoreBusy as e:
        raise Said(f"{e} (DATABASE_URL)") from None
    except WrongKey as e:
        raise Said(str(e)) from None
    except CarryError as e:
        raise Said(e.why) from None


def progress_of(what: str) -> Progress:
    """A bar for long work, gone when the work is done."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=out, transient=True)


def register(cli: click.Group, house: GetHouse) -> None:
    """Add every command to ``cli``; ``house`` is asked only when a command runs."""
    for make in (_db, _worker, _deliver, _status, _failures, _show, _resync, _link, _hubspot):
        cli.add_command(make(house))


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


def _worker(house: GetHouse) -> click.Command:
    @click.command("worker")
    def worker() -> None:
        """Carry customers until SIGTERM or Ctrl-C, then finish what is in hand."""
        h = house()

        def check() -> None:
            if not is_current(h.database):
                raise Said("the database lacks a migration: run flask db upgrade")
            h.keys.check()

        clearly(check)
        made = h.worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            # On a thread of its own: the main thread may be inside the very event that it waits for.
            signal.signal(number, lambda *_: threading.Thread(target=made.stop).start())
        made.run()

    return worker


def _deliver(house: GetHouse) -> click.Command:
    @click.command("deliver")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--topic", default="customers/create", show_default=True, help="The webhook topic to claim.")
    @click.option("--url", default="http://127.0.0.1:8000/webhooks/shopify", show_default=True)
    @click.option("--secret-from-settings", is_flag=True, help="Sign for a door that is not on this machine.")
    @click.option("--webhook-id", help="The delivery's id; a new one by default, the same again is a repeat.")
    @click.option("--api-version", default="2026-10", show_default=True)
    @click.option("--test", "is_test", is_flag=True, help="Mark it as a test notification.")
    def deliver(  # noqa: PLR0917 - click hands each option in by name
        file: Path, topic: str, url: str, secret_from_settings: bool, webhook_id: str, api_version: str, is_test: bool
    ) -> None:
        """Sign FILE as Shopify would, with the first of SHOPIFY_WEBHOOK_SECRETS, and post it."""
        h = house()
        if not secret_from_settings and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Said("this door is not on this machine: say --secret-from-settings to sign for it")
        body = file.read_bytes()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": sign(body, h.secrets[0][1]),
            "X-Shopify-Shop-Domain": h.shop,
            "X-Shopify-API-Version": api_version,
            "X-Shopify-Webhook-Id": webhook_id or str(uuid.uuid4()),
            "X-Shopify-Triggered-At": h.now().isoformat().replace("+00:00", "Z"),
            "User-Agent": "customer-sync deliver",
        }
        if is_test:
            headers["X-Shopify-Test"] = "true"
        import requests  # noqa: PLC0415 - the web door imports these commands too, and makes no call

        try:
            answer = requests.post(url, data=body, headers=headers, timeout=10, allow_redirects=False)
        except requests.RequestException as e:
            raise Said(f"no answer from {url} ({type(e).__name__}): is the web process running (make run)?") from None
        text, request_id = answer.text.strip()[:200], answer.headers.get("X-Request-Id", "")
        out.print(f"{answer.status_code} {text}  request {request_id}", highlight=False, markup=False)
        if not answer.ok:
            raise click.exceptions.Exit(1)

    return deliver


def _status(house: GetHouse) -> click.Command:
    @click.command("status")
    def status() -> None:
        """Each lane at a glance: on or off, what waits, what failed, since when, and whether it is open."""
        h = house()

        def show() -> None:
            now = h.now()
            out.print(table_of_lanes(h.report.lanes(LANES), h.lanes_off, now))
            if not h.updates_too:
                out.print("ENABLE_UPDATE_SYNC is false: only new customers are carried; changes wait")
            fresh = h.members.freshness()
            scanned = "not scanned yet" if fresh.scanned_at is None else f"scanned {age(fresh.scanned_at, now)}"
            out.print(f"member index: {h.members.count():,} members, {scanned}, fresh {age(fresh.fresh_at, now)}")
            out.print(f"last delivery: {age(h.report.last_delivery(), now)}")
            out.print(f"last test delivery: {age(h.report.last_delivery('test'), now)}")
            if unreadable := h.report.count_deliveries("unreadable"):
                out.print(f"[red]signed but unreadable deliveries kept: {unreadable:,}[/red]")
            for name, count in sorted(h.tallies.of(now.date().isoformat()).items()):
                out.print(f"{name} today (UTC): {count:,}")

        clearly(show)

    return status


def _show(house: GetHouse) -> click.Command:
    @click.command("show")
    @click.argument("customer_id", type=int, metavar="ID")
    def show(customer_id: int) -> None:
        """The customer's story: deliveries, attempts, where they stand on each side, what was corrected."""
        h = house()

        def tell() -> None:
            told = h.report.story(customer_id)
            if told is None:
                raise Said(f"no customer {customer_id} in the ledger: save them again in the Shopify admin")
            for part in story(told, LANES, h.lanes_off, h.now()):
                out.print(part)

        clearly(tell)

    return show


def _failures(house: GetHouse) -> click.Command:
    @click.command("failures")
    @click.option("--examples", default=5, show_default=True, help="How many customers to name for each cause.")
    def failures(examples: int) -> None:
        """What waits for a person, grouped by cause, with the customers that wait longest."""
        h = house()

        def tell() -> None:
            groups = h.report.failures(LANES, examples=examples)
            out.print(table_of_failures(groups) if groups else "nothing waits for a person")

        clearly(tell)

    return failures


def _link(house: GetHouse) -> click.Command:
    @click.command("link")
    @click.argument("customer_id", type=int, metavar="ID")
    @click.argument("member")
    @click.option("--lane", type=click.Choice(DESTINATIONS), default="smaregi", show_default=True)
    def link(customer_id: int, member: str, lane: str) -> None:
        """Say that customer ID is MEMBER (Smaregi's customerId, or with --lane hubspot the contact's record id).

        For those who waited because several could be meant. They are carried at once; points and visits stay.
        """
        h = house()

        def go() -> None:
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
    @click.option("--all", "everyone", is_flag=True, help="Every customer.")
    @click.option("--lane", "lanes", type=click.Choice(LANES), multiple=True, help="Only this lane; may be repeated.")
    @click.option("--dry-run", is_flag=True, help="Only say how many tasks it would be.")
    def resync(customer_ids: Sequence[int], failed: bool, everyone: bool, lanes: Sequence[str], dry_run: bool) -> None:
        """Make tasks pending again: everything is read and sent anew, not only what differs.

        Can be stopped and started again: what was made pending stays so.
        """
        if sum((bool(customer_ids), failed, everyone)) != 1:
            raise click.UsageError("name customers by their Shopify IDs, or say --failed, or say --all")
        if "mail" in lanes:
            raise Said("a welcome mail is sent once, to who registers: it is never sent again, and never later")
        h = house()
        which: dict[str, Any] = {
            "lanes": lanes or SYNCED,
            "customer_ids": list(customer_ids) or None,
            "only": "failed" if failed else "all",
        }

        def go() -> None:
            total = h.resync.count(**which)
            if customer_ids and not total:
                raise Said("none of these customers is in the ledger: save them again in the Shopify admin")
            if dry_run:
                out.print(f"{_tasks(total)} would be made pending; nothing was changed")
                return
            out.print(f"{_tasks(_pages(h, which, total))} made pending")

        clearly(go)

    return resync


def _tasks(count: int) -> str:
    return f"{count:,} task" + ("" if count == 1 else "s")


def _pages(h: House, which: dict[str, Any], total: int) -> int:
    made, after = 0, 0
    with progress_of("resync") as progress:
        bar = progress.add_task("resync", total=total)
        while True:
            count, last = h.resync.page(now=h.now(), after_id=after, **which)
            made += count
            progress.update(bar, completed=made)
            if last is None:
                return made
            after = last


def _hubspot(house: GetHouse) -> click.Command:
    group = AppGroup("hubspot", help="The HubSpot side.")

    @group.command("setup")
    @click.option("--check", is_flag=True, help="Only look; create nothing.")
    def setup(check: bool) -> None:
        """Create the property group and the properties that are missing, and check those that are there."""
        h = house()

        def go() -> None:
            lane: Any = next((lane for lane in h.lanes() if lane.name == "hubspot"), None)
            if lane is None:
                raise Said(f"the HubSpot lane is off: {h.lanes_off['hubspot']}")
            wrong = False
            for name, state in lane.check() if check else lane.setup():
                wrong |= state.startswith("wrong")
                out.print(f"{name:32} {state}", highlight=False, markup=False)
            if wrong:
                raise click.exceptions.Exit(1)

        clearly(go)

    return group
