"""The words by which a customer is found, and what somebody who looks for one has typed. Pure.

A word begins with what it is (`m:` an e-mail, `p:` a telephone number, `n:` a name) and goes on in the one form that
all ways of writing it have in common, so that a word of the query and a word of the customer are simply compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from customer import Address, Customer, known
from japan import email, mailbox, phone
from japan.folding import folded

#: Grows when the words of the same customer are others than before: then the index is made anew.
FORM: Final = 4

_MAIL, _PHONE, _NAME = "m:", "p:", "n:"
_LONGEST_MAIL: Final = 254
_LONGEST_QUERY: Final = 300
_LARGEST_ID: Final = 2**63 - 1
_FEWEST_DIGITS: Final = 4
_MOST_PARTS: Final = 4
_ID: Final = re.compile(r"(?:shopify/Customer|/customers)/(\d{1,19})(?!\d)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[+\d(][\d\s()+.\-‐‑–—−ー]*", re.ASCII)
_CODE: Final = re.compile(r"[!-~]{1,40}")


def words_of(customer: Customer, *, whole: bool) -> frozenset[str]:
    """The words of this customer: e-mail, telephone numbers, and the names in both orders, kanji and kana.

    ``whole``: only whole words can be found (they are hashed), so the parts that people look for are words as well.
    """
    return frozenset((*_mails(customer, whole), *_phones(customer), *_names(customer, whole)))


def _mails(customer: Customer, whole: bool) -> Iterator[str]:
    if mail := _mail(known(customer.email) or ""):
        yield _MAIL + mail
        if whole:
            yield _MAIL + mail.partition("@")[0]


def _phones(customer: Customer) -> Iterator[str]:
    address = known(customer.address) or Address()
    for number, region in ((known(customer.phone), "JP"), (address.phone, address.country_code or "JP")):
        if number and (digits := _digits(number, region)):
            yield _PHONE + digits


def _names(customer: Customer, whole: bool) -> Iterator[str]:
    for last, first in (
        (known(customer.last_name), known(customer.first_name)),
        (known(customer.last_kana), known(customer.first_kana)),
    ):
        parts = [part for part in (folded(last or ""), folded(first or "")) if part]
        if parts:
            yield _NAME + "".join(parts)
            yield from (_NAME + part for part in (parts if whole else ("".join(parts[::-1]),)))


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed, as everything it may be; a customer is looked for under each.

    ``customer_id`` is Shopify's; ``codes`` are what a member's code or number, or the far side's own id, may be;
    ``mail`` and ``phone`` may be the beginning of one; ``names`` are the parts of a name, all of which must fit.
    """

    text: str
    customer_id: int | None = None
    codes: tuple[str, ...] = ()
    mail: str | None = None
    phone: str | None = None
    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.customer_id or self.codes or self.mail or self.phone or self.names)

    def words(self) -> list[tuple[str, ...]]:
        """The words to look for: one of these groups must fit, and a group fits when all of it does."""
        groups: list[tuple[str, ...]] = []
        if self.mail:
            groups.append((_MAIL + self.mail,))
        if self.phone:
            groups.append((_PHONE + self.phone,))
        if self.names:
            groups.append((_NAME + "".join(self.names),))
        if len(self.names) > 1:
            groups.append(tuple(_NAME + name for name in self.names))
        return groups


def read_query(text: str) -> Query:
    """What somebody typed into the search box, whatever it is."""
    typed = text[:_LONGEST_QUERY].strip()
    plain = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFKC", typed)).strip()
    if found := _ID.search(plain):
        return Query(typed, customer_id=_id(found[1]))
    if "@" in plain:
        return Query(typed, mail=_mail(plain))
    codes = tuple(dict.fromkeys((plain, plain.upper()))) if _CODE.fullmatch(plain) else ()
    if _NUMBER.fullmatch(plain):
        digits = _digits(plain, "JP")
        return Query(
            typed,
            customer_id=_id(plain) if plain.isdecimal() else None,
            codes=codes,
            phone=digits if len(digits) >= _FEWEST_DIGITS else None,
        )
    names = tuple(part for part in map(folded, plain.split()) if part)[:_MOST_PARTS]
    return Query(typed, codes=codes, mail=plain.lower() if codes else None, names=names)


def _id(digits: str) -> int | None:
    number = int(digits) if len(digits) <= 19 else 0
    return number if 0 < number <= _LARGEST_ID else None


def _mail(text: str) -> str:
    """The form in which an e-mail is compared; of what is none yet, or never will be, what can be compared."""
    seen = "".join(c for c in text if c.isprintable() and not c.isspace())
    return (mailbox(text if email(text) else seen) or "")[:_LONGEST_MAIL]


def _digits(text: str, region: str) -> str:
    """The digits of a telephone number as one dials it in Japan; of the beginning of one, what is there of them."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST_QUERY])
    whole = phone(plain, region).value
    digits = re.sub(r"[^0-9]", "", whole or plain)
    if whole is None and plain.lstrip().startswith("+81"):
        digits = "0" + digits.removeprefix("81").lstrip("0")
    return digits[:20]
