"""A customer as the shop keeps one, and the rules by which the shop accepts fields: pure, no state, no clock.

The shop is Japanese: JST timestamps in whole seconds, yen, phones that begin with 0 are domestic.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from sandbox.shopify_prefectures import BY_CODE

JST: Final = timezone(timedelta(hours=9), "JST")
STATES: Final = ("disabled", "invited", "enabled", "declined")
COUNTRIES: Final = {"JP": "Japan", "US": "United States", "CA": "Canada", "GB": "United Kingdom", "TW": "Taiwan"}


class ShopRefused(Exception):
    """The shop does not take these fields. `errors` maps a field to Shopify's sentences about it."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(f"refused: {', '.join(sorted(errors))}")
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Metafield:
    """`value` is always a string, whatever the type."""

    namespace: str
    key: str
    value: str
    type: str = "single_line_text_field"


@dataclass(frozen=True, slots=True)
class Consent:
    """Marketing consent for one channel; `state` in lower case."""

    state: str = "not_subscribed"
    opt_in_level: str | None = "single_opt_in"
    consent_updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShopAddress:
    """An address of a customer; `province` and `country` are names, the codes stand beside them."""

    id: int = 0
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    zip: str | None = None
    phone: str | None = None
    province_code: str | None = None
    country_code: str | None = None

    @property
    def name(self) -> str:
        """ "first last", as Shopify writes it in every country."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


@dataclass(frozen=True, slots=True)
class ShopCustomer:
    """All the shop knows of a customer. The first address is the default one."""

    id: int
    created_at: datetime
    updated_at: datetime
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    state: str = "disabled"
    note: str | None = None
    verified_email: bool = True
    tax_exempt: bool = False
    tags: tuple[str, ...] = ()
    currency: str = "JPY"
    locale: str = "ja"
    addresses: tuple[ShopAddress, ...] = ()
    email_consent: Consent = field(default_factory=Consent)
    sms_consent: Consent | None = None
    metafields: tuple[Metafield, ...] = ()
    orders_count: int = 0
    total_spent: str = "0.00"
    last_order_id: int | None = None
    last_order_name: str | None = None
    last_order_at: datetime | None = None

    @property
    def gid(self) -> str:
        """The id as the Admin API writes it."""
        return f"gid://shopify/Customer/{self.id}"

    @property
    def default_address(self) -> ShopAddress | None:
        """The first address, or None."""
        return self.addresses[0] if self.addresses else None

    def metafield(self, namespace: str, key: str) -> Metafield | None:
        """The metafield of that name, or None."""
        return next((m for m in self.metafields if (m.namespace, m.key) == (namespace, key)), None)


_PLAIN: Final = {"note", "currency", "locale", "last_order_name"}
_NAMES: Final = {"first_name", "last_name"}
_SWITCHES: Final = {"verified_email", "tax_exempt"}
_ADDRESS_FIELDS: Final = {f.name for f in fields(ShopAddress)} - {"id"}


def with_fields(customer: ShopCustomer, asked: Mapping[str, Any], now: datetime) -> ShopCustomer:
    """The customer with these fields set, brought into Shopify's forms; unnamed fields stay.

    Takes the names of the webhook body, plus `metafields` (a list of objects, or `{"custom.gender": "female"}`;
    null removes one), `accepts_marketing` (a shorthand for e-mail consent) and `last_order_at`. Addresses replace those
    before. Raises `ShopRefused` naming what the shop does not take.
    """
    errors: dict[str, list[str]] = {}
    changed = customer
    for name in sorted(asked, key="addresses".__eq__):  # addresses last: they take over the name
        try:
            changed = replace(changed, **_taken(changed, name, asked[name], now))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            errors.setdefault(name, []).append(str(error) or "is invalid")
    if errors:
        raise ShopRefused(errors)
    if not any((changed.email, changed.phone, changed.first_name, changed.last_name)):
        raise ShopRefused({"base": ["Customer must have a name, phone number or email address"]})
    return changed


def _taken(customer: ShopCustomer, name: str, value: Any, now: datetime) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 - one line a field reads better than a table of functions
    if name in _PLAIN:
        return {name: _text(value)}
    if name in _NAMES:
        return {name: value if (_text(value) or "").strip() else None}
    if name in _SWITCHES:
        return {name: bool(value)}
    match name:
        case "email":
            return {"email": e_mail(_text(value))}
        case "phone":
            return {"phone": e164(_text(value))}
        case "state":
            if value not in STATES:
                raise ValueError("is not included in the list")
            return {"state": value}
        case "tags":
            names = value.split(",") if isinstance(value, str) else value
            return {"tags": tuple(sorted({tag.strip() for tag in names if tag.strip()}))}
        case "addresses":
            return {"addresses": tuple(_address(customer, one) for one in value)}
        case "metafields":
            return {"metafields": _metafields(customer.metafields, value)}
        case "accepts_marketing":
            return {"email_consent": Consent("subscribed" if value else "not_subscribed", "single_opt_in", now)}
        case "email_marketing_consent":
            return {"email_consent": _consent(value, now)}
        case "sms_marketing_consent":
            return {"sms_consent": None if value is None else _consent(value, now)}
        case "orders_count" | "last_order_id":
            return {name: None if value is None else int(value)}
        case "total_spent":
            return {name: f"{float(value):.2f}"}
        case "last_order_at":
            return {name: None if value is None else datetime.fromisoformat(value).astimezone(JST)}
        case _:
            raise ValueError("is not a field of a customer")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError("must be a string")


def e_mail(written: str | None) -> str | None:
    """The address trimmed, or None when empty. Raises ValueError when it is none."""
    trimmed = (written or "").strip()
    if trimmed and not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", trimmed):
        raise ValueError("is invalid")
    return trimmed or None


def e164(written: str | None) -> str | None:
    """The phone as Shopify stores it on a customer, `+819000000001`, or None when empty. Raises ValueError."""
    plain = unicodedata.normalize("NFKC", written or "").strip()
    if not plain:
        return None
    digits = re.sub(r"\D", "", plain)
    if not plain.startswith("+"):
        digits = "81" + digits[1:] if digits.startswith("0") else ""
    if not 8 <= len(digits) <= 15:
        raise ValueError("is invalid")
    return "+" + digits


def tidy_zip(written: str | None) -> str | None:
    """The postcode with Shopify's hyphen where seven plain digits stand; any other writing is kept as it came."""
    return f"{written[:3]}-{written[3:]}" if written and re.fullmatch(r"[0-9]{7}", written) else written


def _address(customer: ShopCustomer, asked: Mapping[str, Any]) -> ShopAddress:
    unknown = asked.keys() - _ADDRESS_FIELDS
    if unknown:
        raise ValueError(f"has no field {min(unknown)}")
    told: dict[str, Any] = {name: _text(value) or None for name, value in asked.items()}
    country_code = told.pop("country_code", None) or "JP"
    province_code = told.get("province_code")
    prefecture = BY_CODE.get(province_code or "")
    address = ShopAddress(
        first_name=customer.first_name,
        last_name=customer.last_name,
        country=COUNTRIES.get(country_code, country_code),
        country_code=country_code,
        province=prefecture.name if prefecture else None,
    )
    return replace(address, **{**told, "zip": tidy_zip(told.get("zip"))})


def _consent(asked: Mapping[str, Any], now: datetime) -> Consent:
    at = asked.get("consent_updated_at")
    return Consent(
        asked["state"],
        asked.get("opt_in_level", "single_opt_in"),
        datetime.fromisoformat(at).astimezone(JST) if at else now,
    )


def _metafields(
    known: tuple[Metafield, ...], asked: Mapping[str, Any] | Iterable[Mapping[str, Any]]
) -> tuple[Metafield, ...]:
    kept = {(one.namespace, one.key): one for one in known}
    for namespace, key, value, kind in _metafields_asked(asked):
        if value is None or value == "":
            kept.pop((namespace, key), None)
        else:
            kept[namespace, key] = Metafield(namespace, key, str(value), kind)
    return tuple(kept.values())


def _metafields_asked(
    asked: Mapping[str, Any] | Iterable[Mapping[str, Any]],
) -> Iterable[tuple[str, str, Any, str]]:
    if isinstance(asked, Mapping):
        for name, value in asked.items():
            namespace, dot, key = name.partition(".")
            if not dot:
                raise ValueError("must be named namespace.key")
            yield namespace, key, value, "date" if key.endswith("_date") else "single_line_text_field"
    else:
        for one in asked:
            yield one["namespace"], one["key"], one.get("value"), one.get("type", "single_line_text_field")
