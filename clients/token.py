"""One access token for all processes: renewed early, by one of them, while the others go on with the old one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeGuard

from clients.errors import TryLater

_SENDABLE: Final = re.compile(r"[!-~]{1,4096}")


def can_be_sent(value: object) -> TypeGuard[str]:
    """Whether what came back for a token can stand in a header: printable ASCII without spaces."""
    return isinstance(value, str) and _SENDABLE.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, when to fetch the next one, and when it ends; its repr does not show it."""

    value: str
    renew_at: datetime
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Token(***, expires_at={self.expires_at.isoformat()})"

    @classmethod
    def lasting(cls, value: str, seconds: float, now: datetime) -> Token:
        """A token that ends in ``seconds``: renewed five minutes early, or after four fifths of a short life."""
        life = timedelta(seconds=seconds)
        return cls(value, renew_at=now + life - min(timedelta(minutes=5), life / 5), expires_at=now + life)


class Vault(Protocol):
    """Where tokens are kept between processes."""

    def read(self, name: str) -> Token | None:
        """The token kept under ``name``, ended or not."""

    def write(self, name: str, token: Token) -> None:
        """Keep ``token`` under ``name`` and give up the right to renew it."""

    def may_renew(self, name: str, now: datetime, hold: timedelta) -> bool:
        """Whether the caller alone may fetch a new one now; the right ends by itself after ``hold``."""

    def give_up(self, name: str) -> None:
        """Give the right to renew back without a token."""

    def drop(self, name: str, value: str) -> None:
        """Forget the token under ``name`` if it is still ``value`` (somebody may have renewed it meanwhile)."""


class AloneVault:
    """A vault for one process: for commands run by hand and for tests of a client by itself."""

    def __init__(self) -> None:
        self._kept: dict[str, Token] = {}
        self._held: dict[str, datetime] = {}

    def read(self, name: str) -> Token | None:
        return self._kept.get(name)

    def write(self, name: str, token: Token) -> None:
        self._kept[name] = token
        self._held.pop(name, None)

    def may_renew(self, name: str, now: datetime, hold: timedelta) -> bool:
        if self._held.get(name, now) > now:
            return False
        self._held[name] = now + hold
        return True

    def give_up(self, name: str) -> None:
        self._held.pop(name, None)

    def drop(self, name: str, value: str) -> None:
        if (kept := self._kept.get(name)) and kept.value == value:
            del self._kept[name]


class SharedToken:
    """The token called ``name``, fetched by ``fetch`` when it is missing or due for renewal."""

    HOLD = timedelta(seconds=20)  # longer than one fetch can take, timeouts and retries included
    PATIENCE = timedelta(seconds=25)

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Token],
        vault: Vault,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._vault = vault
        self._now = now
        self._sleep = sleep

    def get(self) -> str:
        """A live token. Raises what ``fetch`` raises, or ``TryLater`` when another process renews for too long."""
        began = self._now()
        while True:
            now = self._now()
            kept = self._vault.read(self._name)
            if kept and kept.renew_at > now:
                return kept.value
            if self._vault.may_renew(self._name, now, self.HOLD):
                # Another process may have finished between our look and our right to renew.
                again = self._vault.read(self._name)
                if again and again.renew_at > now:
                    self._vault.give_up(self._name)
                    return again.value
                try:
                    fresh = self._fetch()
                except BaseException:
                    self._vault.give_up(self._name)
                    raise
                self._vault.write(self._name, fresh)
                return fresh.value
            if kept and kept.expires_at > now:
                return kept.value
            if not began <= now < began + self.PATIENCE:  # too long, or the clock was set back meanwhile
                raise TryLater(f"the token {self._name} is being renewed by another process", kind="token.busy")
            self._sleep(0.1)

    def drop(self, value: str) -> None:
        """The far side refused ``value``: the next ``get`` fetches a new one."""
        self._vault.drop(self._name, value)
