"""The registration form of the merchant's site: what a person may write, and what is said beside a field. Pure.

It is as strict as a site usually is and no stricter: half-width kana and +81 numbers pass, and reach the shop as typed.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sandbox.people import Person
from sandbox.shopify_customers import e164, e_mail
from sandbox.shopify_prefectures import BY_CODE

FIELDS: Final = (
    "last_name", "first_name", "last_kana", "first_kana", "email", "birth_date", "gender", "phone",
    "zip", "province_code", "city", "address1", "address2", "newsletter",
)  # fmt: skip

_LONGEST: Final = {"email": 255, "address1": 255, "address2": 255}
_KANA: Final = re.compile(r"[ァ-ヺーｦ-ﾟぁ-ゖ・･\s]+")
_ADDRESS: Final = {"zip": "郵便番号", "province_code": "都道府県", "city": "市区町村", "address1": "番地"}


@dataclass(frozen=True, slots=True)
class Form:
    """What was written, trimmed, and the errors beside the fields: empty when all is well."""

    values: Mapping[str, str]
    errors: Mapping[str, str]

    def person(self) -> Person:
        """The person who filled it in; only for a form without errors."""
        told: dict[str, Any] = {name: self.values[name] or None for name in FIELDS if name != "newsletter"}
        return Person(**{**told, "gender": self.values["gender"], "newsletter": self.values["newsletter"] == "yes"})

    def refused(self, errors: Mapping[str, list[str]]) -> "Form":
        """The same form with what the shop itself had against it."""
        return Form(self.values, {**self.errors, **{name: _IN_JAPANESE.get(name, _OTHER) for name in errors}})


_IN_JAPANESE: Final = {
    "email": "このメールアドレスはすでに登録されています。",
    "phone": "この電話番号はすでに登録されています。",
}
_OTHER: Final = "入力内容をご確認ください。"

EMPTY: Final = Form(dict.fromkeys(FIELDS, ""), {})


def read_form(written: Mapping[str, str], today: date) -> Form:
    """Judge what a browser has sent."""
    values = {name: written.get(name, "").strip() for name in FIELDS}
    errors: dict[str, str] = {}
    for name, label in {"last_name": "姓", "first_name": "名"}.items():
        if not values[name]:
            errors[name] = f"{label}を入力してください。"
    for name, label in {"last_kana": "セイ", "first_kana": "メイ"}.items():
        if not values[name]:
            errors[name] = f"{label}を入力してください。"
        elif not _KANA.fullmatch(values[name]):
            errors[name] = "カタカナで入力してください。"
    errors |= _email_error(values["email"])
    errors |= _birth_date_error(values["birth_date"], today)
    if values["gender"] not in {"", "male", "female"}:
        errors["gender"] = "選択してください。"
    try:
        e164(values["phone"])
    except ValueError:
        errors["phone"] = "電話番号の形式をご確認ください（例：090-0000-0000）。"
    errors |= _address_errors(values)
    for name, value in values.items():
        if len(value) > _LONGEST.get(name, 100):
            errors[name] = f"{_LONGEST.get(name, 100)}文字以内で入力してください。"
    return Form(values, errors)


def _email_error(written: str) -> dict[str, str]:
    if not written:
        return {"email": "メールアドレスを入力してください。"}
    try:
        e_mail(written)
    except ValueError:
        return {"email": "メールアドレスの形式をご確認ください。"}
    return {}


def _birth_date_error(written: str, today: date) -> dict[str, str]:
    if not written:
        return {}
    try:
        born = datetime.strptime(written, "%Y-%m-%d").date()  # noqa: DTZ007 - a birth date has no zone
    except ValueError:
        return {"birth_date": "正しい日付を入力してください。"}
    if not date(1900, 1, 1) <= born <= today:
        return {"birth_date": "生年月日をご確認ください。"}
    return {}


def _address_errors(values: Mapping[str, str]) -> dict[str, str]:
    if not any(values[name] for name in (*_ADDRESS, "address2")):
        return {}
    errors = {name: f"{label}を入力してください。" for name, label in _ADDRESS.items() if not values[name]}
    # Shopify's own rule for Japanese postcodes, 〒 and full-width digits included (github.com/Shopify/worldwide)
    plain = re.sub(r"[ー−‐]", "-", unicodedata.normalize("NFKC", values["zip"]))
    if values["zip"] and not re.fullmatch(r"〒?\d{3}-?\d{4}", plain):
        errors["zip"] = "7桁の郵便番号を入力してください（例：100-0014）。"
    if values["province_code"] and values["province_code"] not in BY_CODE:
        errors["province_code"] = "都道府県を選択してください。"
    return errors
