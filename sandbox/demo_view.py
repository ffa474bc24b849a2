"""One customer's journey in words, as the screen shows them. Pure.

The log tells when and how; names, numbers and what a value became are looked up at the far side. Everybody in the
sandbox is invented, so they may be shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from sandbox.demo_far_side import Record, Records
from sandbox.demo_journey import Journey, Lane, Try

StationState = Literal["ahead", "done", "again", "failed", "off"]

NOUNS: Final = {"smaregi": "member", "hubspot": "contact"}


@dataclass(frozen=True, slots=True)
class Station:
    """One place on the way: the webhook, the member or the contact. ``details`` stand below ``headline``."""

    state: StationState
    headline: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One customer: ``notes`` are what was corrected, ``troubles`` what holds them up, ``facts`` all of it as text.

    Each fact stands under a key that stays its own while more become known.
    """

    customer_id: int
    name: str
    what: str
    stations: tuple[Station, Station, Station]
    totals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def row_ahead(name: str, what: str) -> Row:
    """Somebody who has not registered yet."""
    return Row(0, name, what, (Station("ahead"), Station("ahead"), Station("ahead")))


def row_of(journey: Journey, what: str, records: Records, lanes: Mapping[str, Lane]) -> Row:
    """Where this customer stands now."""
    number = journey.customer_id
    members, contacts = records.members_of(number), records.contacts_of(number)
    told = {
        "smaregi": _numbers(members[0]) if members else (),
        "hubspot": (f"id {contacts[0]['id']}",) if contacts else (),
    }
    notes = tuple(_corrected(journey, records.customers.get(number, {}), members[0])) if members else ()
    return Row(
        number,
        name_of(records.customers.get(number, {})),
        what,
        (
            _webhook(journey),
            _with_mail(_destination(journey, "smaregi", told["smaregi"], lanes["smaregi"]), journey),
            _destination(journey, "hubspot", told["hubspot"], lanes["hubspot"]),
        ),
        _totals(journey.totals_ms),
        notes,
        tuple(_troubles(journey)),
        dict(_facts(journey, told, notes)),
    )


def name_of(customer: Record) -> str:
    """Family name first, as one writes in Japan."""
    parts = [customer.get("last_name"), customer.get("first_name")]
    return " ".join(part.strip() for part in parts if part) or "（名前なし）"


def ms(duration: float) -> str:
    """A duration as one reads it: ``12 ms``, ``1,204 ms``, ``12.3 s``."""
    return f"{duration:,.0f} ms" if duration < 10_000 else f"{duration / 1000:,.1f} s"


def _webhook(journey: Journey) -> Station:
    if not journey.answered_ms:
        return Station("ahead")
    count = len(journey.answered_ms)
    return Station("done", ms(journey.answered_ms[0]), (f"{count} in all",) if count > 1 else ())


def _destination(journey: Journey, name: str, numbers: tuple[str, ...], lane: Lane) -> Station:
    writes, last = journey.writes(name), journey.last(name)
    if lane.state == "off":
        return Station("off", "switched off")
    if last is not None and last.outcome == "failed":
        return Station("failed", "failed", numbers)
    if last is not None and last.outcome == "retry":
        return Station("again", "trying again", numbers)
    if not writes:
        return Station("ahead" if last is None else "done", "" if last is None else last.did)
    changes = writes[1:]
    later = (f"{len(changes)} update{'s'[: len(changes) > 1]} {ms(changes[-1].ms)}",) if changes else ()
    return Station("done", f"{writes[0].did} {ms(writes[0].ms)}", (*numbers, *later))


def _with_mail(member: Station, journey: Journey) -> Station:
    """The member, and below that the mail that told them their number."""
    sent = [one for one in journey.tries.get("mail", ()) if one.did == "sent"]
    return replace(member, details=(*member.details, f"mailed {ms(sent[-1].ms)}")) if sent else member


def _numbers(member: Record) -> tuple[str, ...]:
    number, code = member.get("customerNo"), member.get("customerCode")
    return (f"no. {number or '-'}",) if code == number else (f"no. {number or '-'}", f"code {code}")


def _totals(totals_ms: tuple[float, ...]) -> tuple[str, ...]:
    if len(totals_ms) < 2:
        return tuple(ms(one) for one in totals_ms)
    return (ms(totals_ms[0]), "then", ms(totals_ms[-1]))


def _troubles(journey: Journey) -> Iterator[str]:
    for name in ("shopify", *NOUNS, "mail"):
        last = journey.last(name)
        if last is not None and last.outcome != "done":
            yield f"{name}: {last.why}"


def _facts(
    journey: Journey, numbers: Mapping[str, tuple[str, ...]], notes: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    for nth, answered in enumerate(journey.answered_ms, 1):
        yield f"webhook {nth}", f"webhook {nth} answered in {ms(answered)}"
    for name, noun in NOUNS.items():
        for nth, one in enumerate(journey.tries.get(name, ()), 1):
            yield f"{noun} {nth}", _fact(noun, nth, one, numbers[name])
    for one in journey.tries.get("mail", ()):
        if one.did == "sent":
            yield "mail", f"welcome mail sent in {ms(one.ms)}"
    for nth, total in enumerate(journey.totals_ms):
        yield f"total {nth}", f"all done {ms(total)} after {'the delivery' if not nth else f'change {nth}'}"
    if notes and journey.totals_ms:
        corrected = f"corrected: {', '.join(notes)}"
        yield corrected, corrected


def _fact(noun: str, nth: int, one: Try, numbers: tuple[str, ...]) -> str:
    if one.outcome != "done":
        return f"{noun}, try {nth}: {one.outcome} ({one.why})"
    return f"{noun} {one.did} in {ms(one.ms)}: {', '.join(numbers)}"


_SHOWN: Final = (("lastKana", "firstKana"), ("lastName", "firstName"), ("postCode",), ("phoneNumber",), ("address",))
_CALLED: Final = {"mailAddress": "e-mail", "birthDate": "birth date", "sex": "gender"}


def _corrected(journey: Journey, customer: Record, member: Record) -> Iterator[str]:
    """What the log says was corrected for the till, each with what the person wrote and what the till has."""
    named = [one.partition(":") for tried in journey.tries.get("smaregi", ()) for one in tried.corrections]
    fields = dict.fromkeys(field for field, _, _ in named)
    words = {field: what for field, _, what in named}
    written = _written(customer)
    for together in _SHOWN:
        if not fields.keys() & set(together):
            continue
        before = " ".join(filter(None, (written.get(field) for field in together)))
        after = " ".join(filter(None, (member.get(field) for field in together)))
        if together == ("address",):
            yield f"address → {after or 'none'}"
        elif before != after:
            yield f"{before or 'no name'} → {after or 'none'}"
    shown = {field for together in _SHOWN for field in together}
    yield from (f"{_CALLED.get(field, field)} {words[field]}" for field in fields if field not in shown)


def _written(customer: Record) -> dict[str, str | None]:
    """What the person wrote, under the till's names; a phone as it was typed, not as the shop rewrote it."""
    address: Mapping[str, Any] = customer.get("default_address") or {}
    metafields: Mapping[str, str] = customer.get("metafields") or {}
    return {
        "lastName": customer.get("last_name"),
        "firstName": customer.get("first_name"),
        "lastKana": metafields.get("custom.last_name_kana"),
        "firstKana": metafields.get("custom.first_name_kana"),
        "postCode": address.get("zip"),
        "phoneNumber": address.get("phone") or customer.get("phone"),
    }
