"""The calls to HubSpot, one method each: where they go, under which key, and how fast.

What an answer means is not judged here but in `sorting.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from clients.http import Answer, Http
from clients.pace import Pace, PaceStore

# https://developers.hubspot.com/docs/developer-tooling/platform/versioning : a dated version is served for 18 months
VERSION: Final = "2026-09"
CONTACTS: Final = f"/crm/objects/{VERSION}/contacts"
PROPERTIES: Final = f"/crm/properties/{VERSION}/contacts"
ACCOUNT: Final = f"/account-info/{VERSION}/details"

MOST: Final = 100
"""The most rows HubSpot takes in one batch."""

# https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines : 100 calls in 10 s on the smallest
# plan, counted per key. A fifth is left for whatever else the portal runs under the same key.
SHARE: Final = 0.8
SLOWEST, FASTEST = 0.1, 1_000.0  # calls a second; a limit beyond these is no limit of theirs
FIRST_RATE: Final = 100 / 10 * SHARE


class HubSpotApi:
    """The door to one HubSpot account, under one access token (a service key, or a legacy private app's token).

    Every write made through it is keyed (a record id, or our own unique property), so each call may safely be made
    again after an answer was lost.
    """

    def __init__(
        self,
        *,
        access_token: str,
        api_url: str,
        pace_store: PaceStore,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._http = Http("hubspot", api_url, settings="HUBSPOT_API_URL", sleep=sleep)
        # https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/account-service-keys
        self._headers = {"Authorization": f"Bearer {access_token}"}
        self._api_url = api_url
        self.pace = Pace(pace_store, "hubspot", FIRST_RATE, now=lambda: now().timestamp(), sleep=sleep)

    def __repr__(self) -> str:
        return f"HubSpotApi({self._api_url})"

    @property
    def heard_at(self) -> datetime | None:
        """What time it was at HubSpot when it last answered, if it told."""
        return self._http.heard_at

    def read(self, id_property: str | None, ids: Sequence[str], properties: Sequence[str]) -> Answer:
        """``batch/read``: contacts by ``id_property`` (None: by record id); missing ones are not in the answer."""
        asked: dict[str, Any] = {"properties": list(properties), "inputs": [{"id": each} for each in ids]}
        if id_property is not None:
            asked["idProperty"] = id_property  # at the top level here, in each input of an upsert
        return self._call("POST", f"{CONTACTS}/batch/read", asked)

    def update(self, inputs: Sequence[Mapping[str, Any]]) -> Answer:
        """``batch/update``: at most 100 inputs ``{id, properties, objectWriteTraceId}``, keyed by record id."""
        return self._call("POST", f"{CONTACTS}/batch/update", {"inputs": list(inputs)})

    def upsert(self, inputs: Sequence[Mapping[str, Any]]) -> Answer:
        """``batch/upsert``: at most 100 inputs ``{id, idProperty, properties, objectWriteTraceId}``."""
        # https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/batch/upsert-contacts
        return self._call("POST", f"{CONTACTS}/batch/upsert", {"inputs": list(inputs)})

    def create_group(self, definition: Mapping[str, Any]) -> Answer:
        """Create a property group: 201, or 409 when it is there."""
        return self._call("POST", f"{PROPERTIES}/groups", definition)

    def create_property(self, definition: Mapping[str, Any]) -> Answer:
        """Create a contact property: 201 (also when an archived one was brought back), or 409 when it is there."""
        return self._call("POST", PROPERTIES, definition)

    def property(self, name: str) -> Answer:
        """The definition of a contact property: 200, or 404 when there is none."""
        return self._call("GET", f"{PROPERTIES}/{name}")

    def account(self) -> Answer:
        """The account's ``portalId`` and ``timeZone``; answers to any live token, whatever its scopes."""
        return self._call("GET", ACCOUNT)

    def _call(self, method: str, path: str, body: Any = None) -> Answer:
        answer = self._http.call(method, path, json=body, headers=self._headers, pace=self.pace)
        self._keep_pace(answer.headers)
        return answer

    def _keep_pace(self, headers: Mapping[str, str]) -> None:
        """Follow the limit HubSpot names in its answers, up or down: plans differ, and plans change."""
        # https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines : X-HubSpot-RateLimit-*
        try:
            most = int(headers["X-HubSpot-RateLimit-Max"])
            seconds = int(headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")) / 1000
            rate = most / seconds
        except (KeyError, ValueError, OverflowError, ZeroDivisionError):
            return
        if SLOWEST <= rate <= FASTEST:
            self.pace.per_second = rate * SHARE
