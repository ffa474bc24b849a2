"""`flask doctor`: everything looked through, each line with its mend; exit code 1 when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from clients.checkup import Finding
from handlers.doctor import Check, Findings, examine, is_well
from handlers.terminal import GetHouse, out, progress_of, tell_findings


def register(cli: click.Group, house: GetHouse, more: Mapping[str, Check]) -> None:
    """Add the command to ``cli``; ``more`` are the groups of lines that only the roof can tell."""
    cli.add_command(_doctor(house, more))


def _doctor(house: GetHouse, more: Mapping[str, Check]) -> click.Command:
    @click.command("doctor")
    @click.option("--json", "as_json", is_flag=True, help="As JSON, for a machine.")
    def doctor(as_json: bool) -> None:
        """Look through settings, database, worker, webhooks and every far side; changes nothing there.

        Each line is ok, wrong with its mend, or skipped with the reason. Ends with 1 when anything is wrong.
        """
        h = house()
        if as_json:
            groups = examine(h, more)
            click.echo(json.dumps(_as_json(groups), ensure_ascii=False, indent=2))
        else:
            with progress_of("looking") as progress:
                progress.add_task("looking", total=None)
                groups = examine(h, more)
            _tell(groups)
        if not is_well(groups):
            raise click.exceptions.Exit(1)

    return doctor


def _tell(groups: Findings) -> None:
    for name, findings in groups.items():
        if findings:
            out.print(f"[bold]{name}[/bold]")
            tell_findings(findings)
    wrong = sum(finding.state == "wrong" for findings in groups.values() for finding in findings)
    out.print(f"[red]{wrong} wrong[/red]" if wrong else "[green]nothing is wrong[/green]")


def _as_json(groups: Findings) -> dict[str, object]:
    def told(finding: Finding) -> dict[str, str | None]:
        return {"what": finding.what, "state": finding.state, "said": finding.said, "mend": finding.mend}

    return {"well": is_well(groups), "groups": {name: [told(f) for f in found] for name, found in groups.items()}}
