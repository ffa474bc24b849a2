"""The ledger in words and tables for a terminal. Pure: what comes in is printed by the caller.

Nothing here shows a name, an e-mail, a phone number or an address: a screen is shared, scrolled back and copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from handlers.alert_words import JST, duration, english
from handlers.causes import cause_of
from ledger import once_more
from ledger.counts import Latency
from ledger.report import LaneReport, Story
from ledger.waiting import Failures

_COLOURS = {"done": "green", "failed": "red", "running": "yellow", "pending": "yellow", "retry": "yellow"}


def age(at: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits: ``12 s ago``, ``3 h ago``, ``never``."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


def table_of_lanes(reports: Sequence[LaneReport], lanes_off: Mapping[str, str], now: datetime) -> Table:
    """One row a lane: switch, counts that add up, since when the oldest waits and failed, breaker with its cause."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    counts = ("pending", "running", "done", "failed", "excluded")
    for name in ("lane", "switch", *counts, "oldest waits", "oldest failed", "health"):
        table.add_column(name, justify="right" if name in counts else "left")
    for r in reports:
        off = lanes_off.get(r.lane)
        health = r.health
        if health.paused_until and health.paused_until > now:
            wait = duration(health.paused_until - now, english)
            well = f"[yellow]paused {wait}[/yellow]: {escape(health.why or '')}"
        elif health.breaker == "closed":
            well = "[green]closed[/green]"
            if health.failures:
                well = f"closed, {health.failures} failed in a row: {escape(health.why or '')}"
        else:
            well = f"[red]{health.breaker}[/red] {age(health.opened_at, now)}: {escape(health.why or '')}"
        table.add_row(
            r.lane,
            f"[yellow]off[/yellow] ({off})" if off else "[green]on[/green]",
            f"{r.pending:,}",
            f"{r.running:,}",
            f"{r.done:,}",
            f"[red]{r.failed:,}[/red]" if r.failed else "0",
            f"{r.excluded:,}",
            age(r.oldest_debt, now) if r.oldest_debt else "none",
            age(r.oldest_failed, now) if r.oldest_failed else "none",
            well,
        )
    return table


def checked_lines(reports: Sequence[LaneReport]) -> Iterator[str]:
    """Of each lane, who of those who are pending has arrived; the time is Japan's, as in the console."""
    for r in reports:
        if r.checked.at:
            yield f"{r.lane}: {r.checked.count:,} of the pending arrived; checked once more at {_clock(r.checked.at)}"


def _clock(at: datetime) -> str:
    return at.astimezone(JST).strftime("%H:%M:%S")


def latency_line(latency: Latency) -> str:
    """How long the newest customers took, as the overview tells it."""
    if latency.p50_ms is None or latency.p95_ms is None:
        return "from the delivery to every destination: nobody timed yet"
    half, most = f"{latency.p50_ms / 1000:.1f} s", f"{latency.p95_ms / 1000:.1f} s"
    return f"from the delivery to every destination: half within {half}, 95 of 100 within {most} (last {latency.count})"


def story(told: Story, lanes: Sequence[str], lanes_off: Mapping[str, str], now: datetime) -> Iterator[RenderableType]:
    """One customer: where they stand on each side, and what happened in the order in which it happened.

    ``lanes`` is the order in which a customer meets them.
    """
    known = told.customer
    saved_at = known.customer.updated_at
    if told.erasure:
        yield Text(
            f"customer {known.customer.id}  erased {age(told.erasure.erased_at, now)} by {told.erasure.by}: "
            f"{told.erasure.why or 'no reason given'}; what Shopify sends of them is refused"
        )
        return
    yield Text.from_markup(
        f"[bold]customer {known.customer.id}[/bold]  revision {known.revision}, "
        f"first seen {age(told.first_seen_at, now)} ({told.first_topic or 'read'}), "
        f"saved in Shopify {saved_at.isoformat() if saved_at else 'at an unknown time'}"
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("lane", "state", "ref", "attempt", "next", "why", "corrected on the way"):
        table.add_column(name)
    order = {lane: place for place, lane in enumerate(lanes)}
    for task in sorted(told.tasks, key=lambda row: order.get(row["lane"], len(order))):
        table.add_row(*_task(task, lanes_off, now))
    yield table
    events = [(row["received_at"], _delivery(row)) for row in told.deliveries]
    events += [(row["started_at"], _attempt(row)) for row in told.attempts]
    for at, line in sorted(events, key=lambda event: event[0]):
        yield Text.from_markup(f"[dim]{at.isoformat(timespec='milliseconds')}[/dim]  {line}")


def table_of_failures(groups: Sequence[Failures]) -> Table:
    """A cause after the other: how many, what the far side says, who waits longest, and what to do."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("lane", "cause", "tasks", "customer", "why"):
        table.add_column(name, justify="right" if name == "tasks" else "left", overflow="fold")
    for group in groups:
        cause = cause_of(group.lane, group.kind)
        examples = [(str(customer_id), escape(why or "")) for customer_id, why in group.examples]
        told = [*examples, ("", f"[dim]{escape(cause.do)}[/dim]")]
        heads = [(group.lane, f"[bold]{escape(cause.title)}[/bold]", f"{group.count:,}"), ("", group.kind or "", "")]
        for place, row in enumerate(told):
            table.add_row(*(heads[place] if place < len(heads) else ("", "", "")), *row)
    return table


def _task(task: Mapping[str, Any], lanes_off: Mapping[str, str], now: datetime) -> list[str]:
    state = str(task["state"])
    off = f" (off: {lanes_off[task['lane']]})" if task["lane"] in lanes_off and state == "pending" else ""
    wait, checked_at = (task["due_at"] - now).total_seconds(), once_more.checked_at(task)
    corrections = "\n".join(f"{c['field']} {c['what']}: {c['detail']}" for c in task["corrections"] or ())
    choices = "".join(
        "\n  " + ", ".join(f"{k} {v}" for k, v in c.items() if v and k != "name") for c in task["choices"] or ()
    )
    memo = "".join(f"\n{k} {v}" for k, v in (task["memo"] or {}).items())
    return [
        str(task["lane"]),
        f"[{_COLOURS.get(state, 'white')}]{state}[/]{off}",
        escape((task["ref"] or "-") + memo),
        str(task["attempt"] or ""),
        f"in {wait:.0f} s" if state == "pending" and wait > 0 and not off else "",
        f"arrived; checked once more at {_clock(checked_at)}" if checked_at else _why(task) + escape(choices),
        escape(corrections),
    ]


def _why(task: Mapping[str, Any]) -> str:
    """What keeps this task: the cause's title, then its kind and the vendor's words."""
    if not task["kind"]:
        return escape(task["why"] or "")
    title = cause_of(task["lane"], task["kind"]).title
    return f"[bold]{escape(title)}[/bold]\n" + escape(": ".join(filter(None, (task["kind"], task["why"]))))


def _delivery(row: Mapping[str, Any]) -> str:
    why = f" ({escape(row['why'])})" if row["why"] else ""
    return f"delivery  {escape(row['topic'])}: {row['verdict']}{why}  [dim]request {row['request_id']}[/dim]"


def _attempt(row: Mapping[str, Any]) -> str:
    outcome = str(row["outcome"])
    said = row["did"] or row["why"] or ""
    vendor = f", vendor's request {escape(row['vendor_request_id'])}" if row["vendor_request_id"] else ""
    return (
        f"{row['lane']:9} [{_COLOURS.get(outcome, 'white')}]{outcome}[/] {escape(said)} in {row['duration_ms']:.0f} ms"
        f"  [dim]attempt {row['attempt']}, revision {row['revision']}, request {row['request_id']}{vendor}[/dim]"
    )
