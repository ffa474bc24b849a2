"""Texts as a database can hold them, and in one spelling: bodies and Admin answers say the same thing differently."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_AMOUNT: Final = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,18}))?")


def clean(text: str) -> str | None:
    """The text without NUL and lone surrogates; None when nothing is left to see.

    PostgreSQL refuses NUL, and a lone surrogate (``"\\ud83d"``, half an emoji cut off by somebody's form) has no UTF-8.
    """
    if "\x00" in text:
        text = text.replace("\x00", "")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text if text and not text.isspace() else None


def tidy_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags, each once and sorted: their order means nothing, and must not look like a change."""
    return tuple(sorted({tag for one in tags if (tag := clean(one.strip()))}))


def plain_amount(text: str) -> str | None:
    """A decimal in one spelling (``"1200.00"`` in bodies and ``"1200.0"`` in answers are both ``"1200"``), or None."""
    if not (parts := _AMOUNT.fullmatch(text)):
        return None
    minus, whole, fraction = parts[1], parts[2].lstrip("0") or "0", (parts[3] or "").rstrip("0")
    plain = f"{whole}.{fraction}" if fraction else whole
    return f"{minus}{plain}" if plain != "0" else plain
