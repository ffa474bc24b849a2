"""What is known of one customer, line by line: a value, none, or never told. The three are kept apart on the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from customer import Address, Customer, Unknown, known
from handlers.console.hidden import HIDDEN, hidden_mail, hidden_phone
from handlers.console.texts import marked
from japan import is_blank, prefecture


@dataclass(frozen=True, slots=True)
class Fact:
    """One line. ``label`` is to be translated; ``value`` is a text or a moment; ``is_cleared``: there was more once."""

    label: str
    state: Literal["value", "none", "unknown"]
    value: str | datetime | None
    is_hidden: bool
    is_cleared: bool


def facts_of(customer: Customer, *, in_full: bool) -> list[Fact]:
    """Every field of the customer but the id; personal ones are hidden in part unless ``in_full``."""
    return [
        _fact(label, getattr(customer, name), hide, in_full=in_full, is_cleared=name in customer.cleared)
        for name, label, hide in _FIELDS
    ]


def name_of(customer: Customer) -> str:
    """The whole name, as it is called out; empty when there is none."""
    names = (known(customer.last_name), known(customer.first_name))
    return " ".join(part for part in names if part and not is_blank(part))


def reading_of(customer: Customer) -> str:
    """The furigana."""
    return " ".join(part for part in (known(customer.last_kana), known(customer.first_kana)) if part)


def _fact(label: str, told: Any, hide: Callable[[Any], str] | None, *, in_full: bool, is_cleared: bool) -> Fact:
    if isinstance(told, Unknown):
        return Fact(label, "unknown", None, is_hidden=False, is_cleared=is_cleared)
    value = told if isinstance(told, datetime) else _text(told)
    if not value:
        return Fact(label, "none", None, is_hidden=False, is_cleared=is_cleared)
    is_hidden = hide is not None and not in_full
    return Fact(label, "value", hide(told) if hide and is_hidden else value, is_hidden, is_cleared)


def _text(told: Any) -> str:
    if isinstance(told, Address):
        return _written(told)
    if isinstance(told, tuple):
        return ", ".join(str(one) for one in told)
    return "" if told is None else str(told)


def _written(address: Address) -> str:
    return " ".join(_parts(address, address.zip, address.address1, address.address2, address.company, address.phone))


def _parts(address: Address, zip_code: str | None, *rest: str | None) -> Iterator[str]:
    province = prefecture(address.province_code or "") or address.province_code
    country = address.country_code if address.country_code != "JP" else None
    for part in (zip_code, country, province, address.city, *rest):
        if part:
            yield part


def _hidden_address(address: Address) -> str:
    """Where about it is: prefecture and city."""
    return " ".join([*_parts(address, None), HIDDEN])


def _hidden(_told: Any) -> str:
    return HIDDEN


_FIELDS: Final[tuple[tuple[str, str, Callable[[Any], str] | None], ...]] = (
    ("last_name", marked("Last name"), None),
    ("first_name", marked("First name"), None),
    ("last_kana", marked("Last name, furigana"), None),
    ("first_kana", marked("First name, furigana"), None),
    ("email", marked("E-mail"), hidden_mail),
    ("phone", marked("Telephone"), hidden_phone),
    ("address", marked("Address"), _hidden_address),
    ("default_address_of", marked("Who receives at the default address in Shopify"), None),
    ("birth_date", marked("Birth date"), _hidden),
    ("gender", marked("Gender"), _hidden),
    ("email_consent", marked("Consent to e-mail"), None),
    ("sms_consent", marked("Consent to SMS"), None),
    ("note", marked("Note"), _hidden),
    ("tags", marked("Tags"), None),
    ("account_state", marked("Account"), None),
    ("locale", marked("Language"), None),
    ("orders_count", marked("Orders"), None),
    ("amount_spent", marked("Amount spent"), None),
    ("currency", marked("Currency"), None),
    ("last_order_at", marked("Last order"), None),
    ("created_at", marked("Registered in Shopify"), None),
    ("updated_at", marked("Saved in Shopify"), None),
)


def label_of(field: str) -> str:
    """The field's name, to be translated; itself where it is none of a customer's."""
    return next((label for name, label, _hide in _FIELDS if name == field), field)
