"""Smaregi's members over HTTP: the dialect of one vendor, each call under its pace and with a shared token.

Create and update are apart and neither can be repeated by key, so ``create`` is tried again only when it certainly was
not done (https://community.smaregi.dev/discussion/82). No call here takes an e-mail as a filter: unknown parameters are
ignored without a word, and the first of all members would look like a hit.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Literal, TypeAlias, cast

from clients.alike import Alike
from clients.blocked import is_a_page
from clients.errors import StopLane, TryLater
from clients.http import Answer, Http
from clients.pace import Pace, PaceStore
from clients.smaregi.blocked import OF_THE_ROW, BlockedMember, may_be_of_one
from clients.smaregi.rows import Row, as_time, is_id, text
from clients.smaregi.sorting import (
    COMMON_PAGE,
    Missing,
    refusal_of_read,
    refusal_of_write,
    token_refusal,
)
from clients.token import SharedToken, Token, Vault, can_be_sent

Filter: TypeAlias = Literal["customer_code", "customer_no"]
FILTERED_FIELD: Final[Mapping[Filter, str]] = {"customer_code": "customerCode", "customer_no": "customerNo"}

# Both sets cover reading and writing members: https://help.smaregi.jp/hc/ja/articles/360051474333
SCOPES: Final = "pos.customers:read pos.customers:write"
LIMIT: Final = 1000  # the longest page: https://developers.smaregi.dev/platform-api-reference/common
_COLUMN: Final = re.compile(r"\w{1,64}", re.ASCII)
LONGEST_LIFE_S: Final = 86_400.0
INDEX_FIELDS: Final = "customerId,customerCode,customerNo,mailAddress,mailAddress2,mailAddress3,status,updDateTime"


class SmaregiApi:
    """The calls we make to one contract.

    Every call may raise ``TryLater`` (``doubt`` only where something may have been written), ``Busy``, and ``StopLane``
    for a wrong credential, plan, scope or address; a call about one member ``BlockedMember``, too, where it may be why.
    Waiting for the pace happens inside.
    """

    def __init__(
        self,
        *,
        api_url: str,
        auth_url: str,
        contract_id: str,
        client_id: str,
        client_secret: str,
        vault: Vault,
        pace_store: PaceStore,
        reads_per_second: float,
        writes_per_second: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = Http(
            "smaregi", f"{api_url.rstrip('/')}/{contract_id}/pos", settings="SMAREGI_API_URL", sleep=sleep
        )
        # A fetch with its second try must end before the right to renew does (SharedToken.HOLD).
        self._door = Http(
            "smaregi",
            auth_url,
            settings="SMAREGI_AUTH_URL",
            read_s=5.0,
            tries=2,
            patience=timedelta(seconds=2),
            sleep=sleep,
        )
        self._token_path = f"/app/{contract_id}/token"
        self._client = (client_id, client_secret)
        self._now = now
        #: Who was refused alone by what stands before Smaregi, and who was taken.
        self.alike = Alike()

        def clock() -> float:
            return now().timestamp()

        # Reads and writes are counted apart, per app and contract: https://community.smaregi.dev/discussion/518
        self._reads = Pace(pace_store, f"smaregi.reads:{contract_id}", reads_per_second, now=clock, sleep=sleep)
        self._writes = Pace(pace_store, f"smaregi.writes:{contract_id}", writes_per_second, now=clock, sleep=sleep)
        self._token = SharedToken(f"smaregi:{contract_id}", self._fetch_token, vault, now=now, sleep=sleep)

    @property
    def heard_at(self) -> datetime | None:
        """What time it was at Smaregi when it last answered, if it told."""
        return self._http.heard_at

    def sign_in(self) -> None:
        """See that we are given a token; one that is held is not fetched again."""
        self._token.get()

    def required_columns(self) -> frozenset[str]:
        """The member fields that this contract requires (会員必須項目設定)."""
        what = "read the required columns"
        answer = self._ask_for_rows(what, "/customer_required_column_setting")
        names = [text(row, "columnName") for row in answer.body if text(row, "value") == "1"]
        if not all(_COLUMN.fullmatch(name) for name in names):
            raise _no_sense(what, answer)
        return frozenset(map(_camel, names))

    def members(
        self,
        *,
        page: int,
        since: datetime | None = None,
        until: datetime | None = None,
        before_send: Callable[[], None] = lambda: None,
    ) -> list[Row]:
        """One page of all members, or of those changed in a window of at most 31 days, by id: what the index needs.

        ``before_send`` runs when the question leaves. A page shorter than ``LIMIT`` is the last one. Raises
        ``StopLane`` (``smaregi.filter_ignored``) when a member comes back that was not changed in the window.
        """
        params = {"limit": str(LIMIT), "page": str(page), "sort": "customerId", "fields": INDEX_FIELDS}
        if since is not None:
            params["upd_date_time-from"] = as_time(since)
        if until is not None:
            params["upd_date_time-to"] = as_time(until)
        return self._members("read the members", params, before_send=before_send)

    def find(self, by: Filter, value: str) -> list[Row]:
        """The members whose code or number is ``value``, compared with what came back.

        Raises ``StopLane`` (``smaregi.filter_ignored``) when only strangers come back: the filter was not obeyed, and
        "nobody" cannot be concluded from that.
        """
        rows = self._members("find a member", {by: value, "limit": "100", "page": "1"}, of_one=True)
        found = [row for row in rows if text(row, FILTERED_FIELD[by]) == value]
        if rows and not found:
            raise filter_ignored(by)
        return found

    def member(self, member_id: str) -> Row:
        """One member by Smaregi's own id. Raises ``Missing``."""
        answer = self._of_one("read a member", "GET", f"/customers/{member_id}")
        if answer.status == 404:
            raise Missing(member_id)
        if not answer.ok:
            raise refusal_of_read(answer, "read a member")
        if not isinstance(answer.body, Mapping):
            raise _no_sense("read a member", answer)
        if text(answer.body, "customerId") != member_id:
            raise filter_ignored("customer_id")
        return answer.body

    def points(self, member_id: str) -> str:
        """The member's points, "" when none are told. Points that have expired lapse at Smaregi by being looked at.

        https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/getcustomerspoint
        """
        rows = self._ask_for_rows("read a member's points", "/customers/point", {"customer_id": member_id})
        return next((text(row, "point") for row in rows.body if text(row, "customerId") == member_id), "")

    def create(self, fields: Mapping[str, str], *, before_send: Callable[[], None] = lambda: None) -> Row:
        """Make a member; what came back, over what was sent. Raises ``Refused``, and ``TryLater`` in doubt.

        ``before_send`` runs when the wait for the pace is over, and may raise: then nothing is sent.
        """
        answer = self._of_one(
            "create a member", "POST", "/customers", json=dict(fields), repeatable=False, before_send=before_send
        )
        if not answer.ok:
            raise refusal_of_write(answer, "create a member", fields)
        if not isinstance(answer.body, Mapping) or not is_id(text(answer.body, "customerId")):
            raise _no_sense("create a member", answer, doubt=True)
        return {**fields, **{name: value for name, value in answer.body.items() if value is not None}}

    def update(
        self,
        member_id: str,
        fields: Mapping[str, str | None],
        *,
        about: Mapping[str, str | None] | None = None,
        repeatable: bool = True,
        before_send: Callable[[], None] = lambda: None,
    ) -> Row | None:
        """Change these fields of a member, None clears one; the member as it is now, or None when that was not told.

        ``about`` is what else is known of the member, so that no refusal repeats it. ``before_send`` runs before each
        try, when the wait for the pace is over, and may raise: then nothing is sent. Raises ``Missing``, ``Refused``,
        and ``TryLater`` in doubt.
        """
        # PATCH changes only what is sent; PUT is not the way:
        # https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/patchcustomersbulk
        answer = self._of_one(
            "update a member",
            "PATCH",
            f"/customers/{member_id}",
            json=dict(fields),
            repeatable=repeatable,
            before_send=before_send,
        )
        if answer.status == 404:
            raise Missing(member_id)
        if not answer.ok:
            raise refusal_of_write(answer, "update a member", {**(about or {}), **fields})
        told = isinstance(answer.body, Mapping) and text(answer.body, "customerId") == member_id
        return cast(Row, answer.body) if told else None

    def _members(self, what: str, params: Mapping[str, str], *, of_one: bool = False, **more: Any) -> list[Row]:
        """Members, each with an id: nothing may be concluded from a list with a nameless one among them."""
        answer = self._ask_for_rows(what, "/customers", params, of_one=of_one, **more)
        if not all(is_id(text(row, "customerId")) for row in answer.body):
            raise _no_sense(what, answer)
        return cast(list[Row], answer.body)

    def _ask_for_rows(
        self, what: str, path: str, params: Mapping[str, str] | None = None, *, of_one: bool = False, **more: Any
    ) -> Answer:
        """An answer whose body is a bare JSON array of objects."""
        call = partial(self._of_one, what) if of_one else self._call
        answer = call("GET", path, params=params, **more)
        if not answer.ok:
            raise refusal_of_read(answer, what)
        if not isinstance(answer.body, list) or not all(isinstance(row, Mapping) for row in answer.body):
            raise _no_sense(what, answer)
        return answer

    def _of_one(self, what: str, method: str, path: str, **more: Any) -> Answer:
        """A call about one member. Raises ``BlockedMember`` for a refusal that may be for the sake of that one."""
        begun = self.alike.begin()
        answer = self._call(method, path, **more)
        if may_be_of_one(answer):
            raise BlockedMember(answer, what, door=method, begun=begun)
        if answer.ok or answer.status in OF_THE_ROW:
            self.alike.taken(method)
        return answer

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, str | None] | None = None,
        repeatable: bool = True,
        before_send: Callable[[], None] = lambda: None,
    ) -> Answer:
        """One call with a token; with a new token once more when it was refused (401), or its scopes were (403)."""
        reads = method == "GET"
        token = self._token.get()
        for last in (False, True):
            try:
                answer = self._http.call(
                    method,
                    path,
                    params=params,
                    json=json,
                    headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
                    pace=self._reads if reads else self._writes,
                    repeatable=repeatable,
                    before_send=before_send,
                )
            except TryLater as e:
                # A read that was lost leaves nothing to doubt.
                e.doubt = e.doubt and not reads
                raise
            if last or not (answer.status == 401 or (answer.status == 403 and not is_a_page(answer))):
                break
            self._token.drop(token)
            token = self._token.get()
        return answer

    def _fetch_token(self) -> Token:
        """https://developers.smaregi.dev/platform-api-reference/common ; token calls count against the rate."""
        try:
            answer = self._door.call(
                "POST",
                self._token_path,
                form={"grant_type": "client_credentials", "scope": SCOPES},
                basic=self._client,
                pace=self._writes,
            )
        except TryLater as e:
            e.doubt = False
            raise
        if not answer.ok:
            raise token_refusal(answer)
        body = answer.body if isinstance(answer.body, Mapping) else {}
        value = body.get("access_token")
        if not can_be_sent(value):
            raise _no_sense("fetch a token", answer)
        try:
            seconds = float(body.get("expires_in", 3600))
        except (TypeError, ValueError, OverflowError):
            seconds = 3600.0
        # A life of under a minute would have us fetch before every call, and no calendar holds one without end.
        return Token.lasting(value, min(max(60.0, seconds), LONGEST_LIFE_S), self._now())


def filter_ignored(parameter: str) -> StopLane:
    """Smaregi gave members that were not asked for: going on would link a stranger."""
    return StopLane(
        f"Smaregi did not obey the filter {parameter} and gave other members: nothing may be concluded from its lists "
        f"until that is understood ({COMMON_PAGE})",
        kind="smaregi.filter_ignored",
    )


def _no_sense(what: str, answer: Answer, *, doubt: bool = False) -> TryLater:
    return TryLater(
        f"Smaregi answered {answer.status} to {what}, but not with what its pages promise",
        kind="smaregi.no_sense",
        doubt=doubt,
        status=answer.status,
    )


def _camel(name: str) -> str:
    """``customer_code`` as ``customerCode``; the setting's pages do not say which way it is spelled."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
