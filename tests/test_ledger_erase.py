"""To erase a person: nothing of them is left in the ledger but the id and the fact, and they do not come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from customer import Address, FlagWritten, Member
from ledger import tables as t
from ledger.arrival import END_OF_TIME
from ledger.database import Database
from ledger.erase import Erasing, NobodyKnown
from ledger.mail_flags import MailFlags
from ledger.members import Members
from ledger.report import Report
from ledger.seal import NO_SEAL, Seal, new_key
from tests.conftest import NOON, Clock
from tests.ledger_cases import LANES, SAVED, Ledger, delivery_of, done, failed, person

ID = 7700000000001
WORDS = ("秘密山", "himitsu@example.jp", "090-0000-7777", "内緒町", "同人マンション")
BODY = f'{{"id":{ID},"last_name":"秘密山","email":"himitsu@example.jp","city":"内緒町"}}'.encode()


@pytest.fixture(params=[NO_SEAL, Seal([new_key()])], ids=["plain", "sealed"])
def database(request: pytest.FixtureRequest, database_url: str) -> Iterator[Database]:
    made = Database(database_url, busy_s=5, seal=request.param)
    yield made
    made.close()


def the_person(**told: Any) -> dict[str, Any]:
    """What the shop told of them."""
    return {
        "last_name": "秘密山",
        "email": "Himitsu@example.jp",
        "phone": "090-0000-7777",
        "address": Address(city="内緒町", address2="同人マンション"),
        **told,
    }


@pytest.fixture
def ledger(database: Database, clock: Clock) -> Ledger:
    """One person among others, in every table there is."""
    ledger, members = Ledger(database), Members(database)
    for i in range(1, 60):
        ledger.hear(delivery_of(person(i)), now=clock())
    ledger.hear(delivery_of(person(ID, **the_person()), body=BODY, key="first"), now=clock())
    ledger.carry(done("gid://shopify/Customer/1"), "shopify", now=clock())
    ledger.carry(failed(), "hubspot", now=clock())
    for claimed in ledger.claim("smaregi", now=clock()):
        mine = done("m-7" if claimed.customer_id == ID else f"m-{claimed.customer_id}0")
        ledger.settle([claimed], mine, now=clock())
    ledger.resync.link(ID, "hubspot", "503", now=clock())
    assert MailFlags(database).put(ID, FlagWritten("0", NOON, "m-7"), instead_of=None)
    members.remember(ID, {"old_code": "CARD-内緒町"})
    members.put([Member("m-7", "CARD", None, ("himitsu@example.jp",), "0")], NOON)
    members.put([Member("m-10", "OTHER", None, ("himitsu@example.jp",), "0")], NOON)  # another customer's
    members.hold_mail("himitsu@example.jp", ID, clock(), clock() + timedelta(minutes=1))
    ledger.hear(
        delivery_of(None, verdict="ignored", topic="customers/redact", body=b'{"customer":' + BODY + b"}"),
        delivery_of(None, verdict="unreadable", body=b"<email>himitsu@example.jp</email>"),
        delivery_of(None, verdict="ignored", topic="customers/delete", body=b'{"id":1%d}' % ID),
        now=clock(),
    )
    return ledger


def erase(ledger: Ledger, clock: Clock) -> Erasing:
    erasing = Erasing(ledger.database)
    erasing.erase(ID, by="mihon", why="ticket 12", now=clock())
    return erasing


def test_nothing_of_the_person_is_left_but_the_id_and_the_fact(ledger: Ledger, clock: Clock) -> None:
    told = Erasing(ledger.database).erase(ID, by="mihon", why="ticket 12", now=clock())
    assert told.bodies == 3
    assert told.wiped
    assert not told.before
    assert told.erasure.refs == {"shopify": "gid://shopify/Customer/1", "smaregi": "m-7", "hubspot": "503"}
    for table in t.metadata.tables.values():
        for row in ledger.rows(table):
            if "m-10" not in row.values():  # the other one has this e-mail, too
                assert not [word for word in WORDS if word in readable(row)], table.name
    (erasure,) = ledger.rows(t.erasures)
    assert (erasure["customer_id"], erasure["by"], erasure["why"], erasure["erased_at"]) == (
        ID,
        "mihon",
        "ticket 12",
        clock(),
    )
    (customer,) = ledger.rows(t.customers, id=ID)
    assert set(customer["state"]) == {"id", "updated_at"}


def readable(row: Mapping[str, Any]) -> str:
    """A row as text, bytes included."""
    return " ".join(v.decode("utf-8", "replace") if isinstance(v, bytes) else repr(v) for v in row.values())


def test_not_a_byte_of_the_person_is_left_in_sqlites_files(sqlite_file: str, clock: Clock) -> None:
    database = Database(sqlite_file, busy_s=5)
    ledger = Ledger(database)
    for i in range(1, 400):
        ledger.hear(delivery_of(person(i), body=b"x" * 1200), now=clock())
    ledger.hear(delivery_of(person(ID, **the_person()), body=BODY + b" " * 9000 + BODY), now=clock())
    for i in range(1, 400):  # pages are split, merged and moved
        newer = person(i, last_name="見本" * (i % 40), saved=SAVED + timedelta(seconds=1))
        ledger.hear(delivery_of(newer, body=b"y" * (i * 7)), now=clock())
    Members(database).put([Member("m-7", str(ID), None, ("himitsu@example.jp",), "0")], NOON)
    path = Path(str(database.url.database))
    assert all(word.encode() in bytes_of(path) for word in WORDS)
    assert Erasing(database).erase(ID, by="mihon", why="", now=clock()).wiped
    assert [word for word in WORDS if word.encode() in bytes_of(path)] == []
    database.close()


@pytest.fixture
def sqlite_file(tmp_path: Path, sqlite_template: Path) -> str:
    path = tmp_path / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


def bytes_of(path: Path) -> bytes:
    """The database file with its log."""
    return path.read_bytes() + path.with_name(f"{path.name}-wal").read_bytes()


def test_erasing_again_changes_nothing_and_says_so(ledger: Ledger, clock: Clock) -> None:
    erasing = erase(ledger, clock)
    again = erasing.erase(ID, by="rei", why="", now=clock.forward(days=1))
    assert again.before
    assert again.erasure.by == "mihon"
    assert again.erasure.refs["smaregi"] == "m-7"
    assert again.bodies == 0
    assert len(ledger.rows(t.erasures)) == 1


def test_the_others_stay_as_they_were(ledger: Ledger, clock: Clock) -> None:
    before = {table.name: ledger.rows(table) for table in (t.customers, t.tasks)}
    erase(ledger, clock)
    for table, key in ((t.customers, "id"), (t.tasks, "customer_id")):
        kept = [row for row in before[table.name] if row[key] != ID]
        now = [row for row in ledger.rows(table) if row[key] != ID]
        assert sorted(map(repr, kept)) == sorted(map(repr, now))
    assert [m.id for m in Members(ledger.database).by_mail("himitsu@example.jp")] == ["m-10"]


@pytest.mark.parametrize("later", [-60, 0, 60, 86400 * 400])
def test_whatever_shopify_still_sends_brings_nobody_back(ledger: Ledger, clock: Clock, later: int) -> None:
    erasing = erase(ledger, clock)
    saved = SAVED + timedelta(seconds=later)
    said = ledger.hear(
        delivery_of(person(ID, saved=saved, **the_person()), body=BODY, triggered_at=saved),
        now=clock.forward(hours=3),
        reading_is_on=True,
    )
    assert [one.verdict for one in said] == ["older"]
    assert ledger.states(ID) == {}
    assert erasing.tidy(clock()) == 1
    assert erasing.tidy(clock()) == 0
    assert not [row for row in ledger.rows(t.deliveries) if b"himitsu" in row["body"]]


def test_a_resync_of_everybody_leaves_the_erased_in_peace(ledger: Ledger, clock: Clock) -> None:
    erase(ledger, clock)
    total = ledger.resync.count(lanes=LANES)
    assert ledger.resync.page(now=clock(), lanes=LANES)[0] == total == 59 * len(LANES)
    assert ledger.resync.count(lanes=LANES, customer_ids=[ID]) == 0
    assert not ledger.resync.link(ID, "smaregi", "m-7", now=clock())
    assert ledger.states(ID) == {}


def test_what_was_being_carried_is_told_and_its_result_is_refused(ledger: Ledger, clock: Clock) -> None:
    newer = person(ID, saved=SAVED + timedelta(seconds=9), **the_person(last_name="新秘密山"))
    ledger.hear(delivery_of(newer), now=clock.forward(seconds=9))
    (claimed,) = ledger.claim("smaregi", now=clock())
    told = Erasing(ledger.database).erase(ID, by="mihon", why="", now=clock())
    assert told.in_hand == ["smaregi"]
    (left,) = ledger.settle([claimed], done("m-7"), now=clock())
    assert left.refused
    ledger.book.send_again("smaregi", {ID: ["last_name"]}, now=clock())
    assert ledger.states(ID) == {}


def test_after_an_undo_the_next_save_is_somebody_new(ledger: Ledger, clock: Clock) -> None:
    erasing = erase(ledger, clock)
    assert erasing.undo(ID, by="rei", now=clock())
    assert not erasing.undo(ID, by="rei", now=clock())
    assert erasing.of(ID) is None
    (said,) = ledger.hear(delivery_of(person(ID, saved=SAVED + timedelta(days=1))), now=clock())
    assert (said.verdict, said.revision) == ("changed", 1)
    assert set(ledger.states(ID)) == set(LANES)
    (erasure,) = ledger.rows(t.erasures)
    assert (erasure["undone_by"], erasure["undone_at"]) == ("rei", clock())


def test_an_id_nobody_knows_is_not_erased(ledger: Ledger, clock: Clock) -> None:
    with pytest.raises(NobodyKnown):
        Erasing(ledger.database).erase(4200, by="mihon", why="", now=clock())
    assert not ledger.rows(t.erasures)


def test_an_erasure_that_was_interrupted_is_finished_by_the_next(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: object, *_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(Erasing, "_empty", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(ledger, clock)
    assert Erasing(ledger.database).erase(ID, by="mihon", why="", now=clock()).bodies == 3


def test_the_story_of_an_erased_customer_says_so(ledger: Ledger, clock: Clock) -> None:
    erase(ledger, clock)
    assert (story := Report(ledger.database).story(ID))
    assert story.erasure
    assert story.erasure.why == "ticket 12"
    assert story.customer.customer.updated_at == END_OF_TIME


def test_a_body_that_tells_no_time_brings_nobody_back(ledger: Ledger, clock: Clock) -> None:
    erase(ledger, clock)
    (said,) = ledger.hear(delivery_of(person(ID, saved=None)), now=clock.forward(days=1))
    assert said.verdict == "older"
    assert not {"pending", "running"} & set(ledger.states(ID).values())


@pytest.mark.parametrize("state", ["failed", "pending"])
def test_their_name_goes_from_what_other_customers_may_choose_from(ledger: Ledger, clock: Clock, state: str) -> None:
    choices = [
        {"member": "m-7", "code": "CARD", "name": "秘密山 花子"},
        {"member": "m-9", "code": "C9", "name": "見本 太郎"},
    ]
    others = [{"member": "m-9", "name": "見本 太郎"}]
    with ledger.database.writing() as c:
        for i, told in ((1, choices), (2, others)):
            mine = (t.tasks.c.customer_id == i, t.tasks.c.lane == "smaregi")
            c.execute(t.tasks.update().where(*mine).values(state=state, choices=told))
    erase(ledger, clock)
    assert ledger.task(1)["choices"] == [{"member": "m-7", "code": "CARD"}, {"member": "m-9", "code": "C9"}]
    assert ledger.task(2)["choices"] == others
