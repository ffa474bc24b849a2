"""What a contract demands of a new member, and what may stand in for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from clients.errors import AskPerson
from clients.smaregi.required import RequiredColumns, fill

TODAY = date(2026, 11, 22)


def filled(fields: dict[str, str], *required: str, placeholder: str = "未入力") -> dict[str, str]:
    return fill(fields, frozenset(required), placeholder=placeholder, today=TODAY)[0]


def test_nothing_is_added_that_is_not_required() -> None:
    assert filled({"lastName": "見本"}) == {"lastName": "見本"}


@pytest.mark.parametrize(
    ("column", "value"),
    [("sex", "0"), ("entryDate", "2026-11-22"), ("lastKana", "-"), ("firstKana", "-")],
)
def test_a_required_column_that_has_a_sensible_stand_in_is_filled(column: str, value: str) -> None:
    assert filled({}, column)[column] == value
    assert column not in filled({})


def test_a_placeholder_that_is_kana_stands_in_for_kana() -> None:
    assert filled({}, "lastKana", placeholder="ミニュウリョク")["lastKana"] == "ミニュウリョク"


def test_what_was_filled_is_reported() -> None:
    _, corrections = fill({"lastName": "見本", "firstName": "花子"}, frozenset({"sex"}), placeholder="-", today=TODAY)
    assert [(c.field, c.what) for c in corrections] == [("sex", "filled")]


def test_a_required_column_that_nothing_stands_in_for_asks_a_person_by_name() -> None:
    with pytest.raises(AskPerson) as asked:
        filled({"lastName": "見本"}, "mailAddress", "pointExpireDate", "lastName")
    assert asked.value.kind == "smaregi.required_missing"
    assert "mailAddress, pointExpireDate" in asked.value.why
    assert "会員必須項目設定" in asked.value.why
    assert "見本" not in asked.value.why


def test_the_setting_is_read_once_and_again_after_ten_minutes() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    reads: list[datetime] = []

    def read() -> frozenset[str]:
        reads.append(now)
        return frozenset({"sex"})

    columns = RequiredColumns(read, lambda: now)
    assert columns.names() == {"sex"}
    columns.read_if_due()
    now += timedelta(minutes=9)
    columns.read_if_due()
    assert len(reads) == 1
    now += timedelta(minutes=1)
    columns.read_if_due()
    assert len(reads) == 2
