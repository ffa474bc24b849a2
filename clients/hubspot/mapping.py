"""A customer in HubSpot's words: pure, and judged by a table of cases.

HubSpot takes any UTF-8 text, so that names and addresses go as the customer wrote them; only what people will segment
by (kana, postcode, birth date, gender, prefecture) is brought into one form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import japan
from clients.hubspot.properties import EMAIL_RAW
from clients.lane import fingerprint
from customer import Address, Correction, Customer, Maybe, Unknown, known
from japan import Fixed

LONGEST_KEPT: Final = 500
"""Characters of a refused value that a person is shown; tags may have thousands."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A customer as HubSpot is to have it.

    ``properties`` holds a text for what we know, None for what we know to be empty, nothing for what nobody told us.
    ``refused`` maps each property that is held back, because HubSpot refused this very value, to the value's
    fingerprint.
    """

    properties: Mapping[str, str | None]
    corrections: tuple[Correction, ...]
    refused: Mapping[str, str]

    @property
    def can_be_created(self) -> bool:
        """Whether HubSpot would take this as a new contact."""
        # https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide : one of the three
        return any(self.properties.get(name) for name in ("email", "firstname", "lastname"))

    @property
    def email(self) -> str | None:
        """The address the contact is to have, trimmed and lower-cased."""
        return self.properties.get("email")

    @property
    def spellings(self) -> tuple[str, ...]:
        """The ways in which HubSpot may have this address, for it compares letter by letter; ours comes first."""
        return japan.spellings(self.email) if self.email else ()


_CALLED: Final[Mapping[str, str]] = {"last_name": "lastname", "first_name": "firstname"}


class _Sheet:
    """A contact being written down, with each correction beside its property."""

    def __init__(self) -> None:
        self.properties: dict[str, str | None] = {}
        self.corrections: list[Correction] = []

    def put(self, name: str, value: Maybe[str]) -> None:
        """A text as it is, trimmed; blank is the same as none, and so is what nobody can see (U+3164, U+200B)."""
        if not isinstance(value, Unknown):
            self.properties[name] = None if japan.is_blank(value or "") else (value or "").strip()

    def put_fixed(
        self, name: str, value: Maybe[str], fix: Callable[[str], Fixed], *, or_as_it_is: bool = False
    ) -> None:
        """A text brought into form; what cannot be is left out with its correction, or goes as it is."""
        self.put(name, value)
        text = self.properties.get(name)
        if text is None:
            return
        fixed = fix(text)
        if fixed.value is None and or_as_it_is:
            return
        self.properties[name] = fixed.value
        self.corrections += [Correction(name, what, detail) for what, detail in fixed.fixes]

    def correct(self, name: str, what: str, detail: str) -> None:
        self.corrections.append(Correction(name, what, detail))


def contact(customer: Customer, *, today: date, refused: Mapping[str, str] | None = None) -> Contact:
    """The contact this customer is to be.

    ``refused`` maps properties to the fingerprint of a value HubSpot once refused: the same value is held back (an
    address is then kept as text in ``shopify_email_raw``), a new one is tried.
    """
    sheet = _Sheet()
    mine = japan.owned(customer)
    customer = mine.customer
    for part, what, detail in mine.notes:
        sheet.correct(_CALLED.get(part, part), what, detail)
    _email(sheet, customer.email)
    _name(sheet, customer)
    _phone(sheet, customer)
    _address(sheet, customer.address)
    sheet.put_fixed("shopify_last_name_kana", customer.last_kana, japan.kana, or_as_it_is=True)
    sheet.put_fixed("shopify_first_name_kana", customer.first_kana, japan.kana, or_as_it_is=True)
    # https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide : YYYY-MM-DD; midnight in Japan,
    # sent as a timestamp, would be the day before
    sheet.put_fixed("shopify_birth_date", customer.birth_date, lambda text: japan.birth_date(text, today))
    sheet.put_fixed("shopify_gender", customer.gender, japan.gender)
    sheet.put("shopify_email_consent", customer.email_consent)
    sheet.put("shopify_tags", _each(customer.tags, _tags))
    sheet.put("shopify_orders_count", _each(customer.orders_count, str))
    _amount(sheet, customer.amount_spent)
    sheet.put("shopify_currency", customer.currency)
    sheet.put("shopify_last_order_at", _each(customer.last_order_at, moment))
    return _without_refused(sheet, refused or {}, raw_email=known(customer.email))


def moment(at: datetime) -> str:
    """A ``datetime`` property: ISO 8601 in UTC, to the millisecond."""
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _each(value: Maybe[Any], turn: Callable[[Any], str | None]) -> Maybe[str]:
    return value if value is None or isinstance(value, Unknown) else turn(value)


def _tags(tags: Sequence[str]) -> str:
    """Sorted, because Shopify's order means nothing and would look like a change."""
    return ", ".join(sorted({tag.strip() for tag in tags if tag.strip()}))


def _email(sheet: _Sheet, email: Maybe[str]) -> None:
    sheet.put("email", email)
    if "email" not in sheet.properties:
        return
    sheet.properties[EMAIL_RAW] = None
    if text := sheet.properties["email"]:
        # HubSpot is the judge of an address: one that we would not take goes as it is. It keeps them in lower case.
        lower = text.lower()
        sheet.properties["email"] = japan.email(text) or lower
        if sheet.properties["email"] != lower:
            sheet.correct("email", "reformatted", "")


def _name(sheet: _Sheet, customer: Customer) -> None:
    last, first = customer.last_name, customer.first_name
    if whole := japan.whole_name(known(last), known(first)):
        last, first = whole
        for name in ("lastname", "firstname"):
            sheet.correct(name, "reformatted", "one field held the whole name")
    sheet.put("lastname", last)
    sheet.put("firstname", first)


def _phone(sheet: _Sheet, customer: Customer) -> None:
    number = japan.phone_of(customer, japan.phone_e164)
    if isinstance(number, Unknown):
        # The address was never told, so the number that stands there, if any, was the customer's own.
        sheet.put("phone", customer.phone)
    else:
        sheet.properties["phone"] = number.value
        sheet.corrections += [Correction("phone", what, detail) for what, detail in number.fixes]


def _address(sheet: _Sheet, address: Maybe[Address]) -> None:
    if isinstance(address, Unknown):
        return
    at = address or Address()
    # https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide : both are texts. The code of a
    # country is the same in every language, in which Shopify's name of it is not.
    sheet.put("country", at.country_code)
    sheet.put("company", at.company)
    if japan.lies_abroad(at):
        sheet.put("address", _in_one_line(at.address1, at.address2))
        sheet.put("city", at.city)
        sheet.put("zip", at.zip)
        sheet.put("state", at.province_code)
        return
    parts = japan.parts_of(at, _tidied)
    sheet.put("address", _in_one_line(parts.street, parts.building))
    sheet.put("city", parts.city)
    for what, detail in parts.fixes:
        sheet.correct("address", what, detail)
    sheet.put_fixed("zip", at.zip, japan.postcode, or_as_it_is=True)
    if parts.postcode:
        sheet.put("zip", parts.postcode)
        sheet.correct("zip", "filled", "postcode in the address")
    name = japan.prefecture(at.province_code) if at.province_code else None
    sheet.put("state", parts.prefecture)
    if at.province_code and name is None:
        sheet.correct("state", "dropped", f"no prefecture has the code {at.province_code}")


def _in_one_line(*lines: str | None) -> str:
    """A contact has no second line."""
    return " ".join(stripped for line in lines if line and (stripped := line.strip()))


def _tidied(text: str | None, fixes: list[tuple[str, str]]) -> str:
    """HubSpot shows every character: the customer's own, but for dashes and figures that a search has to find."""
    fixed = japan.tidy(text or "")
    fixes += [one for one in fixed.fixes if one not in fixes]
    return (fixed.value or "").strip()


def _amount(sheet: _Sheet, amount: Maybe[str]) -> None:
    """A number, in one form: Shopify says 0, 0.0 and 0.00 for the same."""
    name = "shopify_amount_spent"
    sheet.put(name, amount)
    if not (text := sheet.properties.get(name)):
        return
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_finite():
        plain = f"{number:f}"
        sheet.properties[name] = plain.rstrip("0").rstrip(".") if "." in plain else plain
    else:
        sheet.properties[name] = None
        sheet.correct(name, "dropped", "not a number")


def refused_value(name: str, value: str | None) -> Correction:
    """What a person is told of a value that HubSpot does not take, with the value itself."""
    if value is None:
        return Correction(name, "dropped", "HubSpot does not take it empty; what stands there stays")
    kept = value if len(value) <= LONGEST_KEPT else f"{value[:LONGEST_KEPT]}… ({len(value):,} characters)"
    where = f"this address; kept as {EMAIL_RAW}" if name == "email" else "this value"
    return Correction(name, "dropped", f"HubSpot does not take {where}: {kept}")


def _without_refused(sheet: _Sheet, refused: Mapping[str, str], *, raw_email: str | None) -> Contact:
    held: dict[str, str] = {}
    # The address first: with it held back, there is a text of it that may be refused as well.
    for name in sorted(refused, key=lambda name: name != "email"):
        if name not in sheet.properties or fingerprint(value := sheet.properties[name]) != refused[name]:
            continue
        held[name] = refused[name]
        del sheet.properties[name]
        if name == "email" and value is not None:
            sheet.put(EMAIL_RAW, raw_email)
        sheet.corrections.append(refused_value(name, raw_email if name == "email" else value))
    return Contact(sheet.properties, tuple(sheet.corrections), held)
