"""What is odd about the settings. A wrong one stops the start; these work, but perhaps not as they were meant to."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from handlers.console.setup import ConsoleSetup, Set
from handlers.console.texts import marked

#: Odd in itself: the setting, when it is odd, and what that means.
_ODD: Final[Sequence[tuple[str, Callable[[Set], bool], str]]] = (
    ("ADMIN_NOTIFY_URLS", lambda s: not s.is_set, marked("Alerts are told to nobody: they stand in the log and here.")),
    ("PUBLIC_URL", lambda s: not s.is_set, marked("Alerts have no link to this console.")),
    ("PUBLIC_URL", lambda s: (s.value or "").startswith("http://"), marked("This address is not https.")),
    ("DATA_KEYS", lambda s: not s.is_set, marked("Personal data is not encrypted in the ledger.")),
    ("METRICS_TOKEN", lambda s: not s.is_set, marked("Whoever reaches /metrics can read how much goes through here.")),
    ("ENABLE_UPDATE_SYNC", lambda s: s.value == "false", marked("Changes to known customers wait.")),
    ("SMAREGI_API_URL", lambda s: ".dev" in (s.value or ""), marked("This is Smaregi's own sandbox, not the shop.")),
    ("DATABASE_URL", lambda s: (s.value or "").endswith(":memory:"), marked("The ledger is gone with the process.")),
)
_PLAIN_HTTP: Final = ("SHOPIFY_API_URL", "SMAREGI_API_URL", "SMAREGI_AUTH_URL", "HUBSPOT_API_URL")

#: A text with what stands in it, to be translated where it is shown.
Told = tuple[str, Mapping[str, str]]


def oddities(setup: ConsoleSetup) -> dict[str, list[Told]]:
    """By setting, what is odd about it; names that are no setting's stand at the end."""
    told: dict[str, list[Told]] = {}
    for name, what, values in _each(setup):
        told.setdefault(name, []).append((what, values))
    return told


def _each(setup: ConsoleSetup) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    by_name = {s.name: s for s in setup.settings}
    for name, is_odd, what in _ODD:
        if name in by_name and is_odd(by_name[name]):
            yield name, what, {}
    for name in _PLAIN_HTTP:
        if name in by_name and (by_name[name].value or "").startswith("http://"):
            yield name, marked("Calls go there without TLS: right for the sandbox alone."), {}
    if setup.password_hash and setup.password_hash == setup.view_password_hash:
        yield "CONSOLE_VIEW_PASSWORD_HASH", marked("It is the same as the other: nobody can come in to look only."), {}
    if "HUBSPOT_PORTAL_ID" in by_name and setup.portal_id is None and by_name["HUBSPOT_ACCESS_TOKEN"].is_set:
        yield "HUBSPOT_PORTAL_ID", marked("Contacts are shown without a link to HubSpot."), {}
    for name in setup.unknown:
        near = difflib.get_close_matches(name.upper(), by_name, 1)
        if near:
            yield name, marked("No setting has this name; perhaps %(name)s is meant."), {"name": near[0]}
        else:
            yield name, marked("No setting has this name."), {}
