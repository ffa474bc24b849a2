"""Customers of Japan as awkward as they come, and what must hold of each on its way to the till and to HubSpot."""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import Final

from clients.hubspot.mapping import contact
from clients.smaregi.mapping import LONGEST_POSTCODE, LONGEST_TEXT, Mapped, map_member
from customer import Address, Customer, known
from fuzz.laws import Broken, storable
from japan import lies_abroad
from japan.kana import KANA
from japan.repertoire import Place, place
from sandbox.people import Person, people

TODAY: Final = date(2026, 11, 22)
PLACEHOLDER: Final = "未入力"
HUBSPOT_LONGEST: Final = 65_536  # https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide

_PHONE: Final = re.compile(r"[a-zA-Z0-9 -/:-@\[-`{-~]{1,20}")
_POSTCODE: Final = re.compile(r"\d{3}-\d{4}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ODD_LETTERS: Final = (
    "髙﨑栁彅𠮷𩸽𡈽𫝆①Ⅲ㈱℡½〜～−‐ーｰ・･\u3099\u309aﾞ゛🎀☃♡👨\u200d👩\u200d👧é한ø\u200b\ufe0f\U000e0100\ue000\u202e　\t"
)
_BUILDINGS: Final = (
    "ザ・パークハウス 赤坂タワーレジデンス イースト棟 ３２０５号室",
    "コーポ〇〇(仮称)Ⅱ-Ａ号",
    "Roppongi Hills Mori Tower 52F",
    "㈱見本商店内　髙橋様方",
    "サンシャイン60ビル" * 12,
    "見本ビル\r\n３Ｆ",
)


def check(customer: Customer) -> Mapped:
    """Map the customer to both destinations; what the till is told. Raises ``Broken``, or what the mapping raised."""
    mapped = map_member(customer, placeholder=PLACEHOLDER, today=TODAY)
    _check_fields(mapped, abroad=_lies_abroad(customer))
    _check_reports(customer, mapped)
    _check_again(customer, mapped)
    _check_contact(customer)
    return mapped


def can_be_shown(text: str) -> bool:
    """Windows-31J, or a letter of another script (with its marks) in three bytes at most."""
    return all(
        letter <= "\uffff" and (place(letter) is not Place.OUTSIDE or unicodedata.category(letter)[0] in "LM")
        for letter in text
    )


def _lies_abroad(customer: Customer) -> bool:
    address = customer.address
    return isinstance(address, Address) and lies_abroad(address)


def _hold(what: bool, law: str) -> None:
    if not what:
        raise Broken(law)


def _check_fields(mapped: Mapped, *, abroad: bool) -> None:
    # https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomersbulk : lengths and patterns
    fields = mapped.fields
    storable(fields, "fields")
    storable(mapped.corrections, "corrections")
    _hold({"lastName", "firstName", "mailReceiveFlag"} <= fields.keys(), "a field that is required is missing")
    for name, value in fields.items():
        if value is None:
            continue
        _hold(bool(value.strip()), f"{name} is blank")
        _hold(value == value.strip(), f"{name} has spaces around it")
        _hold(can_be_shown(value), f"{name} holds what the till cannot show")
        if name != "mailAddress":
            _hold(len(value) <= LONGEST_TEXT, f"{name} is longer than {LONGEST_TEXT}")
    for name in ("lastKana", "firstKana"):
        if value := fields.get(name):
            _hold(KANA.fullmatch(value) is not None, f"{name} is not katakana")
    if code := fields.get("postCode"):
        _hold(len(code) <= LONGEST_POSTCODE, "postCode is too long")
        _hold(abroad or _POSTCODE.fullmatch(code) is not None, "postCode is not 123-4567")
    if number := fields.get("phoneNumber"):
        _hold(_PHONE.fullmatch(number) is not None, "phoneNumber does not fit the pattern")
        _hold(not number.startswith("+81"), "phoneNumber of Japan is not in its domestic form")
        _hold(abroad or number[0] in "0+", "phoneNumber begins with neither 0 nor +")
    if born := fields.get("birthDate"):
        _hold(_DATE.fullmatch(born) is not None, "birthDate is not a date")
        _hold(date(1900, 1, 1) <= date.fromisoformat(born) <= TODAY, "birthDate is out of range")
    if mail := fields.get("mailAddress"):
        _hold(mail.isascii() and mail.count("@") == 1 and " " not in mail, "mailAddress is none")
    _hold(fields.get("sex") in (None, "0", "1", "2"), "sex is not 0, 1 or 2")
    _hold(fields["mailReceiveFlag"] in ("0", "1"), "mailReceiveFlag is not 0 or 1")


def _check_reports(customer: Customer, mapped: Mapped) -> None:
    """Whatever left as something else than it came has a correction beside it."""
    told = {correction.field for correction in mapped.corrections}
    for name, text in (
        ("lastName", customer.last_name),
        ("firstName", customer.first_name),
        ("lastKana", customer.last_kana),
        ("firstKana", customer.first_kana),
        ("mailAddress", customer.email),
        ("birthDate", customer.birth_date),
    ):
        before = known(text) or ""
        after = mapped.fields.get(name) or ""
        if _nfc(before) != after and before.strip():
            _hold(name in told, f"{name} was changed without a word")
    address = known(customer.address)
    if address is None:
        return
    line = mapped.fields.get("address") or ""
    parts = (address.city, address.address1, address.address2)
    if any(part and part.strip() and _nfc(part) not in line for part in parts):
        _hold("address" in told, "address was changed without a word")
    if (address.zip or "").strip() and _nfc(address.zip or "") != mapped.fields.get("postCode"):
        _hold("postCode" in told, "postCode was changed without a word")


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _check_again(customer: Customer, mapped: Mapped) -> None:
    """What was mapped, mapped again, is the same, and nothing is corrected any more."""
    fields = mapped.fields
    before = known(customer.address)
    again = Customer(
        id=customer.id,
        email=fields.get("mailAddress"),
        phone=fields.get("phoneNumber"),
        last_name=fields["lastName"],
        first_name=fields["firstName"],
        last_kana=fields.get("lastKana"),
        first_kana=fields.get("firstKana"),
        birth_date=fields.get("birthDate"),
        gender={"1": "male", "2": "female"}.get(fields.get("sex") or ""),
        email_consent=customer.email_consent,
        address=None
        if before is None
        else Address(
            zip=fields.get("postCode"),
            province_code=before.province_code,
            address1=fields.get("address"),
            country_code=before.country_code,
        ),
    )
    second = map_member(again, placeholder=PLACEHOLDER, today=TODAY)
    cut = any((c.field, c.what) == ("address", "cut") for c in mapped.corrections)
    # A country or region that was cut off is added again: nothing a line of 85 characters can remember.
    skipped = {"sex"} | ({"address"} if _lies_abroad(customer) and cut else set())
    for name in fields.keys() - skipped:
        _hold(second.fields.get(name) == fields[name], f"{name} changes when it is mapped again")
    late = {c.field for c in second.corrections if c.what != "filled"} - skipped - {"address"}
    _hold(not late, f"{', '.join(sorted(late))} is corrected again")


def _check_contact(customer: Customer) -> None:
    made = contact(customer, today=TODAY)
    storable(made.properties, "the contact")
    storable(made.corrections, "the contact's corrections")
    for name, value in made.properties.items():
        if value is not None:
            _hold(bool(value.strip()) and value == value.strip(), f"{name} is blank or has spaces around it")
            _hold(len(value) <= HUBSPOT_LONGEST, f"{name} is longer than HubSpot takes")
    if born := made.properties.get("shopify_birth_date"):
        _hold(_DATE.fullmatch(born) is not None, "shopify_birth_date is not a date")
    if made.email:
        _hold(made.email == made.email.lower(), "the e-mail is not in lower case")


# People, then what they type


def odd_customers(seed: int) -> Iterator[Customer]:
    """Awkward customers without end, the same for the same seed: plausible people whose fields went through hands."""
    dice = random.Random(seed)
    for number, person in enumerate(people(seed, oddities=0.6), start=1):
        yield _typed(dice, number, person)


def _typed(dice: random.Random, number: int, person: Person) -> Customer:
    def text(value: str | None) -> str | None:
        return _mangled(dice, value) if value is not None and dice.random() < 0.35 else value

    address = None
    if person.province_code or person.zip:
        building = dice.choice(_BUILDINGS) if dice.random() < 0.2 else person.address2
        country = "JP" if dice.random() < 0.95 else dice.choice((None, "CA", "US", "KR", "jp", ""))
        address = Address(
            zip=text(person.zip),
            province_code=person.province_code if dice.random() < 0.95 else None,
            city=text(person.city),
            address1=text(person.address1),
            address2=text(building),
            phone=text(person.phone),
            country_code=country,
        )
    customer = Customer(
        id=6_900_000_000_000 + number,
        email=text(person.email),
        phone=text(person.phone),
        last_name=text(person.last_name),
        first_name=text(person.first_name),
        last_kana=text(person.last_kana),
        first_kana=text(person.first_kana),
        birth_date=text(person.birth_date),
        gender=dice.choice((person.gender, "男", "女性", "F", "その他", "回答しない")),
        email_consent="subscribed" if person.newsletter else "not_subscribed",
        address=address,
        updated_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    if dice.random() < 0.1:  # the whole name in one field, or the two the wrong way round
        whole = f"{customer.last_name or ''}{dice.choice((' ', '　', ''))}{customer.first_name or ''}"
        customer = replace(customer, last_name=whole, first_name=dice.choice((None, "", "様")))
    return customer


def _mangled(dice: random.Random, text: str) -> str:  # noqa: PLR0911 - a table of accidents
    """What a keyboard, a spreadsheet, a form or a copy from a PDF makes of it."""
    at = dice.randrange(len(text) + 1)
    match dice.randrange(12):
        case 0:
            return unicodedata.normalize("NFD", text)
        case 1:
            return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
        case 2 | 3 | 4:
            return text[:at] + dice.choice(_ODD_LETTERS) + text[at:]
        case 5:
            return f" 　{text}\n"
        case 6:
            return text * dice.randrange(2, 30)
        case 7:
            return text[:at]
        case 8:
            return text.replace("-", dice.choice("ー−‐―–～"))
        case 9:
            return dice.choice(("なし", "-", "？", "不明", "test", "ﾃｽﾄ", "〒", "様", "\u3099", "''"))
        case 10:
            return "".join(
                chr(dice.choice((0x3040, 0x4E00, 0x20000, 0xFF61, 0x1F300)) + dice.randrange(90)) for _ in text
            )
        case _:
            return text[:at] + chr(dice.randrange(0x20, 0xD800)) + text[at:]


@dataclass(slots=True)
class Mappings:
    """What became of many customers: how many, which corrections, the longest values, and which laws broke for whom."""

    tried: int = 0
    corrections: Counter[str] = field(default_factory=Counter)
    longest: dict[str, int] = field(default_factory=dict)
    broken: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: Mappings) -> None:
        """Count what another process found."""
        self.tried += other.tried
        self.corrections.update(other.corrections)
        for name, length in other.longest.items():
            self.longest[name] = max(length, self.longest.get(name, 0))
        for law, ids in other.broken.items():
            self.broken.setdefault(law, []).extend(ids)


def map_many(seed: int, many: int) -> Mappings:
    """Try the first ``many`` customers of this seed; ``broken`` names them by law and id, never by their data."""
    return map_these(islice(odd_customers(seed), many))


def map_these(customers: Iterable[Customer]) -> Mappings:
    """Try these customers."""
    found = Mappings()
    for customer in customers:
        found.tried += 1
        try:
            mapped = check(customer)
        except Exception as e:  # noqa: BLE001 - whatever it is, it is a finding
            found.broken.setdefault(f"{type(e).__name__}: {str(e)[:100]}", []).append(customer.id)
            continue
        found.corrections.update(f"{correction.field} {correction.what}" for correction in mapped.corrections)
        for name, value in mapped.fields.items():
            found.longest[name] = max(len(value or ""), found.longest.get(name, 0))
    return found
