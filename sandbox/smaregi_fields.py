"""What Smaregi accepts in each field of a member (会員), and what it says when it does not.

Field rules: https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomersbulk
Shape of a refusal: https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomergroups
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any


class Problem(Exception):
    """A refusal: becomes `application/problem+json` with this status; `detail` is Japanese, for people, or None."""

    def __init__(self, status: int, detail: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail
        self.headers = headers or {}

    def body(self) -> dict[str, object]:
        said: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(self.status).phrase}
        if self.detail is not None:
            said["detail"] = self.detail
        return {**said, "status": self.status}


def refuse(field: str, words: str) -> Problem:
    """400 with the field in square brackets, the only machine-readable thing in Smaregi's text."""
    return Problem(400, f"[{field}] {words}")


@dataclass(frozen=True)
class Rule:
    """What one field accepts."""

    longest: int | None = None
    pattern: re.Pattern[str] | None = None
    one_of: tuple[str, ...] | None = None
    is_date: bool = False
    default: str | None = None


_PRINTABLE = re.compile(r"[ -~]+")
_KANA = re.compile(r"[ァ-ヶ　 -~ー－・]+")
_PHONE = re.compile(r"[a-zA-Z0-9 -/:-@\[-`{-~]{1,20}")
_UNIT = re.compile(r"[0-9]{1,9}")

_CODE = Rule(20, _PRINTABLE)
_NAME = Rule(85)
_FURIGANA = Rule(85, _KANA)
_TELEPHONE = Rule(20, _PHONE)
_MAIL = Rule(255)
_DATE = Rule(is_date=True)
_TEXT = Rule(255)
_NOTE = Rule(1000)

RULES: dict[str, Rule] = {
    "customerCode": _CODE,
    "customerNo": _CODE,
    "rank": _CODE,
    "staffRank": _CODE,
    "lastName": _NAME,
    "firstName": _NAME,
    "lastKana": _FURIGANA,
    "firstKana": _FURIGANA,
    "alphabetName": _TEXT,
    "postCode": Rule(10),
    "address": Rule(85),
    "phoneNumber": _TELEPHONE,
    "faxNumber": _TELEPHONE,
    "mobileNumber": _TELEPHONE,
    "mailAddress": _MAIL,
    "mailAddress2": _MAIL,
    "mailAddress3": _MAIL,
    "companyName": _TEXT,
    "departmentName": _TEXT,
    "managerialPosition": _TEXT,
    "sex": Rule(one_of=("0", "1", "2"), default="0"),
    "birthDate": _DATE,
    "pointExpireDate": _DATE,
    "entryDate": _DATE,
    "leaveDate": _DATE,
    "pointGivingUnitPrice": Rule(9, _UNIT),
    "pointGivingUnit": Rule(9, _UNIT),
    "pinCode": _TEXT,
    "passportNo": _TEXT,
    "nationality": _TEXT,
    # Smaregi's own default is to allow mail: who does not send the flag opts people in.
    "mailReceiveFlag": Rule(one_of=("0", "1"), default="1"),
    "note": _NOTE,
    "note2": _NOTE,
    "favoriteList": _NOTE,
    "browsingList": _NOTE,
    "status": Rule(one_of=("0", "1", "2", "3", "4"), default="0"),
    "storeId": Rule(),
}
ANSWER_ONLY = ("customerId", "lastComeDateTime", "insDateTime", "updDateTime")
ALWAYS_REQUIRED = ("customerCode", "lastName", "firstName")
NEVER_NULL = (*ALWAYS_REQUIRED, "sex", "mailReceiveFlag", "status")
SHOWN = ("customerId", *RULES, "lastComeDateTime", "insDateTime", "updDateTime")
"""The fields of a member object in the order they are answered."""

REQUIRABLE = tuple(name for name in RULES if name not in {"sex", "mailReceiveFlag", "status", "storeId", "staffRank"})
"""The columns a contract may mark as required (会員必須項目設定)."""


def check_value(name: str, value: object, *, refuses_4_byte: bool) -> None:
    """Raise `Problem` unless this value may be written to this field. `None` is not judged here."""
    rule = RULES.get(name)
    if rule is None:
        raise refuse(name, "指定できない項目です")
    if value is None:
        return
    if not isinstance(value, str):
        raise refuse(name, "文字列で指定してください")
    if not value:
        raise refuse(name, "1文字以上で指定してください")
    if refuses_4_byte and any(ord(letter) > 0xFFFF for letter in value):
        raise refuse(name, "使用できない文字が含まれています")
    if rule.longest is not None and len(value) > rule.longest:
        raise refuse(name, f"{rule.longest}文字以内で指定してください")
    if rule.pattern is not None and not rule.pattern.fullmatch(value):
        raise refuse(name, "使用できない文字が含まれています")
    if rule.one_of is not None and value not in rule.one_of:
        raise refuse(name, f"{'、'.join(rule.one_of)}のいずれかを指定してください")
    if rule.is_date and not _is_date(value):
        raise refuse(name, "YYYY-MM-DDの形式で指定してください")


def check_pairs(fields: dict[str, Any]) -> None:
    """Raise `Problem` if one half of the point rate comes without the other."""
    for name, other in (("pointGivingUnitPrice", "pointGivingUnit"), ("pointGivingUnit", "pointGivingUnitPrice")):
        if fields.get(name) is not None and fields.get(other) is None:
            raise refuse(other, "必須項目です")


def parse_time(name: str, value: str) -> datetime:
    """`YYYY-MM-DDThh:mm:ssTZD`. Raises `Problem`, as for a `+` that was not sent as `%2B` and arrives as a space."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", value):
        raise refuse(name, "日時の形式が正しくありません")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise refuse(name, "日時の形式が正しくありません") from None


def _is_date(value: str) -> bool:
    try:
        return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None and date.fromisoformat(value) is not None
    except ValueError:
        return False
