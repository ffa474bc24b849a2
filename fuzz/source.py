"""Decisions read off a row of bytes, so that whoever chooses the bytes (a fuzzer, a seed) steers what is made.

atheris has a ``FuzzedDataProvider`` for this. Ours is plain Python, because a finding must be played again wherever the
tests run, and atheris is for Linux alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Source:
    """Each decision takes a byte or two from the front; when there are none left, every answer is 0: the tamest."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_empty(self) -> bool:
        """Whether everything from here on will be tame."""
        return self._at >= len(self._data)

    def below(self, most: int) -> int:
        """A number from 0 up to ``most`` - 1."""
        wanted = 1 if most <= 256 else 2 if most <= 65_536 else 4
        return int.from_bytes(self.take(wanted), "little") % most

    def one_in(self, times: int) -> bool:
        """Whether the rarer case is chosen; never when the bytes have run out."""
        return not self.is_empty and self.below(times) == times - 1

    def pick(self, among: Sequence[T]) -> T:
        """One of these; the first when the bytes have run out."""
        return among[self.below(len(among))]

    def take(self, most: int) -> bytes:
        """The next bytes as they are, at most so many."""
        taken = self._data[self._at : self._at + most]
        self._at += len(taken)
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))
