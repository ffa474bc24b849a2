"""What answering costs without keeping: the signature is checked over the raw body, and nothing else is done.

`gunicorn -c config/gunicorn.py bench.limit:app` : the limit that a durable answer is measured against. Plain WSGI, so
that no framework's cost makes the limit look lower than it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from clients.shopify.signature import verify

_SECRETS = tuple(enumerate(os.environ.get("SHOPIFY_WEBHOOK_SECRETS", "").split(",")))
_LABELLED = tuple((str(place), secret) for place, secret in _SECRETS)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """200 for a good signature, 401 for any other."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    good = verify(body, environ.get("HTTP_X_SHOPIFY_HMAC_SHA256"), _LABELLED)
    answer = b"kept\n" if good else b"refused\n"
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(answer)))]
    start_response("200 OK" if good else "401 Unauthorized", headers)
    return [answer]
