"""The lane `shopify`: customers read back, and Shopify's refusals sorted by what we should do about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses

from clients.errors import Busy, CarryError, StopLane, TryLater
from clients.lane import Carried, Lane
from clients.pace import AlonePace
from clients.shopify.lane import ShopifyLane
from clients.shopify.node import PERSONAL
from clients.token import AloneVault, Token
from customer import UNKNOWN, Customer, Task
from tests.conftest import Clock

SHOP = "example.myshopify.com"
GRAPHQL = f"https://{SHOP}/admin/api/2026-10/graphql.json"
TOKENS = f"https://{SHOP}/admin/oauth/access_token"
METAFIELDS = {"last_kana": ("custom", "last_name_kana")}
COST = {
    "requestedQueryCost": 10,
    "actualQueryCost": 8,
    "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1990, "restoreRate": 100.0},
}


class Far:
    """What Shopify is to answer, one call after the other (the last one again and again), and what it was asked."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.slept: list[float] = []
        self.vault = AloneVault()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.forward(seconds=seconds)

    def lane(self, **settings: Any) -> ShopifyLane:
        given: dict[str, Any] = {
            "shop": SHOP,
            "api_url": f"https://{SHOP}",
            "api_version": "2026-10",
            "access_token": "static-token",
            "client_id": None,
            "client_secret": None,
            "metafields": METAFIELDS,
            "vault": self.vault,
            "pace_store": AlonePace(),
            "now": self.clock,
            "sleep": self.sleep,
        }
        return ShopifyLane(**{**given, **settings})

    def granted(self) -> ShopifyLane:
        return self.lane(access_token=None, client_id="the-id", client_secret="the-secret")

    def answers(self, *bodies: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        for body in bodies:
            responses.add(responses.POST, GRAPHQL, json=body, status=status, headers=headers)

    def grants(self, *tokens: str) -> None:
        for token in tokens:
            responses.add(
                responses.POST, TOKENS, json={"access_token": token, "scope": "read_customers", "expires_in": 86399}
            )


@pytest.fixture
def far(clock: Clock) -> Iterator[Far]:
    with responses.mock:
        yield Far(clock)


def node(customer_id: int, **fields: Any) -> dict[str, Any]:
    return {"id": f"gid://shopify/Customer/{customer_id}", "lastName": "見本", "last_kana": None, **fields}


def nodes(*rows: Any, **more: Any) -> dict[str, Any]:
    return {"data": {"nodes": list(rows)}, "extensions": {"cost": COST}, **more}


def error(code: str | None, *path: str | int) -> dict[str, Any]:
    said: dict[str, Any] = {"message": "the e-mail hanako.mihon@example.jp may not be seen"}
    if code:
        said["extensions"] = {"code": code}
    return {**said, "path": list(path)} if path else said


def tasks(*ids: int) -> list[Task]:
    return [Task(Customer(id=one)) for one in ids]


def found(result: CarryError | Carried) -> Customer:
    assert isinstance(result, Carried)
    assert result.found is not None
    return result.found


def asked(call: int) -> dict[str, Any]:
    body = responses.calls[call].request.body
    assert isinstance(body, bytes)
    read: dict[str, Any] = json.loads(body)
    return read


def token_of(call: int) -> str | None:
    return responses.calls[call].request.headers.get("X-Shopify-Access-Token")


def carry_fails(lane: ShopifyLane, *ids: int) -> CarryError:
    with pytest.raises(CarryError) as failed:
        lane.carry(tasks(*(ids or (1,))))
    for secret in ("hanako", "static-token", "the-secret", "the-id"):
        assert secret not in str(failed.value)
    return failed.value


def test_it_is_a_lane(far: Far) -> None:
    lane: Lane = far.lane()
    assert (lane.name, lane.batch, lane.threads, lane.tend()) == ("shopify", 50, 8, None)


def test_fifty_customers_are_read_in_one_call_whatever_the_order_they_come_in(far: Far) -> None:
    ids = list(range(50, 0, -1))
    far.answers(nodes(*(node(one, last_kana={"value": "ミホン"}) for one in ids)))
    results = far.lane().carry(tasks(*ids))
    assert len(responses.calls) == 1
    assert asked(0)["variables"] == {"ids": [f"gid://shopify/Customer/{one}" for one in ids]}
    assert set(results) == set(ids)
    for customer_id, result in results.items():
        assert isinstance(result, Carried)
        assert (result.ref, result.did) == (f"gid://shopify/Customer/{customer_id}", "read")
        assert found(result).id == customer_id
        assert found(result).last_kana == "ミホン"


def test_a_customer_that_stands_twice_in_a_batch_is_asked_for_once(far: Far) -> None:
    far.answers(nodes(node(1)))
    assert set(far.lane().carry(tasks(1, 1))) == {1}
    assert asked(0)["variables"] == {"ids": ["gid://shopify/Customer/1"]}


def test_no_tasks_cost_no_call(far: Far) -> None:
    assert far.lane().carry([]) == {}
    assert len(responses.calls) == 0


def test_a_deleted_customer_is_gone(far: Far) -> None:
    far.answers(nodes(node(1), None))
    results = far.lane().carry(tasks(1, 2))
    assert found(results[1]).last_name == "見本"
    assert results[2] == Carried(ref="gid://shopify/Customer/2", did="gone")


def test_a_row_that_shopify_could_not_answer_is_not_gone_and_holds_up_no_other(far: Far) -> None:
    rows = nodes(
        node(1), None, node(3, note=None), errors=[error("TIMEOUT", "nodes", 1), error(None, "nodes", 2, "note")]
    )
    far.answers(rows)
    results = far.lane().carry(tasks(1, 2, 3))
    assert found(results[1]).id == 1
    for customer_id in (2, 3):
        failed = results[customer_id]
        assert isinstance(failed, TryLater)
        assert not failed.lane_wide


@pytest.mark.parametrize("row", [{}, {"id": "gid://shopify/Order/1"}, node(2), node(1, tags="vip"), "text"])
def test_a_row_of_another_shape_or_of_another_customer_is_never_taken(far: Far, row: Any) -> None:
    far.answers(nodes(row))
    failed = far.lane().carry(tasks(1))[1]
    assert isinstance(failed, TryLater)
    assert (failed.kind, failed.lane_wide) == ("shopify.answer_unreadable", False)


@pytest.mark.parametrize(
    "errors",
    [
        [error("ACCESS_DENIED")],
        [error("ACCESS_DENIED", "nodes")],
        [error("ACCESS_DENIED", "nodes", 0)],
        [error("ACCESS_DENIED", "nodes", 0, key) for key in PERSONAL],
        [
            error("TIMEOUT", "nodes", 0),
            *(error("ACCESS_DENIED", "nodes", row, key) for row, key in enumerate(PERSONAL)),
        ],
    ],
)
@pytest.mark.parametrize("rows", [None, [None, None], [node(1), node(2)]])
def test_a_denied_customer_stops_the_lane_and_names_scope_and_page(
    far: Far, errors: list[Any], rows: list[Any] | None
) -> None:
    far.answers({"data": rows and {"nodes": rows}, "errors": errors})
    stopped = carry_fails(far.lane(), 1, 2)
    assert isinstance(stopped, StopLane)
    assert "read_customers" in stopped.why
    assert "https://shopify.dev/docs/apps/launch/protected-customer-data" in stopped.why
    assert stopped.kind == "shopify.access_denied"


def test_an_app_that_may_see_no_orders_reads_customers_and_stops_asking_for_orders(far: Far) -> None:
    far.answers(
        nodes(node(1, lastOrder=None), errors=[error("ACCESS_DENIED", "nodes", 0, "lastOrder")]), nodes(node(1))
    )
    lane = far.lane()
    assert found(lane.carry(tasks(1))[1]).last_order_at is UNKNOWN
    assert found(lane.carry(tasks(1))[1]).last_order_at is UNKNOWN
    assert ["lastOrder" in asked(call)["query"] for call in (0, 1)] == [True, False]


def throttled(available: float, requested: float = 500) -> dict[str, Any]:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}
    cost = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    return {"errors": [error("THROTTLED")], "extensions": {"cost": cost}}


def test_a_short_throttle_is_waited_out_within_the_call(far: Far) -> None:
    far.answers(throttled(100), nodes(node(1)))
    assert found(far.lane().carry(tasks(1))[1]).id == 1
    assert far.slept == [4.0]


def test_a_long_throttle_goes_back_as_busy_with_its_wait(far: Far) -> None:
    far.answers(throttled(-700))
    busy = carry_fails(far.lane())
    assert isinstance(busy, Busy)
    assert busy.wait == timedelta(seconds=12)
    assert far.slept == []


def test_a_throttle_without_end_goes_back_as_busy_after_eight_seconds(far: Far) -> None:
    far.answers(throttled(200))
    assert isinstance(carry_fails(far.lane()), Busy)
    assert sum(far.slept) <= 8
    far.answers({"errors": [error("THROTTLED")]})
    assert isinstance(carry_fails(far.lane()), Busy)


def test_a_crowd_is_held_to_the_points_the_answers_tell(far: Far, clock: Clock) -> None:
    far.answers(nodes(*(node(one) for one in range(1, 51)), extensions={"cost": {**COST, "actualQueryCost": 500}}))
    lane = far.lane()
    began = clock()
    for _ in range(40):
        lane.carry(tasks(*range(1, 51)))
    spent, seconds = 40 * 500, (clock() - began).total_seconds()
    assert spent <= 2000 + 100 * seconds
    assert spent >= 0.95 * 100 * seconds


def test_a_static_token_that_is_refused_stops_the_lane_and_names_the_setting(far: Far) -> None:
    far.answers({"errors": "[API] Invalid API key or access token"}, status=401, headers={"X-Request-Id": "req-1"})
    stopped = carry_fails(far.lane())
    assert isinstance(stopped, StopLane)
    assert "SHOPIFY_ACCESS_TOKEN" in stopped.why
    assert (stopped.status, stopped.vendor_request_id) == (401, "req-1")
    assert len(responses.calls) == 1


def test_client_credentials_are_exchanged_once_for_a_day(far: Far, clock: Clock) -> None:
    far.grants("token-1", "token-2")
    far.answers(nodes(node(1)))
    lane = far.granted()
    lane.carry(tasks(1))
    lane.carry(tasks(1))
    assert parse_qs(str(responses.calls[0].request.body)) == {
        "grant_type": ["client_credentials"],
        "client_id": ["the-id"],
        "client_secret": ["the-secret"],
    }
    assert [token_of(call) for call in (1, 2)] == ["token-1", "token-1"]
    clock.forward(hours=23, minutes=56)
    lane.carry(tasks(1))
    assert token_of(4) == "token-2"


def test_a_refused_token_is_renewed_once_and_the_question_asked_again(far: Far, clock: Clock) -> None:
    far.vault.write(f"shopify:{SHOP}", Token.lasting("stale", 86400, clock()))
    far.grants("token-1")
    far.answers({"errors": "no"}, status=401)
    far.answers(nodes(node(1)))
    assert found(far.granted().carry(tasks(1))[1]).id == 1
    assert (token_of(0), token_of(2)) == ("stale", "token-1")


def test_a_token_refused_twice_stops_the_lane_and_names_the_settings(far: Far) -> None:
    far.grants("token-1", "token-2")
    far.answers({"errors": "no"}, status=401)
    stopped = carry_fails(far.granted())
    assert isinstance(stopped, StopLane)
    assert "SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET" in stopped.why
    assert len(responses.calls) == 4


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (400, {"error": "application_cannot_be_found"}, "application_cannot_be_found"),
        (401, {"error": "the secret the-secret is wrong"}, "401"),
        (403, None, "403"),
    ],
)
def test_a_refused_exchange_stops_the_lane(far: Far, status: int, body: Any, says: str) -> None:
    responses.add(responses.POST, TOKENS, json=body, status=status)
    stopped = carry_fails(far.granted())
    assert isinstance(stopped, StopLane)
    assert "SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET" in stopped.why
    assert says in stopped.why


@pytest.mark.parametrize("body", [{}, [], {"access_token": None}, {"access_token": "t", "expires_in": "soon"}])
def test_an_exchange_without_a_token_is_tried_later(far: Far, body: Any) -> None:
    responses.add(responses.POST, TOKENS, json=body)
    assert type(carry_fails(far.granted())) is TryLater


@pytest.mark.parametrize(
    ("status", "what", "kind"),
    [
        (302, StopLane, "shopify.not_found"),
        (400, StopLane, "shopify.question_refused"),
        (402, StopLane, "shopify.shop_frozen"),
        (403, StopLane, "shopify.forbidden"),
        (404, StopLane, "shopify.not_found"),
        (422, StopLane, "shopify.question_refused"),
        (423, TryLater, "shopify.locked"),
        (429, Busy, "shopify.busy"),
        (430, TryLater, "shopify.rejected"),
        (500, TryLater, "shopify.down"),
        (502, TryLater, "shopify.down"),
        (503, TryLater, "shopify.down"),
    ],
)
def test_each_status_is_sorted_by_what_to_do(far: Far, status: int, what: type[CarryError], kind: str) -> None:
    far.answers({"errors": "hanako.mihon@example.jp"}, status=status, headers={"X-Request-Id": "req-2"})
    failed = carry_fails(far.lane())
    assert type(failed) is what
    assert (failed.kind, failed.status, failed.vendor_request_id) == (kind, status, "req-2")


def test_a_named_wait_of_a_429_is_obeyed(far: Far) -> None:
    far.answers({}, status=429, headers={"Retry-After": "30"})
    busy = carry_fails(far.lane())
    assert isinstance(busy, Busy)
    assert busy.wait == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("body", "what", "kind"),
    [
        ({"errors": [error("undefinedField", "query", "nodes")]}, StopLane, "shopify.question_refused"),
        ({"errors": [error("MAX_COST_EXCEEDED")]}, StopLane, "shopify.question_refused"),
        ({"errors": [error("SHOP_INACTIVE")]}, StopLane, "shopify.shop_closed"),
        ({"errors": [error("INTERNAL_SERVER_ERROR")]}, TryLater, "shopify.error"),
        ({"errors": [error(None)], "data": None}, TryLater, "shopify.error"),
        ({"errors": "hanako"}, TryLater, "shopify.error"),
        ({"errors": [None]}, TryLater, "shopify.error"),
        ({"data": {"nodes": [None, None]}}, TryLater, "shopify.error"),
        ({"data": {}}, TryLater, "shopify.error"),
        ({"data": {"nodes": [None]}, "errors": [error("INTERNAL_SERVER_ERROR")]}, TryLater, "shopify.error"),
        ([], TryLater, "shopify.answer_unreadable"),
        (None, TryLater, "shopify.answer_unreadable"),
    ],
)
def test_an_error_in_a_200_is_sorted_by_what_to_do(far: Far, body: Any, what: type[CarryError], kind: str) -> None:
    far.answers(body)
    failed = carry_fails(far.lane())
    assert type(failed) is what
    assert failed.kind == kind


def test_a_broken_connection_is_tried_again_and_then_later(far: Far) -> None:
    responses.add(responses.POST, GRAPHQL, body=requests.ReadTimeout("hanako"))
    failed = carry_fails(far.lane())
    assert (type(failed), failed.kind) == (TryLater, "shopify.timeout")
    assert len(responses.calls) == 3


def test_no_call_is_without_a_timeout(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    real = requests.Session.send

    def send(self: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        seen.append(kwargs.get("timeout"))
        return real(self, request, **kwargs)

    monkeypatch.setattr(requests.Session, "send", send)
    far.grants("token-1")
    far.answers(prepared("read_customers"), nodes(node(1)))
    lane = far.granted()
    lane.prepare()
    lane.carry(tasks(1))
    assert len(seen) == 3
    assert all(connect and read and connect + read < 20 for connect, read in seen)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500])
def test_nothing_is_printed_whatever_shopify_answers(far: Far, capfd: pytest.CaptureFixture[str], status: int) -> None:
    far.answers({"errors": "hanako"}, status=status)
    carry_fails(far.lane())
    assert capfd.readouterr() == ("", "")


def prepared(*scopes: str) -> dict[str, Any]:
    granted = [{"handle": scope} for scope in scopes]
    return {"data": {"shop": {"name": "見本店"}, "currentAppInstallation": {"accessScopes": granted}}}


def test_prepare_is_content_with_a_credential_that_sees_customers(far: Far) -> None:
    far.answers(prepared("read_customers", "read_orders"), nodes(node(1)))
    lane = far.lane()
    lane.prepare()
    lane.carry(tasks(1))
    assert "lastOrder" in asked(1)["query"]


def test_prepare_leaves_orders_out_when_the_app_may_not_see_them(far: Far) -> None:
    far.answers(prepared("write_customers"), nodes(node(1)))
    lane = far.lane()
    lane.prepare()
    lane.carry(tasks(1))
    assert "lastOrder" not in asked(1)["query"]


def test_prepare_names_the_missing_scope(far: Far) -> None:
    far.answers(prepared("read_products"))
    with pytest.raises(StopLane, match="read_customers"):
        far.lane().prepare()


def test_prepare_does_without_scopes_where_they_are_not_told(far: Far) -> None:
    far.answers(
        {"errors": [error("undefinedField", "query", "currentAppInstallation")]}, {"data": {"shop": {"name": "a"}}}
    )
    far.lane().prepare()
    assert len(responses.calls) == 2


def test_prepare_stops_the_lane_on_a_wrong_credential(far: Far) -> None:
    far.answers({"errors": "no"}, status=401)
    with pytest.raises(StopLane, match="SHOPIFY_ACCESS_TOKEN"):
        far.lane().prepare()


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"shop": "shop.example.jp"}, "SHOPIFY_SHOP"),
        ({"api_version": "2026-13"}, "SHOPIFY_API_VERSION"),
        ({"access_token": None}, "SHOPIFY_ACCESS_TOKEN"),
        ({"access_token": None, "client_id": "the-id"}, "SHOPIFY_CLIENT_SECRET"),
        ({"access_token": "static-token\n"}, "SHOPIFY_ACCESS_TOKEN"),
        ({"access_token": "鍵"}, "SHOPIFY_ACCESS_TOKEN"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(far: Far, settings: dict[str, Any], names: str) -> None:
    with pytest.raises(ValueError, match=names) as refused:
        far.lane(**settings)
    assert "static-token" not in str(refused.value)


@pytest.fixture
def two_shops() -> Iterator[tuple[str, Callable[[], Sequence[str]]]]:
    """A far side on this machine that serves two shops and writes down every knock with the wrong token."""
    wrong: list[str] = []

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            shop = self.path.split("/")[1]
            if self.headers["X-Shopify-Access-Token"] != f"token-{shop}":
                wrong.append(self.path)
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            rows = [{"id": gid, "lastName": shop} for gid in question["variables"]["ids"]]
            answer = json.dumps({"data": {"nodes": rows}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is theirs)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}", lambda: wrong
    server.shutdown()
    serving.join()
    server.server_close()


def test_sixteen_threads_with_two_lanes_of_two_shops_never_mix_them(
    two_shops: tuple[str, Callable[[], Sequence[str]]], clock: Clock
) -> None:
    url, wrong = two_shops
    lanes = {
        shop: ShopifyLane(
            shop=f"{shop}.myshopify.com",
            api_url=f"{url}/{shop}",
            api_version="2026-10",
            access_token=f"token-{shop}",
            client_id=None,
            client_secret=None,
            metafields={},
            vault=AloneVault(),
            pace_store=AlonePace(),
            now=clock,
            sleep=lambda _: None,
        )
        for shop in ("left", "right")
    }

    def read(number: int) -> set[object]:
        shop = ("left", "right")[number % 2]
        return {found(lanes[shop].carry(tasks(number))[number]).last_name == shop for _ in range(10)}

    with ThreadPoolExecutor(16) as threads:
        assert set().union(*threads.map(read, range(1, 33))) == {True}
    assert wrong() == []
