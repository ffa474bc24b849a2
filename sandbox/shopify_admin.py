"""The doors of the Admin API: GraphQL, a little of REST, and tokens by client credentials.

https://shopify.dev/docs/api/admin-graphql
"""

import json
import uuid
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from sandbox.shopify_check import GraphQLRefused
from sandbox.shopify_execute import Ready, prepare, run
from sandbox.shopify_payloads import rest_customer, serves_version
from sandbox.shopify_search import matches

if TYPE_CHECKING:
    from sandbox.shopify import ShopShelf

_LIMITS_PAGE = "https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits"
_NO_LOGIN = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


def blueprint(shelf: "ShopShelf") -> Blueprint:
    """Mounted at `/shopify/admin`."""
    doors = Blueprint("admin", __name__, url_prefix="/shopify/admin")

    @doors.post("/oauth/access_token")
    def access_token() -> Response:
        return _token(shelf)

    @doors.post("/api/<version>/graphql.json")
    def graphql(version: str) -> Response:
        return _refusal(shelf, version) or _graphql(shelf, version)

    @doors.get("/api/<version>/customers/<int:customer_id>.json")
    def customer(version: str, customer_id: int) -> Response:
        found = shelf.get(customer_id)
        refusal = _refusal(shelf, version) or _unscoped(shelf)
        if refusal or found is None:
            return refusal or _json({"errors": "Not Found"}, 404, version)
        return _json({"customer": rest_customer(found)}, 200, version)

    @doors.get("/api/<version>/customers/<int:customer_id>/metafields.json")
    def metafields(version: str, customer_id: int) -> Response:
        found = shelf.get(customer_id)
        refusal = _refusal(shelf, version) or _unscoped(shelf)
        if refusal or found is None:
            return refusal or _json({"errors": "Not Found"}, 404, version)
        listed = [
            {"namespace": one.namespace, "key": one.key, "value": one.value, "type": one.type, "owner_id": found.id}
            for one in found.metafields
        ]
        return _json({"metafields": listed}, 200, version)

    return doors


def _token(shelf: "ShopShelf") -> Response:
    # https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant
    asked = request.form.to_dict() or request.get_json(silent=True) or {}
    if asked.get("grant_type") != "client_credentials":
        return _json({"error": "unsupported_grant_type", "error_description": "The grant type is not supported"}, 400)
    known = (shelf.config.shopify_client_id, shelf.config.shopify_client_secret)
    if (asked.get("client_id"), asked.get("client_secret")) != known:
        return _json({"error": "invalid_client", "error_description": "The client is not known"}, 401)
    return _json(
        {
            "access_token": shelf.issue_token(),
            "scope": ",".join(shelf.scopes),
            "expires_in": shelf.config.shopify_token_life_seconds,
        },
        200,
    )


def _refusal(shelf: "ShopShelf", version: str) -> Response | None:
    if serves_version(version) is None:
        return _json({"errors": "Not Found"}, 404)
    if not shelf.accepts_token(request.headers.get("X-Shopify-Access-Token", "")):
        return _json(_NO_LOGIN, 401, version)
    return None


def _unscoped(shelf: "ShopShelf") -> Response | None:
    if "read_customers" in shelf.scopes:
        return None
    words = "[API] This action requires merchant approval for read_customers scope."
    return _json({"errors": words}, 403)


def _graphql(shelf: "ShopShelf", version: str) -> Response:
    asked = _asked()
    if asked is None:
        return _json({"errors": {"query": "Required parameter missing or invalid"}}, 400, version)
    try:
        ready = prepare(asked["query"], asked.get("variables") or {}, asked.get("operationName"))
    except GraphQLRefused as refused:
        return _json({"errors": refused.errors}, 200, version)
    if not shelf.bucket.take(ready.cost):
        throttled = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": _LIMITS_PAGE}}
        # A throttled query is answered with 200: only the code tells.
        return _json({"errors": [throttled], "extensions": _extensions(shelf, ready, None)}, 200, version)
    answer = run(ready, shelf, shelf.level_two, shelf.withheld)
    shelf.bucket.give_back(max(0, ready.cost - answer.cost))
    told: dict[str, Any] = {"data": answer.data}
    if answer.errors:
        told["errors"] = answer.errors
    told["extensions"] = _extensions(shelf, ready, answer.cost)
    return _json(told, 200, version)


def _asked() -> dict[str, Any] | None:
    raw = request.get_data()
    if request.mimetype == "application/graphql":
        return {"query": raw.decode(errors="replace")}
    try:
        asked = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        return None
    if not isinstance(asked.get("variables") or {}, dict):
        return None
    return asked


def _extensions(shelf: "ShopShelf", ready: Ready, actual: int | None) -> dict[str, Any]:
    extensions: dict[str, Any] = {
        "cost": {
            "requestedQueryCost": ready.cost,
            "actualQueryCost": actual,
            "throttleStatus": shelf.bucket.status(),
        }
    }
    warned = [] if actual is None else [said for said in map(_search_warning, ready.searches) if said]
    if warned:
        extensions["search"] = warned
    return extensions


def _search_warning(search: tuple[str, str]) -> dict[str, Any] | None:
    key, query = search
    _, unknown = matches(query, "second")
    warnings = [
        {"field": name, "message": "Invalid search field for this query.", "code": "invalid_field"} for name in unknown
    ]
    return {"path": [key], "query": query, "warnings": warnings} if warnings else None


def _json(told: object, status: int, version: str | None = None) -> Response:
    answer = Response(json.dumps(told, ensure_ascii=False), status, mimetype="application/json")
    answer.headers["X-Request-Id"] = str(uuid.uuid4())
    served = serves_version(version) if version else None
    if served:
        answer.headers["X-Shopify-API-Version"] = served
    return answer
