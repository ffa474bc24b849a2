"""What every command at a terminal shares: the way it prints, and how it says that something is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clients.errors import CarryError
from handlers.house import House
from ledger.database import StoreBusy
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
