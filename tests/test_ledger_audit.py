"""The audit log: what was done by hand is written down at once, and read back page by page."""

from __future__ import annotations

from datetime import timedelta

from ledger.audit import Act, Audit
from ledger.database import Database
from tests.conftest import NOON


def test_an_act_is_kept_with_who_did_it_to_whom_and_when(database: Database) -> None:
    audit = Audit(database)
    audit.note("resynced", who="田中", role="act", now=NOON, customer_id=6900000000001, details={"lanes": ["smaregi"]})
    audit.note("signed out", who="Ops", role="view", now=NOON + timedelta(seconds=1))
    newest, first = audit.page(limit=10).rows
    assert first == Act(first.id, NOON, "田中", "act", "resynced", 6900000000001, {"lanes": ["smaregi"]})
    assert (newest.what, newest.customer_id, newest.details) == ("signed out", None, {})


def test_pages_follow_each_other_without_a_gap_or_a_repeat(database: Database) -> None:
    audit = Audit(database)
    for n in range(5):
        audit.note(f"act {n}", who="Ops", role="act", now=NOON)
    first = audit.page(limit=2)
    audit.note("came meanwhile", who="Ops", role="act", now=NOON)
    second = audit.page(limit=2, before_id=first.rows[-1].id)
    third = audit.page(limit=2, before_id=second.rows[-1].id)
    told = [row.what for page in (first, second, third) for row in page.rows]
    assert told == ["act 4", "act 3", "act 2", "act 1", "act 0"]
    assert [page.more for page in (first, second, third)] == [True, True, False]


def test_the_acts_of_one_person_or_on_one_customer_are_found(database: Database) -> None:
    audit = Audit(database)
    for who, customer in (("Ops", 1), ("田中", 1), ("Ops", 2), ("Ops", None)):
        audit.note("resynced", who=who, role="act", now=NOON, customer_id=customer)
    assert [row.customer_id for row in audit.page(limit=10, who="Ops").rows] == [None, 2, 1]
    assert [row.who for row in audit.page(limit=10, customer_id=1).rows] == ["田中", "Ops"]
    assert [row.customer_id for row in audit.page(limit=10, who="Ops", customer_id=2).rows] == [2]
    assert audit.page(limit=10, who="nobody").rows == []
