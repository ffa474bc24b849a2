"""Personal values as they are shown to whoever only passes by: enough to recognise, too little to use. Pure."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "•••"
_SHOWN_DIGITS: Final = 4


def hidden_mail(mail: str | None) -> str:
    """``ha•••@example.jp``: of the part before the @ two letters at most, and never all of it."""
    if not mail:
        return ""
    name, at, domain = mail.rpartition("@")
    if not at:
        return HIDDEN
    return f"{name[: min(2, len(name) - 1)] if name else ''}{HIDDEN}@{domain}"


def hidden_phone(number: str | None) -> str:
    """``•••9003``: the last four digits, as they are asked for at a counter."""
    digits = re.sub(r"\D", "", number or "")
    if not digits:
        return HIDDEN if number else ""
    return HIDDEN + digits[-_SHOWN_DIGITS:] if len(digits) > 2 * _SHOWN_DIGITS else HIDDEN
