"""`flask demo`: the whole flow on this machine, shown as it happens, for people who have two minutes and no account.

Registers a handful of invented Japanese customers in the sandbox's shop, follows each to the member and the contact,
looks at the far side whether they really stand there, and stays up for whoever wants to try it by hand.
"""

from __future__ import annotations

import errno
import os
import queue
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import requests
from rich.console import Console
from rich.text import Text

from sandbox.console import NotLetIn, Visitor
from sandbox.demo_crowd import COUNT, Crowd
from sandbox.demo_ending import Ending
from sandbox.demo_far_side import NOTHING, FarSide, what_is_amiss
from sandbox.demo_journey import Journeys
from sandbox.demo_people import Guest, guests
from sandbox.demo_screen import Screen, screen_for
from sandbox.demo_stage import PASSWORD, Stage, StageFailed
from sandbox.demo_view import Row, name_of, row_ahead, row_of
from sandbox.system import ROOT

FOLDER: Final = ROOT / "var" / "demo"
TIME_LIMIT_S: Final = 60.0
_BEAT_S: Final = 0.1
_GAP_S: Final = 0.4
"""Between one registration and the next, so that each can be followed."""


class _Ended(Exception):
    """Somebody asked for the end."""


class _NotArrived(Exception):
    """Not everybody stands where they should; the lines say who, where and why."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def run(*, once: bool, port: int, sandbox_port: int, settings: Mapping[str, str]) -> int:
    """Play the demo; the exit code: 0 when all have arrived, 1 when not, 128 + n when signal n came before that."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal of another encoding still shows all the rest
    console = Console(highlight=False)
    screen = screen_for(console)
    with Ending() as ending:
        try:
            with Stage(FOLDER, port=port, sandbox_port=sandbox_port, settings=settings) as stage:
                ending.hurry = stage.kill
                demo = _Demo(stage, screen, ending, settings)
                try:
                    demo.play(once=once, ports=(port, sandbox_port))
                finally:
                    demo.crowd.stop()
                    screen.settle([])
                    if ending.asked:
                        screen.say("  ending: the worker finishes what it has in hand")
        except _Ended:
            return 0 if demo.have_all_arrived else 128 + (ending.asked or signal.SIGTERM)
        except (StageFailed, _NotArrived) as e:
            _explain(screen, e, stage.folder)
            return 1
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            ending.lose_terminal()  # its window was closed; the processes have been ended above
            return 128 + signal.SIGHUP
    return 0


class _Demo:
    """One play: it starts, knocks, lets people register, follows them, looks, and stays."""

    def __init__(self, stage: Stage, screen: Screen, ending: Ending, settings: Mapping[str, str]) -> None:
        self.have_all_arrived = False
        self._stage = stage
        self._screen = screen
        self._ending = ending
        self._guests = guests(settings)
        self._far = FarSide(stage.sandbox.url)
        self.crowd = Crowd(stage.sandbox.url)
        self._journeys = Journeys()
        self._records = NOTHING
        self._ids: dict[Guest, int] = {}
        self._deadline = time.monotonic() + TIME_LIMIT_S

    def play(self, *, once: bool, ports: tuple[int, int]) -> None:
        """All of it. Raises ``StageFailed``, ``_NotArrived`` or ``_Ended``."""
        self._start(ports)
        self._register()
        self._follow()
        self._look_at_the_console()
        self._tell_where_to_look(once=once)
        if not once:
            self.crowd.start()
            self._stay()

    # -- start ----------------------------------------------------------------------------------------------------

    def _start(self, ports: tuple[int, int]) -> None:
        stage, system = self._stage, self._stage.system
        self._screen.say(Text("\n  customer-sync demo", style="bold"))
        self._screen.say(Text("  everybody is invented, and nothing leaves this machine\n", style="dim"))
        for what, wished, got in (("web door", ports[0], system.web_port), ("shop", ports[1], _port(stage))):
            if wished not in {0, got}:
                self._screen.say(f"  port {wished} is taken, so the {what} is at {got}")
        for guest in self._guests:
            if guest.known_member:
                self._far.seed([guest.known_member])
        self.crowd.seed()
        self._ready("sandbox", f"Shopify, Smaregi, HubSpot and a mail server at {stage.sandbox.url}")
        shown = 0
        while not (stage.is_up and self._journeys.are_lanes_settled):
            self._turn("starting the ledger, the web door and the worker …")
            for name in stage.ready[shown:]:
                shown += 1
                self._ready(name, self._detail(name))
            self._stop_if_lane_refused()
            if time.monotonic() > self._deadline:
                waiting = [f"{n}: {lane.why or lane.state}" for n, lane in self._journeys.lanes.items()]
                raise StageFailed(f"not ready within {TIME_LIMIT_S:g} s ({'; '.join(waiting)})")
        lanes = [n if lane.state == "ready" else f"{n} is off ({lane.why})" for n, lane in self._journeys.lanes.items()]
        self._ready("lanes", ", ".join(lanes))
        self._screen.settle([])
        self._screen.say()

    def _detail(self, name: str) -> str:
        system = self._stage.system
        address = system.env["DATABASE_URL"]
        ledger = _from_here(system.folder / "customer-sync.db") if address == system.database_url else "DATABASE_URL"
        return {"ledger": f"a fresh database, {ledger}", "web door": system.webhook_url}.get(name, "one process")

    def _ready(self, name: str, detail: str) -> None:
        self._screen.say(Text.assemble("  ", ("●", "green"), f" {name:10} ", (detail, "dim")))

    def _stop_if_lane_refused(self) -> None:
        for name, lane in self._journeys.lanes.items():
            if lane.state == "stopped":
                raise _NotArrived([f"nobody: the {name} lane is stopped: {lane.why}"])

    # -- register and follow ----------------------------------------------------------------------------------------

    def _register(self) -> None:
        """Let them come one after the other, and change those who change."""
        self._deadline = time.monotonic() + TIME_LIMIT_S
        self._far.send_test_notification()  # the first delivery is a process's slowest, and is nobody's
        self._pause(_GAP_S)
        for guest in self._guests:
            self._ids[guest] = self._far.register(guest)
            self._records = self._far.records()
            self._pause(_GAP_S)
        for guest, number in self._ids.items():
            for change in guest.arrival.updates:
                self._far.change(number, change)
                self._pause(_GAP_S)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._turn("they register in the shop …", self._handful())

    def _follow(self) -> None:
        """Wait until everybody has arrived, and believe only what stands at the far side."""
        while missing := self._missing():
            self._turn(f"{len(self._ids) - len(missing)} of {len(self._ids)} have arrived …", self._handful())
            self._stop_if_lane_refused()
            gone_wrong = [guest for guest in missing if self._has_failed(guest)]
            if gone_wrong or time.monotonic() > self._deadline:
                self._screen.settle(list(self._handful()))
                raise _NotArrived([self._why(guest, missing[guest]) for guest in gone_wrong or missing])
        self.have_all_arrived = True
        self._screen.settle(list(self._handful()))

    def _look_at_the_console(self) -> None:
        """Whether ops would see the same: every one of the handful has a page there."""
        try:
            with Visitor(self._stage.system.web_url) as visitor:
                visitor.sign_in("demo", PASSWORD)
                visitor.look("/console/")
                pages = {number: visitor.look(f"/console/customers/{number}") for number in self._ids.values()}
        except (NotLetIn, requests.RequestException) as e:
            raise _NotArrived([f"console: {e}"]) from None
        if nameless := [number for number, page in pages.items() if str(number) not in page]:
            raise _NotArrived([f"console: the page of {number} does not name them" for number in nameless])

    def _missing(self) -> dict[Guest, list[str]]:
        """Who has not arrived, each with what stands in the way."""
        missing: dict[Guest, list[str]] = {}
        for guest, number in self._ids.items():
            journey = self._journeys.of.get(number)
            came = len(journey.answered_ms) if journey else 0
            if came < guest.webhooks:
                missing[guest] = [f"{came} of {guest.webhooks} webhooks have been delivered"]
            elif journey and not journey.is_at_rest(self._journeys.lanes):
                missing[guest] = list(self._waiting(number))
        if missing:
            return missing
        self._records = self._far.records()
        amiss = {g: what_is_amiss(g, number, self._records, self._lanes_off) for g, number in self._ids.items()}
        return {guest: lines for guest, lines in amiss.items() if lines}

    def _waiting(self, number: int) -> Iterator[str]:
        journey = self._journeys.of[number]
        for name, lane in self._journeys.lanes.items():
            last = journey.last(name)
            if lane.state != "off" and (last is None or last.outcome != "done"):
                yield f"{name}: {last.why if last else 'not carried yet'}"

    def _has_failed(self, guest: Guest) -> bool:
        """Whether a lane has given this guest up, so that only a person could help."""
        journey = self._journeys.of.get(self._ids[guest])
        last = [journey.last(name) for name in self._journeys.lanes] if journey else []
        return any(one is not None and one.outcome == "failed" for one in last)

    def _why(self, guest: Guest, lines: Sequence[str]) -> str:
        number = self._ids[guest]
        sent = [one for one in self._far.deliveries(number) if one["state"] != "delivered"]
        lines = [*lines, *(f"webhook {one['state']}: {one['status'] or one['error']}" for one in sent)]
        return f"{name_of(self._records.customers[number])} ({guest.what}, {number}): {'; '.join(lines)}"

    @property
    def _lanes_off(self) -> frozenset[str]:
        return frozenset(name for name, lane in self._journeys.lanes.items() if lane.state == "off")

    def _handful(self) -> Iterator[Row]:
        for guest in self._guests:
            number = self._ids.get(guest)
            if number is None:
                person = guest.arrival.person
                yield row_ahead(name_of({"last_name": person.last_name, "first_name": person.first_name}), guest.what)
            else:
                yield self._row(number, guest.what)

    def _row(self, number: int, what: str) -> Row:
        return row_of(self._journeys.journey(number), what, self._records, self._journeys.lanes)

    # -- stay -------------------------------------------------------------------------------------------------------

    def _tell_where_to_look(self, *, once: bool) -> None:
        ids, records, off = self._ids.values(), self._records, self._lanes_off
        counts = [f"{len(self._ids)} customers"]
        if "smaregi" not in off:
            counts.append(f"{sum(len(records.members_of(number)) for number in ids)} members")
        if "hubspot" not in off:
            counts.append(f"{sum(len(records.contacts_of(number)) for number in ids)} contacts")
        if "mail" not in off:
            counts.append(f"{sum(len(records.mails_to(number)) for number in ids)} welcome mails")
        said = f"checked at the far side: {', '.join(counts)}, all up to date"
        self._screen.say(Text.assemble("\n  ", ("✓", "bold green"), f" {said}\n"))
        box, env = self._stage.sandbox.url, _from_here(self._stage.write_settings())
        flask = f"{_from_here(Path(sys.executable).with_name('flask'))} -e {env}"
        if not once:
            web = self._stage.system.web_url
            self._point("console", f"{web}/console/", f'sign in with any name and the password "{PASSWORD}"')
            self._point("register", f"{box}/", "by hand; it is shown below")
            self._point("people", f"{box}/people", "the three systems side by side")
            self._point("mails", f"{box}/mails", "what they were sent")
            self._point("control", f"{box}/sandbox/records", "and /calls, /deliveries")
            down = """-H 'Content-Type: application/json' -d '{"system": "smaregi", "kind": "status"}'"""
            self._point("outage", f"curl {down} {box}/sandbox/faults")
            self._point("mend", f"curl -X DELETE {box}/sandbox/faults")
        self._point("status", f"{flask} status")
        self._point("story", f"{flask} show {next(iter(ids))}")
        self._point("logs", f"{_from_here(self._stage.folder)}/web.log, worker.log, sandbox.log")

    def _point(self, name: str, where: str, what: str = "") -> None:
        self._screen.say(Text.assemble("  ", (f"{name:10}", "dim"), where, (f"   {what}" if what else "", "dim")))

    def _stay(self) -> None:
        """Show whoever else comes, until somebody asks for the end."""
        self._screen.say()
        told = {number: len(self._journeys.of[number].answered_ms) for number in self._ids.values()}
        whats = {number: guest.what for guest, number in self._ids.items()}
        while True:
            crowd = set(self.crowd.ids)  # they are for the console to show
            journeys = {n: journey for n, journey in self._journeys.of.items() if n not in crowd}
            news = [n for n, journey in journeys.items() if len(journey.answered_ms) > told.get(n, 0)]
            rows = [self._row(number, whats.get(number, "by hand")) for number in news]
            arrived = [n for n in news if self._journeys.of[n].is_at_rest(self._journeys.lanes)]
            if arrived:
                self._records = self._far.records()
                self._screen.settle([self._row(number, whats.get(number, "by hand")) for number in arrived])
                self._screen.say()
                told |= {number: len(self._journeys.of[number].answered_ms) for number in arrived}
                continue
            come = len(self.crowd.ids)
            more = (
                f"{come} of {COUNT} more register by themselves: see the console"
                if come < COUNT
                else "waiting for more"
            )
            self._turn(f"{more}; Ctrl-C ends the demo", rows)

    # -- the beat ---------------------------------------------------------------------------------------------------

    def _turn(self, status: str, rows: Iterator[Row] | Sequence[Row] = ()) -> None:
        """Hear what there is to hear, for a tenth of a second at most, and show it."""
        if self._ending.asked:
            raise _Ended
        self._stage.check()
        if self._hear():
            self._records = self._far.records()
        self._screen.show(list(rows), status)

    def _hear(self) -> bool:
        """Take in the lines that have come; whether there were any."""
        wait: float | None = _BEAT_S
        heard = False
        while True:
            try:
                line = self._stage.heard.get(timeout=wait) if wait else self._stage.heard.get_nowait()
            except queue.Empty:
                return heard
            self._journeys.hear(line)
            heard, wait = True, None


def _explain(screen: Screen, error: StageFailed | _NotArrived, folder: Path) -> None:
    if isinstance(error, StageFailed):
        screen.say(Text.assemble("\n  ", ("×", "bold red"), f" {error}"))
        for line in error.tail.splitlines():
            screen.say(Text(f"    {line}", style="dim"))
    else:
        screen.say(Text.assemble("\n  ", ("×", "bold red"), " not all have arrived:"))
        for line in error.lines:
            screen.say(f"    {line}")
    screen.say(f"  the logs lie in {_from_here(folder)}/: web.log, worker.log, sandbox.log")


def _port(stage: Stage) -> int:
    return int(stage.sandbox.url.rpartition(":")[2])


def _from_here(path: Path) -> str:
    """The path as one would type it in this folder."""
    near = os.path.relpath(path)
    return near if not near.startswith("..") else str(path)
