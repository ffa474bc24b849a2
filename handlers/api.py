"""``GET /api/customers/<shopify id>``: may this customer use the shops already, and with which code?

For the merchant's own server, which bears a token. Whoever is unknown is answered as one who registered a moment ago:
the same status, the same headers, the same words, after the same wait. So the answers tell nobody which ids exist.

The door stands before Flask, like Shopify's, because an answer may be waited for (``?wait=10``) and whoever waits must
not hold a thread.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import structlog
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header, parse_etags

from handlers.alert_words import JST
from handlers.bearer import ASK, bears
from handlers.front import Environ, waiting
from handlers.lookout import Lookout
from ledger.database import StoreBusy
from ledger.standing import Standing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

log = structlog.get_logger()

PATH: Final = "/api/customers/"
DESCRIPTION_PATH: Final = "/api/openapi.json"
LONGEST_WAIT_S: Final = 10
LARGEST_ID: Final = 2**63 - 1
#: The first is for those who ask for none of them: most customers of a shop in Japan read Japanese.
LANGUAGES: Final = ("ja", "en")
MESSAGES: Final = {
    ("ja", True): "店舗でご利用いただけます。",
    ("ja", False): "会員情報を準備しています。店舗でのご利用は、もうしばらくお待ちください。",
    ("en", True): "Ready for use in our shops.",
    ("en", False): "We are getting your membership ready. Please wait a little before using it in our shops.",
}

_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,2}", re.ASCII)
_VARY: Final = ("Vary", "Authorization, Accept-Language")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back, before it is WSGI."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()


class _Refused(Exception):
    def __init__(self, status: int, why: str, *headers: tuple[str, str]) -> None:
        super().__init__(why)
        self.answer = Answer(status, _as_json({"error": why}), (("Cache-Control", "no-store"), *headers))


@dataclass(frozen=True, slots=True)
class StatusApi:
    """The door: opens to who bears ``token``, and asks ``lookout``. ``answered`` is told each status."""

    token: str
    lookout: Lookout
    answered: Callable[[int], None] = lambda _: None

    def before(self, app: WSGIApplication) -> WSGIApplication:
        """The app with this door in front of it."""

        def knock(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "")
            if path == DESCRIPTION_PATH:
                answer = _described(environ)
            elif path.startswith(PATH):
                answer = self.answer(environ, path.removeprefix(PATH))
            else:
                return app(environ, start_response)
            self.answered(answer.status)
            return _sent(answer, environ, start_response)

        return knock

    def answer(self, environ: Environ, asked: str) -> Answer:
        """The answer to whoever asks for this customer."""
        try:
            if not bears(environ, self.token):
                raise _Refused(401, "this needs the token: Authorization: Bearer ...", ASK)
            _only_get(environ)
            customer_id, wait_s = read_id(asked), read_wait(environ.get("QUERY_STRING", ""))
            return self._look(environ, customer_id, wait_s)
        except _Refused as e:
            return e.answer
        except StoreBusy as e:
            log.error("not answered", path=PATH, status=503, why=str(e))
            return _Refused(503, "the store is busy; please ask again", ("Retry-After", "1")).answer
        except Exception:
            log.exception("not answered", path=PATH, status=500)
            return _Refused(500, "this is a fault of ours; please ask again").answer

    def _look(self, environ: Environ, customer_id: int, wait_s: int) -> Answer:
        language = read_language(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        held = environ.get("HTTP_IF_NONE_MATCH")
        etags = parse_etags(held)

        def is_news(standing: Standing) -> bool:
            """Who holds an answer waits for another one; who holds none waits for "ready"."""
            return not etags.contains_weak(_etag(told(customer_id, standing, language))) if held else standing.in_store

        standing = self.lookout.wait_for(customer_id, is_news, wait_s=wait_s, waiting=waiting(environ))
        body = told(customer_id, standing, language)
        headers = (
            ("Cache-Control", "private, no-cache"),
            ("Content-Language", language),
            ("ETag", f'"{_etag(body)}"'),
            _VARY,
        )
        if etags.contains_weak(_etag(body)):
            return Answer(304, headers=headers)
        return Answer(200, body, headers)


def told(customer_id: int, standing: Standing, language: str) -> bytes:
    """What the customer's page may say. The id is text, for JavaScript rounds numbers as long as an id may be.

    ``checked_again_at`` is there only after a lost answer: it has arrived, and is checked once more then.
    """
    store: dict[str, Any] = {
        "state": "ready" if standing.in_store else "wait",
        # A till scans the code; a member without one is found by the number.
        "code": standing.code or standing.number or None,
        "number": standing.number or None,
        "message": MESSAGES[language, standing.in_store],
    }
    crm: dict[str, Any] = {"state": "ready" if standing.in_crm else "wait"}
    for side, at in ((store, standing.store_checked_at), (crm, standing.crm_checked_at)):
        if at is not None:
            side["checked_again_at"] = at.astimezone(JST).isoformat(timespec="seconds")
    return _as_json({"id": str(customer_id), "store": store, "crm": crm})


def read_id(asked: str) -> int:
    """The Shopify id that is asked for. Raises for all that can be none, however it is not one."""
    if not _ID.fullmatch(asked) or int(asked) > LARGEST_ID:
        raise _Refused(404, "there is nothing here: ask for /api/customers/ and a Shopify customer id")
    return int(asked)


def read_wait(query: str) -> int:
    """How many seconds the caller wishes to wait; 0 when they do not say."""
    try:
        asked = parse_qs(query, keep_blank_values=True, max_num_fields=20).get("wait", ["0"])
    except ValueError:
        asked = []
    if len(asked) != 1 or not _SECONDS.fullmatch(asked[0]) or int(asked[0]) > LONGEST_WAIT_S:
        raise _Refused(400, f"wait is a number of seconds from 0 to {LONGEST_WAIT_S}")
    return int(asked[0])


def read_language(header: str) -> str:
    """The one of our languages that is liked best."""
    return parse_accept_header(header, LanguageAccept).best_match(LANGUAGES, LANGUAGES[0]) or LANGUAGES[0]


def description() -> dict[str, Any]:
    """The OpenAPI description of this door."""
    read: dict[str, Any] = json.loads(_DESCRIPTION.read_text())
    return read


_DESCRIPTION: Final = Path(__file__).parent / "openapi.json"


def _described(environ: Environ) -> Answer:
    try:
        _only_get(environ)
    except _Refused as e:
        return e.answer
    return Answer(200, _as_json(description()), (("Cache-Control", "public, max-age=300"),))


def _only_get(environ: Environ) -> None:
    if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
        raise _Refused(405, "only GET", ("Allow", "GET, HEAD"))


def _as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _sent(answer: Answer, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    headers = [*answer.headers, ("X-Content-Type-Options", "nosniff")]
    if answer.status != 304:
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(answer.body)))]
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return () if environ.get("REQUEST_METHOD") == "HEAD" or answer.status == 304 else (answer.body,)
