"""Doors that open to who bears a token: ``Authorization: Bearer ...``, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac

from handlers.front import Environ

#: What is asked for where it is missing or wrong (RFC 6750).
ASK = ("WWW-Authenticate", 'Bearer realm="customer-sync"')


def bears(environ: Environ, token: str) -> bool:
    """Whether this request bears the token; how long that takes to tell depends on neither of the two."""
    scheme, _, given = str(environ.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
    digests = [hashlib.sha256(word.encode("utf-8", "replace")).digest() for word in (given.strip(), token)]
    return hmac.compare_digest(*digests) and scheme.lower() == "bearer"
