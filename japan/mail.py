"""E-mail addresses: one form for one address."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LONGEST: Final = 254  # RFC 5321, 4.5.3.1.3: a path of 256 with its brackets
_INVISIBLE: Final = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
# Dots where the RFC forbids them (a..b@docomo.ne.jp, x.@ezweb.ne.jp) are addresses that Japanese carriers gave out.
_LOCAL: Final = re.compile(r"[!#$%&'*+/=?^_`{|}~.0-9a-z-]{1,64}|\"[ !#-\[\]-~]{1,62}\"")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")


def email(text: str) -> str | None:
    """The address trimmed, half-width and in lower case; None when mail could not reach it whatever one tries.

    A domain in Japanese characters comes back in its ASCII form (``xn--...``).
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip().lower().removeprefix("mailto:")
    if plain.startswith("<") and plain.endswith(">"):
        plain = plain[1:-1].strip()
    local, at, domain = plain.rpartition("@")
    ascii_domain = _to_ascii(domain.replace("。", ".").removesuffix("."))
    if not at or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(ascii_domain):
        return None
    address = f"{local}@{ascii_domain}"
    return address if len(address) <= _LONGEST else None


def _to_ascii(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
