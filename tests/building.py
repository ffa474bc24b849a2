"""The roof as tests come in by it: ``create_app`` with invented settings, and signed requests to knock with."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from clients.shopify.signature import sign
from config.settings import read_settings
from handlers.house import House

SHOP = "example.myshopify.com"
SECRET = "an-invented-app-secret"
ADMIN_SECRET = "an-invented-admin-secret"


def make_app(database_url: str, *, now: Any = None, **settings: Any) -> Flask:
    """The service over this database; settings by their names in lower case."""
    given: dict[str, Any] = {
        "shopify_shop": SHOP,
        "shopify_webhook_secrets": f"{SECRET},{ADMIN_SECRET}",
        "database_url": database_url,
        "log_format": "json",
        "_env_file": None,
        **settings,
    }
    return create_app(read_settings(**given), **({"now": now} if now else {}))


def house_of(app: Flask) -> House:
    """Every part of this app."""
    house: House = app.extensions["house"]
    return house


def body_of(customer_id: int, *, updated: str = "2026-11-22T12:00:00+09:00", **fields: Any) -> bytes:
    """A 17-key webhook body of an invented person, as API version 2026-10 sends it."""
    body: dict[str, Any] = {
        "id": customer_id,
        "created_at": "2026-11-22T11:59:00+09:00",
        "updated_at": updated,
        "first_name": "花子",
        "last_name": "見本",
        "state": "enabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": f"hanako{customer_id}@example.jp",
        "phone": None,
        "currency": "JPY",
        "addresses": [],
        "tax_exemptions": [],
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}",
        "default_address": None,
    }
    return json.dumps({**body, **fields}, ensure_ascii=False).encode()


def headers_of(body: bytes, *, secret: str = SECRET, **headers: str) -> dict[str, str]:
    """Shopify's headers for this body, signed; ``X_Shopify_Topic="..."`` replaces one, an empty value drops it."""
    made = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": "customers/create",
        "X-Shopify-Hmac-Sha256": sign(body, secret),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": str(uuid.uuid4()),
        "X-Shopify-Triggered-At": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    made |= {name.replace("_", "-"): value for name, value in headers.items()}
    return {name: value for name, value in made.items() if value}


def post(client: FlaskClient, body: bytes, headers: Mapping[str, str] | None = None, **changes: str) -> TestResponse:
    """Knock as Shopify does."""
    return client.post("/webhooks/shopify", data=body, headers=headers or headers_of(body, **changes))
