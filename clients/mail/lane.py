"""The lane ``mail``: one welcome mail to each who registers, at most once, whatever is killed at whatever line.

*Look* (what is known of this mail) -> *decide* (pure) -> *send*, and before the server is given any of it: *mark*.
A mark that has no end means that it may have been sent; then it is never tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from clients.errors import AskPerson, CarryError, StopLane, TryLater
from clients.lane import Carried, Result
from clients.mail import barcode
from clients.mail.letters import Letters, Reader, Variant
from clients.mail.message import Sender, WrongAddress, compose, message_id, plain_address
from clients.mail.server import GREY, Address, MailServer, NotNow, Refused, Unknown, ask_person
from customer import Customer, Task, known

#: So long after the registration a mail is still a welcome; later it would only surprise.
TOO_LATE: Final = timedelta(hours=48)
#: So often a server may put one mail off, as greylisting does, until a person hears of it.
TRIES: Final = 5
#: So often, a second apart, the end of a mail is written down again while the ledger is busy.
_NOTE_TRIES: Final = 20


class Standing(Protocol):
    """What the ledger knows of a customer's mail; see ``ledger.mails.Standing``."""

    @property
    def welcome(self) -> bool:
        """Whether they were a new customer when we first heard of them."""

    @property
    def registered_at(self) -> datetime:
        """When that was."""

    @property
    def member(self) -> str | None:
        """Their id in Smaregi; None while they are not known at the till."""

    @property
    def code(self) -> str | None:
        """What the till scans, if known."""

    @property
    def marked_at(self) -> datetime | None:
        """When somebody was about to send."""

    @property
    def sent_at(self) -> datetime | None:
        """When the server had taken it."""

    @property
    def refusals(self) -> int:
        """How often the server did not take it."""


class MailBook(Protocol):
    """What must outlive this process, so that nobody is sent two mails; see ``ledger.mails.Mails``."""

    def standing(self, customer_id: int) -> Standing | None:
        """What is known now; None: no such customer."""

    def mark(self, customer_id: int, variant: str, message_id: str, now: datetime) -> bool:
        """About to send; False: it may not be sent."""

    def sent(self, customer_id: int, now: datetime) -> None:
        """The server has taken it."""

    def refused(self, customer_id: int, variant: str, message_id: str) -> int:
        """The server has not taken it; how often that was."""


@dataclass(frozen=True, slots=True)
class Write:
    """A letter is due: to this address, for this reader."""

    to: str
    reader: Reader


def decide(  # noqa: PLR0911 - a clause for each case
    task: Task, standing: Standing | None, now: datetime, patience: timedelta
) -> Write | Carried | CarryError:
    """What is to be done about this mail now; who is not at the till is waited for with ``patience``. Pure."""
    if standing is None or not standing.welcome:
        return _nothing("not a new customer")
    if standing.sent_at is not None:
        # Sent by whoever was killed before it was settled; or settled, and asked for again.
        return Carried(task.ref or "", "unchanged" if task.ref else "sent", memo=task.memo)
    if standing.marked_at is not None:
        return AskPerson(
            "it may have been sent: whoever was sending it ended before the mail server's answer was written down. It "
            "is not sent again; the mail server's log knows",
            kind="mail.unknown",
        )
    email = known(task.customer.email)
    if not email:
        return _nothing("no e-mail address")
    try:
        to = plain_address(email)
    except WrongAddress:
        return AskPerson("the e-mail address is not one that mail can be sent to", kind="mail.address")
    if now - standing.registered_at > TOO_LATE:
        return AskPerson(
            f"not sent within {TOO_LATE // timedelta(hours=1)} hours of the registration: too late for a welcome",
            kind="mail.too_late",
        )
    if standing.member is None and (wait := standing.registered_at + patience - now) > timedelta(0):
        return TryLater("not known at the till yet", kind="mail.waiting", wait=wait, lane_wide=False)
    return Write(to, reader_of(task.customer, standing))


def reader_of(customer: Customer, standing: Standing) -> Reader:
    """Whom to write to, and what to tell them. A member whose code is not the Shopify id has a card that works."""
    variant: Variant = "wait"
    if standing.member is not None:
        variant = "member" if standing.code == str(customer.id) else "linked"
    return Reader(
        variant,
        standing.code if standing.member is not None else None,
        known(customer.last_name) or "",
        known(customer.first_name) or "",
        known(customer.locale),
    )


def _nothing(why: str) -> Carried:
    return Carried("", "nothing", memo={"why": why})


class MailLane:
    """Welcome mails; a ``clients.lane.Lane``."""

    name = "mail"
    batch = 1
    threads = 4
    gap = timedelta(0)

    def __init__(
        self,
        *,
        smtp_url: str,
        mail_from: str,
        templates: Path | None,
        shop: str,
        book: MailBook,
        patience: timedelta,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._smtp_url = smtp_url
        self._mail_from = mail_from
        self._book = book
        self._patience = patience
        self._now = now
        self._sleep = sleep
        self.letters = letters_of(templates, mail_from=mail_from, shop=shop)

    def prepare(self) -> None:
        """See that the settings and every template are right, and that the server lets us in."""
        self.letters.check()
        with self._server().connected():
            pass

    def tend(self) -> timedelta | None:
        """None: there is no upkeep."""
        return None

    def carry(self, tasks: Sequence[Task]) -> Mapping[int, Result]:
        """What became of each mail. One that was marked is never sent again."""
        return {task.customer.id: self._carry_or_why(task) for task in tasks}

    def send_sample(self, to: str, reader: Reader, *, language: str | None = None) -> str | None:
        """Send this letter to an address of the merchant's own: the server's id for it, if it told one."""
        mail = self._compose(plain_address(to), reader, f"sample.{self._now():%Y%m%d%H%M%S%f}", language=language)
        with self._server().connected() as connection:
            return connection.send(self._sender().address, plain_address(to), mail)

    def _carry_or_why(self, task: Task) -> Result:
        try:
            return self._carry(task)
        except CarryError as e:
            return e

    def _carry(self, task: Task) -> Carried:
        due = self._decide(task)
        if isinstance(due, Carried):
            return due
        number = str(task.customer.id)
        mail = self._compose(due.to, due.reader, number)
        said = (task.customer.id, due.reader.variant, message_id(number, self._sender()))
        try:
            with self._server().connected() as connection:
                vendor_id = connection.send(
                    self._sender().address, due.to, mail, about_to=lambda: self._book.mark(*said, self._now())
                )
                # Before we say good-bye: the mail is out, and nobody must doubt it.
                self._note(lambda: self._book.sent(task.customer.id, self._now()))
        except Refused as e:
            raise self._not_taken(e, *said) from None
        except Unknown as e:
            raise AskPerson(f"{e.why}: it may have been sent, and is not sent again", kind=e.kind) from None
        except NotNow:
            raise self._why_not(task) from None
        memo = {"variant": due.reader.variant}
        return Carried(said[2], "sent", memo=memo, vendor_request_id=vendor_id)

    def _decide(self, task: Task) -> Write | Carried:
        """What ``decide`` says. Raises the error, if it is one."""
        due = decide(task, self._book.standing(task.customer.id), self._now(), self._patience)
        if isinstance(due, CarryError):
            raise due
        if isinstance(due, Carried) and due.did == "sent":
            return Carried(message_id(str(task.customer.id), self._sender()), "sent", memo=due.memo)
        return due

    def _not_taken(self, e: Refused, customer_id: int, variant: str, mail_id: str) -> CarryError:
        """The server's clear no: counted, and the mark taken back. A mark that cannot be taken back stays."""
        refusals = 0

        def note() -> None:
            nonlocal refusals
            refusals = self._book.refused(customer_id, variant, mail_id)

        self._note(note)
        if not e.later:
            return ask_person(e)
        if refusals >= TRIES:
            return AskPerson(f"{e.why}, {refusals} times", kind=e.kind, status=e.status)
        return TryLater(e.why, kind=e.kind, wait=GREY * max(refusals, 1), lane_wide=False, status=e.status)

    def _why_not(self, task: Task) -> CarryError:
        """Somebody was quicker than we, or the customer went: what is known says which."""
        try:
            self._decide(task)
        except CarryError as e:
            return e
        return TryLater(
            "the mail may not be sent at this moment", kind="mail.changed", wait=timedelta(seconds=30), lane_wide=False
        )

    def _note(self, write: Callable[[], None]) -> None:
        """Write down how it ended, with patience; what is not written down counts as unknown, should we end here."""
        for _ in range(_NOTE_TRIES):
            try:
                return write()
            except Exception:  # noqa: BLE001 - the store's own error is none of ours to know
                self._sleep(1.0)
        return None

    def _compose(self, to: str, reader: Reader, number: str, *, language: str | None = None) -> bytes:
        sender = self._sender()
        content_id = f"member.{number}@{sender.domain}"
        picture = (f"<{content_id}>", barcode.png(reader.barcode)) if reader.barcode else None
        letter = self.letters.write(reader, picture=f"cid:{content_id}" if picture else None, language=language)
        told = message_id(number, sender)
        return compose(letter, sender=sender, to=to, message_id=told, now=self._now(), picture=picture)

    def _server(self) -> MailServer:
        return MailServer(Address.of(self._smtp_url), hello=self._sender().domain)

    def _sender(self) -> Sender:
        return sender_of(self._mail_from)


def sender_of(mail_from: str) -> Sender:
    """Who the mail comes from. Raises ``StopLane`` with the mend."""
    try:
        return Sender.of(mail_from)
    except WrongAddress:
        raise StopLane("MAIL_FROM is not an address: write Shop <shop@example.jp>", kind="mail.setting") from None


def letters_of(templates: Path | None, *, mail_from: str | None, shop: str) -> Letters:
    """The letters of a shop, named as in ``MAIL_FROM``; without one by its domain."""
    try:
        name = Sender.of(mail_from).name if mail_from else ""
    except WrongAddress:
        name = ""
    return Letters(templates, shop_name=name or shop)
