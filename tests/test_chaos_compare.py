"""The comparison after a chaos run: it passes what is right, and each kind of wrong by itself is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaos import expected
from chaos.compare import LANES, End, choices, findings, opt_outs, opt_outs_undone, went_back

ID, OTHER = 6900000000001, 6900000000009
CUSTOMER: dict[str, Any] = {
    "id": ID,
    "email": "mihon@example.jp",
    "phone": "+819000000001",
    "last_name": "見本",
    "first_name": "花子",
    "tags": "会員",
    "email_marketing_consent": {"state": "subscribed"},
    "default_address": {
        "zip": "100-0014",
        "province_code": "JP-13",
        "city": "千代田区",
        "address1": "永田町2-3-1",
        "address2": "控え3号",
    },
    "metafields": {
        "custom.last_name_kana": "ミホン",
        "custom.first_name_kana": "ハナコ",
        "facts.birth_date": "1990-04-01",
        "custom.gender": "female",
    },
}
MEMBER = {**expected.member(CUSTOMER), "customerId": "1", "customerCode": str(ID), "customerNo": str(ID)}
NOBODYS = {"customerId": "2", "customerCode": "CARD00000001", "customerNo": None}
CONTACT = {"id": "501", "properties": {**expected.contact(CUSTOMER), "shopify_customer_id": str(ID)}}


def task(customer_id: int, lane: str, state: str = "done", kind: str | None = None) -> dict[str, Any]:
    return {"customer_id": customer_id, "lane": lane, "state": state, "kind": kind, "attempt": 1}


GOOD = End(
    customers=[CUSTOMER],
    left={},
    pairs=[],
    members=[MEMBER],
    known_members=[],
    contacts=[CONTACT],
    tasks=[task(ID, lane) for lane in LANES],
    deliveries=[{"webhook_id": "w", "state": "delivered", "status": 200, "error": None, "customer_id": ID}],
    webhook_ids={"w"},
)


def test_a_good_end_has_no_findings() -> None:
    assert findings(GOOD) == []


def test_what_the_far_sides_must_show_is_worked_out_from_the_shop_alone() -> None:
    assert expected.member(CUSTOMER)["phoneNumber"] == "090-0000-0001"
    assert expected.member(CUSTOMER)["address"] == "東京都千代田区永田町2-3-1控え3号"
    assert expected.member(CUSTOMER)["sex"] == "2"
    assert expected.contact(CUSTOMER)["address"] == "永田町2-3-1 控え3号"
    assert expected.contact(CUSTOMER)["state"] == "東京都"


def with_member(**fields: Any) -> Callable[[End], End]:
    return lambda end: replace(end, members=[{**MEMBER, **fields}])


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda end: replace(end, members=[]), [("lost", "smaregi")]),
        (lambda end: replace(end, contacts=[]), [("lost", "hubspot")]),
        (lambda end: replace(end, members=[MEMBER, {**MEMBER, "customerId": "2"}]), [("doubled", "smaregi")]),
        (lambda end: replace(end, contacts=[CONTACT, {**CONTACT, "id": "502"}]), [("doubled", "hubspot")]),
        (
            lambda end: replace(
                end, members=[MEMBER, {"customerId": "2", "customerCode": "CARD1", "customerNo": None}]
            ),
            [("doubled", "smaregi")],
        ),
        (with_member(firstName="古い"), [("stale", "smaregi")]),
        (with_member(phoneNumber=None), [("stale", "smaregi")]),
        (lambda end: replace(end, tasks=end.tasks[1:]), [("lost", "shopify")]),
        (lambda end: replace(end, tasks=[task(ID, "shopify", "running"), *end.tasks[1:]]), [("left over", "shopify")]),
        (lambda end: replace(end, tasks=[task(ID, "shopify", "failed", "x"), *end.tasks[1:]]), [("failed", "shopify")]),
        (lambda end: replace(end, webhook_ids=set()), [("unknown delivery", "web")]),
        (lambda end: replace(end, deliveries=[{**end.deliveries[0], "state": "dropped"}]), [("dropped", "web")]),
    ],
)
def test_each_wrong_is_found(spoil: Callable[[End], End], found: list[tuple[str, str]]) -> None:
    assert [(one.what, one.lane) for one in findings(spoil(GOOD))] == found


def shared_email(state: str, kind: str | None) -> End:
    """Somebody left, and came back with the same e-mail: the new account waits for a person at Smaregi."""
    back = {**CUSTOMER, "id": OTHER}
    tasks = [*GOOD.tasks, task(OTHER, "shopify"), task(OTHER, "smaregi", state, kind)]
    tasks.append(task(OTHER, "hubspot", "failed", "hubspot.linked_to_other"))
    return replace(GOOD, customers=[back], left={ID: CUSTOMER}, pairs=[(ID, OTHER)], tasks=tasks)


def test_two_with_one_email_are_a_choice_for_a_person_and_no_fault() -> None:
    end = shared_email("failed", "smaregi.linked_to_other")
    assert findings(end) == []
    assert choices(end) == 2


def test_only_the_choice_excuses_who_is_not_there() -> None:
    assert [one.what for one in findings(shared_email("failed", "smaregi.refused"))] == ["failed", "lost"]
    assert [one.what for one in findings(shared_email("done", None))] == ["lost"]


def test_who_is_alone_with_an_email_has_no_choice_to_wait_for() -> None:
    tasks = [task(ID, "shopify"), task(ID, "smaregi", "failed", "smaregi.linked_to_other"), task(ID, "hubspot")]
    assert [one.what for one in findings(replace(GOOD, tasks=tasks))] == ["failed"]


def test_an_older_state_after_a_newer_one_is_seen_for_each_record_by_itself() -> None:
    writes = [("smaregi", "1", 1), ("smaregi", "2", 3), ("smaregi", "1", 2), ("hubspot", "1", 1), ("smaregi", "1", 1)]
    end = replace(GOOD, writes=[{"system": s, "record": r, "mark": str(mark)} for s, r, mark in writes])
    assert [one.words for one in went_back(end)] == ["record 1 had state 2 and was sent state 1"]


def flag_write(flag: str, at: float, *, till: bool = False, came: float | None = None) -> dict[str, Any]:
    was = "1" if flag == "0" else "0"
    return {"record": "1", "was": was, "flag": flag, "till": till, "at": at, "came": at if came is None else came}


NO, OURS, YES = flag_write("0", 5, till=True), flag_write("0", 3), flag_write("1", 7)


@pytest.mark.parametrize(
    ("writes", "before", "undone", "crossed", "stands"),
    [
        ([NO], False, 0, 0, True),
        ([NO, YES], False, 1, 0, False),
        ([YES], True, 1, 0, False),  # who had mail off before the service came
        ([OURS, YES], False, 0, 0, False),
        ([OURS, NO, YES, NO, YES], False, 2, 0, False),
        ([NO, flag_write("1", 6, till=True), OURS, YES], False, 0, 0, False),  # taken back where it was said
        ([NO, flag_write("1", 9, came=4)], False, 0, 1, False),  # on its way when the opt-out was said
    ],
)
def test_an_opt_out_is_undone_by_a_one_of_ours_that_was_sent_after_it(
    writes: list[dict[str, Any]], before: bool, undone: int, crossed: int, stands: bool
) -> None:
    end = replace(GOOD, flag_writes=writes, refuse=["1"] if before else [])
    assert [(one.what, one.lane) for one in opt_outs_undone(end)] == [("undone", "smaregi")] * undone
    assert (opt_outs(end).crossed, sorted(opt_outs(end).standing)) == (crossed, ["1"] if stands else [])


def test_who_opted_out_at_the_till_is_not_stale_for_that_and_who_did_not_is() -> None:
    off = with_member(mailReceiveFlag="0")(GOOD)
    assert findings(replace(off, flag_writes=[NO])) == []
    assert [one.what for one in findings(off)] == ["stale"]


def test_a_finding_names_ids_and_fields_and_nothing_of_the_person() -> None:
    spoilt = replace(GOOD, members=[{**MEMBER, "lastName": "別人", "mailAddress": "other@example.jp"}])
    (finding,) = findings(spoilt)
    assert str(finding) == f"stale: smaregi customer {ID}: record 1 differs in lastName, mailAddress"
