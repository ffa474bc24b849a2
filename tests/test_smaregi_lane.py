"""What becomes of a customer on the way to Smaregi: each decision, against a tiny Smaregi that speaks HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from clients.errors import AskPerson, Busy, CarryError, StopLane, TryLater
from clients.lane import Carried, Lane, Result
from clients.pace import AlonePace
from clients.smaregi.alone import AloneFlags, AloneIndex, AtOnce
from clients.smaregi.index import Freshness
from clients.smaregi.lane import SmaregiLane
from clients.smaregi.rows import as_member, as_time
from clients.token import AloneVault, Token
from customer import Address, Customer, Task

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ID = 6900000000002
HANAKO = Customer(
    id=ID,
    email="Hanako.Test@Example.com",
    phone="+819000000002",
    last_name="見本",
    first_name="花子",
    last_kana="ミホン",
    first_kana="ハナコ",
    gender="女性",
    address=Address(zip="100-0014", province_code="JP-13", city="千代田区", address1="永田町2-3-1"),
    email_consent="subscribed",
)
Reply = tuple[int, dict[str, str], str]


@dataclass
class Smaregi:
    """Members, required columns, and what goes wrong next."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    lose_next_create: bool = False
    throttled: bool = False
    before_patch: Any = None
    next_ids: Iterator[int] = field(default_factory=lambda: count(10))

    def add(self, **fields: Any) -> str:
        member_id = str(next(self.next_ids))
        self.rows[member_id] = {
            "customerId": member_id,
            "customerCode": f"CARD-{member_id}",
            "customerNo": None,
            "lastName": "店",
            "firstName": "頭",
            "mailAddress": None,
            "mailAddress2": "",
            "mailAddress3": None,
            "sex": "0",
            "mailReceiveFlag": "1",
            "status": "0",
            "point": "350",
            "updDateTime": "2026-11-22T12:00:00+09:00",
            **fields,
        }
        return member_id

    def answer(self, request: requests.PreparedRequest) -> Reply:
        url = urlsplit(str(request.url))
        path = url.path.removeprefix("/sb_example/pos")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        filters = [name for name in ("customer_code", "customer_no", "upd_date_time-from") if name in query]
        self.calls.append(" ".join([str(request.method), path, *filters]))
        if path == "/customer_required_column_setting":
            return self._json(200, [{"columnName": name, "value": "1"} for name in sorted(self.required)])
        if request.method == "GET" and path == "/customers":
            if self.throttled:
                return 429, {"Retry-After": "7"}, ""
            return self._json(200, self._listed(query))
        if path == "/customers/point":
            asked = query["customer_id"]
            rows = [{"customerId": asked, "point": self.points[asked], "mile": "0"}] if asked in self.points else []
            return self._json(200, rows)
        if request.method == "GET":
            row = self.rows.get(path.rpartition("/")[2])
            return self._json(200, row) if row else self._json(404, {"title": "Not Found"})
        body = json.loads(request.body or b"{}")
        self.bodies.append(body)
        return self._create(body) if request.method == "POST" else self._update(path.rpartition("/")[2], body)

    def _listed(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        rows = list(self.rows.values())
        for name, column in (("customer_code", "customerCode"), ("customer_no", "customerNo")):
            if name in query:
                rows = [row for row in rows if row[column] == query[name]]
        if "upd_date_time-from" in query:
            rows = [r for r in rows if query["upd_date_time-from"] <= r["updDateTime"] <= query["upd_date_time-to"]]
        return rows

    def _create(self, body: dict[str, Any]) -> Reply:
        if any(row["customerCode"] == body["customerCode"] for row in self.rows.values()):
            return self._json(400, {"title": "Bad Request", "detail": "[customerCode] 会員コードが重複しています"})
        member_id = self.add(**body)
        if self.lose_next_create:
            self.lose_next_create = False
            raise requests.ReadTimeout
        return self._json(200, {**self.rows[member_id], "customerId": int(member_id)})

    def _update(self, member_id: str, body: dict[str, Any]) -> Reply:
        if self.before_patch is not None:
            self.before_patch, act = None, self.before_patch
            act()
        if member_id not in self.rows:
            return self._json(404, {"title": "Not Found"})
        self.rows[member_id].update(body)
        return self._json(200, self.rows[member_id])

    @staticmethod
    def _json(status: int, body: Any) -> Reply:
        return status, {"Content-Type": "application/json"}, json.dumps(body)


@dataclass
class World:
    """A lane, the Smaregi it talks to, its index, and the time."""

    smaregi: Smaregi = field(default_factory=Smaregi)
    index: AloneIndex = field(default_factory=lambda: AloneIndex(Freshness(scanned_at=NOON, fresh_at=NOON)))
    flags: AloneFlags = field(default_factory=AloneFlags)
    now: datetime = NOON
    matched_member: Literal["keep_code", "replace_code"] = "keep_code"

    def lane(self) -> SmaregiLane:
        vault = AloneVault()
        vault.write("smaregi:sb_example", Token("good", NOON + timedelta(days=1), NOON + timedelta(days=1)))
        return SmaregiLane(
            api_url="https://api.example.com",
            auth_url="https://id.example.com",
            contract_id="sb_example",
            client_id="app",
            client_secret="secret",
            index=self.index,
            flags=self.flags,
            vault=vault,
            pace_store=AlonePace(),
            reads_per_second=40,
            writes_per_second=16,
            matched_member=self.matched_member,
            placeholder="未入力",
            beside=AtOnce(),
            now=lambda: self.now,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def carry(self, task: Task) -> Result:
        """Carry one task by a fresh lane that is prepared; only the calls for the task are counted."""
        lane = self.lane()
        lane.prepare()
        self.smaregi.calls.clear()
        self.smaregi.bodies.clear()
        return lane.carry([task])[task.customer.id]

    def arrives(self, task: Task) -> Carried:
        result = self.carry(task)
        assert isinstance(result, Carried), result
        return result

    def asks(self, task: Task) -> AskPerson:
        result = self.carry(task)
        assert isinstance(result, AskPerson), result
        return result

    def waits(self, task: Task) -> TryLater:
        result = self.carry(task)
        assert isinstance(result, TryLater), result
        return result

    def in_store(self, *, known: bool = True, **fields: Any) -> str:
        """A member of the store; ``known`` to the index as well."""
        member_id = self.smaregi.add(**fields)
        if known:
            self.index.put([as_member(self.smaregi.rows[member_id])], NOON)
        return member_id


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as far:
        for method in ("GET", "POST", "PATCH"):
            far.add_callback(method, re.compile(r"https://api\.example\.com/.*"), world.smaregi.answer)
        yield world


def after(task: Task, carried: Carried, customer: Customer | None = None) -> Task:
    """The next task of the same customer, as the ledger would hand it."""
    return Task(customer or task.customer, ref=carried.ref, sent=carried.sent, memo=carried.memo)


NEW = Task(HANAKO)


def test_the_lane_has_the_verbs_of_a_lane(world: World) -> None:
    lane: Lane = world.lane()
    assert (lane.name, lane.batch, lane.threads) == ("smaregi", 1, 16)


# New customers


def test_a_new_customer_costs_one_write_and_no_read(world: World) -> None:
    carried = world.arrives(NEW)
    assert (carried.did, carried.ref) == ("created", "10")
    assert world.smaregi.calls == ["POST /customers"]
    (body,) = world.smaregi.bodies
    assert body["customerCode"] == body["customerNo"] == str(ID)
    assert body["lastName"] == "見本"
    assert body["mailAddress"] == "hanako.test@example.com"
    assert body["mailReceiveFlag"] == "1"
    assert all(isinstance(value, str) and value for value in body.values())


def test_a_created_member_is_in_the_index_at_once(world: World) -> None:
    world.arrives(NEW)
    assert [m.id for m in world.index.by_mail("hanako.test@example.com")] == ["10"]
    assert [m.id for m in world.index.by_code(str(ID))] == ["10"]


def test_a_customer_without_an_email_or_a_name_is_created_all_the_same(world: World) -> None:
    carried = world.arrives(Task(Customer(id=ID, email=None)))
    assert carried.did == "created"
    assert world.smaregi.rows["10"]["lastName"] == "未入力"
    assert world.smaregi.rows["10"]["mailReceiveFlag"] == "0"
    assert {c.field for c in carried.corrections if c.what == "filled"} == {"lastName", "firstName"}


def test_required_columns_are_filled_where_something_may_stand_in(world: World) -> None:
    world.smaregi.required = {"entryDate", "sex", "lastKana"}
    world.arrives(Task(Customer(id=ID, last_name="見本", first_name="花子")))
    row = world.smaregi.rows["10"]
    assert (row["entryDate"], row["sex"], row["lastKana"]) == ("2026-11-22", "0", "-")


def test_a_required_column_that_is_missing_asks_a_person_and_writes_nothing(world: World) -> None:
    world.smaregi.required = {"birthDate", "mailAddress"}
    asked = world.asks(NEW)
    assert asked.kind == "smaregi.required_missing"
    assert "birthDate" in asked.why
    assert "mailAddress" not in asked.why
    assert world.smaregi.calls == []


def test_an_index_never_filled_creates_nobody(world: World) -> None:
    world.index.polled(lambda _: Freshness())
    later = world.waits(NEW)
    assert later.kind == "smaregi.index_building"
    assert isinstance(later, Busy)
    assert world.smaregi.calls == []


@pytest.mark.parametrize("seconds", [1.5, 10, 61, 3600, 12 * 3600])
def test_an_index_older_than_a_second_is_polled_before_a_create(world: World, seconds: float) -> None:
    world.now = NOON + timedelta(seconds=seconds)
    made_at = as_time(world.now - timedelta(seconds=1))
    member = world.in_store(known=False, mailAddress="hanako.test@example.com", updDateTime=made_at)
    carried = world.arrives(NEW)
    assert (carried.did, carried.ref) == ("linked", member)
    assert world.smaregi.calls[0] == "GET /customers upd_date_time-from"


def waits_for_the_rate(world: World, mocker: Any, seconds: float, meanwhile: Any = None) -> SmaregiLane:
    """A lane whose next write waits so long for its slot; ``meanwhile`` happens at the till before that is over."""
    lane = world.lane()
    lane.prepare()
    world.smaregi.calls.clear()
    take = lane.api._writes.take

    def wait(slots: int = 1) -> None:
        world.now += timedelta(seconds=seconds)
        if meanwhile is not None:
            meanwhile()
        take(slots)

    mocker.patch.object(lane.api._writes, "take", side_effect=wait)
    return lane


@pytest.mark.parametrize("change", ["made", "given the e-mail"])
def test_a_member_who_came_while_the_post_waited_for_its_slot_is_linked(world: World, mocker: Any, change: str) -> None:
    other = world.in_store(mailAddress="other@example.com") if change == "given the e-mail" else None

    def at_the_till() -> None:
        stands = {"mailAddress": "hanako.test@example.com", "updDateTime": as_time(world.now)}
        if other is None:
            if not world.smaregi.rows:
                world.smaregi.add(**stands)
        else:
            world.smaregi.rows[other].update(stands)

    lane = waits_for_the_rate(world, mocker, 1.2, at_the_till)
    carried = lane.carry([NEW])[ID]
    assert isinstance(carried, Carried), carried
    assert (carried.did, carried.ref) == ("linked", other or "10")
    assert not any(call.startswith("POST") for call in world.smaregi.calls)


def test_a_post_that_waited_long_goes_after_one_more_poll_and_with_its_slot(world: World, mocker: Any) -> None:
    lane = waits_for_the_rate(world, mocker, 5)
    carried = lane.carry([NEW])[ID]
    assert isinstance(carried, Carried), carried
    assert world.smaregi.calls == ["GET /customers upd_date_time-from", "POST /customers"]


def test_while_the_list_is_throttled_nobody_is_created_and_a_known_customer_goes_on(world: World) -> None:
    carried = world.arrives(NEW)
    world.now += timedelta(seconds=2)
    world.smaregi.throttled = True
    later = world.waits(Task(replace(HANAKO, id=6900000000003, email="taro@example.com")))
    assert isinstance(later, Busy)
    assert later.wait == timedelta(seconds=7)
    assert set(world.smaregi.calls) == {"GET /customers upd_date_time-from"}
    assert world.arrives(after(NEW, carried, replace(HANAKO, first_name="華子"))).did == "updated"
    assert world.smaregi.calls == ["PATCH /customers/10"]


def test_a_throttled_list_is_not_asked_again_before_its_time(world: World) -> None:
    world.now += timedelta(seconds=2)
    world.smaregi.throttled = True
    lane = world.lane()
    tasks = [Task(replace(HANAKO, id=ID + n, email=f"taro{n}@example.com")) for n in range(9)]
    results = lane.carry(tasks)
    assert all(isinstance(result, Busy) for result in results.values())
    assert len(world.smaregi.calls) == 1


def test_two_customers_with_one_email_are_not_created_side_by_side(world: World) -> None:
    assert world.index.hold_mail("hanako.test@example.com", 6900000000009, NOON, NOON + timedelta(minutes=1))
    later = world.waits(NEW)
    assert later.kind == "smaregi.mail_held"
    assert not later.lane_wide
    assert world.smaregi.calls == []


def test_an_email_is_let_go_when_the_carrying_failed(world: World) -> None:
    world.smaregi.required = {"birthDate"}
    world.asks(NEW)
    assert world.index.hold_mail("hanako.test@example.com", 6900000000009, NOON, NOON)


def test_an_email_stays_held_while_a_create_is_in_doubt(world: World) -> None:
    world.smaregi.lose_next_create = True
    world.waits(NEW)
    other = Task(replace(HANAKO, id=6900000000009))
    assert world.waits(other).kind == "smaregi.mail_held"
    world.arrives(replace(NEW, doubt=True))
    assert len(world.smaregi.rows) == 1


def test_an_email_stays_held_until_the_ledger_knows_whose_the_member_is(world: World) -> None:
    world.arrives(NEW)
    mail, soon = "hanako.test@example.com", NOON + timedelta(seconds=6)
    assert not world.index.hold_mail(mail, 6900000000009, NOON, soon)
    assert world.index.hold_mail(mail, 6900000000009, soon, soon)


# Changed customers


def test_no_real_change_costs_no_call(world: World) -> None:
    carried = world.arrives(NEW)
    again = world.arrives(after(NEW, carried))
    assert (again.did, again.ref) == ("unchanged", carried.ref)
    assert world.smaregi.calls == []
    assert again.sent == carried.sent


def test_a_change_sends_only_what_differs(world: World) -> None:
    carried = world.arrives(NEW)
    changed = world.arrives(after(NEW, carried, replace(HANAKO, first_name="華子")))
    assert changed.did == "updated"
    assert world.smaregi.calls == ["PATCH /customers/10"]
    assert world.smaregi.bodies == [{"firstName": "華子"}]
    assert changed.sent != carried.sent


def test_a_cleared_field_is_cleared_with_null(world: World) -> None:
    carried = world.arrives(NEW)
    changed = world.arrives(after(NEW, carried, replace(HANAKO, last_kana=None)))
    assert world.smaregi.bodies == [{"lastKana": None}]
    assert "lastKana" not in changed.sent


def test_a_required_field_is_not_cleared(world: World) -> None:
    carried = world.arrives(NEW)
    world.smaregi.required = {"lastKana"}
    changed = world.arrives(after(NEW, carried, replace(HANAKO, last_kana=None, first_name="華子")))
    assert world.smaregi.bodies == [{"firstName": "華子"}]
    assert ("lastKana", "dropped") in {(c.field, c.what) for c in changed.corrections}


def test_a_cleared_gender_becomes_unknown_and_is_sent_once(world: World) -> None:
    carried = world.arrives(NEW)
    genderless = replace(HANAKO, gender=None)
    changed = world.arrives(after(NEW, carried, genderless))
    assert world.smaregi.bodies == [{"sex": "0"}]
    assert world.arrives(after(NEW, changed, genderless)).did == "unchanged"


def test_a_cleared_name_gets_the_placeholder(world: World) -> None:
    carried = world.arrives(NEW)
    nameless = replace(HANAKO, first_name=None, first_kana=None)
    world.arrives(after(NEW, carried, nameless))
    assert world.smaregi.bodies == [{"firstName": "未入力", "firstKana": None}]


def test_a_name_written_in_the_store_over_a_stand_in_stays_even_when_all_is_sent_again(world: World) -> None:
    nameless = Task(replace(HANAKO, last_name=None, first_name=None, last_kana=None, first_kana=None))
    carried = world.arrives(nameless)
    world.smaregi.rows[carried.ref]["lastName"] = "見本"
    world.arrives(replace(after(nameless, carried), sent=dict.fromkeys(carried.sent, "")))
    assert world.smaregi.rows[carried.ref]["lastName"] == "見本"


def test_what_the_store_changed_is_left_alone(world: World) -> None:
    carried = world.arrives(NEW)
    world.smaregi.rows[carried.ref]["lastName"] = "別名"
    world.arrives(after(NEW, carried, replace(HANAKO, first_name="華子")))
    assert world.smaregi.rows[carried.ref]["lastName"] == "別名"


def test_after_a_lost_answer_to_a_change_everything_is_sent_again(world: World) -> None:
    carried = world.arrives(NEW)
    world.smaregi.rows[carried.ref]["firstName"] = "華子"  # carried out, and never heard of; then taken back in Shopify
    again = world.arrives(replace(after(NEW, carried), doubt=True))
    assert world.smaregi.calls == ["GET /customers/10", "PATCH /customers/10"]  # the mail flag is looked at first
    assert world.smaregi.rows[carried.ref]["firstName"] == "花子"
    assert again.sent == carried.sent


def test_a_member_that_was_deleted_is_made_again(world: World) -> None:
    carried = world.arrives(NEW)
    del world.smaregi.rows[carried.ref]
    again = world.arrives(after(NEW, carried, replace(HANAKO, first_name="華子")))
    assert (again.did, again.ref) == ("created", "11")
    assert world.smaregi.calls == [
        "PATCH /customers/10",
        "GET /customers customer_code",
        "GET /customers customer_no",
        "POST /customers",
    ]


def test_a_member_that_turns_out_merged_asks_a_person(world: World) -> None:
    carried = world.arrives(NEW)
    other = world.in_store(mailAddress="hanako.test@example.com")
    world.smaregi.rows[carried.ref]["status"] = "4"
    asked = world.asks(after(NEW, carried, replace(HANAKO, first_name="華子")))
    assert asked.kind == "smaregi.member_merged"
    assert [choice["member"] for choice in asked.choices] == [other]


# Members of the store


def test_a_member_with_the_same_email_is_linked_and_keeps_its_code_and_points(world: World) -> None:
    member = world.in_store(mailAddress2=" HANAKO.test@example.com ", sex="2", customerNo="S-1")
    carried = world.arrives(NEW)
    assert (carried.did, carried.ref) == ("linked", member)
    assert world.smaregi.calls == [f"GET /customers/{member}", f"PATCH /customers/{member}"]
    row = world.smaregi.rows[member]
    assert row["customerNo"] == str(ID)
    assert row["customerCode"] == "CARD-10"
    assert row["point"] == "350"
    assert row["lastName"] == "見本"
    assert carried.memo == {"old_number": "S-1"}
    assert "sex" not in world.smaregi.bodies[0]
    assert [m.id for m in world.index.by_number(str(ID))] == [member]


def test_a_linked_member_that_does_not_change_costs_no_call(world: World) -> None:
    world.in_store(mailAddress="hanako.test@example.com")
    carried = world.arrives(NEW)
    assert world.arrives(after(NEW, carried)).did == "unchanged"
    assert world.smaregi.calls == []


def test_a_matched_members_code_is_replaced_and_remembered_when_so_set(world: World) -> None:
    world.matched_member = "replace_code"
    member = world.in_store(mailAddress="hanako.test@example.com", customerNo="S-1")
    carried = world.arrives(NEW)
    row = world.smaregi.rows[member]
    assert row["customerCode"] == row["customerNo"] == str(ID)
    assert carried.memo == {"old_code": "CARD-10", "old_number": "S-1"}
    again = world.arrives(after(NEW, carried, replace(HANAKO, first_name="華子")))
    assert again.memo == carried.memo


def test_what_shopify_does_not_know_stays_as_the_store_has_it(world: World) -> None:
    member = world.in_store(
        mailAddress="hanako.test@example.com", lastName="見本", firstName="花", address="東京都", sex="2"
    )
    task = Task(Customer(id=ID, email="hanako.test@example.com", last_name=None, address=None, gender=None))
    carried = world.arrives(task)
    row = world.smaregi.rows[member]
    assert (row["lastName"], row["firstName"], row["address"], row["sex"]) == ("見本", "花", "東京都", "2")
    assert row["mailReceiveFlag"] == "1"
    assert world.smaregi.bodies == [{"customerNo": str(ID)}]
    assert world.arrives(after(task, carried)).did == "unchanged"


@pytest.mark.parametrize("status", ["3", "4"])
def test_a_withdrawn_or_merged_member_does_not_count(world: World, status: str) -> None:
    world.in_store(mailAddress="hanako.test@example.com", status=status)
    assert world.arrives(NEW).did == "created"


@pytest.mark.parametrize("status", ["1", "2"])
def test_a_suspended_member_or_a_lost_card_counts(world: World, status: str) -> None:
    member = world.in_store(mailAddress="hanako.test@example.com", status=status)
    assert world.arrives(NEW).ref == member


def test_two_live_members_ask_a_person_with_the_choice_spelled_out(world: World) -> None:
    first = world.in_store(mailAddress="hanako.test@example.com")
    visited = "2026-11-03T18:20:00+09:00"
    second = world.in_store(mailAddress3="hanako.test@example.com", customerNo="S-2", lastComeDateTime=visited)
    world.smaregi.points[second] = "120"
    world.in_store(mailAddress="hanako.test@example.com", status="3")
    asked = world.asks(NEW)
    assert asked.kind == "smaregi.several_members"
    beside = {"name": "店 頭", "last_visit": "2026-11-03", "points": "120"}
    assert list(asked.choices) == [
        {"member": first, "code": "CARD-10", "number": "", "status": "0", "name": "店 頭"},
        {"member": second, "code": "CARD-11", "number": "S-2", "status": "0", **beside},
    ]
    assert world.smaregi.bodies == []


def test_a_choice_can_be_made_without_the_points(world: World, mocker: Any) -> None:
    for _ in range(2):
        world.in_store(mailAddress="hanako.test@example.com")
    lane = world.lane()
    mocker.patch.object(lane.api, "points", side_effect=TryLater("down", kind="smaregi.unavailable"))
    asked = lane.carry([NEW])[ID]
    assert isinstance(asked, AskPerson)
    assert len(asked.choices) == 2


def test_a_choice_does_not_name_who_is_another_customers(world: World) -> None:
    for _ in range(2):
        member = world.in_store(mailAddress="hanako.test@example.com")
    world.index.link(member, 6900000000009)
    assert ["name" in choice for choice in world.asks(NEW).choices] == [True, False]


def test_a_double_that_was_deleted_in_the_store_no_longer_asks_a_person(world: World) -> None:
    first = world.in_store(mailAddress="hanako.test@example.com")
    second = world.in_store(mailAddress="hanako.test@example.com")
    del world.smaregi.rows[second]
    carried = world.arrives(NEW)
    assert (carried.did, carried.ref) == ("linked", first)


def test_an_address_on_very_many_members_is_not_looked_into(world: World) -> None:
    for _ in range(6):
        world.in_store(mailAddress="hanako.test@example.com")
    assert len(world.asks(NEW).choices) == 6
    assert world.smaregi.calls == []


def test_a_member_linked_to_another_customer_asks_a_person(world: World) -> None:
    member = world.in_store(mailAddress="hanako.test@example.com")
    world.index.link(member, 6900000000009)
    asked = world.asks(NEW)
    assert asked.kind == "smaregi.linked_to_other"
    assert asked.choices[0]["customer"] == "6900000000009"
    assert world.smaregi.bodies == []


def test_a_member_linked_to_this_customer_is_taken(world: World) -> None:
    member = world.in_store(mailAddress="hanako.test@example.com")
    world.index.link(member, ID)
    assert world.arrives(NEW).ref == member


@pytest.mark.parametrize("now", [{"mailAddress": "someone@example.com"}, {"status": "3"}])
def test_a_hit_that_does_not_hold_on_the_member_itself_is_not_linked(world: World, now: dict[str, str]) -> None:
    member = world.in_store(mailAddress="hanako.test@example.com")
    world.smaregi.rows[member].update(now)
    carried = world.arrives(NEW)
    assert carried.did == "created"
    assert carried.ref != member
    assert [m.id for m in world.index.by_mail("hanako.test@example.com") if m.counts] == [carried.ref]


def test_a_member_deleted_between_the_look_and_the_link_is_made_anew(world: World) -> None:
    member = world.in_store(mailAddress="hanako.test@example.com")
    world.smaregi.before_patch = lambda: world.smaregi.rows.pop(member)
    carried = world.arrives(NEW)
    assert (carried.did, carried.ref) == ("created", "11")


def test_a_member_that_already_has_our_code_is_taken_even_without_a_shared_email(world: World) -> None:
    member = world.in_store(customerCode=str(ID), mailAddress="old@example.com")
    carried = world.arrives(NEW)
    assert (carried.did, carried.ref) == ("linked", member)


def test_a_member_that_already_has_our_number_is_taken(world: World) -> None:
    member = world.in_store(customerNo=str(ID), mailAddress="old@example.com")
    world.in_store(mailAddress="hanako.test@example.com")
    carried = world.arrives(NEW)
    assert carried.ref == member
    assert carried.memo == {}


def test_a_member_that_a_person_chose_is_looked_at_and_linked(world: World) -> None:
    world.in_store(mailAddress="hanako.test@example.com")
    chosen = world.in_store(mailAddress="hanako.test@example.com", customerNo="S-2")
    carried = world.arrives(Task(HANAKO, ref=chosen))
    assert (carried.did, carried.ref) == ("linked", chosen)
    assert world.smaregi.calls == [f"GET /customers/{chosen}", f"PATCH /customers/{chosen}"]
    assert carried.memo == {"old_number": "S-2"}


# Lost answers and refusals


def test_a_lost_answer_to_a_create_makes_no_second_member(world: World) -> None:
    world.smaregi.lose_next_create = True
    later = world.waits(NEW)
    assert later.doubt
    carried = world.arrives(replace(NEW, doubt=True, attempt=2))
    assert (carried.did, carried.ref) == ("linked", "10")
    assert world.smaregi.calls == ["GET /customers customer_code"]
    assert len(world.smaregi.rows) == 1
    assert world.arrives(after(NEW, carried)).did == "unchanged"


def test_what_was_cleared_after_a_lost_create_is_cleared_on_the_member_that_it_made(world: World) -> None:
    world.smaregi.lose_next_create = True
    world.waits(NEW)
    cleared = replace(HANAKO, phone=None, gender=None, last_kana=None)
    carried = world.arrives(Task(cleared, doubt=True, attempt=2))
    (member,) = world.smaregi.rows.values()
    assert (member["phoneNumber"], member["lastKana"], member["sex"]) == (None, None, "0")
    assert world.smaregi.bodies == [{"phoneNumber": None, "lastKana": None, "sex": "0"}]
    assert not {"phoneNumber", "lastKana", "sex"} & carried.sent.keys()
    assert world.arrives(after(NEW, carried, cleared)).did == "unchanged"


def test_a_required_field_is_not_cleared_on_the_member_that_a_lost_create_made(world: World) -> None:
    world.smaregi.lose_next_create = True
    world.waits(NEW)
    world.smaregi.required = {"phoneNumber"}
    carried = world.arrives(Task(replace(HANAKO, phone=None), doubt=True, attempt=2))
    assert carried.ref in world.smaregi.rows
    assert world.smaregi.rows[carried.ref]["phoneNumber"] == "090-0000-0002"


def test_a_member_of_the_store_that_took_our_code_keeps_what_shopify_has_no_value_for(world: World) -> None:
    world.matched_member = "replace_code"
    member = world.in_store(mailAddress="hanako.test@example.com", phoneNumber="03-0000-0001")
    no_phone = Task(replace(HANAKO, phone=None))
    carried = world.arrives(no_phone)
    again = world.arrives(replace(no_phone, memo=carried.memo, doubt=True, attempt=2))
    assert (again.did, again.ref) == ("linked", member)
    assert world.smaregi.rows[member]["phoneNumber"] == "03-0000-0001"


def test_what_a_lost_change_filled_and_the_merchant_cleared_since_is_cleared(world: World) -> None:
    new = replace(HANAKO, phone=None, last_kana=None)
    carried = world.arrives(Task(new))
    assert carried.ref
    world.smaregi.rows[carried.ref] |= {"phoneNumber": "090-0000-0002", "lastKana": "ミホン"}  # whose answer was lost
    cleared = new.seen_with(HANAKO).seen_with(new)
    assert cleared.cleared == ("last_kana", "phone")
    world.arrives(replace(after(NEW, carried, cleared), doubt=True))
    assert world.smaregi.rows[carried.ref]["phoneNumber"] is None
    assert world.smaregi.rows[carried.ref]["lastKana"] is None


def test_in_doubt_nothing_is_cleared_that_never_had_a_value(world: World) -> None:
    member = world.in_store(mailAddress="hanako.test@example.com", phoneNumber="03-0000-0001")
    world.arrives(Task(replace(HANAKO, phone=None), doubt=True, attempt=2))
    assert world.smaregi.rows[member]["phoneNumber"] == "03-0000-0001"


def test_what_a_late_result_sent_to_a_member_of_the_store_is_cleared_when_it_has_no_value_any_more(
    world: World,
) -> None:
    member = world.in_store(mailAddress="hanako.test@example.com")
    late = world.arrives(NEW)  # refused by the ledger, which keeps the names of what was sent, and no ref
    task = Task(replace(HANAKO, phone=None), sent=dict.fromkeys(late.sent, ""), attempt=2)
    assert world.arrives(task).did == "linked"
    assert world.smaregi.rows[member]["phoneNumber"] is None


def test_in_doubt_smaregi_itself_is_asked_for_code_and_number_before_a_create(world: World) -> None:
    carried = world.arrives(replace(NEW, attempt=2))
    assert carried.did == "created"
    assert world.smaregi.calls == ["GET /customers customer_code", "GET /customers customer_no", "POST /customers"]


def test_doubt_lasts_until_a_try_has_ended_well(world: World) -> None:
    world.index.polled(lambda _: Freshness())
    assert world.waits(replace(NEW, doubt=True)).doubt
    assert not world.waits(NEW).doubt


def test_a_code_that_is_taken_leads_to_the_member_that_has_it(world: World) -> None:
    member = world.in_store(known=False, customerCode=str(ID))
    carried = world.arrives(NEW)
    assert (carried.did, carried.ref) == ("linked", member)
    assert world.smaregi.calls == [
        "POST /customers",
        "GET /customers customer_code",
        f"PATCH /customers/{member}",
    ]


def test_a_code_that_a_withdrawn_member_keeps_asks_a_person(world: World) -> None:
    member = world.in_store(customerCode=str(ID), status="3")
    asked = world.asks(NEW)
    assert asked.kind == "smaregi.code_taken"
    assert asked.choices[0]["member"] == member


def test_one_refused_customer_does_not_hold_another(world: World, mocker: Any) -> None:
    other = replace(HANAKO, id=6900000000003, email="taro.test@example.com")
    lane = world.lane()
    create = lane.api.create

    def refuse_one(fields: Mapping[str, str], **_: Any) -> Mapping[str, Any]:
        if fields["customerCode"] == str(ID):
            raise AskPerson("no", kind="smaregi.refused")
        return create(fields)

    mocker.patch.object(lane.api, "create", side_effect=refuse_one)
    results = lane.carry([NEW, Task(other)])
    assert isinstance(results[ID], CarryError)
    assert isinstance(results[other.id], Carried)


def test_preparing_reads_the_required_columns(world: World) -> None:
    world.smaregi.required = {"sex"}
    lane = world.lane()
    lane.prepare()
    assert lane.required_columns == {"sex"}
    assert world.smaregi.calls == ["GET /customer_required_column_setting"]


def test_tending_scans_polls_and_reads_the_required_columns_again(world: World) -> None:
    world.index.polled(lambda _: Freshness())
    world.in_store(known=False, mailAddress="hanako.test@example.com")
    lane = world.lane()
    assert lane.tend() == timedelta(seconds=10)
    assert world.smaregi.calls == ["GET /customers", "GET /customer_required_column_setting"]
    assert [m.id for m in world.index.by_mail("hanako.test@example.com")] == ["10"]
    world.now += timedelta(seconds=10)
    lane.tend()
    assert world.smaregi.calls[2:] == ["GET /customers upd_date_time-from"]


def test_a_stop_of_the_lane_is_no_fault_of_the_customer(world: World, mocker: Any) -> None:
    lane = world.lane()
    mocker.patch.object(lane.api, "create", side_effect=StopLane("plan", kind="smaregi.forbidden"))
    assert isinstance(lane.carry([NEW])[ID], StopLane)


def test_no_refusal_shows_the_customer(world: World) -> None:
    world.in_store(mailAddress="hanako.test@example.com")
    world.in_store(mailAddress="hanako.test@example.com")
    world.smaregi.required = {"birthDate"}
    told = [world.asks(NEW), world.asks(Task(replace(HANAKO, email="new@example.com")))]
    for error in told:
        shown = f"{error} {error.choices}"
        assert not any(secret in shown.lower() for secret in ("見本", "花子", "example.com", "9000000002"))
