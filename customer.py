"""The words of this service, as values: pure, and imported by everyone.

A *customer* is the person, in our own fields, in the newest state we know. Each field has three cases, and the
difference is what keeps the far sides right:

* a value: we know it;
* ``None``: we know that there is none (the merchant cleared it, or never filled it);
* ``UNKNOWN``: nobody told us. Webhook bodies since API version 2025-01 carry no tags and no consent, for example, so
  silence there means nothing, and an unknown field never touches what a destination has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast


class Unknown(Enum):
    """The type of ``UNKNOWN``: one value, falsy, so that ``if customer.email`` reads as it should."""

    UNKNOWN = "unknown"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN

T = TypeVar("T")
Maybe: TypeAlias = T | Unknown | None


def known(value: Maybe[T]) -> T | None:
    """The value, or None when there is none or nobody told us."""
    return None if isinstance(value, Unknown) else value


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as Shopify keeps it; the prefecture is believed by ``province_code`` alone (``JP-13``).

    ``last_name`` and ``first_name`` are of who receives there. ``is_own``: it was in the customer's own name, and the
    customer has taken another one since. ``among_others``: the customer has more addresses. Neither of the two makes it
    another address.
    """

    zip: str | None = None
    province_code: str | None = None
    city: str | None = None
    address1: str | None = None
    address2: str | None = None
    company: str | None = None
    phone: str | None = None
    country_code: str | None = None
    last_name: str | None = None
    first_name: str | None = None
    is_own: bool = field(default=False, compare=False)
    among_others: bool = field(default=False, compare=False)

    @property
    def has_lines(self) -> bool:
        """Whether it says more than a prefecture or a country: codes alone are what is left of a withheld address."""
        return bool(self.zip or self.city or self.address1 or self.address2)

    def completed_by(self, fuller: Address) -> Address:
        """This address, or ``fuller`` where it says the same and more: what is missing here was not taken out."""
        pairs = [(getattr(self, part), getattr(fuller, part)) for part in _LINES]
        if not all(mine is None or mine == theirs for mine, theirs in pairs):
            return self
        mine, theirs = (self.last_name, self.first_name), (fuller.last_name, fuller.first_name)
        if mine in ((None, None), theirs):
            return fuller
        return replace(fuller, last_name=mine[0], first_name=mine[1]) if theirs == (None, None) else self

    def is_at(self, other: Address) -> bool:
        """Whether both are one place, whoever receives there."""
        return all(getattr(self, part) == getattr(other, part) for part in _PLACE)


@dataclass(frozen=True, slots=True)
class Customer:
    """The person in our own fields; texts are as the merchant's shop has them, corrected only on the way out.

    ``id`` is Shopify's customer id, the master key. ``birth_date`` and ``gender`` are free text until a destination's
    mapping judges them. ``amount_spent`` is a decimal as text in ``currency``. ``email_consent`` and ``sms_consent``
    are Shopify's marketing states in lower case (``subscribed``, ``unsubscribed``, ``pending`` ...). ``cleared`` names
    the fields that had a value once and have none, or less of one, now. ``default_address_of`` is who receives at the
    default address in Shopify, where that is another person and ``address`` is the customer's own (``japan.whose``).
    """

    id: int
    email: Maybe[str] = UNKNOWN
    phone: Maybe[str] = UNKNOWN
    last_name: Maybe[str] = UNKNOWN
    first_name: Maybe[str] = UNKNOWN
    last_kana: Maybe[str] = UNKNOWN
    first_kana: Maybe[str] = UNKNOWN
    birth_date: Maybe[str] = UNKNOWN
    gender: Maybe[str] = UNKNOWN
    address: Maybe[Address] = UNKNOWN
    note: Maybe[str] = UNKNOWN
    tags: Maybe[tuple[str, ...]] = UNKNOWN
    email_consent: Maybe[str] = UNKNOWN
    sms_consent: Maybe[str] = UNKNOWN
    account_state: Maybe[str] = UNKNOWN
    locale: Maybe[str] = UNKNOWN
    orders_count: Maybe[int] = UNKNOWN
    amount_spent: Maybe[str] = UNKNOWN
    currency: Maybe[str] = UNKNOWN
    last_order_at: Maybe[datetime] = UNKNOWN
    created_at: Maybe[datetime] = UNKNOWN
    updated_at: datetime | None = None
    default_address_of: Maybe[str] = UNKNOWN
    cleared: tuple[str, ...] = ()

    def seen_with(self, newer: Customer) -> Customer:
        """This customer with every field that ``newer`` knows laid over it; what ``newer`` does not know stays."""
        values: list[Any] = []
        cleared = set(self.cleared)
        for name, mine, told in zip(_FACTS, _facts_of(self), _facts_of(newer), strict=True):
            # What is equal stays as we know it: an address keeps what its marks say.
            values.append(mine if told is UNKNOWN or told == mine else told)
            if told is not UNKNOWN and told != mine:
                if told:
                    cleared.discard(name)
                if _has_less(mine, told):
                    cleared.add(name)
        values.append(tuple(sorted(cleared)))
        return Customer(self.id, *values)

    def told_in_part(self, known: Customer) -> Customer:
        """This customer as a source tells it that shows no difference between none and withheld, beside what we know.

        Such a source (a webhook's body) never clears: parts of the address that it leaves out are those we know.
        """
        if isinstance(self.address, Address) and isinstance(known.address, Address):
            return replace(self, address=self.address.completed_by(known.address))
        return self

    def without_cleared(self) -> Customer:
        """This customer as if nobody had told us of the fields that were cleared."""
        untold: dict[str, Any] = dict.fromkeys(self.cleared, UNKNOWN)
        return replace(self, **untold)

    def says_the_same_as(self, other: Customer) -> bool:
        """Whether no field but the time of the last save differs: then nothing needs to be carried."""
        return self.id == other.id and bool(_facts_but_the_time(self) == _facts_but_the_time(other))

    def to_json(self) -> dict[str, Any]:
        """A JSON object of what is known; unknown fields are left out, so a new field needs no migration."""
        pairs = zip(_FACTS, _facts_of(self), strict=True)
        told = {"id": self.id, **{name: _as_json(value) for name, value in pairs if value is not UNKNOWN}}
        return {**told, "cleared": list(self.cleared)} if self.cleared else told

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Customer:
        """The customer that ``to_json`` wrote; fields this version does not have are passed over."""
        values: dict[str, Any] = {name: told[name] for name in _NAMES if name in told}
        for name in _TIMES:
            if isinstance(values.get(name), str):
                values[name] = datetime.fromisoformat(values[name])
        if isinstance(values.get("address"), Mapping):
            values["address"] = Address(**{k: v for k, v in values["address"].items() if k in _PARTS})
        for name in ("tags", "cleared"):
            if isinstance(values.get(name), list):
                values[name] = tuple(cast(list[str], values[name]))
        return cls(**values)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Address):
        return {part: v for part in _PARTS if (v := getattr(value, part)) not in (None, False)}
    return list(value) if isinstance(value, tuple) else value


def _has_less(before: object, now: object) -> bool:
    """Whether a value is gone, or a part of an address."""
    if isinstance(before, Address) and isinstance(now, Address):
        return any(getattr(before, part) and not getattr(now, part) for part in _LINES)
    return bool(before) and not now


# Gone through once: merging, comparing and storing customers stand on the receiving path.
_NAMES: Final = tuple(f.name for f in fields(Customer))
_FACTS: Final = tuple(name for name in _NAMES if name not in ("id", "cleared"))
_PARTS: Final = tuple(f.name for f in fields(Address))
_LINES: Final = tuple(part for part in _PARTS if part not in ("last_name", "first_name", "is_own", "among_others"))
_PLACE: Final = tuple(part for part in _LINES if part not in ("company", "phone"))
_TIMES: Final = ("created_at", "updated_at", "last_order_at")
_facts_of: Final = attrgetter(*_FACTS)
_facts_but_the_time: Final = attrgetter(*(name for name in _FACTS if name != "updated_at"))


@dataclass(frozen=True, slots=True)
class Correction:
    """One thing that was changed on the way to a destination, so that it is never silent.

    ``field`` is the destination's field; ``what`` is one fixed word that may stand in a log: ``widened``, ``replaced``,
    ``cut``, ``dropped``, ``filled``, ``reformatted``, ``withheld``. ``detail`` is for people who look at the customer
    ("𠮷 → 吉", "cut at 85 of 97 characters") and never reaches a log; it names the least it can.
    """

    field: str
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One row of the member index: what is needed to find a Smaregi member by e-mail, code or number.

    ``mails`` are in the form in which addresses are compared (``japan.mailbox``); one that is sent in another form
    stands there in both. ``status`` is Smaregi's: 0 usable, 1 suspended, 2 card lost, 3 withdrawn, 4 merged.
    """

    id: str
    code: str
    number: str | None
    mails: tuple[str, ...]
    status: str

    @property
    def counts(self) -> bool:
        """Whether this member may be matched: withdrawn (3) and merged (4) ones are ghosts."""
        return self.status not in ("3", "4")


#: A change may show in Smaregi's lists this much later than it was made, and is not missed.
LIST_LAG: Final = timedelta(seconds=5)
#: A word from further ahead was written before the clock was set back. Two polls in flight differ by less.
_CLOCK_WAS_SET_BACK: Final = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Poll:
    """One answered question to Smaregi: which members were changed at ``since`` or later?

    ``sent_at`` is when the question left, so every change made before it and after ``since`` is in the answer.
    """

    since: datetime
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class FlagWritten:
    """What we last wrote to the mail flag of a customer's member, and when; a resync leaves it as it is.

    ``member`` is None after a create: then it speaks of the member that has the customer's id for its code. ``over`` is
    the member's ``updDateTime`` before a "1" whose answer has not come. ``changed``: somebody else has written to the
    flag since.
    """

    flag: str
    at: datetime
    member: str | None = None
    over: str | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Freshness:
    """How much of Smaregi the member index holds.

    ``scanned_at``: when the last full scan that was finished began (None: never). ``scan_page``: the page a scan under
    way would read next (None: none under way), ``scan_began_at`` when it began. ``fresh_at``: every change made at
    Smaregi before this moment is in the index (None: no).
    """

    scanned_at: datetime | None = None
    scan_began_at: datetime | None = None
    scan_page: int | None = None
    fresh_at: datetime | None = None

    def after(self, poll: Poll) -> Freshness:
        """The freshness once the answer to ``poll`` is in the index.

        Polls overlap and end in any order. One proves the index up to ``sent_at`` only when no gap lies before it: it
        must have looked back behind ``fresh_at``, by more than a change may lag. An older one proves nothing new.
        """
        fresh_at = self.fresh_at or self.scanned_at
        if fresh_at is None:
            return self
        if fresh_at > poll.sent_at + _CLOCK_WAS_SET_BACK:
            return replace(self, fresh_at=poll.sent_at)
        if poll.since > fresh_at - LIST_LAG:
            return self
        return replace(self, fresh_at=max(fresh_at, poll.sent_at))

    def after_overwriting(self, sent_at: datetime) -> Freshness:
        """The freshness once a member was written over with what a call sent at ``sent_at`` showed.

        The call may have been answered before a change that a later call brought, so the index is as old as the call.
        """
        if self.fresh_at is None or sent_at >= self.fresh_at:
            return self
        return replace(self, fresh_at=sent_at)


@dataclass(frozen=True, slots=True)
class Task:
    """One customer on the way to one lane, as a lane is handed it.

    ``ref`` is the far side's own id, if known. ``sent`` maps each field that was last sent with a value to its
    fingerprint (an empty fingerprint: sent once, but to be sent again). ``memo`` is what the lane itself asked to
    remember about this customer. ``doubt``: an earlier attempt may have been carried out without our hearing of it,
    so ask before anything is created. ``attempt`` counts from 1.
    """

    customer: Customer
    ref: str | None = None
    sent: Mapping[str, str] = field(default_factory=dict)
    memo: Mapping[str, str] = field(default_factory=dict)
    doubt: bool = False
    attempt: int = 1
    request_id: str = ""
