"""When refusals of single customers are about everybody."""

from __future__ import annotations

from clients.alike import MOST_KNOWN, Alike

DOOR, OTHER = "write", "read"
BLOCKED, TOO_LARGE = "HTTP 403", "HTTP 413"


def test_two_refused_alike_with_nobody_taken_between_are_everybody() -> None:
    alike = Alike()
    assert not alike.refused(DOOR, 1, BLOCKED)
    assert not alike.refused(DOOR, 1, BLOCKED), "the same one again"
    assert alike.refused(DOOR, 2, BLOCKED)
    assert alike.refused(DOOR, 1, BLOCKED), "until somebody is taken"
    alike.taken(DOOR)
    assert not alike.refused(DOOR, 1, BLOCKED)


def test_refused_in_another_way_or_at_another_door_is_not_alike() -> None:
    alike = Alike()
    assert not alike.refused(DOOR, 1, BLOCKED)
    assert not alike.refused(DOOR, 2, TOO_LARGE)
    assert not alike.refused(OTHER, 3, TOO_LARGE)
    alike.taken(OTHER)
    assert alike.refused(DOOR, 3, TOO_LARGE)


def test_who_was_refused_while_others_were_taken_tells_nothing_of_the_rest() -> None:
    alike = Alike()
    alike.refused(DOOR, 1, BLOCKED)
    alike.taken(DOOR)
    alike.are_reasons(DOOR, [2])
    assert not alike.refused(DOOR, 1, BLOCKED)
    assert not alike.refused(DOOR, 2, BLOCKED)
    assert not alike.refused(DOOR, 3, BLOCKED)
    assert not alike.refused(DOOR, 1, BLOCKED)
    assert alike.refused(DOOR, 4, BLOCKED)


def test_what_everybody_met_makes_nobody_the_reason() -> None:
    alike = Alike()
    alike.refused(DOOR, 1, BLOCKED)
    assert alike.refused(DOOR, 2, BLOCKED)
    alike.taken(DOOR)
    assert not alike.refused(DOOR, 1, BLOCKED)
    assert alike.refused(DOOR, 2, BLOCKED)


def test_only_so_many_reasons_are_remembered() -> None:
    alike = Alike()
    alike.are_reasons(DOOR, range(MOST_KNOWN + 1))
    assert not alike.refused(DOOR, 0, BLOCKED)  # forgotten, so it counts
    assert alike.refused(DOOR, MOST_KNOWN + 1, BLOCKED)
