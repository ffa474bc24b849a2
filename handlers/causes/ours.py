"""Our own part: the store, the token, faults of this service."""

from __future__ import annotations

from handlers.causes.cause import NOTHING, Cause, _

_REPORT = _("Report it, with the request id: the log tells the rest. Then try again.")

_STOPPED = Cause(
    _("A fault in this service stopped the lane"),
    _(
        "The same step failed several times in a row. One try at a time is made, so that nothing is sent again "
        "and again."
    ),
    _("Report it, with the log's lines that say failed. A newer version may mend it; a restart tries at once."),
    "report",
)

OURS = {
    "token.busy": Cause(
        _("The access token is being renewed"),
        _("Another process is renewing the access token at this moment."),
        NOTHING,
        "wait",
    ),
    "store.busy": Cause(
        _("Our database was busy"),
        _("The result could not be written down, because our database was busy or gone."),
        _("Nothing: it is tried again by itself. If it stays, look at the database (DATABASE_URL)."),
        "wait",
    ),
    "late.once_more": Cause(
        _("Arrived; checked once more to be sure"),
        _("It arrived, but an earlier try may still reach the far side with an older state."),
        _("Nothing: within a minute it is sent once more, and then it is done."),
        "wait",
    ),
    "lane.silent": Cause(
        _("A fault in this service"),
        _("The lane gave no result for this customer."),
        _REPORT,
        "report",
    ),
    **{f"fault.{doing}": _STOPPED for doing in ("claiming", "carrying", "settling", "upkeep")},
    "fault.worker_ended": Cause(
        _("The worker ended without a word"),
        _("Each time this customer was carried, the worker ended without a word, 32 times."),
        _("Look into the log for how the worker ended (out of memory?), report it, and try again."),
        "report",
    ),
}

FAULT = Cause(
    _("A fault in this service"),
    _("Something happened that this service does not expect. The customer's data is safe."),
    _REPORT,
    "report",
)
UNKNOWN = Cause(
    _("A cause without words of its own"),
    _("The far side's own words are all that is known."),
    _("Read the words below, mend what they name, and try again."),
    "retry",
)
NOT_TOLD = Cause(
    _("No cause was noted"),
    _("The task failed without a cause."),
    _("Try again; the next attempt will say more."),
    "retry",
)
