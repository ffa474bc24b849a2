"""`python -m bench`: measure, show, and write `docs/measurements.md`."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.markup import escape

from bench import answering, burst, console, draining, flow, growth, hindered, pruning
from bench.lab import Lab
from bench.load import Gun
from bench.machine import machine
from bench.report import Section, draw, goals_table, page, show, show_table
from bench.scale import Scale
from bench.stores import postgresql_server

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "measurements.md"
PARTS: Final[dict[str, Callable[[Lab], Section]]] = {
    "answering": answering.measure,
    "flow": flow.measure,
    "hindered": hindered.measure,
    "draining": draining.measure,
    "growth": growth.measure,
    "burst": burst.measure,
    "pruning": pruning.measure,
    "console": console.measure,
}


@click.command()
@click.option("--quick", is_flag=True, help="Shorter runs: to see that all is well, rather than to know.")
@click.option(
    "--full", is_flag=True, help="All sizes, up to a million customers, and the usual ways beside ours: an hour."
)
@click.option("--only", type=click.Choice([*PARTS, "memory"]), help="One part alone; the page is left as it is.")
def main(quick: bool, full: bool, only: str | None) -> None:
    """Measure the service on this machine, and write docs/measurements.md after a whole run.

    PostgreSQL is started from a wheel, unless BENCH_DATABASE_URL names a server on which databases may be created.
    """
    console = Console(width=None if sys.stdout.isatty() else 120)
    began = time.monotonic()
    (ROOT / "var").mkdir(exist_ok=True)
    # On the disk where a ledger would be, not where temporary files are: that may be memory.
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var"))
    scale = Scale()
    sections: list[Section] = []
    failed: list[str] = []
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        status = stack.enter_context(console.status("starting PostgreSQL"))

        def tell(what: str) -> None:
            status.update(f"{escape(what)}  [dim]{time.monotonic() - began:.0f} s[/dim]")

        server = stack.enter_context(postgresql_server(folder))
        tell("looking at the machine")
        found = machine(folder, server, date.today())  # noqa: DTZ011 - the day here, for people
        gun = stack.enter_context(Gun())
        # Memory is weighed while the others run.
        lab = Lab(folder, quick or only == "memory", server, gun, scale, tell, full)
        for name, measure in PARTS.items():
            if only not in (None, name, "memory"):
                continue
            try:
                sections.append(measure(lab))
            except Exception:  # noqa: BLE001 - what the others found in an hour must not be lost with it
                console.print_exception()
                failed.append(name)
                continue
            if only != "memory":
                show(console, sections[-1])
        sections.append(scale.section())
        show(console, sections[-1])
    console.print()
    if only == "memory":
        del sections[:-1]
    show_table(console, goals_table(sections))
    console.print(f"{time.monotonic() - began:.0f} s in all")
    if only is None:
        PAGE.parent.mkdir(exist_ok=True)
        draw(sections, PAGE.parent)
        PAGE.write_text(page(sections, found, _introduction(quick, full, failed)), encoding="utf-8")
        console.print(f"written: {PAGE.relative_to(ROOT)}")
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def _introduction(quick: bool, full: bool, failed: Sequence[str]) -> str:
    command = "make bench-full" if full else "make bench"
    length = " This was a quick run (`--quick`): too short to rely on." if quick else ""
    lacks = f" Not measured, because the measurement itself failed: {', '.join(failed)}." if failed else ""
    return (
        f"Written by `{command}`; run it again to replace this page.{length}{lacks} Everything was measured "
        "side by side in one run on one machine, with the load, the far sides and the databases on it too. Absolute "
        "figures speak of this machine, ratios travel."
    )


if __name__ == "__main__":
    main()
