"""What a contract demands of every member (会員必須項目設定), and what may stand in where Shopify knows nothing.

https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomersbulk
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from clients.errors import AskPerson
from customer import Correction

REREAD_EVERY: Final = timedelta(minutes=10)
KANA: Final = re.compile(r"^[ァ-ヶ\u3000 -~ー－・]+$")
#: The columns that something may stand in for.
STAND_INS: Final = ("lastKana", "firstKana", "sex", "entryDate")
NO_KANA: Final = "-"  # within the kana pattern, which a placeholder in kanji is not


class RequiredColumns:
    """The required columns of the contract, read once and again every ten minutes, for all threads of a process."""

    def __init__(self, read: Callable[[], frozenset[str]], now: Callable[[], datetime]) -> None:
        self._read = read
        self._now = now
        self._lock = threading.Lock()
        self._names: frozenset[str] | None = None
        self._read_at: datetime | None = None

    def read(self) -> frozenset[str]:
        """Ask Smaregi now. Raises what the call raises."""
        with self._lock:
            self._names = self._read()
            self._read_at = self._now()
            return self._names

    def read_if_due(self) -> None:
        """Ask Smaregi when the last answer is ten minutes old, or there is none yet."""
        if self._read_at is None or abs(self._now() - self._read_at) >= REREAD_EVERY:
            self.read()

    def names(self) -> frozenset[str]:
        """The columns as last read; asks Smaregi only when it never has."""
        return self.read() if self._names is None else self._names


def fill(
    fields: Mapping[str, str], required: frozenset[str], *, placeholder: str, today: date
) -> tuple[dict[str, str], tuple[Correction, ...]]:
    """The fields of a new member with what must not be missing, and what was filled in.

    Names are there already: every contract requires them, so the mapping never leaves one out.

    Raises ``AskPerson`` (``smaregi.required_missing``) naming the columns that nothing may stand in for.
    """
    no_kana = placeholder if KANA.match(placeholder) else NO_KANA
    stand_ins = dict(zip(STAND_INS, (no_kana, no_kana, "0", today.isoformat()), strict=True))
    full = dict(fields)
    corrections = []
    missing = []
    for name in sorted(required - full.keys()):
        if (stand_in := stand_ins.get(name)) is None:
            missing.append(name)
            continue
        full[name] = stand_in
        corrections.append(Correction(name, "filled", "会員必須項目設定"))
    if missing:
        raise AskPerson(
            f"Smaregi's setting 会員必須項目設定 requires {', '.join(missing)}, and Shopify has no value for it: "
            "fill it in there, or make the column optional in Smaregi",
            kind="smaregi.required_missing",
        )
    return full, tuple(corrections)
