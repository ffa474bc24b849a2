"""The failures page: causes in words, tried again by one, by cause or all, and the choice between members."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from handlers.again import try_again
from handlers.console.failures import told_once
from ledger import tables as t
from ledger.outcome import Failed, Retry
from tests.building import body_of, house_of
from tests.building import post as deliver
from tests.conftest import NOON, Clock
from tests.console import PASSWORD, QUICK, VIEW_PASSWORD, console_app, post, signed_in
from tests.flow import running
from tests.ledger_cases import Ledger

SEVERAL = Failed(
    "2 live members could be this customer: choose one, or merge them in Smaregi (名寄せ)",
    "smaregi.several_members",
    [
        {"member": "7", "code": "CARD7", "number": "", "status": "0", "name": "見本 花子", "points": "120"},
        {
            "member": "8",
            "code": "CARD8",
            "number": "",
            "status": "1",
            "name": "<script>alert(1)</script>",
            "last_visit": "2026-11-03",
        },
    ],
)
REFUSED = Failed("Smaregi refused to create a member: [lastName] <b>no</b> (HTTP 400)", "smaregi.refused")
ON = {
    "smaregi_contract_id": "sb_example",
    "smaregi_client_id": "id",
    "smaregi_client_secret": "an-invented-secret",
    "hubspot_access_token": "an-invented-token",
}


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    made = console_app(database_url, now=clock, **ON)
    yield made
    house_of(made).close()


def console_settings() -> dict[str, Any]:
    """What opens the console in a whole flow."""
    return {
        "console_password_hash": generate_password_hash(PASSWORD, QUICK),
        "console_view_password_hash": generate_password_hash(VIEW_PASSWORD, QUICK),
        "secret_key": "an-invented-key-for-sessions",
    }


def fail(app: Flask, outcome: Any, *customers: int) -> None:
    """These customers fail so in the lane smaregi."""
    ledger = Ledger(house_of(app).database)
    now = house_of(app).now()
    for i in customers:
        deliver(app.test_client(), body_of(i))
        with ledger.database.writing() as c:
            c.execute(t.tasks.update().where(t.tasks.c.customer_id == i).values(held=False, due_at=now))
        claimed = [one for one in ledger.claim(now=now) if one.customer_id == i]
        ledger.settle(claimed, outcome, now=now)


def states(app: Flask, lane: str = "smaregi") -> dict[int, str]:
    with house_of(app).database.reading() as c:
        query = select(t.tasks.c.customer_id, t.tasks.c.state).where(t.tasks.c.lane == lane)
        return {row.customer_id: row.state for row in c.execute(query)}


def acts_of(app: Flask) -> list[tuple[str, int | None]]:
    """What the audit log has, the oldest first; who signed in left out."""
    rows = house_of(app).audit.page(limit=50).rows
    return [(row.what, row.customer_id) for row in rows if not row.what.startswith("signed")][::-1]


def test_nothing_waits(app: Flask) -> None:
    assert "Nothing waits for a person." in signed_in(app).get("/console/failures").text


def test_failures_are_told_by_cause_with_what_to_do_and_an_example(app: Flask) -> None:
    fail(app, SEVERAL, 1, 2)
    fail(app, REFUSED, 3)
    page = signed_in(app).get("/console/failures").text
    assert page.index("Several members have this e-mail") < page.index("Smaregi refuses a field")
    for words in (
        "Choose the member who is this customer.",
        "/console/customers/1",
        "Show the 2 customers",
        "3 tasks wait",
    ):
        assert words in page
    assert "&lt;b&gt;no" in page
    assert "<b>no" not in page


def test_the_oldest_cause_can_stand_first(app: Flask, clock: Clock) -> None:
    fail(app, REFUSED, 3)
    clock.forward(hours=1)
    fail(app, SEVERAL, 1, 2)
    page = signed_in(app).get("/console/failures?sort=oldest").text
    assert page.index("Smaregi refuses a field") < page.index("Several members have this e-mail")


def test_causes_are_told_in_japanese(app: Flask) -> None:
    fail(app, SEVERAL, 1)
    page = signed_in(app, language="ja").get("/console/failures").text
    assert "同じメールアドレスの会員が複数います" in page
    assert "Several members" not in page


def test_what_was_given_up_is_not_said_to_come_back_by_itself(app: Flask) -> None:
    fail(app, Failed("no answer (gave up after 32 tries)", "smaregi.timeout"), 1)
    page = signed_in(app).get("/console/failures").text
    assert "given up" in page
    assert "it is tried again by itself" not in page


def test_a_lane_that_is_stopped_stands_on_top_with_what_to_do(app: Flask, clock: Clock) -> None:
    house = house_of(app)
    assert house.waiting.healths() == {}
    stop = Retry(None, "check SMAREGI_CLIENT_ID", "smaregi.credentials", stop=True)
    house.book.health_book.note("smaregi", stop, now=clock())
    house.book.health_book.note(
        "hubspot", Retry(timedelta(hours=1), "busy", "hubspot.daily_limit", pause=True), now=clock()
    )
    page = signed_in(app).get("/console/failures").text
    for words in ("Smaregi refuses our credentials", "HubSpot's calls for today are used up", "stopped", "paused"):
        assert words in page


def test_a_stopped_lane_is_tried_by_a_button_and_that_is_written_down(app: Flask, clock: Clock) -> None:
    house = house_of(app)
    asked = Retry(timedelta(hours=1), "busy", "smaregi.busy", pause=True)
    house.book.health_book.note("smaregi", asked, now=clock())
    client = signed_in(app)
    assert "Try this lane now" in client.get("/console/failures").text
    answer = post(client, "/console/failures/try-lane", lane="smaregi")
    assert answer.status_code == 303
    assert "Smaregi is tried with one customer now." in client.get(answer.location).text
    assert house.book.health_book.pause_left("smaregi", now=clock()) == timedelta(0)
    assert ("tried a stopped lane", None) in acts_of(app)
    post(client, "/console/failures/try-lane", lane="hubspot")
    assert "HubSpot has not stopped" in client.get("/console/failures").text
    assert post(client, "/console/failures/try-lane", lane="nowhere").status_code == 404


def test_one_cause_is_paged_and_each_customer_stands_once(app: Flask, clock: Clock) -> None:
    fail(app, SEVERAL, *range(1, 8))
    client, seen, url = signed_in(app), [], "/console/failures/group?lane=smaregi&kind=smaregi.several_members"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("handlers.console.failures.PAGE", 3)
        while url:
            page = client.get(url).text
            found = [int(part.split('"')[0]) for part in page.split('href="/console/customers/')[1:]]
            seen.append(found)
            after = page.split('rel="next"')[0].rsplit('href="', 1)[-1] if 'rel="next"' in page else ""
            url = after.split('"')[0].replace("&amp;", "&")
    assert seen == [[1, 2, 3], [4, 5, 6], [7]]


def test_one_customer_is_tried_again(app: Flask) -> None:
    fail(app, REFUSED, 1, 2)
    client = signed_in(app)
    answer = post(client, "/console/failures/retry-one", customer_id=1, lane="smaregi")
    assert answer.status_code == 303
    assert states(app) == {1: "pending", 2: "failed"}
    assert "Customer 1 is tried again now." in client.get(answer.location).text
    post(client, "/console/failures/retry-one", customer_id=1, lane="smaregi")
    assert "does not wait for a person any more" in client.get("/console/failures").text
    assert acts_of(app) == [("tried a failed task again", 1)] * 2


def test_one_cause_is_tried_again_and_the_others_wait_on(app: Flask) -> None:
    fail(app, REFUSED, 1, 2)
    fail(app, SEVERAL, 3)
    client = signed_in(app)
    post(client, "/console/failures/retry", lane="smaregi", kind="smaregi.refused")
    assert states(app) == {1: "pending", 2: "pending", 3: "failed"}
    assert "2 tasks are tried again." in client.get("/console/failures").text


def test_all_are_tried_again(app: Flask) -> None:
    fail(app, REFUSED, 1, 2)
    fail(app, SEVERAL, 3)
    post(signed_in(app), "/console/failures/retry")
    assert set(states(app).values()) == {"pending"}
    assert acts_of(app) == [("tried failed tasks again", None)]


def test_there_is_time_for_some_only_and_the_rest_goes_on(app: Flask, clock: Clock) -> None:
    fail(app, REFUSED, *range(1, 6))
    house = house_of(app)
    clock.forward(seconds=1)
    ticks = iter(range(100))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("handlers.again.PAGE", 2)
        causes = [("smaregi", "smaregi.refused")]
        tried = try_again(house, causes, failed_until=clock(), patience_s=2, clock=lambda: next(ticks))
        assert (tried.tasks, tried.left) == (2, 3)
        assert try_again(house, causes, failed_until=clock()) == replace(tried, tasks=3, left=0)


def test_what_fails_once_more_meanwhile_is_not_tried_for_ever(app: Flask, clock: Clock) -> None:
    fail(app, REFUSED, 1)
    began = clock()
    clock.forward(seconds=1)
    fail(app, REFUSED, 2)
    assert try_again(house_of(app), [("smaregi", "smaregi.refused")], failed_until=began).tasks == 1
    assert states(app) == {1: "pending", 2: "failed"}


def test_go_on_is_offered_when_some_are_left(app: Flask) -> None:
    fail(app, REFUSED, 1)
    page = signed_in(app).get("/console/failures/group?lane=smaregi&kind=smaregi.refused&left=7&before=1").text
    assert "7 are left" in page
    assert "Go on" in page


def test_the_candidates_stand_side_by_side(app: Flask) -> None:
    fail(app, SEVERAL, 1)
    page = signed_in(app).get("/console/failures/1/smaregi").text
    for words in ("CARD7", "CARD8", "見本 花子", "120", "2026-11-03", "suspended", "This is the customer: link it"):
        assert words in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_one_is_chosen_and_linked(database_url: str) -> None:
    with running(database_url, worker=False, **console_settings()) as flow:
        for code in ("A", "B"):
            flow.sandbox.world.smaregi.seed(
                {"customerCode": code, "lastName": "見本", "firstName": "花", "mailAddress": "two@example.jp"}
            )
        flow.worker.start()
        customer = flow.shop.create({"email": "two@example.jp", "last_name": "見本", "first_name": "花子"})
        other = flow.shop.create({"email": "other@example.jp", "last_name": "例", "first_name": "太郎"})
        flow.rest()
        client = signed_in(flow.app)
        page = client.get(f"/console/failures/{customer.id}/smaregi").text
        assert "見本 花" in page
        assert page.count("This is the customer: link it") == 2
        member = next(str(m["customerId"]) for m in flow.members if m["customerCode"] == "B")
        taken = next(str(m["customerId"]) for m in flow.members if m["customerCode"] == str(other.id))

        link = {"customer_id": customer.id, "lane": "smaregi"}
        refused = post(client, "/console/failures/link", ref=taken, **link)
        assert f"belongs to customer {other.id} already" in client.get(refused.location).text
        post(client, "/console/failures/link", ref=member, **link)
        flow.rest()
        assert {m["customerCode"]: m["customerNo"] for m in flow.members}["B"] == str(customer.id)
        assert "Nothing waits for a person." in client.get("/console/failures").text
        post(client, "/console/failures/link", ref="1", **link)
        assert "does not wait for a person any more" in client.get("/console/failures").text
        assert acts_of(flow.app) == [("linked a customer", customer.id)] * 2


def test_a_contact_that_is_another_customers_is_offered_once(database_url: str) -> None:
    with running(database_url, **console_settings()) as flow:
        first = flow.shop.create({"email": "one@example.jp", "last_name": "例", "first_name": "太郎"})
        flow.rest()
        (contact,) = flow.contacts
        flow.sandbox.world.hubspot.contacts.update(int(contact["id"]), {"email": "two@example.jp"})
        second = flow.shop.create({"email": "two@example.jp", "last_name": "見本", "first_name": "花子"})
        flow.rest()
        page = signed_in(flow.app).get(f"/console/failures/{second.id}/hubspot").text
        assert page.count("<dt>Contact id</dt>") == 1
        assert str(first.id) in page


def test_what_an_older_version_noted_twice_is_shown_once() -> None:
    own, other = {"contact": "9001", "shopify_customer_id": "1"}, {"contact": "9001", "shopify_customer_id": "42"}
    elsewhere = {"contact": "9002"}
    assert told_once([own, other, elsewhere]) == [(other, "9001"), (elsewhere, "9002")]
    nameless = [{"shopify_customer_id": "1"}, {"shopify_customer_id": "2"}]
    assert told_once(nameless) == [(each, None) for each in nameless]


@pytest.mark.parametrize("ref", ["", "見本", "a b", "7; DROP", "x" * 41])
def test_what_is_no_id_is_not_linked(app: Flask, ref: str) -> None:
    fail(app, SEVERAL, 1)
    client = signed_in(app)
    answer = post(client, "/console/failures/link", customer_id=1, lane="smaregi", ref=ref)
    assert "Nothing was changed" in client.get(answer.location).text
    assert states(app) == {1: "failed"}


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        ("/console/failures/retry", {}),
        ("/console/failures/retry-one", {"customer_id": 1, "lane": "smaregi"}),
        ("/console/failures/link", {"customer_id": 1, "lane": "smaregi", "ref": "7"}),
    ],
)
def test_nothing_is_done_without_login_without_token_and_for_who_may_only_look(
    app: Flask, url: str, fields: dict[str, Any]
) -> None:
    fail(app, SEVERAL, 1)
    assert app.test_client().post(url, data=fields).status_code in (303, 400, 401)
    assert signed_in(app).post(url, data=fields).status_code == 400
    assert post(signed_in(app, "view"), url, **fields).status_code == 403
    assert states(app) == {1: "failed"}
    assert acts_of(app) == []


def test_who_may_only_look_sees_no_buttons(app: Flask) -> None:
    fail(app, SEVERAL, 1)
    client = signed_in(app, "view")
    for url in ("", "/group?lane=smaregi&kind=smaregi.several_members", "/1/smaregi"):
        page = client.get(f"/console/failures{url}")
        assert page.status_code == 200
        assert "/console/failures/retry" not in page.text
        assert "/console/failures/link" not in page.text


@pytest.mark.parametrize(
    "path",
    ["/group", "/group?lane=fax&kind=x", "/1/smaregi", "/1/fax", "/99999999999999999999/smaregi", "/x/smaregi"],
)
def test_what_is_not_there_is_404(app: Flask, path: str) -> None:
    assert signed_in(app).get(f"/console/failures{path}").status_code == 404


def test_a_kind_that_nobody_has_is_an_empty_page(app: Flask) -> None:
    page = signed_in(app).get("/console/failures/group?lane=smaregi&kind=%00x")
    assert "Nobody waits for this cause any more." in page.text


@pytest.mark.parametrize("after", ["x", "1", "1.x", ".", "99999999999999999999.1", "1.99999999999999999999"])
def test_a_place_nobody_wrote_is_the_beginning(app: Flask, after: str) -> None:
    fail(app, SEVERAL, 1)
    page = signed_in(app).get(f"/console/failures/group?lane=smaregi&kind=smaregi.several_members&after={after}")
    assert page.status_code == 200


def test_mails_that_failed_are_let_be_and_never_tried_again(database_url: str) -> None:
    app = console_app(database_url)
    house = house_of(app)
    with house.database.writing() as c:
        for i in (1, 2):
            row = {
                "customer_id": i,
                "lane": "mail",
                "state": "failed",
                "kind": "mail.unknown",
                "why": "an invented one",
            }
            c.execute(t.tasks.insert().values(**row, due_at=NOON, since=NOON, settled_at=NOON))
    client = signed_in(app)
    page = client.get("/console/failures/group?lane=mail&kind=mail.unknown").text
    assert "/console/failures/let-be" in page
    assert "/console/failures/retry" not in page
    post(client, "/console/failures/let-be", kind="mail.unknown", customer_id="1")
    assert house.waiting.total(["mail"]) == 1
    post(client, "/console/failures/let-be", kind="mail.unknown")
    assert house.waiting.total(["mail"]) == 0
    assert acts_of(app) == [("let failed mails be", 1), ("let failed mails be", None)]
    house.close()
