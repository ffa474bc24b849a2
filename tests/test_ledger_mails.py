"""Who is owed a welcome mail, when it may go, and that it is never owed twice: on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import tables as t
from ledger.book import Book
from ledger.database import Database
from ledger.erase import Erasing
from ledger.inbox import Inbox
from ledger.mails import Mails, Welcome
from ledger.outcome import Done, Outcome
from tests.conftest import Clock
from tests.ledger_cases import DESTINATIONS, LANES, SAVED, Ledger, delivery_of, done, failed, person, retry

CREATE, UPDATE = "customers/create", "customers/update"


class Welcoming(Ledger):
    """A ledger that owes mails."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.inbox = Inbox(self.database, destinations=DESTINATIONS, welcome=Welcome())
        self.book = Book(self.database, destinations=DESTINATIONS, welcome=Welcome(), apart={"mail"})
        self.mails = Mails(self.database)

    def try_mail(self, outcome: Outcome, *, clock: Clock) -> int:
        """Carry every mail that is due; how many were."""
        return len(self.carry(outcome, "mail", now=clock()))


@pytest.fixture
def ledger(database: Database) -> Welcoming:
    return Welcoming(database)


def register(ledger: Ledger, clock: Clock, i: int = 1, topic: str = CREATE) -> None:
    ledger.hear(delivery_of(person(i), topic=topic), now=clock())


def test_who_registers_is_owed_one_mail_beside_the_other_tasks(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock)
    assert ledger.states() == {"smaregi": "pending", "hubspot": "pending", "shopify": "pending", "mail": "pending"}


def test_a_person_may_let_mails_be_that_failed_and_no_other(ledger: Welcoming, clock: Clock) -> None:
    for i in (1, 2, 3):
        register(ledger, clock, i)
    clock.forward(minutes=11)
    ledger.try_mail(failed(), clock=clock)
    ledger.carry(failed(), "smaregi", now=clock())
    kind = failed().kind
    assert ledger.mails.let_be("mail.unknown", now=clock()) == 0
    assert ledger.mails.let_be(kind, now=clock(), customer_ids=[2]) == 1
    assert ledger.mails.let_be(kind, now=clock()) == 2
    assert ledger.mails.let_be(kind, now=clock()) == 0
    assert [ledger.states(i)["mail"] for i in (1, 2, 3)] == ["done"] * 3
    assert [ledger.states(i)["smaregi"] for i in (1, 2, 3)] == ["failed"] * 3


def test_with_the_lane_off_nobody_is_owed_one_and_switching_on_mails_nobody_old(
    database: Database, clock: Clock
) -> None:
    off, on = Ledger(database), Welcoming(database)
    register(off, clock)
    assert "mail" not in off.states()
    on.hear(delivery_of(person(1, last_name="例", saved=SAVED + timedelta(minutes=1)), topic=UPDATE), now=clock())
    on.hear(delivery_of(person(1, last_name="仮", saved=SAVED + timedelta(minutes=2)), topic=CREATE), now=clock())
    assert "mail" not in on.states()


def test_who_is_first_heard_of_by_an_update_is_owed_none(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock, topic=UPDATE)
    ledger.hear(delivery_of(person(1, saved=SAVED + timedelta(minutes=1)), topic=CREATE), now=clock())
    assert "mail" not in ledger.states()


@pytest.mark.parametrize(("topics", "owed"), [((CREATE, UPDATE), True), ((UPDATE, CREATE), False)])
def test_in_one_commit_the_first_delivery_decides(
    ledger: Welcoming, clock: Clock, topics: tuple[str, str], owed: bool
) -> None:
    one, two = (
        delivery_of(person(1, last_name=f"見本{n}", saved=SAVED + timedelta(seconds=n)), topic=topic)
        for n, topic in enumerate(topics)
    )
    ledger.hear(one, two, now=clock())
    assert ("mail" in ledger.states()) is owed
    assert ledger.rows(t.customers, id=1)[0]["first_topic"] == topics[0]


def test_a_repeat_and_a_test_notification_owe_none(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock)
    arrival = delivery_of(person(2), topic=CREATE, verdict="test")
    ledger.hear(delivery_of(None, topic=CREATE, verdict="test"), now=clock())
    assert arrival.verdict == "test"
    ledger.try_mail(done("<mail>", did="sent"), clock=clock)
    register(ledger, clock)
    assert [row["customer_id"] for row in ledger.rows(t.tasks, lane="mail")] == [1]


def test_a_mail_waits_ten_minutes_for_the_till_and_no_longer(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock)
    assert ledger.try_mail(done("<mail>", did="sent"), clock=clock) == 0
    clock.forward(minutes=9, seconds=59)
    assert ledger.try_mail(done("<mail>", did="sent"), clock=clock) == 0
    clock.forward(seconds=1)
    assert ledger.try_mail(done("<mail>", did="sent"), clock=clock) == 1


@pytest.mark.parametrize("did", ["created", "linked"])
def test_a_mail_goes_as_soon_as_the_member_stands_in_smaregi(ledger: Welcoming, clock: Clock, did: str) -> None:
    register(ledger, clock)
    ledger.carry(done("m-7", did=did), "smaregi", now=clock())
    (claimed,) = ledger.claim("mail", now=clock())
    assert claimed.customer_id == 1
    standing = ledger.mails.standing(1)
    assert standing is not None
    assert (standing.welcome, standing.member, standing.registered_at) == (True, "m-7", clock())


@pytest.mark.parametrize("outcome", [retry(), failed()])
def test_a_mail_does_not_go_while_smaregi_has_not_taken_the_customer(
    ledger: Welcoming, clock: Clock, outcome: Outcome
) -> None:
    register(ledger, clock)
    ledger.carry(outcome, "smaregi", now=clock())
    assert ledger.claim("mail", now=clock()) == []


def test_no_completion_waits_for_a_mail(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock)
    for lane in ("shopify", "smaregi"):
        ledger.carry(done("x", did="created"), lane, now=clock())
    (left,) = ledger.carry(done("x", did="created"), "hubspot", now=clock())
    assert left.completed is not None
    assert left.completed.lanes == dict.fromkeys(LANES, "done")
    (left,) = ledger.carry(done("<mail>", did="sent"), "mail", now=clock())
    assert left.completed is None


def test_neither_a_change_nor_a_resync_nor_a_sign_of_life_makes_a_mail_pending_again(
    ledger: Welcoming, clock: Clock
) -> None:
    for i in (1, 2):
        register(ledger, clock, i)
    clock.forward(minutes=10)
    one, two = ledger.claim("mail", now=clock())
    ledger.settle([one], done("<mail>", did="sent"), now=clock())
    ledger.settle([two], failed(), now=clock())
    clock.forward(minutes=1)
    for n, i in ((1, 1), (2, 2)):
        ledger.hear(delivery_of(person(i, last_name="例", saved=SAVED + timedelta(hours=n))), now=clock())
        ledger.hear(delivery_of(person(i, last_name="例", saved=SAVED + timedelta(hours=n))), now=clock())
    ledger.resync.page(now=clock(), lanes=[*LANES, "mail"])
    ledger.resync.page(now=clock(), lanes=[*LANES, "mail"], only="failed")
    assert (ledger.states(1)["mail"], ledger.states(2)["mail"]) == ("done", "failed")
    assert ledger.resync.count(lanes=["mail"]) == 0


def test_a_resync_owes_a_mail_to_nobody(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock, topic=UPDATE)
    ledger.resync.page(now=clock(), lanes=[*LANES, "mail"])
    assert "mail" not in ledger.states()


def test_a_change_that_is_read_back_owes_no_mail(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock, topic=UPDATE)
    found = person(1, last_name="例", saved=SAVED)
    ledger.carry(done("gid", did="read", found=found), "shopify", now=clock())
    assert "mail" not in ledger.states()


def test_who_was_erased_is_nobodys_new_customer_also_when_that_is_undone(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock)
    erasing = Erasing(ledger.database)
    erasing.erase(1, by="ops", why="", now=clock())
    assert ledger.rows(t.tasks) == []
    erasing.undo(1, by="ops", now=clock())
    register(ledger, clock)
    clock.forward(minutes=10)
    assert len(ledger.claim("mail", now=clock())) == 1
    standing = ledger.mails.standing(1)
    assert standing is not None
    assert not standing.welcome
    assert not ledger.mails.mark(1, "wait", "<mail>", clock())


def claimed_mail(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock)
    ledger.carry(done("m-1", did="created"), "smaregi", now=clock())
    assert len(ledger.claim("mail", now=clock())) == 1


def test_a_mail_is_marked_once_and_only_while_it_is_carried(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock)
    assert not ledger.mails.mark(1, "member", "<mail>", clock())
    ledger.carry(done("m-1", did="created"), "smaregi", now=clock())
    ledger.claim("mail", now=clock())
    assert ledger.mails.mark(1, "member", "<mail>", clock())
    assert not ledger.mails.mark(1, "member", "<mail>", clock())
    standing = ledger.mails.standing(1)
    assert standing is not None
    assert (standing.marked_at, standing.sent_at) == (clock(), None)


def test_a_clear_refusal_takes_the_mark_back_and_is_counted(ledger: Welcoming, clock: Clock) -> None:
    claimed_mail(ledger, clock)
    for count in (1, 2):
        assert ledger.mails.mark(1, "member", "<mail>", clock())
        assert ledger.mails.refused(1, "member", "<mail>") == count
    assert ledger.mails.mark(1, "member", "<mail>", clock())
    ledger.mails.sent(1, clock())
    ledger.mails.refused(1, "member", "<mail>")
    standing = ledger.mails.standing(1)
    assert standing is not None
    assert standing.sent_at == clock(), "what was sent stays so"


def test_a_mail_that_was_given_up_and_then_turns_out_to_be_sent_is_done(ledger: Welcoming, clock: Clock) -> None:
    register(ledger, clock)
    ledger.carry(done("m-1", did="created"), "smaregi", now=clock())
    claimed = ledger.claim("mail", now=clock())
    ledger.mails.mark(1, "member", "<mail>", clock())
    ledger.settle(claimed, failed(), now=clock())
    ledger.mails.sent(1, clock())
    task = ledger.task(1, "mail")
    assert (task["state"], task["ref"], task["kind"], task["why"]) == ("done", "<mail>", None, None)


@pytest.mark.parametrize(
    ("index_code", "sent", "code"),
    [("CARD-1", {"customerNo": "x"}, "CARD-1"), (None, {"customerCode": "x"}, "1"), (None, {"customerNo": "x"}, None)],
)
def test_the_code_is_what_the_till_scans(
    ledger: Welcoming, clock: Clock, index_code: str | None, sent: dict[str, str], code: str | None
) -> None:
    register(ledger, clock)
    ledger.carry(Done("m-1", "linked", sent=sent), "smaregi", now=clock())
    if index_code:
        row = {"id": "m-1", "code": index_code, "number": "1", "status": "0", "mails": [], "seen_at": clock()}
        with ledger.database.writing() as c:
            c.execute(t.members.insert().values(row))
    standing = ledger.mails.standing(1)
    assert standing is not None
    assert standing.code == code


@given(st.lists(st.sampled_from(["create", "update", "again", "resync", "revive", "smaregi", "send", "later"])))
def test_whatever_happens_in_whatever_order_a_mail_is_marked_at_most_once(
    sqlite_template: object, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    path = tmp_path_factory.mktemp("mails") / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())  # type: ignore[attr-defined]
    database, clock, marks = Database(f"sqlite:///{path}"), Clock(), 0
    ledger = Welcoming(database)
    first = next((step for step in steps if step in ("create", "update")), None)
    for n, step in enumerate(steps):
        clock.forward(seconds=1)
        saved = SAVED + timedelta(minutes=n)
        match step:
            case "create" | "update":
                told = person(1, last_name=f"見本{n}", saved=saved)
                ledger.hear(delivery_of(told, topic=f"customers/{step}"), now=clock())
            case "again":
                ledger.hear(delivery_of(person(1, last_name="見本", saved=saved), key="same"), now=clock())
            case "resync":
                ledger.resync.page(now=clock(), lanes=[*LANES, "mail"])
            case "smaregi":
                ledger.carry(done("m-1", did="created"), "smaregi", now=clock())
            case "later":
                clock.forward(minutes=10)
                ledger.book.rescue(now=clock())
            case "send":
                for claimed in ledger.claim("mail", now=clock()):
                    marks += ledger.mails.mark(claimed.customer_id, "member", "<mail>", clock())
    database.close()
    assert marks <= 1
    if "again" not in steps:
        assert marks == 0 or first == "create"
