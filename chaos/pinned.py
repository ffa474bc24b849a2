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
    # A read that began before a save of the same second undid it, and the customer was gone before the next read.
    # tests/test_ledger_book.py: test_a_read_never_undoes_a_save_of_the_same_second_that_came_while_it_was_under_way
    (41, 60.0, "postgresql"),
    # A worker's clock was ahead, and its read seemed to have seen a save that came later in the same second.
    # tests/test_ledger_inbox.py: test_a_second_save_in_a_second_that_was_read_back_already_is_read_too
    (31, 60.0, "postgresql"),
    # A contact kept a field that was cleared while nobody knew whether the try before had been carried out.
    # tests/test_hubspot_lane.py: test_what_was_cleared_after_a_lost_creation_is_cleared_at_the_contact_that_it_made
    (51, 60.0, "postgresql"),
    # A customer who had waited five times for another with the same e-mail waited five minutes for a short outage of
    # our own database. tests/test_lane_runner.py:
    # test_a_carry_that_our_database_cut_short_comes_back_soon_however_often_it_was_tried
    (2, 60.0, "postgresql"),
    # A late worker's write, told while another carried: the mark of a field cleared since was lost.
    # tests/test_ledger_book.py:
    # test_a_late_result_that_comes_while_another_carries_has_every_field_it_sent_go_out_again
    (12, 60.0, "postgresql"),
)


def pinned() -> list[Plan]:
    """The plans of all pinned seeds."""
    return [plan(seed, seconds, store) for seed, seconds, store in PINNED]
