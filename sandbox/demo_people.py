"""Whom the demo registers: what there is to see in each, and what must stand at the far sides in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sandbox.people import HANDFUL, Arrival

ITS_ID: Final = "{id}"
"""Stands for the customer's own id, which only the shop can give."""

POINTS: Final = "320"
"""What the store member has collected so far, and must still have afterwards."""


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """One of the handful. ``member`` and ``contact``: fields that must have these values once all is done."""

    what: str
    arrival: Arrival
    member: Mapping[str, str] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=dict)

    @property
    def known_member(self) -> dict[str, str] | None:
        """What the till knew of this person before, or None."""
        return None if self.arrival.member is None else {**self.arrival.member, "point": POINTS}

    @property
    def webhooks(self) -> int:
        """How many the shop will send: one made in the admin gets the address in a second one."""
        later_address = self.arrival.by == "admin" and bool(self.arrival.person.zip)
        return 1 + later_address + len(self.arrival.updates)


def guests(settings: Mapping[str, str]) -> tuple[Guest, ...]:
    """The handful, as they must end up under these settings (laid over the demo's own)."""
    keeps_code = settings.get("SMAREGI_MATCHED_MEMBER", "keep_code") == "keep_code"
    reads_kana = settings.get("SHOPIFY_ACCESS_TOKEN") != "" and "SHOPIFY_METAFIELDS" not in settings
    known = HANDFUL["already_a_member"]
    card = (known.member or {})["customerCode"]
    half_width = {"phoneNumber": "090-0000-9003", "postCode": "604-8005"}
    if reads_kana:
        half_width |= {"lastKana": "ハセガワ", "firstKana": "ヒロミ"}
    return (
        Guest(
            "new",
            HANDFUL["new"],
            {"customerCode": ITS_ID, "lastName": "見本", "firstName": "花子", "mailAddress": "hanako.mihon@example.jp"},
            {"lastname": "見本", "firstname": "花子", "email": "hanako.mihon@example.jp"},
        ),
        Guest(
            "already a member",
            known,
            {"customerCode": card if keeps_code else ITS_ID, "point": POINTS},
            {"email": "ichiro.rei@example.jp"},
        ),
        Guest("half-width kana, +81", HANDFUL["half_width"], half_width, {"email": "hiromi.hasegawa@example.jp"}),
        Guest(
            "changed twice",
            HANDFUL["updated_twice"],
            {"customerCode": ITS_ID, "lastName": "再改", "postCode": "810-0001"},
            {"lastname": "再改", "email": "shota.tameshi@example.jp"},
        ),
        Guest(
            "no name",
            HANDFUL["no_name"],
            {"lastName": settings.get("MISSING_NAME", "未入力"), "mailAddress": "nanashi@example.jp"},
            {"email": "nanashi@example.jp"},
        ),
    )
