"""Ctrl-C, SIGTERM and a terminal that goes away, as a question to ask rather than a blow in the middle of something."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self


class Ending:
    """Within a ``with`` block, signals that ask for the end are only noted: ``asked`` is the first one's number.

    A second one calls ``hurry``. When the terminal is gone nothing more is written to it: that would only fail.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self.hurry: Callable[[], None] = lambda: None
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started under nohup: meant to outlive the terminal
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def lose_terminal(self) -> None:
        """Nobody reads any more: end, and say nothing."""
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        os.close(silence)
        self.asked = self.asked or signal.SIGHUP

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.lose_terminal()
        elif self.asked is not None:
            self.hurry()
        self.asked = self.asked or number
