"""The mail server: one connection a mail, and for each of its answers what we should do about it.

https://www.rfc-editor.org/rfc/rfc5321 (the dialogue; section 4.2 the codes, 4.5.3.2 how long to wait for each answer),
https://www.rfc-editor.org/rfc/rfc3207 (STARTTLS), https://www.rfc-editor.org/rfc/rfc4954 (login).

What a server says is never repeated in words, for it quotes addresses: its code, and the enhanced code of RFC 3463, say
enough.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from clients.errors import AskPerson, CarryError, StopLane, TryLater
from clients.mail.message import in_command

#: Section 4.5.3.2.6: after the last dot a server may take its time. Who hangs up earlier does not know how it ended.
ANSWER_S: Final = 600.0
CONNECT_S: Final = 10.0
STEP_S: Final = 30.0
#: A server that asks us to come back is asked again after so long, as long lists of greylisting servers do.
GREY: Final = timedelta(minutes=5)

_PORTS: Final = {"smtp": 587, "smtps": 465}
_HOST: Final = re.compile(r"[A-Za-z0-9.:_-]+")
_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_ENHANCED: Final = re.compile(rb"\b([245]\.\d{1,3}\.\d{1,3})\b")
#: What common servers call a mail that they have taken; never an address.
_QUEUE_ID: Final = re.compile(
    rb"(?:queued as |id=|^(?:\d\.\d\.\d )?ok:? +)<?(?=[A-Za-z._-]*\d)([A-Za-z0-9._-]{6,80})(?![\w.@-])", re.IGNORECASE
)
_DOTS: Final = re.compile(rb"(?m)^\.")

#: RFC 4954, section 6, and those of RFC 3207: the server wants a login, or TLS, before it takes any mail.
_NOT_LOGGED_IN: Final = frozenset({530, 534, 535, 538})

Tls = Literal["smtps", "starttls", "none"]


class Unknown(CarryError):
    """The mail may have been sent: the connection was lost after its text went out, before the server's word."""

    def __init__(self) -> None:
        super().__init__("the mail server hung up before it said whether it took the mail", kind="mail.unknown")


class Refused(CarryError):
    """This mail was clearly not taken. ``later``: it may be, another time; ``status`` is the server's code."""

    def __init__(self, why: str, *, kind: str, later: bool, status: int | None) -> None:
        super().__init__(why, kind=kind, status=status)
        self.later = later


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is, and how to talk to it; from ``SMTP_URL``."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether the server is this very machine, to which nothing goes over a wire."""
        return self.host in _HERE

    @classmethod
    def of(cls, url: str) -> Address:
        """From ``smtp://user:password@host:587`` or ``smtps://…:465``; special characters are percent-encoded.

        ``?tls=none`` talks in the clear, which is refused with a login unless the server is this machine;
        ``?ca=/path/to/ca.pem`` names whom to trust beside the machine's own list. Raises ``StopLane`` with the mend.
        """
        try:
            parts = urlsplit(url)
            return cls._of(parts)
        except ValueError as e:
            said = str(e) if isinstance(e, _Wrong) else "it is not an address"
            raise StopLane(
                f"SMTP_URL is wrong ({said}): write smtp://user:password@host:587, with @ : / ? # % in the password as "
                "%40 %3A %2F %3F %23 %25",
                kind="mail.setting",
            ) from None

    @classmethod
    def _of(cls, parts: SplitResult) -> Address:
        host = parts.hostname or ""
        if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or parts.path not in ("", "/") or parts.fragment:
            raise _Wrong("it is not the address of a mail server")
        asked = parse_qs(parts.query, strict_parsing=bool(parts.query))
        if asked.keys() - {"tls", "ca"}:
            raise _Wrong("after the ? stands neither tls= nor ca=")  # nor is told what: it may be half a password
        tls = asked.get("tls", ["starttls"])[0]
        if tls not in ("starttls", "none"):
            raise _Wrong("tls is starttls or none")
        user, password = (unquote(one, errors="strict") if one else None for one in (parts.username, parts.password))
        if (user is None) != (password is None):
            raise _Wrong("user and password go together")
        chosen: Tls = "smtps" if parts.scheme == "smtps" else "none" if tls == "none" else "starttls"
        port = parts.port or _PORTS[parts.scheme]
        made = cls(host, port, chosen, user, password, asked.get("ca", [None])[0])
        if chosen == "none" and user is not None and not made.is_here:
            raise _Wrong("tls=none would send the password in the clear")
        return made


class _Wrong(ValueError):
    """What is wrong in words that hold nothing of the value."""


class MailServer:
    """One mail server. ``hello`` is the name we greet it by: the domain of who sends."""

    def __init__(
        self,
        address: Address,
        *,
        hello: str,
        connect_s: float = CONNECT_S,
        step_s: float = STEP_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._address = address
        self._hello = hello
        self._connect_s = connect_s
        self._step_s = step_s
        self._answer_s = answer_s

    def __repr__(self) -> str:
        return f"MailServer({self._address.host}:{self._address.port})"

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection that is greeted, shut and logged in. Raises ``TryLater`` and ``StopLane``."""
        smtp = self._open()
        try:
            with _sorted("while logging in"):
                self._greet(smtp)
                self._log_in(smtp)
            yield Connection(smtp, self._answer_s)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                if smtp.sock is not None:
                    smtp.sock.settimeout(min(self._step_s, 5.0))
                    smtp.quit()
            smtp.close()

    def _open(self) -> smtplib.SMTP:
        where, name = self._address, self._hello
        with _sorted("while connecting"):
            smtp: smtplib.SMTP
            if where.tls == "smtps":
                smtp = smtplib.SMTP_SSL(where.host, where.port, name, timeout=self._connect_s, context=self._trust())
            else:
                smtp = smtplib.SMTP(where.host, where.port, name, timeout=self._connect_s)
            assert smtp.sock is not None
            smtp.sock.settimeout(self._step_s)
            return smtp

    def _greet(self, smtp: smtplib.SMTP) -> None:
        code, said = smtp.ehlo()
        if code != 250:
            raise _refusal(code, said, "the mail server does not answer EHLO")
        if self._address.tls != "starttls":
            return
        if not smtp.has_extn("starttls"):
            if self._address.is_here and self._address.user is None:
                return
            raise StopLane(
                "the mail server offers no STARTTLS: check SMTP_URL (smtps:// for port 465; ?tls=none without a login, "
                "on a net of your own)",
                kind="mail.no_tls",
            )
        code, said = smtp.starttls(context=self._trust())
        if code != 220:
            raise _refusal(code, said, "the mail server does not begin TLS")
        code, said = smtp.ehlo()
        if code != 250:
            raise _refusal(code, said, "the mail server does not answer EHLO")

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._address.ca)
        except (OSError, ssl.SSLError):
            raise StopLane("SMTP_URL names a ca that cannot be read: check the file", kind="mail.setting") from None

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        user, password = self._address.user, self._address.password
        if user is None or password is None:
            return
        try:
            smtp.login(user, password)
        except smtplib.SMTPAuthenticationError as e:
            # RFC 4954, section 6: 454 is a trouble of the server's own, 535 the password's.
            raise _refusal(e.smtp_code, _bytes(e.smtp_error), "the mail server refuses user and password") from None
        except smtplib.SMTPNotSupportedError:
            raise StopLane(
                "the mail server offers no login: check SMTP_URL, the port above all", kind="mail.credential"
            ) from None
        except UnicodeEncodeError:
            raise StopLane(
                "user and password of the mail server must be ASCII: change them (SMTP_URL)", kind="mail.credential"
            ) from None


class Connection:
    """A mail server that is ready to take a mail."""

    def __init__(self, smtp: smtplib.SMTP, answer_s: float) -> None:
        self._smtp = smtp
        self._answer_s = answer_s

    def send(self, sender: str, to: str, mail: bytes, *, about_to: Callable[[], bool] = lambda: True) -> str | None:
        """Hand the mail over; the server's own id for it, if it told one.

        ``about_to`` is called when the server knows sender and reader, and before it is given any of the mail: when it
        says False, nothing is sent, and ``NotNow`` is raised. Raises ``Refused`` and ``TryLater`` when the mail was
        surely not sent, ``Unknown`` when nobody can say.
        """
        smtp = self._smtp
        with _sorted("before the mail was sent"):
            code, said = smtp.docmd("MAIL", f"FROM:{in_command(sender)}")
            if code != 250:
                raise _refusal(code, said, "the mail server does not let MAIL_FROM send", kind="mail.sender")
            code, said = smtp.docmd("RCPT", f"TO:{in_command(to)}")
            if code not in (250, 251):
                raise _refused(code, said, "the mail server does not take mail for this address", "mail.address")
        if not about_to():
            raise NotNow
        is_ready = False
        try:
            code, said = smtp.docmd("DATA")
            is_ready = code == 354
            if is_ready:
                smtp.send(_DOTS.sub(b"..", mail) + b".\r\n")
                assert smtp.sock is not None
                smtp.sock.settimeout(self._answer_s)
                code, said = smtp.getreply()
        except (OSError, smtplib.SMTPException):
            smtp.close()
            if is_ready:
                raise Unknown from None
            why = "the mail server hung up before it was given the mail"
            raise Refused(why, kind="mail.unreachable", later=True, status=None) from None
        if is_ready and 200 <= code < 300:
            found = _QUEUE_ID.search(said)
            return found[1].decode() if found else None
        if is_ready and not 400 <= code < 600:
            raise Unknown
        why = f"the mail server does not take this mail ({_code(code, said)})"
        raise Refused(why, kind="mail.refused", later=code < 500, status=code)


class NotNow(Exception):
    """Whoever was asked at the last moment did not want it sent."""


@contextmanager
def _sorted(when: str) -> Iterator[None]:
    """What the network and the library raise, as what we should do about it."""
    try:
        yield
    except CarryError:
        raise
    except ssl.SSLCertVerificationError:
        raise StopLane(
            "the mail server's certificate is not one this machine trusts, or is another host's: check the host in "
            "SMTP_URL (?ca=… for a certificate authority of your own)",
            kind="mail.certificate",
        ) from None
    except smtplib.SMTPServerDisconnected:
        raise TryLater(f"the mail server hung up {when}", kind="mail.unreachable") from None
    except smtplib.SMTPResponseException as e:
        raise _refusal(e.smtp_code, _bytes(e.smtp_error), f"the mail server refused us {when}") from None
    except socket.gaierror:
        raise TryLater(
            "the name of the mail server cannot be resolved (DNS): check SMTP_URL, and this machine's DNS",
            kind="mail.name_unresolved",
        ) from None
    except (OSError, smtplib.SMTPException, UnicodeError) as e:
        raise TryLater(
            f"the mail server cannot be reached ({type(e).__name__} {when})", kind="mail.unreachable"
        ) from None


def _refusal(code: int, said: bytes, why: str, *, kind: str = "mail.credential") -> CarryError:
    """What a refusal of all mail means: 4yz comes back by itself, 5yz needs a person (RFC 5321, section 4.2.1)."""
    if code in _NOT_LOGGED_IN and kind != "mail.credential":
        why, kind = "the mail server takes mail only from those who log in", "mail.credential"
    told = f"{why} ({_code(code, said)})"
    if 500 <= code < 600:
        return StopLane(f"{told}: check {'MAIL_FROM' if kind == 'mail.sender' else 'SMTP_URL'}", kind=kind, status=code)
    return TryLater(told, kind="mail.busy", status=code if code > 0 else None)


def _refused(code: int, said: bytes, why: str, kind: str) -> CarryError:
    """What a refusal of one mail means. 421 speaks of the server, which is closing (section 3.8)."""
    told = f"{why} ({_code(code, said)})"
    if code == 421 or not 400 <= code < 600:
        return TryLater(told, kind="mail.busy", status=code if code > 0 else None)
    if code in _NOT_LOGGED_IN or (code >= 500 and b"relay" in said.lower()):
        # Nobody's mail would be taken: the addresses are not to be blamed one after the other.
        return _refusal(code, said, "the mail server does not send our mail on")
    return Refused(told, kind=kind, later=code < 500, status=code)


def _code(code: int, said: bytes) -> str:
    found = _ENHANCED.search(said)
    return f"{code} {found[1].decode()}" if found else str(code)


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode("utf-8", "replace")


def ask_person(e: Refused) -> AskPerson:
    """A refusal that no further try will change."""
    return AskPerson(e.why, kind=e.kind, status=e.status)
