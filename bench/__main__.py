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

from bench import answering, beside, burst, console, draining, flow, growth, hindered, pruning
from bench.lab import Lab
from bench.load import Gun
from bench.machine import machine
from bench.report import Section, Table, beside_page, beside_part, draw, goals_table, page, show, show_table
from bench.scale import Scale
from bench.stores import postgresql_server
from sandbox.system import Checkout, DidNotStart

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
#: What can be measured beside another build.
BESIDE: Final[dict[str, Callable[[Lab, Checkout], Section]]] = {
    "flow": beside.measure_flow,
    "answering": beside.measure_answering,
}


def _parts(said: str | None) -> Sequence[str]:
    """The parts named, in the order of the whole run; none named: all. Raises ``BadParameter`` for any other name."""
    wanted = [part.strip() for part in (said or "").split(",") if part.strip()]
    known = [*PARTS, "memory"]
    if strange := [part for part in wanted if part not in known]:
        raise click.BadParameter(f"{', '.join(strange)}: there is {', '.join(known)}")
    return [part for part in known if part in wanted]


@click.command()
@click.option("--quick", is_flag=True, help="Shorter runs: to see that all is well, rather than to know.")
@click.option(
    "--full", is_flag=True, help="All sizes, up to a million customers, and the usual ways beside ours: an hour."
)
@click.option(
    "--only",
    callback=lambda _context, _option, said: _parts(said),
    help=f"Parts alone, separated by commas ({', '.join([*PARTS, 'memory'])}); the page is left as it is.",
)
@click.option(
    "--baseline",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another checkout of this service, with its own .venv: measured in turns with this one "
    f"({' and '.join(BESIDE)}), and set beside it on the page.",
)
def main(quick: bool, full: bool, only: Sequence[str], baseline: Path | None) -> None:
    """Measure the service on this machine, and write docs/measurements.md after a whole run.

    PostgreSQL is started from a wheel, unless BENCH_DATABASE_URL names a server on which databases may be created.
    """
    parts = measurements(only, baseline)
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
        lab = Lab(folder, quick or list(only) == ["memory"], server, gun, scale, tell, full)
        for name, measure in parts.items():
            try:
                sections.append(measure(lab))
            except Exception:  # noqa: BLE001 - what the others found in an hour must not be lost with it
                console.print_exception()
                failed.append(name)
                continue
            if list(only) != ["memory"]:
                show(console, sections[-1])
        if not baseline:
            sections.append(scale.section())
            show(console, sections[-1])
    console.print()
    if list(only) == ["memory"]:
        del sections[:-1]
    measured = [name for name in parts if name not in failed]
    show_table(console, goals_table(sections))
    console.print(f"{time.monotonic() - began:.0f} s in all")
    if not (quick if baseline else only) and (
        text := _new_page(sections, found, measured if baseline else None, _introduction(quick, full, failed))
    ):
        PAGE.write_text(text, encoding="utf-8")
        console.print(f"written: {PAGE.relative_to(ROOT)}")
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def measurements(only: Sequence[str], baseline: Path | None) -> dict[str, Callable[[Lab], Section]]:
    """What is to be measured, by name. Raises ``UsageError`` with the fix."""
    if baseline is None:
        return {name: part for name, part in PARTS.items() if not only or name in only or "memory" in only}
    try:
        other = Checkout.at(baseline)
    except DidNotStart as e:
        raise click.UsageError(str(e)) from None
    if strange := [name for name in only if name not in BESIDE]:
        raise click.UsageError(f"--baseline goes with {' and '.join(BESIDE)}, not with {', '.join(strange)}")

    def beside_it(measure: Callable[[Lab, Checkout], Section]) -> Callable[[Lab], Section]:
        return lambda lab: measure(lab, other)

    return {name: beside_it(measure) for name, measure in BESIDE.items() if not only or name in only}


def _new_page(sections: Sequence[Section], machine: Table, beside_it: Sequence[str] | None, introduction: str) -> str:
    """The page after this run, "" where nothing was measured; each kind of run leaves the other's part as it is.

    ``beside_it``: what was measured beside another build; None: no other build was.
    """
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if beside_it is not None:
        return beside_page(before, sections, machine, beside_it) if sections else ""
    draw(sections, PAGE.parent)
    return page(sections, machine, introduction) + beside_part(before)


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
