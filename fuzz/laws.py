"""What must hold whatever comes in; a broken law is a finding."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

from clients.errors import Busy, CarryError, TryLater
from clients.lane import Carried
from fuzz.wild import SECRETS

LONGEST_WAIT = timedelta(days=7)
LONGEST_WHY = 2_000


class Broken(AssertionError):
    """A law was broken; the text says which."""


def storable(value: Any, where: str = "value") -> None:
    """Every text within can be stored: PostgreSQL refuses NUL, and a lone surrogate has no UTF-8."""
    if isinstance(value, str):
        if "\x00" in value:
            raise Broken(f"{where} holds a NUL")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Broken(f"{where} holds a lone surrogate") from None
    elif isinstance(value, Mapping):
        for name, part in value.items():
            storable(name, f"a name in {where}")
            storable(part, f"{where}.{name}")
    elif is_dataclass(value):
        for f in fields(value):
            storable(getattr(value, f.name), f"{where}.{f.name}")
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for part in value:
            storable(part, where)


def quiet(told: str | None, where: str) -> None:
    """Nothing of a person, and no secret, in words that are logged and shown."""
    folded = unicodedata.normalize("NFKC", told or "").casefold()
    for secret in SECRETS:
        if unicodedata.normalize("NFKC", secret).casefold() in folded:
            raise Broken(f"{where} repeats what belongs to a person")


def sound_id(told: str | None) -> None:
    """A vendor's id of a request stands in logs: it must look like one."""
    if told is not None and not re.fullmatch(r"[\w.:/-]{1,100}", told, re.ASCII):
        raise Broken("vendor_request_id is not an id")


def sound_error(error: CarryError) -> None:
    """An error as ``clients.errors`` promises it: short, storable, silent of people, with a wait that makes sense."""
    storable((error.why, error.kind, error.vendor_request_id), "the error")
    if error.kind != "smaregi.query_refused":  # told by Smaregi of a question of ours that held no person
        quiet(error.why, "why")
    quiet(error.kind, "kind")
    sound_id(error.vendor_request_id)
    if len(error.why) > LONGEST_WHY:
        raise Broken("why is longer than a page")
    if isinstance(error, TryLater) and error.wait is not None and not timedelta(0) <= error.wait <= LONGEST_WAIT:
        raise Broken(f"a wait of {error.wait}")
    if isinstance(error, Busy) and error.wait is None:
        raise Broken("busy, but nobody knows how long")
    for choice in getattr(error, "choices", ()):
        storable(choice, "choices")


def sound_result(result: Any) -> None:
    """What a lane says of a task: an error that is sound, or something that can be kept."""
    if isinstance(result, CarryError):
        sound_error(result)
        return
    if not isinstance(result, Carried):
        raise Broken(f"a lane gave back {type(result).__name__}")
    storable(result)
    if not result.ref or len(result.ref) > 200:
        raise Broken("carried, but under no reference that can be kept")
    sound_id(result.vendor_request_id)
