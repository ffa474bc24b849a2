"""Shopify's answers: the parsers by themselves, and the whole lane over answers that were tampered with."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any, Final

from clients.errors import CarryError
from clients.http import Answer
from clients.pace import AlonePace
from clients.shopify.lane import ShopifyLane
from clients.shopify.node import question, read_node
from clients.shopify.points import Cost
from clients.shopify.refusals import read_troubles, request_id, sort_status, sort_troubles
from clients.shopify.session import check_shop, check_version
from clients.shopify.setting import FIELDS, read_metafields_setting
from clients.token import AloneVault
from customer import Customer, Task
from fuzz.clock import FakeClock
from fuzz.laws import Broken, sound_error, sound_result, storable
from fuzz.source import Source
from fuzz.targets.target import Target
from fuzz.wild import NUMBERS, SECRETS, TEXTS, as_bytes, read_back, tamper, wild
from fuzz.wire import Asked, answered_by, reply

IDS: Final = (6900000000001, 6900000000002)
METAFIELDS: Final = dict(zip(FIELDS, [("custom", name) for name in FIELDS], strict=True))
NODE: Final[dict[str, Any]] = {
    "id": f"gid://shopify/Customer/{IDS[0]}",
    "firstName": "花子",
    "lastName": "見本",
    "state": "ENABLED",
    "note": SECRETS[1],
    "tags": ["VIP", "卸"],
    "locale": "ja",
    "createdAt": "2026-11-20T01:02:03Z",
    "updatedAt": "2026-11-22T01:02:03Z",
    "numberOfOrders": "12",
    "amountSpent": {"amount": "1200.0", "currencyCode": "JPY"},
    "defaultEmailAddress": {"emailAddress": SECRETS[0], "marketingState": "SUBSCRIBED"},
    "defaultPhoneNumber": {"phoneNumber": "+819000000000", "marketingState": "NOT_SUBSCRIBED"},
    "defaultAddress": {
        "address1": "永田町２丁目３−１",
        "address2": None,
        "city": "千代田区",
        "provinceCode": "JP-13",
        "countryCodeV2": "JP",
        "zip": "100-0014",
        "phone": None,
        "company": None,
    },
    "lastOrder": {"createdAt": "2026-11-21T01:02:03Z"},
    **{field: {"value": "ミホン"} for field in FIELDS},
}
EXTENSIONS: Final[dict[str, Any]] = {
    "cost": {
        "requestedQueryCost": 20,
        "actualQueryCost": 18,
        "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1980, "restoreRate": 100.0},
    }
}
ERRORS: Final[tuple[list[Any], ...]] = (
    [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
    [{"message": "denied", "path": ["nodes", 0, "lastOrder"], "extensions": {"code": "ACCESS_DENIED"}}],
    [{"message": SECRETS[0], "path": ["nodes", 1, "email"], "extensions": {"code": "INTERNAL_SERVER_ERROR"}}],
    [{"message": SECRETS[1], "extensions": {"code": "undefinedField"}}],
    [{"message": "closed", "extensions": {"code": "SHOP_INACTIVE"}}],
)
STATUSES: Final = (200, 429, 401, 402, 403, 404, 423, 430, 301, 400, 500, 503, 299, 599)


def play_answers(source: Source) -> None:
    """The parsers, each by itself."""
    node = read_back(source, NODE, 14)
    if isinstance(node, Mapping):
        try:
            customer = read_node(node, METAFIELDS, denied=frozenset({"lastOrder"} if source.one_in(3) else ()))
        except ValueError as e:
            if len(str(e)) > 100:
                raise Broken("the error quotes the node") from e
        else:
            storable(customer, "the customer")
    body = read_back(source, {"errors": source.pick(ERRORS), "extensions": EXTENSIONS}, 10)
    if isinstance(body, Mapping):
        troubles = read_troubles(body)
        sound_error(sort_troubles(troubles, None))
        for trouble in troubles:
            storable((trouble.code, trouble.field), "a trouble")
        cost = Cost.read(body)
        if cost is not None and not 0 <= cost.wait_s <= 7 * 86_400:
            raise Broken(f"a wait of {cost.wait_s} s for points")
    headers = {
        name: source.pick(TEXTS).encode("utf-8", "replace").decode("latin-1")
        for name in ("Retry-After", "X-Request-Id")
        if source.one_in(2)
    }
    answer = Answer(source.pick((*STATUSES[1:], 0, 999)), headers, wild(source))
    sound_error(sort_status(answer, "SHOPIFY_ACCESS_TOKEN"))
    storable(request_id(answer), "X-Request-Id")


def play_lane(source: Source) -> None:
    """``prepare`` and two carries, over answers that were tampered with."""
    clock = FakeClock()
    token: Any = "shpat_invented" if source.one_in(2) else None
    lane = ShopifyLane(
        shop="example.myshopify.com",
        api_url="http://shopify.test",
        api_version="2026-10",
        access_token=token,
        client_id="an-id",
        client_secret=SECRETS[5],
        metafields=METAFIELDS,
        vault=AloneVault(),
        pace_store=AlonePace(),
        now=clock,
        sleep=clock.sleep,
    )
    tasks = [Task(Customer(id=one)) for one in IDS]
    with answered_by(lambda asked: _said(source, asked)):
        with contextlib.suppress(CarryError):
            lane.prepare()
        for _ in range(2):
            try:
                results = lane.carry(tasks)
            except CarryError as e:
                sound_error(e)
                continue
            if set(results) != set(IDS):
                raise Broken("a task got no result")
            for result in results.values():
                sound_result(result)


def _said(source: Source, asked: Asked) -> bytes:
    status = source.pick(STATUSES) if source.one_in(6) else 200
    if asked.path.endswith("/access_token"):
        told: Any = {"access_token": "shpat_fresh", "scope": "read_customers", "expires_in": 86399}
        if source.one_in(4):
            told["expires_in"] = source.pick(NUMBERS)
    elif "nodes" not in str(asked.body):
        scopes = [{"handle": "read_customers"}, {"handle": "read_orders"}]
        told = {"data": {"shop": {"name": "見本"}, "currentAppInstallation": {"accessScopes": scopes}}}
    else:
        told = {"data": {"nodes": [NODE, {**NODE, "id": f"gid://shopify/Customer/{IDS[1]}"}]}, "extensions": EXTENSIONS}
        if source.one_in(4):
            told["errors"] = source.pick(ERRORS)
    headers = {"X-Request-Id": "a1b2"}
    if source.one_in(6):
        headers["Retry-After"] = source.pick(("1", "5", "nan", "-1", "1e9"))
    return reply(status, as_bytes(source, tamper(source, told, 24)), headers)


def play_setting(source: Source) -> None:
    """What people write into settings: understood, or refused with the mend."""
    pieces = ["last_kana", "=", "custom", ".", "last_name_kana", ",", "birth_date", "facts", "$app:x", '"', "}", "\n"]
    written = "".join(source.pick([*pieces, *TEXTS[:20]]) for _ in range(source.below(14)))
    for check in (check_shop, check_version):
        with contextlib.suppress(ValueError):
            check(written)
    try:
        found = read_metafields_setting(written)
    except ValueError:
        return
    asked = question(found)
    if asked.count('"') != 4 * len(found) or not re.fullmatch(r"[^\x00-\x1f]*", asked):
        raise Broken("the setting wrote something of its own into the query")


ANSWERS: Final = Target(
    name="shopify-answers",
    law="a parser gives a value, or ValueError, or a CarryError; nothing it says quotes the answer",
    play=play_answers,
)
LANE: Final = Target(
    name="shopify-lane",
    law="each task gets a result, or one sound CarryError stands for all; no wait is endless",
    play=play_lane,
)
SETTING: Final = Target(
    name="shopify-setting",
    law="a setting is understood or refused with ValueError, and never breaks out of its place in the query",
    play=play_setting,
)
