"""Plots as SVG, drawn here: no script, no style attribute, no address of anybody else. Pure: numbers in, markup out.

Colours are classes (`plots.css`), so that light and dark are the browser's choice. Each plot has a title and a
description for those who hear it, and the page shows the same numbers as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, log10
from typing import Final

from markupsafe import Markup

WIDTH: Final = 480
HEIGHT: Final = 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 10, 24
_ACROSS: Final = WIDTH - _LEFT - _RIGHT
_DOWN: Final = HEIGHT - _TOP - _BOTTOM

Say = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Axis:
    """What runs along the bottom: a word for each place (for those who point at it), and the few that are written."""

    words: Sequence[str]
    written: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot: its name, the class it is drawn in, and a value for each place; None where there is none."""

    name: str
    css: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a plot is called, what it says in a sentence, and a name for it that is unique on the page."""

    id: str
    title: str
    says: str


def bars(frame: Frame, axis: Axis, values: Sequence[float], say: Say) -> Markup:
    """A bar for each value, from zero up; ``say`` writes a value."""
    ticks = even_ticks(max(values, default=0))
    scale = _DOWN / ticks[-1]
    step = _ACROSS / max(len(values), 1)
    gap = 0.2 * step
    parts = [_grid([(tick, tick * scale) for tick in ticks], say), *_bottom(axis, step)]
    for place, (value, word) in enumerate(zip(values, axis.words, strict=True)):
        told = _told(f"{word}: {say(value)}")
        x = _LEFT + place * step
        # An area as high as the plot, so that a low bar can be pointed at, too.
        reach = _rect("plot__reach", x, _TOP, step, _DOWN)
        high = value * scale
        bar = _rect("plot__bar", x + gap / 2, _TOP + _DOWN - high, step - gap, high) if value else Markup("")
        parts.append(_group(told + reach + bar))
    return _svg(frame, parts)


def lines(frame: Frame, axis: Axis, drawn: Sequence[Line], ticks: Sequence[float], say: Say) -> Markup:
    """Lines over a scale on which each step up is a multiple: a second and an hour are both read easily.

    ``ticks``: the values that may be written at the side, in order; only those around what is drawn are. ``say`` writes
    a value.
    """
    known = [value for line in drawn for value in line.values if value is not None]
    shown = ticks_around(ticks, known)
    low, high = log10(shown[0]), log10(shown[-1])

    def up(value: float) -> float:
        return (min(max(log10(max(value, 1e-9)), low), high) - low) / (high - low) * _DOWN

    step = _ACROSS / max(len(axis.words), 1)
    parts = [_grid([(tick, up(tick)) for tick in shown], say), *_bottom(axis, step)]
    for line in drawn:
        for run in _runs(line.values):
            points = [(_LEFT + (place + 0.5) * step, _TOP + _DOWN - up(value)) for place, value in run]
            if len(points) > 1:
                path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
                parts.append(Markup('<polyline class="plot__line {}" points="{}"/>').format(line.css, path))
            if len(axis.words) <= 48 or len(points) == 1:
                dot = Markup('<circle class="plot__dot {}" cx="{}" cy="{}" r="2.6"/>')
                parts += [dot.format(line.css, _n(x), _n(y)) for x, y in points]
    for place, word in enumerate(axis.words):
        here = [(line.name, line.values[place]) for line in drawn]
        said = ", ".join(f"{name} {say(value)}" for name, value in here if value is not None)
        if said:
            reach = _rect("plot__reach", _LEFT + place * step, _TOP, step, _DOWN)
            parts.append(_group(_told(f"{word}: {said}") + reach))
    return _svg(frame, parts)


def even_ticks(most: float) -> list[float]:
    """Round numbers from 0 to the first above ``most``, three to six of them: in steps of 1, 2 or 5, or their tens."""
    if most <= 0:
        return [0, 1]
    rough = most / 4
    ten = 10.0 ** floor(log10(rough))
    step = next(ten * unit for unit in (1, 2, 5, 10) if ten * unit >= rough * 0.999)
    step = max(step, 1)
    return [step * i for i in range(ceil(most / step - 1e-9) + 1)]


def ticks_around(ticks: Sequence[float], values: Sequence[float]) -> list[float]:
    """The ticks from the last one below all values to the first one above them; always two or more."""
    lowest, highest = min(values, default=ticks[0]), max(values, default=ticks[0])
    first = max([i for i, tick in enumerate(ticks) if tick <= lowest], default=0)
    last = min([i for i, tick in enumerate(ticks) if tick >= highest], default=len(ticks) - 1)
    if last <= first:
        first, last = (first, first + 1) if first + 1 < len(ticks) else (first - 1, first)
    return list(ticks[first : last + 1])


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """The places and values that follow each other without a gap."""
    for there, run in groupby(enumerate(values), key=lambda one: one[1] is not None):
        if there:
            yield [(place, value) for place, value in run if value is not None]


def _svg(frame: Frame, parts: Sequence[Markup]) -> Markup:
    head = Markup('<title id="{0}-title">{1}</title><desc id="{0}-says">{2}</desc>').format(
        frame.id, frame.title, frame.says
    )
    opening = Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-says" focusable="false">'
    ).format(WIDTH, HEIGHT, frame.id, frame.id)
    return opening + head + Markup("").join(parts) + Markup("</svg>")


def _grid(ticks: Sequence[tuple[float, float]], say: Say) -> Markup:
    """A thin line at each tick, with its value at the side."""
    drawn = Markup("")
    for value, high in ticks:
        y = _n(_TOP + _DOWN - high)
        across = Markup('<line class="plot__grid" x1="{}" x2="{}" y1="{}" y2="{}"/>')
        drawn += across.format(_LEFT, WIDTH - _RIGHT, y, y)
        drawn += Markup('<text class="plot__y" x="{}" y="{}" dy="0.32em">{}</text>').format(_LEFT - 6, y, say(value))
    return drawn


def _bottom(axis: Axis, step: float) -> Iterator[Markup]:
    for number, (place, word) in enumerate(axis.written):
        x = _n(_LEFT + (place + 0.5) * step)
        css = "plot__x plot__x--second" if number % 2 else "plot__x"
        yield Markup('<text class="{}" x="{}" y="{}">{}</text>').format(css, x, HEIGHT - 6, word)


def _rect(css: str, x: float, y: float, wide: float, high: float) -> Markup:
    box = tuple(_n(side) for side in (x, y, wide, high))
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(css, *box)


def _told(text: str) -> Markup:
    return Markup("<title>{}</title>").format(text)


def _group(inside: Markup) -> Markup:
    return Markup("<g>{}</g>").format(inside)


def _n(value: float) -> str:
    """A length, short."""
    return f"{value:.1f}".removesuffix(".0")
