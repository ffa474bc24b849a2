"""The lane ``mail`` over a real ledger, against the sandbox's mail server: who gets which mail, once, and why not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.errors import CarryError, StopLane, TryLater
from clients.lane import Lane
from clients.mail.lane import TRIES, MailLane
from clients.mail.server import Address, MailServer
from handlers.judge import judge
from ledger import tables as t
from ledger.database import Database
from ledger.mails import Welcome
from ledger.outcome import Outcome
from sandbox import mail as box
from sandbox.config import SandboxConfig
from sandbox.mail_certificate import self_signed
from sandbox.world import World
from tests.conftest import Clock
from tests.leaks import leaks
from tests.ledger_cases import delivery_of, done, person
from tests.test_ledger_mails import Welcoming

SENDER = "見本商店 <shop@example.jp>"


@dataclass
class Post:
    """A ledger, the lane, and the mail server that it knows."""

    world: World
    ledger: Welcoming
    lane: MailLane
    clock: Clock
    server: box.MailServer

    def register(self, i: int = 1, **told: Any) -> None:
        self.ledger.hear(delivery_of(person(i, **told), topic="customers/create"), now=self.clock())

    def arrive(self, did: str = "created", code: str = "1") -> None:
        """The till knows everybody who waits for it."""
        with self.ledger.database.writing() as c:
            c.execute(t.members.delete())
            row = {"id": "m-1", "code": code, "number": "1", "status": "0", "mails": [], "seen_at": self.clock()}
            c.execute(t.members.insert().values(row))
        self.ledger.carry(done("m-1", did=did), "smaregi", now=self.clock())

    def carry(self) -> list[Outcome]:
        """What becomes of every mail that is due."""
        outcomes = []
        for claimed in self.ledger.claim("mail", now=self.clock()):
            outcomes.append(judge(self.lane.carry([claimed.task])[claimed.customer_id]))
            self.ledger.settle([claimed], outcomes[-1], now=self.clock())
        return outcomes

    def task(self, i: int = 1) -> tuple[str, str | None]:
        task = self.ledger.task(i, "mail")
        return task["state"], task["kind"]

    @property
    def mails(self) -> list[box.Mail]:
        return self.world.mail.all()


@pytest.fixture
def world() -> World:
    return World(SandboxConfig(), pause=lambda _seconds: None)


@pytest.fixture
def server(world: World) -> Iterator[box.MailServer]:
    with box.MailServer(world) as made:
        yield made


@pytest.fixture
def post(database: Database, world: World, server: box.MailServer, clock: Clock) -> Post:
    ledger = Welcoming(database)
    lane = MailLane(
        smtp_url=server.url,
        mail_from=SENDER,
        templates=None,
        shop="example.myshopify.com",
        book=ledger.mails,
        patience=Welcome().patience,
        now=clock,
        sleep=lambda _seconds: None,
    )
    fits: Lane = lane
    fits.prepare()
    world.calls.clear()
    return Post(world, ledger, lane, clock, server)


# Who gets which mail


def test_a_new_member_gets_one_mail_with_the_number_and_its_barcode(post: Post) -> None:
    post.register()
    post.arrive()
    post.carry()
    (mail,) = post.mails
    assert mail.to == ("hanako1@example.jp",)
    assert mail.sender == "shop@example.jp"
    assert "会員番号: 1" in mail.text
    assert len(mail.pictures) == 1
    assert f"cid:{next(iter(mail.pictures))}" in mail.html
    assert post.task() == ("done", None)
    task = post.ledger.task(1, "mail")
    assert (task["ref"], task["memo"]) == ("<welcome.1@example.jp>", {"variant": "member"})
    assert mail.message["Message-ID"] == task["ref"]
    (attempt,) = post.ledger.rows(t.attempts, lane="mail")
    assert (attempt["did"], attempt["vendor_request_id"]) == ("sent", "SANDBOX000001")


def test_who_had_a_card_reads_that_it_goes_on_working(post: Post) -> None:
    post.register()
    post.arrive("linked", "CARD-9")
    post.carry()
    (mail,) = post.mails
    assert "これまでどおり" in mail.text
    assert "CARD-9" in mail.text
    assert mail.pictures == {}


def test_who_had_a_card_whose_code_was_replaced_gets_the_new_codes_barcode(post: Post) -> None:
    post.register()
    post.arrive("linked", "1")
    post.carry()
    assert len(post.mails[0].pictures) == 1


def test_who_is_not_at_the_till_after_ten_minutes_is_asked_to_wait_and_gets_no_second_mail(post: Post) -> None:
    post.register()
    assert post.carry() == []
    post.clock.forward(minutes=10)
    post.carry()
    (mail,) = post.mails
    assert "準備中" in mail.text
    post.arrive()
    post.clock.forward(hours=1)
    assert post.carry() == []
    assert len(post.mails) == 1


def test_a_lane_that_comes_back_does_not_hurry_who_waits_for_the_till(post: Post) -> None:
    post.register()
    with post.ledger.database.writing() as c:  # as `HealthBook.hear` does when a lane closes
        c.execute(t.tasks.update().where(t.tasks.c.lane == "mail").values(due_at=post.clock()))
    post.carry()
    assert post.task() == ("pending", "mail.waiting")
    post.arrive()
    post.carry()
    assert len(post.mails[0].pictures) == 1


def test_the_language_is_the_customers(post: Post) -> None:
    post.register(locale="en-US", first_name="Hanako")
    post.arrive()
    post.carry()
    assert "Dear Hanako 見本" in post.mails[0].text


def test_who_has_no_address_is_sent_nothing_and_nobody_has_to_look(post: Post) -> None:
    post.register(email=None)
    post.arrive()
    post.carry()
    assert post.mails == []
    assert post.task() == ("done", None)
    assert post.ledger.task(1, "mail")["memo"] == {"why": "no e-mail address"}


def test_an_address_that_is_none_waits_for_a_person_and_is_not_told(post: Post) -> None:
    post.register(email="花子 <hanako@example.jp>\r\nRCPT TO:<all@example.jp>")
    post.arrive()
    post.carry()
    assert post.mails == []
    assert post.task() == ("failed", "mail.address")
    assert leaks(str(post.ledger.task(1, "mail")["why"])) == []


def test_after_two_days_it_is_too_late_for_a_welcome(post: Post) -> None:
    post.register()
    post.clock.forward(hours=48, seconds=1)
    post.arrive()
    post.carry()
    assert post.mails == []
    assert post.task() == ("failed", "mail.too_late")


# What the mail server may do


def met(post: Post, **fault: Any) -> tuple[str, str | None]:
    """A new member's mail meets this fault: how the task stands."""
    post.world.faults.add("mail", **fault)
    post.register()
    post.arrive()
    post.carry()
    return post.task()


BEFORE = ("CONNECT", "EHLO", "MAIL", "RCPT")


@pytest.mark.parametrize("step", [*BEFORE, "DATA"])
def test_a_connection_that_is_lost_before_the_mail_is_given_is_tried_again(post: Post, step: str) -> None:
    assert met(post, kind="refused", path=f"^{step}$", times=1) == ("pending", "mail.unreachable")
    post.clock.forward(minutes=10)
    post.carry()
    assert post.task() == ("done", None)
    assert len(post.mails) == 1


@pytest.mark.parametrize("kind", ["lost", "half", "refused"])
def test_a_connection_that_is_lost_after_the_mail_was_given_is_reported_and_never_tried_again(
    post: Post, kind: str
) -> None:
    assert met(post, kind=kind, path="^END$", times=1) == ("failed", "mail.unknown")
    went = len(post.mails)
    assert went == (kind != "refused")
    post.ledger.hear(delivery_of(person(1, last_name="例")), now=post.clock.forward(hours=1))
    post.carry()
    assert len(post.mails) == went
    assert post.task() == ("failed", "mail.unknown")


@pytest.mark.parametrize(
    ("step", "status", "end"),
    [
        ("CONNECT", 421, ("pending", "mail.busy")),
        ("CONNECT", 554, ("pending", "mail.credential")),
        ("EHLO", 451, ("pending", "mail.busy")),
        ("MAIL", 451, ("pending", "mail.busy")),
        ("MAIL", 530, ("pending", "mail.credential")),
        ("MAIL", 553, ("pending", "mail.sender")),
        ("RCPT", 421, ("pending", "mail.busy")),
        ("RCPT", 450, ("pending", "mail.address")),
        ("RCPT", 550, ("failed", "mail.address")),
        ("DATA", 451, ("pending", "mail.refused")),
        ("DATA", 554, ("failed", "mail.refused")),
        ("END", 421, ("pending", "mail.refused")),
        ("END", 452, ("pending", "mail.refused")),
        ("END", 552, ("failed", "mail.refused")),
    ],
)
def test_a_clear_no_sends_nothing_and_what_may_change_is_tried_again(
    post: Post, step: str, status: int, end: tuple[str, str]
) -> None:
    said = "5.1.1 <hanako1@example.jp>: user unknown"
    assert met(post, kind="status", path=f"^{step}$", status=status, body=said, times=1) == end
    assert post.mails == []
    assert leaks(str(post.ledger.task(1, "mail")["why"])) == []
    post.clock.forward(minutes=30)
    post.carry()
    assert len(post.mails) == (end[0] == "pending")


def test_a_server_that_sends_on_for_nobody_stops_the_lane_and_blames_no_address(post: Post) -> None:
    said = "5.7.1 <hanako1@example.jp>: Relay access denied"
    met(post, kind="status", path="^RCPT$", status=554, body=said, times=1)
    assert post.task() == ("pending", "mail.credential")
    assert post.ledger.rows(t.lanes, name="mail")[0]["breaker"] == "open"


def test_a_mail_that_is_put_off_again_and_again_waits_for_a_person_after_a_few_tries(post: Post) -> None:
    met(post, kind="status", path="^RCPT$", status=451)
    for _ in range(TRIES):
        post.clock.forward(hours=1)
        post.carry()
    assert post.task() == ("failed", "mail.address")
    assert post.world.calls.count("mail", path="^RCPT$") == TRIES


def test_a_mail_that_was_sent_by_who_was_killed_before_settling_is_done_and_not_sent_again(post: Post) -> None:
    post.register()
    post.arrive()
    (claimed,) = post.ledger.claim("mail", now=post.clock())
    post.lane.carry([claimed.task])
    post.clock.forward(minutes=5)
    post.ledger.book.rescue(now=post.clock())
    post.carry()
    assert len(post.mails) == 1
    assert post.task() == ("done", None)
    assert post.ledger.task(1, "mail")["ref"] == "<welcome.1@example.jp>"


def test_two_who_hold_the_same_mail_send_one(post: Post) -> None:
    post.register()
    post.arrive()
    (claimed,) = post.ledger.claim("mail", now=post.clock())
    post.lane.carry([claimed.task])
    post.lane.carry([claimed.task])
    assert len(post.mails) == 1


def test_a_store_that_is_busy_when_the_end_is_written_down_is_waited_for(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = post.ledger.mails.sent, 3

    def sent(*given: Any) -> None:
        nonlocal tries
        if tries := tries - 1:
            raise RuntimeError("busy")
        real(*given)

    monkeypatch.setattr(post.ledger.mails, "sent", sent)
    post.register()
    post.arrive()
    post.carry()
    assert post.task() == ("done", None)
    assert post.ledger.rows(t.mails)[0]["sent_at"] == post.clock()


def test_nothing_that_names_a_person_stands_in_the_table_of_mails(post: Post) -> None:
    post.register()
    post.arrive()
    post.carry()
    assert leaks(str(post.ledger.rows(t.mails)).replace("<welcome.1@example.jp>", "")) == []


# How the server is talked to


def talk(url: str, clock_s: float = 2.0) -> str | None:
    server = MailServer(Address.of(url), hello="example.jp", step_s=clock_s, answer_s=clock_s)
    with server.connected() as connection:
        return connection.send("shop@example.jp", "hanako1@example.jp", b"From: x\r\n\r\n.dot\r\n")


def kind_of(url: str) -> str:
    try:
        talk(url)
    except CarryError as e:
        return "told the password" if "shop-secret" in e.why else e.kind
    return "sent"


@pytest.mark.parametrize("smtps", [False, True])
def test_a_login_goes_only_to_a_server_whose_certificate_is_trusted(world: World, tmp_path: Path, smtps: bool) -> None:
    context, ca = self_signed(tmp_path)
    with box.MailServer(world, tls=context, smtps=smtps, login=("shop", "shop-secret@1")) as server:
        login = server.url.replace("://", "://shop:shop-secret%401@")
        assert kind_of(f"{login}?ca={ca}") == "sent"
        assert kind_of(login) == "mail.certificate"
        assert kind_of(f"{login.replace('%401', '')}?ca={ca}") == "mail.credential"
        assert kind_of(f"{server.url}?ca={ca}") == "mail.credential", "the server wants a login"
    assert [mail.raw for mail in world.mail.all()] == [b"From: x\r\n\r\n.dot\r\n"]


def test_a_certificate_of_another_host_is_not_trusted(world: World, tmp_path: Path) -> None:
    context, ca = self_signed(tmp_path, "mail.example.jp")
    with box.MailServer(world, tls=context) as server:
        assert kind_of(f"{server.url}?ca={ca}") == "mail.certificate"


def test_a_login_never_goes_out_in_the_clear(server: box.MailServer) -> None:
    assert kind_of(server.url.replace("://", "://shop:shop-secret@")) == "mail.no_tls"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("smtp://mail.example.jp?tls=none&x=1", "tls= nor ca="),
        ("smtp://shop:shop-secret@mail.example.jp?tls=none", "in the clear"),
        ("smtp://shop@mail.example.jp", "user and password"),
        ("smtp://shop:shop-sec?ret@mail.example.jp", "SMTP_URL"),
        ("smtp://shop:shop-sec/ret@mail.example.jp", "SMTP_URL"),
        ("smtp://mail.example.jp:port", "SMTP_URL"),
        ("http://mail.example.jp", "SMTP_URL"),
    ],
)
def test_an_address_that_is_wrong_is_told_with_the_mend_and_without_its_value(url: str, told: str) -> None:
    with pytest.raises(StopLane) as e:
        Address.of(url)
    assert told in e.value.why
    assert not any(secret in e.value.why for secret in ("secret", "shop-sec", "ret@"))


def test_an_address_is_read_with_its_ports_and_percent_signs() -> None:
    one = Address.of("smtp://u%40x:p%3A%2F%3F%23%25@mail.example.jp")
    assert (one.host, one.port, one.tls, one.user, one.password) == (
        "mail.example.jp",
        587,
        "starttls",
        "u@x",
        "p:/?#%",
    )
    assert Address.of("smtps://u:p@mail.example.jp").port == 465
    assert "p:/?#%" not in repr(one)


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(world: World, server: box.MailServer) -> None:
    over = threading.Event()

    def pause(seconds: float) -> None:
        over.wait(seconds)

    silent = World(SandboxConfig(), pause=pause)
    silent.faults.add("mail", "late", path="^EHLO$", seconds=30)
    with box.MailServer(silent) as slow:
        with pytest.raises(TryLater):
            talk(slow.url, 0.2)
        over.set()


def test_the_server_is_not_there(post: Post) -> None:
    free = box.MailServer(post.world)
    with free:
        url = free.url
    with pytest.raises(TryLater, match="cannot be reached"):
        talk(url)


def test_a_wrong_sender_and_a_wrong_server_stop_the_lane_before_anything_is_claimed(post: Post) -> None:
    for settings, told in (
        ({"mail_from": "見本商店"}, "MAIL_FROM"),
        ({"smtp_url": "smtp://a b"}, "SMTP_URL"),
        ({"templates": Path("/nowhere/at/all")}, "MAIL_TEMPLATES"),
    ):
        given: dict[str, Any] = {"smtp_url": post.server.url, "mail_from": SENDER, "templates": None, **settings}
        lane = MailLane(**given, shop="x", book=post.ledger.mails, patience=timedelta(0))
        with pytest.raises(StopLane, match=told):
            lane.prepare()
