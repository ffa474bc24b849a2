"""Plots are drawn from numbers alone, say what they show to those who cannot see them, and let nothing else in."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from handlers.console.plots import HEIGHT, WIDTH, Axis, Frame, Line, bars, even_ticks, lines, ticks_around

SVG = "{http://www.w3.org/2000/svg}"
FRAME = Frame("deliveries", "Deliveries per hour", "7 in all")
EVIL = '"><script>alert(1)</script>'


def axis(count: int) -> Axis:
    return Axis([f"{hour}:00" for hour in range(count)], [(place, f"{place}:00") for place in range(0, count, 3)])


def drawn(markup: Markup) -> ElementTree.Element:
    """The plot as a tree: it must be well formed."""
    return ElementTree.fromstring(str(markup).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))


def say(value: float) -> str:
    return f"{value:g}"


def test_each_value_has_a_bar_as_high_as_it_is() -> None:
    svg = drawn(bars(FRAME, axis(4), [0, 1, 2, 4], say))
    highs = [float(bar.get("height", "0")) for bar in svg.iter(f"{SVG}rect") if bar.get("class") == "plot__bar"]
    assert highs == pytest.approx([highs[2] / 4, highs[2] / 2, highs[2]], abs=0.2)
    assert [title.text for title in svg.iter(f"{SVG}title")][1:] == ["0:00: 0", "1:00: 1", "2:00: 2", "3:00: 4"]


def test_a_line_is_broken_where_nothing_is_known() -> None:
    line = Line("half", "plot--p50", [100, 200, None, 300, None])
    svg = drawn(lines(FRAME, axis(5), [line], (10, 100, 1000), say))
    assert len([*svg.iter(f"{SVG}polyline")]) == 1, "two points make a line"
    assert len([*svg.iter(f"{SVG}circle")]) == 3, "one alone is a dot"
    assert "4:00" not in "".join(title.text or "" for title in svg.iter(f"{SVG}title"))


def test_a_plot_says_what_it_is() -> None:
    svg = drawn(bars(FRAME, axis(2), [3, 4], say))
    assert svg.get("role") == "img"
    assert [svg.find(f"{SVG}{tag}").text for tag in ("title", "desc")] == ["Deliveries per hour", "7 in all"]  # type: ignore[union-attr]
    named = {one.get("id") for one in svg}
    assert set((svg.get("aria-labelledby") or "").split()) <= named


@pytest.mark.parametrize("plot", ["bars", "lines"])
def test_no_word_becomes_markup_and_no_style_or_script_is_needed(plot: str) -> None:
    frame, words = Frame("x", EVIL, EVIL), Axis([EVIL, "b"], [(0, EVIL)])
    if plot == "bars":
        svg = bars(frame, words, [1, 2], lambda _: EVIL)
    else:
        svg = lines(frame, words, [Line(EVIL, "plot--p50", [1, 2])], (1, 10), lambda _: EVIL)
    assert "<script" not in svg
    assert not re.search(r"\sstyle=|\son\w+=|href=", svg)
    drawn(svg)


def test_nothing_to_show_is_a_plot_all_the_same() -> None:
    drawn(bars(FRAME, axis(24), [0] * 24, say))
    drawn(bars(FRAME, Axis([], []), [], say))
    drawn(lines(FRAME, axis(24), [Line("half", "plot--p50", [None] * 24)], (100, 1000), say))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=168))
def test_whatever_the_numbers_all_of_it_lies_within_the_picture(values: list[int]) -> None:
    some = [value or None for value in values]
    for markup in (
        bars(FRAME, axis(len(values)), values, say),
        lines(FRAME, axis(len(values)), [Line("half", "plot--p50", some)], (100, 1000, 60_000), say),
    ):
        for rect in drawn(markup).iter(f"{SVG}rect"):
            x, y, wide, high = (float(rect.get(side, "nan")) for side in ("x", "y", "width", "height"))
            assert 0 <= x <= x + wide <= WIDTH + 0.2
            assert 0 <= y <= y + high <= HEIGHT + 0.2
        for dot in drawn(markup).iter(f"{SVG}circle"):
            assert 0 <= float(dot.get("cy", "nan")) <= HEIGHT


@given(st.integers(1, 10**12))
def test_the_scale_has_a_few_round_steps_and_reaches_the_highest(most: int) -> None:
    ticks = even_ticks(most)
    assert ticks[0] == 0
    assert ticks[-2] < most <= ticks[-1]
    assert 2 <= len(ticks) <= 6
    assert str(int(ticks[1])).rstrip("0") in ("1", "2", "5")


def test_only_the_ticks_around_what_is_drawn_are_shown() -> None:
    ticks = (100, 1000, 10_000, 60_000)
    assert ticks_around(ticks, [300, 700]) == [100, 1000]
    assert ticks_around(ticks, [300, 7000]) == [100, 1000, 10_000]
    assert ticks_around(ticks, [1000]) == [1000, 10_000]
    assert ticks_around(ticks, [1]) == [100, 1000]
    assert ticks_around(ticks, [10**9]) == [10_000, 60_000]
    assert ticks_around(ticks, []) == [100, 1000]
