"""In and out: a name, a password, and not too many tries."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import structlog
from flask import Blueprint, Request, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response as AnyResponse

from handlers.console import session as sessions
from handlers.console.access import Role, note, who
from handlers.console.guard import A_YEAR_S, same_site_path
from handlers.console.setup import ConsoleSetup
from handlers.console.texts import marked
from handlers.house import House

LONGEST_NAME: Final = 40
LONGEST_PASSWORD: Final = 256
LANGUAGES: Final = ("ja", "en")
#: Wrong passwords that one address, and all together, may try.
FOR_ONE: Final = "5/minute; 20/hour"
FOR_ALL: Final = "60/minute; 300/hour"
# A check takes 32 MB for a tenth of a second, on purpose: one at a time, and the next one waits.
_PATIENCE_S: Final = 5.0


Headers = dict[str, str]


class TooMany(Exception):
    """Too many wrong passwords; ``wait_s`` says when the next one may be tried."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class _Limit:
    items: tuple[RateLimitItem, ...]
    key: str


class Passwords:
    """Says which role a password opens. As slow for a wrong one as for a right one, and not for ever."""

    def __init__(self, setup: ConsoleSetup) -> None:
        self._setup = setup
        # Compared with when there is no second password, so that nobody can tell by the clock.
        self._nobody = generate_password_hash("nobody's", _method_of(setup.password_hash or ""))
        self._turn = threading.Lock()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._one, self._all = tuple(parse_many(FOR_ONE)), tuple(parse_many(FOR_ALL))

    def role_of(self, password: str, address: str) -> Role | None:
        """The role that this password opens, or None. Raises ``TooMany``."""
        limits = (_Limit(self._one, address), _Limit(self._all, "all"))
        self._may_try(limits)
        if not self._turn.acquire(timeout=_PATIENCE_S):
            raise TooMany(1)
        try:
            self._may_try(limits)  # others may have tried while this one waited
            role = self._compare(password)
            if role is None:  # counted before the next one looks
                for limit in limits:
                    for item in limit.items:
                        self._limiter.hit(item, limit.key)
        finally:
            self._turn.release()
        return role

    def _may_try(self, limits: tuple[_Limit, ...]) -> None:
        for limit in limits:
            for item in limit.items:
                if not self._limiter.test(item, limit.key):
                    stats = self._limiter.get_window_stats(item, limit.key)
                    raise TooMany(max(1, round(stats.reset_time - time.time())))

    def _compare(self, password: str) -> Role | None:
        if len(password) > LONGEST_PASSWORD:
            password = ""  # nobody's, and as slow as any other
        acts = check_password_hash(self._setup.password_hash or self._nobody, password)
        looks = check_password_hash(self._setup.view_password_hash or self._nobody, password)
        if acts and self._setup.password_hash:
            return "act"
        return "view" if looks and self._setup.view_password_hash else None


def _method_of(told: str) -> str:
    return told.split("$", 1)[0] or "scrypt"


def address_of(asked: Request) -> str:
    """The caller's address, for counting.

    The peer's; when the peer is a proxy of ours (an address that is not on the internet), the last one in
    ``X-Forwarded-For``, which is what that proxy has added: all before it is the caller's own word.
    """
    peer = asked.remote_addr or "unknown"
    told = asked.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
    try:
        if told and not ip_address(peer).is_global:
            return _network(str(ip_address(told)))
        return _network(peer)
    except ValueError:
        return peer


def _network(address: str) -> str:
    """An IPv6 caller has 2^64 addresses of their own: they count as one."""
    ip = ip_address(address)
    return address if ip.version == 4 else ":".join(ip.exploded.split(":")[:4])


def login_doors(door: Blueprint, house: House) -> None:
    """``/login`` and ``/logout``."""
    passwords = Passwords(house.console)

    @door.get("/login")
    def login() -> AnyResponse:
        if sessions.is_good(house.console, house.now()):
            return redirect(_wanted(), 303)
        return _page(200)

    @door.post("/login")
    def sign_in() -> AnyResponse:
        name = " ".join(request.form.get("who", "").split())
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            return _page(400, said=_("Write your name, in at most %(count)d characters.", count=LONGEST_NAME))
        try:
            role = passwords.role_of(request.form.get("password", ""), address_of(request))
        except TooMany as e:
            house.tally.count("console login held off")
            structlog.get_logger().warning("console login", outcome="held off", wait_s=e.wait_s)
            said = _("Too many wrong passwords. Try again in %(seconds)d seconds.", seconds=e.wait_s)
            return _page(429, name=name, said=said, headers={"Retry-After": str(e.wait_s)})
        if role is None:
            house.tally.count("console login refused")
            structlog.get_logger().warning("console login", outcome="refused")
            return _page(401, name=name, said=_("This is not the password."))
        to = _wanted()
        # Written down first: nobody is in who does not stand in the log.
        house.audit.note(marked("signed in"), who=name, role=role, now=house.now())
        sessions.begin(house.console, name, role, house.now())
        structlog.get_logger().info("console login", outcome="done")
        return redirect(to, 303)

    @door.post("/logout")
    def logout() -> AnyResponse:
        if who():
            note(house, marked("signed out"))
        session.clear()
        return redirect(url_for("console.login"), 303)


def language_door(door: Blueprint) -> None:
    """``/language``: the reader's choice, kept in a cookie of its own, before the login and after it."""

    @door.post("/language")
    def language() -> AnyResponse:
        chosen = request.form.get("language", "")
        answer = redirect(same_site_path(request.form.get("next")), 303)
        if chosen in LANGUAGES:
            secure = not sessions.on_this_machine()
            answer.set_cookie(
                "language", chosen, A_YEAR_S, path=sessions.PATH, secure=secure, httponly=True, samesite="Lax"
            )
        return answer


def _wanted() -> str:
    return same_site_path(request.values.get("next"))


def _page(status: int, *, name: str = "", said: str | None = None, headers: Headers | None = None) -> AnyResponse:
    page = render_template(
        "console/login.html", to=_wanted(), name=name, said=said, longest=LONGEST_NAME, lost="lost" in request.args
    )
    return make_response(page, status, headers or {})
