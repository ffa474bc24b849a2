"""What the sandbox can do for a chaos run over HTTP: the order of writes, and tokens that end."""

from __future__ import annotations

import pytest

from chaos.far_side import FarSide
from chaos.people import MARK
from sandbox.server import RunningSandbox


def test_the_marks_of_written_addresses_are_kept_in_order_for_both_destinations() -> None:
    with RunningSandbox() as sandbox:
        far_side = FarSide(sandbox.url)
        members, contacts = sandbox.world.smaregi.members, sandbox.world.hubspot.contacts
        far_side.begin(MARK)
        name = {"lastName": "見本", "firstName": "花子"}
        member = members.create({"customerCode": "1", "address": "永田町控え2号", **name})
        members.update(member.number, {"address": "永田町控え1号"})
        members.update(member.number, {"address": None})
        contact = contacts.create({"lastname": "見本", "address": "永田町 控え7号"}).contact
        assert far_side.writes() == [
            {"system": "smaregi", "record": str(member.number), "mark": "2"},
            {"system": "smaregi", "record": str(member.number), "mark": "1"},
            {"system": "hubspot", "record": str(contact.number), "mark": "7"},
        ]


def test_who_changed_a_mail_flag_is_kept_in_order() -> None:
    with RunningSandbox() as sandbox:
        far_side, members = FarSide(sandbox.url), sandbox.world.smaregi.members
        member = members.create({"customerCode": "7", "lastName": "見本", "firstName": "花子"})
        far_side.opt_out_at_the_till(7)
        far_side.begin(MARK)
        members.update(member.number, {"mailReceiveFlag": "1", "lastName": "別"}, came=1.5)
        members.update(member.number, {"mailReceiveFlag": "1"})
        far_side.opt_out_at_the_till(7)
        far_side.opt_out_at_the_till(8)  # nobody's
        told = [(w["record"], w["was"], w["flag"], w["till"]) for w in far_side.flag_writes()]
        assert told == [(str(member.number), "0", "1", False), (str(member.number), "1", "0", True)]
        assert far_side.flag_writes()[0]["came"] == 1.5
        assert members.get(member.number).fields["mailReceiveFlag"] == "0"


def test_nothing_is_kept_of_writes_until_somebody_asks() -> None:
    with RunningSandbox() as sandbox:
        sandbox.world.hubspot.contacts.create({"lastname": "見本", "address": "控え7号"})
        assert FarSide(sandbox.url).writes() == []


@pytest.mark.parametrize("pattern", ["(", None])
def test_a_mark_that_is_no_pattern_is_refused(pattern: str | None) -> None:
    with RunningSandbox() as sandbox:
        client = sandbox.app.test_client()
        assert client.post("/sandbox/writes", json={"mark": pattern}).status_code == 400


def test_smaregis_tokens_end_at_once() -> None:
    with RunningSandbox() as sandbox:
        token = sandbox.world.smaregi.issue_token(frozenset({"pos.customers:read"}))
        FarSide(sandbox.url).revoke_smaregi_tokens()
        assert sandbox.world.smaregi.scopes_of(token) is None
