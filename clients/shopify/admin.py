"""Asking Shopify: one question to Admin GraphQL, with a credential that is alive, at a pace the store's plan permits.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant : a token lives
24 hours and has no refresh token, so the next one is fetched early, and once more when Shopify refuses it before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clients.errors import Busy, StopLane, TryLater
from clients.http import Answer, Http
from clients.pace import PaceStore
from clients.shopify.blocked import refusal_of_rows
from clients.shopify.points import Cost, Points
from clients.shopify.refusals import (
    THROTTLED,
    Trouble,
    read_troubles,
    request_id,
    slug,
    sort_status,
)
from clients.shopify.session import check_shop, check_version, graphql_door
from clients.token import SharedToken, Token, Vault, can_be_sent

#: The settings that the address comes from.
ADDRESS: Final = "SHOPIFY_SHOP and SHOPIFY_API_URL"
PATIENCE_S: Final = 8.0
SHORTEST_WAIT_S: Final = 0.25
LONGEST_WAIT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer of Admin GraphQL: the data as far as there is any, and what went wrong beside it."""

    data: Mapping[str, Any]
    troubles: tuple[Trouble, ...] = ()
    cost: Cost | None = None
    vendor_request_id: str | None = None


class Admin:
    """Admin GraphQL of one shop, shared by the threads of a lane.

    The credential is ``access_token``, or else ``client_id`` with ``client_secret``. Raises ``ValueError`` with the
    mend when a setting cannot be right.
    """

    def __init__(
        self,
        *,
        shop: str,
        api_url: str,
        api_version: str,
        access_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        vault: Vault,
        pace_store: PaceStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._shop = check_shop(shop)
        self._version = check_version(api_version)
        self._api_url = (api_url or f"https://{shop}").rstrip("/")
        self._now = now
        self._sleep = sleep
        # Ten seconds to read: a slow store must not hold the thread for longer than its tasks wait for it anyway.
        self._http = Http("shopify", self._api_url, settings=ADDRESS, read_s=10.0, sleep=sleep)
        # Tries and pauses together stay under SharedToken.HOLD, so that no second process fetches beside us.
        self._token_http = Http(
            "shopify",
            self._api_url,
            settings=ADDRESS,
            read_s=5.0,
            tries=2,
            patience=timedelta(seconds=2),
            sleep=sleep,
        )
        self._points = Points(pace_store, f"shopify:{shop}", now=lambda: now().timestamp(), sleep=sleep)
        self._fixed: str | None = None
        self._shared: SharedToken | None = None
        if access_token:
            self._fixed = _header_value("SHOPIFY_ACCESS_TOKEN", access_token)
            self.credential = "SHOPIFY_ACCESS_TOKEN"
        elif client_id and client_secret:
            self._grant = {
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": client_secret,
            }
            self._shared = SharedToken(f"shopify:{shop}", self._fetch_token, vault, now=now, sleep=sleep)
            self.credential = "SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET"
        else:
            raise ValueError("set SHOPIFY_ACCESS_TOKEN, or SHOPIFY_CLIENT_ID together with SHOPIFY_CLIENT_SECRET")

    @property
    def heard_at(self) -> datetime | None:
        """What time it was at Shopify when it last answered, if it told."""
        return self._http.heard_at

    def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, *, points: float, of_rows: bool = False
    ) -> Told:
        """The answer to a question that changes nothing at Shopify (it may be asked again); ``points`` it may cost.

        Raises ``StopLane``, ``TryLater`` or ``Busy``, and ``Blocked`` where it is asked ``of_rows`` that may be why;
        what went wrong in parts of the answer is in ``troubles``.
        """
        self._points.take(points)
        waited = 0.0
        while True:
            answer = self._send(query, variables)
            if of_rows and (refusal := refusal_of_rows(answer, self.credential)):
                raise refusal
            if not answer.ok:
                raise sort_status(answer, self.credential)
            told = self._read(answer)
            if told.cost:
                self._points.settle(points, told.cost)
            if not any(trouble.code == THROTTLED for trouble in told.troubles):
                return told
            # https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits : a 200 all the same, that tells when.
            wait = max(told.cost.wait_s if told.cost else 1.0, SHORTEST_WAIT_S)
            if waited + wait > PATIENCE_S:
                raise Busy(
                    "Shopify's points are used up for now",
                    kind="shopify.throttled",
                    wait=min(timedelta(seconds=wait), LONGEST_WAIT),
                    status=200,
                    vendor_request_id=told.vendor_request_id,
                )
            self._sleep(wait)
            waited += wait

    def _send(self, query: str, variables: Mapping[str, Any] | None) -> Answer:
        token = self._token()
        answer = self._post(token, query, variables)
        if answer.status == 401 and self._shared is not None:
            self._shared.drop(token)
            answer = self._post(self._token(), query, variables)
        return answer

    def _post(self, token: str, query: str, variables: Mapping[str, Any] | None) -> Answer:
        url, headers = graphql_door(self._shop, self._version, token, self._api_url)
        return self._http.call(
            "POST",
            url,
            json={"query": query, "variables": dict(variables or {})},
            headers={**headers, "Accept": "application/json"},
        )

    def _read(self, answer: Answer) -> Told:
        if not isinstance(answer.body, Mapping):
            raise TryLater(
                "Shopify's answer is not a JSON object",
                kind="shopify.answer_unreadable",
                status=answer.status,
                vendor_request_id=request_id(answer),
            )
        data = answer.body.get("data")
        return Told(
            data=data if isinstance(data, Mapping) else {},
            troubles=read_troubles(answer.body),
            cost=Cost.read(answer.body),
            vendor_request_id=request_id(answer),
        )

    def _token(self) -> str:
        if self._fixed is not None:
            return self._fixed
        assert self._shared is not None
        return self._shared.get()

    def _fetch_token(self) -> Token:
        answer = self._token_http.call("POST", "/admin/oauth/access_token", form=self._grant)
        if answer.status in (400, 401, 403):
            said = slug(answer.body.get("error")) if isinstance(answer.body, Mapping) else ""
            raise StopLane(
                f"Shopify gives us no token ({said or answer.status}): check {self.credential}, and that the app is "
                "installed in a store of the same organisation",
                kind="shopify.credential",
                status=answer.status,
                vendor_request_id=request_id(answer),
            )
        if not answer.ok:
            raise sort_status(answer, self.credential)
        body = answer.body if isinstance(answer.body, Mapping) else {}
        value, seconds = body.get("access_token"), body.get("expires_in", 86400)
        # Written so that NaN is no life either.
        if not can_be_sent(value) or type(seconds) not in (int, float) or not seconds > 0:
            raise TryLater(
                "Shopify's answer holds no token we can use",
                kind="shopify.token_unreadable",
                status=answer.status,
                vendor_request_id=request_id(answer),
            )
        return Token.lasting(value, min(seconds, 30 * 86400), self._now())


def _header_value(name: str, value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"{name} holds a character that no token has: copy it again, without spaces or line ends")
    return value
