"""The member index as the lane needs it: Smaregi cannot be searched by e-mail, so we keep what is needed to find one.

https://developers.smaregi.dev/platform-api-reference/common : GET /customers has no e-mail filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from customer import Freshness, Member

__all__ = ["Freshness", "Member", "MemberIndex"]


class MemberIndex(Protocol):
    """Our local copy of the members, shared by all processes."""

    def freshness(self) -> Freshness:
        """How much the index holds."""

    def may_poll(self, now: datetime, until: datetime) -> bool:
        """Whether the caller alone may scan or poll now; the right ends by itself at ``until``."""

    def polled(self, freshness: Freshness) -> None:
        """Write down how far a scan or a poll came, and give up the right to poll."""

    def put(self, members: Iterable[Member], seen_at: datetime) -> None:
        """Add these members, or replace what was known of them; ``seen_at`` is when this poll or scan began."""

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
