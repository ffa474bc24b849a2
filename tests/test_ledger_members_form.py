"""The member index beside a release that compares e-mails in another form: nobody is doubled before a scan of ours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from clients.smaregi.rows import as_member
from customer import Freshness, Member
from ledger import tables as t
from ledger.database import Database
from ledger.members import Members
from ledger.older_form import name_of
from tests.conftest import NOON, Clock

ROW = {"customerId": "7", "customerCode": "CARD", "mailAddress": '"hanako..m"@docomo.ne.jp', "status": "0"}


class Before(Members):
    """The index as the release before wrote and read it."""

    cursor = "member_index"

    def freshness(self) -> Freshness:
        with self._database.reading() as c:
            value = c.execute(select(t.cursors.c.value).where(t.cursors.c.name == self.cursor)).scalar()
        assert value
        told: dict[str, Any] = {n: datetime.fromisoformat(v) if isinstance(v, str) else v for n, v in value.items()}
        return Freshness(**told)


@pytest.fixture
def before(database: Database) -> Before:
    return Before(database)


@pytest.fixture
def after(database: Database) -> Members:
    return Members(database)


def scan(members: Members, at: datetime) -> None:
    assert members.may_poll(at, at + timedelta(seconds=30))
    members.polled(lambda _: Freshness(scanned_at=at, fresh_at=at))


def test_what_was_scanned_in_an_older_form_is_not_scanned(before: Before, after: Members, clock: Clock) -> None:
    scan(before, clock())
    assert after.freshness() == Freshness()
    clock.forward(seconds=10)
    scan(after, clock())
    assert after.freshness() == Freshness(scanned_at=clock(), fresh_at=clock())


def test_the_older_release_goes_on_from_where_it_was(before: Before, after: Members, clock: Clock) -> None:
    began = clock()
    scan(before, began)
    clock.forward(hours=1)
    scan(after, clock())
    assert before.freshness() == Freshness(scanned_at=began, fresh_at=began)
    assert before.may_poll(clock(), clock() + timedelta(seconds=30))


def test_while_the_older_release_goes_on_polling_no_scan_of_ours_is_believed(
    before: Before, after: Members, clock: Clock
) -> None:
    for _ in range(3):
        clock.forward(seconds=10)
        scan(after, clock())
        clock.forward(seconds=10)
        scan(before, clock())
        assert after.freshness().scanned_at is None
    clock.forward(seconds=10)
    scan(after, clock())
    assert after.freshness().scanned_at == clock()


def test_a_scan_that_is_under_way_begins_anew_when_the_older_release_writes(
    before: Before, after: Members, clock: Clock
) -> None:
    assert after.may_poll(clock(), clock() + timedelta(seconds=30))
    began = clock()
    after.polled(lambda _: Freshness(scan_page=5, scan_began_at=began))
    assert after.freshness().scan_page == 5
    clock.forward(seconds=10)
    scan(before, clock())
    assert after.freshness() == Freshness()


def test_nothing_is_read_while_the_older_release_holds_what_it_has_read(
    before: Before, after: Members, clock: Clock
) -> None:
    assert before.may_poll(clock(), clock() + timedelta(seconds=30))
    assert not after.may_poll(clock(), clock() + timedelta(seconds=30))
    clock.forward(seconds=31)  # killed while it polled
    assert after.may_poll(clock(), clock() + timedelta(seconds=30))


def test_a_right_from_before_the_clock_was_set_back_binds_nobody(before: Before, after: Members, clock: Clock) -> None:
    ahead = clock() + timedelta(hours=1)
    assert before.may_poll(ahead, ahead + timedelta(seconds=30))
    assert after.may_poll(clock(), clock() + timedelta(seconds=30))


def test_an_upgrade_that_was_taken_back_for_an_hour_is_scanned_again(
    before: Before, after: Members, clock: Clock
) -> None:
    scan(after, clock())
    clock.forward(hours=1)
    scan(before, clock())
    clock.forward(minutes=1)
    assert after.freshness().scanned_at is None


def test_on_a_new_ledger_there_is_nothing_beside(after: Members, clock: Clock) -> None:
    scan(after, clock())
    assert after.freshness().scanned_at == clock()


def test_a_member_is_found_in_the_form_of_today_and_in_that_of_the_release_before(after: Members) -> None:
    after.put([as_member(ROW)], NOON)
    assert [m.id for m in after.by_mail("hanako..m@docomo.ne.jp")] == ["7"]
    assert [m.id for m in after.by_mail('"hanako..m"@docomo.ne.jp')] == ["7"]


def test_an_older_form_is_never_kept_beside_a_mailbox_that_it_is_not() -> None:
    assert as_member({**ROW, "mailAddress": "taro@straße.de"}).mails == ("taro@xn--strae-oqa.de",)
    assert as_member({**ROW, "mailAddress": "hanako@example.jp"}) == Member(
        "7", "CARD", None, ("hanako@example.jp",), "0"
    )


def test_the_first_form_had_a_cursor_without_a_number() -> None:
    assert [name_of(form) for form in (1, 2)] == ["member_index", "member_index:2"]
