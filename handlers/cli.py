"""The commands, on Flask's own CLI: what ops and developers do by hand. Each is thin: it asks a part and prints."""

from __future__ import annotations

import signal
import threading
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import click

from clients.shopify.signature import sign
from handlers import cli_db, cli_hubspot, cli_lane, cli_resync, cli_shopify, cli_smaregi
from handlers.house import LANES
from handlers.telling import age, checked_lines, latency_line, story, table_of_failures, table_of_lanes
from handlers.terminal import GetHouse, Said, clearly, out
from ledger.migrate import is_current


def register(cli: click.Group, house: GetHouse) -> None:
    """Add every command to ``cli``; ``house`` is asked only when a command runs."""
    for make in (_worker, _deliver, _status, _failures, _show):
        cli.add_command(make(house))
    for part in (cli_db, cli_resync, cli_shopify, cli_smaregi, cli_hubspot, cli_lane):
        part.register(cli, house)


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
            lanes = h.report.lanes(LANES, now=now)
            out.print(table_of_lanes(lanes, h.lanes_off, now))
            for line in checked_lines(lanes):
                out.print(line, highlight=False)
            if not h.updates_too:
                out.print("ENABLE_UPDATE_SYNC is false: only new customers are carried; changes wait")
            fresh = h.members.freshness()
            scanned = "not scanned yet" if fresh.scanned_at is None else f"scanned {age(fresh.scanned_at, now)}"
            out.print(f"member index: {h.members.count():,} members, {scanned}, fresh {age(fresh.fresh_at, now)}")
            out.print(latency_line(h.rollups.latency()), highlight=False)
            out.print(f"last delivery: {age(h.report.last_delivery(), now)}")
            out.print(f"last test delivery: {age(h.report.last_delivery('test'), now)}")
            if unreadable := h.unreadable.left().count:
                out.print(f"[red]signed but unreadable deliveries kept: {unreadable:,}[/red] (flask deliveries list)")
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
