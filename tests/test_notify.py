"""Sending notices, with Apprise itself, to a server on this machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import notify
from clients.notify import Heard, label_of, mark_of, send, split_addresses
from tests.notice_board import Board, notice_board

ROOT = Path(__file__).parent.parent


@pytest.fixture
def board() -> Iterator[Board]:
    with notice_board() as made:
        yield made


@pytest.mark.parametrize(
    "text",
    [
        "json://a/x slack://b/y",
        "json://a/x, slack://b/y",
        "  json://a/x,slack://b/y , ",
        "json://a/x\n\tslack://b/y",
    ],
)
def test_addresses_stand_side_by_side(text: str) -> None:
    assert split_addresses(text) == ("json://a/x", "slack://b/y")


def test_a_comma_inside_an_address_is_its_own() -> None:
    text = "mailto://u:p@smtp.example.jp?to=a@example.jp,b@example.jp json://a"
    assert split_addresses(text) == ("mailto://u:p@smtp.example.jp?to=a@example.jp,b@example.jp", "json://a")
    assert split_addresses("") == ()


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("json://user:token@hooks.example.jp:8080/path", "json://hooks.example.jp"),
        ("mailtos://user:password@smtp.example.jp?to=x@example.jp", "mailtos://smtp.example.jp"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack://"),
        ("tgram://123456:abcdef/99", "tgram://"),
        ("ntfy://a-topic-nobody-may-know", "ntfy://"),
        ("json://[broken", "json://"),
        ("no address at all", "?://"),
    ],
)
def test_of_an_address_only_what_is_no_secret_is_shown(address: str, label: str) -> None:
    assert label_of(address) == label


def test_a_mark_tells_two_addresses_apart_and_gives_neither_away() -> None:
    one, two = mark_of("slack://first-token/x"), mark_of("slack://other-token/x")
    assert one != two
    assert one.startswith("slack://")
    assert len(one) == len("slack://") + 4, "thousands of addresses share a mark, so none can be guessed from it"


def test_everybody_is_told_and_each_is_heard(board: Board) -> None:
    addresses = [
        board.address(),
        board.address("no", login="user:a-password@"),
        "json://127.0.0.1:1/",
        "nobody://knows",
    ]
    heard = send(addresses, "題 / title", "本文\n\nbody", "failure")
    assert heard == [
        Heard(0, "json://127.0.0.1", "sent"),
        Heard(1, "json://127.0.0.1", "not sent", "it answers 403"),
        Heard(2, "json://127.0.0.1", "not sent", "it does not answer, or refuses"),
        Heard(3, "nobody://", "not sent", "Apprise does not understand this address: check ADMIN_NOTIFY_URLS"),
    ]
    assert {(n["title"], n["message"], n["type"]) for n in board.notices} == {("題 / title", "本文\n\nbody", "failure")}


def test_who_never_answers_ends_with_the_time_and_the_others_are_told(board: Board) -> None:
    began = time.monotonic()
    heard = send([board.address("late"), board.address()], "title", "body", "success", limit_s=6)
    assert time.monotonic() - began < 15
    assert [one.how for one in heard] == ["unknown", "sent"]
    assert heard[0].why == "no end after 6 s"


def test_without_a_process_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    [heard] = send(["json://127.0.0.1/"], "title", "body", "info")
    assert heard == Heard(0, "json://127.0.0.1", "not sent", "no process that sends could be started")


def test_a_process_that_breaks_before_it_sends_has_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "_KEPT", ())
    monkeypatch.setattr(notify, "_ROOT", notify._ROOT / "clients")
    [heard] = send(["json://127.0.0.1/"], "title", "body", "info")
    assert heard.how == "not sent"


def test_neither_a_proxy_nor_a_netrc_of_the_host_changes_whom_we_talk_to(
    board: Board, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login stranger password an-invented-password\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    [heard] = send([board.address()], "title", "body", "info")
    assert heard.how == "sent"
    assert "Authorization" not in board.headers[0]


def test_apprise_is_loaded_by_nobody_but_the_process_that_sends(board: Board) -> None:
    # In a process of its own: another test may have loaded it into this one.
    script = (
        "import sys; from clients.notify import send; "
        "print([one.how for one in send(sys.argv[1:], 'title', 'body', 'info')], 'apprise' in sys.modules)"
    )
    asked = [sys.executable, "-c", script, board.address()]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "['sent'] False"
