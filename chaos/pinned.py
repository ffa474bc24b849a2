"""Seeds that once ended badly: played again by ``--pinned``, so that what they found stays mended.

A seed is as good as the plan it makes: after a change of ``plan.py`` or ``people.py`` it is another one. What it found
is therefore also pinned where it was mended, as a test of its own, named here beside it.
"""

from __future__ import annotations

from typing import Final

from chaos.plan import Plan, Store, plan

PINNED: Final[tuple[tuple[int, float, Store], ...]] = (
    # A create whose answer was lost, then a field cleared: the member kept it.
    # tests/test_smaregi_lane.py: test_what_was_cleared_after_a_lost_create_is_cleared_on_the_member_that_it_made
    (2, 60.0, "sqlite"),
    (10, 60.0, "sqlite"),
)


def pinned() -> list[Plan]:
    """The plans of all pinned seeds."""
    return [plan(seed, seconds, store) for seed, seconds, store in PINNED]
