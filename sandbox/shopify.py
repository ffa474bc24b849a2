"""The shop: its customers, its webhooks, its Admin API. What the merchant's site and staff do to it, tests do here."""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from flask import Blueprint

from sandbox import shopify_admin, shopify_control
from sandbox.config import SandboxConfig
from sandbox.shopify_cost import Bucket
from sandbox.shopify_customers import JST, ShopAddress, ShopCustomer, ShopRefused, with_fields
from sandbox.shopify_execute import LevelTwo, Withheld
from sandbox.shopify_payloads import customer_body, deleted_body, encode, rest_customer, sample_body, without
from sandbox.shopify_search import Page, Precision, matches, page
from sandbox.webhooks import WebhookSender
from sandbox.webhooks_delivery import Delivery, DeliveryOptions

if TYPE_CHECKING:
    from sandbox.world import World

By = Literal["storefront", "admin"]


def _real_time() -> datetime:
    return datetime.now(JST)


def blueprint(world: "World") -> Blueprint:
    """The doors of the shop: its Admin API under `/shopify/admin`, and those that steer it under `/sandbox`."""
    shelf: ShopShelf = world.shopify
    shelf.keep_time_by(world.clock)
    doors = Blueprint("shopify", __name__)
    doors.register_blueprint(shopify_admin.blueprint(shelf))
    doors.register_blueprint(shopify_control.blueprint(shelf))
    return doors


class ShopShelf:
    """The customers of one shop. Safe to use from any thread; no lock is held while a webhook is on its way.

    May be set at any time: `admin_gap_seconds` (between the create and the update that one creation in the admin
    makes), `scopes`, `level_two` and `withheld` (what the app may see), `search_precision` (of times in
    `customers(query:)`). `withheld` names single fields as `Customer.firstName`, `CustomerEmailAddress.emailAddress`,
    `MailingAddress.zip`, `Customer.tags`; they are null in the bodies of webhooks, too.
    """

    def __init__(self, config: SandboxConfig, clock: Callable[[], datetime] = _real_time) -> None:
        self.config = config
        self.admin_gap_seconds = 2.0
        self.scopes: tuple[str, ...] = ("read_customers", "read_orders")
        self.level_two: LevelTwo = "granted"
        self.withheld: dict[str, Withheld] = {}
        self.search_precision: Precision = "second"
        self.clock = clock
        self.webhooks = WebhookSender(config, clock)
        self.bucket = Bucket(
            config.shopify_points_maximum, config.shopify_points_per_second, lambda: self.clock().timestamp()
        )
        self._lock = threading.RLock()
        self._customers: dict[int, ShopCustomer] = {}
        self._by_email: dict[str, int] = {}
        self._by_phone: dict[str, int] = {}
        self._tokens: dict[str, datetime] = {}
        self._last_id = 0

    def keep_time_by(self, clock: Callable[[], datetime]) -> None:
        """From now on, this clock."""
        self.clock = self.webhooks.clock = clock
        self.bucket.fill()

    # What people do

    def create(
        self,
        fields: Mapping[str, Any],
        *,
        by: By = "storefront",
        send: bool = True,
        options: DeliveryOptions | None = None,
    ) -> ShopCustomer:
        """A new customer, and `customers/create`. Raises `ShopRefused`, also when e-mail or phone is taken.

        A sign-up in the `storefront` sends one webhook with the address in it. A creation in the `admin` sends a create
        without any address, and `admin_gap_seconds` later an update with it, as a real capture shows.
        """
        asked = dict(fields)
        addresses = asked.pop("addresses", None) if by == "admin" else None
        with self._lock:
            now = self._second()
            number = self._new_id(now)
            customer = with_fields(ShopCustomer(number, now, now), asked, now)
            if addresses:
                with_fields(customer, {"addresses": addresses}, now)  # refused now rather than after the gap
            customer = self._keep(customer)
        if send:
            self._tell("customers/create", customer, options)
        if addresses:
            customer = self._add_addresses(number, addresses, send=send, options=options)
        return customer

    def update(
        self,
        customer_id: int,
        fields: Mapping[str, Any],
        *,
        send: bool = True,
        options: DeliveryOptions | None = None,
    ) -> ShopCustomer:
        """Change these fields, and `customers/update`. Raises KeyError when there is none, and `ShopRefused`."""
        with self._lock:
            before = self._customers[customer_id]
            now = max(self._second(), before.updated_at)
            customer = self._keep(replace(with_fields(before, fields, now), updated_at=now))
        if send:
            self._tell("customers/update", customer, options)
        return customer

    def save(self, customer_id: int, *, send: bool = True, options: DeliveryOptions | None = None) -> ShopCustomer:
        """Saved again in the admin, nothing changed but `updated_at`. Raises KeyError."""
        return self.update(customer_id, {}, send=send, options=options)

    def delete(self, customer_id: int, *, send: bool = True, options: DeliveryOptions | None = None) -> None:
        """Gone, and `customers/delete`. Raises KeyError."""
        with self._lock:
            self._forget(self._customers.pop(customer_id))
        if send:
            body = encode(deleted_body(customer_id))
            self.webhooks.send("customers/delete", body, options, customer_id=customer_id)

    def send_test_notification(
        self, topic: str = "customers/create", options: DeliveryOptions | None = None
    ) -> list[Delivery]:
        """What the admin's button sends: always the sample customer, signed with the store's key, tried once."""
        how = options or DeliveryOptions(signed_with="admin")
        body = encode(sample_body(how.api_version or self.webhooks.api_version))
        return self.webhooks.send(topic, body, how, test=True)

    # What can be seen

    @property
    def deliveries(self) -> list[dict[str, object]]:
        """The log of webhooks, oldest first; no bodies."""
        return [one.shown() for one in self.webhooks.deliveries()]

    @property
    def domain(self) -> str:
        """`example.myshopify.com`."""
        return self.config.shop

    @property
    def webhook_url(self) -> str:
        """Where webhooks go; set it as `webhooks.url`."""
        return self.webhooks.url

    @property
    def subscriptions(self) -> list[str]:
        """The topics somebody is subscribed to."""
        return self.webhooks.subscriptions

    def ask_for_webhook(self, topic: str, uri: str) -> None:
        """A subscription by API. The stand-in sends to one address: the last that was asked for."""
        self.webhooks.subscribe(topic)
        self.webhooks.url = uri

    def get(self, customer_id: int) -> ShopCustomer | None:
        """The customer as it is now, or None."""
        with self._lock:
            return self._customers.get(customer_id)

    def customers(self) -> list[ShopCustomer]:
        """All, by rising id."""
        with self._lock:
            return list(self._customers.values())

    def count(self) -> int:
        """How many."""
        return len(self._customers)

    def page(self, arguments: Mapping[str, Any]) -> Page:
        """What `customers(first:, after:, query:, sortKey:, reverse:)` shows. Raises `BadCursor`."""
        fits, _ = matches(arguments.get("query", ""), self.search_precision)
        chosen = [one for one in self.customers() if fits(one)]
        return page(
            chosen,
            arguments["first"],
            arguments.get("after"),
            arguments.get("sortKey", "ID"),
            reverse=arguments.get("reverse", False),
        )

    def records(self) -> list[dict[str, Any]]:
        """All customers, as the REST API shows them, with their metafields."""
        return [
            {
                **rest_customer(one),
                "metafields": {f"{m.namespace}.{m.key}": m.value for m in one.metafields},
                "locale": one.locale,
            }
            for one in self.customers()
        ]

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until no webhook is on its way, retries included; says whether that came within `timeout` seconds."""
        return self.webhooks.wait_idle(timeout)

    def reset(self) -> None:
        """As on the first day; ids go on growing."""
        self.webhooks.reset()
        self.bucket.fill()
        with self._lock:
            for shelf in (self._customers, self._by_email, self._by_phone, self._tokens):
                shelf.clear()

    def close(self) -> None:
        """End what runs in the background."""
        self.webhooks.close()

    # Tokens of the Admin API

    def issue_token(self) -> str:
        """A token by client credentials, good for `shopify_token_life_seconds`."""
        token = f"shpat_{secrets.token_hex(16)}"
        life = timedelta(seconds=self.config.shopify_token_life_seconds)
        with self._lock:
            self._tokens[token] = self.clock() + life
        return token

    def accepts_token(self, token: str) -> bool:
        """Whether this token opens the Admin API now; the static one does not expire."""
        if token == self.config.shopify_access_token:
            return True
        with self._lock:
            ends = self._tokens.get(token)
        return ends is not None and self.clock() < ends

    def revoke_tokens(self) -> None:
        """Every token by client credentials ends at once."""
        with self._lock:
            self._tokens.clear()

    # How it is done

    def _add_addresses(
        self, customer_id: int, addresses: list[Any], *, send: bool, options: DeliveryOptions | None
    ) -> ShopCustomer:
        def add() -> None:
            if self.get(customer_id) is not None:
                self.update(customer_id, {"addresses": addresses}, send=send, options=options)

        if send and self.admin_gap_seconds > 0:
            self.webhooks.after(self.admin_gap_seconds, add)
        else:
            add()
        return self._customers[customer_id]

    def _tell(self, topic: str, customer: ShopCustomer, options: DeliveryOptions | None) -> None:
        version = (options.api_version if options else None) or self.webhooks.api_version
        self.webhooks.send(
            topic, encode(without(customer_body(customer, version), self.withheld)), options, customer_id=customer.id
        )

    def _second(self) -> datetime:
        return self.clock().astimezone(JST).replace(microsecond=0)

    def _new_id(self, now: datetime) -> int:
        # Thirteen digits that grow across restarts too: a ledger that outlives this sandbox never meets an id again.
        self._last_id = max(self._last_id + 1, 6_900_000_000_000 + (int(now.timestamp()) - 1_700_000_000) * 1000 + 1)
        return self._last_id

    def _keep(self, customer: ShopCustomer) -> ShopCustomer:
        errors = {
            field: ["has already been taken"]
            for field, taken, key in (
                ("email", self._by_email, (customer.email or "").lower()),
                ("phone", self._by_phone, customer.phone or ""),
            )
            if key and taken.get(key, customer.id) != customer.id
        }
        if errors:
            raise ShopRefused(errors)
        addresses = tuple(self._numbered(one) for one in customer.addresses)
        kept = replace(customer, addresses=addresses)
        before = self._customers.get(customer.id)
        if before is not None:
            self._forget(before)
        self._customers[kept.id] = kept
        if kept.email:
            self._by_email[kept.email.lower()] = kept.id
        if kept.phone:
            self._by_phone[kept.phone] = kept.id
        return kept

    def _numbered(self, address: ShopAddress) -> ShopAddress:
        if address.id:
            return address
        self._last_id += 1
        return replace(address, id=self._last_id + 1_500_000_000_000)

    def _forget(self, customer: ShopCustomer) -> None:
        self._by_email.pop((customer.email or "").lower(), None)
        self._by_phone.pop(customer.phone or "", None)
