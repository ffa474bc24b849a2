"""After the storm: what the far sides and the ledger hold, against what the shop says. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from chaos import expected

What: TypeAlias = Literal[
    "lost", "doubled", "stale", "left over", "failed", "unknown delivery", "dropped", "went back", "undone"
]
Row: TypeAlias = Mapping[str, Any]

LANES: Final = ("shopify", "smaregi", "hubspot")
#: How a destination says that two customers have one e-mail: a choice for a person, and no fault.
CHOICES: Final = frozenset(
    {
        "smaregi.linked_to_other",
        "smaregi.several_members",
        "hubspot.linked_to_other",
        "hubspot.email_taken",
        "hubspot.email_twice",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be; ``words`` name ids and fields, and nothing of the person."""

    what: What
    lane: str
    customer_id: int | None
    words: str

    def __str__(self) -> str:
        whom = f" customer {self.customer_id}" if self.customer_id else ""
        return f"{self.what}: {self.lane}{whom}: {self.words}"


@dataclass(frozen=True, slots=True)
class End:
    """Everything as it stands at the end.

    ``customers`` are the shop's records; ``left`` the last ones of those who left, by id; ``pairs`` (who left, who came
    with the same e-mail). ``known_members`` are the ids of members that the store had before. ``tasks`` and
    ``webhook_ids`` are the ledger's, ``deliveries`` the sender's log, ``writes`` the far sides'. ``flag_writes`` are
    the changes of mail flags; those of ``refuse`` were off before.
    """

    customers: Sequence[Row]
    left: Mapping[int, Row]
    pairs: Sequence[tuple[int, int]]
    members: Sequence[Row]
    known_members: Collection[str]
    contacts: Sequence[Row]
    tasks: Sequence[Row]
    deliveries: Sequence[Row]
    webhook_ids: Collection[str]
    writes: Sequence[Row] = field(default_factory=tuple)
    flag_writes: Sequence[Row] = field(default_factory=tuple)
    refuse: Collection[str] = ()

    @property
    def in_pairs(self) -> set[int]:
        """Everybody who shares an e-mail with somebody."""
        return {customer_id for pair in self.pairs for customer_id in pair}


def findings(end: End) -> list[Finding]:
    """All that is wrong; nothing is what a good run ends with. ``writes`` are judged by ``went_back``."""
    tasks = {(row["customer_id"], row["lane"]): row for row in end.tasks}
    return [
        *_deliveries(end),
        *_tasks(end, tasks),
        *_far_side(end, _SMAREGI, end.members, tasks),
        *_far_side(end, _HUBSPOT, end.contacts, tasks),
    ]


@dataclass(frozen=True, slots=True)
class OptOuts:
    """What became of the opt-outs at the till: the members where one stands, and those where one was undone.

    ``crossed``: an opt-in that was on its way already when the opt-out was said; nobody can call it back.
    """

    standing: frozenset[str]
    undone: tuple[str, ...]
    crossed: int


def opt_outs(end: End) -> OptOuts:
    """Follows the mail flag of each member through all that was written to it."""
    said_at = dict.fromkeys(end.refuse, 0.0)
    undone, crossed = [], 0
    for write in end.flag_writes:
        member = write["record"]
        if write["flag"] == "0" and write["till"]:
            said_at[member] = write["at"]
        elif (said := said_at.pop(member, None)) is not None and write["flag"] == "1" and not write["till"]:
            if write["came"] >= said:
                undone.append(member)
            else:
                crossed += 1
    return OptOuts(frozenset(said_at), tuple(undone), crossed)


def opt_outs_undone(end: End) -> list[Finding]:
    """Each opt-out at the till that a write of ours, sent after it, turned back."""
    return [Finding("undone", "smaregi", None, f"record {member} had opted out") for member in opt_outs(end).undone]


def choices(end: End) -> int:
    """How many tasks wait for a person to say which of two customers an e-mail belongs to."""
    return sum(_is_choice(end, row) for row in end.tasks)


def went_back(end: End) -> list[Finding]:
    """Each write that brought a record an older state than it had, in the order in which they came.

    One that a stopped process makes behind its lease's back, or that was on the wire for long, cannot be called back;
    it is a fault only where nothing of that kind happened. What stands there in the end is judged by ``findings``.
    """
    newest: dict[tuple[str, str], int] = {}
    found = []
    for write in end.writes:
        record, mark = (write["system"], write["record"]), int(write["mark"])
        if mark < newest.get(record, 0):
            words = f"record {write['record']} had state {newest[record]} and was sent state {mark}"
            found.append(Finding("went back", write["system"], None, words))
        newest[record] = max(mark, newest.get(record, 0))
    return found


def _deliveries(end: End) -> Iterator[Finding]:
    for delivery in end.deliveries:
        if delivery["state"] != "delivered":
            words = f"delivery {delivery['webhook_id']} was never taken in ({delivery['status'] or delivery['error']})"
            yield Finding("dropped", "web", delivery["customer_id"], words)
        elif delivery["webhook_id"] not in end.webhook_ids:
            words = f"delivery {delivery['webhook_id']} was answered 200 and is not in the ledger"
            yield Finding("unknown delivery", "web", delivery["customer_id"], words)


def _tasks(end: End, tasks: Mapping[tuple[int, str], Row]) -> Iterator[Finding]:
    for customer_id in (*(customer["id"] for customer in end.customers), *end.left):
        for lane in LANES:
            if (customer_id, lane) not in tasks:
                yield Finding("lost", lane, customer_id, "there is no task")
    for row in end.tasks:
        if row["state"] in ("pending", "running"):
            words = f"still {row['state']}, attempt {row['attempt']}, {row['kind'] or 'never tried'}"
            yield Finding("left over", row["lane"], row["customer_id"], words)
        elif row["state"] == "failed" and not _is_choice(end, row):
            yield Finding("failed", row["lane"], row["customer_id"], f"{row['kind']}")


def _is_choice(end: End, row: Row) -> bool:
    return row["state"] == "failed" and row["customer_id"] in end.in_pairs and row["kind"] in CHOICES


@dataclass(frozen=True, slots=True)
class _Destination:
    """How one far side shows whose a record is and what stands in it, and what should."""

    lane: str
    owner: Callable[[Row], Iterable[str]]
    fields: Callable[[Row], Row]
    wanted: Callable[..., dict[str, str | None]]


def _far_side(
    end: End, there_is: _Destination, records: Sequence[Row], tasks: Mapping[tuple[int, str], Row]
) -> Iterator[Finding]:
    lane, refuse = there_is.lane, opt_outs(end).standing
    owned: defaultdict[str, list[Row]] = defaultdict(list)
    everybody = {**{customer["id"]: customer for customer in end.customers}, **end.left}
    for record in records:
        owners = {one for one in there_is.owner(record) if one.isdigit() and int(one) in everybody}
        for one in owners:
            owned[one].append(record)
        # Who was known by an e-mail that two share is found by neither, perhaps; then the choice is a person's.
        if not owners and not _may_stay(end, record):
            yield Finding("doubled", lane, None, f"record {_id(record)} belongs to nobody")
    for customer_id, customer in everybody.items():
        there = owned[str(customer_id)]
        waits = _is_choice(end, tasks.get((customer_id, lane), {"state": None}))
        if len(there) > 1:
            yield Finding("doubled", lane, customer_id, f"records {', '.join(map(_id, there))}")
        elif not there and not waits:
            yield Finding("lost", lane, customer_id, "there is no record")
        elif there and not waits:
            has = there_is.fields(there[0])
            is_left = customer_id in end.left
            differs = [
                name
                for name, value in there_is.wanted(customer, left=is_left).items()
                if not (name == "mailReceiveFlag" and _id(there[0]) in refuse and has[name] == "0")
                and (has.get(name) or None) != value
            ]
            if differs:
                yield Finding("stale", lane, customer_id, f"record {_id(there[0])} differs in {', '.join(differs)}")


def _may_stay(end: End, record: Row) -> bool:
    mails = {str(customer["email"]).lower() for customer in end.customers if customer["id"] in end.in_pairs}
    return str(record.get("mailAddress")).lower() in mails


def _id(record: Row) -> str:
    return str(record.get("customerId") or record.get("id"))


def _member_of(record: Row) -> Iterable[str]:
    return (str(record["customerCode"]), str(record["customerNo"] or ""))


def _contact_of(record: Row) -> Iterable[str]:
    return (str(record["properties"].get("shopify_customer_id") or ""),)


def _properties(record: Row) -> Row:
    properties: Row = record["properties"]
    return properties


_SMAREGI: Final = _Destination("smaregi", _member_of, dict, expected.member)
_HUBSPOT: Final = _Destination("hubspot", _contact_of, _properties, expected.contact)
