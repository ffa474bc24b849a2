"""The door that all the usual ways share: the signature over the raw body, then the JSON, then 200 once it is kept."""

from __future__ import annotations

import hmac
import os
from base64 import b64encode
from collections.abc import Callable
from typing import Any, TypeAlias

from flask import Flask, abort, request

#: Keeps one delivery: its webhook id, its topic, and the customer as Shopify describes it.
Keep: TypeAlias = Callable[[str, str, dict[str, Any]], None]


def door(keep: Keep) -> Flask:
    """A Flask app that answers ``POST /webhooks/shopify`` with 200 after ``keep``, and 401 without a good signature.

    https://shopify.dev/docs/apps/build/webhooks/verify-deliveries . The secret is ``WEBHOOK_SECRET`` of the
    environment.
    """
    secret = os.environ["WEBHOOK_SECRET"].encode()
    app = Flask(__name__, static_folder=None)

    @app.post("/webhooks/shopify")
    def receive() -> str:
        digest = b64encode(hmac.digest(secret, request.get_data(), "sha256"))
        if not hmac.compare_digest(digest, request.headers.get("X-Shopify-Hmac-Sha256", "").encode()):
            abort(401)
        keep(request.headers["X-Shopify-Webhook-Id"], request.headers["X-Shopify-Topic"], request.get_json())
        return "kept\n"

    return app
