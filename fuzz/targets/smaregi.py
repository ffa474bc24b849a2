"""Smaregi's answers: rows and refusals by themselves, and the whole lane over answers that were tampered with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from clients.errors import CarryError
from clients.http import Answer
from clients.pace import AlonePace
from clients.smaregi.alone import AloneFlags, AloneIndex, AtOnce
from clients.smaregi.index import Freshness, Poll
from clients.smaregi.lane import SmaregiLane
from clients.smaregi.rows import as_member, changed_at, mail_key
from clients.smaregi.sorting import refusal_of_read, refusal_of_write, token_refusal, words
from clients.token import AloneVault
from customer import Address, Customer, Member, Task
from fuzz.clock import FakeClock
from fuzz.laws import Broken, quiet, sound_error, sound_result, storable
from fuzz.source import Source
from fuzz.targets.target import Target
from fuzz.wild import NUMBERS, SECRETS, TEXTS, as_bytes, read_back, tamper, wild
from fuzz.wire import Asked, answered_by, reply

ID: Final = 6900000000001
CUSTOMER: Final = Customer(
    id=ID,
    email=SECRETS[0],
    phone=SECRETS[3],
    last_name=SECRETS[1],
    first_name="蓮",
    last_kana=SECRETS[2],
    address=Address(zip="100-0014", province_code="JP-13", city="千代田区", address1=SECRETS[4]),
    email_consent="subscribed",
)
SENT: Final = {
    "lastName": SECRETS[1],
    "lastKana": SECRETS[2],
    "mailAddress": SECRETS[0],
    "phoneNumber": SECRETS[3],
    "address": SECRETS[4],
    "customerCode": str(ID),
}
ROW: Final[dict[str, Any]] = {
    "customerId": "100",
    "customerCode": "S-0001",
    "customerNo": None,
    "lastName": "見本",
    "mailAddress": SECRETS[0],
    "mailAddress2": "",
    "mailAddress3": None,
    "status": "0",
    "updDateTime": "2026-11-22T11:00:00+09:00",
}
PROBLEMS: Final[tuple[Any, ...]] = (
    {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": f"[mailAddress] {SECRETS[0]}は不正です。"},
    {"title": "Bad Request", "detail": f"[lastName] {SECRETS[1]} 様は登録できません。"},
    {"title": "Bad Request", "detail": "[customerCode] 会員コードが重複しています。"},
    {"error": "invalid_client", "error_description": SECRETS[5]},
    {"title": "Too Many Requests"},
)
STATUSES: Final = (400, 401, 402, 403, 404, 405, 408, 422, 423, 429, 477, 500, 503, 301, 204)


class _Index(AloneIndex):
    """Keeps the law of the real one: what cannot be stored is not put there."""

    def put(self, members: Iterable[Member], seen_at: datetime, *, touch: bool = False) -> None:
        super().put(self._storable(members), seen_at, touch=touch)

    def heard(self, members: Iterable[Member], poll: Poll) -> None:
        super().heard(self._storable(members), poll)

    @staticmethod
    def _storable(members: Iterable[Member]) -> list[Member]:
        kept = list(members)
        for member in kept:
            storable(member, "a member of the index")
            if not member.id:
                raise Broken("a member without an id in the index")
        return kept

    def remember(self, customer_id: int, memo: Mapping[str, str]) -> None:
        storable(memo, "the memo")
        super().remember(customer_id, memo)


def play_answers(source: Source) -> None:
    """Rows and refusals, each by itself."""
    row = read_back(source, ROW, 8)
    if isinstance(row, Mapping):
        storable(as_member(row), "a member")
        changed_at(row)
        mail_key(str(row.get("mailAddress")))
    body = read_back(source, source.pick(PROBLEMS), 6)
    told = words(body, SENT)
    storable((told.field, told.detail), "the words")
    quiet(str(told), "the words")
    headers = {"Retry-After": str(source.pick(TEXTS))} if source.one_in(3) else {}
    answer = Answer(source.pick(STATUSES), headers, body)
    sound_error(refusal_of_write(answer, "create a member", SENT))
    sound_error(token_refusal(Answer(answer.status, headers, source.pick((body, wild(source))))))
    # A read has sent nothing of a person, so nothing is masked but e-mails and numbers.
    error = refusal_of_read(answer, "read the members")
    quiet(error.why if SECRETS[0] in error.why or SECRETS[3] in error.why else "", "why")


def play_lane(source: Source) -> None:
    """``prepare``, ``tend`` and a carry, for a new or a known member, over answers that were tampered with."""
    clock = FakeClock()
    scanned = source.one_in(2)
    index = _Index(Freshness(scanned_at=clock(), fresh_at=clock()) if scanned else None)
    if source.one_in(3):
        index.put([as_member(ROW)], clock())
    lane = SmaregiLane(
        api_url="http://smaregi.test",
        auth_url="http://smaregi-id.test",
        contract_id="sb_demo",
        client_id="an-id",
        client_secret=SECRETS[5],
        index=index,
        flags=AloneFlags(),
        vault=AloneVault(),
        pace_store=AlonePace(),
        beside=AtOnce(),
        reads_per_second=8,
        writes_per_second=3,
        matched_member=source.pick(("keep_code", "replace_code")),
        placeholder="未入力",
        now=clock,
        sleep=clock.sleep,
    )
    known = source.one_in(3)
    task = Task(
        CUSTOMER,
        ref="100" if known else None,
        sent={"customerNo": "x", "lastName": ""} if known and source.one_in(2) else {},
        doubt=source.one_in(3),
        attempt=1 + source.below(2),
    )
    with answered_by(lambda asked: _said(source, asked)):
        for upkeep in (lane.prepare, lane.tend):
            with contextlib.suppress(CarryError):
                upkeep()
        try:
            results = lane.carry([task])
        except CarryError as e:
            sound_error(e)
            return
    if set(results) != {ID}:
        raise Broken("a task got no result")
    sound_result(results[ID])


def _said(source: Source, asked: Asked) -> bytes:
    told: Any
    path = asked.path.partition("?")[0]
    if path.endswith("/token"):
        told = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600}
        if source.one_in(4):
            told["expires_in"] = source.pick(NUMBERS)
    elif path.endswith("/customer_required_column_setting"):
        told = [{"columnName": "last_name", "value": "1"}, {"columnName": "mail_address", "value": "0"}]
    elif asked.method == "GET" and path.endswith("/customers"):
        told = source.pick(([], [ROW], [ROW, {**ROW, "customerId": 101}]))
    elif asked.method == "POST":
        told = {**(asked.body if isinstance(asked.body, dict) else {}), "customerId": source.pick((100, "100"))}
    else:
        told = {**ROW, "customerId": path.rsplit("/", 1)[-1]}
    status = 200
    if source.one_in(5):
        status, told = source.pick(STATUSES), source.pick(PROBLEMS)
    headers = {"Retry-After": str(source.pick(("1", "nan", "1e300", "-1", "soon")))} if source.one_in(5) else {}
    return reply(status, as_bytes(source, tamper(source, told, 24)), headers)


ANSWERS: Final = Target(
    name="smaregi-answers",
    law="a row gives a member that can be stored, a refusal a CarryError that repeats nothing of what was sent",
    play=play_answers,
)
LANE: Final = Target(
    name="smaregi-lane",
    law="the task gets a sound result, or a sound CarryError; the index is given only what it can store",
    play=play_lane,
)
