"""What was found, as values, and the two ways to show it: a table in the terminal and a page of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure of the design beside what was measured; ``met`` None where this run cannot tell.

    ``reason``: where it is not met, why not, and what would be next.
    """

    what: str
    goal: str
    measured: str
    met: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; the first column is words, the others are figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture beside the tables; ``draw`` writes it as an SVG file to the path it is given."""

    title: str
    file_name: str
    draw: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Section:
    """One measurement: what was done in words, the tables, the goals it speaks to, and pictures for the page."""

    title: str
    words: str
    tables: Sequence[Table]
    goals: Sequence[Goal] = field(default=())
    pictures: Sequence[Picture] = field(default=())


#: Beside the page.
PICTURES: Final = "img"
MET: Final[Mapping[bool | None, str]] = {True: "yes", False: "no", None: "–"}


def goals_table(sections: Sequence[Section]) -> Table:
    """Every goal of these sections in one table."""
    rows = [(g.what, g.goal, g.measured, MET[g.met]) for section in sections for g in section.goals]
    return Table(("figure", "goal", "measured", "met"), rows, "The figures of the design")


def show(console: Console, section: Section) -> None:
    """In the terminal."""
    console.print(f"\n[bold]{escape(section.title)}[/bold]")
    console.print(section.words, style="dim", markup=False, highlight=False)
    for table in section.tables:
        show_table(console, table)


def show_table(console: Console, table: Table) -> None:
    """One table in the terminal."""
    made = RichTable(title=table.title or None, title_justify="left")
    for place, name in enumerate(table.head):
        made.add_column(name, justify="right" if place else "left")
    for row in table.rows:
        made.add_row(*(escape(cell) for cell in row), style="yellow" if row[-1] == MET[False] else "")
    console.print(made)


def page(sections: Sequence[Section], machine: Table, introduction: str) -> str:
    """The whole of `docs/measurements.md`."""
    parts = ["# Measurements", introduction, "## At a glance", _markdown(goals_table(sections), titled=False)]
    reasons = [f"* *{g.what}*: {g.reason}" for s in sections for g in s.goals if g.met is False and g.reason]
    parts += ["**Not met, and why**", "\n".join(reasons)] if reasons else []
    parts += ["## The machine", _markdown(machine, titled=False)]
    for section in sections:
        parts += [f"## {section.title}", section.words, *(_markdown(table) for table in section.tables)]
        parts += [f"![{picture.title}]({PICTURES}/{picture.file_name})" for picture in section.pictures]
    return "\n\n".join(parts) + "\n"


#: Heads the part of the page that a run beside another build writes; a whole run leaves it as it is.
BESIDE: Final = "# Beside the build before"


def beside_part(text: str) -> str:
    """The part of the page that speaks of another build, "" where there is none."""
    _, found, rest = text.partition(f"\n{BESIDE}\n")
    return f"\n{BESIDE}\n{rest}" if found else ""


def beside_page(text: str, sections: Sequence[Section], machine: Table, names: Sequence[str]) -> str:
    """The page with its part on another build replaced, or added at its end; ``names``: what was measured."""
    before = text.removesuffix(beside_part(text))
    command = f"make bench ARGS='--only {','.join(names)} --baseline FOLDER'"
    parts = [BESIDE, f"Written by `{command}`: both builds in turns."]
    if any(section.goals for section in sections):
        parts += [_markdown(goals_table(sections), titled=False)]
    parts += [_markdown(machine, titled=False)]
    for section in sections:
        parts += [f"## {section.title}", section.words, *(_markdown(table) for table in section.tables)]
    return f"{before}\n" + "\n\n".join(parts) + "\n"


def draw(sections: Sequence[Section], folder: Path) -> None:
    """Every picture of these sections, for a page in ``folder``."""
    for section in sections:
        for picture in section.pictures:
            picture.draw(folder / PICTURES / picture.file_name)


def _markdown(table: Table, *, titled: bool = True) -> str:
    lines = [f"**{table.title}**", ""] if titled and table.title else []
    lines.append(f"| {' | '.join(table.head)} |")
    lines.append(f"| {' | '.join('---:' if place else '---' for place in range(len(table.head)))} |")
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in table.rows]
    return "\n".join(lines)
