"""Which metafields hold what Shopify has no field for: the setting ``SHOPIFY_METAFIELDS``, read and checked.

https://shopify.dev/docs/api/admin-graphql/latest/objects/Customer : there is no phonetic name, birth date or gender, so
each merchant keeps them under a namespace and key of their own.
"""

from __future__ import annotations

import re
from typing import Final

FIELDS: Final = ("last_kana", "first_kana", "birth_date", "gender")
"""Our fields that may come from a metafield."""

# They stand in the query as literals: nothing but what Shopify permits in them may pass.
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9_$:.-]{0,254}")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EXAMPLE: Final = "last_kana=custom.last_name_kana,birth_date=facts.birth_date"


def read_metafields_setting(text: str) -> dict[str, tuple[str, str]]:
    """Our field to (namespace, key), from ``last_kana=custom.last_name_kana,...``; an empty text is an empty dict.

    Raises ``ValueError`` that says what is wrong and what would be right.
    """
    found: dict[str, tuple[str, str]] = {}
    for part in (one.strip() for one in text.split(",")):
        if not part:
            continue
        field, equals, where = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(f"{part!r} has no '=': write field=namespace.key, for example {_EXAMPLE}")
        if field not in FIELDS:
            raise ValueError(f"{field!r} is no field of ours: use one of {', '.join(FIELDS)}")
        if field in found:
            raise ValueError(f"{field!r} is given twice: keep one of the two")
        namespace, dot, key = where.rpartition(".")
        if not dot:
            raise ValueError(f"{where!r} has no namespace: write {field}=namespace.key, for example {_EXAMPLE}")
        if not _NAMESPACE.fullmatch(namespace) or not _KEY.fullmatch(key):
            raise ValueError(
                f"{where!r} is no namespace and key of Shopify's: letters, digits, '-' and '_', "
                "as shown in the Shopify admin under Settings > Custom data > Customers"
            )
        found[field] = (namespace, key)
    return found
