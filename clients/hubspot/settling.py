"""Which row of a batch ended how: pure. Answers come in any order, and may name a row in several ways or in none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clients.hubspot.complaints import details, mapping, objects, record_id, traces
from clients.hubspot.properties import CUSTOMER_ID
from clients.hubspot.rows import Row
from clients.hubspot.sorting import Verdict, sort_row


@dataclass(slots=True)
class Settled:
    """``silent`` rows: nothing was said of them by name. ``nameless``: how many errors name no row."""

    landed: list[tuple[Row, Mapping[str, Any]]] = field(default_factory=list)
    refused: list[tuple[Row, Verdict]] = field(default_factory=list)
    silent: list[Row] = field(default_factory=list)
    nameless: int = 0


def settle(rows: Sequence[Row], body: Any) -> Settled:
    """Sort a batch's 200 or 207 onto its rows."""
    # https://developers.hubspot.com/docs/api-reference/error-handling : 207, results and errors side by side
    done, book, nameless = Settled(), _Book(rows), []
    for result in objects(mapping(body).get("results")):
        # Without an id it is no contact that we could remember: the row is asked after instead.
        if record_id(result.get("id")) and (row := book.whose_result(result)):
            done.landed.append((row, result))
    for error in details(mapping(body)):
        named = book.whose_error(error)
        done.refused += [(row, sort_row(error)) for row in named]
        if not named:
            nameless.append(error)
    done.silent = book.left
    if nameless and len(done.silent) == 1:
        done.refused.append((done.silent.pop(), sort_row(nameless.pop())))
    done.nameless = len(nameless)
    return done


def blamed(rows: Sequence[Row], body: Any) -> list[Row]:
    """The rows that an answer to a batch names, where it refuses the batch as a whole."""
    book = _Book(rows)
    named = {row.trace for error in (mapping(body), *details(mapping(body))) for row in book.whose_error(error)}
    return [row for row in rows if row.trace in named]


class _Book:
    """The rows by every name HubSpot may call them; each is given out once."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._open = {row.trace: row for row in rows}
        self._by_ref = {row.ref: row.trace for row in rows if row.ref}
        self._by_key = {row.key: row.trace for row in rows}

    @property
    def left(self) -> list[Row]:
        return list(self._open.values())

    def whose_result(self, result: Mapping[str, Any]) -> Row | None:
        """By trace id where it is echoed, by record id after an update, by our own key after an upsert."""
        names = (
            str(result.get("objectWriteTraceId")),
            self._by_ref.get(str(result.get("id")), ""),
            self._by_key.get(str(mapping(result.get("properties")).get(CUSTOMER_ID)), ""),
        )
        return next((self._open.pop(name) for name in names if name in self._open), None)

    def whose_error(self, error: Mapping[str, Any]) -> list[Row]:
        """By trace id, else by ``context.ids``, which a record that was not found is named by."""
        by_trace, by_id = traces(error)
        names = [*by_trace, *(self._by_ref.get(each) or self._by_key.get(each, "") for each in by_id)]
        return [self._open.pop(name) for name in names if name in self._open]
