"""A stand-in for the merchant's mail server, with an inbox for everybody it was given mail for. Nothing leaves it.

Written from https://www.rfc-editor.org/rfc/rfc5321 (the dialogue), https://www.rfc-editor.org/rfc/rfc4954 (login) and
https://www.rfc-editor.org/rfc/rfc3207 (STARTTLS). Faults meet it as they meet the other stand-ins: system ``mail``, and
as ``path`` the step: CONNECT, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, or END for the answer to the whole mail.
"""

import asyncio
import itertools
import logging
import re
import ssl
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.calls import Call
from sandbox.faults import Fault

if TYPE_CHECKING:
    from sandbox.world import Clock, World

_BARE_LF = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True)
class Mail:
    """One mail that was taken, with the envelope it came in."""

    number: int
    at: datetime
    sender: str
    to: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        return message_from_bytes(self.raw, policy=policy.SMTP)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def text(self) -> str:
        """The plain text; empty where there is none."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The HTML; empty where there is none."""
        return self._body("html")

    @property
    def pictures(self) -> dict[str, bytes]:
        """The pictures inside, by content id without its angle brackets."""
        found = {}
        for part in self.message.walk():
            if part.get_content_maintype() == "image":
                found[str(part["Content-ID"] or "").strip("<>")] = cast(bytes, part.get_payload(decode=True))
        return found

    def shown(self) -> dict[str, object]:
        """As JSON."""
        return {
            "id": self.number,
            "at": self.at.isoformat(),
            "from": self.sender,
            "to": list(self.to),
            "subject": self.subject,
            "message_id": str(self.message["Message-ID"] or ""),
            "text": self.text,
            "pictures": sorted(self.pictures),
        }

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part is not None else ""


class MailShelf:
    """The inbox. Safe to use from any thread."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._mails: list[Mail] = []
        self._numbers = itertools.count(1)

    def keep(self, sender: str, to: Sequence[str], raw: bytes) -> Mail:
        """One more mail."""
        with self._lock:
            mail = Mail(next(self._numbers), self._clock(), sender, tuple(to), raw)
            self._mails.append(mail)
            return mail

    def all(self, to: str | None = None) -> list[Mail]:
        """Every mail, oldest first; of one address or of all."""
        with self._lock:
            return [mail for mail in self._mails if to is None or to in mail.to]

    def find(self, number: int) -> Mail | None:
        """The mail with this number."""
        return next((mail for mail in self.all() if mail.number == number), None)

    def reset(self) -> None:
        """Empty."""
        with self._lock:
            self._mails.clear()

    def records(self) -> list[dict[str, object]]:
        """Every mail, as JSON."""
        return [mail.shown() for mail in self.all()]


class MailServer:
    """The mail server on a port of `host` (0: any free one) for the length of a `with` block.

    `tls` offers STARTTLS, or with `smtps` begins with it; `login` is the one (user, password) that may send, if any.
    """

    def __init__(
        self,
        world: "World",
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        tls: ssl.SSLContext | None = None,
        smtps: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:
        self._world = world
        self._host = host
        self._wished = port
        self._tls = tls
        self._smtps = smtps
        self._login = login
        self._loop = asyncio.new_event_loop()
        # Callers that vanish, or do not trust us, are no news here.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox-mail", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError outside the `with` block."""
        if self._server is None:
            raise RuntimeError("this mail server is not running: use it in a `with` block")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """What goes into SMTP_URL, without a login."""
        return f"{'smtps' if self._smtps else 'smtp'}://{self._host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        listening = self._loop.create_server(
            self._talk, self._host, self._wished, ssl=self._tls if self._smtps else None
        )
        self._server = asyncio.run_coroutine_threadsafe(_made(listening), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._server = None

    async def _hang_up(self) -> None:
        assert self._server is not None
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # the connections of those are closed in the next round

    def _talk(self) -> SMTP:
        return _Dialogue(self._world, self._tls if not self._smtps else None, self._login)


async def _made(listening: Coroutine[Any, Any, asyncio.Server]) -> asyncio.Server:
    return await listening


class _Inbox:
    """What the library calls when a whole mail is there."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def handle_DATA(self, server: "_Dialogue", session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        raw = cast(bytes, envelope.original_content)
        if (said := await server.meet("END", last=True)) is not None:
            return said
        if _BARE_LF.search(raw):
            return "550 5.6.11 a line ends without a carriage return"  # section 2.3.8
        if "BODY=8BITMIME" not in envelope.mail_options and not raw.isascii():
            return "554 5.6.1 eight bits were not announced"  # RFC 6152
        mail = self._world.mail.keep(str(envelope.mail_from), [str(one) for one in envelope.rcpt_tos], raw)
        await server.meet_after()
        return f"250 2.0.0 Ok: queued as SANDBOX{mail.number:06}"


class _Dialogue(SMTP):
    """One connection. Before each step the faults that stand are met."""

    def __init__(self, world: "World", tls: ssl.SSLContext | None, login: tuple[str, str] | None) -> None:
        super().__init__(
            _Inbox(world),
            hostname="mail.sandbox.example",
            ident="sandbox",
            tls_context=tls,
            auth_required=login is not None,
            auth_require_tls=True,
            authenticator=self._knows if login else None,
            loop=asyncio.get_running_loop(),
        )
        # Told here and not above, where the library would warn: nothing leaves this machine.
        self._auth_require_tls = tls is not None
        self._world = world
        self._login = login
        self._met: list[Fault] = []

    def _knows(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, told: Any) -> AuthResult:
        right = isinstance(told, LoginPassword) and (told.login.decode(), told.password.decode()) == self._login
        return AuthResult(success=right, handled=False)

    async def meet(self, step: str, *, last: bool = False) -> str | None:
        """Let the faults of this step happen; what is to be answered instead of doing it, if anything.

        ``last``: what strikes behind its back (`delay`, `lost`, `half`) is left to ``meet_after``.
        """
        call = Call(self._world.clock(), "mail", "SMTP", step)
        self._world.calls.begin(call)
        self._met = self._world.faults.strike("mail", "SMTP", step)
        await self._pause("late", *(() if last else ("delay",)))
        for fault in self._met:
            if fault.kind == "status":
                call.status = fault.status
                return f"{fault.status} {fault.body or '4.3.2 a fault of the sandbox'}"
            if fault.kind in {"refused", "hang"} or (fault.kind in {"lost", "half"} and not last):
                await self._pause("hang")
                call.status = 0
                self._drop()
        call.status = 250
        return None

    async def meet_after(self) -> None:
        """The faults that strike when the mail is kept, before that is answered."""
        await self._pause("delay")
        for fault in self._met:
            if fault.kind == "half":
                self._writer.write(b"25")
                await self._writer.drain()
            if fault.kind in {"lost", "half"}:
                self._drop(at_once=fault.kind == "lost")

    async def _pause(self, *kinds: str) -> None:
        seconds = sum(fault.seconds for fault in self._met if fault.kind in kinds)
        if seconds:
            await asyncio.to_thread(self._world.pause, seconds)

    def _drop(self, *, at_once: bool = True) -> None:
        """The connection ends here, without a word."""
        assert self.transport is not None
        self.transport.abort() if at_once else self.transport.close()  # type: ignore[attr-defined]
        raise asyncio.CancelledError

    async def _handle_client(self) -> None:
        if (said := await self.meet("CONNECT")) is not None:
            await self.push(said)
            assert self.transport is not None
            self.transport.close()
            return
        await super()._handle_client()

    async def _unless_met(self, step: str) -> bool:
        if (said := await self.meet(step)) is None:
            return True
        await self.push(said)
        return False

    async def smtp_EHLO(self, arg: str) -> None:  # noqa: N802 - the library's names
        if await self._unless_met("EHLO"):
            await super().smtp_EHLO(arg)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        if await self._unless_met("STARTTLS"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        if await self._unless_met("AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        if await self._unless_met("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        if await self._unless_met("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if await self._unless_met("DATA"):
            await super().smtp_DATA(arg)
