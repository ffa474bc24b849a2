"""ShopifyAPI held tightly: its address and headers, and no trace of a session left behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import shopify

from clients.shopify.session import check_shop, check_version, graphql_door


def test_address_and_headers_are_the_packages_own() -> None:
    url, headers = graphql_door("example.myshopify.com", "2026-10", "token-1", "https://example.myshopify.com")
    assert url == "https://example.myshopify.com/admin/api/2026-10/graphql.json"
    assert headers["X-Shopify-Access-Token"] == "token-1"
    assert headers["User-Agent"].startswith("ShopifyPythonAPI/")


def test_another_address_stands_in_for_the_shops() -> None:
    url, _ = graphql_door("example.myshopify.com", "2026-07", "token-1", "http://127.0.0.1:8001/shopify/")
    assert url == "http://127.0.0.1:8001/shopify/admin/api/2026-07/graphql.json"


def test_no_session_is_left_in_this_thread_or_in_another() -> None:
    graphql_door("example.myshopify.com", "2026-10", "token-1", "https://example.myshopify.com")

    def traces() -> tuple[object, ...]:
        resource = shopify.ShopifyResource
        return resource.site, resource.url, resource.headers.get("X-Shopify-Access-Token")

    with ThreadPoolExecutor(1) as other:
        assert traces() == other.submit(traces).result() == (None, None, None)


def test_the_session_is_cleared_when_the_package_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError

    monkeypatch.setattr(shopify, "GraphQL", broken)
    with pytest.raises(RuntimeError):
        graphql_door("example.myshopify.com", "2026-10", "token-1", "https://example.myshopify.com")
    assert shopify.ShopifyResource.site is None
    assert "X-Shopify-Access-Token" not in shopify.ShopifyResource.headers


def test_sixteen_threads_with_two_shops_never_mix_them() -> None:
    together = threading.Barrier(16)

    def knock(number: int) -> bool:
        shop = f"shop-{number % 2}.myshopify.com"
        together.wait()
        return all(
            graphql_door(shop, "2026-10", f"token-{number}", f"https://{shop}")
            == (
                f"https://{shop}/admin/api/2026-10/graphql.json",
                {
                    "User-Agent": shopify.ShopifyResource._headers["User-Agent"],
                    "X-Shopify-Access-Token": f"token-{number}",
                },
            )
            for _ in range(200)
        )

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(knock, range(16)))
    assert shopify.ShopifyResource._site is None


@pytest.mark.parametrize(
    "shop",
    [
        "",
        "example",
        "https://example.myshopify.com",
        "example.myshopify.com/admin",
        "example.myshopify.com\n",
        "Example.myshopify.com",
        "-example.myshopify.com",
        "shop.example.jp",
        "example.myshopify.com.example.jp",
    ],
)
def test_a_shop_that_the_package_would_bend_is_refused(shop: str) -> None:
    with pytest.raises(ValueError, match=r"SHOPIFY_SHOP must be .* like example\.myshopify\.com"):
        check_shop(shop)


@pytest.mark.parametrize("version", ["", "2026-13", "9999-99", "2026-11", "unstable", "2026-1", "2026-10\n", "latest"])
def test_a_version_that_does_not_exist_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="SHOPIFY_API_VERSION must be"):
        check_version(version)


def test_right_ones_pass() -> None:
    assert check_shop("1-mihon.myshopify.com") == "1-mihon.myshopify.com"
    assert [check_version(f"2026-{month}") for month in ("01", "04", "07", "10")]


def test_the_receiving_side_does_not_load_the_package() -> None:
    asked = "import sys, clients.shopify.payload, clients.shopify.signature; sys.exit('shopify' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], cwd=Path(__file__).parent.parent, check=False).returncode == 0
