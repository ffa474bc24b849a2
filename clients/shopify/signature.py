"""Who sent this body: sign stands beside verify, so that tests and `flask deliver` need no second way to sign.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries : base64 of HMAC-SHA256 over the raw body. The headers
are not covered, so a good signature says nothing about the shop, the topic or the time.
"""

from __future__ import annotations

import hmac
from binascii import b2a_base64
from collections.abc import Sequence


def sign(body: bytes, secret: str) -> str:
    """What Shopify would put into ``X-Shopify-Hmac-Sha256`` for exactly these bytes."""
    return _digest(body, secret).decode("ascii")


def labelled(secrets: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Each secret with the label it may be logged by: ``secret 1``, ``secret 2`` ... in the order of the setting."""
    return tuple((f"secret {place}", secret) for place, secret in enumerate(secrets, start=1))


def verify(body: bytes, given: str | bytes | None, secrets: Sequence[tuple[str, str]]) -> str | None:
    """The label of the secret that signed ``body``, or None when none did. Never raises.

    ``secrets`` are (label, secret) pairs. Several are valid at once because the app, its previous secret and the
    store's own webhooks (made by hand in the admin) each sign with another key.
    https://shopify.dev/docs/apps/build/authentication-authorization/client-secrets/rotate-revoke-client-credentials
    """
    if given is None:
        return None
    # As bytes: compare_digest refuses non-ASCII text with a TypeError, which would be a 500 instead of a 401.
    claimed = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else given
    matched = None
    for label, secret in secrets:
        # Every secret is tried, so that the time taken does not tell which one matched; an empty one matches nobody.
        if hmac.compare_digest(_digest(body, secret), claimed) and secret and matched is None:
            matched = label
    return matched


def _digest(body: bytes, secret: str) -> bytes:
    return b2a_base64(hmac.digest(secret.encode("utf-8", "surrogatepass"), body, "sha256"), newline=False)
