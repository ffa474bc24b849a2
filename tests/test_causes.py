"""Every kind that this service can note has words: what happened, what to do, and in whose hands it lies."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from clients.errors import CarryError
from clients.http import Answer
from clients.hubspot.sorting import sort_answer, sort_row
from clients.shopify.refusals import sort_status
from handlers.causes import CAUSES, cause_of
from handlers.judge import broken
from handlers.telling import table_of_failures
from ledger.waiting import Failures

ROOT = Path(__file__).parent.parent
KIND = re.compile(r"(shopify|smaregi|hubspot|mail|token|store|lane|fault|late)\.[a-z_]+")
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)


def kinds_in_the_code() -> Iterator[tuple[str, str]]:
    """Every kind that stands in the code as it is, and where."""
    for folder in ("clients", "ledger", "handlers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "causes" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.keyword) and node.arg == "kind" and isinstance(node.value, ast.Constant):
                    yield str(node.value.value), str(path)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value):
                    yield node.value, str(path)


def kinds_put_together() -> Iterator[str]:
    """The kinds whose second half is found out at run time."""
    for status in (401, 402, 403, 404, 423, 429, 430, 500, 302, 400):
        yield sort_status(Answer(status, {}, {}), "SHOPIFY_ACCESS_TOKEN").kind
    policies = ("DAILY", "SECONDLY", "TEN_SECONDLY_ROLLING")
    answers = [Answer(429, {}, {"policyName": policy}) for policy in policies]
    for answer in (*answers, *(Answer(status, {}, {}) for status in (401, 403, 404, 418, 423, 477, 500))):
        verdict = sort_answer(answer, now=NOW)
        if isinstance(verdict, CarryError):
            yield verdict.kind
    for row in ({"category": "RATE_LIMITS"}, {"category": "SOMETHING_ELSE"}, {"category": "VALIDATION_ERROR"}):
        verdict = sort_row(row)
        assert isinstance(verdict, CarryError)
        yield verdict.kind


def kinds_in_the_docs() -> set[str]:
    told = (ROOT / "docs" / "replay.md").read_text()
    rows = [line.split("|")[1] for line in told.splitlines() if line.startswith("|")]
    return {kind for row in rows for kind in re.findall(r"`([a-z]+\.[a-z_]+)`", row)}


def test_every_kind_of_the_code_has_words() -> None:
    lacking = {(kind, where) for kind, where in kinds_in_the_code() if kind not in CAUSES}
    assert not lacking
    assert {kind for kind in kinds_put_together() if kind not in CAUSES} == set()


def test_the_table_and_the_docs_name_the_same_kinds() -> None:
    assert set(CAUSES) == kinds_in_the_docs()


def test_a_kind_nobody_noted_or_described_has_words_too() -> None:
    unknown: list[Any] = [cause_of("smaregi", None), cause_of("smaregi", "smaregi.new"), cause_of("mail", "")]
    assert all(cause.title and cause.what and cause.do for cause in unknown)


def test_a_fault_of_ours_is_to_be_reported() -> None:
    outcome = broken(KeyError("見本 花子"))
    assert cause_of("smaregi", outcome.kind).mend == "report"
    assert cause_of("smaregi", "fault.worker_ended") is CAUSES["fault.worker_ended"]


@pytest.mark.parametrize("kind", sorted(CAUSES))
def test_each_cause_is_short_enough_to_be_read(kind: str) -> None:
    cause = CAUSES[kind]
    assert 0 < len(cause.title) <= 60
    assert not cause.title.endswith(".")
    assert 0 < len(cause.what) <= 160
    assert 0 < len(cause.do) <= 200


def test_the_terminal_tells_the_cause_in_words_and_what_to_do() -> None:
    console = Console(width=160, record=True)
    groups = [Failures("smaregi", "smaregi.several_members", 1200, [(6995325803001, "2 live members [a]")])]
    console.print(table_of_failures(groups))
    told = console.export_text()
    for words in ("Several members have this e-mail", "smaregi.several_members", "1,200", "[a]", "Choose the member"):
        assert words in told
