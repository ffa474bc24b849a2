"""The sandbox's shop and its Admin API, as the fact sheet says Shopify behaves."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.config import SandboxConfig
from sandbox.core import create_sandbox, world_of
from sandbox.graphql import GraphQLSyntaxError, parse
from sandbox.shopify import ShopShelf
from sandbox.shopify_customers import ShopRefused
from sandbox.shopify_payloads import serves_version
from tests.test_sandbox_webhooks import ADDRESS, PERSON

API = "/shopify/admin/api/2026-10"
WHOLE = """
query Read($id: ID!) { customer(id: $id) { id firstName lastName state note tags locale createdAt updatedAt
  defaultEmailAddress { emailAddress marketingState } defaultPhoneNumber { phoneNumber marketingState }
  defaultAddress { address1 address2 city province provinceCode countryCodeV2 zip phone company }
  lastKana: metafield(namespace: "custom", key: "last_name_kana") { value type }
  birth: metafield(namespace: "facts", key: "birth_date") { value type } } }
"""


class Time:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 3, 0, 0, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def client(time: Time) -> FlaskClient:
    return create_sandbox(SandboxConfig(webhook_url="http://127.0.0.1:1/"), clock=time).test_client()


@pytest.fixture
def shop(client: FlaskClient) -> Iterator[ShopShelf]:
    shelf: ShopShelf = world_of(client.application).shopify
    shelf.webhooks.retry_seconds = ()
    yield shelf
    shelf.close()


class Api:
    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.token = "shpat_sandbox"

    def post(self, document: str, version: str = "2026-10", /, **variables: Any) -> Any:
        return self.client.post(
            f"/shopify/admin/api/{version}/graphql.json",
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": self.token},
        )

    def __call__(self, document: str, /, **variables: Any) -> Any:
        answer = self.post(document, **variables)
        assert answer.status_code == 200
        return answer.json

    def refused(self, document: str, /, **variables: Any) -> tuple[str, str]:
        told = self(document, **variables)
        assert "data" not in told
        error = told["errors"][0]
        return error["message"], error.get("extensions", {}).get("code", "")


@pytest.fixture
def api(client: FlaskClient) -> Api:
    return Api(client)


def made(shop: ShopShelf, **fields: Any) -> Any:
    return shop.create({**PERSON, **fields}, send=False)


# The customers


def test_ids_have_13_digits_and_grow_even_after_a_reset(shop: ShopShelf) -> None:
    ids = [made(shop, email=f"a{number}@example.jp").id for number in range(3)]
    shop.reset()
    ids.append(made(shop).id)
    assert ids == sorted(set(ids))
    assert all(len(str(one)) == 13 for one in ids)


def test_times_are_whole_seconds_of_japan(shop: ShopShelf, time: Time) -> None:
    customer = made(shop)
    assert customer.updated_at.isoformat() == "2026-11-22T12:00:00+09:00"
    time.forward(5)
    assert shop.save(customer.id, send=False).updated_at.isoformat() == "2026-11-22T12:00:05+09:00"
    time.forward(-60)
    assert shop.save(customer.id, send=False).updated_at.isoformat() == "2026-11-22T12:00:05+09:00"


def test_e_mail_and_phone_are_unique_in_the_shop(shop: ShopShelf) -> None:
    first = made(shop, phone="090-0000-1234")
    for fields, field in (({"email": "HANAKO@example.jp"}, "email"), ({"phone": "+81 90 0000 1234"}, "phone")):
        with pytest.raises(ShopRefused) as refused:
            shop.create({"email": "other@example.jp", **fields}, send=False)
        assert refused.value.errors == {field: ["has already been taken"]}
    shop.update(first.id, {"email": "new@example.jp", "phone": None}, send=False)
    made(shop, phone="09000001234")


def test_a_deleted_customer_frees_its_e_mail(shop: ShopShelf) -> None:
    shop.delete(made(shop).id, send=False)
    assert shop.count() == 0
    made(shop)
    with pytest.raises(KeyError):
        shop.delete(1)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("09000001234", "+819000001234"),
        ("０９０－００００－１２３４", "+819000001234"),
        ("+81 90 0000 1234", "+819000001234"),
        ("+1 555 000 0000", "+15550000000"),
        ("", None),
    ],
)
def test_a_customers_phone_is_kept_as_e164(shop: ShopShelf, written: str, kept: str | None) -> None:
    assert made(shop, phone=written).phone == kept


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "x@example.jp", "phone": "12"}, "phone"),
        ({"email": "x@example.jp", "state": "asleep"}, "state"),
        ({"email": "x@example.jp", "shoe_size": 24}, "shoe_size"),
        ({"email": "x@example.jp", "addresses": [{"planet": "Mars"}]}, "addresses"),
        ({"email": "x@example.jp", "metafields": {"kana": "x"}}, "metafields"),
        ({"email": "x@example.jp", "email_marketing_consent": {}}, "email_marketing_consent"),
        ({"email": "x@example.jp", "last_name": 5}, "last_name"),
        ({"note": "nobody at all"}, "base"),
    ],
)
@pytest.mark.parametrize("by", ["storefront", "admin"])
def test_the_shop_refuses_what_it_does_not_know(
    shop: ShopShelf, fields: Mapping[str, Any], field: str, by: Any
) -> None:
    with pytest.raises(ShopRefused) as refused:
        shop.create(fields, by=by, send=False)
    assert list(refused.value.errors) == [field]
    assert shop.count() == 0


def test_a_phone_alone_makes_a_customer(shop: ShopShelf) -> None:
    assert shop.create({"phone": "09000001234"}, send=False).email is None


def test_a_postcode_gets_its_hyphen_only_when_it_is_seven_plain_digits(shop: ShopShelf) -> None:
    customer = made(shop, addresses=[{**ADDRESS, "zip": "1000014"}, {**ADDRESS, "zip": "〒１００ー００１４"}])
    assert [one.zip for one in customer.addresses] == ["100-0014", "〒１００ー００１４"]
    assert customer.default_address == customer.addresses[0]
    assert len({one.id for one in customer.addresses}) == 2


def test_metafields_come_in_both_writings_and_go_with_null(shop: ShopShelf) -> None:
    customer = made(shop, metafields={"custom.gender": "female", "facts.birth_date": "1990-04-01"})
    assert customer.metafield("facts", "birth_date").type == "date"
    listed = [{"namespace": "custom", "key": "size", "value": 3, "type": "number_integer"}]
    customer = shop.update(customer.id, {"metafields": listed}, send=False)
    customer = shop.update(customer.id, {"metafields": {"custom.gender": None}}, send=False)
    assert {(one.key, one.value) for one in customer.metafields} == {("birth_date", "1990-04-01"), ("size", "3")}


# Reading one customer


def test_the_whole_customer_is_read_in_one_query(shop: ShopShelf, api: Api) -> None:
    customer = made(
        shop,
        phone="09000001234",
        tags="VIP, 店舗",
        accepts_marketing=True,
        addresses=[ADDRESS],
        metafields={"custom.last_name_kana": "ミホン"},
    )
    told = api(WHOLE, id=customer.gid)
    assert told["data"]["customer"] == {
        "id": customer.gid,
        "firstName": "花子",
        "lastName": "見本",
        "state": "DISABLED",
        "note": "a & b / c",
        "tags": ["VIP", "店舗"],
        "locale": "ja",
        "createdAt": "2026-11-22T03:00:00Z",
        "updatedAt": "2026-11-22T03:00:00Z",
        "defaultEmailAddress": {"emailAddress": "hanako@example.jp", "marketingState": "SUBSCRIBED"},
        "defaultPhoneNumber": {"phoneNumber": "+819000001234", "marketingState": "NOT_SUBSCRIBED"},
        "defaultAddress": {
            "address1": "永田町２丁目３−１",
            "address2": None,
            "city": "千代田区",
            "province": "Tōkyō",
            "provinceCode": "JP-13",
            "countryCodeV2": "JP",
            "zip": "100-0014",
            "phone": None,
            "company": None,
        },
        "lastKana": {"value": "ミホン", "type": "single_line_text_field"},
        "birth": None,
    }
    assert told["extensions"]["cost"] == {
        "requestedQueryCost": 6,
        "actualQueryCost": 5,
        "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1995, "restoreRate": 100.0},
    }


def test_orders_and_money_are_strings_as_in_graphql(shop: ShopShelf, api: Api) -> None:
    customer = made(shop, orders_count=3, total_spent="12000", last_order_at="2026-11-01T10:00:00+09:00")
    told = api(
        "query($id: ID!) { customer(id: $id) { numberOfOrders amountSpent { amount currencyCode }"
        " lastOrder { createdAt } smsMarketingConsent { marketingState } legacyResourceId } }",
        id=customer.gid,
    )
    assert told["data"]["customer"] == {
        "numberOfOrders": "3",
        "amountSpent": {"amount": "12000.00", "currencyCode": "JPY"},
        "lastOrder": {"createdAt": "2026-11-01T01:00:00Z"},
        "smsMarketingConsent": None,
        "legacyResourceId": str(customer.id),
    }


def test_many_are_read_by_nodes_and_a_deleted_one_is_null(shop: ShopShelf, api: Api) -> None:
    first, second = made(shop), made(shop, email="jiro@example.jp")
    shop.delete(first.id, send=False)
    told = api(
        "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Customer { ...Names } } }"
        " fragment Names on Customer { lastName mail: defaultEmailAddress { emailAddress } }",
        ids=[second.gid, first.gid, "gid://shopify/Order/1"],
    )
    assert told["data"]["nodes"] == [
        {"__typename": "Customer", "id": second.gid, "lastName": "見本", "mail": {"emailAddress": "jiro@example.jp"}},
        None,
        None,
    ]
    assert api(WHOLE, id=first.gid)["data"] == {"customer": None}


def test_several_customers_can_be_asked_for_under_aliases(shop: ShopShelf, api: Api) -> None:
    first, second = made(shop), made(shop, email="jiro@example.jp")
    told = api(f'{{ a: customer(id: "{first.gid}") {{ id }} b: customer(id: "{second.gid}") {{ id }} }}')
    assert told["data"] == {"a": {"id": first.gid}, "b": {"id": second.gid}}


def test_the_shop_the_scopes_and_the_versions_can_be_asked_for(shop: ShopShelf, api: Api) -> None:
    told = api(
        "{ shop { name myshopifyDomain } currentAppInstallation { accessScopes { handle } }"
        " publicApiVersions { handle } webhookSubscriptions(first: 5) { nodes { topic uri } } }"
    )["data"]
    assert told["shop"]["myshopifyDomain"] == "example.myshopify.com"
    assert {"handle": "read_customers"} in told["currentAppInstallation"]["accessScopes"]
    assert told["webhookSubscriptions"]["nodes"][0] == {"topic": "CUSTOMERS_CREATE", "uri": "http://127.0.0.1:1/"}
    assert shop.subscriptions[0] == "customers/create"


def test_fields_can_be_left_out_by_directives(shop: ShopShelf, api: Api) -> None:
    query = (
        "query($id: ID!, $more: Boolean = false) {"
        " customer(id: $id) { id note @include(if: $more) state @skip(if: $more) } }"
    )
    gid = made(shop).gid
    assert api(query, id=gid)["data"]["customer"] == {"id": gid, "state": "DISABLED"}
    assert api(query, id=gid, more=True)["data"]["customer"] == {"id": gid, "note": "a & b / c"}


def test_addresses_and_metafields_come_in_pages(shop: ShopShelf, api: Api) -> None:
    customer = made(
        shop, addresses=[ADDRESS, {**ADDRESS, "city": "港区"}], metafields={"custom.a": "1", "custom.b": "2"}
    )
    told = api(
        "query($id: ID!) { customer(id: $id) { addressesV2(first: 1) { nodes { city } pageInfo { hasNextPage } }"
        ' metafields(first: 5, namespace: "custom") { edges { node { key value } } } } }',
        id=customer.gid,
    )["data"]["customer"]
    assert told["addressesV2"] == {"nodes": [{"city": "千代田区"}], "pageInfo": {"hasNextPage": True}}
    assert [one["node"]["key"] for one in told["metafields"]["edges"]] == ["a", "b"]


# Refusals of GraphQL


@pytest.mark.parametrize(
    ("query", "message", "code"),
    [
        ("{ shop { owner } }", "Field 'owner' doesn't exist on type 'Shop'", "undefinedField"),
        ("{ orders { id } }", "Field 'orders' doesn't exist on type 'QueryRoot'", "undefinedField"),
        ("mutation { customerUpdate { id } }", "Field 'customerUpdate' doesn't exist", "undefinedField"),
        ("{ shop }", "Field must have selections (field 'shop' returns Shop", "selectionMismatch"),
        ("{ shop { name { x } } }", "Selections can't be made on scalars (field 'name'", "selectionMismatch"),
        ('{ shop(id: "1") { name } }', "Field 'shop' doesn't accept argument 'id'", "argumentNotAccepted"),
        ("{ customer { id } }", "Field 'customer' is missing required arguments: id", "missingRequiredArguments"),
        ('{ customer(id: "12") { id } }', "Invalid global id '12'", "argumentLiteralsIncompatible"),
        ("{ customer(id: $id) { id } }", "Variable $id is used by anonymous query but not", "variableNotDefined"),
        ("query Q($n: Int) { shop { name } }", "Variable $n is declared by Q but not used", "variableNotUsed"),
        ("{ customers(first: 300) { nodes { id } } }", "`first` of 'customers' must lie", "BAD_REQUEST"),
        ("{ customers { nodes { id } } }", "you must provide one of first or last", "BAD_REQUEST"),
        ("{ customers(first: 1, sortKey: SIZE) { nodes { id } } }", "Could not coerce value", "argumentLiterals"),
        ("{ ...Missing }", "Fragment Missing was used, but not defined", "useAndDefineFragment"),
        ("{ nodes(ids: []) { ... on Cat { id } } }", "No such type Cat", "undefinedType"),
        ("{ shop { name }", "Parse error on end of file", ""),
        ("{ shop { name ? } }", 'Parse error on "?"', ""),
        ("query A { shop { name } } query B { shop { id } }", "An operation name is required", ""),
    ],
)
def test_a_wrong_query_is_refused_in_shopifys_words(
    shop: ShopShelf, api: Api, query: str, message: str, code: str
) -> None:
    told = api.refused(query)
    assert told[0].startswith(message)
    assert told[1].startswith(code)


def test_an_unknown_field_is_named_with_its_place_and_path(shop: ShopShelf, api: Api) -> None:
    error = api("query Read {\n  shop {\n    owner\n  }\n}")["errors"][0]
    assert error["locations"] == [{"line": 3, "column": 5}]
    assert error["path"] == ["query Read", "shop", "owner"]
    assert error["extensions"] == {"code": "undefinedField", "typeName": "Shop", "fieldName": "owner"}


def test_a_variable_of_the_wrong_kind_is_refused(shop: ShopShelf, api: Api) -> None:
    assert api.refused(WHOLE) == ("Variable $id of type ID! was provided invalid value", "INVALID_VARIABLE")
    assert api.refused(WHOLE, id="6900000000001")[1] == "INVALID_VARIABLE"
    assert api.refused("query($n: Int!) { customers(first: $n) { nodes { id } } }", n="9")[1] == "INVALID_VARIABLE"


def test_more_than_250_ids_are_refused(shop: ShopShelf, api: Api) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    gids = [f"gid://shopify/Customer/{number}" for number in range(251)]
    assert api(query, ids=gids[:250])["data"]["nodes"] == [None] * 250
    assert api.refused(query, ids=gids)[1] == "MAX_INPUT_SIZE_EXCEEDED"


def test_a_query_above_1000_points_is_refused(shop: ShopShelf, api: Api) -> None:
    error = api("{ customers(first: 250) { nodes { id a: defaultAddress { id } b: lastOrder { id }"
                " c: amountSpent { amount } } } }")["errors"][0]  # fmt: skip
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert error["extensions"]["cost"] == 1002


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": 5}', b'{"query": "{shop{name}}", "variables": [1]}'])
def test_a_body_without_a_query_is_a_bad_request(client: FlaskClient, body: bytes) -> None:
    answer = client.post(f"{API}/graphql.json", data=body, headers={"X-Shopify-Access-Token": "shpat_sandbox"})
    assert answer.status_code == 400
    assert answer.json == {"errors": {"query": "Required parameter missing or invalid"}}


# Reading GraphQL


def test_values_of_every_kind_are_read() -> None:
    document = parse(
        'query Q($a: [ID!]! = ["x"], $b: Int) { # why\n'
        ' f(i: -5, f: 1.5e3, s: "a\\n\\u3042\\"", t: true, n: null, e: RED, l: [1, 2], o: {k: $b})'
        ' g(text: """\n    one\n      two\n    """) }'
    )
    [operation] = document.operations
    assert [(one.name, one.type, one.default) for one in operation.variables] == [
        ("a", "[ID!]!", ["x"]),
        ("b", "Int", None),
    ]
    f, g = operation.selections
    assert f.arguments == {  # type: ignore[union-attr]
        "i": -5,
        "f": 1500.0,
        "s": 'a\nあ"',
        "t": True,
        "n": None,
        "e": ("RED",),
        "l": [1, 2],
        "o": {"k": ("b",)},
    }
    assert g.arguments == {"text": "one\n  two"}  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "{}", "{ a( }", "{ a: }", "query ($a) { a }", "subscription { a }", "{ a } }"])
def test_what_is_no_graphql_is_refused(text: str) -> None:
    with pytest.raises(GraphQLSyntaxError, match="Parse error"):
        parse(text)


# Cost and throttling


def test_throttled_is_an_error_inside_a_200_until_the_bucket_has_refilled(
    shop: ShopShelf, api: Api, time: Time
) -> None:
    gid = made(shop).gid
    shop.bucket.drain(2)
    told = api(WHOLE, id=gid)
    assert "data" not in told
    assert told["errors"][0]["message"] == "Throttled"
    assert told["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert told["extensions"]["cost"] == {
        "requestedQueryCost": 6,
        "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 2, "restoreRate": 100.0},
    }
    time.forward(0.04)
    told = api(WHOLE, id=gid)
    assert told["data"]["customer"]["id"] == gid
    assert told["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 4, "what was null is given back"
    time.forward(3600)
    assert api(WHOLE, id=gid)["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 1998


def test_without_a_rate_nothing_is_throttled() -> None:
    app = create_sandbox(SandboxConfig(shopify_points_per_second=None, shopify_points_maximum=5))
    answer = Api(app.test_client())(WHOLE, id="gid://shopify/Customer/1")
    assert answer["data"] == {"customer": None}


# Who may come in


def test_without_a_good_token_there_is_a_401(api: Api, shop: ShopShelf) -> None:
    api.token = "shpat_wrong"
    answer = api.post(WHOLE, id="gid://shopify/Customer/1")
    assert answer.status_code == 401
    assert answer.json == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


def test_a_token_by_client_credentials_expires(client: FlaskClient, api: Api, shop: ShopShelf, time: Time) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "sandbox-shopify-client",
        "client_secret": "sandbox-shopify-secret",
    }
    told = client.post("/shopify/admin/oauth/access_token", data=form).json
    assert told is not None
    assert told["expires_in"] == 86_399
    assert "read_customers" in told["scope"]
    api.token = told["access_token"]
    assert api.post("{ shop { name } }").status_code == 200
    time.forward(86_400)
    assert api.post("{ shop { name } }").status_code == 401
    api.token = client.post("/shopify/admin/oauth/access_token", json=form).json["access_token"]  # type: ignore[index]
    assert api.post("{ shop { name } }").status_code == 200
    client.delete("/sandbox/shop/tokens")
    assert api.post("{ shop { name } }").status_code == 401


def test_a_wrong_client_gets_no_token(client: FlaskClient) -> None:
    door = "/shopify/admin/oauth/access_token"
    wrong = {"grant_type": "client_credentials", "client_id": "sandbox-shopify-client", "client_secret": "x"}
    assert client.post(door, data=wrong).status_code == 401
    assert client.post(door, data={"grant_type": "password"}).status_code == 400


def test_an_old_version_falls_forward_and_says_so(api: Api, shop: ShopShelf) -> None:
    answer = api.post("{ shop { name } }", "2024-04")
    assert answer.status_code == 200
    assert answer.headers["X-Shopify-API-Version"] == "2026-01"
    assert api.post("{ shop { name } }").headers["X-Shopify-API-Version"] == "2026-10"
    assert api.post("{ shop { name } }", "2026-13").status_code == 404
    assert serves_version("2027-01") is None
    assert serves_version("unstable") == "unstable"


def test_without_the_scope_customers_are_denied(shop: ShopShelf, api: Api, client: FlaskClient) -> None:
    customer = made(shop)
    shop.scopes = ()
    told = api(WHOLE, id=customer.gid)
    assert told["data"] == {"customer": None}
    assert told["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert told["errors"][0]["path"] == ["customer"]
    rest = client.get(f"{API}/customers/{customer.id}.json", headers={"X-Shopify-Access-Token": "shpat_sandbox"})
    assert rest.status_code == 403


@pytest.mark.parametrize(("level_two", "errors"), [("denied", 5), ("blank", 0)])
def test_without_level_two_personal_fields_are_null(shop: ShopShelf, api: Api, level_two: Any, errors: int) -> None:
    customer = made(shop, addresses=[ADDRESS], phone="09000001234", metafields={"custom.last_name_kana": "ミホン"})
    shop.level_two = level_two
    told = api(WHOLE, id=customer.gid)
    read = told["data"]["customer"]
    hidden = ("firstName", "lastName", "defaultEmailAddress", "defaultPhoneNumber", "defaultAddress")
    assert [read[name] for name in hidden] == [None] * 5
    assert read["state"] == "DISABLED"
    codes = [(one["extensions"]["code"], one["path"][-1]) for one in told.get("errors", [])]
    assert codes == [("ACCESS_DENIED", name) for name in hidden][:errors]


# Searching


def search(api: Api, **arguments: Any) -> Any:
    return api(
        "query($first: Int!, $after: String, $query: String, $reverse: Boolean) { customers(first: $first,"
        " after: $after, query: $query, sortKey: UPDATED_AT, reverse: $reverse)"
        " { nodes { id } pageInfo { hasNextPage endCursor } } }",
        **arguments,
    )


def test_what_changed_since_is_paged_in_order_even_when_customers_tie(shop: ShopShelf, api: Api, time: Time) -> None:
    many = [made(shop, email=f"a{number}@example.jp") for number in range(5)]
    time.forward(10)
    shop.save(many[0].id, send=False)
    seen: list[str] = []
    after = None
    for expected in (True, True, False):
        told = search(api, first=2, after=after, query="updated_at:>='2026-11-22T03:00:00Z'")["data"]["customers"]
        seen += [one["id"] for one in told["nodes"]]
        after = told["pageInfo"]["endCursor"]
        assert told["pageInfo"]["hasNextPage"] is expected
    assert seen == [one.gid for one in (*many[1:], many[0])]
    newest = search(api, first=1, reverse=True)["data"]["customers"]["nodes"]
    assert newest == [{"id": many[0].gid}]


@pytest.mark.parametrize(
    ("query", "precision", "found"),
    [
        ("updated_at:>'2026-11-22T03:00:05Z'", "second", 1),
        ("updated_at:>'2026-11-22T12:00:05+09:00' AND state:disabled", "second", 1),
        ("updated_at:>2026-11-22T11:59:59", "second", 2),
        ("updated_at:>'2026-11-22T00:00:00+09:00'", "day", 0),
        ("updated_at:>='2026-11-22T23:59:59+09:00'", "day", 2),
        ("updated_at:>2026-11-21", "second", 2),
        ("updated_at:>nonsense", "second", 0),
        ("email:JIRO@example.jp", "second", 1),
        ("tag:vip", "second", 1),
        ("jiro", "second", 1),
        ("", "second", 2),
    ],
)
def test_search_words(shop: ShopShelf, api: Api, time: Time, query: str, precision: Any, found: int) -> None:
    made(shop)
    time.forward(10)
    made(shop, email="jiro@example.jp", tags=["VIP"])
    shop.search_precision = precision
    assert len(search(api, first=10, query=query)["data"]["customers"]["nodes"]) == found


def test_a_search_word_shopify_does_not_know_is_ignored_and_warned_of(shop: ShopShelf, api: Api) -> None:
    made(shop)
    told = search(api, first=10, query="shoe_size:24")
    assert len(told["data"]["customers"]["nodes"]) == 1
    assert told["extensions"]["search"][0]["warnings"][0]["field"] == "shoe_size"


def test_a_cursor_nobody_gave_out_is_refused(shop: ShopShelf, api: Api) -> None:
    told = search(api, first=1, after="not-a-cursor")
    assert told["errors"][0]["message"].startswith("Invalid cursor")


# REST


def test_one_customer_is_read_by_rest(shop: ShopShelf, client: FlaskClient) -> None:
    customer = made(shop, addresses=[ADDRESS], metafields={"custom.gender": "female"})
    token = {"X-Shopify-Access-Token": "shpat_sandbox"}
    told = client.get(f"{API}/customers/{customer.id}.json", headers=token).json
    assert told is not None
    assert told["customer"]["default_address"]["province_code"] == "JP-13"
    assert told["customer"]["tags"] == ""
    listed = client.get(f"{API}/customers/{customer.id}/metafields.json", headers=token).json
    assert listed is not None
    assert listed["metafields"][0]["value"] == "female"
    assert client.get(f"{API}/customers/1.json", headers=token).status_code == 404
    assert client.get(f"{API}/customers/{customer.id}.json").status_code == 401


# The doors that steer


def test_the_shop_can_be_steered_over_http(client: FlaskClient, shop: ShopShelf) -> None:
    assert client.patch("/sandbox/shop", json={"retry_seconds": [], "admin_gap_seconds": 0}).status_code == 200
    made_ = client.post(
        "/sandbox/shop/customers",
        json={**PERSON, "addresses": [ADDRESS], "metafields": {"custom.gender": "female"}, "by": "admin", "copies": 2},
    )
    assert made_.status_code == 201
    assert made_.json is not None
    number = made_.json["id"]
    assert made_.json["metafields"] == {"custom.gender": "female"}
    door = f"/sandbox/shop/customers/{number}"
    assert client.patch(door, json={"note": "changed", "send": False}).json["note"] == "changed"  # type: ignore[index]
    assert client.post(f"{door}/save").status_code == 200
    assert client.get(door).json["last_name"] == "見本"  # type: ignore[index]
    assert client.post("/sandbox/shop/test-notification", json={"topic": "customers/update"}).status_code == 202
    assert shop.wait_idle()
    topics = [one["topic"] for one in client.get(f"/sandbox/deliveries?customer_id={number}").json or []]
    assert topics == ["customers/create"] * 2 + ["customers/update"] * 3
    assert client.post("/sandbox/shop/deliveries/1/again").status_code == 202
    assert client.delete(door).status_code == 204
    assert client.get(door).status_code == 404


def test_deliveries_can_be_held_and_subscriptions_made_over_http(client: FlaskClient, shop: ShopShelf) -> None:
    assert client.post("/sandbox/shop/webhooks/hold").status_code == 204
    client.post("/sandbox/shop/customers", json=PERSON)
    assert client.post("/sandbox/shop/webhooks/release", json={"order": "reversed"}).json == {"released": 1}
    assert client.post("/sandbox/shop/webhooks/release", json={"order": "upwards"}).status_code == 400
    shop.webhooks.unsubscribe()
    assert client.get("/sandbox/shop/subscriptions").json == []
    made_ = client.post("/sandbox/shop/subscriptions", json={"topics": ["customers/create"]})
    assert made_.json == ["customers/create"]
    shop.wait_idle()


@pytest.mark.parametrize(
    ("method", "door", "asked", "status"),
    [
        ("post", "/sandbox/shop/customers", {"email": "nobody"}, 422),
        ("post", "/sandbox/shop/customers", {**PERSON, "signed_with": "blood"}, 400),
        ("post", "/sandbox/shop/customers", {**PERSON, "copies": "many"}, 400),
        ("post", "/sandbox/shop/customers", {**PERSON, "by": "nobody"}, 400),
        ("post", "/sandbox/shop/customers", [], 400),
        ("patch", "/sandbox/shop/customers/1", {"note": "x"}, 404),
        ("post", "/sandbox/shop/customers/1/save", {}, 404),
        ("post", "/sandbox/shop/deliveries/1/again", {}, 404),
        ("patch", "/sandbox/shop", {"colour": "red"}, 400),
        ("patch", "/sandbox/shop", {"level_two": "some"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    client: FlaskClient, shop: ShopShelf, method: str, door: str, asked: Any, status: int
) -> None:
    answer = client.open(door, method=method, json=asked)
    assert answer.status_code == status
    assert answer.json


def test_reset_empties_the_shop(client: FlaskClient, shop: ShopShelf) -> None:
    made(shop)
    assert len(client.get("/sandbox/records").json["customers"]) == 1  # type: ignore[index]
    client.post("/sandbox/reset")
    assert shop.customers() == []
    made(shop)
