"""Beside another build: what counts as a change, what the page keeps, and what is said of a folder that is no build."""

from __future__ import annotations

import math
from pathlib import Path

import click
import pytest

from bench.__main__ import BESIDE, PARTS, _parts, measurements
from bench.beside import Pairs, index_ages_s
from bench.far_side import Call
from bench.report import Section, Table, beside_page, beside_part, page
from sandbox.system import Checkout, DidNotStart

MACHINE = Table(("", ""), [("date", "2026-11-28")])
FOUND = Section("Beside the other build: flow", "words", [Table(("figure", "ratio"), [("p95", "1.00")])])


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([100, 104], [100, 100], "the same"),
        ([105, 105], [100, 100], "the same"),
        ([106, 106], [100, 100], "more"),
        ([94, 94], [100, 100], "less"),
        # The machine was slow in the second turn, for both.
        ([100, 300, 100], [100, 300, 100], "the same"),
    ],
)
def test_a_change_counts_above_five_percent_turn_by_turn(ours: list[float], theirs: list[float], verdict: str) -> None:
    assert Pairs("p95", "ms", ours, theirs).verdict == verdict


def test_a_row_names_both_medians_and_the_ratio_with_its_range() -> None:
    row = Pairs("p95", "ms", [90, 100, 120], [100, 100, 100]).row()

    assert row == ("p95", "100 ms", "100 ms", "1.00 (0.90–1.20)", "the same")


def test_a_run_beside_another_build_replaces_its_own_part_of_the_page_alone() -> None:
    whole = page([FOUND], MACHINE, "introduction")

    once = beside_page(whole, [FOUND], MACHINE, ["flow"])

    assert once.startswith(whole)
    assert "`make bench ARGS='--only flow --baseline FOLDER'`" in once
    assert beside_page(once, [FOUND], MACHINE, ["flow"]) == once
    assert whole + beside_part(once) == once


def test_the_age_of_the_index_at_a_create_runs_from_the_newest_list_that_was_answered_by_then() -> None:
    calls = [
        Call(10.0, "GET", "/pos/customers", 200, 10.8),
        Call(10.2, "GET", "/pos/customers", 200, 11.0),
        Call(10.9, "POST", "/pos/customers", 200, 11.7),  # the second list is not answered yet
        Call(10.9, "GET", "/pos/customers/7", 200, 10.95),  # one member is no list
        Call(11.1, "POST", "/pos/customers", 201, 11.9),
        Call(11.1, "POST", "/pos/customers", 400, 11.2),  # nobody was created
        Call(11.2, "GET", "/pos/customers", 0, None),
    ]

    assert index_ages_s(calls) == pytest.approx([0.9, 0.9])
    assert index_ages_s(calls[2:]) == [math.inf, math.inf]
    assert index_ages_s([]) == []


def test_a_page_without_that_part_has_none() -> None:
    assert beside_part(page([FOUND], MACHINE, "introduction")) == ""


def test_parts_are_named_with_commas_and_an_unknown_one_is_told_what_there_is() -> None:
    assert _parts("flow, answering") == ["answering", "flow"]
    assert _parts(None) == []
    with pytest.raises(click.BadParameter, match=r"flwo: there is answering, flow, .*memory"):
        _parts("flwo")


def test_without_a_baseline_all_parts_are_measured_and_with_one_those_that_can_be_set_beside_it(
    tmp_path: Path,
) -> None:
    build_at(tmp_path)

    assert list(measurements([], None)) == list(PARTS)
    assert list(measurements(["flow"], None)) == ["flow"]
    assert list(measurements([], tmp_path)) == list(BESIDE)
    assert list(measurements(["answering"], tmp_path)) == ["answering"]
    with pytest.raises(click.UsageError, match="goes with flow and answering, not with growth"):
        measurements(["growth"], tmp_path)


def test_a_folder_that_is_no_checkout_or_has_no_environment_is_named_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(DidNotStart, match=r"holds no app\.py"):
        Checkout.at(tmp_path)
    (tmp_path / "app.py").touch()
    with pytest.raises(DidNotStart, match="make install"):
        Checkout.at(tmp_path)


def test_another_builds_python_is_the_link_in_its_environment_not_what_it_points_to(tmp_path: Path) -> None:
    build_at(tmp_path)

    assert Checkout.at(tmp_path) == Checkout(tmp_path.resolve(), str(tmp_path.resolve() / ".venv" / "bin" / "python"))


def build_at(folder: Path) -> None:
    (folder / "app.py").touch()
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / "elsewhere").touch()
    (folder / ".venv" / "bin" / "python").symlink_to(folder / "elsewhere")
