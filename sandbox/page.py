"""The merchant's site in small: a person registers, sees that it is being done and gets a member number.

Beside it, what a customer never sees: how the registration arrives in Smaregi and HubSpot, as it happens.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sandbox.page_form import EMPTY, Form, read_form
from sandbox.page_people import row_of, rows
from sandbox.shopify_customers import JST, ShopCustomer, ShopRefused
from sandbox.shopify_prefectures import PREFECTURES

if TYPE_CHECKING:
    from sandbox.world import World

MOST_ROWS: Final = 200
PATIENCE_SECONDS: Final = 8
"""So long the "registering" screen waits for the far sides; the shop itself has the customer from the first moment."""


def blueprint(world: "World") -> Blueprint:
    """Mounted at `/`."""
    doors = Blueprint(
        "page", __name__, template_folder="templates", static_folder="static", static_url_path="/page/static"
    )
    _add_registration(doors, world)
    _add_lists(doors, world)

    @doors.after_request
    def guard(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = "default-src 'self'; form-action 'self'; frame-ancestors 'none'"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        if request.endpoint != "page.static":
            answer.headers["Cache-Control"] = "no-store"
        return answer

    return doors


def _add_registration(doors: Blueprint, world: "World") -> None:
    @doors.get("/")
    def form() -> ResponseReturnValue:
        return _form(EMPTY)

    @doors.post("/")
    def register() -> ResponseReturnValue:
        filled = read_form(request.form, world.clock().astimezone(JST).date())
        if filled.errors:
            return _form(filled), 422
        try:
            customer = world.shopify.create(filled.person().shop_fields())
        except ShopRefused as refused:
            return _form(filled.refused(refused.errors)), 422
        return redirect(url_for("page.registered", customer_id=customer.id), 303)

    @doors.get("/registered/<int:customer_id>")
    def registered(customer_id: int) -> ResponseReturnValue:
        customer = _customer(world, customer_id)
        row = row_of(world, customer)
        return render_template(
            "registered.html",
            customer=customer,
            row=row,
            state=row.shown(),
            is_ready=_is_ready(world, customer, row.is_complete),
        )

    @doors.get("/registered/<int:customer_id>/state.json")
    def state(customer_id: int) -> ResponseReturnValue:
        customer = _customer(world, customer_id)
        row = row_of(world, customer)
        return {**row.shown(), "is_ready": _is_ready(world, customer, row.is_complete)}


def _add_lists(doors: Blueprint, world: "World") -> None:
    @doors.get("/people")
    def people() -> ResponseReturnValue:
        shown, total = rows(world, MOST_ROWS)
        return render_template("people.html", rows=shown, total=total, most=MOST_ROWS)

    @doors.post("/people/<int:customer_id>/save")
    def save(customer_id: int) -> ResponseReturnValue:
        world.shopify.save(_customer(world, customer_id).id)
        return redirect(url_for("page.people"), 303)

    @doors.get("/people/customer/<int:number>")
    def customer(number: int) -> ResponseReturnValue:
        found = _customer(world, number)
        told = asdict(found)
        told["metafields"] = {f"{one.namespace}.{one.key}": one.value for one in found.metafields}
        return _record("Shopify", "顧客", str(number), told)

    @doors.get("/people/member/<int:number>")
    def member(number: int) -> ResponseReturnValue:
        found = next((one for one in world.smaregi.members.all() if one.number == number), None)
        if found is None:
            abort(404)
        return _record("スマレジ", "会員", str(number), {**found.fields, "point": found.point, "mile": found.mile})

    @doors.get("/people/contact/<int:number>")
    def contact(number: int) -> ResponseReturnValue:
        found = world.hubspot.contacts.find(str(number), None)
        if found is None:
            abort(404)
        return _record("HubSpot", "コンタクト", str(number), found.values)


def _form(filled: Form) -> str:
    return render_template("register.html", values=filled.values, errors=filled.errors, prefectures=PREFECTURES)


def _record(system: str, kind: str, number: str, fields: Mapping[str, Any]) -> str:
    return render_template("record.html", system=system, kind=kind, number=number, fields=dict(_flat("", fields)))


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is set, one line each: `addresses.0.city`."""
    inner = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else None
    )
    if inner is not None:
        for key, one in inner:
            yield from _flat(f"{name}.{key}" if name else str(key), one)
    elif value not in (None, ""):
        yield name, value


def _customer(world: "World", customer_id: int) -> ShopCustomer:
    found: ShopCustomer | None = world.shopify.get(customer_id)
    if found is None:
        abort(404)
    return found


def _is_ready(world: "World", customer: ShopCustomer, is_complete: bool) -> bool:
    """Whether to show the completion screen: all has arrived, or has taken too long to keep a person waiting."""
    waited = (world.clock() - customer.created_at).total_seconds()
    return is_complete or waited >= PATIENCE_SECONDS
