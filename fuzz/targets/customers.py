"""The customer's own JSON: what the ledger keeps comes back as it was, also from a newer or an older version."""

from __future__ import annotations

import json
from typing import Final

from clients.shopify.node import read_node
from clients.shopify.payload import Unreadable, read_payload
from customer import Customer
from fuzz.laws import Broken
from fuzz.source import Source
from fuzz.targets.receiver import body_from
from fuzz.targets.shopify import METAFIELDS, NODE
from fuzz.targets.target import Target
from fuzz.wild import TEXTS, read_back, wild


def any_customer(source: Source) -> Customer | None:
    """A customer read from a tampered payload or node; None when it was refused."""
    try:
        if source.one_in(2):
            return read_payload(body_from(source))
        node = read_back(source, NODE, 16)
        return read_node(node, METAFIELDS) if isinstance(node, dict) else None
    except (Unreadable, ValueError):
        return None


def play(source: Source) -> None:
    """Two customers: there and back, and one laid over the other."""
    one, two = any_customer(source), any_customer(source)
    for customer in (one, two):
        if customer is None:
            continue
        kept = json.loads(json.dumps(customer.to_json(), ensure_ascii=False))
        if Customer.from_json(kept) != customer:
            raise Broken("the customer's JSON does not go round")
        newer = {**kept, "a_field_of_tomorrow": None, source.pick(TEXTS) + "?": wild(source)}
        if Customer.from_json(newer) != customer:
            raise Broken("a field that this version does not have changed the customer")
    if one is not None and two is not None:
        seen = one.seen_with(two)
        if seen.id != one.id or seen.seen_with(two) != seen:
            raise Broken("what is laid over once changes when it is laid over twice")
        if Customer.from_json(json.loads(json.dumps(seen.to_json()))) != seen:
            raise Broken("the JSON of a customer seen twice does not go round")


TARGET: Final = Target(
    name="customer-json",
    law="a customer's JSON goes round, fields of tomorrow are passed over, laying over is idempotent",
    play=play,
)
