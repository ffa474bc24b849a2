"""The pictures of the measurements: the same bytes for the same data, and what is drawn can be read in them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import plots
from bench.figures import Spread
from bench.report import Picture, Section, Table, draw, page

RATES = [
    plots.Bar("ours, SQLite FULL", Spread(1500, 1400, 1550), ours=True),
    plots.Bar("another way", Spread(700, 650, 720)),
]
WAITS = [
    plots.Dots("ours, SQLite FULL", {"p50": 11.0, "p99": 24.5, "max": 80.0}, ours=True),
    plots.Dots("another way", {"p50": 30.0, "p99": 190.0, "max": 1300.0}),
]
GROWTH = [plots.Line("cost of a delivery", [(1e3, 1.1), (1e4, 1.15), (1e6, 1.2)], [(1, 1.2), (1.1, 1.2), (1.1, 1.3)])]

DRAWINGS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "bars": (partial(plots.bars, RATES, unit="answers/s"), ("ours, SQLite FULL", "another way", "1,500", "answers/s")),
    "dots": (partial(plots.dots, WAITS, unit="ms"), ("ours, SQLite FULL", "p50", "p99", "max", "1,000")),
    "lines": (
        partial(plots.lines, GROWTH, across="customers", up="ms a delivery", log_across=True),
        ("cost of a delivery", "customers", "ms a delivery", "100,000"),
    ),
}


@pytest.mark.parametrize("kind", DRAWINGS)
def test_a_picture_is_the_same_to_the_byte_and_says_nothing_of_when_or_with_what_it_was_drawn(
    kind: str, tmp_path: Path
) -> None:
    drawing, _ = DRAWINGS[kind]
    drawing(tmp_path / "one.svg")
    drawing(tmp_path / "other.svg")
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "other.svg").read_text()
    assert "<dc:date>" not in text
    assert "Matplotlib v" not in text


@pytest.mark.parametrize("kind", DRAWINGS)
def test_names_and_figures_stand_in_a_picture_as_text(kind: str, tmp_path: Path) -> None:
    drawing, words = DRAWINGS[kind]
    drawing(tmp_path / "one.svg")
    root = ElementTree.fromstring((tmp_path / "one.svg").read_text())
    said = {"".join(one.itertext()).strip() for one in root.iter("{http://www.w3.org/2000/svg}text")}
    assert set(words) <= said


def test_a_page_shows_the_pictures_of_a_section_and_finds_them_beside_itself(tmp_path: Path) -> None:
    picture = Picture("Answers per second", "answering-rates.svg", DRAWINGS["bars"][0])
    section = Section("Answering", "How it was done.", [Table(("", "kept/s"), [("SQLite", "1")])], pictures=[picture])
    text = page([section], Table(("", ""), []), "Written by a program.")
    draw([section], tmp_path)
    assert "![Answers per second](img/answering-rates.svg)" in text
    assert (tmp_path / "img" / "answering-rates.svg").exists()
