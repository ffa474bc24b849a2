"""What the roof hands to the console: passwords as hashes, the key of its sessions, and what is set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Source = Literal["environment", ".env", "given", "default"]


@dataclass(frozen=True, slots=True)
class Set:
    """One setting as it may be shown: ``value`` is None for a secret, of which only ``is_set`` is told.

    ``group`` and ``meaning`` are in English, as in `.env.example`.
    """

    name: str
    group: str
    value: str | None
    is_secret: bool
    is_set: bool
    source: Source
    meaning: str


@dataclass(frozen=True, slots=True)
class ConsoleSetup:
    """Without ``password_hash`` there is no console.

    ``public_url`` is where the service is reached from outside, ``portal_id`` HubSpot's number for links to a contact.
    """

    password_hash: str | None = field(default=None, repr=False)
    view_password_hash: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    public_url: str | None = None
    portal_id: int | None = None
    settings: Sequence[Set] = ()
    #: Names in `.env` that are no setting's.
    unknown: Sequence[str] = ()
