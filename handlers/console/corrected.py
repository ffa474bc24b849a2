"""What was corrected on the way, in the reader's language where the correction is a sentence to a person.

Corrections are kept as they were written, in English; a sentence that has a translation is known by its shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from flask_babel import gettext as _

from handlers.console.texts import marked

#: As ``japan.whose`` and ``clients.smaregi.mail_flag`` write them.
_SENTENCES: Final = (
    marked("the address of %(who)s: the customer's own is not known"),
    marked("not taken: it is the telephone of %(who)s"),
    marked("the name of the only address"),
    marked("the default address in Shopify is %(who)s's: the customer's own stays"),
    marked("the member refuses mail in Smaregi: kept, although Shopify says that mail is wanted"),
)


def _shape_of(sentence: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", sentence)
    return re.compile("".join(f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)))


_SHAPES: Final = {sentence: _shape_of(sentence) for sentence in _SENTENCES}


def corrected(correction: Mapping[str, str]) -> str:
    """What is said of one correction: its detail, else its one word."""
    detail = correction.get("detail") or ""
    for sentence, shape in _SHAPES.items():
        if found := shape.fullmatch(detail):
            return str(_(sentence, **found.groupdict()))
    return detail or correction.get("what") or ""
