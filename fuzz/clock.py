"""A clock that sleeping moves, and that notices when somebody would sleep for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fuzz.laws import Broken

LONGEST_S = 900.0


class FakeClock:
    """Noon in Japan to begin with. Raises ``Broken`` when one input would have slept for a quarter of an hour."""

    def __init__(self) -> None:
        self._at = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
        self._slept = 0.0

    def __call__(self) -> datetime:
        return self._at

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self._slept += seconds
        if not seconds >= 0 or not self._slept <= LONGEST_S:
            raise Broken(f"it would have slept for {self._slept:.0f} s")
        self._at += timedelta(seconds=seconds)
