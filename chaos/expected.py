"""What each far side must show of a customer in the end: worked out from the shop's own record by other means.

None of the service's mapping is used here, or a fault of it would prove itself right. The people of a run are plain
(no awkward characters), so that plain rules do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.people import BIRTH_DATE, FIRST_KANA, GENDER, LAST_KANA
from sandbox.shopify_prefectures import BY_CODE

_SEX: Final = {"male": "1", "female": "2", None: "0"}
#: What only Shopify's read tells: it is not known of somebody whose account is gone.
_READ_FROM_SHOPIFY: Final = {
    "lastKana",
    "firstKana",
    "birthDate",
    "sex",
    "mailReceiveFlag",
    "shopify_last_name_kana",
    "shopify_first_name_kana",
    "shopify_birth_date",
    "shopify_gender",
    "shopify_email_consent",
    "shopify_tags",
}


def member(customer: Mapping[str, Any], *, left: bool = False) -> dict[str, str | None]:
    """The fields of the Smaregi member; ``left``: only those that a webhook's body tells."""
    address, facts = customer["default_address"], customer["metafields"]
    fields = {
        "lastName": customer["last_name"],
        "firstName": customer["first_name"],
        "mailAddress": customer["email"],
        "phoneNumber": _domestic(customer["phone"]),
        "postCode": address["zip"],
        "address": BY_CODE[address["province_code"]].kanji
        + address["city"]
        + address["address1"]
        + address["address2"],
        "lastKana": facts.get(LAST_KANA),
        "firstKana": facts.get(FIRST_KANA),
        "birthDate": facts.get(BIRTH_DATE),
        "sex": _SEX[facts.get(GENDER)],
        "mailReceiveFlag": "1" if _consent(customer) == "subscribed" else "0",
    }
    return _told(fields, left=left)


def contact(customer: Mapping[str, Any], *, left: bool = False) -> dict[str, str | None]:
    """The properties of the HubSpot contact; ``left`` as for a member."""
    address, facts = customer["default_address"], customer["metafields"]
    fields = {
        "lastname": customer["last_name"],
        "firstname": customer["first_name"],
        "email": customer["email"],
        "phone": customer["phone"],
        "zip": address["zip"],
        "city": address["city"],
        "state": BY_CODE[address["province_code"]].kanji,
        "address": f"{address['address1']} {address['address2']}",
        "shopify_last_name_kana": facts.get(LAST_KANA),
        "shopify_first_name_kana": facts.get(FIRST_KANA),
        "shopify_birth_date": facts.get(BIRTH_DATE),
        "shopify_gender": facts.get(GENDER),
        "shopify_email_consent": _consent(customer),
        "shopify_tags": customer["tags"] or None,
    }
    return _told(fields, left=left)


def _told(fields: dict[str, str | None], *, left: bool) -> dict[str, str | None]:
    return {name: value for name, value in fields.items() if not (left and name in _READ_FROM_SHOPIFY)}


def _consent(customer: Mapping[str, Any]) -> str | None:
    consent = customer["email_marketing_consent"]
    return consent["state"] if consent else None


def _domestic(phone: str | None) -> str | None:
    """+819000000012 as a till shows it, 090-0000-0012."""
    if phone is None:
        return None
    number = "0" + phone.removeprefix("+81")
    return f"{number[:3]}-{number[3:7]}-{number[7:]}"
