"""The part of Shopify's Admin GraphQL schema that the stand-in answers: types, fields, where values come from.

https://shopify.dev/docs/api/admin-graphql/latest/objects/Customer
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sandbox.shopify_customers import Consent, Metafield, ShopAddress, ShopCustomer
from sandbox.shopify_payloads import SUPPORTED_VERSIONS
from sandbox.shopify_search import Page


class Shop(Protocol):
    """What resolvers need of the shop."""

    @property
    def domain(self) -> str: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def webhook_url(self) -> str: ...
    @property
    def subscriptions(self) -> list[str]: ...
    def ask_for_webhook(self, topic: str, uri: str) -> None: ...
    def get(self, customer_id: int) -> ShopCustomer | None: ...
    def page(self, arguments: Mapping[str, Any]) -> Page: ...
    def count(self) -> int: ...


Resolve = Callable[[Any, Mapping[str, Any], Shop], Any]


@dataclass(frozen=True, slots=True)
class FieldDef:
    """A field: its type as GraphQL writes it, how its value is found, its arguments' types.

    `is_protected`: level 2 of protected customer data (name, address, phone, e-mail).
    """

    type: str
    resolve: Resolve
    arguments: Mapping[str, str] = field(default_factory=dict)
    is_protected: bool = False

    @property
    def of(self) -> str:
        """The bare name of the type."""
        return self.type.strip("[]!")

    @property
    def is_list(self) -> bool:
        return self.type.startswith("[")

    @property
    def is_connection(self) -> bool:
        return self.of.endswith("Connection")


def _get(kind: str, name: str, *, protected: bool = False) -> FieldDef:
    return FieldDef(kind, lambda it, _args, _shop: getattr(it, name), is_protected=protected)


def _value(kind: str, find: Callable[[Any], Any], *, protected: bool = False) -> FieldDef:
    return FieldDef(kind, lambda it, _args, _shop: find(it), is_protected=protected)


def _key(kind: str, name: str) -> FieldDef:
    return FieldDef(kind, lambda it, _args, _shop: it[name])


def stamp(at: datetime | None) -> str | None:
    """A time as GraphQL writes it: UTC, whole seconds, Z."""
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def customer_id(gid: str) -> int | None:
    """The number in `gid://shopify/Customer/1`, or None when it is another thing's id. Raises ValueError when none."""
    if not gid.startswith("gid://shopify/"):
        raise ValueError(f"Invalid global id '{gid}'")
    kind, _, number = gid.removeprefix("gid://shopify/").partition("/")
    if not number.isdecimal():
        raise ValueError(f"Invalid global id '{gid}'")
    return int(number) if kind == "Customer" else None


def _customer(gid: str, shop: Shop) -> ShopCustomer | None:
    number = customer_id(gid)
    return None if number is None else shop.get(number)


def _listed(items: Iterable[Any], arguments: Mapping[str, Any]) -> Page:
    kept = list(items)
    first = arguments.get("first") or len(kept)
    return Page(kept[:first], [str(n) for n in range(len(kept[:first]))], len(kept) > first)


def _metafields_page(it: ShopCustomer, arguments: Mapping[str, Any]) -> Page:
    namespace, keys = arguments.get("namespace"), arguments.get("keys")
    found = [
        (it, one)
        for one in it.metafields
        if (namespace is None or one.namespace == namespace)
        and (keys is None or one.key in keys or f"{one.namespace}.{one.key}" in keys)
    ]
    return _listed(found, arguments)


def _metafield(it: ShopCustomer, arguments: Mapping[str, Any]) -> tuple[ShopCustomer, Metafield] | None:
    namespace, key = arguments.get("namespace"), arguments["key"]
    if namespace is None and "." in key:
        namespace, _, key = key.partition(".")
    one = it.metafield(namespace or "", key)
    return None if one is None else (it, one)


def _marketing(name: str, find: Callable[[ShopCustomer], str | None], consent: str) -> FieldDef:
    def resolve(it: ShopCustomer) -> Mapping[str, Any] | None:
        reached = find(it)
        kept: Consent | None = getattr(it, consent)
        if reached is None:
            return None
        return {name: reached, **_consent(kept or Consent())}

    kind = "CustomerEmailAddress" if name == "emailAddress" else "CustomerPhoneNumber"
    return _value(kind, resolve, protected=True)


def _consent(consent: Consent) -> dict[str, Any]:
    return {
        "marketingState": consent.state.upper(),
        "marketingOptInLevel": consent.opt_in_level.upper() if consent.opt_in_level else None,
        "marketingUpdatedAt": stamp(consent.consent_updated_at),
        "consentUpdatedAt": stamp(consent.consent_updated_at),
    }


def _display_name(it: ShopCustomer) -> str | None:
    return " ".join(part for part in (it.first_name, it.last_name) if part) or it.email or it.phone


def _last_order(it: ShopCustomer) -> dict[str, Any] | None:
    if it.last_order_at is None:
        return None
    return {
        "id": f"gid://shopify/Order/{it.last_order_id or 1}",
        "name": it.last_order_name,
        "createdAt": stamp(it.last_order_at),
        "processedAt": stamp(it.last_order_at),
    }


def _app_installation(_it: Any, _arguments: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    return {
        "id": "gid://shopify/AppInstallation/1",
        "accessScopes": [{"handle": scope, "description": scope.replace("_", " ")} for scope in shop.scopes],
    }


def _shop(_it: Any, _arguments: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Shop/1",
        "name": "見本商店",
        "myshopifyDomain": shop.domain,
        "currencyCode": "JPY",
        "ianaTimezone": "Asia/Tokyo",
        "timezoneOffset": "+0900",
    }


def _subscriptions(_it: Any, arguments: Mapping[str, Any], shop: Shop) -> Page:
    subscriptions = [
        {
            "id": f"gid://shopify/WebhookSubscription/{number}",
            "topic": topic.replace("/", "_").upper(),
            "uri": shop.webhook_url,
            "format": "JSON",
        }
        for number, topic in enumerate(shop.subscriptions, start=1)
    ]
    return _listed(subscriptions, arguments)


def _create_subscription(_it: Any, arguments: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    # https://shopify.dev/docs/api/admin-graphql/latest/objects/WebhookSubscription : `uri`; `callbackUrl` is deprecated
    topic, uri = str(arguments["topic"]), arguments["webhookSubscription"].get("uri")
    if not isinstance(uri, str) or not uri.startswith(("http://", "https://")):
        wrong = {"field": ["webhookSubscription", "uri"], "message": "Address is invalid"}
        return {"webhookSubscription": None, "userErrors": [wrong]}
    shop.ask_for_webhook(topic.lower().replace("_", "/"), uri)
    made = _subscriptions(None, {}, shop).nodes
    return {"webhookSubscription": next(one for one in made if one["topic"] == topic), "userErrors": []}


def _versions(_it: Any, _arguments: Mapping[str, Any], _shop: Shop) -> list[dict[str, Any]]:
    return [{"handle": version, "displayName": version, "supported": True} for version in SUPPORTED_VERSIONS]


def _connection(of: str) -> dict[str, dict[str, FieldDef]]:
    return {
        f"{of}Connection": {
            "nodes": _get(f"[{of}!]!", "nodes"),
            "edges": _value(
                f"[{of}Edge!]!",
                lambda it: [{"cursor": c, "node": n} for c, n in zip(it.cursors, it.nodes, strict=True)],
            ),
            "pageInfo": _value("PageInfo!", lambda it: it),
        },
        f"{of}Edge": {"cursor": _key("String!", "cursor"), "node": _key(f"{of}!", "node")},
    }


_PAGING: Final = {"first": "Int", "after": "String", "last": "Int", "before": "String", "reverse": "Boolean"}

TYPES: Final[dict[str, dict[str, FieldDef]]] = {
    "QueryRoot": {
        "customer": FieldDef("Customer", lambda _, args, shop: _customer(args["id"], shop), {"id": "ID!"}),
        "node": FieldDef("Node", lambda _, args, shop: _customer(args["id"], shop), {"id": "ID!"}),
        "nodes": FieldDef(
            "[Node]!", lambda _, args, shop: [_customer(gid, shop) for gid in args["ids"]], {"ids": "[ID!]!"}
        ),
        "customers": FieldDef(
            "CustomerConnection!",
            lambda _, args, shop: shop.page(args),
            {**_PAGING, "query": "String", "sortKey": "CustomerSortKeys"},
        ),
        "customersCount": FieldDef("Count", lambda _, _args, shop: {"count": shop.count(), "precision": "EXACT"}),
        "shop": FieldDef("Shop!", _shop),
        "currentAppInstallation": FieldDef("AppInstallation!", _app_installation),
        "webhookSubscriptions": FieldDef("WebhookSubscriptionConnection!", _subscriptions, _PAGING),
        "publicApiVersions": FieldDef("[ApiVersion!]!", _versions),
    },
    "Mutation": {
        "webhookSubscriptionCreate": FieldDef(
            "WebhookSubscriptionCreatePayload",
            _create_subscription,
            {"topic": "WebhookSubscriptionTopic!", "webhookSubscription": "WebhookSubscriptionInput!"},
        ),
    },
    "WebhookSubscriptionCreatePayload": {
        "webhookSubscription": _key("WebhookSubscription", "webhookSubscription"),
        "userErrors": _key("[UserError!]!", "userErrors"),
    },
    "UserError": {"field": _key("[String!]", "field"), "message": _key("String!", "message")},
    "Node": {"id": _get("ID!", "gid")},
    "Customer": {
        "id": _get("ID!", "gid"),
        "legacyResourceId": _value("UnsignedInt64!", lambda it: str(it.id)),
        "firstName": _get("String", "first_name", protected=True),
        "lastName": _get("String", "last_name", protected=True),
        "displayName": _value("String!", _display_name, protected=True),
        "email": _get("String", "email", protected=True),
        "phone": _get("String", "phone", protected=True),
        "state": _value("CustomerState!", lambda it: it.state.upper()),
        "note": _get("String", "note"),
        "tags": _value("[String!]!", lambda it: list(it.tags)),
        "locale": _get("String!", "locale"),
        "verifiedEmail": _value("Boolean!", lambda it: bool(it.verified_email and it.email)),
        "taxExempt": _get("Boolean!", "tax_exempt"),
        "multipassIdentifier": _value("String", lambda _it: None),
        "createdAt": _value("DateTime!", lambda it: stamp(it.created_at)),
        "updatedAt": _value("DateTime!", lambda it: stamp(it.updated_at)),
        "numberOfOrders": _value("UnsignedInt64!", lambda it: str(it.orders_count)),
        "amountSpent": _value("MoneyV2!", lambda it: {"amount": it.total_spent, "currencyCode": it.currency}),
        "lastOrder": _value("Order", _last_order),
        "defaultEmailAddress": _marketing("emailAddress", lambda it: it.email, "email_consent"),
        "defaultPhoneNumber": _marketing("phoneNumber", lambda it: it.phone, "sms_consent"),
        "emailMarketingConsent": _value("CustomerEmailMarketingConsentState", lambda it: _consent(it.email_consent)),
        "smsMarketingConsent": _value(
            "CustomerSmsMarketingConsentState", lambda it: it.sms_consent and _consent(it.sms_consent)
        ),
        "defaultAddress": _get("MailingAddress", "default_address", protected=True),
        "addresses": FieldDef(
            "[MailingAddress!]!",
            lambda it, args, _shop: list(it.addresses)[: args.get("first")],
            {"first": "Int"},
            is_protected=True,
        ),
        "addressesV2": FieldDef(
            "MailingAddressConnection!",
            lambda it, args, _shop: _listed(it.addresses, args),
            _PAGING,
            is_protected=True,
        ),
        "metafield": FieldDef(
            "Metafield", lambda it, args, _shop: _metafield(it, args), {"namespace": "String", "key": "String!"}
        ),
        "metafields": FieldDef(
            "MetafieldConnection!",
            lambda it, args, _shop: _metafields_page(it, args),
            {**_PAGING, "namespace": "String", "keys": "[String!]"},
        ),
    },
    "Metafield": {
        "id": _value("ID!", lambda it: f"gid://shopify/Metafield/{it[0].id}{it[0].metafields.index(it[1]) + 1}"),
        "namespace": _value("String!", lambda it: it[1].namespace),
        "key": _value("String!", lambda it: it[1].key),
        "value": _value("String!", lambda it: it[1].value),
        "type": _value("String!", lambda it: it[1].type),
        "createdAt": _value("DateTime!", lambda it: stamp(it[0].created_at)),
        "updatedAt": _value("DateTime!", lambda it: stamp(it[0].updated_at)),
    },
    "MailingAddress": {
        "id": _value("ID!", lambda it: f"gid://shopify/MailingAddress/{it.id}?model_name=CustomerAddress"),
        "firstName": _get("String", "first_name"),
        "lastName": _get("String", "last_name"),
        "name": _value("String", lambda it: it.name or None),
        "company": _get("String", "company"),
        "address1": _get("String", "address1"),
        "address2": _get("String", "address2"),
        "city": _get("String", "city"),
        "province": _get("String", "province"),
        "provinceCode": _get("String", "province_code"),
        "country": _get("String", "country"),
        "countryCode": _get("String", "country_code"),
        "countryCodeV2": _get("CountryCode", "country_code"),
        "zip": _get("String", "zip"),
        "phone": _get("String", "phone"),
    },
    "CustomerEmailAddress": {
        "emailAddress": _key("String!", "emailAddress"),
        "marketingState": _key("CustomerEmailAddressMarketingState!", "marketingState"),
        "marketingOptInLevel": _key("CustomerMarketingOptInLevel", "marketingOptInLevel"),
        "marketingUpdatedAt": _key("DateTime", "marketingUpdatedAt"),
    },
    "CustomerPhoneNumber": {
        "phoneNumber": _key("String!", "phoneNumber"),
        "marketingState": _key("CustomerSmsMarketingState!", "marketingState"),
        "marketingOptInLevel": _key("CustomerMarketingOptInLevel", "marketingOptInLevel"),
        "marketingUpdatedAt": _key("DateTime", "marketingUpdatedAt"),
    },
    "CustomerEmailMarketingConsentState": {
        "marketingState": _key("CustomerEmailMarketingState!", "marketingState"),
        "marketingOptInLevel": _key("CustomerMarketingOptInLevel", "marketingOptInLevel"),
        "consentUpdatedAt": _key("DateTime", "consentUpdatedAt"),
    },
    "CustomerSmsMarketingConsentState": {
        "marketingState": _key("CustomerSmsMarketingState!", "marketingState"),
        "marketingOptInLevel": _key("CustomerMarketingOptInLevel!", "marketingOptInLevel"),
        "consentUpdatedAt": _key("DateTime", "consentUpdatedAt"),
    },
    "MoneyV2": {"amount": _key("Decimal!", "amount"), "currencyCode": _key("CurrencyCode!", "currencyCode")},
    "Order": {
        "id": _key("ID!", "id"),
        "name": _key("String!", "name"),
        "createdAt": _key("DateTime!", "createdAt"),
        "processedAt": _key("DateTime!", "processedAt"),
    },
    "Count": {"count": _key("Int!", "count"), "precision": _key("String!", "precision")},
    "Shop": {
        name: _key("String!", name)
        for name in ("id", "name", "myshopifyDomain", "currencyCode", "ianaTimezone", "timezoneOffset")
    },
    "AppInstallation": {"id": _key("ID!", "id"), "accessScopes": _key("[AccessScope!]!", "accessScopes")},
    "AccessScope": {"handle": _key("String!", "handle"), "description": _key("String!", "description")},
    "WebhookSubscription": {
        "id": _key("ID!", "id"),
        "topic": _key("WebhookSubscriptionTopic!", "topic"),
        "uri": _key("String!", "uri"),
        "format": _key("WebhookSubscriptionFormat!", "format"),
    },
    "ApiVersion": {
        "handle": _key("String!", "handle"),
        "displayName": _key("String!", "displayName"),
        "supported": _key("Boolean!", "supported"),
    },
    "PageInfo": {
        "hasNextPage": _get("Boolean!", "has_next"),
        "hasPreviousPage": _get("Boolean!", "has_previous"),
        "startCursor": _value("String", lambda it: it.cursors[0] if it.cursors else None),
        "endCursor": _value("String", lambda it: it.cursors[-1] if it.cursors else None),
    },
    **_connection("Customer"),
    **_connection("MailingAddress"),
    **_connection("Metafield"),
    **_connection("WebhookSubscription"),
}

NEEDS_READ_CUSTOMERS: Final = frozenset({"customer", "customers", "customersCount", "node", "nodes"})


def type_name(value: Any, declared: str) -> str:
    """The concrete type of a value where an interface was declared."""
    if declared != "Node":
        return declared
    return "MailingAddress" if isinstance(value, ShopAddress) else "Customer"
