"""Smaregi's refusals, sorted into retry, person and stop-the-lane; its words are kept, what we sent is masked in them.

Errors are problem+json with no machine code: a Japanese sentence with the field in square brackets first.
https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomergroups
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from clients.errors import AskPerson, Busy, CarryError, StopLane, TryLater
from clients.http import Answer

COMMON_PAGE: Final = "https://developers.smaregi.dev/platform-api-reference/common"
SCOPES_PAGE: Final = "https://help.smaregi.jp/hc/ja/articles/360051474333"
PAUSE: Final = timedelta(seconds=5)  # after a 429 that names no wait
LONGEST_DETAIL: Final = 200
LONGEST_TOLD: Final = 2_000

# Not personal, and so short or so useful to ops that masking them would only spoil the vendor's sentence.
OPEN_FIELDS: Final = frozenset({"customerCode", "customerNo", "sex", "mailReceiveFlag", "status", "storeId", "rank"})
_FIELD: Final = re.compile(r"^\[(\w{1,64})\]\s*(.*)", re.DOTALL | re.ASCII)
_MAIL: Final = re.compile(r"[^\s@「」『』（）()、。<>]+[@＠][^\s@「」『』（）()、。<>]+")
_KATAKANA: Final = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_PHONE: Final = re.compile(r"(?<!\d)(?:\+81[- ]?|0)\d{1,4}[- ]?\d{1,4}[- ]?\d{3,4}(?!\d)")


class Refused(AskPerson):
    """Smaregi refused the fields of one member; ``field`` is the one it named."""

    def __init__(self, why: str, *, field: str | None, status: int) -> None:
        super().__init__(why, kind="smaregi.refused", status=status)
        self.field = field


class Missing(AskPerson):
    """Smaregi has no member of this id: what we remembered is stale, and the lane looks again."""

    def __init__(self, member_id: str) -> None:
        super().__init__(f"Smaregi has no member {member_id}", kind="smaregi.missing", status=404)
        self.member_id = member_id


@dataclass(frozen=True, slots=True)
class Words:
    """The vendor's words in a refusal: the field they name, if any, and the sentence."""

    field: str | None
    detail: str

    def __str__(self) -> str:
        return f"[{self.field}] {self.detail}".rstrip() if self.field else self.detail


def words(body: Any, sent: Mapping[str, str | None] | None = None) -> Words:
    """The words of a problem+json (or OAuth) body, without any value of ``sent``, an e-mail or a phone number."""
    if not isinstance(body, Mapping):
        return Words(None, "no explanation")
    told = next((t for name in ("detail", "title", "error") if isinstance(t := body.get(name), str) and t), "")
    told = told[:LONGEST_TOLD]  # the patterns below take the square of the time for twice the length
    found = _FIELD.match(told)
    field, detail = (found[1], found[2]) if found else (None, told)
    personal = {value for name, value in (sent or {}).items() if value and name not in OPEN_FIELDS}
    for value in sorted(personal, key=len, reverse=True):
        detail = detail.replace(value, "***")
    detail = _PHONE.sub("***", _MAIL.sub("***", detail))
    if _repeats(detail, personal):
        return Words(field, "its words are not kept: they repeat the customer's data")
    return Words(field, detail[:LONGEST_DETAIL].strip() or "no explanation")


def _repeats(detail: str, personal: Collection[str]) -> bool:
    """Whether a part of a value, or the value written in another way, is left in the sentence."""
    said = _fold(detail)
    return any(run in said for value in personal for run in _runs(_fold(value)))


def _fold(text: str) -> str:
    """One way of writing for all: full width, katakana, lower case, letters and digits alone."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_KATAKANA)
    return "".join(letter for letter in folded if letter.isalnum())


def _runs(value: str) -> Iterator[str]:
    """What gives a value away: all of it, or three letters in a row of Japanese, six of Latin."""
    if len(value) > 1:
        yield value
    for start in range(len(value)):
        if not (three := value[start : start + 3]).isascii() and len(three) == 3:
            yield three
        if (six := value[start : start + 6]).isascii() and len(six) == 6 and six.isalpha():
            yield six


def wrong_credentials(status: int) -> StopLane:
    """The id or the secret of the app is not accepted."""
    return StopLane(
        "Smaregi does not accept our credentials: check SMAREGI_CLIENT_ID and SMAREGI_CLIENT_SECRET "
        f"(they differ per environment; {COMMON_PAGE})",
        kind="smaregi.credentials",
        status=status,
    )


def not_permitted(status: int) -> StopLane:
    """The contract's plan or the app's scopes do not reach the members."""
    return StopLane(
        "Smaregi does not permit members to this app: the contract needs the plan Premium Plus, Food Business or "
        "Retail Business, and the app the scopes pos.customers:read and pos.customers:write, switched on and approved "
        f"by the contract's owner ({SCOPES_PAGE})",
        kind="smaregi.forbidden",
        status=status,
    )


def wrong_address(what: str, status: int) -> StopLane:
    """Something answers, but it is not the Smaregi we know."""
    return StopLane(
        f"Smaregi answered {status} when we wanted to {what}: check SMAREGI_API_URL, SMAREGI_AUTH_URL and "
        f"SMAREGI_CONTRACT_ID ({COMMON_PAGE})",
        kind="smaregi.address",
        status=status,
    )


def token_refusal(answer: Answer) -> CarryError:
    """Why no token was given; the body is OAuth's, not problem+json."""
    if answer.status == 401:
        return wrong_credentials(401)
    if answer.status in (400, 403):
        # OAuth's own code, and no more: a sentence here may repeat the secret.
        told = answer.body.get("error") if isinstance(answer.body, Mapping) else None
        code = told if isinstance(told, str) and re.fullmatch(r"[a-z_]{1,40}", told) else "no code given"
        return StopLane(
            f"Smaregi gives no token ({code}, HTTP {answer.status}): check SMAREGI_CONTRACT_ID, and that "
            f"the scopes pos.customers:read and pos.customers:write are switched on for the app ({SCOPES_PAGE})",
            kind="smaregi.token_refused",
            status=answer.status,
        )
    return _far_side(answer, "fetch a token", writes=False) or wrong_address("fetch a token", answer.status)


def refusal_of_read(answer: Answer, what: str) -> CarryError:
    """Why nothing was read. Our own question was refused, so no single customer is at fault."""
    if error := _far_side(answer, what, writes=False):
        return error
    if 400 <= answer.status < 500 and answer.status not in (404, 405):
        return StopLane(
            f"Smaregi refused to {what}: {words(answer.body)} (HTTP {answer.status}; {COMMON_PAGE})",
            kind="smaregi.query_refused",
            status=answer.status,
        )
    return wrong_address(what, answer.status)


def refusal_of_write(answer: Answer, what: str, sent: Mapping[str, str | None]) -> CarryError:
    """Why a member was not written; a 5xx leaves it in doubt whether it was."""
    if error := _far_side(answer, what, writes=True):
        return error
    if 400 <= answer.status < 500 and answer.status not in (404, 405):
        told = words(answer.body, sent)
        return Refused(
            f"Smaregi refused to {what}: {told} (HTTP {answer.status})", field=told.field, status=answer.status
        )
    return wrong_address(what, answer.status)


def _far_side(answer: Answer, what: str, *, writes: bool) -> CarryError | None:
    """What concerns the far side as a whole, or None."""
    if answer.status == 401:
        return wrong_credentials(401)
    if answer.status in (402, 403):
        return not_permitted(answer.status)
    if answer.status in (423, 429, 477):
        # Frequent throttling can lead to refused requests: https://community.smaregi.dev/discussion/616
        return Busy(
            f"Smaregi asks us to wait (HTTP {answer.status})",
            kind="smaregi.busy",
            wait=answer.wait() or PAUSE,
            status=answer.status,
        )
    if answer.status >= 500 or answer.status in (408, 425):
        return TryLater(
            f"Smaregi could not {what} (HTTP {answer.status})",
            kind="smaregi.unavailable",
            wait=answer.wait(),
            doubt=writes,
            status=answer.status,
        )
    return None
