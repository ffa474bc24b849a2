"""The console over a large ledger: how long each page takes, and whether the receiver feels that somebody looks."""

from __future__ import annotations

import contextlib
import html
import itertools
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from sqlalchemy import func, select, update
from werkzeug.security import generate_password_hash

from bench.far_side import wait_until
from bench.figures import Spread, percentile, ratios
from bench.lab import Lab
from bench.load import Volley
from bench.many import moulds, multiply
from bench.report import Goal, Section, Table
from bench.stores import new_database
from bench.whole import LANES, Whole, whole_system
from bench.work import resident_mib
from ledger import tables as t
from ledger.rollups import Rollups
from ledger.search_index import SearchIndex
from sandbox.console import Visitor
from sandbox.system import DidNotStart

#: The design speaks of so many.
CUSTOMERS: Final = 100_000
ATTEMPTS: Final = 1_000_000
GOAL_MS: Final = 300
CONNECTIONS: Final = 64
#: So many people look at the console, each at a page every one or two seconds.
ONLOOKERS: Final = 4
_READING_S: Final = 1.5
_FIRST_ID: Final = 7_000_000_000_000
_FEW: Final = 100
_WHO: Final = "measurement"
_PATIENCE_S: Final = 600
#: Of the customers in a large ledger so many fail: one in.
_FAILED_ONE_IN: Final = 10

PAGES: Final[Mapping[str, str]] = {
    "overview": "/console/",
    "overview, last week": "/console/?span=week",
    "customers": "/console/customers",
    "customers, the page after": "",  # the link on the first page
    "customers, failed at the till": "/console/customers?lane=smaregi&state=failed",
    "customers by name": "",  # a name that a hundredth of all bear
    "customers by e-mail": "",
    "one customer": f"/console/customers/{_FIRST_ID + 1}",
    "failures": "/console/failures",
    "deliveries": "/console/deliveries",
    "alerts": "/console/alerts",
    "settings": "/console/settings",
    "audit": "/console/audit",
}


@dataclass(slots=True)
class Looked:
    """One store: each page's times in milliseconds, and what the receiver did alone and beside the onlookers."""

    store: str
    customers: int = 0
    attempts: int = 0
    indexed_s: float = 0.0
    pages_ms: dict[str, list[float]] = field(default_factory=dict)
    alone: list[Volley] = field(default_factory=list)
    beside: list[Volley] = field(default_factory=list)
    seen: int = 0
    memory_mib: float = 0.0


def measure(lab: Lab) -> Section:
    """A hundred thousand customers and a million attempts on each store; a twentieth in a quick run."""
    return section([_look(lab, store) for store in ("SQLite FULL", "PostgreSQL")])


def _look(lab: Lab, store: str) -> Looked:
    looked = Looked(store)
    password = secrets.token_urlsafe(12)
    settings = {
        "CONSOLE_PASSWORD_HASH": generate_password_hash(password),
        "SECRET_KEY": secrets.token_urlsafe(32),
        "WEB_PROCESSES": "1",  # on PostgreSQL, too: one process must bear both
    }
    name = f"console-{store[:6].lower()}"
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(new_database(lab.postgresql)) if store == "PostgreSQL" else None
        whole = stack.enter_context(whole_system(lab.room(name), url, settings))
        _fill(lab, looked, whole)
        with Visitor(whole.system.web_url) as visitor:
            visitor.sign_in(_WHO, password)
            paths = _paths(visitor, whole)
            for page, path in paths.items():
                lab.tell(f"console on {store}: {page}")
                looked.pages_ms[page] = [_ms(visitor, path) for _ in range(int(lab.choose(40, 8)))]
        looked.memory_mib = resident_mib(whole.web)
        _beside(lab, looked, whole, password, list(paths.values()))
    return looked


def _fill(lab: Lab, looked: Looked, whole: Whole) -> None:
    """A few through the real service, multiplied; some fail; then a worker counts them and makes them findable."""
    customers = int(lab.choose(CUSTOMERS, CUSTOMERS / 20))
    attempts = int(lab.choose(ATTEMPTS, ATTEMPTS / 20))
    lab.tell(f"console on {looked.store}: the first customers")
    whole.far_side.lift_limits()
    worker = whole.start_workers(1)[0]
    volley = lab.gun.fire(
        ("127.0.0.1", whole.system.web_port), connections=4, seconds=30, first_id=_FIRST_ID, most=_FEW
    )
    if volley.errors or not wait_until(whole.at_rest, 60, every_s=0.05):
        raise DidNotStart(f"the first customers did not arrive: {volley.errors}")
    worker.stop()
    lab.tell(f"console on {looked.store}: {customers:,} customers")
    database = whole.database
    casts = moulds(database, range(_FIRST_ID, _FIRST_ID + _FEW))
    multiply(database, casts, _FIRST_ID, range(_FEW, customers))
    with database.writing(loose=True) as c:
        there = int(c.execute(select(func.count()).select_from(t.attempts)).scalar() or 0)
        columns = ", ".join(column.name for column in t.attempts.c if column.name != "id")
        while there < attempts:
            lab.tell(f"console on {looked.store}: {there:,} attempts")
            more = c.exec_driver_sql(
                f"INSERT INTO attempts ({columns}) SELECT {columns} FROM attempts ORDER BY id LIMIT {attempts - there}"
            )
            there += more.rowcount
        failed = {"state": "failed", "kind": "smaregi.refused", "why": "an invented reason"}
        one_in = (t.tasks.c.lane == "smaregi", t.tasks.c.customer_id % _FAILED_ONE_IN == 0)
        c.execute(update(t.tasks).where(*one_in).values(**failed))
    if database.on_postgresql:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
            c.exec_driver_sql("VACUUM ANALYZE")
    looked.customers, looked.attempts = customers, there
    lab.tell(f"console on {looked.store}: a worker catches up")
    began = time.monotonic()
    worker = whole.start_workers(1)[0]
    if not wait_until(lambda: _caught_up(whole, there), _PATIENCE_S, every_s=0.5):
        raise DidNotStart(f"the worker did not catch up within {_PATIENCE_S} s; its log is {worker.log}")
    looked.indexed_s = time.monotonic() - began
    worker.stop()


def _caught_up(whole: Whole, attempts: int) -> bool:
    """Whether everything in the ledger is counted and can be found."""
    counted = sum(Rollups(whole.database).counts().attempts.values())
    return counted >= attempts and SearchIndex(whole.database, reads=LANES[0]).progress().full


def _paths(visitor: Visitor, whole: Whole) -> dict[str, str]:
    """Every page with its address; those that depend on what is there are read off the pages."""
    listed = visitor.look("/console/customers")
    with whole.database.reading() as c:
        person = c.execute(select(t.customers.c.state).where(t.customers.c.id == _FIRST_ID + 5)).scalar_one()
    older = re.search(r'href="(/console/customers\?[^"]*(?:before|after)[^"]*)"', listed)
    if older is None:
        raise DidNotStart("the list of customers has no next page")
    return {
        page: path
        or {
            "customers, the page after": html.unescape(older[1]),
            "customers by name": "/console/customers?q=" + quote(str(person["last_name"])),
            "customers by e-mail": "/console/customers?q=" + quote(str(person["email"])),
        }[page]
        for page, path in PAGES.items()
    }


def _ms(visitor: Visitor, path: str) -> float:
    began = time.perf_counter()
    visitor.look(path)
    return (time.perf_counter() - began) * 1000


def _beside(lab: Lab, looked: Looked, whole: Whole, password: str, paths: Sequence[str]) -> None:
    """The receiver alone and beside onlookers, in turns."""
    first_id = _FIRST_ID + 10_000_000
    for turn in range(int(lab.choose(5, 2))):
        for onlookers, volleys in ((0, looked.alone), (ONLOOKERS, looked.beside)):
            lab.tell(f"console on {looked.store}: receiving beside {onlookers} onlookers, run {turn + 1}")
            with _onlookers(onlookers, whole.system.web_url, password, paths) as pages:
                volleys.append(
                    lab.gun.fire(
                        ("127.0.0.1", whole.system.web_port),
                        connections=CONNECTIONS,
                        seconds=lab.choose(6, 2),
                        first_id=first_id,
                    )
                )
            looked.seen += len(pages)
            first_id += 1_000_000


@contextlib.contextmanager
def _onlookers(count: int, url: str, password: str, paths: Sequence[str]) -> Iterator[list[float]]:
    """So many people who go from page to page during the block; the times of the pages they saw."""
    stop = threading.Event()
    seen: list[float] = []

    def look(first: int) -> None:
        with Visitor(url) as visitor:
            visitor.sign_in(_WHO, password)
            ready.wait()
            for place in itertools.count(first):
                if stop.wait(_READING_S):  # who reads a page does so for a moment at least
                    return
                seen.append(_ms(visitor, paths[place % len(paths)]))

    ready = threading.Barrier(count + 1)
    threads = [threading.Thread(target=look, args=(i * 3,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    ready.wait(30)
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def section(found: Sequence[Looked]) -> Section:
    """What the onlookers waited for, and what the receiver felt of them."""
    first = found[0]
    words = (
        f"{first.customers:,} customers with {first.attempts:,} attempts in the ledger, one in {_FAILED_ONE_IN} failed "
        "at the till. A few went through the real service and were multiplied; then a worker counted them all and made "
        "them findable. Each page is asked for over HTTP, whole, by one who is logged in, and timed from the request "
        f"to the last byte. Then {ONLOOKERS} people go from page to page, reading each for a moment, while deliveries "
        f"come over {CONNECTIONS} connections as fast as they are answered, in turns with the same without onlookers. "
        "One web process on both stores."
    )
    pages = Table(
        ("page", *(f"{f.store} {what}" for f in found for what in ("p50 ms", "p95 ms", "max ms"))),
        [
            (page, *(f"{percentile(f.pages_ms[page], share):,.0f}" for f in found for share in (0.5, 0.95, 1)))
            for page in first.pages_ms
        ],
        "Each page",
    )
    receiver = Table(
        ("", "answers/s alone", "beside onlookers", "ratio", "p99 ms alone", "p99 ms beside", "errors", "pages seen"),
        [
            (
                f.store,
                f"{percentile([v.per_second for v in f.alone], 0.5):,.0f}",
                f"{percentile([v.per_second for v in f.beside], 0.5):,.0f}",
                _ratio(f).shown(2),
                f"{percentile([v.at(0.99) for v in f.alone], 0.5):,.0f}",
                f"{percentile([v.at(0.99) for v in f.beside], 0.5):,.0f}",
                str(sum(sum(v.errors.values()) for v in (*f.alone, *f.beside))),
                str(f.seen),
            )
            for f in found
        ],
        "The receiver",
    )
    beside = Table(
        ("", "counted and findable after, s", "memory of web, MiB"),
        [(f.store, f"{f.indexed_s:,.0f}", f"{f.memory_mib:,.0f}") for f in found],
    )
    goals = [
        Goal(
            f"the slowest console page, {f.store}",
            f"< {GOAL_MS} ms",
            f"{max(max(times) for times in f.pages_ms.values()):,.0f} ms",
            max(max(times) for times in f.pages_ms.values()) < GOAL_MS,
        )
        for f in found
    ] + [
        Goal(
            f"the receiver beside {ONLOOKERS} onlookers, {f.store}",
            "≥ 0.9 of alone",
            _ratio(f).shown(2),
            _ratio(f).median >= 0.9,
        )
        for f in found
    ]
    return Section("The console", words, [pages, receiver, beside], goals)


def _ratio(looked: Looked) -> Spread:
    return ratios([v.per_second for v in looked.beside], [v.per_second for v in looked.alone])
