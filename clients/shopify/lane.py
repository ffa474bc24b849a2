"""The lane `shopify`: the whole customer read back, because a webhook body holds a part of it and may be hours old.

https://shopify.dev/docs/apps/build/webhooks/best-practices : a body says what to look at, the Admin API how it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clients.alike import Alike
from clients.blocked import Blocked
from clients.checkup import Finding, clock
from clients.errors import CarryError, StopLane, TryLater
from clients.lane import Carried, Change, Look, Result, seen
from clients.pace import PaceStore
from clients.shopify.admin import Admin, Told
from clients.shopify.blocked import read_in_parts
from clients.shopify.checking import examine
from clients.shopify.node import ANY_ADDRESS, gid, has_no_address, question, read_node
from clients.shopify.refusals import DENIED, denied, sort_troubles
from clients.token import Vault
from customer import UNKNOWN, Address, Customer, Task

SPARE: Final = frozenset({"lastOrder"})
"""Fields we can do without: an app that may see no orders still reads customers."""

SHOP_NAME: Final = "{ shop { name } }"

SEES_CUSTOMERS: Final = frozenset({"read_customers", "write_customers"})
SEES_ORDERS: Final = frozenset({"read_orders", "write_orders", "read_all_orders"})


class ShopifyLane:
    """Reads customers back, up to 50 a call; a lane as ``clients.lane.Lane`` says.

    ``metafields`` maps our field to (namespace, key), ``webhook_address`` is where webhooks are to
    go, if that is known. Raises ``ValueError`` with the mend when a setting cannot be
    right.
    """

    name = "shopify"
    batch = 50
    threads = 8
    gap = timedelta(0)

    def __init__(
        self,
        *,
        shop: str,
        api_url: str,
        api_version: str,
        access_token: str | None,
        client_id: str | None,
        client_secret: str | None,
        metafields: Mapping[str, tuple[str, str]],
        vault: Vault,
        pace_store: PaceStore,
        webhook_address: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.admin = Admin(
            shop=shop,
            api_url=api_url,
            api_version=api_version,
            access_token=access_token,
            client_id=client_id,
            client_secret=client_secret,
            vault=vault,
            pace_store=pace_store,
            now=now,
            sleep=sleep,
        )
        self.webhook_address = webhook_address
        self._shop, self._version, self._now = shop, api_version, now
        self._metafields = dict(metafields)
        self._orders = True
        self._alike = Alike()
        # https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits : a point an object, until an answer tells.
        self._points_each = 6.0 + len(self._metafields)

    def prepare(self) -> None:
        """Check the credential and its scopes. Raises ``StopLane`` with the mend, or ``TryLater``."""
        told = self.admin.ask("{ shop { name } currentAppInstallation { accessScopes { handle } } }", points=4)
        if "shop" not in told.data:
            told = self.admin.ask(SHOP_NAME, points=1)
        if "shop" not in told.data:
            raise sort_troubles(told.troubles, told.vendor_request_id)
        scopes = _scopes(told.data)
        if scopes is None:
            return
        if not scopes & SEES_CUSTOMERS:
            raise StopLane(
                "the app lacks the scope read_customers: add it to the app in Shopify, install it again, and check "
                f"{self.admin.credential}",
                kind="shopify.scope_missing",
                vendor_request_id=told.vendor_request_id,
            )
        self._orders = bool(scopes & SEES_ORDERS)

    def carry(self, tasks: Sequence[Task]) -> Mapping[int, Result]:
        """Each task's customer as Shopify has it now (``found``), or ``gone`` when it was deleted there."""
        if not tasks:
            return {}
        results = read_in_parts(tasks, self._read_back, self._alike, lambda: self.admin.ask(SHOP_NAME, points=1))
        return self._keep_addresses(tasks, results)

    def _read_back(self, ids: Sequence[int]) -> dict[int, Result]:
        """One call for these customers. Raises what stands for all of them."""
        told = self.admin.ask(
            question(self._metafields, orders=self._orders),
            {"ids": [gid(one) for one in ids]},
            points=self._points_each * len(ids),
            of_rows=True,
        )
        if told.cost and told.cost.actual:
            self._points_each = max(1.0, told.cost.actual / len(ids))
        nodes = told.data.get("nodes")
        if not isinstance(nodes, list) or len(nodes) != len(ids):
            raise sort_troubles(told.troubles, told.vendor_request_id)
        unseen, failed = self._sort_parts(told)
        return {
            customer_id: _incomplete(told) if row in failed else self._read(customer_id, node, unseen, told)
            for row, (customer_id, node) in enumerate(zip(ids, nodes, strict=True))
        }

    def _keep_addresses(self, tasks: Sequence[Task], results: dict[int, Result]) -> Mapping[int, Result]:
        """The results, in which no known address is cleared while Shopify still lists one, or does not say."""
        had = {task.customer.id for task in tasks if isinstance(task.customer.address, Address)}
        losing = {
            i: result
            for i, result in results.items()
            if i in had and isinstance(result, Carried) and result.found and result.found.address is None
        }
        if not losing:
            return results
        nodes = self._ask_for_addresses([gid(one) for one in losing])
        if not isinstance(nodes, list) or len(nodes) != len(losing):
            nodes = [None] * len(losing)
        for (i, result), node in zip(losing.items(), nodes, strict=True):
            if not has_no_address(node):
                assert result.found
                results[i] = replace(result, found=replace(result.found, address=UNKNOWN))
        return results

    def _ask_for_addresses(self, gids: Sequence[str]) -> object:
        try:
            told = self.admin.ask(ANY_ADDRESS, {"ids": gids}, points=4.0 * len(gids), of_rows=True)
        except Blocked:
            return None  # what is refused for the sake of one clears nobody's address
        return told.data.get("nodes")

    def preview(self, task: Task) -> Look:
        """What a read would teach us: of each field, what we know now (``there``) and what Shopify has (``would_be``).

        Raises ``CarryError``.
        """
        result = self.carry([task])[task.customer.id]
        if isinstance(result, CarryError):
            raise result
        if result.found is None:
            return Look("nothing to do", result.ref, why="Shopify has no such customer any more")
        before, after = _told(task.customer), _told(task.customer.seen_with(result.found))
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return seen(result.ref, "linked", [Change(name, before.get(name), after.get(name)) for name in names])

    def examine(self) -> Iterator[Finding]:
        """See that credential, scopes, version, personal data and webhooks are right; see ``clients.checkup``."""
        yield from examine(self.admin, shop=self._shop, version=self._version, address=self.webhook_address)
        yield clock(self.admin.heard_at, self._now())

    def tend(self) -> timedelta | None:
        """Nothing to keep up between tasks."""
        return None

    def _sort_parts(self, told: Told) -> tuple[frozenset[str], frozenset[int]]:
        """The fields nobody lets us see, and the rows that came back incomplete. Raises what stands for all rows."""
        unseen: set[str] = set()
        failed: set[int] = set()
        for trouble in told.troubles:
            if trouble.code == DENIED:
                if trouble.field not in SPARE:
                    raise denied(trouble, told.vendor_request_id)
                unseen.add(trouble.field)
                self._orders = False
            elif trouble.row is None:
                raise sort_troubles((trouble,), told.vendor_request_id)
            else:
                failed.add(trouble.row)
        return frozenset(unseen), frozenset(failed)

    def _read(self, customer_id: int, node: Any, unseen: frozenset[str], told: Told) -> Result:
        ref = gid(customer_id)
        if node is None:
            return Carried(ref=ref, did="gone", vendor_request_id=told.vendor_request_id)
        try:
            found = read_node(node, self._metafields, denied=unseen) if isinstance(node, Mapping) else None
        except ValueError:
            found = None
        if found is None or found.id != customer_id:
            return TryLater(
                "Shopify's answer for this customer is not of the shape we know: check SHOPIFY_API_VERSION",
                kind="shopify.answer_unreadable",
                lane_wide=False,
                status=200,
                vendor_request_id=told.vendor_request_id,
            )
        return Carried(ref=ref, did="read", found=found, vendor_request_id=told.vendor_request_id)


def _told(customer: Customer) -> dict[str, str]:
    """What is known of a customer, field by field in words; the parts of the address each by itself."""
    facts = customer.to_json()
    address = facts.pop("address", None) or {}
    facts |= {f"address.{part}": value for part, value in address.items()}
    for unspoken in ("id", "updated_at", "cleared"):
        facts.pop(unspoken, None)
    facts["tags"] = ", ".join(facts.get("tags") or ())
    return {name: str(value) for name, value in facts.items() if value not in (None, "")}


def _scopes(data: Mapping[str, Any]) -> frozenset[str] | None:
    """The handles of the scopes that were granted; None when the answer does not tell."""
    try:
        return frozenset(str(one["handle"]) for one in data["currentAppInstallation"]["accessScopes"])
    except (KeyError, TypeError):
        return None


def _incomplete(told: Told) -> TryLater:
    return TryLater(
        "Shopify could not answer for this customer",
        kind="shopify.error",
        lane_wide=False,
        status=200,
        vendor_request_id=told.vendor_request_id,
    )
