"""What is signed and cannot be read: it is closed with a reason, or posted again and replaced, and counts no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from clients.shopify.payload import read_payload
from handlers import topics
from ledger import tables as t
from ledger.database import Database
from ledger.deliveries import VERDICTS, Asked
from ledger.erase import Erasing
from ledger.unreadable import Unread, Unreadable
from tests.building import body_of, headers_of, house_of
from tests.building import post as knock
from tests.conftest import NOON, Clock
from tests.console import console_app, post, signed_in
from tests.ledger_cases import Ledger, delivery_of, person

NONE_LEFT = Unread()
#: A shape of today's reader's limits: an id that is a word.
ODD = b'{"id": "x"}'


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    made = console_app(database_url, now=clock)
    yield made
    house_of(made).close()


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), env={"COLUMNS": "200"})


def came(app: Flask, body: bytes, webhook_id: str = "w-1") -> int:
    assert knock(app.test_client(), body, X_Shopify_Webhook_Id=webhook_id).status_code == 200
    return house_of(app).deliveries.page(Asked()).rows[0].id


def verdicts(app: Flask) -> list[str]:
    return [row.verdict for row in house_of(app).deliveries.page(Asked()).rows][::-1]


def reader_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the odd shape is customer 7's."""

    def read(body: bytes) -> Any:
        return read_payload(body_of(7) if body == ODD else body)

    monkeypatch.setattr(topics, "read_payload", read)


def acts(app: Flask) -> list[tuple[str, Any, Any]]:
    rows = house_of(app).audit.page(limit=50).rows
    return [(r.what, r.details.get("delivery"), r.details.get("why")) for r in rows if not r.what.startswith("signed")]


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


# --- the ledger


def test_what_is_unreadable_counts_until_it_is_dealt_with(ledger: Ledger, clock: Clock) -> None:
    unreadable = Unreadable(ledger.database)
    assert unreadable.left(named=3) == NONE_LEFT
    ledger.hear(delivery_of(person()), delivery_of(None, verdict="test"), now=clock())
    for i in range(3):
        at = clock.forward(minutes=1)
        ledger.hear(delivery_of(None, key=f"k{i}", verdict="unreadable", received_at=at), now=at)
    left = unreadable.left(named=2)
    assert (left.count, left.since) == (3, NOON.replace(minute=1))
    assert unreadable.left().newest == ()
    assert unreadable.close(left.newest, "ticket 12", now=clock()) == sorted(left.newest)
    assert unreadable.left().count == 1
    assert unreadable.close(left.newest, "again", now=clock()) == [], "it was dealt with already"
    assert unreadable.close([10**9], "nobody", now=clock()) == []
    closed = ledger.rows(t.deliveries, webhook_id="k2")[0]
    assert (closed["verdict"], closed["why"], closed["body"]) == ("dismissed", "closed: ticket 12", b'{"id":1}')


@pytest.mark.parametrize("closed", [False, True])
def test_the_same_delivery_that_can_be_read_by_now_stands_in_its_place(
    ledger: Ledger, clock: Clock, closed: bool
) -> None:
    unreadable = Unreadable(ledger.database)
    ledger.hear(delivery_of(None, key="k", verdict="unreadable", body=b"odd"), now=clock())
    if closed:
        unreadable.close(unreadable.left(named=1).newest, "reported", now=clock())
    (told,) = ledger.hear(delivery_of(person(), key="k", body=b"odd"), now=clock())
    assert (told.verdict, told.repeat, told.revision) == ("changed", False, 1)
    assert unreadable.left() == NONE_LEFT
    old, new = sorted(ledger.rows(t.deliveries), key=lambda row: row["id"])
    assert (old["verdict"], old["body"], old["customer_id"]) == ("replaced", b"odd", None)
    assert (new["verdict"], new["webhook_id"], new["customer_id"]) == ("changed", "k", 1)
    assert new["request_id"] in old["webhook_id"]
    assert new["request_id"] in old["why"]
    assert set(ledger.states(1)) == {"shopify", "smaregi", "hubspot"}
    (repeat,) = ledger.hear(delivery_of(person(last_name="別"), key="k"), now=clock())
    assert repeat.repeat, "now it is one that was read, and its key refuses repeats again"


@pytest.mark.parametrize("verdict", [one for one in VERDICTS if one not in ("unreadable", "dismissed")])
def test_nothing_else_is_replaced(ledger: Ledger, clock: Clock, verdict: Any) -> None:
    ledger.hear(delivery_of(None, key="k", verdict=verdict), now=clock())
    (told,) = ledger.hear(delivery_of(person(), key="k"), now=clock())
    assert told.repeat
    assert [row["verdict"] for row in ledger.rows(t.deliveries)] == [verdict]


@pytest.mark.parametrize("verdict", ["unreadable", "test", "ignored"])
def test_what_still_tells_of_nobody_is_a_repeat(ledger: Ledger, clock: Clock, verdict: Any) -> None:
    """That it is a test stands in a header, which nobody signed."""
    ledger.hear(delivery_of(None, key="k", verdict="unreadable"), now=clock())
    (told,) = ledger.hear(delivery_of(None, key="k", verdict=verdict), now=clock())
    assert told.repeat
    assert Unreadable(ledger.database).left().count == 1


def test_in_one_group_each_key_is_judged_by_itself(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(None, key="a", verdict="unreadable"), delivery_of(person(1), key="b"), now=clock())
    told = ledger.hear(
        delivery_of(person(2), key="a"),
        delivery_of(person(1, last_name="別"), key="b"),
        delivery_of(person(3), key="c"),
        delivery_of(person(2, last_name="別"), key="a"),
        now=clock(),
    )
    assert [one.repeat for one in told] == [False, True, False, True]
    assert (told[0].verdict, told[2].verdict) == ("changed", "changed")
    assert ledger.known(2).customer.last_name == "見本"
    assert len(ledger.rows(t.deliveries)) == 4


def test_a_body_that_was_kept_only_because_it_waited_goes_when_it_is_closed(ledger: Ledger, clock: Clock) -> None:
    ledger.hear(delivery_of(None, key="old", verdict="unreadable"), now=clock())
    ledger.hear(delivery_of(None, key="young", verdict="unreadable"), now=clock())
    second, first = Unreadable(ledger.database).left(named=2).newest
    with ledger.database.writing() as c:
        c.execute(t.cursors.insert().values(name="pruning", value={"bodies": first}))
    Unreadable(ledger.database).close([first, second], "ticket 12", now=clock())
    old, young = sorted(ledger.rows(t.deliveries), key=lambda row: row["id"])
    assert (old["body"], old["body_gone_at"]) == (b"", clock())
    assert (young["body"], young["body_gone_at"]) == (b'{"id":1}', None)


@pytest.mark.parametrize("how", ["closed", "replaced"])
def test_a_person_is_erased_from_what_was_dealt_with_too(ledger: Ledger, clock: Clock, how: str) -> None:
    body = b"<email>hanako1@example.jp</email>"
    ledger.hear(delivery_of(None, key="k", verdict="unreadable", body=body), delivery_of(person(1)), now=clock())
    if how == "closed":
        unreadable = Unreadable(ledger.database)
        unreadable.close(unreadable.left(named=2).newest, "ticket 12", now=clock())
    else:
        ledger.hear(delivery_of(person(1), key="k", body=body), now=clock())
    Erasing(ledger.database).erase(1, by="mihon", why="", now=clock())
    assert {row["body"] for row in ledger.rows(t.deliveries)} == {b""}


# --- at the terminal


def test_the_command_lists_and_closes(app: Flask) -> None:
    assert "no delivery is unreadable" in run(app, "deliveries", "list").output
    numbers = [came(app, b"<xml/>", f"w-{i}") for i in range(3)]
    listed = run(app, "deliveries", "list").output
    assert all(str(number) in listed for number in numbers)
    assert run(app, "deliveries", "close", str(numbers[0])).exit_code == 2, "a reason is needed"
    assert run(app, "deliveries", "close", str(numbers[0]), "--why", " ").exit_code == 2
    assert run(app, "deliveries", "close", "--why", "ticket 12").exit_code == 2
    assert run(app, "deliveries", "close", "1", "--all", "--why", "ticket 12").exit_code == 2
    assert acts(app) == []
    told = run(app, "deliveries", "close", str(numbers[0]), "--why", "ticket 12")
    assert "1 closed" in told.output
    assert "2 more" in told.output
    assert acts(app) == [("closed an unreadable delivery", numbers[0], "ticket 12")]
    assert "kept: 2" in run(app, "status").output
    assert run(app, "deliveries", "close", str(numbers[0]), "--why", "ticket 12").exit_code == 1
    assert "2 closed" in run(app, "deliveries", "close", "--all", "--why", "ticket 13").output
    assert "unreadable" not in run(app, "status").output
    assert verdicts(app) == ["dismissed"] * 3
    assert "ticket 13" in run(app, "deliveries", "list", "--verdict", "dismissed").output


def test_the_command_posts_one_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    number = came(app, ODD)
    told = run(app, "deliveries", "again", str(number))
    assert told.exit_code == 1
    assert "still cannot be read" in told.output
    reader_is_fixed(monkeypatch)
    assert ": changed" in run(app, "deliveries", "again", str(number)).output
    assert verdicts(app) == ["replaced", "changed"]
    assert house_of(app).report.story(7) is not None
    assert run(app, "deliveries", "again", "99").exit_code == 1


def test_shopifys_own_repeat_is_taken_by_a_fixed_reader(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    came(app, ODD)
    came(app, ODD)
    assert verdicts(app) == ["unreadable"]
    reader_is_fixed(monkeypatch)
    came(app, ODD)
    came(app, ODD)
    assert verdicts(app) == ["replaced", "changed"]


# --- on the pages


def test_the_page_closes_one_with_a_reason(app: Flask) -> None:
    number = came(app, b"<xml/>")
    client = signed_in(app)
    assert "deliveries/close" in client.get(f"/console/deliveries/{number}").text
    answer = post(client, "/console/deliveries/close", delivery=number, why="  ")
    assert "a reason is needed" in client.get(answer.location).text
    assert verdicts(app) == ["unreadable"]
    answer = post(client, "/console/deliveries/close", delivery=number, why="ticket <b>12</b>")
    page = client.get(answer.location).text
    assert "1 delivery is closed" in page
    assert "closed by hand" in page
    assert "ticket &lt;b&gt;12" in page
    assert "deliveries/close" not in page
    assert acts(app) == [("closed an unreadable delivery", number, "ticket <b>12</b>")]
    assert "cannot be read" not in client.get("/console/").text
    assert (
        "dealt with already"
        in client.get(post(client, "/console/deliveries/close", delivery=number, why="x").location).text
    )


def test_the_list_closes_a_page_of_them(app: Flask) -> None:
    numbers = [came(app, b"<xml/>", f"w-{i}") for i in range(3)]
    came(app, body_of(1), "w-9")
    client = signed_in(app)
    assert "deliveries/close" not in client.get("/console/deliveries").text
    assert "Close these 3" in client.get("/console/deliveries?verdict=unreadable").text
    post(client, "/console/deliveries/close", delivery=numbers, why="ticket 12")
    assert verdicts(app) == ["dismissed"] * 3 + ["changed"]


def test_the_page_posts_one_again_and_says_what_came_of_it(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    number = came(app, ODD)
    client = signed_in(app)
    again = f"/console/deliveries/{number}/again"
    assert "still cannot be read" in client.get(post(client, again).location).text
    assert verdicts(app) == ["unreadable"]
    reader_is_fixed(monkeypatch)
    page = client.get(post(client, again).location).text
    assert "This is the new delivery" in page
    assert verdicts(app) == ["replaced", "changed"]
    assert "stands in its place" in client.get(f"/console/deliveries/{number}").text
    assert "All" not in client.get("/console/").text.split('class="headline"')[1].split("</p>")[0]


def test_nothing_is_closed_by_who_may_only_look(app: Flask) -> None:
    number = came(app, b"<xml/>")
    url = "/console/deliveries/close"
    assert post(signed_in(app, "view"), url, delivery=number, why="x").status_code == 403
    assert app.test_client().post(url, data={"delivery": number, "why": "x"}).status_code in (303, 400)
    for page in (f"/console/deliveries/{number}", "/console/deliveries?verdict=unreadable"):
        assert url not in signed_in(app, "view").get(page).text
    assert verdicts(app) == ["unreadable"]


# --- wherever it is counted

COUNTED: dict[str, Callable[[Flask], bool]] = {
    "status": lambda app: "unreadable" in run(app, "status").output,
    "doctor": lambda app: "signed bodies could not be read" in run(app, "doctor").output,
    "overview": lambda app: "cannot be read" in signed_in(app).get("/console/now").text,
    "metrics": lambda app: "customer_sync_unreadable_deliveries 1.0" in app.test_client().get("/metrics").text,
    "navigation": lambda app: '<span class="count">' in signed_in(app).get("/console/settings").text,
    "list": lambda app: bool(house_of(app).deliveries.page(Asked(verdict="unreadable")).rows),
}


@pytest.mark.parametrize("where", COUNTED)
@pytest.mark.parametrize("how", ["closed", "replaced", "pruned"])
def test_what_is_dealt_with_counts_nowhere(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch, where: str, how: str
) -> None:
    number = came(app, ODD)
    if where != "metrics":  # which are kept for five seconds
        assert COUNTED[where](app)
    if how == "closed":
        run(app, "deliveries", "close", str(number), "--why", "ticket 12")
    elif how == "replaced":
        reader_is_fixed(monkeypatch)
        run(app, "deliveries", "again", str(number))
    else:
        clock.forward(days=40)
        run(app, "prune", "--unreadable")
    assert not COUNTED[where](app)


def test_metrics_count_what_waits(app: Flask) -> None:
    came(app, b"<xml/>")
    assert COUNTED["metrics"](app)


def test_headers_of_a_stranger_change_nothing(app: Flask) -> None:
    came(app, ODD)
    headers = headers_of(body_of(7), secret="a-stranger's", X_Shopify_Webhook_Id="w-1")
    assert knock(app.test_client(), body_of(7), headers).status_code == 401
    assert verdicts(app) == ["unreadable"]
