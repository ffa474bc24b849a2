"""The webhook sender of the sandbox's shop: what it sends, when it comes again, and how it can misbehave."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.people import people
from sandbox.shopify import ShopShelf
from sandbox.shopify_payloads import SAMPLE_CUSTOMER_ID, customer_body, sample_body
from sandbox.webhooks_delivery import ADMIN_KEY, OLD_SECRET, REAL_RETRY_SECONDS, DeliveryOptions

PERSON = {"email": "hanako@example.jp", "last_name": "見本", "first_name": "花子", "note": "a & b / c"}
ADDRESS = {"zip": "1000014", "province_code": "JP-13", "city": "千代田区", "address1": "永田町２丁目３−１"}


@dataclass
class Heard:
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """An endpoint that answers as it is told to: `answers` in turn, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    hang: threading.Event | None = None


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    ear = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with ear.lock:
                ear.heard.append(Heard(dict(self.headers.items()), body, self.client_address[1]))
                status = ear.answers.pop(0) if ear.answers else 200
            if ear.hang is not None:
                ear.hang.wait(5)
            self.send_response(status)
            if status in {301, 302, 307, 308}:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        ear.url = f"http://127.0.0.1:{server.server_port}/webhooks/shopify"
        yield ear
        server.shutdown()
        thread.join()


@pytest.fixture
def shop(receiver: Receiver) -> Iterator[ShopShelf]:
    shelf = ShopShelf(SandboxConfig(webhook_url=receiver.url, shopify_webhook_retry_seconds=(0.0,) * 8))
    shelf.admin_gap_seconds = 0
    yield shelf
    shelf.close()


def signed(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def test_a_sign_up_in_the_storefront_is_one_create_with_its_address(shop: ShopShelf, receiver: Receiver) -> None:
    shop.create({**PERSON, "addresses": [ADDRESS]})
    assert shop.wait_idle()
    [heard] = receiver.heard
    assert heard.headers["X-Shopify-Topic"] == "customers/create"
    assert len(heard.json) == 17
    assert heard.json["default_address"] == heard.json["addresses"][0]
    assert heard.json["default_address"] | {"id": 0} == {
        "id": 0,
        "customer_id": heard.json["id"],
        "first_name": "花子",
        "last_name": "見本",
        "company": None,
        "address1": "永田町２丁目３−１",
        "address2": None,
        "city": "千代田区",
        "province": "Tōkyō",
        "country": "Japan",
        "zip": "100-0014",
        "phone": None,
        "name": "花子 見本",
        "province_code": "JP-13",
        "country_code": "JP",
        "country_name": "Japan",
        "default": True,
    }


def test_a_creation_in_the_admin_is_a_create_without_address_and_then_an_update(
    shop: ShopShelf, receiver: Receiver
) -> None:
    with shop.webhooks.held():
        customer = shop.create({**PERSON, "addresses": [ADDRESS]}, by="admin")
    assert shop.wait_idle()
    create, update = sorted(receiver.heard, key=lambda one: one.headers["X-Shopify-Topic"])
    assert create.json["addresses"] == []
    assert "default_address" not in create.json
    assert update.headers["X-Shopify-Topic"] == "customers/update"
    assert update.json["default_address"]["city"] == "千代田区"
    assert customer.default_address is not None


def test_the_update_of_a_creation_in_the_admin_comes_after_the_gap(shop: ShopShelf, receiver: Receiver) -> None:
    shop.admin_gap_seconds = 0.03
    customer = shop.create({**PERSON, "addresses": [ADDRESS]}, by="admin")
    assert customer.default_address is None
    assert shop.wait_idle()
    assert [one.headers["X-Shopify-Topic"] for one in receiver.heard] == ["customers/create", "customers/update"]


def test_the_signature_is_over_the_very_bytes_with_the_app_secret(shop: ShopShelf, receiver: Receiver) -> None:
    shop.create(PERSON)
    assert shop.wait_idle()
    [heard] = receiver.heard
    assert heard.headers["X-Shopify-Hmac-Sha256"] == signed(shop.config.webhook_secret, heard.body)
    again = json.dumps(heard.json, ensure_ascii=False, separators=(",", ":")).encode()
    assert again != heard.body, "a receiver that serialises again must not pass"
    assert rb"gid:\/\/shopify" in heard.body
    assert heard.json["note"] == "a & b / c"


@pytest.mark.parametrize(("signed_with", "secret"), [("old", OLD_SECRET), ("admin", ADMIN_KEY)])
def test_other_valid_keys_can_sign(shop: ShopShelf, receiver: Receiver, signed_with: Any, secret: str) -> None:
    shop.create(PERSON, options=DeliveryOptions(signed_with=signed_with))
    assert shop.wait_idle()
    [heard] = receiver.heard
    assert heard.headers["X-Shopify-Hmac-Sha256"] == signed(secret, heard.body)


@pytest.mark.parametrize("signed_with", ["wrong", "missing", "malformed", "non-ascii"])
def test_a_signature_can_be_bad_in_every_way(shop: ShopShelf, receiver: Receiver, signed_with: Any) -> None:
    shop.create(PERSON, options=DeliveryOptions(signed_with=signed_with))
    assert shop.wait_idle()
    [heard] = receiver.heard
    told = heard.headers.get("X-Shopify-Hmac-Sha256")
    assert told != signed(shop.config.webhook_secret, heard.body)
    assert (told is None) == (signed_with == "missing")
    assert told is None or told.isascii() == (signed_with != "non-ascii")


def test_the_headers_are_those_of_a_classic_webhook(shop: ShopShelf, receiver: Receiver) -> None:
    shop.create(PERSON)
    assert shop.wait_idle()
    headers = receiver.heard[0].headers
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "Shopify-Captain-Hook"
    assert headers["X-Shopify-Shop-Domain"] == "example.myshopify.com"
    assert headers["X-Shopify-API-Version"] == "2026-10"
    assert len(headers["X-Shopify-Webhook-Id"]) == len(headers["X-Shopify-Event-Id"]) == 36
    at = headers["X-Shopify-Triggered-At"]
    assert datetime.fromisoformat(at).tzinfo is not None
    assert len(at) == len("2025-07-10T16:15:47.000000Z")
    assert "X-Shopify-Test" not in headers
    assert not [name for name in headers if name.lower().startswith("shopify-")]


def test_the_time_can_have_nanoseconds_and_the_second_family_of_headers_can_be_added(
    shop: ShopShelf, receiver: Receiver
) -> None:
    shop.create(PERSON, options=DeliveryOptions(instant="nano", both_families=True, with_event_id=False, name="main"))
    assert shop.wait_idle()
    headers = receiver.heard[0].headers
    assert len(headers["X-Shopify-Triggered-At"]) == len("2023-03-29T18:00:27.877041743Z")
    assert headers["shopify-hmac-sha256"] == headers["X-Shopify-Hmac-Sha256"]
    assert headers["shopify-topic"] == "customers/create"
    assert headers["X-Shopify-Name"] == "main"
    assert "X-Shopify-Event-Id" not in headers


def test_a_copy_has_the_same_webhook_id_and_a_twin_only_the_same_event_id(shop: ShopShelf, receiver: Receiver) -> None:
    shop.create(PERSON, options=DeliveryOptions(copies=2, twins=1))
    assert shop.wait_idle()
    assert len(receiver.heard) == 3
    assert len({one.headers["X-Shopify-Webhook-Id"] for one in receiver.heard}) == 2
    assert len({one.headers["X-Shopify-Event-Id"] for one in receiver.heard}) == 1
    assert len({one.body for one in receiver.heard}) == 1


@pytest.mark.parametrize("status", [302, 401, 410, 429, 503])
def test_everything_but_2xx_is_tried_again_with_the_original_body(
    shop: ShopShelf, receiver: Receiver, status: int
) -> None:
    receiver.answers = [status, status]
    with shop.webhooks.held():
        customer = shop.create(PERSON)
        shop.update(customer.id, {"last_name": "改"}, send=False)
    assert shop.wait_idle()
    assert len(receiver.heard) == 3
    assert len({one.body for one in receiver.heard}) == 1
    assert len({one.headers["X-Shopify-Webhook-Id"] for one in receiver.heard}) == 1
    assert receiver.heard[-1].json["last_name"] == "見本"
    [delivery] = shop.deliveries
    assert (delivery["state"], delivery["status"], delivery["attempts"]) == ("delivered", 200, 3)


def test_after_eight_retries_the_delivery_is_dropped(shop: ShopShelf, receiver: Receiver) -> None:
    receiver.answers = [500] * 20
    shop.create(PERSON)
    assert shop.wait_idle()
    assert len(receiver.heard) == 9
    assert shop.deliveries[0]["state"] == "dropped"
    assert "customers/create" in shop.subscriptions


def test_a_subscription_of_the_admin_api_is_deleted_with_the_dropped_delivery(
    shop: ShopShelf, receiver: Receiver
) -> None:
    shop.webhooks.kept_by = "api"
    receiver.answers = [500] * 9
    customer = shop.create(PERSON)
    assert shop.wait_idle()
    assert shop.subscriptions == ["customers/delete", "customers/update"]
    shop.create({"email": "jiro@example.jp"})
    shop.save(customer.id)
    assert shop.wait_idle()
    assert [one["topic"] for one in shop.deliveries] == ["customers/create", "customers/update"]
    shop.webhooks.subscribe()
    shop.create({"email": "saburo@example.jp"})
    assert shop.wait_idle()
    assert shop.deliveries[-1]["state"] == "delivered"


def test_a_receiver_that_is_away_or_too_slow_is_a_failure(shop: ShopShelf, receiver: Receiver) -> None:
    receiver.hang = threading.Event()
    shop.webhooks.total_seconds = 0.02
    shop.webhooks.retry_seconds = ()
    shop.create(PERSON)
    assert shop.wait_idle()
    receiver.hang.set()
    shop.webhooks.url = "http://127.0.0.1:1/"
    shop.create({"email": "jiro@example.jp"})
    assert shop.wait_idle()
    slow, away = shop.deliveries
    assert (slow["state"], slow["status"], slow["error"]) == ("dropped", None, "ReadTimeout")
    assert (away["state"], away["status"], away["error"]) == ("dropped", None, "ConnectionError")


def test_retries_go_to_the_address_of_the_time_of_the_event(shop: ShopShelf, receiver: Receiver) -> None:
    with shop.webhooks.held():
        shop.create(PERSON)
        shop.webhooks.url = "http://127.0.0.1:1/moved"
    assert shop.wait_idle()
    assert len(receiver.heard) == 1


def test_updates_can_arrive_before_the_create(shop: ShopShelf, receiver: Receiver) -> None:
    customer = shop.create(PERSON, options=DeliveryOptions(delay=0.03))
    shop.update(customer.id, {"note": "later"})
    assert shop.wait_idle()
    assert [one.headers["X-Shopify-Topic"] for one in receiver.heard] == ["customers/update", "customers/create"]


def test_what_was_held_back_can_be_let_go_in_another_order(shop: ShopShelf) -> None:
    with shop.webhooks.held("reversed"):
        first = shop.create(PERSON)
        shop.save(first.id)
        assert all(one["attempts"] == 0 for one in shop.deliveries)
    assert shop.wait_idle()
    assert all(one["state"] == "delivered" for one in shop.deliveries)
    shop.webhooks.shuffles = True
    with shop.webhooks.held("shuffled"):
        for _ in range(5):
            shop.save(first.id)
    assert shop.wait_idle()
    assert len(shop.deliveries) == 7


def test_a_delivery_can_be_sent_again_as_it_was(shop: ShopShelf, receiver: Receiver) -> None:
    customer = shop.create(PERSON)
    shop.update(customer.id, {"last_name": "改"})
    assert shop.wait_idle()
    original = next(one for one in receiver.heard if one.headers["X-Shopify-Topic"] == "customers/create")
    shop.webhooks.send_again(1)
    assert shop.wait_idle()
    assert receiver.heard[-1].body == original.body
    assert receiver.heard[-1].headers["X-Shopify-Webhook-Id"] == original.headers["X-Shopify-Webhook-Id"]
    with pytest.raises(KeyError):
        shop.webhooks.send_again(99)


def test_the_test_button_sends_the_sample_signed_with_the_stores_key_and_only_once(
    shop: ShopShelf, receiver: Receiver
) -> None:
    receiver.answers = [500]
    shop.send_test_notification()
    assert shop.wait_idle()
    [heard] = receiver.heard
    assert heard.headers["X-Shopify-Test"] == "true"
    assert heard.headers["X-Shopify-Hmac-Sha256"] == signed(ADMIN_KEY, heard.body)
    assert heard.json["id"] == SAMPLE_CUSTOMER_ID
    assert heard.json["last_name"] == "Biller"
    assert shop.count() == 0


@pytest.mark.parametrize(
    ("version", "with_address", "without"),
    [
        ("2023-07", 27, 26),
        ("2023-10", 27, 26),
        ("2024-01", 24, 23),
        ("2024-10", 24, 23),
        ("2025-01", 17, 16),
        ("2026-10", 17, 16),
    ],
)
def test_bodies_have_the_keys_of_their_version(shop: ShopShelf, version: str, with_address: int, without: int) -> None:
    plain = shop.create(PERSON, send=False)
    body = customer_body(plain, version)
    assert len(body) == without
    assert "default_address" not in body
    assert ("tags" in body) == (version < "2025-01")
    assert ("accepts_marketing" in body) == (version < "2024-01")
    assert len(customer_body(shop.update(plain.id, {"addresses": [ADDRESS]}, send=False), version)) == with_address


def test_the_sample_has_17_24_and_26_keys() -> None:
    assert [len(sample_body(version)) for version in ("2026-10", "2024-04", "2023-10")] == [17, 24, 26]
    assert sample_body("2026-04")["created_at"] == "2021-12-31T19:00:00-05:00"
    assert sample_body("2026-04")["default_address"]["id"] == 12321
    assert sample_body("2026-04")["addresses"] == []


def test_versions_before_the_first_known_one_are_not_made_up(shop: ShopShelf) -> None:
    with pytest.raises(ValueError, match="2023-07"):
        customer_body(shop.create(PERSON, send=False), "2022-10")


def test_a_version_can_be_asked_for_per_delivery(shop: ShopShelf, receiver: Receiver) -> None:
    shop.create(PERSON, options=DeliveryOptions(api_version="2024-01"))
    assert shop.wait_idle()
    assert receiver.heard[0].headers["X-Shopify-API-Version"] == "2024-01"
    assert receiver.heard[0].json["email_marketing_consent"]["state"] == "not_subscribed"


def test_the_log_holds_nothing_of_the_person(shop: ShopShelf) -> None:
    shop.create({**PERSON, "phone": "09000001234"})
    assert shop.wait_idle()
    shown = json.dumps(shop.deliveries, ensure_ascii=False)
    for private in ("hanako", "見本", "花子", "9000001234", "hmac"):
        assert private not in shown


def test_connections_are_reused(shop: ShopShelf, receiver: Receiver) -> None:
    for number in range(60):
        shop.create({"email": f"person{number}@example.jp"})
    assert shop.wait_idle()
    assert len(receiver.heard) == 60
    assert len({one.connection for one in receiver.heard}) <= 16


def test_waiting_for_idle_gives_up_in_time(shop: ShopShelf) -> None:
    shop.create(PERSON, options=DeliveryOptions(delay=3600))
    assert not shop.wait_idle(0.01)


def test_reset_forgets_what_waits(shop: ShopShelf, receiver: Receiver) -> None:
    shop.create(PERSON, options=DeliveryOptions(delay=3600))
    shop.reset()
    assert shop.wait_idle(0.5)
    assert shop.deliveries == []
    assert receiver.heard == []


def test_the_real_schedule_is_eight_retries_within_four_hours() -> None:
    assert len(REAL_RETRY_SECONDS) == 8
    assert sum(REAL_RETRY_SECONDS) <= 4 * 3600


def test_options_that_make_no_sense_are_refused() -> None:
    for bad in ({"signed_with": "somebody"}, {"instant": "pico"}, {"copies": 0}, {"delay": -1}):
        with pytest.raises(ValueError):
            DeliveryOptions(**bad)


def test_invented_people_are_the_same_for_the_same_seed_and_unique() -> None:
    def first(seed: int) -> list[Any]:
        generator = people(seed)
        return [next(generator) for _ in range(600)]

    many = first(7)
    assert many == first(7)
    assert many != first(8)
    assert len({(one.email or "").lower() for one in many}) == 600
    assert all((one.email or "").lower().endswith("@example.jp") for one in many)
    assert {one.province_code for one in many if one.province_code} == {f"JP-{n:02}" for n in range(1, 48)}
    assert len({one.oddity for one in many}) == 19


def test_the_shop_takes_every_invented_person(shop: ShopShelf) -> None:
    generator = people(7)
    for _ in range(400):
        shop.create(next(generator).shop_fields(), send=False)
    assert shop.count() == 400
