"""The plan of a chaos run: the same for the same seed, everywhere, and with every fault in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from chaos.__main__ import main
from chaos.entry import MovedClock
from chaos.people import deeds
from chaos.plan import SYSTEMS, WEBS, WORKERS, Store, plan

EVERYWHERE = {
    *("kill", "pause", "pause_kill", "pause_dead", "lost", "half", "refused", "hang", "late", "slow", "limited"),
    *("broken", "revoked", "clock", "locked", "reordered", "trickle", "down"),
}


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_seed_is_the_same_plan_each_time(store: Store) -> None:
    assert plan(7, 60, store) == plan(7, 60, store)
    assert plan(7, 60, store) != plan(8, 60, store)


def test_both_stores_have_the_same_customers() -> None:
    assert plan(3, 60, "sqlite").deeds == plan(3, 60, "postgresql").deeds


@pytest.mark.parametrize(
    ("store", "its_own"), [("sqlite", {"disk_full"}), ("postgresql", {"store_restart", "store_kill"})]
)
def test_a_long_run_meets_every_fault(store: Store, its_own: set[str]) -> None:
    assert {fault.kind for fault in plan(1, 600, store).faults} == EVERYWHERE | its_own


@pytest.mark.parametrize("seed", range(20))
def test_faults_come_in_order_while_the_run_lasts_and_strike_what_is_there(seed: int) -> None:
    made = plan(seed, 60, "sqlite")
    assert all(0 <= fault.at < 60 for fault in made.faults)
    assert all(one.at <= other.at for one, other in pairwise(made.faults))
    assert {fault.target for fault in made.faults} <= {*WEBS, *WORKERS, *SYSTEMS, "store", "sender", "web"}
    (away,) = [fault for fault in made.faults if fault.kind == "down"]
    assert away.seconds >= 20


@pytest.mark.parametrize("seed", range(20))
def test_nobody_does_anything_before_signing_up_or_after_the_end(seed: int) -> None:
    there = set()
    for deed in deeds(seed, 60):
        assert 0 <= deed.at <= 60
        if deed.what == "register":
            there.add(deed.number)
        assert deed.number in there


def test_every_address_tells_which_state_of_the_customer_it_belongs_to() -> None:
    marks: dict[int, int] = {}
    for deed in deeds(5, 60):
        if deed.what in ("register", "change"):
            mark = marks.get(deed.number, 0) + 1
            assert deed.fields["addresses"][0]["address2"] == f"控え{mark}号"
            marks[deed.number] = mark


def test_everything_that_customers_do_comes_up() -> None:
    done = deeds(1, 600)
    assert {deed.what for deed in done} == {"register", "change", "save", "resend", "return", "opt_out", "resync"}
    assert {name for deed in done for name in deed.send} == {"copies", "twins", "delay"}
    assert any(deed.member for deed in done)
    assert {deed.refuses for deed in done if deed.member} == {True, False}
    assert not any(deed.refuses for deed in done if not deed.member)


def test_a_plan_is_shown_with_the_command_that_plays_it() -> None:
    shown = CliRunner().invoke(main, ["--seed", "4", "--seconds", "20", "--store", "sqlite", "--plan"])
    assert shown.exit_code == 0
    assert "make chaos ARGS='--seed 4 --seconds 20 --store sqlite'" in shown.output
    assert "down" in shown.output


def test_a_moved_clock_follows_its_file_and_is_right_without_one(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    right = MovedClock(path)
    assert abs(right() - datetime.now(UTC)) < timedelta(seconds=5)
    path.write_text("-600")
    assert abs(MovedClock(path)() - datetime.now(UTC) + timedelta(minutes=10)) < timedelta(seconds=5)
