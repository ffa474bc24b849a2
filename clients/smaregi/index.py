"""The member index as the lane needs it: Smaregi cannot be searched by e-mail, so we keep what is needed to find one.

https://developers.smaregi.dev/platform-api-reference/common : GET /customers has no e-mail filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias

from customer import Freshness, Member, Poll

__all__ = ["Freshness", "Member", "MemberIndex", "Poll", "Turn"]

Turn: TypeAlias = Literal["poll", "look_back"]
"""What one process at a time begins: a poll, and a poll that looks far back."""


class MemberIndex(Protocol):
    """Our local copy of the members, shared by all processes."""

    def freshness(self) -> Freshness:
        """How much the index holds."""

    def newcomers(self, now: datetime, until: datetime) -> bool:
        """Whether customers who are not linked to a member are being carried, or may be by ``until``."""

    def may_poll(self, now: datetime, until: datetime) -> bool:
        """Whether the caller alone may scan now; the right ends by itself at ``until``."""

    def polled(self, change: Callable[[Freshness], Freshness]) -> None:
        """Write down how far a scan came, in one step with reading what stands there, and give up the right to scan."""

    def my_turn(self, what: Turn, now: datetime, hold: timedelta) -> bool:
        """Whether the caller may begin this now; nobody else may for ``hold``, and then whoever asks first."""

    def put(self, members: Iterable[Member], seen_at: datetime, *, touch: bool = False) -> None:
        """Add these members, or replace what was known of them; ``seen_at`` is when the call that showed them was sent.

        A member that did not change is not written, unless ``touch``: then it counts as seen. One that a later call
        showed is left alone. See ``Freshness.after_overwriting``.
        """

    def heard(self, members: Iterable[Member], poll: Poll) -> None:
        """``put``, and in the same step ``Freshness.after``: these are the last rows of the answer to ``poll``."""

    def forget_unseen(self, since: datetime) -> int:
        """Drop the members no scan, poll or write has seen since then (deleted at Smaregi); how many."""

    def forget(self, member_id: str) -> None:
        """Drop one member (404 at Smaregi)."""

    def by_mail(self, mail: str) -> list[Member]:
        """Members with this e-mail (as ``mail_key`` has it) in any of their three fields, ghosts included."""

    def by_code(self, code: str) -> list[Member]:
        """Members with this member code (at most one at Smaregi; the index may lag)."""

    def by_number(self, number: str) -> list[Member]:
        """Members with this member number."""

    def linked_to(self, member_id: str) -> int | None:
        """The Shopify id of the customer that is linked to this member, if any."""

    def remember(self, customer_id: int, memo: Mapping[str, str]) -> None:
        """Keep a task's memo at once, before what it speaks of is written over at Smaregi."""

    def hold_mail(self, mail: str, customer_id: int, now: datetime, until: datetime) -> bool:
        """Hold an e-mail for this customer while it is looked up and created; False while another customer holds it."""

    def release_mail(self, mail: str, customer_id: int) -> None:
        """Let the e-mail go."""
