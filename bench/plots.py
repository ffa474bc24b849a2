"""Figures as pictures: data in, one SVG file out, the same bytes for the same data.

Three kinds: ``bars`` lying one under the other with their spread, ``dots`` for several figures of each row, and
``lines`` over a number that grows. Each takes a sequence of rows in the order they are to be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.figures import Spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN: Final = 7.5
_OURS: Final = "#0b6e4f"
_THEIRS: Final = "#9aa5ab"
_INK: Final = "#333333"
_GRID: Final = "#d9dee0"
#: Told apart by shape as well as by colour.
_MARKS: Final = (("o", "#0b6e4f"), ("s", "#c77700"), ("^", "#8c2d19"), ("D", "#2b5c8a"), ("v", "#6b4c9a"))


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; ``ours`` stands out in colour."""

    name: str
    spread: Spread
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Dots:
    """One row of dots: a value by its name. The names are the legend and should be the same in every row."""

    name: str
    values: Mapping[str, float]
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line through (x, y) points; ``bands`` are (lowest, highest) for each point, or empty."""

    name: str
    points: Sequence[tuple[float, float]]
    bands: Sequence[tuple[float, float]] = field(default=())


def bars(rows: Sequence[Bar], file: Path, *, unit: str) -> None:
    """Horizontal bars as long as the medians, each with a line from its lowest to its highest run."""
    with _axes(file, 0.32 * len(rows) + 0.7) as axes:
        places = range(len(rows))
        medians = [row.spread.median for row in rows]
        below = [max(0.0, row.spread.median - row.spread.lowest) for row in rows]
        above = [max(0.0, row.spread.highest - row.spread.median) for row in rows]
        axes.barh(places, medians, height=0.62, color=[_OURS if row.ours else _THEIRS for row in rows])
        axes.errorbar(medians, places, xerr=[below, above], fmt="none", ecolor=_INK, elinewidth=1, capsize=2.5)
        for place, row in enumerate(rows):
            axes.annotate(
                f"{row.spread.median:,.0f}",
                (row.spread.highest, place),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
            )
        _name_rows(axes, [(row.name, row.ours) for row in rows])
        axes.set_xlim(0, 1.12 * max((row.spread.highest for row in rows), default=1))
        axes.set_xlabel(unit)
        axes.xaxis.set_major_formatter("{x:,.0f}")


def dots(rows: Sequence[Dots], file: Path, *, unit: str) -> None:
    """The values of each row as dots on one line, on a logarithmic axis: values must be above zero."""
    with _axes(file, 0.32 * len(rows) + 0.95) as axes:
        for place, row in enumerate(rows):
            found = list(row.values.values())
            axes.plot([min(found), max(found)], [place, place], color=_GRID, linewidth=2, zorder=1)
        for (mark, colour), name in zip(_MARKS, rows[0].values if rows else (), strict=False):
            found = [row.values[name] for row in rows]
            axes.plot(found, range(len(rows)), mark, color=colour, markersize=5.5, label=name, zorder=2)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,g}")
        _name_rows(axes, [(row.name, row.ours) for row in rows])
        axes.set_xlabel(unit)
        _legend(axes)


def lines(
    rows: Sequence[Line], file: Path, *, across: str, up: str, log_across: bool = False, log_up: bool = False
) -> None:
    """Lines over a number that grows; ``across`` and ``up`` name the axes with their units."""
    with _axes(file, 3.0) as axes:
        for (mark, colour), row in zip(_MARKS, rows, strict=False):
            xs = [x for x, _ in row.points]
            axes.plot(
                xs, [y for _, y in row.points], f"{mark}-", color=colour, markersize=4, linewidth=1.3, label=row.name
            )
            if row.bands:
                axes.fill_between(
                    xs, [low for low, _ in row.bands], [high for _, high in row.bands], color=colour, alpha=0.15, lw=0
                )
        if log_across:
            axes.set_xscale("log")
        if log_up:
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.yaxis.set_major_formatter("{x:,g}")
        axes.grid(visible=True, axis="y", color=_GRID, linewidth=0.6)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        _legend(axes)


@contextmanager
def _axes(file: Path, height_in: float) -> Iterator[Axes]:
    """Empty axes; what was drawn on them is in ``file`` when the block ends. No global state of the library is used."""
    from matplotlib import rc_context  # noqa: PLC0415 - slow to import, and only a whole run draws
    from matplotlib.figure import Figure  # noqa: PLC0415

    with rc_context(
        {
            "svg.hashsalt": "customer-sync",  # the ids inside the file are made from it: the same each time
            "svg.fonttype": "none",  # text stays text: small, and searchable
            "font.family": "sans-serif",
            "font.size": 9,
            "text.color": _INK,
            "axes.edgecolor": _GRID,
            "axes.labelcolor": _INK,
            "xtick.color": _INK,
            "ytick.color": _INK,
        }
    ):
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        axes = figure.add_subplot()
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(length=0)
        axes.grid(visible=True, axis="x", color=_GRID, linewidth=0.6)
        yield axes
        file.parent.mkdir(parents=True, exist_ok=True)
        # Without the date and the library's version the bytes depend on the data alone.
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


def _name_rows(axes: Axes, rows: Sequence[tuple[str, bool]]) -> None:
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    for label, (_, ours) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if ours else "normal")
    axes.invert_yaxis()


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, frameon=False, borderaxespad=0.2, handletextpad=0.3)
