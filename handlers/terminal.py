"""What every command at a terminal shares: the way it prints, and how it says that something is wrong."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clients.checkup import Finding
from clients.errors import CarryError
from handlers.house import House
from ledger.database import StoreBusy
from ledger.seal import WrongKey

GetHouse = Callable[[], House]
# A pipe has no width of its own, and nothing may be cut off for it.
out = Console(width=None if sys.stdout.isatty() else 200)

_MARKS: Final = {"ok": "[green]ok[/green]   ", "wrong": "[red]wrong[/red]", "skipped": "[dim]-[/dim]    "}


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


def tell_findings(findings: Iterable[Finding]) -> None:
    """A line for each, with its mend below where something is wrong."""
    for finding in findings:
        line = f"  {_MARKS[finding.state]} {escape(finding.what)}: {escape(finding.said)}"
        out.print(line, highlight=False, soft_wrap=True)
        if finding.mend and finding.state == "wrong":
            out.print(f"        [yellow]{escape(finding.mend)}[/yellow]", highlight=False, soft_wrap=True)


def values_too(asked: bool) -> bool:
    """Whether personal values may be printed: they were asked for, and this is a terminal. Raises ``UsageError``."""
    if asked and not out.is_terminal:
        raise click.UsageError("--show-values shows personal data: on a terminal only")
    return asked


def note(house: House, what: str, *, customer_id: int | None = None, **details: Any) -> None:
    """Write into the audit log that whoever is logged in to this machine does ``what``; ids and counts only.

    Say it before the act: one that could not be written down then does not happen. Raises ``StoreBusy``.
    """
    house.audit.note(
        what, who=_login(), role="command", now=house.now(), customer_id=customer_id, details=details or None
    )


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()}"


def progress_of(what: str) -> Progress:
    """A bar for long work, gone when the work is done."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=out, transient=True)
