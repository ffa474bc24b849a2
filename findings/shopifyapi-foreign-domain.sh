#!/usr/bin/env bash
# ShopifyAPI==12.7.0 (PyPI), Shopify's own library for Python.
#
# Expected: Session() refuses what is no shop's myshopify.com address, or asks
#   the address it was given.
# Seen:     it keeps what stands before the first dot and puts myshopify.com
#   behind it. The address in the browser's bar of the admin becomes a shop
#   called "admin", a merchant's own domain becomes one called "www" or "shop",
#   and the calls are addressed to that. No error, no warning.
#   Seen: admin.shopify.com/store/mihon -> admin.myshopify.com
#   Seen: www.mihon.example -> www.myshopify.com
#
# Who meets it: apps that ask the merchant "your shop's address?". What the
#   merchant sees day by day is admin.shopify.com/store/NAME or the own domain.
# What to do: take only [a-z0-9-]+.myshopify.com, before the library sees it.
# Source: Session.__prepare_url in shopify/session.py.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-12.7.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "ShopifyAPI==$version"

"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import shopify

print("ShopifyAPI", version("ShopifyAPI"))
print("expected: an error, or the address that was given")
seen = {}
for typed in ("mihon.myshopify.com", "admin.shopify.com/store/mihon", "www.mihon.example",
              "shop.mihon.example"):
    try:
        seen[typed] = shopify.Session(typed, "2026-10", "none").url
    except Exception as error:
        seen[typed] = type(error).__name__
for typed, url in seen.items():
    print(f"seen: {typed} -> {url}")
if list(seen.values()) != ["mihon.myshopify.com", "admin.myshopify.com", "www.myshopify.com",
                           "shop.myshopify.com"]:
    sys.exit("CHANGED: a foreign address no longer becomes another shop's")
PY
