"""What happens in one run, and when: a pure function of its seed, its length and its store."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from chaos.people import Deed, deeds

Store: TypeAlias = Literal["sqlite", "postgresql"]

STORES: Final[tuple[Store, ...]] = get_args(Store)
WEBS: Final = ("web-1", "web-2")
WORKERS: Final = ("worker-1", "worker-2", "worker-3")
SYSTEMS: Final = ("shopify", "smaregi", "hubspot")
#: A claim is held so long without a sign of life; in earnest 30 s, which a minute's run has no room for.
LEASE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``kind`` strikes ``target`` at second ``at``, and is over after ``seconds``; ``told`` says how."""

    at: float
    kind: str
    target: str
    seconds: float = 0.0
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As it is shown: ``pause worker-2 7 s``."""
        long = f" {self.seconds:g} s" if self.seconds else ""
        return f"{self.kind} {self.target}{long}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All that happens in one run."""

    seed: int
    seconds: float
    store: Store
    faults: tuple[Fault, ...]
    deeds: tuple[Deed, ...]

    @property
    def command(self) -> str:
        """The line that plays it again."""
        return f"make chaos ARGS='--seed {self.seed} --seconds {self.seconds:g} --store {self.store}'"


def plan(seed: int, seconds: float, store: Store) -> Plan:
    """What happens with this seed. Two stores have the same customers, and what only one of them knows is its own."""
    faults = sorted(_faults(seed, seconds, store), key=lambda fault: fault.at)
    return Plan(seed, seconds, store, tuple(faults), tuple(deeds(seed, seconds)))


#: How often each kind is dealt, before the cards are shuffled anew.
_DECK: Final[Mapping[str, int]] = {
    "kill": 4,
    "pause": 2,  # longer than the lease, then it goes on as if nothing had been
    "pause_kill": 2,  # and is killed as soon as it goes on
    "pause_dead": 1,  # and is killed while it stands still
    "lost": 2,
    "half": 1,
    "refused": 1,
    "hang": 1,
    "late": 2,
    "slow": 1,
    "limited": 2,
    "broken": 2,
    "revoked": 2,
    "clock": 2,
    "locked": 1,
    "reordered": 2,
    "trickle": 1,
}
_OF_STORE: Final[Mapping[Store, Mapping[str, int]]] = {
    "sqlite": {"disk_full": 2},
    "postgresql": {"store_restart": 1, "store_kill": 1},
}


def _faults(seed: int, seconds: float, store: Store) -> Iterator[Fault]:
    dice = random.Random(f"faults {seed} {store}")
    # A minute meets every kind about once; an hour has room between them for things to go wrong by themselves.
    gap = min(6.0, max(2.0, seconds / 40))
    at = 2.0
    deck: list[str] = []
    while at < seconds - 1:
        if not deck:
            deck = [kind for kind, count in {**_DECK, **_OF_STORE[store]}.items() for _ in range(count)]
            dice.shuffle(deck)
        yield _one(dice, deck.pop(), round(at, 2), seconds)
        at += dice.uniform(0.3, 1.7) * gap
    # One destination is away for long, once.
    yield Fault(
        round(dice.uniform(0.1, 0.5) * seconds, 2),
        "down",
        dice.choice(SYSTEMS),
        round(seconds / 3 + dice.uniform(0, seconds / 10), 1),
        dice.choice(({"kind": "refused"}, {"kind": "status", "status": 503})),
    )


def _one(dice: random.Random, kind: str, at: float, seconds: float) -> Fault:  # noqa: C901, PLR0911 - a table of cases
    short = round(dice.uniform(1, min(8.0, seconds / 4)), 1)
    share = round(dice.uniform(0.2, 1), 2)
    system = dice.choice(SYSTEMS)
    match kind:
        case "kill":
            target = dice.choice((*WEBS, *WORKERS, *WORKERS))
            whom = dice.choice(("family", "arbiter", "child")) if target in WEBS else "family"
            return Fault(at, kind, target, told={"whom": whom})
        case "pause" | "pause_kill" | "pause_dead":
            after = round(dice.choice((0.0, 0.01, 0.03, 0.1, 0.3)), 2)
            return Fault(at, kind, dice.choice(WORKERS), round(LEASE_S * dice.uniform(1.2, 2), 1), {"after": after})
        case "lost" | "half" | "refused":
            return Fault(at, kind, system, short, {"share": share})
        case "hang" | "slow":
            return Fault(at, kind, system, short, {"share": share, "seconds": round(dice.uniform(0.5, 6), 1)})
        case "late":
            # A call that is carried out after its caller, and its caller's lease, have gone.
            told = {"share": share, "seconds": round(dice.uniform(1, 1.5 * LEASE_S), 1)}
            return Fault(at, kind, dice.choice(("smaregi", "hubspot")), short, told)
        case "limited":
            return Fault(at, kind, system, short, {"share": share, "retry_after": dice.choice((None, "1", "2", "5"))})
        case "broken":
            return Fault(at, kind, system, short, {"share": share, "status": dice.choice((500, 500, 502, 503))})
        case "revoked":
            return Fault(at, kind, system, short)
        case "clock":
            ahead = dice.choice((-1, 1)) * round(dice.uniform(5, min(300.0, seconds)), 1)
            return Fault(at, kind, dice.choice((*WEBS, *WORKERS)), round(dice.uniform(2, 15), 1), {"ahead": ahead})
        case "trickle":
            return Fault(at, kind, "web", short, {"connections": dice.randint(5, 40)})
        case "reordered":
            return Fault(at, kind, "sender", short, {"order": dice.choice(("reversed", "shuffled"))})
        case _:  # what befalls the store
            return Fault(at, kind, "store", min(short, 5.0))
