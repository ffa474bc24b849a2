"""The picture of who is where: each customer a line with three stations, drawn to the width of the terminal. Pure.

Japanese characters are two cells wide, so everything is measured in cells and never in characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Text

from sandbox.demo_view import Row, Station, StationState

_GLYPHS: Final[dict[StationState, tuple[str, str]]] = {
    "ahead": ("○", "dim"),
    "done": ("●", "green"),
    "again": ("◐", "yellow"),
    "failed": ("×", "bold red"),
    "off": ("–", "dim"),
}
_MARGIN: Final = 2
_SEPARATOR: Final = "  ·  "


@dataclass(frozen=True, slots=True)
class Columns:
    """How many cells each column takes; with the margin they fit the terminal."""

    name: int
    stations: tuple[int, int, int]
    total: int

    @classmethod
    def within(cls, width: int) -> Columns:
        """What 80 cells hold, and more air in a wider terminal, up to 120."""
        more = max(0, min(width, 120) - 80)
        return cls(21 + more // 4, (11 + more // 4, 20 + more // 4, 18 + more // 8), 8 + more // 8)


def draw(rows: Sequence[Row], status: str, width: int, height: int, *, are_columns_named: bool) -> Text:
    """All rows, with a blank line between them where the height allows, and the status below them."""
    columns = Columns.within(width)
    blocks = [list(_row(row, columns, width)) for row in rows]
    lines: list[Text] = []
    if are_columns_named and rows:
        lines += [_head(columns), Text()]
    # Counted as they will be once they have arrived, so that the picture does not shrink on the way.
    is_airy = len(lines) + sum(max(len(block), 4) + 1 for block in blocks) + 2 <= height
    for block in blocks:
        lines += [*block, Text()] if is_airy else block
    if status:
        lines.append(Text(" " * _MARGIN + status, style="dim"))
    elif lines and not lines[-1]:
        lines.pop()
    return Text("\n", no_wrap=True).join(lines)


def _head(columns: Columns) -> Text:
    line = Text(" " * (_MARGIN + columns.name), style="dim")
    for name, width in zip(("webhook", "Smaregi member", "HubSpot contact"), columns.stations, strict=True):
        line.append(set_cell_size(name, width))
    return line.append("in all".rjust(columns.total))


def _row(row: Row, columns: Columns, width: int) -> Iterator[Text]:
    first = Text(" " * _MARGIN)
    first.append(_fitted(row.name, columns.name), style="bold")
    for number, (station, cells) in enumerate(zip(row.stations, columns.stations, strict=True)):
        following = row.stations[number + 1] if number + 1 < len(row.stations) else None
        _add_station(first, station, following, cells)
    first.append((row.totals[0] if row.totals else "").rjust(columns.total), style="bold")
    yield first
    below = zip_longest([row.what], *(station.details for station in row.stations), row.totals[1:], fillvalue="")
    for what, webhook, smaregi, hubspot, total in below:
        line = Text(" " * _MARGIN + _fitted(what, columns.name), style="dim")
        for detail, cells in zip((webhook, smaregi, hubspot), columns.stations, strict=True):
            line.append(_fitted(f"  {detail}", cells), style="not dim")
        yield line.append(total.rjust(columns.total), style="not dim")
    for part in _packed(row.notes, width - _MARGIN - 12):
        yield Text.assemble((" " * _MARGIN + "corrected   ", "dim"), part)
    for trouble in row.troubles:
        for part in chop_cells(trouble, width - _MARGIN):
            yield Text(" " * _MARGIN + part, style="red")


def _add_station(line: Text, station: Station, following: Station | None, cells: int) -> None:
    glyph, style = _GLYPHS[station.state]
    text = f"{glyph} {station.headline}".rstrip()
    line.append(glyph, style=style)
    line.append(text[1:], style="dim" if station.state in {"ahead", "off"} else "")
    room = cells - cell_len(text)
    if following is None or room < 3:
        line.append(" " * max(0, room))
        return
    is_travelled = following.state in {"done", "again", "failed"}
    line.append(f" {'━' * (room - 2)} ", style="green" if is_travelled else "dim")


def _fitted(text: str, cells: int) -> str:
    """Exactly so many cells, with a mark where something was cut off and a cell of air at the end."""
    return set_cell_size(text if cell_len(text) < cells else f"{set_cell_size(text, cells - 2)}…", cells)


def _packed(parts: Sequence[str], cells: int) -> Iterator[str]:
    """The parts side by side, on as few lines as hold them."""
    line = ""
    for part in parts:
        longer = f"{line}{_SEPARATOR}{part}" if line else part
        if line and cell_len(longer) > cells:
            yield line
            longer = part
        line = longer
    if line:
        yield line
