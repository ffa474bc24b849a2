"""What would change, as a table for a terminal: the fields, and their values only where they were asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from handlers.preview import Change, Preview

_COLOURS = {"cannot be told": "yellow", "nothing to do": "green"}


def table_of_previews(previews: Sequence[Preview], *, show_values: bool = False) -> Table:
    """One row a customer and lane. Without ``show_values`` a screen may be shared: fields are named, values not."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("customer", "lane", "ref", "found", "would change"):
        table.add_column(name, overflow="fold")
    last = None
    for told in previews:
        changes = [_with_values(c) if show_values else _without(c) for c in told.changes]
        said = ("\n" if show_values else ", ").join(changes)
        colour = _COLOURS.get(told.found)
        table.add_row(
            "" if told.customer_id == last else str(told.customer_id),
            told.lane,
            told.ref or "-",
            f"[{colour}]{told.found}[/]" if colour else told.found,
            "; ".join(part for part in (said, escape(told.why or "")) if part),
        )
        last = told.customer_id
    return table


def _without(change: Change) -> str:
    if change.would_be is None:
        return f"{escape(change.field)} (cleared)"
    return f"{escape(change.field)} (set)" if change.there is None else escape(change.field)


def _with_values(change: Change) -> str:
    return escape(f"{change.field}: {change.there or 'nothing'} -> {change.would_be or 'nothing'}")
