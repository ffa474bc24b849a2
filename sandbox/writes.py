"""The order in which records were written, by a mark that each state carries: has an older one come after a newer?"""

import re
import threading
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Write:
    """One write that was carried out: `record` is the far side's own id, `mark` what was found in its address."""

    system: str
    record: str
    mark: str


@dataclass(frozen=True, slots=True)
class FlagWrite:
    """A member's mail flag became `flag`; `till`: somebody at the till did that, else a call.

    `came` is when the call reached us, `at` when it was carried out, in the seconds of one clock.
    """

    record: str
    was: str | None
    flag: str
    till: bool
    came: float
    at: float


class FlagWrites:
    """Every change of a mail flag since `follow`, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._follows = False
        self._writes: list[FlagWrite] = []

    def follow(self, *, on: bool = True) -> None:
        """Begin anew, or stop."""
        with self._lock:
            self._follows, self._writes = on, []

    def note(self, write: FlagWrite) -> None:
        """It happened."""
        with self._lock:
            if self._follows and write.was != write.flag:
                self._writes.append(write)

    def listed(self) -> list[dict[str, object]]:
        """All of them, oldest first."""
        with self._lock:
            return [asdict(write) for write in self._writes]


class Writes:
    """Every write that left a mark, oldest first; nothing is kept until `follow` says what a mark looks like."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pattern: re.Pattern[str] | None = None
        self._writes: list[Write] = []

    def follow(self, pattern: str) -> None:
        """From now on, keep the first group of this pattern, sought in each record's address. Raises `re.error`."""
        with self._lock:
            self._pattern, self._writes = re.compile(pattern), []

    def clear(self) -> None:
        """Keep nothing any more, and forget."""
        with self._lock:
            self._pattern, self._writes = None, []

    def note(self, system: str, record: str, address: str | None) -> None:
        """A record was written, and this is the address it has now."""
        with self._lock:
            if self._pattern is not None and (found := self._pattern.search(address or "")):
                self._writes.append(Write(system, record, found.group(1)))

    def listed(self) -> list[dict[str, str]]:
        """All of them, oldest first."""
        with self._lock:
            return [asdict(write) for write in self._writes]
