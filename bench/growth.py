"""Growth: what an event costs with few and with very many customers in the ledger, and what grows with them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Final

from bench import plots
from bench.costs import Growth, Point
from bench.grown import CONNECTIONS, Grown
from bench.knocks import MIX
from bench.lab import Lab
from bench.report import Goal, Picture, Section, Table
from bench.stores import new_database
from bench.whole import UNLIMITED, whole_system

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
#: Design, section 6: the same within so much.
MOST_GROWTH: Final = 0.2


def measure(lab: Lab) -> Section:
    """Both databases, from a thousand customers on: to a million in a full run, to ten thousand in a quick one."""
    return section(take(lab))


def take(lab: Lab) -> Growth:
    """The raw figures."""
    sizes = SIZES if lab.full else SIZES[:2] if lab.quick else SIZES[:3]
    growth = Growth()
    for store in ("SQLite", "PostgreSQL"):
        with contextlib.ExitStack() as stack:
            url = stack.enter_context(new_database(lab.postgresql)) if store == "PostgreSQL" else None
            small_url = stack.enter_context(new_database(lab.postgresql)) if store == "PostgreSQL" else None
            whole = stack.enter_context(whole_system(lab.room(f"growth-{store.lower()}"), url, UNLIMITED))
            beside = stack.enter_context(whole_system(lab.room(f"small-{store.lower()}"), small_url, UNLIMITED))
            small, ledger = Grown(lab, beside, store), Grown(lab, whole, store)
            growth.points.extend(ledger.at(size, small) for size in sizes)
    return growth


def section(growth: Growth) -> Section:
    """The tables of both stores, and what grew."""
    words = (
        "Customers that went through the whole service are multiplied in the ledger, deliveries, tasks, attempts, what "
        "was sent and the member index with them, every row as the service leaves it. Then deliveries come through the "
        f"web door, {CONNECTIONS} at a time ({MIX}; those who change are anywhere in the ledger), while a worker "
        "carries them to far sides that answer at once and have no limits, until nothing is left. An event is one "
        "delivery, with all that follows from it; its cost is the processor time of web, worker and database. A second "
        "system with a small ledger (a thousand customers and more) runs beside it, in turns, so that what else the "
        "machine does hits both alike. Shopify "
        "does not know these customers, so a read finds nobody: what it would add is not measured here. Memory is "
        "resident, of the heaviest process of each kind after the runs."
    )
    tables = [table for store in growth.stores for table in _tables(store, growth.of(store))]
    return Section("Growth", words, tables, _goals(growth), _pictures(growth))


def _pictures(growth: Growth) -> list[Picture]:
    cost = [
        plots.Line(
            store,
            [(p.customers, p.growth.median) for p in growth.of(store)],
            [(p.growth.lowest, p.growth.highest) for p in growth.of(store)],
        )
        for store in growth.stores
    ]
    size = [plots.Line(store, [(p.customers, p.database_mib) for p in growth.of(store)]) for store in growth.stores]
    across = "customers in the ledger"
    return [
        Picture(
            "Cost per event against a small ledger beside it",
            "growth-cost.svg",
            partial(plots.lines, cost, across=across, up="times the small ledger's", log_across=True),
        ),
        Picture(
            "Size of the database",
            "growth-size.svg",
            partial(plots.lines, size, across=across, up="MiB", log_across=True, log_up=True),
        ),
    ]


def _tables(store: str, points: Sequence[Point]) -> list[Table]:
    first = points[0]
    head = ("customers in the ledger", *(f"{point.customers:,}" for point in points))

    def row(name: str, values: Sequence[float], digits: int = 1) -> tuple[str, ...]:
        return (name, *(f"{value:,.{digits}f}" for value in values))

    costs = [
        row("work per event, ms", [p.work for p in points], 2),
        row("the same on a small ledger beside, ms", [median(c.work for c in p.beside) for p in points], 2),
        ("compared, run by run", *(p.growth.shown(2) for p in points)),
        row("of it web, ms", [median(c.web for c in p.costs) for p in points], 2),
        row("of it worker, ms", [median(c.worker for c in p.costs) for p in points], 2),
        *(
            [row("of it database, ms", [median(c.database or 0 for c in p.costs) for p in points], 2)]
            if first.costs[0].database is not None
            else []
        ),
        row("from the first to the last, ms per event", [median(c.wall for c in p.costs) for p in points]),
        row("memory of web, MiB", [p.web_mib for p in points], 0),
        row("memory of worker, MiB", [p.worker_mib for p in points], 0),
        row("database, MiB", [p.database_mib for p in points], 0),
        row("database, KiB per customer", [p.database_mib * 1024 / p.customers for p in points]),
        row("tasks that wait for a person", [p.failed for p in points], 0),
    ]
    return [
        Table(head, costs, f"Cost of an event on {store}"),
        Table(
            head,
            [row(f"{name}, ms", [p.starts_ms[name] for p in points], 0) for name in first.starts_ms],
            f"Starts and commands on {store}",
        ),
        Table(
            head,
            [row(f"{name}, ms", [p.statements_ms[name] for p in points], 2) for name in first.statements_ms],
            f"Statements on {store}",
        ),
    ]


def _goals(growth: Growth) -> list[Goal]:
    goals = []
    for store in growth.stores:
        points = growth.of(store)
        most = max(point.growth.median for point in points)
        reached = points[-1].customers
        goals.append(
            Goal(
                f"cost per event, up to {reached:,} customers, {store}",
                "the same within 20 %, to 1,000,000",
                f"{most - 1:+.0%} at most",
                most <= 1 + MOST_GROWTH if reached >= SIZES[-1] else None,
            )
        )
    return goals
