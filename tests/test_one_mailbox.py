"""One mailbox is one mailbox, however its address was written: in Shopify, at the till, in HubSpot, in the search."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clients.errors import AskPerson
from clients.hubspot.lane import HubSpotLane
from clients.lane import Carried
from clients.mail.message import in_command, plain_address
from customer import Customer, Member, Task
from japan import email, mailbox, spellings
from ledger import tables as t
from ledger.database import Database
from ledger.erase import Erasing
from ledger.members import Members
from ledger.search import Search
from ledger.search_index import SearchIndex
from ledger.words import read_query
from tests.conftest import NOON, Clock
from tests.ledger_cases import DESTINATIONS, Ledger, delivery_of, person
from tests.test_hubspot_lane import Portal, lane, portal  # noqa: F401 - fixtures: a portal and the lane to it
from tests.test_smaregi_lane import World, world  # noqa: F401 - a fixture: a Smaregi and its index

#: As it may be typed, as it is sent (None: not an address), and the mailbox.
CASES = [
    ("hanako@example.jp", "hanako@example.jp", "hanako@example.jp"),
    ("Hanako@Example.JP", "hanako@example.jp", "hanako@example.jp"),
    ('"hanako"@example.jp', '"hanako"@example.jp', "hanako@example.jp"),
    ('"hanako..m"@docomo.ne.jp', '"hanako..m"@docomo.ne.jp', "hanako..m@docomo.ne.jp"),
    ("hanako..m@docomo.ne.jp", "hanako..m@docomo.ne.jp", "hanako..m@docomo.ne.jp"),
    ('".hanako."@ezweb.ne.jp', '".hanako."@ezweb.ne.jp', ".hanako.@ezweb.ne.jp"),
    (r'"hanako\.\.m"@docomo.ne.jp', r'"hanako\.\.m"@docomo.ne.jp', "hanako..m@docomo.ne.jp"),
    ('"hana ko"@example.jp', '"hana ko"@example.jp', '"hana ko"@example.jp'),
    (r'"hana\ ko"@example.jp', r'"hana\ ko"@example.jp', '"hana ko"@example.jp'),
    (r'"hana\"ko"@example.jp', r'"hana\"ko"@example.jp', r'"hana\"ko"@example.jp'),
    ("＂ｈａｎａｋｏ．．ｍ＂＠ｄｏｃｏｍｏ．ｎｅ．ｊｐ", '"hanako..m"@docomo.ne.jp', "hanako..m@docomo.ne.jp"),
    ("taro@straße.de", "taro@xn--strae-oqa.de", "taro@xn--strae-oqa.de"),
    ("taro@STRASSE.de", "taro@strasse.de", "taro@strasse.de"),
    ("taro@ΟΔΟΣ.gr", "taro@xn--pxavbq.gr", "taro@xn--pxavbq.gr"),
    ("taro@οδος.gr", "taro@xn--pxavbm.gr", "taro@xn--pxavbm.gr"),
    ("taro@نامه\u200cای.com", "taro@xn--mgba3gch31f060k.com", "taro@xn--mgba3gch31f060k.com"),
    ("taro@exam\u200dple.com", "taro@example.com", "taro@example.com"),
    ("taro@例え.jp", "taro@xn--r8jz45g.jp", "taro@xn--r8jz45g.jp"),
    ("taro@例え．ＪＰ", "taro@xn--r8jz45g.jp", "taro@xn--r8jz45g.jp"),
    ("taro@例え.みんな", "taro@xn--r8jz45g.xn--q9jyb4c", "taro@xn--r8jz45g.xn--q9jyb4c"),
    ("\u202ataro@example.jp\u202c", "taro@example.jp", "taro@example.jp"),
    ("ta\u3164ro@example\u2800.jp\U000e0001", "taro@example.jp", "taro@example.jp"),
    ("<mailto:taro@example.jp>", "taro@example.jp", "taro@example.jp"),
    ("taro@example.jp。", "taro@example.jp", "taro@example.jp"),
    ("taro@example.jp、", None, "taro@example.jp、"),
    ("taro@example.jp，", None, "taro@example.jp,"),
    ("taro@example.jp・", None, "taro@example.jp・"),
    ("taro@example.jp）", None, "taro@example.jp)"),
    ("taro@example.jp！", None, "taro@example.jp!"),
    ("taro@example.jp」", None, "taro@example.jp」"),
    ("taro@example.jpへ", None, "taro@example.jpへ"),
    ("taro@example.jp・花子", None, "taro@example.jp・花子"),
    ("taro@☃.jp", None, "taro@☃.jp"),
    ("なし", None, "なし"),
    ("  ", None, None),
]


@pytest.mark.parametrize(("typed", "sent", "box"), CASES)
def test_an_address_is_sent_as_it_was_written_and_compared_as_a_mailbox(
    typed: str, sent: str | None, box: str | None
) -> None:
    assert (email(typed), mailbox(typed)) == (sent, box)


_LOCALS = st.text("abcXYZ019.+_-'", min_size=1, max_size=20)
_TYPED = st.one_of(
    st.text(max_size=30), st.text(st.sampled_from('aA.@"\\<> mailto:例ßς、。\u200d\u202aｍ'), max_size=20)
)


@settings(max_examples=300)
@given(local=_LOCALS, domain=st.sampled_from(["docomo.ne.jp", "例え.jp", "straße.de"]))
@example(local="h..m", domain="docomo.ne.jp")
def test_a_mailbox_is_the_same_with_quotes_in_capitals_and_in_every_spelling(local: str, domain: str) -> None:
    box = mailbox(f"{local}@{domain}")
    assert mailbox(f'"{local}"@{domain}') == mailbox(f"{local.upper()}@{domain}") == box
    assert {mailbox(way) for way in spellings(email(f"{local}@{domain}") or "")} == {box}


@settings(max_examples=500)
@given(typed=_TYPED)
@example(typed="<<a@b.jp>>")
@example(typed="İ@ẞ.de")
def test_the_mailbox_of_a_mailbox_is_itself_and_that_of_what_is_sent(typed: str) -> None:
    box = mailbox(typed)
    assert mailbox(box) == box
    if sent := email(typed):
        assert mailbox(sent) == box
        assert sent.isascii()
        assert email(sent) == sent


@given(typed=_TYPED)
def test_nothing_but_letters_digits_hyphens_and_dots_becomes_a_domain(typed: str) -> None:
    if sent := email(typed):
        assert not set(sent.rpartition("@")[2]) - set("abcdefghijklmnopqrstuvwxyz0123456789.-")


# Smaregi

QUOTED, PLAIN = '"hanako..m"@docomo.ne.jp', "hanako..m@docomo.ne.jp"
BOTH_WAYS = pytest.mark.parametrize(("in_shopify", "there"), [(QUOTED, PLAIN), (PLAIN, QUOTED), (QUOTED, QUOTED)])
ID = 6900000000002


def customer(mail: str, number: int = ID) -> Customer:
    return Customer(id=number, email=mail, last_name="見本", first_name="花子")


@BOTH_WAYS
def test_a_member_of_the_same_mailbox_is_linked_and_none_is_made(
    world: World,  # noqa: F811
    in_shopify: str,
    there: str,
) -> None:
    member_id = world.in_store(mailAddress=there)
    carried = world.arrives(Task(customer(in_shopify)))
    assert (carried.did, carried.ref, len(world.smaregi.rows)) == ("linked", member_id, 1)
    assert world.smaregi.rows[member_id]["mailAddress"] == in_shopify  # the till has what the customer wrote


def test_a_member_whose_domain_only_looks_alike_is_not_linked(world: World) -> None:  # noqa: F811
    world.in_store(mailAddress="taro@strasse.de")
    carried = world.arrives(Task(customer("taro@straße.de")))
    assert carried.did == "created"


def test_two_customers_of_one_mailbox_are_not_created_side_by_side(world: World) -> None:  # noqa: F811
    box = mailbox(QUOTED)
    assert box
    world.index.hold_mail(box, ID + 1, NOON, NOON.replace(hour=23))
    assert world.waits(Task(customer(PLAIN))).kind == "smaregi.mail_held"
    assert world.waits(Task(customer(QUOTED))).kind == "smaregi.mail_held"


# HubSpot


@BOTH_WAYS
def test_a_contact_of_the_same_mailbox_is_linked_and_none_is_made(
    portal: Portal,  # noqa: F811
    lane: HubSpotLane,  # noqa: F811
    in_shopify: str,
    there: str,
) -> None:
    portal.put("9001", email=there)
    [carried] = lane.carry([Task(customer(in_shopify))]).values()
    assert isinstance(carried, Carried)
    assert (carried.did, carried.ref, len(portal.contacts)) == ("linked", "9001", 1)
    look = lane.preview(Task(customer(in_shopify)))
    assert look.ref == "9001"


def test_of_two_contacts_with_one_mailbox_the_one_written_alike_is_taken(
    portal: Portal,  # noqa: F811
    lane: HubSpotLane,  # noqa: F811
) -> None:
    portal.put("9001", email=PLAIN)
    portal.put("9002", email=QUOTED)
    [carried] = lane.carry([Task(customer(QUOTED))]).values()
    assert isinstance(carried, Carried)
    assert carried.ref == "9002"


def test_two_customers_of_one_mailbox_are_the_same_e_mail_twice(
    portal: Portal,  # noqa: F811
    lane: HubSpotLane,  # noqa: F811
) -> None:
    results = lane.carry([Task(customer(QUOTED)), Task(customer(PLAIN, ID + 1))])
    asked = results[ID + 1]
    assert isinstance(asked, AskPerson)
    assert asked.kind == "hubspot.email_twice"
    assert len(portal.contacts) == 1


def test_a_hundred_addresses_that_are_written_in_two_ways_are_asked_for_in_two_batches(
    portal: Portal,  # noqa: F811
    lane: HubSpotLane,  # noqa: F811
) -> None:
    portal.put("9001", email="p99@straße.de")
    results = lane.carry([Task(customer(f"p{number}@straße.de", ID + number)) for number in range(100)])
    assert all(isinstance(result, Carried) for result in results.values())
    assert sorted(size for name, size in portal.calls if name == "read") == [100, 100, 100]
    linked = results[ID + 99]
    assert isinstance(linked, Carried)
    assert (linked.did, linked.ref) == ("linked", "9001")


# The welcome mail


@pytest.mark.parametrize("typed", [QUOTED, PLAIN])
def test_a_welcome_mail_can_be_sent_to_it(typed: str) -> None:
    assert in_command(plain_address(typed)) == '<"hanako..m"@docomo.ne.jp>'


def test_a_welcome_mail_goes_to_the_domain_that_was_written() -> None:
    assert plain_address("Taro@straße.de") == "Taro@xn--strae-oqa.de"


# The ledger


@BOTH_WAYS
def test_the_search_finds_the_customer_and_the_member(
    database: Database, clock: Clock, in_shopify: str, there: str
) -> None:
    ledger, index = Ledger(database), SearchIndex(database)
    ledger.hear(delivery_of(person(1, email=in_shopify)), now=clock())
    Members(database).put([Member("7", "CARD", None, (mailbox(there) or "",), "0")], clock())
    for _ in range(3):
        index.run(now=clock, rest=lambda _: None)
        clock.forward(seconds=2)
    search = Search(database, lanes=DESTINATIONS)
    for typed in (there, there.upper(), there[:-3], there.partition("@")[0] + "@d"):
        assert list(search.find(read_query(typed)).customer_ids) == [1], typed
    assert [member.id for member in search.find(read_query(there)).members] == ["7"]


@BOTH_WAYS
def test_erasing_finds_what_nobody_filed_and_the_member(
    database: Database, clock: Clock, in_shopify: str, there: str
) -> None:
    ledger, members = Ledger(database), Members(database)
    escaped = there.replace('"', '\\"')
    ledger.hear(
        delivery_of(person(1, email=in_shopify)),
        delivery_of(None, verdict="unreadable", body=f'{{"customer": {{"email": "{escaped}"}}}}'.encode()),
        delivery_of(None, verdict="unreadable", body=there.replace("@", "\\u0040").encode()),
        delivery_of(None, verdict="unreadable", body=b"nagahama..m@docomo.ne.jp"),
        now=clock(),
    )
    members.put([Member("7", "CARD", None, (mailbox(there) or "",), "0")], clock())
    erased = Erasing(database).erase(1, by="mihon", why="ticket 12", now=clock())
    assert erased.bodies == 3  # and their own
    assert members.count() == 0
    kept = [row["body"] for row in ledger.rows(t.deliveries, verdict="unreadable") if row["body"]]
    assert kept == [b"nagahama..m@docomo.ne.jp"]
