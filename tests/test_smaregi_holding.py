"""One e-mail, one customer at a time: when it is let go, and when the next one has to wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clients.errors import AskPerson, StopLane, TryLater
from clients.smaregi.alone import AloneIndex
from clients.smaregi.holding import HELD, SETTLING, holding
from ledger.database import StoreBusy
from tests.conftest import Clock

MAIL = "hanako@example.jp"


def held_for(index: AloneIndex, clock: Clock) -> timedelta:
    """How long another customer with this e-mail has to wait, to the second; at most ten minutes."""
    for seconds in range(601):
        if index.hold_mail(MAIL, 2, clock() + timedelta(seconds=seconds), clock() + timedelta(hours=1)):
            return timedelta(seconds=seconds)
    return timedelta(minutes=10)


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (TryLater("no connection", kind="smaregi.unreachable"), timedelta(0)),
        (AskPerson("two members have this e-mail", kind="smaregi.several_members"), timedelta(0)),
        (StopLane("refused", kind="smaregi.credentials"), timedelta(0)),
        (TryLater("no answer", kind="smaregi.timeout", doubt=True), HELD),
        # These may come after the create: the member stands there, and nobody else knows whose it is.
        (StoreBusy("the database is busy"), HELD),
        (KeyError("a fault of ours"), HELD),
    ],
    ids=lambda x: type(x).__name__,
)
def test_it_is_let_go_only_when_certainly_nobody_was_created(error: Exception, wait: timedelta, clock: Clock) -> None:
    index = AloneIndex()
    with pytest.raises(type(error)), holding(index, MAIL, 1, clock):
        raise error
    assert held_for(index, clock) == wait


def test_after_a_create_it_is_held_until_the_ledger_knows_whose_the_member_is(clock: Clock) -> None:
    index = AloneIndex()
    with holding(index, MAIL, 1, clock):
        pass
    assert held_for(index, clock) == SETTLING


def test_whoever_holds_it_comes_in_again_and_another_one_does_not(clock: Clock) -> None:
    index = AloneIndex()
    with pytest.raises(StoreBusy), holding(index, MAIL, 1, clock):
        raise StoreBusy("the database is busy")
    with pytest.raises(TryLater) as refused, holding(index, MAIL, 2, clock):
        pytest.fail("the e-mail is held")
    assert refused.value.kind == "smaregi.mail_held"
    with holding(index, MAIL, 1, clock):
        pass
