"""Where the demo speaks: a picture that changes in place in a terminal, lines one after the other anywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sandbox.demo_picture import draw
from sandbox.demo_view import Row


class Screen(Protocol):
    """What can be shown."""

    def say(self, text: Text | str = "") -> None:
        """Something that stays where it is."""

    def show(self, rows: Sequence[Row], status: str) -> None:
        """The state of things now, in place of the one shown before; ``status`` is what is being waited for."""

    def settle(self, rows: Sequence[Row]) -> None:
        """The state of things as it stays, in place of the one shown before; what comes is shown below it."""


def screen_for(console: Console) -> Screen:
    """A picture for a person at a terminal, lines for a log."""
    return Picture(console) if console.file.isatty() and not console.is_dumb_terminal else Lines(console)


class Lines:
    """Each fact on a line of its own, once, as it comes to be known."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[tuple[int, str]] = set()

    def say(self, text: Text | str = "") -> None:
        self._console.print(text, soft_wrap=True, markup=False)

    def show(self, rows: Sequence[Row], status: str) -> None:  # noqa: ARG002 - a log needs no "still waiting"
        self.settle(rows)

    def settle(self, rows: Sequence[Row]) -> None:
        for row in rows:
            for key, fact in row.facts.items():
                if (row.customer_id, key) not in self._said:
                    self._said.add((row.customer_id, key))
                    self.say(f"{row.name} ({row.what}): {fact}")


class Picture:
    """The picture, drawn anew whenever something has happened. The columns are named above the first one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._shown = Text()
        self._are_columns_named = False

    def say(self, text: Text | str = "") -> None:
        self._console.print(text, soft_wrap=True, markup=False)

    def show(self, rows: Sequence[Row], status: str) -> None:
        drawn = self._draw(rows, status)
        if self._live is None:
            self._live = Live(
                drawn, console=self._console, auto_refresh=False, transient=True, redirect_stdout=False,
                redirect_stderr=False,
            )  # fmt: skip
            self._live.start(refresh=True)
        elif drawn != self._shown or drawn.spans != self._shown.spans:
            self._live.update(drawn, refresh=True)
        self._shown = drawn

    def settle(self, rows: Sequence[Row]) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if rows:
            self._console.print(self._draw(rows, ""), soft_wrap=True)
            self._are_columns_named = True

    def _draw(self, rows: Sequence[Row], status: str) -> Text:
        width, height = self._console.size
        return draw(rows, status, width, height - 1, are_columns_named=not self._are_columns_named)
