"""The commands about Shopify: which webhooks the app asks for, and what stands there of one customer."""

from __future__ import annotations

from typing import Any, Final

import click
from flask.cli import AppGroup

from clients.errors import CarryError
from clients.hurry import one_try
from clients.lane import Result
from customer import Customer, Task
from handlers.console.texts import marked
from handlers.far_side import far_side
from handlers.house import House
from handlers.telling_person import table_of_person
from handlers.terminal import GetHouse, Said, clearly, note, out, values_too

_ANSWER_S: Final = 10.0
#: What may stand on a screen that others see.
_OPEN: Final = (
    "account_state",
    "created_at",
    "currency",
    "email_consent",
    "last_order_at",
    "locale",
    "orders_count",
    "sms_consent",
    "updated_at",
)


def register(cli: click.Group, house: GetHouse) -> None:
    """Add the group to ``cli``; ``house`` is asked only when a command runs."""
    group = AppGroup("shopify", help="The Shopify side.")
    group.add_command(_webhooks(house))
    group.add_command(_show(house))
    cli.add_command(group)


def _webhooks(house: GetHouse) -> click.Command:
    @click.command("webhooks")
    @click.option("--create", is_flag=True, help="Ask for those that are missing, to PUBLIC_URL/webhooks/shopify.")
    def webhooks(create: bool) -> None:
        """List the webhooks this app has asked for by the API.

        Those of the app's own settings, and those made by hand in the admin, cannot be seen from here.
        """
        h = house()

        def go() -> None:
            lane: Any = far_side(h, "shopify")
            with one_try(_ANSWER_S):
                missing = _list(lane)
                if create:
                    _create(h, lane, missing)

        clearly(go)

    return webhooks


def _list(lane: Any) -> list[str]:
    """Print each; the topics of ours that do not come here."""
    from clients.shopify.checking import TOPICS, subscriptions  # noqa: PLC0415 - the web door needs no client

    found = subscriptions(lane.admin)
    here = lane.webhook_address
    for each in sorted(found, key=lambda one: (one.topic, one.uri)):
        where = "comes here" if each.uri == here else "goes elsewhere" if here else ""
        out.print(f"{each.topic:24} {each.uri}  {where}", highlight=False, markup=False, soft_wrap=True)
    missing = [t for t in TOPICS.values() if not any(s.topic == t and here in (None, s.uri) for s in found)]
    for topic in missing:
        out.print(f"{topic:24} not asked for by this app's API", highlight=False, soft_wrap=True)
    return missing


def _create(h: House, lane: Any, missing: list[str]) -> None:
    from clients.shopify.checking import subscribe  # noqa: PLC0415

    if lane.webhook_address is None:
        raise Said("PUBLIC_URL is not set: write where this service is reached, as in https://sync.example.jp")
    if not missing:
        out.print("nothing is missing")
        return
    note(h, marked("asked Shopify for webhooks"), topics=missing)
    for topic in missing:
        if why := subscribe(lane.admin, topic, lane.webhook_address):
            raise Said(f"Shopify does not make the webhook {topic}: {why}")
        out.print(f"{topic:24} asked for, to {lane.webhook_address}", highlight=False, soft_wrap=True)
    out.print("they are signed with the app's client secret: see that it stands in SHOPIFY_WEBHOOK_SECRETS")


def _show(house: GetHouse) -> click.Command:
    @click.command("show")
    @click.argument("customer_id", type=int, metavar="ID")
    @click.option("--show-values", is_flag=True, help="The values too, on a terminal only.")
    def show(customer_id: int, show_values: bool) -> None:
        """What Shopify has of customer ID at this moment; personal values only when asked for."""
        values_too(show_values)
        h = house()

        def go() -> None:
            lane = far_side(h, "shopify")
            if show_values:
                note(h, marked("looked at a customer in full"), customer_id=customer_id)
            with one_try(_ANSWER_S):
                found = _found(lane.carry([Task(Customer(id=customer_id))])[customer_id])
            if found is None:
                raise Said(f"Shopify has no customer {customer_id}")
            facts = {name: value for name, value in found.to_json().items() if name != "id"}
            address = facts.pop("address", None)
            facts |= {f"address.{part}": value for part, value in (address or {}).items()}
            out.print(table_of_person(facts, _OPEN, show_values=show_values))

        clearly(go)

    return show


def _found(result: Result) -> Customer | None:
    if isinstance(result, CarryError):
        raise result
    return result.found
