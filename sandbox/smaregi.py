"""Smaregi's Platform API for members, as documented: token, auth, limits and the member and point endpoints.

Hosts, token, headers: https://developers.smaregi.dev/platform-api-reference/common
Scope of the rate limit: https://community.smaregi.dev/discussion/518
"""

import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from sandbox.config import SandboxConfig
from sandbox.rates import RollingLimit
from sandbox.smaregi_fields import REQUIRABLE, Problem
from sandbox.smaregi_listing import fields_asked, list_members, pick
from sandbox.smaregi_members import Member, Members, stamp

if TYPE_CHECKING:
    from sandbox.world import World

SCOPES = {"pos.customers:read", "pos.customers:write"}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class SmaregiShelf:
    """One contract: its members, the tokens that are out, and how fast it lets itself be called."""

    def __init__(self, config: SandboxConfig, clock: Callable[[], datetime]) -> None:
        self.config = config
        self.clock = clock
        self.members = Members(config, clock)
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._created = 0
        self.reads = RollingLimit(config.smaregi_reads_per_second, 1)
        self.writes = RollingLimit(config.smaregi_writes_per_second, 1)

    def reset(self) -> None:
        """No members, and no token is good any more."""
        self.members.reset()
        self.revoke_tokens()

    def records(self) -> list[dict[str, object]]:
        """Every member with its balances (`point`, `mile`)."""
        return [
            {**member.shown(), "point": str(member.point), "mile": str(member.mile)} for member in self.members.all()
        ]

    def seed(self, member: Mapping[str, Any]) -> dict[str, str | None]:
        """Put a member there that was there before us; see `Members.seed`."""
        return self.members.seed(member).shown()

    def revoke_tokens(self) -> None:
        """Every token that is out stops working, as after a change of the secret."""
        with self._lock:
            self._tokens.clear()

    def issue_token(self, scopes: frozenset[str]) -> str:
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._tokens[token] = (
                self.clock() + timedelta(seconds=self.config.smaregi_token_life_seconds),
                scopes,
            )
        return token

    def scopes_of(self, token: str) -> frozenset[str] | None:
        """What this token allows, or None if it is unknown or has expired."""
        with self._lock:
            end, scopes = self._tokens.get(token, (None, frozenset[str]()))
        return None if end is None or self.clock() >= end else scopes

    def pace(self, method: str) -> None:
        """Count one call. Raises `Problem` 429 when it is one too many."""
        limit = self.reads if method == "GET" else self.writes
        if not limit.take(self.clock().timestamp()):
            wait = self.config.smaregi_retry_after
            raise Problem(429, headers={} if wait is None else {"Retry-After": wait})

    def create_answer(self, member: Member) -> dict[str, object]:
        """What a create answers: the id is a string or a number, as the vendor's API does not keep to one."""
        with self._lock:
            self._created += 1
            nth = self._created
        kind = self.config.smaregi_id_in_create_answer
        as_number = kind == "number" or (kind == "alternating" and nth % 2 == 1)
        return {**member.shown(), "customerId": member.number if as_number else str(member.number)}


def blueprint(world: "World") -> Blueprint:
    """`/smaregi-id/app/{contract}/token` and `/smaregi/{contract}/pos/...`."""
    shelf = world.smaregi
    doors = Blueprint("smaregi", "sandbox.smaregi")

    @doors.post("/smaregi-id/app/<contract>/token")
    def token(contract: str) -> Response:
        try:
            shelf.pace("POST")
        except Problem as problem:
            return _problem(problem)
        return _token(shelf, contract)

    @doors.route("/smaregi/<contract>/pos/<path:rest>", methods=METHODS)
    def api(contract: str, rest: str) -> Response:
        try:
            _authorise(shelf, contract)
            shelf.pace(request.method)
            return _route(shelf, request.method, rest)
        except Problem as problem:
            return _problem(problem)

    @doors.route("/smaregi/<path:rest>", methods=METHODS)
    @doors.route("/smaregi-id/<path:rest>", methods=METHODS)
    def nowhere(rest: str) -> Response:  # noqa: ARG001 - Flask names it
        return _problem(Problem(404))

    return doors


def _token(shelf: SmaregiShelf, contract: str) -> Response:
    config = shelf.config
    basic = request.authorization
    known = (
        basic is not None
        and basic.type == "basic"
        and basic.username == config.smaregi_client_id
        and basic.password == config.smaregi_client_secret
        and contract == config.contract_id
    )
    if not known:
        return _oauth_error(401, "invalid_client", "Client authentication failed")
    if request.mimetype != "application/x-www-form-urlencoded":
        return _oauth_error(400, "invalid_request", "The request must be form-urlencoded")
    if request.form.get("grant_type") != "client_credentials":
        return _oauth_error(400, "unsupported_grant_type", "The authorization grant type is not supported")
    scopes = frozenset(request.form.get("scope", "").split())
    if not scopes or not scopes <= SCOPES:
        return _oauth_error(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed")
    return _json(
        200,
        {
            "scope": " ".join(sorted(scopes)),
            "token_type": "Bearer",
            "expires_in": config.smaregi_token_life_seconds,
            "access_token": shelf.issue_token(scopes),
        },
    )


def _authorise(shelf: SmaregiShelf, contract: str) -> None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    scopes = shelf.scopes_of(token) if kind == "Bearer" else None
    if scopes is None:
        raise Problem(401)
    needed = "pos.customers:read" if request.method == "GET" else "pos.customers:write"
    if contract != shelf.config.contract_id or needed not in scopes or not shelf.config.smaregi_members_in_plan:
        raise Problem(403)


def _route(  # noqa: C901, PLR0911 - a table of routes, one line each
    shelf: SmaregiShelf, method: str, rest: str
) -> Response:
    match (method, *rest.split("/")):
        case ("GET", "customers"):
            return _json(200, list_members(shelf.members, request.args, shelf.clock()))
        case ("POST", "customers"):
            return _json(shelf.config.smaregi_create_status, shelf.create_answer(shelf.members.create(_sent())))
        case ("GET", "customers", "point"):
            return _json(200, _points(shelf))
        case ("GET", "customers", number):
            return _json(200, pick(shelf.members.get(_id(number)), fields_asked(request.args)))
        case ("PATCH", "customers", number):
            came = request.environ.get("sandbox.came")
            return _json(200, shelf.members.update(_id(number), _sent(), came=came).shown())
        case ("DELETE", "customers", number):
            shelf.members.delete(_id(number))
            status = shelf.config.smaregi_delete_status
            return Response(status=204) if status == 204 else _json(status, {})
        case ("PATCH", "customers", number, "point"):
            return _json(200, _changed_points(shelf, _id(number), relative=False))
        case ("POST", "customers", number, "point", "add"):
            return _json(200, _changed_points(shelf, _id(number), relative=True))
        case ("GET", "customer_required_column_setting"):
            required = shelf.members.required_columns
            return _json(200, [{"columnName": name, "value": "1" if name in required else "0"} for name in REQUIRABLE])
        case (_, "customers" | "customer_required_column_setting", *_):
            raise Problem(405)
        case _:
            raise Problem(404)


def _points(shelf: SmaregiShelf) -> list[dict[str, str | None]]:
    asked = request.args.get("customer_id")
    members = [shelf.members.get(_id(asked))] if asked is not None else shelf.members.all()[:100]
    return [shelf.members.lapse_points(member.number).points() for member in members]


def _changed_points(shelf: SmaregiShelf, number: int, *, relative: bool) -> dict[str, object]:
    sent = _sent()
    member = shelf.members.set_points(number, sent.get("point"), relative=relative)
    return {
        "customerId": str(number),
        "mile": str(member.mile),
        "point": str(member.point),
        "pointExpireDate": member.fields.get("pointExpireDate"),
        "updDateTime": stamp(member.points_updated or member.updated),
        "transactionHeadIds": [member.transactions[-1]],
    }


def _id(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text):
        raise Problem(404, "会員は存在しません")
    return int(text)


def _sent() -> dict[str, Any]:
    sent = request.get_json(silent=True) if request.is_json else None
    if not isinstance(sent, dict):
        raise Problem(400, "リクエストの形式が正しくありません")
    return sent


def _json(status: int, said: object) -> Response:
    return Response(json.dumps(said, ensure_ascii=False), status, content_type="application/json;charset=UTF-8")


def _problem(problem: Problem) -> Response:
    return Response(
        json.dumps(problem.body(), ensure_ascii=False),
        problem.status,
        headers=problem.headers,
        content_type="application/problem+json",
    )


def _oauth_error(status: int, error: str, description: str) -> Response:
    return _json(status, {"error": error, "error_description": description})
