"""The registration page of the sandbox, as a person at a browser meets it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.config import SandboxConfig
from sandbox.core import create_sandbox, world_of
from sandbox.people import HANDFUL
from sandbox.world import World

FILLED = {
    "last_name": "見本",
    "first_name": "花子",
    "last_kana": "ミホン",
    "first_kana": "ハナコ",
    "email": "hanako@example.jp",
    "birth_date": "1990-04-01",
    "gender": "female",
    "phone": "090-0000-1234",
    "zip": "100-0014",
    "province_code": "JP-13",
    "city": "千代田区",
    "address1": "永田町2-3-1",
    "address2": "見本ビル301",
    "newsletter": "yes",
}


class Time:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def client(time: Time) -> FlaskClient:
    config = SandboxConfig(webhook_url="http://127.0.0.1:1/", shopify_webhook_retry_seconds=())
    return create_sandbox(config, clock=time).test_client()


@pytest.fixture
def world(client: FlaskClient) -> Iterator[World]:
    world = world_of(client.application)
    yield world
    world.close()


def text(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def registered(client: FlaskClient, **changes: str) -> int:
    answer = client.post("/", data={**FILLED, **changes})
    assert answer.status_code == 303
    found = re.search(r"/registered/(\d+)$", answer.headers["Location"])
    assert found
    return int(found[1])


def arrive(world: World, number: int) -> None:
    world.smaregi.seed({"customerCode": str(number), "customerNo": str(number), "mailAddress": "hanako@example.jp"})
    world.hubspot.seed({"email": "hanako@example.jp", "lastname": "見本"})


def test_the_form_asks_in_japanese_for_everything(client: FlaskClient, world: World) -> None:
    page = text(client, "/")
    labels = "姓 フリガナ メールアドレス 生年月日 性別 電話番号 郵便番号 都道府県 市区町村 番地 建物名 メールマガジン"
    for label in labels.split():
        assert label in page
    assert page.count("<option") == 48
    for name in FILLED:
        assert f'name="{name}"' in page


def test_a_filled_form_makes_a_customer_with_metafields_consent_and_address(client: FlaskClient, world: World) -> None:
    customer = world.shopify.get(registered(client))
    assert (customer.last_name, customer.first_name, customer.email) == ("見本", "花子", "hanako@example.jp")
    assert customer.phone == "+819000001234"
    assert customer.default_address.phone == "090-0000-1234"
    assert customer.default_address.province == "Tōkyō"
    assert customer.email_consent.state == "subscribed"
    assert {(one.namespace, one.key, one.value) for one in customer.metafields} == {
        ("custom", "last_name_kana", "ミホン"),
        ("custom", "first_name_kana", "ハナコ"),
        ("facts", "birth_date", "1990-04-01"),
        ("custom", "gender", "female"),
    }
    assert world.shopify.wait_idle()
    assert [one["topic"] for one in world.shopify.deliveries] == ["customers/create"]


def test_only_name_kana_and_e_mail_are_needed(client: FlaskClient, world: World) -> None:
    needed = ("last_name", "first_name", "last_kana", "first_kana", "email")
    answer = client.post("/", data={name: FILLED[name] for name in needed})
    assert answer.status_code == 303
    [customer] = world.shopify.customers()
    assert (customer.phone, customer.addresses, customer.email_consent.state) == (None, (), "not_subscribed")


def test_an_empty_form_is_told_what_is_missing_beside_the_fields(client: FlaskClient, world: World) -> None:
    answer = client.post("/", data={})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "5件の誤り" in page
    for name in ("last_name", "first_name", "last_kana", "first_kana", "email"):
        assert f'id="{name}-error"' in page
        assert f'aria-describedby="{name}-error"' in page
    assert world.shopify.count() == 0


@pytest.mark.parametrize(
    ("field", "written", "words"),
    [
        ("last_kana", "三本", "カタカナで"),
        ("email", "hanako", "メールアドレスの形式"),
        ("email", "hanako@@example.jp", "メールアドレスの形式"),
        ("birth_date", "2026-02-30", "正しい日付"),
        ("birth_date", "2026-11-23", "生年月日をご確認"),
        ("birth_date", "1890-01-01", "生年月日をご確認"),
        ("gender", "cat", "選択してください"),
        ("phone", "1234", "電話番号の形式"),
        ("zip", "10014", "7桁の郵便番号"),
        ("zip", "", "郵便番号を入力"),
        ("province_code", "JP-48", "都道府県を選択"),
        ("province_code", "", "都道府県を入力"),
        ("city", "", "市区町村を入力"),
        ("address1", "", "番地を入力"),
        ("last_name", "あ" * 101, "100文字以内"),
    ],
)
def test_a_wrong_field_is_explained_and_the_rest_is_kept(
    client: FlaskClient, world: World, field: str, written: str, words: str
) -> None:
    answer = client.post("/", data={**FILLED, field: written})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "1件の誤り" in page
    assert words in page
    assert 'value="花子"' in page
    assert '<option value="JP-13" selected>' in page or field == "province_code"


@pytest.mark.parametrize(
    ("field", "written"),
    [("last_kana", "ﾐﾎﾝ"), ("last_kana", "みほん"), ("phone", "+81 90 0000 9999"), ("phone", "０９０００００１２３４"),
     ("zip", "〒１００ー００１４"), ("zip", "1000014"), ("last_name", "𠮷田")],
)  # fmt: skip
def test_awkward_input_passes_as_a_shop_would_let_it(
    client: FlaskClient, world: World, field: str, written: str
) -> None:
    assert world.shopify.get(registered(client, **{field: written}))


def test_an_e_mail_or_phone_that_is_taken_is_said_beside_the_field(client: FlaskClient, world: World) -> None:
    registered(client)
    answer = client.post("/", data=FILLED)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "このメールアドレスはすでに登録されています。" in page
    assert "この電話番号はすでに登録されています。" in page
    assert world.shopify.count() == 1


def test_the_registering_screen_stands_until_all_has_arrived(client: FlaskClient, world: World) -> None:
    number = registered(client)
    page = text(client, f"/registered/{number}")
    assert "<title>登録中…" in page
    assert '<div class="complete card" aria-live="polite" hidden>' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    arrive(world, number)
    page = text(client, f"/registered/{number}")
    assert "<title>会員登録が完了しました" in page
    assert '<div class="registering card" aria-live="polite" hidden>' in page
    assert f"<strong>{number}</strong>" in page
    assert "http-equiv" not in page


def test_nobody_waits_long_for_the_far_sides(client: FlaskClient, world: World, time: Time) -> None:
    number = registered(client)
    time.now += timedelta(seconds=9)
    page = text(client, f"/registered/{number}")
    assert "<title>会員登録が完了しました" in page
    assert "もう少し時間がかかることがあります" in page


def test_the_state_says_what_has_happened_on_each_side(client: FlaskClient, world: World) -> None:
    number = registered(client)
    assert world.shopify.wait_idle()
    state: Any = client.get(f"/registered/{number}/state.json").json
    [delivery] = state["deliveries"]
    assert (delivery["topic"], delivery["state"], delivery["error"]) == (
        "customers/create",
        "dropped",
        "ConnectionError",
    )
    assert (state["members"], state["contacts"], state["is_ready"]) == ([], [], False)
    arrive(world, number)
    state = client.get(f"/registered/{number}/state.json").json
    assert state["members"][0]["code"] == state["members"][0]["number"] == str(number)
    assert state["contacts"][0]["email"] == "hanako@example.jp"
    assert state["is_ready"] is True


def test_a_doubled_member_is_shown_as_two(client: FlaskClient, world: World) -> None:
    number = registered(client)
    for code in ("CARD1", "CARD2"):
        world.smaregi.seed({"customerCode": code, "customerNo": str(number)})
    state: Any = client.get(f"/registered/{number}/state.json").json
    assert [one["code"] for one in state["members"]] == ["CARD1", "CARD2"]
    assert 'class="badge wrong"' in text(client, "/people")


def test_the_list_shows_everybody_of_the_three_systems_side_by_side(client: FlaskClient, world: World) -> None:
    assert "まだ登録がありません" in text(client, "/people")
    number = registered(client)
    arrive(world, number)
    world.smaregi.seed({"customerCode": "STORE-ONLY", "lastName": "店", "firstName": "舗"})
    world.hubspot.seed({"email": "crm.only@example.jp", "firstname": "表"})
    page = text(client, "/people")
    assert "3名" in page
    for link in (f"/registered/{number}", "/people/member/1", "/people/member/2", "/people/contact/501"):
        assert f'href="{link}"' in page
    assert "STORE-ONLY" in page
    assert "crm.only@example.jp" in page


def test_each_record_can_be_looked_at(client: FlaskClient, world: World) -> None:
    number = registered(client)
    arrive(world, number)
    assert "metafields.custom.last_name_kana" in text(client, f"/people/customer/{number}")
    assert "customerCode" in text(client, "/people/member/1")
    assert "lastname" in text(client, "/people/contact/501")
    for nowhere in ("/people/customer/1", "/people/member/9", "/people/contact/9", "/registered/1",
                    "/registered/1/state.json"):  # fmt: skip
        text(client, nowhere, 404)


def test_a_customer_can_be_saved_again_from_the_list(client: FlaskClient, world: World) -> None:
    number = registered(client)
    assert client.post(f"/people/{number}/save").status_code == 303
    assert world.shopify.wait_idle()
    assert [one["topic"] for one in world.shopify.deliveries] == ["customers/create", "customers/update"]


def test_everything_that_was_written_is_escaped(client: FlaskClient, world: World) -> None:
    nasty = "<script>alert(1)</script>"
    page = client.post("/", data={**FILLED, "last_name": nasty, "email": '"><img src=x>'}).get_data(as_text=True)
    assert nasty not in page
    assert "<img src=x>" not in page
    number = registered(client, last_name=nasty)
    for path in ("/people", f"/registered/{number}", f"/people/customer/{number}"):
        assert nasty not in text(client, path)


def test_the_pages_come_from_here_alone(client: FlaskClient, world: World) -> None:
    number = registered(client)
    for path in ("/", "/people", f"/registered/{number}", f"/people/customer/{number}"):
        page = text(client, path)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
        assert client.get(path).headers["Content-Security-Policy"].startswith("default-src 'self'")
        for asset in re.findall(r'(?:src|href)="(/page/static/[^"]+)"', page):
            with client.get(asset) as answer:
                assert answer.status_code == 200
                assert b"http://" not in answer.data.replace(b"http://www.w3.org/2000/svg", b"")
                assert b"https://" not in answer.data


def test_the_demos_handful_fits_the_shop_and_the_store(client: FlaskClient, world: World) -> None:
    for arrival in HANDFUL.values():
        if arrival.member:
            world.smaregi.seed(arrival.member)
        customer = world.shopify.create(arrival.person.shop_fields(), by=arrival.by, send=False)
        for change in arrival.updates:
            customer = world.shopify.update(customer.id, change, send=False)
    assert set(HANDFUL) == {"new", "already_a_member", "half_width", "updated_twice", "no_name"}
    assert len(HANDFUL["updated_twice"].updates) == 2
    assert customer.last_name is None
    assert str((HANDFUL["already_a_member"].member or {})["mailAddress"]).lower() == (
        HANDFUL["already_a_member"].person.email
    )
