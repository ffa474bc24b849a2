"""What something before a vendor's API refuses, as a firewall does: for the sake of one row, or of all.

A 403, a 413 or a page of HTML may depend on what was sent. It is no verdict on the lane until a row that stands alone
tells; ``clients.alike`` knows what became of the others.
"""

from __future__ import annotations

from typing import Final

from clients.errors import AskPerson, StopLane, TryLater
from clients.http import Answer

TRIES_BEFORE_A_PERSON: Final = 3
#: Statuses that say nothing of what was sent, whoever answers: who we are, and what passes by itself.
_PASSING: Final = frozenset({401, 408, 423, 425, 429, 477})


class Blocked(StopLane):
    """A call that something before ``vendor``'s API refused. As it stands it is the verdict on the whole lane."""

    def __init__(self, why: str, *, vendor: str, kind: str, status: int, writes: bool) -> None:
        super().__init__(why, kind=kind, doubt=writes and status < 300, status=status)
        self.how = f"HTTP {status}"
        self._vendor = vendor

    def of_one(self, *, others_taken: bool, attempt: int) -> AskPerson | TryLater:
        """What it means for a row that was refused while it stood alone, on its task's ``attempt``-th try.

        A firewall's whim passes in seconds, its rule does not: what is surely about the row, or was refused again and
        again, is for a person.
        """
        said = f"something before {self._vendor} (a firewall, by the look of it) refuses this customer: {self.how}"
        kind = f"{self.kind.partition('.')[0]}.blocked"
        if not others_taken and attempt < TRIES_BEFORE_A_PERSON:
            return TryLater(said, kind=kind, lane_wide=False, doubt=self.doubt, status=self.status)
        return AskPerson(
            f"{said}, not in {self._vendor}'s words. Look in the customer's fields for what reads like a program or an "
            "attack (<, ../, SELECT) or is very long, or have the firewall let it through",
            kind=kind,
            status=self.status,
        )


def says_nothing_of_the_row(status: int) -> bool:
    """Whether an answer of this status passes by itself or is about our credential, whatever was sent."""
    return status >= 500 or status in _PASSING


def is_a_page(answer: Answer) -> bool:
    """Whether an answer holds something, as a page of HTML, and it is not JSON."""
    sized = answer.headers.get("Content-Length", "").strip() not in ("", "0")
    return answer.body is None and (sized or "html" in answer.headers.get("Content-Type", "").lower())
