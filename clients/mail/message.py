"""A letter as a mail: headers, both texts, and the barcode inside the HTML. Pure; the moment comes in as an argument.

https://www.rfc-editor.org/rfc/rfc5322 (the format), https://www.rfc-editor.org/rfc/rfc3834 (mail that a machine sends).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final

from clients.mail.letters import Letter
from japan.mail import ascii_domain

# Seven bits and short lines: no server on the way needs to be able to do more.
_POLICY: Final = policy.SMTP.clone(cte_type="7bit", max_line_length=78)
#: What may stand between < and > of a command. Carriers gave out addresses with dots where RFC 5321 has none.
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class WrongAddress(ValueError):
    """Not an address that a mail can be sent to; the text does not say which."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a mail comes from: ``name`` as readers see it, ``address``, and its ``domain``."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """Where the address is at home."""
        return self.address.rpartition("@")[2]

    @classmethod
    def of(cls, text: str) -> Sender:
        """From ``Shop <shop@example.jp>`` or a bare address. Raises ``WrongAddress``."""
        name, address = parseaddr(text)
        return cls("".join(c for c in name if c.isprintable()).strip(), plain_address(address))


def plain_address(text: str) -> str:
    """The address as it stands in a command, its domain in ASCII. Raises ``WrongAddress``.

    https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2
    """
    local, at, domain = text.strip().rpartition("@")
    if not domain.isascii():
        domain = ascii_domain(domain)
    if len(local) > 2 and local[0] == local[-1] == '"':
        local = local[1:-1]  # `in_command` puts quotes around it where they are needed
    if not at or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise WrongAddress
    return f"{local}@{domain}"


def in_command(address: str) -> str:
    """The address between < and >: a local part with dots at its ends or side by side is quoted, as RFC 5321 wants."""
    local, _, domain = address.rpartition("@")
    odd = local.startswith(".") or local.endswith(".") or ".." in local
    return f'<"{local}"@{domain}>' if odd else f"<{address}>"


def message_id(key: str, sender: Sender) -> str:
    """The same for every try of the same mail, so that two copies can be seen to be one."""
    return f"<welcome.{key}@{sender.domain}>"


def compose(
    letter: Letter,
    *,
    sender: Sender,
    to: str,
    message_id: str,
    now: datetime,
    picture: tuple[str, bytes] | None = None,
) -> bytes:
    """The mail, ready for ``DATA``. ``to`` is a plain address; ``picture`` the barcode's content id and PNG."""
    mail = EmailMessage(policy=_POLICY)
    mail["Subject"] = letter.subject
    mail["From"] = Address(sender.name, addr_spec=sender.address) if sender.name else sender.address
    mail["To"] = in_command(to)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    if picture is not None:
        content_id, png = picture
        html = mail.get_payload()[1]  # type: ignore[index]
        assert isinstance(html, EmailMessage)
        html.add_related(png, "image", "png", cid=content_id, filename="member.png", disposition="inline")
    mail["Content-Language"] = letter.language  # last, for the library moves such headers into the parts
    return mail.as_bytes()
