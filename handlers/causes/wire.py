"""Between us and any far side: the same trouble for all, told in the same words."""

from __future__ import annotations

from handlers.causes.cause import NOTHING, Cause, _

WIRE = {
    "unreachable": Cause(
        _("No connection"),
        _("The far side could not be reached, or the connection broke."),
        NOTHING,
        "wait",
    ),
    "timeout": Cause(
        _("No answer in time"),
        _("The far side did not answer in time. It may have carried it out all the same; that is looked up first."),
        NOTHING,
        "wait",
    ),
}
