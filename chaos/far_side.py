"""Steering the sandbox over HTTP: customers and faults in, shelves and records of what happened out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import requests

#: The sender comes again sooner than Shopify does, and does not give up: what it drops is not ours to lose.
COMES_AGAIN_S: Final = (0.3, 0.6, 1.2) + (2.0,) * 2000


class FarSide:
    """The sandbox at ``url``."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/sandbox"

    def begin(self, mark: str) -> None:
        """Have webhooks come again soon, and the marks of written addresses kept in order."""
        self._say("PATCH", "/shop", {"retry_seconds": list(COMES_AGAIN_S), "shuffles": True, "admin_gap_seconds": 0.5})
        self._say("POST", "/writes", {"mark": mark})
        self._say("POST", "/flag-writes")

    # Customers

    def create(self, fields: Mapping[str, Any]) -> int:
        """A new customer in the shop; its Shopify id."""
        return int(self._say("POST", "/shop/customers", fields)["id"])

    def change(self, customer_id: int, fields: Mapping[str, Any]) -> None:
        """A change of a customer, with how the webhook shall be sent among the fields."""
        self._say("PATCH", f"/shop/customers/{customer_id}", fields)

    def save(self, customer_id: int, how: Mapping[str, Any]) -> None:
        """Saved again, nothing changed."""
        self._say("POST", f"/shop/customers/{customer_id}/save", how)

    def customer(self, customer_id: int) -> dict[str, Any]:
        """A customer as the shop has it now, metafields included."""
        found: dict[str, Any] = self._say("GET", f"/shop/customers/{customer_id}")
        return found

    def delete(self, customer_id: int) -> None:
        """The account is gone from the shop."""
        self._say("DELETE", f"/shop/customers/{customer_id}")

    def resend_first(self, customer_id: int) -> None:
        """The first webhook of this customer once more, as it was."""
        sent = self._say("GET", f"/deliveries?customer_id={customer_id}")
        if sent:
            self._say("POST", f"/shop/deliveries/{sent[0]['id']}/again")

    def hold(self) -> None:
        """Keep webhooks back."""
        self._say("POST", "/shop/webhooks/hold")

    def release(self, order: str) -> None:
        """Let them go, in this order."""
        self._say("POST", "/shop/webhooks/release", {"order": order})

    # Faults

    def fault(self, **told: Any) -> int:
        """Set a fault (the fields of ``sandbox.faults.Fault``); its id."""
        return int(self._say("POST", "/faults", told)["id"])

    def lift(self, fault_id: int) -> None:
        """Take one away."""
        self._say("DELETE", f"/faults/{fault_id}")

    def lift_all(self) -> None:
        """Take all away."""
        self._say("DELETE", "/faults")

    def revoke_smaregi_tokens(self) -> None:
        """Every token of Smaregi that is out ends at once."""
        self._say("DELETE", "/smaregi/tokens")

    # What is there

    def seed_members(self, members: list[dict[str, Any]]) -> list[str]:
        """Put members there that the store knew before; their ids."""
        return [str(one["customerId"]) for one in self._say("POST", "/seed", {"members": members})["members"]]

    def opt_out_at_the_till(self, customer_id: int) -> None:
        """Somebody at the till switches mail off for this customer's member, if there is one already."""
        self._say("PATCH", f"/smaregi/members/{customer_id}", {"mailReceiveFlag": "0"})

    def flag_writes(self) -> list[dict[str, Any]]:
        """Each change of a mail flag, oldest first (the fields of ``sandbox.writes.FlagWrite``)."""
        found: list[dict[str, Any]] = self._say("GET", "/flag-writes")
        return found

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """All that is stored: ``members``, ``contacts``, and the shop's ``customers``."""
        found: dict[str, list[dict[str, Any]]] = self._say("GET", "/records")
        return found

    def writes(self) -> list[dict[str, str]]:
        """What was written, oldest first: ``system``, ``record``, ``mark``."""
        found: list[dict[str, str]] = self._say("GET", "/writes")
        return found

    def deliveries(self, last: int | None = None) -> list[dict[str, Any]]:
        """The sender's log, oldest first, without bodies."""
        found: list[dict[str, Any]] = self._say("GET", "/deliveries" + (f"?last={last}" if last else ""))
        return found

    def _say(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, self._url + path, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None
