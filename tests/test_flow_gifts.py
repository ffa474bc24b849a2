"""Gift orders in a whole running system: the recipient's address is the default one, and stays the recipient's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow import running
from tests.test_flow import HANAKO

HOME = {"zip": "1000014", "province_code": "JP-13", "city": "千代田区", "address1": "永田町1", "phone": "090-0000-0001"}
AWAY = {
    "zip": "5300001",
    "province_code": "JP-27",
    "city": "大阪市北区",
    "address1": "梅田2",
    "phone": "090-0000-0002",
    "last_name": "佐藤",
    "first_name": "太郎",
}
GIVER: dict[str, Any] = {**HANAKO, "phone": None, "addresses": [HOME]}


def corrections(flow: Any, customer_id: int, lane: str) -> str:
    story = flow.house.report.story(customer_id)
    assert story
    told = [task["corrections"] for task in story.tasks if task["lane"] == lane]
    return " ".join(one["detail"] for each in told for one in each or ())


@pytest.mark.parametrize("reads", [True, False])
def test_a_gift_leaves_the_customers_own_address_at_both_destinations(
    database_url: str, capfd: pytest.CaptureFixture[str], *, reads: bool
) -> None:
    off: dict[str, Any] = {} if reads else {"lanes_off": "shopify"}
    with running(database_url, **off) as flow:
        customer = flow.shop.create(GIVER)
        flow.rest()
        flow.shop.update(customer.id, {"addresses": [AWAY, HOME]})
        flow.rest()
        (member,), (contact,) = flow.members, flow.contacts
        assert (member["address"], member["phoneNumber"]) == ("東京都千代田区永田町1", "090-0000-0001")
        assert (member["lastName"], contact["properties"]["lastname"]) == ("見本", "見本")
        assert contact["properties"]["city"] == "千代田区"
        for lane in ("smaregi", "hubspot"):
            assert "佐藤 太郎" in corrections(flow, customer.id, lane)
        assert flow.states(customer.id) == dict.fromkeys(flow.states(customer.id), "done")
    assert "佐藤" not in "".join(capfd.readouterr())


def test_a_recipients_address_is_carried_where_no_other_is_known_and_gives_way(database_url: str) -> None:
    with running(database_url) as flow:
        customer = flow.shop.create({**GIVER, "addresses": [AWAY]})
        flow.rest()
        (member,) = flow.members
        assert (member["address"], member["phoneNumber"]) == ("大阪府大阪市北区梅田2", None)
        assert "佐藤 太郎" in corrections(flow, customer.id, "smaregi")
        flow.shop.update(customer.id, {"addresses": [HOME, AWAY]})
        flow.rest()
        (member,) = flow.members
        assert (member["address"], member["phoneNumber"]) == ("東京都千代田区永田町1", "090-0000-0001")
        assert "佐藤" not in corrections(flow, customer.id, "smaregi")


@pytest.mark.parametrize(("addresses", "name"), [([AWAY], "佐藤"), ([AWAY, HOME], "未入力")])
def test_a_customer_without_a_name_has_the_name_of_the_only_address(
    database_url: str, addresses: list[dict[str, Any]], name: str
) -> None:
    with running(database_url) as flow:
        flow.shop.create({"email": "noname@example.com", "addresses": addresses})
        flow.rest()
        (member,), (contact,) = flow.members, flow.contacts
        assert member["lastName"] == name
        assert (contact["properties"].get("lastname") or "未入力") == name
