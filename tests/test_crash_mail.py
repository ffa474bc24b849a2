"""Killed at each line around the sending of a mail: it is sent once, or nobody can say and it is not sent again."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import tables as t
from tests.crash import Rig, Starter, rig
from tests.flow import until


def mail_of(r: Rig, customer_id: int) -> tuple[int, str, str | None]:
    """How many mails this customer got, and how the task ended."""
    (row,) = [row for row in r.rows(t.tasks) if (row["customer_id"], row["lane"]) == (customer_id, "mail")]
    return len(r.sandbox.world.mail.all(r.shop.get(customer_id).email)), row["state"], row["kind"]


@pytest.mark.parametrize(
    ("point", "end"),
    [
        ("claimed", (1, "done", None)),
        ("marked", (0, "failed", "mail.unknown")),
        ("taken", (1, "failed", "mail.unknown")),
        ("noted", (1, "done", None)),
        ("answered", (1, "done", None)),
        ("settling", (1, "done", None)),
        ("settled", (1, "done", None)),
    ],
)
def test_whoever_is_killed_while_sending_has_sent_at_most_one_mail(
    starter: Starter, database_url: str, tmp_path: Path, point: str, end: tuple[int, str, str | None]
) -> None:
    with rig(starter, database_url, tmp_path, mails=True) as r:
        r.web()
        victim = r.worker(r.trap(point, "mail"))
        (customer_id,) = r.customers(1)
        until(lambda: not victim.alive)
        r.worker()
        r.rest()
        r.check()
        assert mail_of(r, customer_id) == end
        r.change(customer_id)  # a sign of life, which revives what has failed everywhere else
        r.rest()
        assert mail_of(r, customer_id) == end


def test_who_stood_still_while_sending_and_then_goes_on_sends_one_mail_and_says_so(
    starter: Starter, database_url: str, tmp_path: Path
) -> None:
    with rig(starter, database_url, tmp_path, mails=True) as r:
        r.web()
        late = r.worker(r.trap("marked", by="SIGSTOP"))
        (customer_id,) = r.customers(1)
        until(lambda: late.stopped)
        r.worker()
        r.rest()
        assert mail_of(r, customer_id) == (0, "failed", "mail.unknown")
        late.go_on()
        until(lambda: mail_of(r, customer_id) == (1, "done", None))
