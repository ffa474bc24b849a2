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
from clients.checkup import Finding, clock, wrong
from clients.errors import CarryError, StopLane, TryLater
from clients.lane import Carried, Change, Look, Result, seen
from clients.pace import PaceStore
from clients.shopify.admin import Admin, Told
from clients.shopify.blocked import read_in_parts
from clients.shopify.checking import examine
from clients.shopify.node import (
    ANY_ADDRESS,
    PERSONAL,
    gid,
    has_no_address,
    has_one_address,
    keys_of,
    question,
    read_node,
)
from clients.shopify.personal import LOOKED_AT, WHAT, compare
from clients.shopify.refusals import DENIED, denied, sort_troubles
from clients.shopify.unseen import Denials, NoNotes, Notes, sort_denials
from clients.token import Vault
from customer import UNKNOWN, Address, Customer, Maybe, Task
from japan import laid_over

OF_ORDERS: Final = "lastOrder"
LEFT_OUT_FOR: Final = timedelta(hours=1)
"""A field that was refused is asked for again after so long: nobody tells us that an approval has come."""

SHOP_NAME: Final = "{ shop { name } }"

SEES_CUSTOMERS: Final = frozenset({"read_customers", "write_customers"})
SEES_ORDERS: Final = frozenset({"read_orders", "write_orders", "read_all_orders"})


class ShopifyLane:
    """Reads customers back, up to 50 a call; a lane as ``clients.lane.Lane`` says.

    ``metafields`` maps our field to (namespace, key), ``webhook_address`` is where webhooks are to go, if it is known.
    ``notes`` keeps which fields are refused; ``known_here`` gives some customers of ours to look them up with.
    Raises ``ValueError`` with the mend when a setting cannot be right.
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
        notes: Notes | None = None,
        known_here: Callable[[], Sequence[Customer]] = lambda: (),
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
        self._notes = notes or NoNotes()
        self._known_here = known_here
        self._left_out: dict[str, datetime] = {}
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
        known = {task.customer.id: task.customer.address for task in tasks}
        results = read_in_parts(
            tasks,
            lambda ids: self._read_back(ids, known),
            self._alike,
            lambda: self.admin.ask(SHOP_NAME, points=1),
        )
        return self._look_for_others(tasks, results)

    def _read_back(self, ids: Sequence[int], known: Mapping[int, Maybe[Address]]) -> dict[int, Result]:
        """Of these customers, whose addresses are ``known`` to us. Raises what stands for all of them."""
        told, nodes, denials = self._ask(ids)
        failed = {trouble.row for trouble in told.troubles if trouble.code != DENIED}
        # A node that came to nothing for the sake of one field is no customer who was deleted.
        failed |= {row for row in denials.rows if nodes[row : row + 1] == [None]}
        results = {
            customer_id: _incomplete(told) if row in failed else self._read(customer_id, node, denials, told)
            for row, (customer_id, node) in enumerate(zip(ids, nodes, strict=True))
        }
        return _with_known_parts(known, results) if "defaultAddress" in denials.within else results

    def _ask(self, ids: Sequence[int]) -> tuple[Told, list[Any], Denials]:
        """The answer, its nodes and what of them was refused. Raises what stands for all rows.

        A refused field that may not be null takes its whole customer with it
        (https://spec.graphql.org/October2021/#sec-Handling-Field-Errors): then all is asked once more without it.
        """
        while True:
            left_out = self._leaves_out()
            told = self.admin.ask(
                question(self._metafields, leave_out=left_out),
                {"ids": [gid(one) for one in ids]},
                points=self._points_each * len(ids),
                of_rows=True,
            )
            if told.cost and told.cost.actual:
                self._points_each = max(1.0, told.cost.actual / len(ids))
            nodes = told.data.get("nodes")
            if not isinstance(nodes, list) or len(nodes) != len(ids):
                raise sort_troubles(told.troubles, told.vendor_request_id)
            denials = self._sort_parts(told, left_out)
            asked = keys_of(self._metafields) - left_out
            lost = {key for row, keys in denials.rows.items() if nodes[row : row + 1] == [None] for key in keys} & asked
            refused = denials.fields | denials.within | (left_out - {OF_ORDERS})
            if any(node is not None for node in nodes):
                self._notes.note(refused, asked - refused)
            until = self._now() + LEFT_OUT_FOR
            self._left_out |= dict.fromkeys(lost | (denials.fields & asked - frozenset(PERSONAL)), until)
            if not lost:
                return told, nodes, denials

    def _leaves_out(self) -> frozenset[str]:
        now = self._now()
        orders = frozenset() if self._orders else frozenset({OF_ORDERS})
        return orders | {key for key, until in self._left_out.items() if until > now}

    def _look_for_others(self, tasks: Sequence[Task], results: dict[int, Result]) -> Mapping[int, Result]:
        """The results, in which no known address is cleared while Shopify still lists one, or does not say.

        Nor does the default one of several addresses give its name to a customer without a name.
        """
        had = {task.customer.id for task in tasks if isinstance(task.customer.address, Address)}
        unsure = {
            i: found
            for i, result in results.items()
            if isinstance(result, Carried) and (found := result.found)
            if (found.address is None and i in had) or _lends_its_name(found)
        }
        if not unsure:
            return results
        nodes = self._ask_for_addresses([gid(one) for one in unsure])
        if not isinstance(nodes, list) or len(nodes) != len(unsure):
            nodes = [None] * len(unsure)
        for (i, found), node in zip(unsure.items(), nodes, strict=True):
            address = found.address
            if isinstance(address, Address):
                address = replace(address, among_others=not has_one_address(node))
            elif not has_no_address(node):
                address = UNKNOWN
            result = results[i]
            assert isinstance(result, Carried)
            results[i] = replace(result, found=replace(found, address=address))
        return results

    def _ask_for_addresses(self, gids: Sequence[str]) -> object:
        try:
            told = self.admin.ask(ANY_ADDRESS, {"ids": gids}, points=4.0 * len(gids), of_rows=True)
        except Blocked:
            return None  # what is refused for the sake of one clears nobody's address and names nobody
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
        before, after = _told(task.customer), _told(laid_over(task.customer, result.found))
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return seen(result.ref, "linked", [Change(name, before.get(name), after.get(name)) for name in names])

    def examine(self) -> Iterator[Finding]:
        """See that credential, scopes, version, personal data and webhooks are right; see ``clients.checkup``."""
        here = self._known_here()[:LOOKED_AT]
        yield from examine(
            self.admin,
            shop=self._shop,
            version=self._version,
            address=self.webhook_address,
            fields=(lambda: self._look_at_fields(here)) if here else None,
        )
        yield clock(self.admin.heard_at, self._now())

    def _look_at_fields(self, here: Sequence[Customer]) -> Iterator[Finding]:
        try:
            told, nodes, denials = self._ask([one.id for one in here])
        except StopLane as e:
            if e.kind != "shopify.access_denied":
                raise
            yield wrong(WHAT, "names, e-mails, phones and addresses are refused", e.why)
            return
        results = [self._read(one.id, node, denials, told) for one, node in zip(here, nodes, strict=True)]
        there = [result.found for result in results if isinstance(result, Carried) and result.found]
        refused = denials.fields | denials.within | (self._leaves_out() - {OF_ORDERS})
        yield from compare(here, there, refused)

    def tend(self) -> timedelta | None:
        """Nothing to keep up between tasks."""
        return None

    def _sort_parts(self, told: Told, left_out: frozenset[str]) -> Denials:
        """What was refused. Raises what stands for all rows: customers, all that is personal, or the whole question."""
        denials = sort_denials(told.troubles, self._metafields)
        if denials.customers is not None:
            raise denied(denials.customers, told.vendor_request_id)
        if denials.personal | (left_out & frozenset(PERSONAL)) == frozenset(PERSONAL):
            raise denied(None, told.vendor_request_id)
        for trouble in told.troubles:
            if trouble.row is None:
                raise sort_troubles((trouble,), told.vendor_request_id)
        return denials

    def _read(self, customer_id: int, node: Any, denials: Denials, told: Told) -> Result:
        ref = gid(customer_id)
        if node is None:
            return Carried(ref=ref, did="gone", vendor_request_id=told.vendor_request_id)
        try:
            found = read_node(node, self._metafields, denied=denials.fields) if isinstance(node, Mapping) else None
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


def _with_known_parts(known: Mapping[int, Maybe[Address]], results: Mapping[int, Result]) -> dict[int, Result]:
    """The results, in which an address with a refused part is the one we know, or unknown where it is another one.

    Half of a new address beside half of the old one would be nobody's.
    """
    completed = dict(results)
    for i, result in results.items():
        if isinstance(result, Carried) and result.found and isinstance(there := known[i], Address):
            told = result.found.address
            whole = told.completed_by(there) if isinstance(told, Address) else UNKNOWN
            same = isinstance(whole, Address) and whole.is_at(there)
            completed[i] = replace(result, found=replace(result.found, address=whole if same else UNKNOWN))
    return completed


def _lends_its_name(found: Customer) -> bool:
    address = found.address
    named = isinstance(address, Address) and (address.last_name or address.first_name)
    return bool(named) and found.last_name is None and found.first_name is None


def _told(customer: Customer) -> dict[str, str]:
    """What is known of a customer, field by field in words; the parts of the address each by itself."""
    facts = customer.to_json()
    address = facts.pop("address", None) or {}
    facts |= {f"address.{part}": value for part, value in address.items()}
    for unspoken in ("id", "updated_at", "cleared", "address.is_own", "address.among_others"):
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
