"""What overlapping polls prove: no order of sending, answering and dying lets the index claim what it does not hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clients.smaregi.alone import AloneIndex
from customer import LIST_LAG, Freshness, Member, Poll

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
IDS = ("1", "2")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("fresh_at", "since", "sent_at", "then"),
    [
        (0, -10, 1, 1),  # the usual one
        (0, -5, 1, 1),  # looks back just far enough for what shows late
        (0, -4.9, 1, 0),  # a gap: what was changed before and shows late may be missed
        (0, 3, 4, 0),  # a gap of seconds
        (2, -10, 1, 2),  # an older one ends last
        (2, -130, 1.5, 2),
        (60, -10, 1, 1),  # the clock was set back by a minute: its word binds nobody
    ],
)
def test_a_poll_proves_the_index_up_to_when_it_was_sent_unless_a_gap_lies_before_it(
    fresh_at: float, since: float, sent_at: float, then: float
) -> None:
    told = Freshness(scanned_at=NOON, fresh_at=at(fresh_at)).after(Poll(at(since), at(sent_at)))
    assert told.fresh_at == at(then)


def test_a_poll_proves_nothing_before_the_first_scan_is_done() -> None:
    assert Freshness().after(Poll(at(-10), at(0))) == Freshness()
    assert Freshness(scanned_at=NOON).after(Poll(at(-10), at(1))).fresh_at == at(1)


def test_an_older_answer_that_is_laid_over_a_newer_one_takes_the_claim_back() -> None:
    told = Freshness(scanned_at=NOON, fresh_at=at(3))
    assert told.after_overwriting(at(2)).fresh_at == at(2)
    assert told.after_overwriting(at(4)) == told


@dataclass
class Till:
    """What was changed when, and when it shows in Smaregi's list: at most ``LIST_LAG`` later."""

    changes: list[tuple[float, float, str, int]] = field(default_factory=list)

    def shown(self, member_id: str, read_at: float) -> tuple[float, int]:
        """When the newest change that shows was made, and its version."""
        return max(
            (made_at, version)
            for made_at, lag, i, version in self.changes
            if i == member_id and made_at + lag <= read_at
        )

    def answer(self, since: float, read_at: float) -> list[Member]:
        rows = {i: self.shown(i, read_at) for i in IDS}
        return [version_of(i, version) for i, (made_at, version) in rows.items() if made_at >= since]


def version_of(member_id: str, version: int) -> Member:
    return Member(member_id, f"C{member_id}", None, (f"v{version}@example.com",), "0")


# Few moments close together: what can go wrong takes four or five of them in one order.
half_seconds = st.integers(0, 16).map(lambda n: n / 2)
changes = st.lists(
    st.tuples(half_seconds.map(lambda s: s + 0.25), st.sampled_from(IDS)),
    min_size=1,
    max_size=4,
)


@dataclass(frozen=True)
class Step:
    """A call: when it is sent, how far it looks back, when it is read and when it ends (None: its process dies)."""

    sent_at: float
    look_back: float
    read_after: float
    ends_after: float | None
    kind: str


steps = st.lists(
    st.builds(
        Step,
        half_seconds,
        st.sampled_from([1.0, 4.0, 6.0, 10.0, 120.0]),
        st.sampled_from([0.0, 0.5, 1.0, 2.0]),
        st.sampled_from([0.0, 0.5, 1.0, 3.0, 9.0, None]),
        st.sampled_from(["poll", "poll", "poll", "scan", "member"]),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=400, deadline=None)
@given(made=changes, lag=st.sampled_from([0.0, 4.9]), calls=steps)
@example(
    made=[(0.25, "1"), (0.75, "1")],
    lag=0.0,
    calls=[
        Step(0.0, 10.0, 1.0, 0.5, "poll"),  # brings both changes
        Step(0.5, 10.0, 0.0, 3.0, "poll"),  # was answered between them, and comes last
        Step(1.0, 10.0, 0.0, 1.0, "poll"),  # proves both, and writes nothing, for they stand there
    ],
)
def test_whatever_the_index_claims_to_know_stands_in_it(
    made: list[tuple[float, str]], lag: float, calls: list[Step]
) -> None:
    """Polls of several processes overlap, end in any order or never, beside a scan and looks at single members."""
    till = Till([(-1000.0, 0.0, i, 0) for i in IDS])
    till.changes += [(made_at, lag, i, n + 1) for n, (made_at, i) in enumerate(sorted(made))]
    index = AloneIndex(Freshness(scanned_at=NOON, fresh_at=NOON))
    index.put([version_of(i, 0) for i in IDS], NOON)
    ends = sorted(
        (call.sent_at + call.read_after + call.ends_after, n, call)
        for n, call in enumerate(calls)
        if call.ends_after is not None
    )
    for _, _, call in ends:
        read_at = call.sent_at + call.read_after
        if call.kind == "poll":
            since = call.sent_at - call.look_back
            index.heard(till.answer(since, read_at), Poll(at(since), at(call.sent_at)))
        elif call.kind == "scan":
            index.put(till.answer(-9999, read_at), at(call.sent_at), touch=True)
        else:
            index.put(till.answer(-9999, read_at)[:1], at(call.sent_at))
        fresh_at = index.freshness().fresh_at
        assert fresh_at is not None
        sure = (fresh_at - NOON - (LIST_LAG if lag else timedelta(0))).total_seconds()
        for member_id in IDS:
            newest = max(version for made_at, _, i, version in till.changes if i == member_id and made_at < sure)
            (member,) = index.by_code(f"C{member_id}")
            assert int(member.mails[0][1:].partition("@")[0]) >= newest, (member_id, sure, call)
