"""The words for states and lanes, as they are shown."""

from __future__ import annotations

from typing import Final

from flask_babel import gettext as _

from handlers.console.texts import marked

#: Each state's word, and how it is meant: good, bad, busy, warn or quiet.
STATES: Final = {
    "done": (marked("done"), "good"),
    "arrived": (marked("arrived"), "good"),
    "in sync": (marked("in sync"), "good"),
    "on": (marked("on"), "good"),
    "closed": (marked("working"), "good"),
    "ok": (marked("ok"), "good"),
    "over": (marked("over"), "good"),
    "set": (marked("set"), "good"),
    "pending": (marked("waiting"), "busy"),
    "running": (marked("running"), "busy"),
    "retry": (marked("tried again later"), "warn"),
    "probing": (marked("trying carefully"), "warn"),
    "paused": (marked("paused"), "warn"),
    "held": (marked("held"), "warn"),
    "failed": (marked("failed"), "bad"),
    "open": (marked("stopped"), "bad"),
    "unreadable": (marked("unreadable"), "bad"),
    "dismissed": (marked("closed by hand"), "quiet"),
    "replaced": (marked("replaced"), "quiet"),
    "wrong": (marked("wrong"), "bad"),
    "off": (marked("off"), "quiet"),
    "not set": (marked("not set"), "quiet"),
    "changed": (marked("taken in"), "good"),
    "unchanged": (marked("nothing new"), "quiet"),
    "older": (marked("older than what is known"), "quiet"),
    "repeat": (marked("repeat"), "quiet"),
    "ignored": (marked("ignored"), "quiet"),
    "test": (marked("test"), "quiet"),
    "excluded": (marked("excluded"), "quiet"),
    "erased": (marked("erased"), "quiet"),
    "act": (marked("may act"), "busy"),
    "view": (marked("may look"), "quiet"),
    "command": (marked("at the terminal"), "quiet"),
}
_LANES: Final = {
    "shopify": marked("Shopify"),
    "smaregi": marked("Smaregi"),
    "hubspot": marked("HubSpot"),
    "mail": marked("Mail"),
}


def word(state: str) -> str:
    """The state's word in the reader's language; a state that has none is shown as it is."""
    known = STATES.get(state)
    return _(known[0]) if known else state


def tone(state: str) -> str:
    """How the state is meant."""
    known = STATES.get(state)
    return known[1] if known else "quiet"


def lane(name: str) -> str:
    """The lane's name in the reader's language."""
    known = _LANES.get(name)
    return _(known) if known else name


def why_off(why: str) -> str:
    """Why a lane is off, as the settings say it (``ENABLE_POS_SYNC is false``), in the reader's language."""
    name, is_false, _rest = why.partition(" is false")
    if is_false:
        return str(_("%(setting)s is false", setting=name))
    return str(_("%(setting)s is not set", setting=why.removesuffix(" is not set")))
