"""ShopifyAPI, held tightly: its session and version handling give us the address and the headers, and nothing else.

The package (12.7.0, the last release) would send GraphQL by ``urllib`` without any timeout, print the body of an error
to stdout (personal data), keep no connection open, and fall back to the last shop of any thread where a session was
forgotten. So a session is activated here for the few microseconds in which the package binds address and headers to
it, cleared in ``finally``, and the request itself goes over ``clients.http.Http``.
"""

from __future__ import annotations

import re
from typing import Final

import shopify

_SHOP: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_VERSION: Final = re.compile(r"\d{4}-(01|04|07|10)")


def check_shop(shop: str) -> str:
    """The shop's own domain as given. Raises ``ValueError`` with the mend.

    The package would make ``shop.myshopify.com`` of ``https://shop.example.jp``, which may be somebody else's shop.
    """
    if not _SHOP.fullmatch(shop):
        raise ValueError("SHOPIFY_SHOP must be the shop's own domain, like example.myshopify.com: no https://, no path")
    return shop


def check_version(version: str) -> str:
    """The API version as given. Raises ``ValueError`` with the mend: the package takes ``9999-99`` as well.

    https://shopify.dev/docs/api/usage/versioning : four stable versions a year.
    """
    if not _VERSION.fullmatch(version):
        raise ValueError("SHOPIFY_API_VERSION must be a stable version, like 2026-10: a year, then 01, 04, 07 or 10")
    return version


def graphql_door(shop: str, version: str, token: str, api_url: str) -> tuple[str, dict[str, str]]:
    """The address of Admin GraphQL and the headers to knock with, for this shop and this token alone.

    ``api_url`` stands in for ``https://{shop}`` where that is not the far side (the sandbox).
    """
    session = shopify.Session(shop, version, token)
    if session.url != shop:
        raise ValueError("SHOPIFY_SHOP is not the shop that ShopifyAPI would talk to")
    try:
        # Site and headers are thread-local once they are set; the class-wide fallbacks behind them are never read.
        shopify.ShopifyResource.activate_session(session)
        headers = dict(shopify.GraphQL().headers)
    finally:
        shopify.ShopifyResource.clear_session()
    return f"{session.api_version.api_path(api_url.rstrip('/'))}/graphql.json", headers
