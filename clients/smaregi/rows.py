"""Reading what Smaregi says of a member: ids come as numbers or strings, and e-mails as null, "" or text.

https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomersbulk
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final, TypeAlias

from customer import Member
from japan import email, mailbox

Row: TypeAlias = Mapping[str, Any]
"""One member as Smaregi wrote it."""

JST: Final = timezone(timedelta(hours=9), "JST")
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,40}")
MAIL_FIELDS: Final = ("mailAddress", "mailAddress2", "mailAddress3")


def text(row: Row, name: str) -> str:
    """A field as text, whatever JSON type it came in; "" when it is missing, null or empty."""
    value = row.get(name)
    return "" if value is None else str(value)


def is_id(told: str) -> bool:
    """Whether this can be the id of a member, which goes into addresses, into the index and into messages."""
    return _ID.fullmatch(told) is not None


def mail_key(mail: str | None) -> str | None:
    """An e-mail as it is compared (both sides come through here), None when there is none.

    A till takes anything for an address, so what is none is compared as it stands, trimmed and lower-cased.
    """
    return mailbox(mail)


def as_member(row: Row) -> Member:
    """The index row of a member."""
    typed = [text(row, name) for name in MAIL_FIELDS]
    # As it is sent, too: the form in which a release before this one looks for it. It is never another mailbox's form.
    mails = [mail for each in typed for mail in (mail_key(each), email(each))]
    return Member(
        id=text(row, "customerId"),
        code=text(row, "customerCode"),
        number=text(row, "customerNo") or None,
        mails=tuple(dict.fromkeys(mail for mail in mails if mail)),
        status=text(row, "status") or "0",
    )


def changed_at(row: Row) -> datetime | None:
    """``updDateTime`` with its zone (Japan when it names none), None when it is missing or is no time."""
    try:
        at = datetime.fromisoformat(text(row, "updDateTime"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=JST)


def as_time(at: datetime) -> str:
    """A time as Smaregi's filters want it: ``YYYY-MM-DDThh:mm:ss+09:00``."""
    return at.astimezone(JST).isoformat(timespec="seconds")
