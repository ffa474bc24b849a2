"""`python -m chaos`: run the whole system under faults, and say what was lost, doubled or stale."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chaos.pinned import pinned
from chaos.plan import STORES, Plan, plan
from chaos.run import Sight, Verdict, run

ROOT: Final = Path(__file__).resolve().parent.parent
_TELL_EVERY_S: Final = 10.0


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="What happens, and when.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, help="So many seeds, one after the other.")
@click.option("--seconds", type=click.FloatRange(min=5), default=60.0, show_default=True, help="Length of the storm.")
@click.option("--minutes", type=click.FloatRange(min=0.1), help="The same in minutes.")
@click.option("--store", type=click.Choice([*STORES, "both"]), default="both", show_default=True)
@click.option("--pinned", "only_pinned", is_flag=True, help="The seeds that once ended badly, instead.")
@click.option("--plan", "only_plan", is_flag=True, help="Print what would happen, and do nothing.")
def main(  # noqa: PLR0917 - click hands each option in by name
    seed: int, seeds: int, seconds: float, minutes: float | None, store: str, only_pinned: bool, only_plan: bool
) -> None:
    """Run the whole system (two web doors, three workers) under a steady flow of customers and a storm of faults.

    Then wait for rest and compare: each customer once at each destination, in the newest state. Exit code 0 or 1.
    """
    seconds = minutes * 60 if minutes else seconds
    plans = [
        plan(number, seconds, one) for number in range(seed, seed + seeds) for one in STORES if store in (one, "both")
    ]
    if only_pinned:
        plans = pinned()
    console = Console(width=None if sys.stdout.isatty() else 140)
    if only_plan:
        for one in plans:
            _print_plan(console, one)
        return
    (ROOT / "var").mkdir(exist_ok=True)
    verdicts = []
    for one in plans:
        folder = Path(tempfile.mkdtemp(prefix=f"chaos-{one.store}-{one.seed}-", dir=ROOT / "var"))
        with _Screen(console) as see:
            verdict = run(one, folder, see)
        _print_verdict(console, verdict, folder)
        verdicts.append(verdict)
        if verdict.ok:
            shutil.rmtree(folder, ignore_errors=True)
    if len(verdicts) > 1:
        _print_all(console, verdicts)
    sys.exit(0 if all(verdict.ok for verdict in verdicts) else 1)


class _Screen:
    """One line that moves on a terminal; a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("starting")
        self._told = 0.0

    def __enter__(self) -> Callable[[Sight], None]:
        if self._console.is_terminal:
            self._status.start()
        return self._see

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def _see(self, sight: Sight) -> None:
        line = (
            f"[b]seed {sight.plan.seed}[/b] {sight.plan.store}  {sight.phase} {sight.elapsed_s:.0f} s  "
            f"registered {sight.registered}  arrived {sight.arrived}  owed {sight.owed}  "
            f"webhooks on their way {sight.waiting}  [red]{escape(' · '.join(sight.faults))}[/red]"
        )
        if self._console.is_terminal:
            self._status.update(line)
        elif time.monotonic() - self._told > _TELL_EVERY_S:
            self._told = time.monotonic()
            self._console.print(line)


def _print_plan(console: Console, one: Plan) -> None:
    console.print(f"[b]{escape(one.command)}[/b]: {len(one.deeds)} deeds of customers, {len(one.faults)} faults")
    for fault in one.faults:
        told = "  ".join(f"{name}={value}" for name, value in fault.told.items())
        console.print(f"  {fault.at:7.2f} s  {escape(fault.name):36} [dim]{escape(told)}[/dim]")


def _print_verdict(console: Console, verdict: Verdict, folder: Path) -> None:
    lost, doubled, stale, undone = (verdict.of(what) for what in ("lost", "doubled", "stale", "undone"))
    rest = "never came to rest" if verdict.rest_s is None else f"at rest after {verdict.rest_s:.0f} s"
    style = "green" if verdict.ok else "red"
    console.print(
        f"[{style}]{'✓' if verdict.ok else '✗'} seed {verdict.plan.seed} on {verdict.plan.store}: {lost} lost, "
        f"{doubled} doubled, {stale} stale, {undone} opt-outs undone, "
        f"{len(verdict.findings) - lost - doubled - stale - undone} else; {rest}[/{style}]"
    )
    console.print("  " + "  ".join(f"{name} {count}" for name, count in verdict.counts.items()))
    console.print("  faults: " + "  ".join(f"{kind} {n}" for kind, n in sorted(verdict.faults.items())))
    for finding in verdict.findings[:30]:
        console.print(f"  [red]{escape(str(finding))}[/red]")
    if len(verdict.findings) > 30:
        console.print(f"  and {len(verdict.findings) - 30} more")
    if not verdict.ok:
        (folder / "findings.txt").write_text("\n".join(map(str, verdict.findings)) + "\n", encoding="utf-8")
        console.print(f"  logs and ledger: {folder.relative_to(ROOT)}    again: [b]{escape(verdict.plan.command)}[/b]")


def _print_all(console: Console, verdicts: list[Verdict]) -> None:
    table = Table(
        "seed",
        "store",
        "lost",
        "doubled",
        "stale",
        "opt-outs undone",
        "else",
        "rest",
        title="All runs",
        title_justify="left",
    )
    for verdict in verdicts:
        figures = [verdict.of(what) for what in ("lost", "doubled", "stale", "undone")]
        table.add_row(
            str(verdict.plan.seed),
            verdict.plan.store,
            *map(str, figures),
            str(len(verdict.findings) - sum(figures)),
            "never" if verdict.rest_s is None else f"{verdict.rest_s:.0f} s",
            style="" if verdict.ok else "red",
        )
    console.print(table)


if __name__ == "__main__":
    main()
