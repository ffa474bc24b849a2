"""What a far side has of one person, as a table for a terminal: which fields are filled, and what may be seen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table


def table_of_person(facts: Mapping[str, Any], open_fields: Collection[str], *, show_values: bool = False) -> Table:
    """One row a field; the value where the field is no secret or values were asked for, else only that there is one."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in sorted(facts.items()):
        if value in (None, "", [], ()):
            told = "[dim]nothing[/dim]"
        elif show_values or name in open_fields:
            told = escape(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
        else:
            told = "filled"
        table.add_row(escape(name), told)
    return table
