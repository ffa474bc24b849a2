"""Flask that calls both vendors inside the request: no queue at all; 200 when both have the customer.

https://developers.smaregi.dev/platform-api-reference : members are created by POST and changed by PATCH.
https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/batch/upsert-contacts : by e-mail.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Any

import requests

from bench.others.door import door

_TIMEOUT_S = 10
_ENV = os.environ
_MEMBERS = f"{_ENV['SMAREGI_API_URL']}/{_ENV['SMAREGI_CONTRACT_ID']}/pos/customers"
_UPSERT = f"{_ENV['HUBSPOT_API_URL']}/crm/objects/2026-09/contacts/batch/upsert"
_HUBSPOT = {"Authorization": f"Bearer {_ENV['HUBSPOT_ACCESS_TOKEN']}"}
_own = threading.local()


def keep(_: str, topic: str, customer: dict[str, Any]) -> None:
    """Carry it to both; raises what a vendor's refusal raises, and then the answer is 500 and Shopify comes again."""
    _carry_to_smaregi(topic, customer)
    properties = {"firstname": customer["first_name"] or "", "lastname": customer["last_name"] or ""}
    contact = {"idProperty": "email", "id": customer["email"], "properties": properties}
    _call("POST", _UPSERT, _HUBSPOT, {"inputs": [contact]})


def _carry_to_smaregi(topic: str, customer: dict[str, Any]) -> None:
    auth = {"Authorization": f"Bearer {_smaregi_token()}"}
    code = str(customer["id"])
    member = {
        "customerCode": code,
        "lastName": _shown(customer["last_name"]),
        "firstName": _shown(customer["first_name"]),
        "mailAddress": customer["email"],
        "mailReceiveFlag": "0",
    }
    known = _call("GET", f"{_MEMBERS}?customer_code={code}", auth) if topic == "customers/update" else []
    if known:
        _call("PATCH", f"{_MEMBERS}/{known[0]['customerId']}", auth, member)
    else:
        _call("POST", _MEMBERS, auth, member)


def _shown(name: str | None) -> str:
    """The name without what Smaregi refuses: characters of four bytes, and nothing at all."""
    return "".join(sign for sign in name or "" if sign <= "\uffff") or "-"


@cache
def _smaregi_token() -> str:
    """The token, fetched once: it lives for an hour, longer than a measurement."""
    answer = requests.post(
        f"{_ENV['SMAREGI_AUTH_URL']}/app/{_ENV['SMAREGI_CONTRACT_ID']}/token",
        auth=(_ENV["SMAREGI_CLIENT_ID"], _ENV["SMAREGI_CLIENT_SECRET"]),
        data={"grant_type": "client_credentials", "scope": "pos.customers:read pos.customers:write"},
        timeout=_TIMEOUT_S,
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _call(method: str, url: str, headers: dict[str, str], body: Any = None) -> Any:
    if not hasattr(_own, "session"):
        _own.session = requests.Session()  # one a thread: it keeps its connections open
    answer = _own.session.request(method, url, headers=headers, json=body, timeout=_TIMEOUT_S)
    answer.raise_for_status()
    return answer.json()


app = door(keep)
