"""Shopify's times: ISO 8601 with an offset, in whole seconds in bodies, down to nanoseconds in headers."""

from __future__ import annotations

from datetime import UTC, datetime

LONGEST = 64  # a time of theirs has at most 35 characters; what is longer is none


def read_time(text: object) -> datetime | None:
    """The moment in UTC, or None when this is not a time, or one without an offset (which could be any moment)."""
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
