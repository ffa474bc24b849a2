"""What was found about answering: as tables, as goals, and as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from bench import plots
from bench.doors import Door
from bench.figures import Spread, ratios
from bench.knocks import MIX
from bench.others.ways import NotMeasured, versions
from bench.report import Goal, Picture, Section, Table

#: The run whose worst latencies the design speaks of, and which the pictures show.
MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Pair:
    """One way to keep the ledger, beside its limit."""

    store: str
    ours: Door
    limit: Door


def section(
    pairs: Sequence[Pair],
    others: Sequence[Door],
    missing: Sequence[NotMeasured],
    connections: Sequence[int],
    *,
    how: str,
    ceilings: Mapping[int, float],
) -> Section:
    """The whole section; ``others`` and ``missing`` are empty but in a full run."""
    tables = [_rates(pairs, connections), _latencies(pairs, connections)]
    goals = [goal for pair in pairs for goal in _goals(pair, connections)]
    pictures: list[Picture] = []
    words = _words(pairs, how, ceilings)
    if others or missing:
        words += _other_words()
        tables += [
            _beside(pairs, others, missing, connections),
            _ahead(pairs, others, connections),
            _waits(pairs, others, connections),
        ]
        goals += [ahead_of_durable(pair, others, missing, connections) for pair in pairs]
        pictures = _pictures([*(door for pair in pairs for door in (pair.limit, pair.ours)), *others])
    doors = [*(pair.ours for pair in pairs), *others]
    return Section("Answering", words, tables, [*goals, *_kept_goal(doors)], pictures)


def _words(pairs: Sequence[Pair], how: str, ceilings: Mapping[int, float]) -> str:
    workers = ", ".join(f"{pair.ours.processes} on {pair.store}" for pair in pairs)
    ceiling = ", ".join(f"{rate:,.0f} answers/s with {number} connections" for number, rate in ceilings.items())
    return (
        "Durable answers (200 after the commit) per second, against the same gunicorn "
        "(`config/gunicorn.py`, with the event loop of `handlers/loop.py`; "
        f"web processes: {workers}) in plain WSGI that checks the HMAC and stores nothing. {how}; medians, with the "
        "lowest and highest run in brackets. Kept-alive connections, each asking again as soon as it is answered: the "
        "server is always saturated, so a mean latency is the connections over the rate. "
        f"The mix: {MIX}; bodies of 1.2 KB on average. The load shares the machine with the server; against a server "
        f"that answers by rote it reaches {ceiling}. Work is the processor time that the web processes spent on each "
        "answer (the database's own processes not counted): it suffers less than the rates from whatever else the "
        "machine does. Each server refuses what is badly signed, and after the runs what it has kept is counted."
    )


def _other_words() -> str:
    return (
        "\n\nBeside them the usual ways, each a small Flask app written as its own documentation would have it "
        "(`bench/others/`), under gunicorn's gthread with 32 threads and as many processes as suit it (one on "
        "SQLite, else "
        f"two), in the same turns, from an environment of its own: {versions()}. Each checks the HMAC, parses the "
        "JSON, queues the customer and answers 200 when the queue has it; no worker runs, ours neither. Unlike ours "
        "they write no log line, know no repeated delivery (but DBOS, by the workflow's id), no older one, and no "
        "customer. DBOS on SQLite was switched to WAL, which is not its default, for its own good. *Vendors in the "
        "request* calls Smaregi (800 ms) and HubSpot (400 ms) before it answers, with the vendors' rate limits lifted: "
        "with 64 threads it cannot do more than 53 a second, and 256 connections wait for about as long as Shopify "
        "does (5 s; an answer that comes later is counted as an error)."
    )


def _rates(pairs: Sequence[Pair], connections: Sequence[int]) -> Table:
    def row(pair: Pair, number: int) -> tuple[str, ...]:
        ours, limit = pair.ours, pair.limit
        return (
            f"{pair.store}, {number} connections",
            Spread.of(ours.rates(number)).shown(),
            Spread.of(limit.rates(number)).shown(),
            ratios(ours.rates(number), limit.rates(number)).shown(2),
            f"{ours.work(number):,.0f}",
            f"{limit.work(number):,.0f}",
        )

    head = ("", "kept/s", "limit/s", "kept / limit", "work µs", "limit's work µs")
    return Table(head, [row(pair, number) for pair in pairs for number in connections], "Answers per second")


def _latencies(pairs: Sequence[Pair], connections: Sequence[int]) -> Table:
    def row(pair: Pair, number: int) -> tuple[str, ...]:
        return (
            f"{pair.store}, {number} connections",
            pair.ours.latency(number, 0.5).shown(1),
            pair.ours.latency(number, 0.99).shown(1),
            f"{pair.ours.latency(number, 1).highest:,.0f}",
            str(pair.ours.errors(number)),
            pair.limit.latency(number, 0.99).shown(1),
        )

    head = ("", "p50 ms", "p99 ms", "max ms", "errors", "limit's p99 ms")
    return Table(head, [row(pair, number) for pair in pairs for number in connections], "Latency")


def _beside(
    pairs: Sequence[Pair], others: Sequence[Door], missing: Sequence[NotMeasured], connections: Sequence[int]
) -> Table:
    def row(door: Door) -> tuple[str, ...]:
        kept = door.kept()
        return (
            door.name,
            f"{'yes' if door.durable else 'no'}: {door.why}",
            *(Spread.of(door.rates(number)).shown() for number in connections),
            f"{door.work(MOST):,.0f}",
            kept.shown() if kept else "–",
        )

    def gap(one: NotMeasured) -> tuple[str, ...]:
        return (one.way.name, f"not measured: needs {one.needs}", *("–" for _ in connections), "–", "–")

    doors = [*(door for pair in pairs for door in (pair.ours, pair.limit)), *others]
    head = ("", "durable", *(f"{number} connections" for number in connections), f"work µs, {MOST}", "kept of answered")
    return Table(head, [*map(row, doors), *map(gap, missing)], "Answers per second, beside the usual ways")


def _ahead(pairs: Sequence[Pair], others: Sequence[Door], connections: Sequence[int]) -> Table:
    def row(door: Door) -> tuple[str, ...]:
        return (
            door.name,
            *(ratios(p.ours.rates(n), door.rates(n)).shown(2) for p in pairs for n in connections),
        )

    head = ("", *(f"{pair.store.split()[0]}, {number}" for pair in pairs for number in connections))
    return Table(head, [row(door) for door in others], "Ours / theirs, in answers per second, by connections")


def _waits(pairs: Sequence[Pair], others: Sequence[Door], connections: Sequence[int]) -> Table:
    def cell(door: Door, number: int) -> str:
        if not any(door.rates(number)):
            return "none answered"
        middle, most = door.latency(number, 0.5).median, door.latency(number, 1).highest
        return f"{middle:,.0f} / {door.latency(number, 0.99).shown()} / {most:,.0f}"

    def row(door: Door) -> tuple[str, ...]:
        errors = sum(door.errors(number) for number in connections)
        return (door.name, *(cell(door, number) for number in connections), str(errors))

    doors = [*(pair.ours for pair in pairs), *others]
    head = ("", *(f"{number} connections" for number in connections), "errors")
    return Table(head, [row(door) for door in doors], "Latency beside the usual ways: p50 / p99 / max, ms")


def _goals(pair: Pair, connections: Sequence[int]) -> list[Goal]:
    ratio = min(ratios(pair.ours.rates(n), pair.limit.rates(n)).median for n in connections)
    p99 = pair.ours.latency(MOST, 0.99).median
    longest = pair.ours.latency(MOST, 1).highest
    errors = sum(pair.ours.errors(n) for n in connections)
    return [
        Goal(f"durable answers against the limit, {pair.store}", "≥ 0.5", f"{ratio:.2f}", ratio >= 0.5, _WORK),
        Goal(
            f"latency with {MOST} connections, {pair.store}",
            "p99 ≤ 50 ms, max < 1 s, no error",
            f"p99 {p99:.0f} ms, max {longest:,.0f} ms, {errors} errors",
            p99 <= 50 and longest < 1000 and not errors,
            _TAIL,
        ),
    ]


_WORK: Final = (
    "the limit does nothing but read, sign and answer, and the faster the server became for both, the more of the "
    "rest was left to us. Of our processor time (a sampling profiler over the web process on SQLite, by hand) about"
    " 40 % is the server's own way to read and to answer, 30 % recording, 10 % verifying, reading and deciding, 8 %"
    " the log line; no line of code has more than 4 %. On PostgreSQL the database shares the two processors, which "
    "the limit has to itself. Next: fewer indexes on tasks and deliveries, each of which is a page more in every "
    "commit, and gunicorn's compiled parser."
)
_TAIL: Final = (
    "the server is saturated, and an answer waits for the commit under way and then for its own: with so many "
    "callers and processor time for each as above, most of the tail is the queue. What is next is the same as for "
    "the rate."
)


def ahead_of_durable(
    pair: Pair, others: Sequence[Door], missing: Sequence[NotMeasured], connections: Sequence[int]
) -> Goal:
    """Whether ours answers more than each durable way with each number of connections.

    Where a durable way is missing, only falling behind another can be told.
    """
    found = [
        (ratios(pair.ours.rates(n), door.rates(n)).median, f"{door.name}, {n} connections")
        for door in others
        if door.durable
        for n in connections
    ]
    gaps = [one.way.name for one in missing if one.way.durable]
    least, where = min(found, default=(None, ""))
    measured = [] if least is None else [f"{least:.2f} × at least ({where})"]
    measured += [f"not measured: {', '.join(gaps)}"] if gaps else []
    met = False if least is not None and least <= 1 else None if gaps or least is None else True
    return Goal(f"ahead of every durable way, {pair.store}", "> 1 × their answers/s", "; ".join(measured), met)


def _kept_goal(doors: Sequence[Door]) -> list[Goal]:
    told = [(door.name, kept) for door in doors if (kept := door.kept())]
    short = [f"{name}: {kept.shown()}" for name, kept in told if not kept.is_true]
    answered = sum(kept.answered for _, kept in told)
    measured = "; ".join(short) or f"all of {answered:,}"
    return [Goal("each answer stands for a delivery that was kept, by every server", "all", measured, not short)]


def _pictures(doors: Sequence[Door]) -> list[Picture]:
    named = [(door.name, door) for door in doors]
    marked = {door.name for door in doors if door.name.startswith("ours")}
    rates = [plots.Bar(name, Spread.of(door.rates(MOST)), name in marked) for name, door in named]
    waits = [
        plots.Dots(
            name,
            {
                "p50": door.latency(MOST, 0.5).median,
                "p99": door.latency(MOST, 0.99).median,
                "max": door.latency(MOST, 1).highest,
            },
            name in marked,
        )
        for name, door in named
    ]
    return [
        Picture(
            f"Answers per second with {MOST} connections",
            "answering-rates.svg",
            partial(
                plots.bars, rates, unit=f"answers/s with {MOST} connections (bar: median, line: lowest to highest)"
            ),
        ),
        Picture(
            f"Latency with {MOST} connections",
            "answering-latency.svg",
            partial(plots.dots, waits, unit=f"ms with {MOST} connections, logarithmic"),
        ),
    ]
