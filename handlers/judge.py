"""*Judge*: what a lane said, as ONE outcome. Pure; the only place where both wings' words meet."""

from __future__ import annotations

from dataclasses import asdict

from clients.errors import AskPerson, Busy, CarryError, StopLane, TryLater
from clients.lane import Carried
from ledger.outcome import Done, Failed, Outcome, Retry


def judge(result: Carried | CarryError | None) -> Outcome:  # noqa: PLR0911 - a clause for each case, no ladder
    """The outcome of one task; None stands for a task the lane forgot to speak of."""
    match result:
        case Carried():
            return Done(
                ref=result.ref,
                did=result.did,
                sent=result.sent,
                memo=result.memo,
                corrections=[asdict(c) for c in result.corrections],
                found=result.found,
                vendor_request_id=result.vendor_request_id,
            )
        case Busy():
            return Retry(
                result.wait,
                result.why,
                result.kind,
                pause=True,
                status=result.status,
                vendor_request_id=result.vendor_request_id,
            )
        case TryLater():
            return Retry(
                result.wait,
                result.why,
                result.kind,
                lane_wide=result.lane_wide,
                doubt=result.doubt,
                status=result.status,
                vendor_request_id=result.vendor_request_id,
            )
        case AskPerson():
            return Failed(result.why, result.kind, result.choices, result.status, result.vendor_request_id)
        case StopLane():
            return Retry(
                None,
                result.why,
                result.kind,
                stop=True,
                doubt=result.doubt,
                status=result.status,
                vendor_request_id=result.vendor_request_id,
            )
        case CarryError():
            return Retry(None, result.why, result.kind, lane_wide=False, doubt=result.doubt, status=result.status)
        case None:
            return Retry(None, "the lane gave no result for this customer", "lane.silent", lane_wide=False, doubt=True)


def broken(e: Exception) -> Retry:
    """A fault of our own while carrying: an unforeseen error's words may hold anything, so only its type is told."""
    name = type(e).__name__
    return Retry(None, f"a fault in this service ({name})", f"fault.{name}", lane_wide=False, ours=True, doubt=True)
