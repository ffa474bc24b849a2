"""The whole way: what a member says at the till about mail outlives whatever we send after it."""

from __future__ import annotations

from tests.flow import Flow, running
from tests.test_flow import HANAKO


def says_no(flow: Flow, member_id: str) -> None:
    flow.sandbox.world.smaregi.members.update(int(member_id), {"mailReceiveFlag": "0"}, till=True)


def resync(flow: Flow) -> None:
    """As ``flask resync --all --lane smaregi``."""
    flow.house.resync.page(now=flow.house.now(), lanes=["smaregi"])
    flow.rest()


def test_an_opt_out_at_the_till_outlives_changes_and_resyncs_and_the_reason_is_shown(database_url: str) -> None:
    with running(database_url) as flow:
        customer = flow.shop.create(HANAKO)
        flow.rest()
        (member,) = flow.members
        assert member["mailReceiveFlag"] == "1"
        says_no(flow, member["customerId"])
        flow.shop.update(customer.id, {"first_name": "華子"})
        flow.rest()
        for _ in range(2):
            resync(flow)
        (member,) = flow.members
        assert (member["firstName"], member["mailReceiveFlag"]) == ("華子", "0")
        shown = flow.app.test_cli_runner().invoke(args=["show", str(customer.id)]).output
        assert "mailReceiveFlag withheld" in shown
        # An opt-in that is newer than the opt-out is not ours to give, either, as long as the "0" is the member's own.
        for accepts in (False, True):
            flow.shop.update(customer.id, {"accepts_marketing": accepts})
            flow.rest()
        assert [m["mailReceiveFlag"] for m in flow.members] == ["0"]


def test_a_member_of_the_store_who_refuses_mail_is_linked_and_goes_on_refusing(database_url: str) -> None:
    with running(database_url, worker=False) as flow:
        flow.sandbox.world.smaregi.seed(
            {"customerCode": "STORE-1", "mailAddress": HANAKO["email"], "mailReceiveFlag": "0"}
        )
        flow.worker.start()
        customer = flow.shop.create(HANAKO)
        flow.rest()
        resync(flow)
        (member,) = flow.members
        assert (member["customerNo"], member["mailReceiveFlag"]) == (str(customer.id), "0")


def test_consent_that_is_given_later_arrives_at_the_till_through_resyncs_too(database_url: str) -> None:
    with running(database_url) as flow:
        customer = flow.shop.create({**HANAKO, "accepts_marketing": False})
        flow.rest()
        assert [m["mailReceiveFlag"] for m in flow.members] == ["0"]
        resync(flow)
        flow.shop.update(customer.id, {"accepts_marketing": True})
        flow.rest()
        assert [m["mailReceiveFlag"] for m in flow.members] == ["1"]
