"""What Smaregi wants to hear of a customer: our fields as member fields, every text as the till can hold it.

https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomersbulk : the fields, their lengths
and patterns. All values are texts, flags included, and never empty: the public schema has ``minLength`` 1.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from customer import UNKNOWN, Address, Correction, Customer, Maybe, known
from japan import (
    Fixed,
    address_line,
    birth_date,
    clean,
    email,
    gender,
    kana,
    lies_abroad,
    owned,
    phone,
    phone_of,
    postcode_of,
    whole_name,
)

LONGEST_TEXT: Final = 85
LONGEST_POSTCODE: Final = 10
LONGEST_CODE: Final = 20

SEX: Final[Mapping[str, str]] = {"male": "1", "female": "2", "other": "0"}
# What goes out where a field of ours is cleared and null is not among the values it may have.
CLEARED_AS: Final[Mapping[str, str]] = {"sex": "0"}

_Correcting: TypeAlias = Callable[[str], Fixed]

_ADDRESS_FIELDS: Final = ("postCode", "address")
_FOREIGN_POSTCODE: Final = re.compile(rf"[0-9A-Za-z][0-9A-Za-z -]{{0,{LONGEST_POSTCODE - 1}}}")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A customer in Smaregi's fields.

    ``fields``: a value where we have one, None where we know that there is none, no key where nobody told us
    (``lane.what_differs`` decides whether a None goes out, as null or as ``CLEARED_AS`` says).

    ``filled``: the keys of ``fields`` whose value only stands in for one we do not have: a name that is missing, the
    mail flag while the consent is unknown. Smaregi wants them when a member is made, but they must never be laid over
    what a member that was there before us has. ``borrowed``: the keys whose value may be another person's, the address
    of a gift's recipient; they are laid over nothing that stands at a member of the store's.
    """

    fields: dict[str, str | None]
    corrections: tuple[Correction, ...] = ()
    filled: frozenset[str] = frozenset()
    borrowed: frozenset[str] = frozenset()


_FIELDS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "last_name": ("lastName",),
    "first_name": ("firstName",),
    "phone": ("phoneNumber",),
    "address": ("address", "postCode"),
}


def member_number(customer_id: int) -> str:
    """The Shopify id as ``customerCode`` and ``customerNo``: at most 20 printable ASCII characters.

    Raises ``ValueError`` for what cannot be a Shopify id.
    """
    number = str(customer_id)
    if customer_id <= 0 or len(number) > LONGEST_CODE:
        raise ValueError("a Shopify customer id is a positive number of at most 20 digits")
    return number


def map_member(customer: Customer, *, placeholder: str, today: date) -> Mapped:
    """The customer as a member, without code and number (``member_number``).

    ``lastName``, ``firstName`` and ``mailReceiveFlag`` are always there: Smaregi requires the names and would take the
    mail flag for "1", so a customer whose consent we do not know is "0". A part of the name that is missing is read
    from its kana, else it is ``placeholder``, each part by itself: staff see what to ask for. ``today`` is the day in
    Japan, for birth dates.
    """
    draft = _Draft()
    mine = owned(customer)
    customer = mine.customer
    for part, what, detail in mine.notes:
        draft.note(_FIELDS_OF[part][0], [(what, detail)])
    _map_names(customer, placeholder, draft)
    draft.put("lastKana", customer.last_kana, lambda text: kana(text, LONGEST_TEXT))
    draft.put("firstKana", customer.first_kana, lambda text: kana(text, LONGEST_TEXT))
    _map_address(customer.address, draft)
    _map_phone(customer, draft)
    draft.put("mailAddress", customer.email, _mail)
    draft.put("sex", customer.gender, _sex)
    draft.put("birthDate", customer.birth_date, lambda text: birth_date(text, today))
    # The vendor's default is "1": silence would opt people in.
    draft.fields["mailReceiveFlag"] = "1" if customer.email_consent == "subscribed" else "0"
    if customer.email_consent is UNKNOWN:
        draft.filled.add("mailReceiveFlag")
    borrowed = frozenset(name for part in mine.borrowed for name in _FIELDS_OF[part])
    return Mapped(draft.fields, tuple(draft.corrections), frozenset(draft.filled), borrowed)


class _Draft:
    """The fields and corrections while they are gathered."""

    def __init__(self) -> None:
        self.fields: dict[str, str | None] = {}
        self.corrections: list[Correction] = []
        self.filled: set[str] = set()

    def note(self, name: str, fixes: Iterable[tuple[str, str]]) -> None:
        self.corrections.extend(Correction(name, what, detail) for what, detail in fixes)

    def take(self, name: str, fixed: Fixed) -> None:
        self.fields[name] = fixed.value
        self.note(name, fixed.fixes)

    def put(self, name: str, text: Maybe[str], correct: _Correcting) -> None:
        """The corrected text; None for a known None, nothing for UNKNOWN."""
        if text is not UNKNOWN:
            self.take(name, correct(text or ""))


def _map_names(customer: Customer, placeholder: str, draft: _Draft) -> None:
    stand_in = clean(placeholder, LONGEST_TEXT).value
    if stand_in is None:
        raise ValueError("the placeholder for a missing name is empty")
    last = clean(known(customer.last_name) or "", LONGEST_TEXT)
    first = clean(known(customer.first_name) or "", LONGEST_TEXT)
    draft.note("lastName", last.fixes)
    draft.note("firstName", first.fixes)
    last_name, first_name = last.value, first.value
    if whole := whole_name(last_name, first_name):
        last_name, first_name = whole
        for name in ("lastName", "firstName"):
            draft.note(name, [("reformatted", "one field held the whole name")])
    for name, value, reading in (
        ("lastName", last_name, customer.last_kana),
        ("firstName", first_name, customer.first_kana),
    ):
        if value is None:
            from_kana = kana(known(reading) or "", LONGEST_TEXT).value
            value = from_kana or stand_in  # noqa: PLW2901 - the very field that is being filled
            draft.note(name, [("filled", "from the kana" if from_kana else "no name in Shopify")])
            draft.filled.add(name)
        draft.fields[name] = value


def _map_address(address: Maybe[Address], draft: _Draft) -> None:
    if address is UNKNOWN:
        return
    if address is None:
        draft.fields.update(dict.fromkeys(_ADDRESS_FIELDS))
        return
    draft.take("postCode", _foreign_postcode(address.zip or "") if lies_abroad(address) else postcode_of(address))
    draft.take("address", address_line(address, LONGEST_TEXT))


def _foreign_postcode(text: str) -> Fixed:
    """The postcode of another country as it is, where the field can hold it."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split()).upper()
    if not plain:
        return Fixed(None)
    if not _FOREIGN_POSTCODE.fullmatch(plain):
        return Fixed(None, (("dropped", f"not a postcode of at most {LONGEST_POSTCODE} characters"),))
    return Fixed(plain, () if plain == text else (("reformatted", "postcode"),))


def _map_phone(customer: Customer, draft: _Draft) -> None:
    number = phone_of(customer, phone)
    if isinstance(number, Fixed):
        draft.take("phoneNumber", number)


def _mail(text: str) -> Fixed:
    value = email(text)
    if value is None:
        return Fixed(None, (("dropped", "not an e-mail address"),)) if text.strip() else Fixed(None)
    return Fixed(value, () if value == text else (("reformatted", "e-mail address"),))


def _sex(text: str) -> Fixed:
    """ "other" is "0": Smaregi has no third value, and "0" is what it calls unknown."""
    understood = gender(text)
    return Fixed(SEX[understood.value] if understood.value else None, understood.fixes)
