"""What a customer webhook says: bytes in, a customer or an error out. Pure, and fast: it stands on the receiving path.

https://shopify.dev/docs/api/webhooks : 26 keys in 2023-07, 24 since 2024-01, 17 since 2025-01. What a version does not
have is UNKNOWN, and so is what it has as null or "": Shopify withholds field by field, the structure stays, and a body
does not say whether a null is a field that the customer cleared or one that this app may not see. Only a read of the
field tells them apart (`node.py`). https://shopify.dev/docs/apps/launch/protected-customer-data
A body whose shape is new is refused whole rather than half understood: it is kept, shown and read later, and nothing of
it is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

from clients.shopify.texts import clean, plain_amount, tidy_tags
from clients.shopify.times import read_time
from customer import UNKNOWN, Address, Customer, Maybe, known

SAMPLE_CUSTOMER_ID: Final = 706405506930370084
"""Shopify's static sample ("Send test notification", ``shopify app webhook trigger``): never a real customer."""

LARGEST_ID: Final = 2**63 - 1
SHORT: Final = 500  # Shopify itself holds names, e-mails and address lines to 255 characters
LONG: Final = 100_000  # a note, or 250 tags of 255 characters
BOM: Final = b"\xef\xbb\xbf"


class Unreadable(ValueError):
    """A body that does not say which customer it is about, or says it in a shape we do not know.

    ``why`` names the key and what is wrong with it, and holds nothing of the body.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def read_payload(body: bytes) -> Customer:
    """The customer that this body tells of. Raises ``Unreadable`` and nothing else."""
    told = _read_json(body)
    if "id" not in told:
        raise Unreadable("there is no id")
    return _customer(told)


def _customer(told: Mapping[str, Any]) -> Customer:
    return Customer(
        id=_id(told["id"]),
        email=_text(told, "email"),
        phone=_text(told, "phone"),
        last_name=_text(told, "last_name"),
        first_name=_text(told, "first_name"),
        address=_address(told),
        note=_text(told, "note", LONG),
        tags=_tags(told),
        email_consent=_email_consent(told),
        sms_consent=_consent(told, "sms_marketing_consent"),
        account_state=_lower(_text(told, "state")),
        orders_count=_count(told, "orders_count"),
        amount_spent=_amount(told, "total_spent"),
        # The currency is that of the amount; alone, as in the 17-key bodies, it would only seem to change the customer.
        currency=_text(told, "currency") if "total_spent" in told else UNKNOWN,
        created_at=_time(told, "created_at"),
        updated_at=read_time(told.get("updated_at")),
    )


def read_triggered_at(header: str | None) -> datetime | None:
    """When Shopify says that it triggered the delivery (``X-Shopify-Triggered-At``), in UTC; None for anything else.

    https://shopify.dev/docs/apps/build/webhooks/delivery-structure : unsigned, and sometimes with nanoseconds.
    """
    return read_time(header)


def _no_such_number(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are JavaScript, not JSON


_DECODE = json.JSONDecoder(parse_constant=_no_such_number).decode


def _read_json(body: bytes) -> dict[str, Any]:
    if not body or body.isspace():
        raise Unreadable("the body is empty")
    try:
        told = _DECODE(body.removeprefix(BOM).decode())
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    except ValueError:
        # https://shopify.dev/docs/apps/build/webhooks : webhooks made by hand in the admin can be set to XML.
        what = "XML, not JSON: set the webhook's format to JSON" if body.lstrip().startswith(b"<") else "not JSON"
        raise Unreadable(f"the body is {what}") from None
    except (RecursionError, MemoryError):
        raise Unreadable("the body is nested too deep or too large") from None
    if not isinstance(told, dict):
        raise Unreadable("the body is not a JSON object")
    return told


def _id(raw: object) -> int:
    # Never through a float: ids are beyond 2^53. https://shopify.dev/docs/api/webhooks
    if isinstance(raw, str) and len(raw) <= 19 and raw.isascii() and raw.isdigit():
        raw = int(raw)
    if type(raw) is not int:
        raise Unreadable("id is not a whole number")
    if not 0 < raw <= LARGEST_ID:
        raise Unreadable("id is out of range")
    return raw


def _text(told: Mapping[str, Any], key: str, longest: int = SHORT) -> Maybe[str]:
    raw = told.get(key)
    if raw is None:
        return UNKNOWN
    if type(raw) is int and abs(raw) <= LARGEST_ID:
        return str(raw)  # a postcode or phone number that somebody's import made a number
    if not isinstance(raw, str):
        raise Unreadable(f"{key} is not a text")
    if len(raw) > longest:
        raise Unreadable(f"{key} is longer than Shopify permits")
    return clean(raw) or UNKNOWN


def _address(told: Mapping[str, Any]) -> Maybe[Address]:
    # https://shopify.dev/docs/api/webhooks : the key is missing when there is no address, and `addresses` may be empty
    # although it is there.
    raw = told.get("default_address")
    listed = told.get("addresses") or []
    if raw is None and "default_address" not in told:
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise Unreadable("addresses is not a list of objects")
        raw = next((one for one in listed if one.get("default") is True), None)
    if raw is None:
        return UNKNOWN
    if not isinstance(raw, dict):
        raise Unreadable("default_address is not an object")
    return _read_address(raw, among_others=isinstance(listed, list) and len(listed) > 1)


def _read_address(raw: Mapping[str, Any], *, among_others: bool) -> Maybe[Address]:
    # Province and country by their codes: the texts are codes or names in whatever language.
    address = Address(
        zip=_part(raw, "zip"),
        province_code=_part(raw, "province_code"),
        city=_part(raw, "city"),
        address1=_part(raw, "address1"),
        address2=_part(raw, "address2"),
        company=_part(raw, "company"),
        phone=_part(raw, "phone"),
        country_code=_part(raw, "country_code"),
        # Of who receives there: `name` is "first last" in every country, and is not parsed.
        last_name=_part(raw, "last_name"),
        first_name=_part(raw, "first_name"),
        among_others=among_others,
    )
    return address if address.has_lines else UNKNOWN


def _part(address: Mapping[str, Any], key: str) -> str | None:
    return known(_text(address, key))


def _tags(told: Mapping[str, Any]) -> Maybe[tuple[str, ...]]:
    raw = told.get("tags")
    if raw is None:
        return UNKNOWN
    if isinstance(raw, str):
        raw = raw.split(",")
    if not isinstance(raw, list) or not all(isinstance(tag, str) for tag in raw):
        raise Unreadable("tags is not a text")
    if sum(map(len, raw)) > LONG:
        raise Unreadable("tags is longer than Shopify permits")
    return tidy_tags(raw) or UNKNOWN


def _consent(told: Mapping[str, Any], key: str) -> Maybe[str]:
    raw = told.get(key)
    if raw is None:
        return UNKNOWN
    if not isinstance(raw, dict):
        raise Unreadable(f"{key} is not an object")
    return _lower(_text(raw, "state"))


def _lower(text: Maybe[str]) -> Maybe[str]:
    return text.lower() if isinstance(text, str) else text


def _email_consent(told: Mapping[str, Any]) -> Maybe[str]:
    state = _consent(told, "email_marketing_consent")
    # Until 2023-10 there is a flag besides; it counts where the consent itself says nothing.
    accepts = told.get("accepts_marketing")
    if state or not isinstance(accepts, bool):
        return state
    return "subscribed" if accepts else "not_subscribed"


def _count(told: Mapping[str, Any], key: str) -> Maybe[int]:
    raw = told.get(key)
    if raw is None:
        return UNKNOWN
    if isinstance(raw, str) and len(raw) <= 19 and raw.isascii() and raw.isdigit():
        raw = int(raw)
    if type(raw) is not int or not 0 <= raw <= LARGEST_ID:
        raise Unreadable(f"{key} is not a count")
    return raw


def _amount(told: Mapping[str, Any], key: str) -> Maybe[str]:
    raw = told.get(key)
    text = str(raw) if type(raw) is float else _text(told, key)
    if not isinstance(text, str):
        return text
    if (amount := plain_amount(text)) is None:
        raise Unreadable(f"{key} is not an amount")
    return amount


def _time(told: Mapping[str, Any], key: str) -> Maybe[datetime]:
    return read_time(told.get(key)) or UNKNOWN
