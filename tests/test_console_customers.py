"""The pages of customers: everybody is found and shown, nothing of anybody else, and nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from clients.lane import Change
from clients.smaregi.mail_flag import Plan
from customer import Address, Customer, Member
from handlers.console.facts import facts_of
from handlers.console.hidden import hidden_mail, hidden_phone
from handlers.house import House
from handlers.preview import Preview
from ledger.outcome import Done, Failed
from tests.building import house_of
from tests.conftest import NOON, Clock
from tests.console import console_app, post, signed_in
from tests.ledger_cases import SAVED, Ledger, delivery_of, done, person, retry

HANAKO, TARO = 7654321000001, 7654321000002
TELLING = {
    HANAKO: [
        "見本",
        "花子",
        "ミホン",
        "hanako@example.jp",
        "090-0000-9003",
        "千代田区",
        "CARD-HANAKO",
        "member-1",
        "contact-501",
    ],
    TARO: ["例", "太郎", "レイ", "taro@example.jp", "080-0000-9004", "北区", "CARD-TARO", "member-2", "contact-502"],
}


def hanako(**told: Any) -> Customer:
    return person(
        HANAKO,
        **{
            "last_name": "見本",
            "first_name": "花子",
            "last_kana": "ミホン",
            "email": "hanako@example.jp",
            "phone": "090-0000-9003",
            "address": Address(zip="100-0014", province_code="JP-13", city="千代田区", address1="永田町1-1"),
            **told,
        },
    )


def taro(**told: Any) -> Customer:
    return person(
        TARO,
        **{
            "last_name": "例",
            "first_name": "太郎",
            "last_kana": "レイ",
            "email": "taro@example.jp",
            "phone": "080-0000-9004",
            "address": Address(province_code="JP-01", city="北区"),
            **told,
        },
    )


@pytest.fixture
def app(database_url: str, clock: Clock) -> Any:
    made = console_app(database_url, now=clock, hubspot_portal_id=12345, hubspot_access_token="an-invented-token")
    yield made
    house_of(made).close()


@pytest.fixture
def house(app: Flask) -> House:
    return house_of(app)


@pytest.fixture
def ledger(house: House) -> Ledger:
    return Ledger(house.database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return signed_in(app)


def arrive(ledger: Ledger, house: House, clock: Clock, *customers: Customer) -> None:
    """They come in, are carried everywhere, and can be found."""
    ledger.hear(*(delivery_of(c, topic="customers/create", received_at=clock()) for c in customers), now=clock())
    for number, lane in ((1, "smaregi"), (501, "hubspot")):
        for claimed in ledger.claim(lane, now=clock()):
            ref = number + claimed.customer_id - HANAKO
            name = f"member-{ref}" if lane == "smaregi" else f"contact-{ref}"
            ledger.settle([claimed], done(name, did="created", lastName="0123"), now=clock())
    house.members.put(
        [
            Member("member-1", "CARD-HANAKO", str(HANAKO), ("hanako@example.jp",), "0"),
            Member("member-2", "CARD-TARO", str(TARO), ("taro@example.jp",), "0"),
        ],
        NOON,
    )
    look(house, clock)


def look(house: House, clock: Clock) -> None:
    for _ in range(4):
        while house.search_index.run(now=clock, rest=lambda _: None).more:
            pass
        clock.forward(seconds=2)


def text(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def listed(page: str) -> list[int]:
    return [int(i) for i in re.findall(r'class="person"><a href="/console/customers/(\d+)"', page)]


def test_the_list_shows_names_and_states_and_hides_the_rest(
    client: FlaskClient, ledger: Ledger, house: House, clock: Clock
) -> None:
    arrive(ledger, house, clock, hanako(), taro())
    page = text(client, "/console/customers")
    assert listed(page) == [TARO, HANAKO]
    assert "見本 花子" in page
    assert "ha•••@example.jp" in page
    assert "•••9003" in page
    assert "hanako@example.jp" not in page
    assert "090-0000-9003" not in page
    assert "2 customers" in page


@pytest.mark.parametrize(
    "typed", ["見本 花子", "みほん", "hanako@example.jp", "+81 90 0000 9003", "CARD-HANAKO", "member-1", str(HANAKO)]
)
def test_one_box_understands_whatever_is_typed(
    client: FlaskClient, ledger: Ledger, house: House, clock: Clock, typed: str
) -> None:
    arrive(ledger, house, clock, hanako(), taro())
    answer = client.get("/console/customers", query_string={"q": typed})
    assert listed(answer.text) == [HANAKO]
    assert "1 customer fits" in answer.text


def test_a_search_for_nobody_says_so_and_what_to_do(client: FlaskClient, house: House, clock: Clock) -> None:
    look(house, clock)
    page = text(client, "/console/customers?q=nobody")
    assert "Nobody fits." in page
    assert "/console/deliveries" in page


def test_a_member_whom_no_customer_is_linked_to_is_told(client: FlaskClient, house: House) -> None:
    house.members.put([Member("801", "CARD-12", None, ("mise@example.jp",), "3")], NOON)
    page = text(client, "/console/customers?q=card-12")
    assert "Known at the till, but linked to no customer of Shopify" in page
    assert "CARD-12" in page
    assert "withdrawn" in page


def test_while_the_index_is_being_filled_the_page_says_so(
    client: FlaskClient, ledger: Ledger, house: House, clock: Clock
) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    assert "about 0 %" in text(client, "/console/customers")
    assert listed(text(client, f"/console/customers?q={HANAKO}")) == [HANAKO]
    look(house, clock)
    assert "about" not in text(client, "/console/customers").partition('id="found"')[2]


def test_a_list_is_filtered_and_the_address_keeps_what_was_asked(
    client: FlaskClient, ledger: Ledger, house: House, clock: Clock
) -> None:
    arrive(ledger, house, clock, hanako())
    ledger.hear(delivery_of(taro(), received_at=clock()), now=clock())
    ledger.carry(Failed("two members", "smaregi.several_members"), "smaregi", now=clock())
    assert listed(text(client, "/console/customers?lane=smaregi&state=failed")) == [TARO]
    assert listed(text(client, "/console/customers?state=done")) == [HANAKO]
    page = text(client, "/console/customers?kind=smaregi.several_members")
    assert listed(page) == [TARO]
    assert "Several members have this e-mail" in page
    assert listed(text(client, "/console/customers?q=花子&state=failed")) == []
    assert listed(text(client, "/console/customers?since=2026-11-22&until=2026-11-22")) == [TARO, HANAKO]
    assert listed(text(client, "/console/customers?until=2026-11-21")) == []
    assert listed(text(client, "/console/customers?since=2026-11-22&state=failed")) == [TARO]


@pytest.mark.parametrize(
    "query",
    ["?before=x&after=99999999999999999999", "?lane=nowhere&state=x&kind=%00", "?since=9999-12-31&until=0001-01-01",
     "?q=%00%ff&since=2026-13-45", "?until=9999-12-31", "?before=-1", "?q=" + "9" * 400, "?kind=" + "x" * 400],
)  # fmt: skip
def test_an_address_that_makes_no_sense_breaks_nothing(
    client: FlaskClient, ledger: Ledger, clock: Clock, query: str
) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    assert client.get("/console/customers" + query).status_code == 200


def test_a_long_list_is_paged_through_in_both_directions(client: FlaskClient, ledger: Ledger, clock: Clock) -> None:
    ledger.hear(*(delivery_of(person(i)) for i in range(1, 121)), now=clock())
    first = text(client, "/console/customers?lane=smaregi")
    assert listed(first) == list(range(120, 70, -1))
    second = text(client, link(first, "next"))
    assert listed(second) == list(range(70, 20, -1))
    third = text(client, link(second, "next"))
    assert listed(third) == list(range(20, 0, -1))
    assert 'rel="next"' not in third
    assert listed(text(client, link(third, "prev"))) == listed(second)
    assert listed(text(client, link(second, "prev"))) == listed(first)


def test_those_found_are_paged_through_too(client: FlaskClient, ledger: Ledger, house: House, clock: Clock) -> None:
    ledger.hear(*(delivery_of(person(i)) for i in range(1, 121)), now=clock())
    look(house, clock)
    pages = [text(client, "/console/customers?q=見本")]
    while 'rel="next"' in pages[-1]:
        pages.append(text(client, link(pages[-1], "next")))
    assert sorted(i for page in pages for i in listed(page)) == list(range(1, 121))
    assert listed(text(client, link(pages[2], "prev"))) == listed(pages[1])


def link(page: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page)
    assert found, page
    return found[1]


@pytest.mark.parametrize(("shown", "other"), [(HANAKO, TARO), (TARO, HANAKO)])
def test_nothing_of_another_customer_stands_on_a_customers_pages(
    client: FlaskClient, ledger: Ledger, house: House, clock: Clock, shown: int, other: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    arrive(ledger, house, clock, hanako(), taro())
    monkeypatch.setattr("handlers.console.one_customer.preview", compared)
    ids = "".join(row["request_id"] for row in ledger.rows(_deliveries(), customer_id=other))
    pages = [
        text(client, f"/console/customers/{shown}"),
        unescape(post(client, f"/console/customers/{shown}/in-full").text),
        text(client, f"/console/customers/{shown}/compare"),
        text(client, f"/console/customers?q={shown}"),
    ]
    for page in pages:
        for word in [*TELLING[other], str(other), ids]:
            assert word not in page, word
    for word in TELLING[shown]:
        assert word in pages[1], word
    assert f"<ins>{TELLING[shown][0]}</ins>" in pages[2]


def _deliveries() -> Any:
    from ledger import tables  # noqa: PLC0415

    return tables.deliveries


def compared(house: House, customer_id: int, lane: str) -> Preview:
    """As the real one, without far sides."""
    known = house.report.story(customer_id)
    assert known
    changes: Sequence[Change] = [Change("lastName", None, known.customer.customer.last_name or "")]
    return Preview(customer_id, lane, f"{lane}-ref", "linked", tuple(changes))


SCRIPT = "<script>alert(1)</script>"


def test_scripts_in_names_addresses_and_answers_do_not_run(
    client: FlaskClient, ledger: Ledger, house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = f"\"'>{SCRIPT}<img src=x onerror=alert(1)>"
    bad = hanako(
        last_name=evil, first_name=evil, last_kana=evil, phone=evil, email=f"{evil}@example.jp", note=evil,
        tags=(evil,), gender=evil, birth_date=evil, locale=evil, amount_spent=evil, currency=evil,
        address=Address(zip=evil, province_code=evil, city=evil, address1=evil, country_code=evil, phone=evil),
    )  # fmt: skip
    ledger.hear(delivery_of(bad, received_at=clock()), now=clock())
    corrections = [{"field": evil, "what": evil, "detail": evil}]
    arrived = Done("1", "created", {evil: "x"}, {"old_code": evil}, corrections, vendor_request_id=evil)
    ledger.carry(arrived, "smaregi", now=clock())
    ledger.carry(Failed(evil, evil, [{evil: evil}], 400, evil), "hubspot", now=clock())
    house.members.put([Member("1", evil, evil, (), "0")], NOON)
    look(house, clock)
    monkeypatch.setattr(
        "handlers.console.one_customer.preview",
        lambda _h, i, lane: Preview(i, lane, evil, "linked", (Change(evil, evil, evil),), evil, evil, ({"a": evil},)),
    )
    for answer in (
        client.get("/console/customers", query_string={"q": evil, "kind": evil, "since": evil}),
        client.get("/console/customers"),
        client.get(f"/console/customers/{HANAKO}"),
        post(client, f"/console/customers/{HANAKO}/in-full"),
        client.get(f"/console/customers/{HANAKO}/compare"),
    ):
        assert answer.status_code == 200
        assert "&lt;script&gt;" in answer.text  # it is there, to be read
        assert SCRIPT not in answer.text
        assert "<img src=x" not in answer.text


def test_the_page_of_a_customer_tells_where_they_stand_and_what_happened(
    client: FlaskClient, ledger: Ledger, house: House, clock: Clock
) -> None:
    ledger.hear(delivery_of(hanako(), key="w", received_at=clock()), now=clock())
    corrections = [{"field": "lastName", "what": "replaced", "detail": "𠮷 → 吉"}]
    sent = {"lastName": "x", "zip": ""}
    arrived = Done("member-1", "linked", sent, {"old_code": "CARD-OLD"}, corrections, vendor_request_id="till-77")
    ledger.carry(arrived, "smaregi", now=clock.forward(seconds=1))
    ledger.carry(retry(kind="hubspot.broken", why="HubSpot answered 500"), "hubspot", now=clock())
    house.members.put([Member("member-1", "CARD-HANAKO", str(HANAKO), (), "0")], NOON)
    page = text(client, f"/console/customers/{HANAKO}")
    for told in (
        "見本 花子", "CARD-HANAKO", "CARD-OLD", "member-1", "𠮷 → 吉", "2 fields were sent", "till-77",
        "HubSpot answered 500",
        "https://admin.shopify.com/store/example/customers/7654321000001", "Next try", "customers/update",
        ledger.rows(_deliveries(), customer_id=HANAKO)[0]["request_id"],
    ):  # fmt: skip
        assert told in page, told
    assert "hanako@example.jp" not in page
    assert "永田町" not in page


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "the member refuses mail in Smaregi: kept, although Shopify says that mail is wanted"),
        ("ja", "スマレジでこの会員はメール配信を拒否しています。"),
    ],
)
def test_an_opt_out_that_was_kept_is_told_in_words(
    app: Flask, ledger: Ledger, clock: Clock, language: str, told: str
) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    (kept,) = Plan("1", "withhold").corrections
    ledger.carry(Done("member-1", "linked", {}, {}, [asdict(kept)]), "smaregi", now=clock.forward(seconds=3))
    assert told in text(signed_in(app, language=language), f"/console/customers/{HANAKO}")


def test_a_contact_is_linked_to_where_the_portal_is_known(client: FlaskClient, ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    ledger.carry(done("503"), "hubspot", now=clock())
    assert 'href="https://app.hubspot.com/contacts/12345/record/0-1/503"' in text(
        client, f"/console/customers/{HANAKO}"
    )


def test_who_needs_a_choice_is_led_to_it(client: FlaskClient, ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    two = [{"member": "7", "code": "A", "number": ""}, {"member": "8", "code": "B", "number": ""}]
    ledger.carry(Failed("two members have this e-mail", "smaregi.several_members", two), "smaregi", now=clock())
    page = text(client, f"/console/customers/{HANAKO}")
    assert "Choose the member who is this customer." in page
    (to,) = re.findall(r'href="([^"]+)">2 may be meant: choose one', page)
    assert client.get(to).status_code == 200


def test_known_none_and_never_told_are_kept_apart() -> None:
    facts = {
        f.label: f for f in facts_of(Customer(1, email="a@example.jp", phone=None, cleared=("phone",)), in_full=False)
    }
    assert (facts["E-mail"].state, facts["E-mail"].value) == ("value", "•••@example.jp")
    assert (facts["Telephone"].state, facts["Telephone"].is_cleared) == ("none", True)
    assert facts["Gender"].state == "unknown"
    full = {f.label: f.value for f in facts_of(hanako(), in_full=True)}
    assert full["Address"] == "100-0014 東京都 千代田区 永田町1-1"
    assert {f.label: f.value for f in facts_of(hanako(), in_full=False)}["Address"] == "東京都 千代田区 •••"


def test_a_value_that_is_hidden_cannot_be_read_from_what_is_left() -> None:
    assert [hidden_mail(m) for m in ("a@x.jp", "ab@x.jp", "abcdef@x.jp", "no mail", "@x.jp", None)] == [
        "•••@x.jp", "a•••@x.jp", "ab•••@x.jp", "•••", "•••@x.jp", "",
    ]  # fmt: skip
    assert [hidden_phone(p) for p in ("090-0000-9003", "1234", "call me", "", None)] == [
        "•••9003",
        "•••",
        "•••",
        "",
        "",
    ]


def test_to_look_in_full_is_written_down(client: FlaskClient, ledger: Ledger, house: House, clock: Clock) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    page = post(client, f"/console/customers/{HANAKO}/in-full").text
    assert "hanako@example.jp" in page
    assert "永田町" in page
    (row, *_) = house.audit.page(limit=5, customer_id=HANAKO).rows
    assert (row.what, row.customer_id) == ("looked at a customer in full", HANAKO)


def test_a_resync_goes_through_a_comparison_and_is_written_down(
    client: FlaskClient, ledger: Ledger, house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(ledger, house, clock, hanako(), taro())
    monkeypatch.setattr("handlers.console.one_customer.preview", compared)
    page = text(client, f"/console/customers/{HANAKO}/compare?lane=hubspot")
    assert "<ins>見本</ins>" in page
    answer = post(client, f"/console/customers/{HANAKO}/resync", lane="hubspot")
    assert answer.status_code == 303
    assert ledger.states(HANAKO) == {"shopify": "pending", "smaregi": "done", "hubspot": "pending"}
    assert ledger.states(TARO)["hubspot"] == "done"
    assert "1 task is waiting now" in text(client, answer.location)
    row = house.audit.page(limit=5, customer_id=HANAKO).rows[0]
    assert (row.what, row.details["lanes"]) == ("resynced a customer", ["hubspot"])


def test_a_lane_that_is_off_is_not_compared_and_says_so(client: FlaskClient, ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    page = text(client, f"/console/customers/{HANAKO}/compare?lane=smaregi")
    assert "A resync is kept until it is on again." in page


@pytest.mark.parametrize("what", ["in-full", "resync"])
def test_whoever_may_only_look_changes_nothing_and_sees_nothing_in_full(
    app: Flask, ledger: Ledger, clock: Clock, what: str
) -> None:
    ledger.hear(delivery_of(hanako()), now=clock())
    ledger.carry(done("1"), "smaregi", now=clock())
    viewer = signed_in(app, "view")
    assert post(viewer, f"/console/customers/{HANAKO}/{what}").status_code == 403
    assert viewer.get(f"/console/customers/{HANAKO}/compare").status_code == 403
    page = text(viewer, f"/console/customers/{HANAKO}")
    assert "見本 花子" in page
    assert "/compare" not in page
    assert ledger.states(HANAKO)["smaregi"] == "done"


@pytest.mark.parametrize("i", [5, 2**63, 10**30])
def test_somebody_unknown_is_a_page_that_says_what_to_do(client: FlaskClient, i: int) -> None:
    for answer in (
        client.get(f"/console/customers/{i}"),
        client.get(f"/console/customers/{i}/compare"),
        post(client, f"/console/customers/{i}/resync"),
        post(client, f"/console/customers/{i}/in-full"),
    ):
        assert answer.status_code == 404
        assert "Save the customer again in the Shopify admin" in answer.text


def test_who_was_erased_is_shown_as_such_and_cannot_be_resynced(
    client: FlaskClient, ledger: Ledger, house: House, clock: Clock
) -> None:
    arrive(ledger, house, clock, hanako())
    house.erasing.erase(HANAKO, by="mihon", why="ticket 12", now=clock())
    page = text(client, f"/console/customers/{HANAKO}")
    assert "This person was erased" in page
    assert "ticket 12" in page
    assert "見本" not in page
    assert post(client, f"/console/customers/{HANAKO}/resync").status_code == 404
    assert "見本" not in text(client, "/console/customers")


def test_a_long_story_is_told_whole_page_by_page(app: Flask, ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(hanako(), received_at=clock()), now=clock())
    for i in range(150):
        at = clock.forward(minutes=1)
        changed = hanako(note=f"{i}", saved=SAVED + timedelta(minutes=i + 1))
        ledger.hear(delivery_of(changed, received_at=at), now=at)
        ledger.carry(done("1"), "smaregi", now=at)
    client = signed_in(app)  # now, for a session ends by itself
    pages = [text(client, f"/console/customers/{HANAKO}")]
    while 'rel="next"' in pages[-1]:
        pages.append(text(client, link(pages[-1], "next")))
    asked = [row["request_id"] for row in ledger.rows(_deliveries(), customer_id=HANAKO)]
    told = "".join(pages)
    assert len(pages) > 2
    assert all(f">{request_id}<" in told for request_id in asked)


def test_the_pages_speak_japanese(app: Flask, ledger: Ledger, house: House, clock: Clock) -> None:
    arrive(ledger, house, clock, hanako())
    client = signed_in(app, language="ja")
    assert "絞り込み" in text(client, "/console/customers")
    assert "連携の状態" in text(client, f"/console/customers/{HANAKO}")
