"""The lines of `flask doctor` about the settings, which only the roof can see."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

from clients.checkup import Finding, ok, skipped, wrong
from handlers.console.oddities import oddities
from handlers.console.setup import ConsoleSetup

_ADDRESS = re.compile(r"[\s,]+(?=[a-z][a-z0-9+]*://)", re.IGNORECASE)


def settings(setup: ConsoleSetup, *, web_processes: int | None, on_postgresql: bool) -> Iterator[Finding]:
    """Every setting was read, or nothing would run; what is odd is told."""
    yield ok("settings", f"all {sum(each.is_set for each in setup.settings)} that are set were understood")
    if web_processes is not None and web_processes > 1 and not on_postgresql:
        mend = "set WEB_PROCESSES to 1, or use PostgreSQL"
        yield wrong("WEB_PROCESSES", f"{web_processes} on SQLite queue for one file", mend)
    for name, told in oddities(setup).items():
        for what, values in told:
            said = what % values if values else what
            if name in setup.unknown:
                yield wrong(name, said, "take it out of .env, or write it right")
            else:
                yield skipped(name, said)


def doors(setup: ConsoleSetup) -> Iterator[Finding]:
    """Which doors are open, and who may come in."""
    by_name = {each.name: each.is_set for each in setup.settings}
    for name, door in (
        ("CONSOLE_PASSWORD_HASH", "/console"),
        ("STATUS_API_TOKEN", "/api/customers"),
    ):
        if by_name.get(name):
            yield ok(door, f"open, {name} is set")
        else:
            yield skipped(door, f"answers 404: {name} is not set")


def alert_addresses(addresses: str | None) -> Iterator[Finding]:
    """Whether each of ADMIN_NOTIFY_URLS is one that Apprise can send to; none is shown, for they hold tokens."""
    if not addresses:
        yield skipped("ADMIN_NOTIFY_URLS", "not set: alerts stand in the log and in the console alone")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its parts warn of Python's own, which is nobody's business here
        import apprise  # noqa: PLC0415 - a hundred megabytes, for this one question

        yield from _each_address(addresses, apprise)


def _each_address(addresses: str, apprise: Any) -> Iterator[Finding]:
    loud = logging.getLogger("apprise")
    before, loud.disabled = loud.disabled, True  # it would say the address
    try:
        each = [part for part in _ADDRESS.split(addresses.strip(" ,")) if part]
        services = [apprise.Apprise.instantiate(address, suppress_exceptions=True) for address in each]
    finally:
        loud.disabled = before
    for number, service in enumerate(services, start=1):
        what = f"ADMIN_NOTIFY_URLS, address {number} of {len(services)}"
        if service is None:
            yield wrong(what, "Apprise does not understand it", "https://github.com/caronc/apprise/wiki has each form")
        else:
            yield ok(what, f"understood ({service.service_name}); flask alerts test sends to it")
