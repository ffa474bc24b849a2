"""Shopify looked through for `flask doctor`: credential, scopes, API version, personal data, webhooks. Reads alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from clients.checkup import Finding, ok, skipped, wrong
from clients.shopify.admin import Admin
from clients.shopify.refusals import DENIED, PROTECTED_DATA_PAGE, sort_troubles

#: What this service hears of: one subscription each.
TOPICS: Final[Mapping[str, str]] = {"CUSTOMERS_CREATE": "customers/create", "CUSTOMERS_UPDATE": "customers/update"}

_WHO: Final = "{ shop { name myshopifyDomain } currentAppInstallation { accessScopes { handle } } }"
_VERSIONS: Final = "{ publicApiVersions { handle supported } }"
_PEOPLE: Final = "{ customers(first: 5) { nodes { id firstName lastName defaultEmailAddress { emailAddress } } } }"
_HOOKS: Final = "{ webhookSubscriptions(first: 100) { nodes { id topic uri } } }"
_CREATE: Final = (
    "mutation($topic: WebhookSubscriptionTopic!, $to: WebhookSubscriptionInput!) "
    "{ webhookSubscriptionCreate(topic: $topic, webhookSubscription: $to) "
    "{ webhookSubscription { id } userErrors { field message } } }"
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One webhook that the app has asked for: ``topic`` as in a delivery's header."""

    id: str
    topic: str
    uri: str


def examine(
    admin: Admin, *, shop: str, version: str, address: str | None, fields: Callable[[], Iterator[Finding]] | None = None
) -> Iterator[Finding]:
    """Each line as it is found. ``address``: where webhooks are to go, if that is known. Raises ``CarryError``.

    ``fields`` looks at what comes of customers known here; without it, at what comes of the shop's first ones.
    """
    told = admin.ask(_WHO, points=5)
    if "shop" not in told.data:
        raise sort_troubles(told.troubles, told.vendor_request_id)
    domain = _at(told.data, "shop", "myshopifyDomain")
    if domain == shop:
        yield ok("credential", f"{admin.credential} is good for {shop}")
    else:
        yield wrong("credential", "it is another shop's", f"check SHOPIFY_SHOP and {admin.credential}")
    yield from _scopes(_at(told.data, "currentAppInstallation", "accessScopes"))
    yield _version(admin, version)
    if fields:
        yield from fields()
    else:
        yield _personal_data(admin)
    yield from _webhooks(admin, address)


def subscriptions(admin: Admin) -> list[Subscription]:
    """The webhooks that this app has asked for by the API. Raises ``CarryError``.

    Those of the app's own file (TOML) and those made by hand in the admin are not among them.
    """
    told = admin.ask(_HOOKS, points=12)
    nodes = _at(told.data, "webhookSubscriptions", "nodes")
    if not isinstance(nodes, list):
        raise sort_troubles(told.troubles, told.vendor_request_id)
    return [
        Subscription(str(node.get("id", "")), str(node.get("topic", "")).lower().replace("_", "/"), str(node["uri"]))
        for node in nodes
        if isinstance(node, Mapping) and isinstance(node.get("uri"), str)
    ]


def subscribe(admin: Admin, topic: str, address: str) -> str | None:
    """Ask for a webhook of this topic to this address; None when it was made, else why not. Raises ``CarryError``.

    https://shopify.dev/docs/api/admin-graphql/latest/objects/WebhookSubscription
    """
    name = next(name for name, known in TOPICS.items() if known == topic)
    told = admin.ask(_CREATE, {"topic": name, "to": {"uri": address, "format": "JSON"}}, points=10)
    if any(trouble.code == DENIED for trouble in told.troubles):
        return "the app may not: make the webhooks in the app's settings, or in the admin"
    made = _at(told.data, "webhookSubscriptionCreate")
    if not isinstance(made, Mapping):
        raise sort_troubles(told.troubles, told.vendor_request_id)
    errors = made.get("userErrors")
    if isinstance(errors, list) and errors:
        said = errors[0].get("message") if isinstance(errors[0], Mapping) else None
        return str(said)[:200] if said else "Shopify does not say why"
    return None


def _scopes(granted: Any) -> Iterator[Finding]:
    if not isinstance(granted, list):
        yield skipped("scopes", "Shopify does not tell this app its scopes")
        return
    scopes = {str(each.get("handle")) for each in granted if isinstance(each, Mapping)}
    if scopes & {"read_customers", "write_customers"}:
        yield ok("scope read_customers", "granted")
    else:
        yield wrong("scope read_customers", "not granted", "add it to the app in Shopify, and install it again")
    if scopes & {"read_orders", "write_orders", "read_all_orders"}:
        yield ok("scope read_orders", "granted")
    else:
        yield skipped("scope read_orders", "not granted: HubSpot is not told of the last order; nothing else needs it")


def _version(admin: Admin, version: str) -> Finding:
    told = admin.ask(_VERSIONS, points=10)
    listed = told.data.get("publicApiVersions")
    if not isinstance(listed, list):
        return skipped("API version", "Shopify does not tell which it serves")
    good = [str(v.get("handle")) for v in listed if isinstance(v, Mapping) and v.get("supported")]
    if version in good:
        return ok("API version", f"{version} is served")
    newest = max((v for v in good if v[:1].isdigit()), default="a newer one")
    return wrong("API version", f"{version} is not served any more", f"set SHOPIFY_API_VERSION to {newest}")


def _personal_data(admin: Admin) -> Finding:
    """Whether names and e-mails come: an app without level 2 is refused, a plan below gets blanks."""
    what = "protected customer data"
    told = admin.ask(_PEOPLE, points=20)
    mend = (
        "ask for protected customer data, level 2 (name, address, phone, e-mail), in the app's settings; a custom app "
        f"needs the store's plan to have it: {PROTECTED_DATA_PAGE}"
    )
    if any(trouble.code == DENIED for trouble in told.troubles):
        return wrong(what, "names and e-mails are refused", mend)
    nodes = _at(told.data, "customers", "nodes")
    if not isinstance(nodes, list):
        raise sort_troubles(told.troubles, told.vendor_request_id)
    people = [node for node in nodes if isinstance(node, Mapping)]
    if not people:
        return skipped(what, "the shop has no customer to try it with")
    if any(each.get(name) for each in people for name in ("firstName", "lastName", "defaultEmailAddress")):
        return ok(what, "names and e-mails come")
    return wrong(what, "names and e-mails come blank", mend)


def _webhooks(admin: Admin, address: str | None) -> Iterator[Finding]:
    found = subscriptions(admin)
    for topic in TOPICS.values():
        what, mine = f"webhook {topic}", [each.uri for each in found if each.topic == topic]
        here = [uri for uri in mine if uri == address]
        if not mine:
            yield skipped(what, "none by API; those of the app's settings or the admin cannot be seen from here")
        elif len(mine) > 1 and address is None:
            yield wrong(what, f"asked for {len(mine)} times", "remove all but one: flask shopify webhooks lists them")
        elif address is None:
            yield ok(what, "goes to one address; set PUBLIC_URL, and it is compared with ours")
        elif not here:
            yield wrong(what, "goes to another address than PUBLIC_URL", "see flask shopify webhooks, and --create")
        elif len(here) > 1:
            yield wrong(what, f"comes here {len(here)} times", "remove all but one: flask shopify webhooks lists them")
        else:
            yield ok(what, "comes here once")


def _at(data: Any, *names: str) -> Any:
    for name in names:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data
