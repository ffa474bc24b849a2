"""The members of one Smaregi contract: what is stored, and how it changes. No HTTP here."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from sandbox.config import SandboxConfig
from sandbox.smaregi_fields import (
    ALWAYS_REQUIRED,
    NEVER_NULL,
    RULES,
    SHOWN,
    Problem,
    check_pairs,
    check_value,
    refuse,
)
from sandbox.writes import FlagWrite, FlagWrites, Writes

JAPAN = timezone(timedelta(hours=9))
MOST_POINTS = 999_999_999


@dataclass(frozen=True)
class Member:
    """One member; a change makes a new object, so that readers need no lock."""

    number: int
    fields: Mapping[str, str | None]
    updated: datetime
    point: int = 0
    mile: int = 0
    points_updated: datetime | None = None
    transactions: tuple[str, ...] = ()

    def shown(self) -> dict[str, str | None]:
        """The member object: strings or null throughout; balances are not on it."""
        return {name: self.fields.get(name) for name in SHOWN}

    def points(self) -> dict[str, str | None]:
        """The balances, as the point endpoints show them."""
        return {
            "customerId": str(self.number),
            "mile": str(self.mile),
            "point": str(self.point),
            "pointExpireDate": self.fields.get("pointExpireDate"),
            "insDateTime": self.fields.get("insDateTime"),
            "updDateTime": stamp(self.points_updated or self.updated),
        }


def stamp(at: datetime) -> str:
    """Smaregi's way to write a time: whole seconds, +09:00."""
    return at.astimezone(JAPAN).isoformat(timespec="seconds")


class Members:
    """All members of the contract. Each method is one step under the lock and raises `Problem` when it refuses."""

    def __init__(self, config: SandboxConfig, clock: Callable[[], datetime]) -> None:
        self.writes: Writes | None = None
        self.flag_writes = FlagWrites()
        self._config = config
        self._clock = clock
        self._lock = threading.RLock()
        self.required_columns: set[str] = set(config.smaregi_required_columns)
        self._by_number: dict[int, Member] = {}
        self._number_by_code: dict[str, int] = {}
        self._next_number = 1
        self._next_transaction = 1

    def reset(self) -> None:
        with self._lock:
            self._by_number.clear()
            self._number_by_code.clear()
            self._next_number = 1
            self.required_columns = set(self._config.smaregi_required_columns)

    def all(self) -> list[Member]:
        """Every member, by rising customerId; withdrawn and merged ones too."""
        with self._lock:
            return [self._by_number[number] for number in sorted(self._by_number)]

    def with_code(self, code: str) -> list[Member]:
        """The member with exactly this customerCode, or none."""
        with self._lock:
            number = self._number_by_code.get(code)
            return [] if number is None else [self._by_number[number]]

    def get(self, number: int) -> Member:
        """One member. Raises `Problem` 404."""
        with self._lock:
            return self._present(number)

    def create(self, sent: Mapping[str, Any]) -> Member:
        """A new member each time: there is no upsert and no idempotency key, only the code is unique."""
        self._check(sent)
        for name in (*ALWAYS_REQUIRED, *sorted(self.required_columns)):
            if sent.get(name) is None:
                raise refuse(name, "必須項目です")
        check_pairs(dict(sent))
        with self._lock:
            self._refuse_taken_code(sent["customerCode"], but_of=None)
            defaults = {name: rule.default for name, rule in RULES.items()}
            given = {name: value for name, value in sent.items() if value is not None}
            return self._noted(self._keep({**defaults, **given}))

    def update(self, number: int, sent: Mapping[str, Any], *, till: bool = False, came: float | None = None) -> Member:
        """Only what was sent changes; null clears what may be empty. `till`: by hand, and no call that `came`."""
        with self._lock:
            member = self._present(number)
            self._check(sent)
            for name, value in sent.items():
                if value is None and (name in NEVER_NULL or name in self.required_columns):
                    raise refuse(name, "必須項目です")
            changed = {**member.fields, **sent}
            check_pairs(changed)
            if "customerCode" in sent:
                self._refuse_taken_code(sent["customerCode"], but_of=number)
                del self._number_by_code[str(member.fields["customerCode"])]
                self._number_by_code[sent["customerCode"]] = number
            if "mailReceiveFlag" in sent:
                at, was = time.monotonic(), member.fields.get("mailReceiveFlag")
                flag = str(sent["mailReceiveFlag"])
                self.flag_writes.note(FlagWrite(str(number), was, flag, till, at if came is None else came, at))
            now = self._clock()
            changed["updDateTime"] = stamp(now)
            self._by_number[number] = replace(member, fields=changed, updated=now.replace(microsecond=0))
            return self._noted(self._by_number[number])

    def delete(self, number: int) -> None:
        """Gone for good. Raises `Problem` 404."""
        with self._lock:
            member = self._present(number)
            del self._by_number[number]
            del self._number_by_code[str(member.fields["customerCode"])]

    def lapse_points(self, number: int) -> Member:
        """The member after expired points were taken away: at Smaregi, reading balances writes."""
        with self._lock:
            member = self._present(number)
            last_day = member.fields.get("pointExpireDate")
            now = self._clock()
            if member.point and last_day and last_day < now.astimezone(JAPAN).date().isoformat():
                member = replace(member, point=0, points_updated=now)
                self._by_number[number] = member
            return member

    def set_points(self, number: int, point: object, *, relative: bool) -> Member:
        """Add to the balance (negative subtracts) or set it; each change is a transaction of its own."""
        with self._lock:
            member = self.lapse_points(number)
            change = _points(point)
            balance = member.point + change if relative else change
            if not 0 <= balance <= MOST_POINTS:
                raise refuse("point", "ポイントが不足しているか、上限を超えています")
            transaction = str(self._next_transaction)
            self._next_transaction += 1
            self._by_number[number] = replace(
                member, point=balance, points_updated=self._clock(), transactions=(*member.transactions, transaction)
            )
            return self._by_number[number]

    def seed(self, given: Mapping[str, Any]) -> Member:
        """Put a member there as a till or an old system left it: nothing is checked but that the code is free.

        `point`, `mile`, `customerId`, `insDateTime` and `updDateTime` may be given too.
        """
        with self._lock:
            number = int(given.get("customerId") or self._next_number)
            code = str(given.get("customerCode") or f"{number:08d}")
            self._refuse_taken_code(code, but_of=None)
            if number in self._by_number:
                raise refuse("customerId", "既に使用されています")
            defaults = {name: rule.default for name, rule in RULES.items()}
            fields = {name: value for name, value in given.items() if name in SHOWN}
            member = self._keep(
                {**defaults, "lastName": "見本", "firstName": "会員", **fields, "customerCode": code}, number
            )
            member = replace(member, point=int(given.get("point") or 0), mile=int(given.get("mile") or 0))
            self._by_number[number] = member
            return member

    def _noted(self, member: Member) -> Member:
        if self.writes:
            self.writes.note("smaregi", str(member.number), member.fields.get("address"))
        return member

    def _check(self, sent: Mapping[str, Any]) -> None:
        for name, value in sent.items():
            check_value(name, value, refuses_4_byte=self._config.smaregi_refuses_4_byte_characters)
        if sent.get("storeId") is not None and sent["storeId"] not in self._config.smaregi_store_ids:
            raise refuse("storeId", "店舗IDは存在しません")
        if sent.get("rank") is not None and sent["rank"] not in self._config.smaregi_ranks:
            raise refuse("rank", "会員ランクは存在しません")

    def _present(self, number: int) -> Member:
        member = self._by_number.get(number)
        if member is None:
            raise Problem(404, "会員は存在しません")
        return member

    def _refuse_taken_code(self, code: str, but_of: int | None) -> None:
        if self._number_by_code.get(code, but_of) != but_of:
            raise refuse("customerCode", "会員コードは既に使用されています")

    def _keep(self, fields: dict[str, str | None], number: int | None = None) -> Member:
        if number is None:
            number = self._next_number
        self._next_number = max(self._next_number, number + 1)
        now = self._clock()
        fields["customerId"] = str(number)
        fields["insDateTime"] = fields.get("insDateTime") or stamp(now)
        fields["updDateTime"] = fields.get("updDateTime") or stamp(now)
        member = Member(number, fields, datetime.fromisoformat(str(fields["updDateTime"])))
        self._by_number[number] = member
        self._number_by_code[str(fields["customerCode"])] = number
        return member


def _points(sent: object) -> int:
    if not isinstance(sent, str):
        raise refuse("point", "文字列で指定してください")
    if not sent.removeprefix("-").isascii() or not sent.removeprefix("-").isdigit() or len(sent) > 10:
        raise refuse("point", "整数で指定してください")
    return int(sent)
