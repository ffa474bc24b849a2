"""Whoever comes after the handful: a busy hour in small, so that the console has something to show.

Invented people register one after the other; for some the till or the marketing needs a person's word, and HubSpot is
away for a while in the middle of it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeAlias

import requests

from sandbox.demo_far_side import FarSide
from sandbox.people import Person, people

COUNT: Final = 40
"""So many register."""

GAP_S: Final = 1.2
OUTAGE: Final = range(18, 34)
"""While these register, HubSpot answers 503."""

_SEED: Final = 11
_TWO_MEMBERS: Final = 6
_ANOTHERS_CONTACT: Final = 11
_CHANGES: Final = (9, 21, 30)
_LATELY: Final = "2026-11-20T15:30:00+09:00"
_LONG_AGO: Final = "2024-02-03T11:05:00+09:00"


@dataclass(frozen=True, slots=True)
class Register:
    """A person registers on the site; ``members`` and ``contacts`` stand there before."""

    person: Person
    members: tuple[Mapping[str, str], ...] = ()
    contacts: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The ``place``th of them changes their telephone number."""

    place: int
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outage:
    """HubSpot goes away, or comes back."""

    begins: bool


Step: TypeAlias = Register | Change | Outage


def steps() -> Iterator[Step]:
    """What happens, in order; the same each time."""
    for place, person in enumerate(islice(people(_SEED), COUNT)):
        if place == OUTAGE.start:
            yield Outage(begins=True)
        if place == OUTAGE.stop:
            yield Outage(begins=False)
        mail = person.email or ""
        name = {"lastName": person.last_name or "見本", "firstName": person.first_name or "花子"}
        if place == _TWO_MEMBERS:
            yield Register(
                person,
                members=(
                    {
                        **name,
                        "customerCode": "CARD00000771",
                        "mailAddress": mail,
                        "point": "1250",
                        "lastComeDateTime": _LATELY,
                    },
                    {
                        **name,
                        "customerCode": "CARD00000772",
                        "mailAddress": mail,
                        "point": "80",
                        "lastComeDateTime": _LONG_AGO,
                    },
                ),
            )
        elif place == _ANOTHERS_CONTACT:
            yield Register(person, contacts=({"email": mail, "shopify_customer_id": "6000000000001"},))
        else:
            yield Register(person)
        if place in _CHANGES:
            yield Change(place - 3, {"phone": f"090-0000-{9900 + place}"})


class Crowd:
    """Lets them come, on a thread of its own; ``ids`` are those who have registered so far, in that order."""

    def __init__(self, url: str) -> None:
        self.ids: list[int] = []
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._come, name="crowd", daemon=True)

    def seed(self) -> None:
        """Put those there who stand at the till or in HubSpot already: before the members are first looked at."""
        far = FarSide(self._url)
        for step in steps():
            if isinstance(step, Register) and (step.members or step.contacts):
                far.seed(step.members, step.contacts)
        far.close()

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Nobody comes any more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    @property
    def is_coming(self) -> bool:
        """Whether somebody is still to come."""
        return self._thread.is_alive()

    def _come(self) -> None:
        far = FarSide(self._url)
        try:
            for step in steps():
                if self._stop.wait(GAP_S if isinstance(step, Register) else 0):
                    return
                self.do(far, step)
        except requests.RequestException:
            return  # somebody broke the shop by hand: whoever is here goes on looking at what there is
        finally:
            far.close()

    def do(self, far: FarSide, step: Step) -> None:
        """One step. Raises ``requests.RequestException`` when the shop is not there."""
        match step:
            case Register(person):
                self.ids.append(far.register_person(person))
            case Change(place, fields):
                far.change(self.ids[place], fields)
            case Outage(begins=True):
                far.break_down("hubspot")
            case Outage():
                far.mend()
