"""The bodies and headers of webhooks, as each API version has had them: pure.

https://shopify.dev/docs/api/webhooks and https://shopify.dev/docs/apps/build/webhooks/delivery-structure
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sandbox.shopify_customers import JST, Consent, ShopAddress, ShopCustomer

SAMPLE_CUSTOMER_ID: Final = 706405506930370084
"""Of the static sample sent by "Send test notification"; it lies beyond 2^53."""

SUPPORTED_VERSIONS: Final = ("2026-01", "2026-04", "2026-07", "2026-10")
"""What the Admin API answers today; older ones fall forward to the first of these."""

FIRST_VERSION: Final = "2023-07"

Instant = Literal["micro", "nano"]


def serves_version(asked: str) -> str | None:
    """The Admin API version that answers when this one is asked for, or None where there never was such a one.

    An unsupported version falls forward to the oldest supported (https://shopify.dev/docs/api/usage/versioning).
    """
    if asked == "unstable" or asked in SUPPORTED_VERSIONS:
        return asked
    if re.fullmatch(r"20\d\d-(01|04|07|10)", asked) and asked < SUPPORTED_VERSIONS[0]:
        return SUPPORTED_VERSIONS[0]
    return None


def customer_body(customer: ShopCustomer, version: str) -> dict[str, Any]:
    """The body of `customers/create` and `customers/update` (they are the same), in the keys of that API version.

    17 keys from 2025-01, 24 in 2024, and in 2023 the three `marketing` keys more. `default_address` is left out
    altogether where there is no address, as a real capture shows.
    """
    if version < FIRST_VERSION:
        raise ValueError(f"webhook bodies are known from {FIRST_VERSION} on, not {version}")
    body = _body_of_17(customer) if version >= "2025-01" else _body_of_24(customer)
    if version < "2024-01":
        body |= _marketing_keys(customer)
    if customer.default_address is not None:
        body["default_address"] = _address(customer, customer.default_address)
    return body


#: What a body calls the fields that GraphQL calls so.
_IN_A_BODY: Final[Mapping[str, tuple[str, ...]]] = {
    "Customer.firstName": ("first_name",),
    "Customer.lastName": ("last_name",),
    "Customer.defaultEmailAddress": ("email",),
    "CustomerEmailAddress.emailAddress": ("email",),
    "Customer.defaultPhoneNumber": ("phone",),
    "CustomerPhoneNumber.phoneNumber": ("phone",),
    "Customer.note": ("note",),
    "Customer.tags": ("tags",),
    "Customer.numberOfOrders": ("orders_count",),
    "Customer.amountSpent": ("total_spent",),
}
_IN_AN_ADDRESS: Final = ("first_name", "last_name", "company", "address1", "address2", "city", "zip", "phone")


def without(body: dict[str, Any], withheld: Collection[str]) -> dict[str, Any]:
    """The body as an app gets it that may not see these fields: their keys stay, and are null.

    https://shopify.dev/docs/apps/launch/protected-customer-data
    """
    hidden = {key for name in withheld for key in _IN_A_BODY.get(name, ())}
    told = {key: None if key in hidden else value for key, value in body.items()}
    if isinstance(address := told.get("default_address"), dict):
        lines = {
            key for key in _IN_AN_ADDRESS if "Customer.defaultAddress" in withheld or _address_field(key) in withheld
        }
        told["default_address"] = {key: None if key in lines else value for key, value in address.items()}
    return told


def _address_field(key: str) -> str:
    first, *others = key.split("_")
    return f"MailingAddress.{first}{''.join(part.title() for part in others)}"


def rest_customer(customer: ShopCustomer) -> dict[str, Any]:
    """The customer as the REST Admin API shows it: tags, consent and counters included."""
    body = _body_of_24(customer)
    if customer.default_address is not None:
        body["default_address"] = _address(customer, customer.default_address)
    return body


def deleted_body(customer_id: int) -> dict[str, Any]:
    """The body of `customers/delete`: no e-mail, nothing but the id."""
    return {
        "id": customer_id,
        "tax_exemptions": [],
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}",
    }


def sample_body(version: str) -> dict[str, Any]:
    """The static sample customer Bob Biller that every test send carries, whatever the shop holds."""
    at = datetime.fromisoformat("2021-12-31T19:00:00-05:00")
    bob = ShopCustomer(
        id=SAMPLE_CUSTOMER_ID,
        created_at=at,
        updated_at=at,
        email="bob@biller.com",
        first_name="Bob",
        last_name="Biller",
        note="This customer loves ice cream",
        currency="USD",
    )
    body = customer_body(bob, version)
    body["created_at"] = body["updated_at"] = at.isoformat()
    if version >= "2024-01":
        body["default_address"] = {
            "id": 12321,
            "customer_id": SAMPLE_CUSTOMER_ID,
            "first_name": "Bob",
            "last_name": "Biller",
            "company": None,
            "address1": "151 O'Connor Street",
            "address2": None,
            "city": "Ottawa",
            "province": "ON",
            "country": "CA",
            "zip": "K2P 2L8",
            "phone": "555-555-5555",
            "name": "Bob Biller",
            "province_code": "ON",
            "country_code": "CA",
            "country_name": "CA",
            "default": True,
        }
    return body


def _body_of_17(customer: ShopCustomer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "created_at": stamp(customer.created_at),
        "updated_at": stamp(customer.updated_at),
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "state": customer.state,
        "note": customer.note,
        "verified_email": customer.verified_email,
        "multipass_identifier": None,
        "tax_exempt": customer.tax_exempt,
        "email": customer.email,
        "phone": customer.phone,
        "currency": customer.currency,
        "addresses": [_address(customer, one) for one in customer.addresses],
        "tax_exemptions": [],
        "admin_graphql_api_id": customer.gid,
    }


def _body_of_24(customer: ShopCustomer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "email": customer.email,
        "created_at": stamp(customer.created_at),
        "updated_at": stamp(customer.updated_at),
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "orders_count": customer.orders_count,
        "state": customer.state,
        "total_spent": customer.total_spent,
        "last_order_id": customer.last_order_id,
        "note": customer.note,
        "verified_email": customer.verified_email,
        "multipass_identifier": None,
        "tax_exempt": customer.tax_exempt,
        "tags": ", ".join(customer.tags),
        "last_order_name": customer.last_order_name,
        "currency": customer.currency,
        "phone": customer.phone,
        "addresses": [_address(customer, one) for one in customer.addresses],
        "tax_exemptions": [],
        "email_marketing_consent": _consent(customer.email_consent),
        "sms_marketing_consent": customer.sms_consent
        and {**_consent(customer.sms_consent), "consent_collected_from": "SHOPIFY"},
        "admin_graphql_api_id": customer.gid,
    }


def _marketing_keys(customer: ShopCustomer) -> dict[str, Any]:
    at = customer.email_consent.consent_updated_at or customer.created_at
    subscribed = customer.email_consent.state == "subscribed"
    return {
        "accepts_marketing": subscribed,
        "accepts_marketing_updated_at": stamp(at),
        "marketing_opt_in_level": customer.email_consent.opt_in_level if subscribed else None,
    }


def _consent(consent: Consent) -> dict[str, Any]:
    at = consent.consent_updated_at
    return {
        "state": consent.state,
        "opt_in_level": consent.opt_in_level,
        "consent_updated_at": stamp(at) if at else None,
    }


def _address(customer: ShopCustomer, address: ShopAddress) -> dict[str, Any]:
    return {
        "id": address.id,
        "customer_id": customer.id,
        "first_name": address.first_name,
        "last_name": address.last_name,
        "company": address.company,
        "address1": address.address1,
        "address2": address.address2,
        "city": address.city,
        "province": address.province,
        "country": address.country,
        "zip": address.zip,
        "phone": address.phone,
        "name": address.name,
        "province_code": address.province_code,
        "country_code": address.country_code,
        "country_name": address.country,
        "default": address == customer.default_address,
    }


def stamp(at: datetime) -> str:
    """The time as webhooks write it: the shop's offset, whole seconds."""
    return at.astimezone(JST).replace(microsecond=0).isoformat()


def encode(body: Mapping[str, Any]) -> bytes:
    r"""The bytes that are signed and sent: no spaces, `\/` and `\u0026` escaped, so re-serialising breaks the HMAC."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode()


def sign(secret: str, body: bytes) -> str:
    """base64(HMAC-SHA256(secret, body))."""
    # https://shopify.dev/docs/apps/build/webhooks/verify-deliveries : over the raw body, and nothing else
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around a body; it stays the same through all retries."""

    topic: str
    shop: str
    api_version: str
    webhook_id: str
    event_id: str | None
    triggered_at: datetime
    test: bool = False
    name: str | None = None
    instant: Instant = "micro"
    both_families: bool = False

    def twin(self, webhook_id: str) -> "Envelope":
        """The same event under another webhook id."""
        return replace(self, webhook_id=webhook_id)

    def headers(self, signature: str | bytes | None) -> dict[str, str | bytes]:
        """All headers of the request; `signature` None leaves that header out."""
        digits = f"{self.triggered_at.microsecond:06}" + ("743" if self.instant == "nano" else "")
        triggered = f"{self.triggered_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{digits}Z"
        told: dict[str, str | bytes | None] = {
            "Topic": self.topic,
            "Hmac-Sha256": signature,
            "Shop-Domain": self.shop,
            "API-Version": self.api_version,
            "Webhook-Id": self.webhook_id,
            "Event-Id": self.event_id,
            "Triggered-At": triggered,
            "Name": self.name,
            "Test": "true" if self.test else None,
        }
        headers: dict[str, str | bytes] = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
        }
        for name, value in told.items():
            if value is not None:
                headers[f"X-Shopify-{name}"] = value
                # https://shopify.dev/docs/apps/build/events/delivery-structure : the family of Shopify Events
                if self.both_families and name not in {"Test", "Name"}:
                    headers[f"shopify-{name.lower()}"] = value
        return headers
