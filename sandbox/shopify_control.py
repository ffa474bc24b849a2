"""The doors that steer the shop over HTTP, for people, scripts and other processes; the same as `ShopShelf` offers."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, get_args

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sandbox.shopify_customers import ShopCustomer, ShopRefused
from sandbox.shopify_execute import LevelTwo, Withheld
from sandbox.shopify_payloads import rest_customer
from sandbox.shopify_search import Precision
from sandbox.webhooks import KeptBy, Order
from sandbox.webhooks_delivery import DeliveryOptions

if TYPE_CHECKING:
    from sandbox.shopify import ShopShelf

_OPTIONS: Final = {one.name for one in fields(DeliveryOptions)}
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "level_two": get_args(LevelTwo),
    "search_precision": get_args(Precision),
    "kept_by": get_args(KeptBy),
}
_OF_SHOP: Final = {"admin_gap_seconds", "scopes", "level_two", "withheld", "search_precision"}
_OF_WEBHOOKS: Final = {"url", "retry_seconds", "shuffles", "kept_by", "api_version"}


class _Bad(Exception):
    """Asked for in a way that makes no sense; the text says what."""


def blueprint(shelf: "ShopShelf") -> Blueprint:  # noqa: C901 - a list of doors
    """Mounted at `/sandbox`."""
    doors = Blueprint("shop", __name__, url_prefix="/sandbox")

    @doors.post("/shop/customers")
    @_spoken
    def create() -> ResponseReturnValue:
        asked = _asked()
        how = _how(asked)
        by = asked.pop("by", "storefront")
        if by not in {"storefront", "admin"}:
            raise _Bad("by must be storefront or admin")
        return _shown(shelf.create(asked, by=by, **how)), 201

    @doors.get("/shop/customers/<int:customer_id>")
    @_spoken
    def look(customer_id: int) -> ResponseReturnValue:
        found = shelf.get(customer_id)
        if found is None:
            raise KeyError(customer_id)
        return _shown(found)

    @doors.patch("/shop/customers/<int:customer_id>")
    @_spoken
    def change(customer_id: int) -> ResponseReturnValue:
        asked = _asked()
        how = _how(asked)
        return _shown(shelf.update(customer_id, asked, **how))

    @doors.delete("/shop/customers/<int:customer_id>")
    @_spoken
    def delete(customer_id: int) -> ResponseReturnValue:
        shelf.delete(customer_id, **_how(_asked()))
        return "", 204

    @doors.post("/shop/customers/<int:customer_id>/save")
    @_spoken
    def save(customer_id: int) -> ResponseReturnValue:
        return _shown(shelf.save(customer_id, **_how(_asked())))

    @doors.post("/shop/test-notification")
    @_spoken
    def test_notification() -> ResponseReturnValue:
        asked = _asked()
        asked.setdefault("signed_with", "admin")
        how = _how(asked)
        sent = shelf.send_test_notification(asked.get("topic", "customers/create"), how["options"])
        return [one.shown() for one in sent], 202

    @doors.get("/deliveries")
    @_spoken
    def deliveries() -> ResponseReturnValue:
        last = request.args.get("last", type=int)
        customer_id = request.args.get("customer_id", type=int)
        return [one.shown() for one in shelf.webhooks.deliveries(last, customer_id)]

    @doors.post("/shop/deliveries/<int:delivery_id>/again")
    @_spoken
    def again(delivery_id: int) -> ResponseReturnValue:
        return shelf.webhooks.send_again(delivery_id).shown(), 202

    @doors.post("/shop/webhooks/hold")
    @_spoken
    def hold() -> ResponseReturnValue:
        shelf.webhooks.hold()
        return "", 204

    @doors.post("/shop/webhooks/release")
    @_spoken
    def release() -> ResponseReturnValue:
        order = _asked().get("order", "same")
        if order not in get_args(Order):
            raise _Bad(f"order must be one of {', '.join(get_args(Order))}")
        return {"released": shelf.webhooks.release(order)}

    @doors.post("/shop/subscriptions")
    @_spoken
    def subscribe() -> ResponseReturnValue:
        shelf.webhooks.subscribe(*_asked().get("topics", ()))
        return shelf.subscriptions, 201

    @doors.get("/shop/subscriptions")
    @_spoken
    def subscriptions() -> ResponseReturnValue:
        return shelf.subscriptions

    @doors.delete("/shop/tokens")
    @_spoken
    def revoke_tokens() -> ResponseReturnValue:
        shelf.revoke_tokens()
        return "", 204

    @doors.patch("/shop")
    @_spoken
    def set_switches() -> ResponseReturnValue:
        return _set(shelf, _asked())

    return doors


def _spoken(door: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """The door, with its refusals put into words and a status."""

    @wraps(door)
    def opened(**told: Any) -> ResponseReturnValue:
        try:
            return door(**told)
        except ShopRefused as refused:
            return {"errors": refused.errors}, 422
        except _Bad as bad:
            return {"error": str(bad)}, 400
        except KeyError:
            return {"error": "no such record"}, 404

    return opened


def _asked() -> dict[str, Any]:
    asked = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(asked, dict):
        raise _Bad("the body must be a JSON object")
    return asked


def _how(asked: dict[str, Any]) -> dict[str, Any]:
    """Take `send` and the options of delivery out of what was asked."""
    told = {name: asked.pop(name) for name in list(asked) if name in _OPTIONS}
    try:
        return {"send": bool(asked.pop("send", True)), "options": DeliveryOptions(**told)}
    except (ValueError, TypeError) as error:
        raise _Bad(str(error)) from None


def _shown(customer: ShopCustomer) -> dict[str, Any]:
    return {
        **rest_customer(customer),
        "metafields": {f"{one.namespace}.{one.key}": one.value for one in customer.metafields},
    }


def _set(shelf: "ShopShelf", asked: dict[str, Any]) -> dict[str, Any]:
    for name, value in asked.items():
        if name not in _OF_SHOP | _OF_WEBHOOKS:
            raise _Bad(f"{name} is no switch: {', '.join(sorted(_OF_SHOP | _OF_WEBHOOKS))}")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise _Bad(f"{name} must be one of {', '.join(_CHOICES[name])}")
        if name == "withheld" and not (
            isinstance(value, dict) and all(way in get_args(Withheld) for way in value.values())
        ):
            raise _Bad(f"withheld maps fields, as Customer.firstName, to {' or '.join(get_args(Withheld))}")
    for name, value in asked.items():
        setattr(shelf if name in _OF_SHOP else shelf.webhooks, name, tuple(value) if isinstance(value, list) else value)
    return {name: getattr(shelf, name) for name in sorted(_OF_SHOP)} | {
        name: getattr(shelf.webhooks, name) for name in sorted(_OF_WEBHOOKS)
    }
