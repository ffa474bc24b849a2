"""The crowd of the demo: the same people each time, some of whom need a person's word."""

from __future__ import annotations

from sandbox.config import SandboxConfig
from sandbox.demo_crowd import COUNT, Change, Crowd, Outage, Register, steps
from sandbox.demo_far_side import FarSide
from sandbox.server import RunningSandbox


def test_the_crowd_is_the_same_each_time_and_hubspot_is_back_in_the_end() -> None:
    first, again = list(steps()), list(steps())
    assert first == again
    assert sum(isinstance(step, Register) for step in first) == COUNT
    assert [step.begins for step in first if isinstance(step, Outage)] == [True, False]


def test_whoever_changes_has_registered_before() -> None:
    come = 0
    for step in steps():
        come += isinstance(step, Register)
        if isinstance(step, Change):
            assert 0 <= step.place < come


def test_some_have_two_members_at_the_till_and_some_a_contact_that_is_another_customers() -> None:
    registered = [step for step in steps() if isinstance(step, Register)]
    assert [len(step.members) for step in registered if step.members] == [2]
    assert [step.contacts[0]["email"] == step.person.email for step in registered if step.contacts] == [True]
    for step in registered:
        assert {member["mailAddress"] for member in step.members} <= {step.person.email}


def test_the_shop_takes_every_one_of_them() -> None:
    with RunningSandbox(SandboxConfig()) as sandbox:
        crowd, far = Crowd(sandbox.url), FarSide(sandbox.url)
        crowd.seed()
        assert (len(far.records().members), len(far.records().contacts)) == (2, 1)
        for step in steps():
            crowd.do(far, step)
        assert len(set(crowd.ids)) == COUNT
        assert len(far.records().customers) == COUNT
        assert sandbox.world.faults.listed() == []
        far.close()
