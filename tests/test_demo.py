"""`flask demo`: what it tells of each customer, how it draws it, and the whole of it as one runs it."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.cells import cell_len
from rich.console import Console

from sandbox.demo_ending import Ending
from sandbox.demo_far_side import Records, what_is_amiss
from sandbox.demo_journey import Journeys
from sandbox.demo_people import POINTS, Guest, guests
from sandbox.demo_picture import draw
from sandbox.demo_screen import Lines
from sandbox.demo_view import Row, Station, row_ahead, row_of

ROOT = Path(__file__).resolve().parent.parent
ID = 6995325558001


def received(at: str, revision: int, verdict: str = "changed", ms: float = 5.0) -> dict[str, Any]:
    return {
        "event": "received",
        "customer_id": ID,
        "verdict": verdict,
        "revision": revision,
        "duration_ms": ms,
        "timestamp": f"2026-11-22T05:00:{at}Z",
    }


def carried(lane: str, revision: int, did: str | None = "created", **more: Any) -> dict[str, Any]:
    line = {"outcome": "done", "why": None, "duration_ms": 40.0, "corrections": [], **more}
    return {"event": "carried", "customer_id": ID, "lane": lane, "revision": revision, "did": did, **line}


def completed(at: str, total_ms: float, outcome: str = "done") -> dict[str, Any]:
    at = f"2026-11-22T05:00:{at}Z"
    return {"event": "completed", "customer_id": ID, "outcome": outcome, "total_ms": total_ms, "timestamp": at}


def heard(*lines: Mapping[str, Any]) -> Journeys:
    journeys = Journeys()
    for line in lines:
        journeys.hear(line)
    return journeys


NEW = [
    received("01.000", 1),
    carried("shopify", 1, "read"),
    carried("smaregi", 2),
    carried("hubspot", 2),
    completed("01.300", 300),
]
CHANGED = [*NEW, received("02.000", 3), carried("smaregi", 3, "updated"), carried("hubspot", 3, "updated")]


# What the log lines say


def test_a_new_customer_is_at_rest_when_both_destinations_have_it() -> None:
    for count in range(len(NEW)):
        journeys = heard(*NEW[:count])
        assert not journeys.journey(ID).is_at_rest(journeys.lanes)
    journeys = heard(*NEW)
    assert journeys.journey(ID).is_at_rest(journeys.lanes)
    assert journeys.journey(ID).totals_ms == (300,)


def test_a_change_is_at_rest_only_when_its_own_revision_has_been_carried() -> None:
    journeys = heard(*NEW, received("02.000", 3))
    assert not journeys.journey(ID).is_at_rest(journeys.lanes)
    journeys = heard(*CHANGED, completed("02.080", 80))
    assert journeys.journey(ID).is_at_rest(journeys.lanes)
    assert journeys.journey(ID).totals_ms == (300, 80)


def test_the_order_in_which_processes_are_heard_does_not_matter() -> None:
    web = [line for line in [*CHANGED, completed("02.080", 80)] if line["event"] == "received"]
    worker = [line for line in [*CHANGED, completed("02.080", 80)] if line["event"] != "received"]
    for seed in range(20):
        dice, ways = random.Random(seed), [list(web), list(worker)]
        lines = []
        while any(ways):
            lines.append(dice.choice([way for way in ways if way]).pop(0))
        journeys = heard(*lines)
        assert journeys.journey(ID).is_at_rest(journeys.lanes)
        assert journeys.journey(ID).totals_ms == (300, 80)


def test_who_registers_is_at_rest_when_the_mail_is_sent_too_and_a_change_waits_for_none() -> None:
    new = [{**NEW[0], "topic": "customers/create"}, *NEW[1:]]
    journeys = heard(*new)
    assert not journeys.journey(ID).is_at_rest(journeys.lanes)
    journeys = heard(*new, carried("mail", 2, "sent"), *CHANGED[len(NEW) :], completed("02.080", 80))
    assert journeys.journey(ID).is_at_rest(journeys.lanes)
    journeys = heard({"event": "lane off", "lane": "mail"}, *new)
    assert journeys.journey(ID).is_at_rest(journeys.lanes)


def test_a_save_that_changes_nothing_waits_for_no_destination() -> None:
    journeys = heard(*NEW, received("09.000", 2, verdict="unchanged"))
    assert journeys.journey(ID).is_at_rest(journeys.lanes)


def test_a_lane_that_is_off_is_not_waited_for() -> None:
    off = {"event": "lane off", "lane": "hubspot", "why": "ENABLE_CRM_SYNC is false"}
    journeys = heard(off, received("01.000", 1), carried("smaregi", 1), completed("01.100", 100))
    assert journeys.journey(ID).is_at_rest(journeys.lanes)


def test_a_customer_who_waits_for_a_person_is_not_all_done() -> None:
    failed = carried("smaregi", 2, None, outcome="failed", why="two members have this e-mail")
    journeys = heard(NEW[0], NEW[3], failed, completed("01.300", 300, outcome="failed"))
    assert not journeys.journey(ID).is_at_rest(journeys.lanes)
    assert journeys.journey(ID).totals_ms == ()
    row = row_of(journeys.journey(ID), "new", RECORDS, journeys.lanes)
    assert row.stations[1].state == "failed"
    assert row.troubles == ("smaregi: two members have this e-mail",)


def test_lanes_are_settled_when_each_is_ready_or_off() -> None:
    started = {"event": "started", "worker": "worker", "lanes": ["smaregi", "hubspot"]}
    journeys = heard(started, {"event": "lane ready", "lane": "smaregi"})
    assert (journeys.lanes["shopify"].state, journeys.are_lanes_settled) == ("off", False)
    journeys.hear({"event": "lane stopped", "lane": "hubspot", "why": "the key was rotated"})
    assert (journeys.lanes["hubspot"].why, journeys.are_lanes_settled) == ("the key was rotated", False)
    journeys.hear({"event": "lane ready", "lane": "hubspot"})
    assert journeys.are_lanes_settled


# What stands at the far side

CUSTOMER = {
    "id": ID,
    "last_name": "長谷川",
    "first_name": "ひろみ",
    "email": "Hiromi.Hasegawa@example.jp",
    "phone": "+819000009003",
    "metafields": {"custom.last_name_kana": "ﾊｾｶﾞﾜ", "custom.first_name_kana": "ﾋﾛﾐ"},
    "default_address": {"zip": "〒６０４ー８００５", "phone": "+81 90 0000 9003"},
}
MEMBER = {
    "customerNo": str(ID),
    "customerCode": "CARD00012345",
    "lastKana": "ハセガワ",
    "firstKana": "ヒロミ",
    "postCode": "604-8005",
    "phoneNumber": "090-0000-9003",
    "mailAddress": "hiromi.hasegawa@example.jp",
    "point": POINTS,
}
CONTACT = {"id": "503", "properties": {"shopify_customer_id": str(ID), "email": "hiromi.hasegawa@example.jp"}}
RECORDS = Records({ID: CUSTOMER}, (MEMBER,), (CONTACT,))
NO_MAILS = frozenset({"mail"})


def guest(member: Mapping[str, str] | None = None) -> Guest:
    return Guest("half-width kana", guests({})[2].arrival, member or {"lastKana": "ハセガワ"})


def test_one_member_and_one_contact_in_the_newest_state_is_all_that_is_asked() -> None:
    assert what_is_amiss(guest(), ID, RECORDS, NO_MAILS) == []


@pytest.mark.parametrize(
    ("records", "amiss"),
    [
        (Records({ID: CUSTOMER}, (), (CONTACT,)), ["smaregi: no members instead of one"]),
        (Records({ID: CUSTOMER}, (MEMBER,), (CONTACT, CONTACT)), ["hubspot: 2 contacts instead of one"]),
        (
            Records({ID: CUSTOMER}, (MEMBER, {**MEMBER, "customerNo": None, "customerCode": "OTHER"}), (CONTACT,)),
            ["smaregi: 2 members instead of one"],
        ),
        (
            Records({ID: CUSTOMER}, ({**MEMBER, "lastKana": "古い"},), (CONTACT,)),
            ["smaregi: lastKana is 古い instead of ハセガワ"],
        ),
        (
            Records({ID: CUSTOMER}, ({**MEMBER, "customerNo": "7"},), (CONTACT,)),
            [f"smaregi: customerNo is 7 instead of {ID}"],
        ),
    ],
    ids=["missing", "doubled", "doubled by e-mail alone", "old state", "not linked"],
)
def test_whoever_is_missing_doubled_or_out_of_date_is_named(records: Records, amiss: list[str]) -> None:
    assert what_is_amiss(guest(), ID, records, NO_MAILS) == amiss


def test_a_far_side_that_is_off_is_not_looked_at() -> None:
    assert what_is_amiss(guest(), ID, Records({ID: CUSTOMER}, (MEMBER,)), NO_MAILS | {"hubspot"}) == []


@pytest.mark.parametrize(
    ("texts", "amiss"),
    [
        (["会員番号: CARD00012345"], []),
        ([], ["mail: no mails instead of one"]),
        (["CARD00012345", "CARD00012345"], ["mail: 2 mails instead of one"]),
        (["会員番号: 7"], ["mail: the code that the till scans does not stand in it"]),
    ],
)
def test_each_has_one_mail_with_the_code_that_the_till_scans(texts: list[str], amiss: list[str]) -> None:
    mails = tuple({"to": ["hiromi.hasegawa@example.jp"], "text": text} for text in texts)
    there = Records({ID: CUSTOMER}, (MEMBER,), (CONTACT,), mails)
    assert what_is_amiss(guest(), ID, there, frozenset()) == amiss


def test_the_card_in_the_purse_keeps_working_unless_the_setting_says_otherwise() -> None:
    assert guests({})[1].member["customerCode"] == "CARD00012345"
    assert guests({"SMAREGI_MATCHED_MEMBER": "replace_code"})[1].member["customerCode"] == "{id}"


# How it is shown


def shown(*lines: Mapping[str, Any]) -> Row:
    journeys = heard(*lines)
    return row_of(journeys.journey(ID), "half-width kana, +81", RECORDS, journeys.lanes)


def test_a_row_tells_numbers_times_and_what_each_value_became() -> None:
    corrections = ["lastKana:widened", "firstKana:widened", "postCode:reformatted", "phoneNumber:reformatted"]
    row = shown(NEW[0], carried("smaregi", 2, "linked", corrections=corrections), NEW[3], NEW[4])
    assert row.stations == (
        Station("done", "5 ms"),
        Station("done", "linked 40 ms", (f"no. {ID}", "code CARD00012345")),
        Station("done", "created 40 ms", ("id 503",)),
    )
    assert row.notes == (
        "ﾊｾｶﾞﾜ ﾋﾛﾐ → ハセガワ ヒロミ",
        "〒６０４ー８００５ → 604-8005",
        "+81 90 0000 9003 → 090-0000-9003",
    )
    assert row.totals == ("300 ms",)


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_every_line_fits_the_terminal_and_the_columns_stand_below_each_other(width: int) -> None:
    waiting = carried("smaregi", 1, None, outcome="retry", why="Smaregi could not create a member (HTTP 503) " * 4)
    rows = [
        row_ahead("（名前なし）", "no name"),
        shown(*CHANGED, completed("02.080", 12_345)),
        shown(NEW[0], waiting),
        row_ahead("とても長い名前のひと" * 4, "with a description that is far too long for its column"),
    ]
    lines = draw(rows, "", width, 50, are_columns_named=True).plain.splitlines()
    assert max(cell_len(line) for line in lines) <= width
    starts = [
        [cell_len(line[:at]) for at, one in enumerate(line) if one in "○●◐"]
        for line in lines
        if any(one in line for one in "○●◐")
    ]
    assert len(starts) == 4
    assert all(start == starts[0] and len(start) == 3 for start in starts)


def test_a_log_gets_each_fact_once() -> None:
    said = io.StringIO()
    screen = Lines(Console(file=said, width=80))
    for count in range(1, len(CHANGED) + 1):
        screen.show([shown(*CHANGED[:count])], "waiting")
    screen.settle([shown(*CHANGED)])
    facts = [line.partition("): ")[2] for line in said.getvalue().splitlines()]
    assert len(facts) == len(set(facts))
    assert f"member created in 40 ms: no. {ID}, code CARD00012345" in facts
    assert "all done 300 ms after the delivery" in facts


def test_asking_twice_for_the_end_hurries_it() -> None:
    hurried: list[bool] = []
    before = signal.getsignal(signal.SIGTERM)
    with Ending() as ending:
        ending.hurry = lambda: hurried.append(True)
        signal.raise_signal(signal.SIGTERM)
        assert (ending.asked, hurried) == (signal.SIGTERM, [])
        signal.raise_signal(signal.SIGINT)
        assert (ending.asked, hurried) == (signal.SIGTERM, [True])
    assert signal.getsignal(signal.SIGTERM) is before


# The whole of it


def demo(*options: str) -> tuple[int, str]:
    """Run it to its end on free ports; the exit code and what it said."""
    command = [sys.executable, "-m", "flask", "demo", "--once", "--port", "0", "--sandbox-port", "0", *options]
    env = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=150, check=False
    )
    return done.returncode, done.stdout.decode()


def assert_all_in(parts: Iterable[str], text: str) -> None:
    assert [part for part in parts if part not in text] == [], text


def test_once_ends_well_when_all_five_have_arrived() -> None:
    code, said = demo()
    assert code == 0, said
    assert_all_in(
        [
            "見本 花子 (new): webhook 1 answered in",
            "例 一郎 (already a member): member linked in",
            "code CARD00012345",
            "ﾊｾｶﾞﾜ ﾋﾛﾐ → ハセガワ ヒロミ",
            "再改 翔太 (changed twice): all done",
            "（名前なし） (no name): contact created in",
            "5 customers, 5 members, 5 contacts, 5 welcome mails, all up to date",
        ],
        said,
    )


def test_once_ends_with_the_reason_when_a_far_side_refuses() -> None:
    code, said = demo("--set", "HUBSPOT_ACCESS_TOKEN=pat-na1-rotated")
    assert code == 1, said
    assert_all_in(["the hubspot lane is stopped", "HUBSPOT_ACCESS_TOKEN", "worker.log"], said)
    assert "Traceback" not in said


def test_nothing_is_left_running_when_its_terminal_is_closed() -> None:
    # Under nohup, and in some CIs, SIGHUP is ignored, and a child inherits that; at a terminal it is not.
    at_a_terminal = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execv(sys.executable, "
    at_a_terminal += "[sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-c", at_a_terminal, "-m", "flask", "demo", "--port", "0", "--sandbox-port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if b"web door" in line:
                break
        children = psutil.Process(running.pid).children(recursive=True)
        assert len(children) >= 3  # the worker, and gunicorn with its own
        running.send_signal(signal.SIGHUP)
        rest = running.stdout.read()
        assert running.wait(60) == 128 + signal.SIGHUP
    assert [child for child in children if child.is_running()] == []
    assert b"Traceback" not in rest
