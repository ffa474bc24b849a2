"""The kinds of column that this ledger has beside SQLAlchemy's own: moments, JSON, and what is sealed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, Text, TypeDecorator

from ledger.seal import NO_SEAL, Seal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, kept as whole microseconds since 1970: the same order and the same value on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        if value is None:
            return None
        gone = value - _EPOCH
        return (gone.days * 86400 + gone.seconds) * 1_000_000 + gone.microseconds

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return (
            None
            if value is None
            else datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)
        )


class Json(TypeDecorator[Any]):
    """A JSON value as text, readable by eye in any database tool."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(value)


def _seal_of(dialect: Dialect) -> Seal:
    """The seal that ``Database`` hung on its engines' dialect."""
    seal: Seal = getattr(dialect, "seal", NO_SEAL)
    return seal


class SealedText(TypeDecorator[str]):
    """A text that may be personal: shut at rest when there are keys. It cannot be compared in a statement."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _seal_of(dialect).shut_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _seal_of(dialect).open_text(value)


class SealedJson(Json):
    """A JSON value that may be personal: shut at rest when there are keys."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        told = super().process_bind_param(value, dialect)
        return None if told is None else _seal_of(dialect).shut_text(told)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else super().process_result_value(_seal_of(dialect).open_text(value), dialect)


class SealedBytes(TypeDecorator[bytes]):
    """Bytes that may be personal: shut at rest when there are keys."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _seal_of(dialect).shut_bytes(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _seal_of(dialect).open_bytes(value)


# SQLite numbers rows by itself only in a column of its type INTEGER.
Serial = BigInteger().with_variant(Integer, "sqlite")
