"""Batches of up to 100 contacts: what counts against one row, and what against all of them.

https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/batch/upsert-contacts
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sandbox.config import SandboxConfig
from sandbox.hubspot_contacts import SHOWN_BY_DEFAULT, Contact, Contacts, Written
from sandbox.hubspot_errors import Conflict, Refused, invalid_input, not_found
from sandbox.hubspot_values import iso

MOST_ROWS = 100
Row = Mapping[str, Any]
Answer = tuple[int, dict[str, Any]]


class Batches:
    """The four batch calls. Each gives the status and the envelope, or raises `Refused` for the call as a whole."""

    def __init__(self, config: SandboxConfig, clock: Callable[[], datetime], contacts: Contacts) -> None:
        self._config = config
        self._clock = clock
        self._contacts = contacts
        self._dice = random.Random(config.seed)

    def read(self, sent: Mapping[str, Any]) -> Answer:
        """By record id or one `idProperty` for all rows. Which input a row answers is not said."""
        rows = _rows(sent)
        id_property = sent.get("idProperty")
        asked = sent.get("properties") or SHOWN_BY_DEFAULT
        found: dict[int, Contact] = {}
        missing: list[str] = []
        for row in rows:
            contact = self._contacts.find(_key(row), id_property)
            if contact is None:
                missing.append(_key(row))
            else:
                found[contact.number] = contact
        errors = [not_found(missing).row(None)] if missing else []
        return self._answer(200, [contact.shown(asked) for contact in found.values()], errors)

    def create(self, sent: Mapping[str, Any]) -> Answer:
        """New contacts."""
        return self._write(201, _rows(sent), lambda row: self._contacts.create(_properties(row)), says_new=False)

    def update(self, sent: Mapping[str, Any]) -> Answer:
        """By record id, or by `idProperty` of the row. Without it, a key that is no record id does nothing."""
        rows = _rows(sent)
        _refuse_repeats(rows)
        return self._write(200, rows, self._update_row, says_new=False)

    def upsert(self, sent: Mapping[str, Any]) -> Answer:
        """Update or create, keyed by the `idProperty` of each row (the same in all)."""
        rows = _rows(sent)
        _refuse_repeats(rows)
        if len({row.get("idProperty") for row in rows}) > 1:
            raise invalid_input("All inputs must have the same idProperty")
        id_property = rows[0].get("idProperty")
        # Asked once for the call: a key that is not unique is a fault of the call, not of a row.
        self._contacts.find(_key(rows[0]), id_property)
        return self._write(
            200, rows, lambda row: self._contacts.upsert(_key(row), id_property, _properties(row)), says_new=True
        )

    def _update_row(self, row: Row) -> Written | None:
        id_property, key = row.get("idProperty"), _key(row)
        if id_property is None and not key.isdigit():
            return None
        contact = self._contacts.find(key, id_property)
        if contact is None:
            raise not_found([key])
        return self._contacts.update(contact.number, _properties(row))

    def _write(self, ok: int, rows: Sequence[Row], write: Callable[[Row], Written | None], *, says_new: bool) -> Answer:
        traces = [row.get("objectWriteTraceId") for row in rows]
        traced = all(isinstance(trace, str) and trace for trace in traces)
        if traced and len(set(traces)) < len(traces):
            raise invalid_input("objectWriteTraceId must be unique within a batch")
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        missing: list[str] = []
        with self._contacts.all_or_nothing():
            for row in rows:
                try:
                    written = write(row)
                except Refused as refused:
                    if not traced or self._sinks_all(refused):
                        raise
                    if refused.status == 404:
                        missing += refused.context["ids"]
                    else:
                        errors.append(refused.row(row["objectWriteTraceId"]))
                else:
                    results += [self._result(written, row, says_new=says_new)] if written else []
        if missing:
            errors.append(not_found(missing).row(None))
        return self._answer(ok, results, errors)

    def _sinks_all(self, refused: Refused) -> bool:
        return refused.status == 423 or (
            isinstance(refused, Conflict) and self._config.hubspot_conflict_mode == "batch"
        )

    def _result(self, written: Written, row: Row, *, says_new: bool) -> dict[str, Any]:
        shown = written.contact.shown(["email", *_properties(row)])
        if says_new:
            shown["new"] = written.is_new
        if written.warnings:
            shown["warnings"] = list(written.warnings)
        if "objectWriteTraceId" in row and not self._config.hubspot_omit_trace_ids:
            shown["objectWriteTraceId"] = row["objectWriteTraceId"]
        return shown

    def _answer(self, ok: int, results: list[dict[str, Any]], errors: list[dict[str, Any]]) -> Answer:
        self._dice.shuffle(results)
        at = iso(self._clock())
        said: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
        if errors:
            return 207, {**said, "numErrors": len(errors), "errors": errors}
        return ok, said


def _rows(sent: Mapping[str, Any]) -> list[Row]:
    rows = sent.get("inputs")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise invalid_input("Invalid input JSON: inputs must be a list of objects")
    if len(rows) > MOST_ROWS:
        raise invalid_input(f"The maximum number of inputs in a batch is {MOST_ROWS}, {len(rows)} were given")
    return rows


def _key(row: Row) -> str:
    key = row.get("id")
    if not isinstance(key, str) or not key:
        raise invalid_input("Invalid input JSON: every input must have an id")
    return key


def _properties(row: Row) -> Mapping[str, Any]:
    properties = row.get("properties")
    if not isinstance(properties, dict):
        raise invalid_input("Invalid input JSON: every input must have properties")
    return properties


def _refuse_repeats(rows: Sequence[Row]) -> None:
    """One id twice is refused for the whole batch, with trace ids or without."""
    seen = Counter(_key(row).lower() if row.get("idProperty") == "email" else _key(row) for row in rows)
    repeated = [key for key, times in seen.items() if times > 1]
    if repeated:
        raise invalid_input(
            f"Duplicate IDs found in batch input: [{', '.join(repeated)}]. IDs must be unique", ids=repeated
        )
