"""``python -m fuzz``: every target for some seconds each, then 100,000 customers through the mapping.

``python -m fuzz play FILE`` plays a finding again, with its traceback; the folder it lies in names the target.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from fuzz.customers import Mappings, map_many
from fuzz.targets import TARGETS

ROOT: Final = Path(__file__).resolve().parent.parent
AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a run of one target came to; ``findings`` are files to play again."""

    name: str
    tried: int
    edges: int
    findings: tuple[str, ...]
    ended_well: bool


@click.group(invoke_without_command=True)
@click.option("--seconds", default=60, show_default=True, help="For each target.")
@click.option("--only", type=click.Choice([*TARGETS, "customers"]), multiple=True, help="These alone.")
@click.option("--customers", default=100_000, show_default=True, help="How many go through the mapping.")
@click.option("--seed", default=7, show_default=True, help="Of the customers.")
@click.pass_context
def main(context: click.Context, seconds: int, only: tuple[str, ...], customers: int, seed: int) -> None:
    """Attack every parser and the mapping; ends with 1 when there is a finding."""
    if context.invoked_subcommand is not None:
        return
    console = Console()
    targets = [name for name in TARGETS if not only or name in only]
    table = Table(title=f"{seconds} s each", title_justify="left")
    for column in ("target", "inputs tried", "edges reached", "new findings"):
        table.add_column(column, justify="left" if column == "target" else "right")
    found = False
    for name in targets:
        with console.status(f"{name}: {TARGETS[name].law}"):
            run = fuzz_one(name, seconds)
        said = str(len(run.findings)) if run.ended_well else f"{len(run.findings)}, and it ended early"
        table.add_row(name, f"{run.tried:,}", f"{run.edges:,}", said)
        found |= bool(run.findings) or not run.ended_well
        for finding in run.findings:
            console.print(f"finding: {finding} (python -m fuzz play {finding})", style="red")
    if targets:
        console.print(table)
    if customers and (not only or "customers" in only):
        found |= _customers(console, customers, seed)
    sys.exit(found)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def play(file: Path) -> None:
    """Play a finding again."""
    name = next((name for name in TARGETS if file.resolve().parent.name == name), None)
    if name is None:
        raise click.UsageError("the file lies in no folder that is named like a target")
    TARGETS[name].try_one(file.read_bytes())
    click.echo(f"{name}: the law holds")


def fuzz_one(name: str, seconds: int) -> Fuzzed:
    """Run one target under atheris, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as corpus:
        done = subprocess.run(
            [sys.executable, "-m", "fuzz.guided", name, str(seconds), corpus],
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + 120,
            check=False,
        )
    told = done.stdout + done.stderr
    tried = re.search(r"number_of_executed_units:\s*(\d+)", told)
    edges = re.findall(r"cov: (\d+)", told)
    saved = re.findall(r"^FINDING (\S+)", told, re.MULTILINE)
    saved += re.findall(r"Test unit written to (\S+)", told)
    return Fuzzed(
        name,
        int(tried[1]) if tried else 0,
        int(edges[-1]) if edges else 0,
        tuple(dict.fromkeys(saved)),
        done.returncode == 0 and tried is not None,
    )


def map_in_parallel(customers: int, seed: int) -> Mappings:
    """Many customers through the mapping, on every processor there is."""
    parts = [min(AT_ONCE, customers - start) for start in range(0, customers, AT_ONCE)]
    found = Mappings()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for part in pool.map(map_many, range(seed * 10_000, seed * 10_000 + len(parts)), parts):
            found.add(part)
    return found


def _customers(console: Console, customers: int, seed: int) -> bool:
    began = time.monotonic()
    with console.status(f"{customers:,} customers through the mapping"):
        found = map_in_parallel(customers, seed)
    took = time.monotonic() - began
    console.print(
        f"\n{found.tried:,} customers mapped in {took:.0f} s; {sum(found.corrections.values()):,} corrections"
    )
    table = Table("field", "longest", "corrections")
    for name, longest in sorted(found.longest.items()):
        about = [f"{what} {n:,}" for key, n in found.corrections.most_common() if (what := _of(name, key))]
        table.add_row(name, str(longest), ", ".join(about))
    console.print(table)
    for law, ids in found.broken.items():
        console.print(f"broken for {len(ids)}: {law} (seed {seed}, customers {ids[:5]})", style="red", markup=False)
    console.print(f"laws broken: {len(found.broken)}")
    return bool(found.broken)


def _of(name: str, correction: str) -> str:
    field, what = correction.split(" ")
    return what if field == name else ""


if __name__ == "__main__":
    main()
