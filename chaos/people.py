"""What the customers of one run do, and when: pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from sandbox.people import FIRST_KANA, LAST_KANA, Person, people

#: How an address tells which state of its customer it belongs to; the far sides are read by it.
MARK: Final = "控え([0-9]+)号"

What: TypeAlias = Literal["register", "change", "save", "resend", "return", "opt_out", "resync"]

_NAMES: Final = ("改", "新", "再", "次")


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that customer ``number`` does at second ``at``.

    - ``register``: signs up with ``fields``; the store knows them already when ``member``, ``refuses``: with mail off
    - ``change``: ``fields`` become other ones
    - ``save``: saved again in the shop, nothing changed
    - ``resend``: the shop's sender sends an old webhook of theirs once more
    - ``opt_out``: says at the till that no mail is wanted
    - ``resync``: an operator has everything of theirs sent again
    - ``return``: their account is deleted, and customer ``other`` signs up with the same e-mail and ``fields``

    ``send`` says how the webhook goes: doubled (``copies``, ``twins``), or so many seconds late (``delay``).
    """

    at: float
    what: What
    number: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    send: Mapping[str, Any] = field(default_factory=dict)
    member: bool = False
    refuses: bool = False
    other: int | None = None


def deeds(seed: int, seconds: float) -> list[Deed]:
    """Everything that all customers do within ``seconds``, in the order of time."""
    dice = random.Random(f"people {seed}")
    signed_up = min(2.0, 5_000 / seconds)  # a second; a shop lets only so many phones be invented
    count = max(3, int(signed_up * seconds * 0.9))
    done: list[Deed] = []
    number = 0
    for person in islice(people(seed, oddities=0), count):
        begins = dice.uniform(0, seconds * 0.85)
        done += _life(dice, number, person, begins, seconds)
        number += 2  # the next number is who this one may come back as
    done = list(_with_opt_outs(seed, done, seconds))
    return sorted(done, key=lambda deed: (deed.at, deed.number))


def _with_opt_outs(seed: int, done: list[Deed], seconds: float) -> Iterator[Deed]:
    """The same, with what is said at the till; dice of their own, so that a seed's other deeds stay as they were."""
    dice = random.Random(f"till {seed}")
    for deed in done:
        yield replace(deed, refuses=deed.member and dice.random() < 0.4)
        if deed.what in ("register", "change") and dice.random() < 0.3:
            at = deed.at + dice.choice((1.0, 2.0, dice.uniform(1, seconds / 3)))
            if at <= seconds:
                yield Deed(at, "opt_out", deed.number)
                yield Deed(dice.uniform(at, seconds), "resync", deed.number)


def _life(dice: random.Random, number: int, person: Person, begins: float, seconds: float) -> Iterator[Deed]:
    version = 1
    fields = {**person.shop_fields(), "addresses": [_address(person, version)]}
    member = dice.random() < 0.15
    yield Deed(begins, "register", number, fields, _send(dice, begins, seconds), member=member)
    at = begins
    for _ in range(dice.choice((0, 1, 1, 2, 3, 6))):
        # Often within the same second, and while the one before is still on its way.
        at += dice.choice((0.3, 0.5, 1.0, 3.0, dice.uniform(1, seconds / 3)))
        if at > seconds:
            return
        match dice.choice(("change", "change", "change", "change", "save", "resend")):
            case "save":
                yield Deed(at, "save", number, send=_send(dice, at, seconds))
            case "resend":
                yield Deed(at, "resend", number)
            case _:
                version += 1
                changed = {"addresses": [_address(person, version)], **_change(dice, person, version, member=member)}
                yield Deed(at, "change", number, changed, _send(dice, at, seconds))
    if dice.random() < 0.05 and at + 1 <= seconds:
        yield Deed(at + 1, "return", number, {**fields, "phone": None}, other=number + 1)


def _address(person: Person, version: int) -> dict[str, Any]:
    return {**person.address(), "phone": None, "address2": f"控え{version}号"}


def _change(dice: random.Random, person: Person, version: int, *, member: bool) -> dict[str, Any]:
    name, _, domain = (person.email or "").partition("@")
    choices: list[dict[str, Any]] = [
        {},
        {"first_name": f"{person.first_name}{dice.choice(_NAMES)}"},
        {"last_name": dice.choice(("佐藤", "鈴木", "高橋", "田中"))},
        # Whom the store knows by an e-mail keeps it: with another one before we come to them, they are somebody else.
        {} if member else {"email": f"{name}.v{version}@{domain}"},
        {"phone": None},
        {"phone": person.phone},
        {"tags": dice.choice(("", "会員", "会員,優待"))},
        {"accepts_marketing": dice.random() < 0.5},
        {"metafields": {LAST_KANA: None, FIRST_KANA: None}},
        {"metafields": {LAST_KANA: "ミホン", FIRST_KANA: "ハナコ"}},
    ]
    return dice.choice(choices)


def _send(dice: random.Random, at: float, seconds: float) -> dict[str, Any]:
    left = max(0.0, seconds - at)
    return dice.choice(
        (
            *({},) * 6,
            {"copies": dice.randint(2, 4)},
            {"twins": 1},
            {"delay": round(min(left, dice.uniform(0.2, 5)), 2)},
            {"delay": round(left, 2)},  # held back by the sender, and sent at the very end
        )
    )
