"""One way to make a call: pooled, with a timeout always, and with the first of our two patiences.

Seconds are spent here (tenacity: connection errors, 423, 429, 477, 5xx; ``Retry-After`` obeyed); minutes and days in
the ledger. A call that must not be done twice (``repeatable=False``) is tried again only when it certainly was not
done; otherwise the error says ``doubt`` and the lane asks before it creates again.
"""

from __future__ import annotations

import json as codec
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from urllib3.exceptions import LocationParseError

from clients import spans
from clients.errors import TryLater
from clients.hurry import ANSWER_S
from clients.pace import Pace

NOT_DONE = frozenset({423, 429, 477})  # the far side says that it did nothing
#: No ``Retry-After`` is obeyed for longer: a wrong one of days would stop a lane for days.
LONGEST_WAIT = timedelta(hours=1)
MAYBE_DONE = frozenset({500, 502, 503, 504, 521, 522, 523, 524, 525, 526})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers, and the body as ``read_json`` reads it."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def wait(self, now: datetime | None = None) -> timedelta | None:
        """What ``Retry-After`` asks for, in seconds or as a date, an hour at most; None when it makes no sense.

        https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
        """
        raw = self.headers.get("Retry-After", "").strip()
        try:
            seconds = float(raw)
        except ValueError:
            if (at := read_date(raw)) is None:
                return None
            seconds = (at - (now or datetime.now(UTC))).total_seconds()
        if not seconds >= 0:  # also what is no number
            return None
        return timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds()))


def read_date(raw: str) -> datetime | None:
    """A date as headers write it; None when it makes no sense."""
    try:
        at = parsedate_to_datetime(raw)
    except (ValueError, TypeError, IndexError, OverflowError):  # a zone of a million hours, a date of commas
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


class _Again(Exception):
    """Inside ``call`` only: this try may be made again; carries what to say when there is no further try."""

    def __init__(self, answer: Answer | None, error: TryLater | None) -> None:
        super().__init__()
        self.answer = answer
        self.error = error


class Http:
    """The door to one far side: one pooled session for a lane, shared by its threads.

    ``patience`` bounds what is waited between tries of one call; a longer ``Retry-After`` goes back to the caller as
    the answer it came with. ``settings`` names those that the address comes from, for whoever has to mend it.
    """

    def __init__(
        self,
        lane: str,
        base_url: str,
        *,
        settings: str = "the address in the settings",
        connect_s: float = 3.05,
        read_s: float = 20.0,
        tries: int = 3,
        patience: timedelta = timedelta(seconds=8),
        pool: int = 32,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.lane = lane
        self.base_url = base_url.rstrip("/")
        self._settings = settings
        self._timeout = (connect_s, read_s)
        self._tries = tries
        self._patience = patience.total_seconds()
        self._sleep = sleep
        #: What time it was at the far side when it last answered, if it told.
        self.heard_at: datetime | None = None
        self._session = _Session()
        # Neither a .netrc nor a proxy variable of the host may change whom we talk to, or as whom.
        self._session.trust_env = False
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=pool, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        pace: Pace | None = None,
        repeatable: bool = True,
        before_send: Callable[[], None] = lambda: None,
    ) -> Answer:
        """One request, tried again within seconds where that is safe; the last answer, whatever its status.

        ``path`` follows the base URL, or is a whole URL. ``before_send`` runs before each try, when the wait for the
        pace is over; what it raises ends the call unsent. Raises ``TryLater`` when there was no answer at all, with
        ``doubt`` when the far side may have done what was asked.
        """
        url = path if path.startswith(("http://", "https://")) else self.base_url + path
        hurry = ANSWER_S.get()
        timeout = self._timeout if hurry is None else (self._timeout[0], min(self._timeout[1], hurry))
        waiting = wait_exponential_jitter(multiplier=0.4, max=3.0, jitter=0.4)

        def wait(state: RetryCallState) -> float:
            again = state.outcome.exception() if state.outcome else None
            named = again.answer.wait() if isinstance(again, _Again) and again.answer else None
            return named.total_seconds() if named is not None else waiting(state)

        def once() -> Answer:
            if pace is not None:
                with spans.span("wait for a slot"):
                    pace.take()
            before_send()
            notes = {"http.request.method": method, "server.address": urlsplit(url).hostname, "lane": self.lane}
            with spans.span(method, notes, side="client") as span:
                try:
                    got = self._session.request(
                        method,
                        url,
                        params=params,
                        json=json,
                        data=form,
                        headers=headers,
                        auth=basic,
                        timeout=timeout,
                        allow_redirects=False,
                    )
                except (requests.RequestException, LocationParseError) as e:
                    raise self._no_answer(e, url, repeatable) from e
                span.note({"http.response.status_code": got.status_code})
                if got.status_code >= 400:
                    span.fail(str(got.status_code))
            answer = Answer(got.status_code, got.headers, read_json(got.content))
            self.heard_at = read_date(answer.headers.get("Date", ""))
            if answer.status in NOT_DONE or (answer.status in MAYBE_DONE and repeatable):
                named = answer.wait()
                if named is None or named.total_seconds() <= self._patience:
                    raise _Again(answer, None)
            return answer

        retrying = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(self._tries if hurry is None else 1),
            wait=wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(once)
        except _Again as again:
            if again.answer is not None:
                return again.answer
            raise again.error or TryLater(f"{self.lane}: no answer", kind=f"{self.lane}.unreachable") from again

    def _no_answer(self, e: Exception, url: str, repeatable: bool) -> Exception:
        """What a call without an answer means: only a connection that never stood was certainly not carried out."""
        nameless = "NameResolutionError" in repr(e) or isinstance(
            e, requests.exceptions.InvalidURL | LocationParseError
        )
        never_sent = nameless or isinstance(e, requests.ConnectTimeout) or "NewConnectionError" in repr(e)
        what, why = "unreachable", "no connection, or it broke"
        if nameless:
            what = "name_unresolved"
            why = f"the name {host_of(url)} cannot be resolved (DNS): check {self._settings}, and this machine's DNS"
        elif isinstance(e, requests.Timeout):
            what, why = "timeout", "no answer in time"
        error = TryLater(f"{self.lane}: {why} ({type(e).__name__})", kind=f"{self.lane}.{what}", doubt=not never_sent)
        if never_sent or repeatable:
            return _Again(None, error)
        return error


def host_of(url: str) -> str:
    """The host of an address, for a message; what is no host's name is not repeated."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return host if re.fullmatch(r"[a-z0-9._-]{1,253}", host) else "of the host"


class _Session(requests.Session):
    """A redirect is an answer like another; requests would take its address apart even where it may not follow."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: whatever stands there."""


def read_json(content: bytes) -> Any:
    """The body as JSON, None when it is not JSON or nested beyond reason. Never raises.

    Its texts are such as can be stored: without NUL, which PostgreSQL refuses, and without lone surrogates, which have
    no UTF-8. Both can only stand in JSON as escapes, so that most answers are not looked through.
    """
    try:
        told = codec.loads(content, parse_constant=_no_such_number)
        return _storable(told) if _ESCAPES.search(content) else told
    except (ValueError, RecursionError):
        return None


_ESCAPES = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|\x00")  # and a NUL may be half a letter of UTF-16


def _no_such_number(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are JavaScript, not JSON


def _storable(told: Any) -> Any:
    if isinstance(told, str):
        return told.replace("\x00", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(told, dict):
        return {_storable(name): _storable(part) for name, part in told.items()}
    return [_storable(part) for part in told] if isinstance(told, list) else told
