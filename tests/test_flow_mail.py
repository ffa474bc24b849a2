"""The whole way of a welcome mail: the webhook, the member, the mail, over one door and one worker."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow import running, until
from tests.test_flow import HANAKO

MAIL = "hanako.mihon@example.jp"


@pytest.mark.parametrize("replaces", [None, "keep_code", "replace_code"])
def test_who_registers_gets_one_mail_with_what_the_till_scans(database_url: str, replaces: str | None) -> None:
    settings: dict[str, Any] = {"smaregi_matched_member": replaces} if replaces else {}
    with running(database_url, mails=True, worker=False, **settings) as flow:
        if replaces:
            known = {"customerCode": "STORE-0001", "lastName": "見本", "firstName": "花", "mailAddress": MAIL}
            flow.sandbox.world.smaregi.seed(known)
        flow.worker.start()
        customer = flow.shop.create(HANAKO)
        flow.rest()
        (mail,) = flow.sandbox.world.mail.all(MAIL)
        (member,) = flow.members
        assert member["customerCode"] in mail.text
        assert len(mail.pictures) == (replaces != "keep_code")
        assert ("会員カードをご提示" in mail.text) == (replaces == "keep_code")
        assert flow.states(customer.id)["mail"] == "done"
        flow.shop.update(customer.id, {"first_name": "花江"})
        flow.rest()
        assert flow.house.resync.page(now=flow.house.now(), lanes=["shopify", "smaregi", "hubspot", "mail"])[0] == 3
        flow.rest()
        assert len(flow.sandbox.world.mail.all()) == 1


def test_a_mail_server_that_is_down_delays_nobody_but_the_mail(database_url: str) -> None:
    with running(database_url, mails=True) as flow:
        until(lambda: flow.house.members.freshness().fresh_at is not None)
        fault = flow.sandbox.world.faults.add("mail", "refused", path="^MAIL$")
        customer = flow.shop.create(HANAKO)
        until(lambda: flow.states(customer.id).get("mail") == "pending")
        until(lambda: {lane for lane, state in flow.states(customer.id).items() if state == "done"} == DESTINATIONS)
        until(lambda: flow.sandbox.world.calls.count("mail", path="^MAIL$") >= 1)
        assert flow.sandbox.world.mail.all() == []
        flow.sandbox.world.faults.remove(fault)
        until(lambda: len(flow.sandbox.world.mail.all()) == 1, 30)


DESTINATIONS = {"shopify", "smaregi", "hubspot"}


def test_off_is_off(database_url: str) -> None:
    with running(database_url) as flow:
        customer = flow.shop.create(HANAKO)
        flow.rest()
        assert set(flow.states(customer.id)) == DESTINATIONS
        assert flow.house.lanes_off["mail"] == "ENABLE_WELCOME_EMAIL is false"
