"""The stand-in for the mail server: what it takes, what it does not, and its pages."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest

from sandbox.server import RunningSandbox

MAIL = "\r\n".join(
    [
        "From: shop@example.jp",
        "Subject: <b>Hello</b>",
        "MIME-Version: 1.0",
        "Content-Type: text/html; charset=us-ascii",
        "",
        "<p>welcome</p><script>alert(1)</script>",
        "..a line that begins with dots",
        "",
    ]
)


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox(mail_port=0) as made:
        yield made


def send(sandbox: RunningSandbox, mail: str | bytes = MAIL) -> None:
    port = int((sandbox.smtp_url or "").rpartition(":")[2])
    with smtplib.SMTP("127.0.0.1", port, "localhost", timeout=5) as smtp:
        smtp.sendmail("shop@example.jp", ["hanako@example.jp"], mail)


def test_a_mail_is_kept_as_it_came(sandbox: RunningSandbox) -> None:
    send(sandbox)
    (mail,) = sandbox.world.mail.all("hanako@example.jp")
    assert mail.raw.decode() == MAIL
    assert sandbox.world.mail.all("ichiro@example.jp") == []


@pytest.mark.parametrize("mail", ["Subject: 見本\r\n\r\n会員".encode(), b"Subject: x\n\nbare\n"])
def test_what_the_standards_do_not_allow_is_refused(sandbox: RunningSandbox, mail: bytes) -> None:
    port = int((sandbox.smtp_url or "").rpartition(":")[2])
    with smtplib.SMTP("127.0.0.1", port, "localhost", timeout=5) as smtp:
        for command in ("EHLO localhost", "MAIL FROM:<shop@example.jp>", "RCPT TO:<hanako@example.jp>"):
            assert smtp.docmd(command)[0] == 250
        assert smtp.docmd("DATA")[0] == 354
        smtp.send(mail + b"\r\n.\r\n")
        assert 500 <= smtp.getreply()[0] < 600
    assert sandbox.world.mail.all() == []


def test_the_settings_switch_the_lane_on_only_where_there_is_a_mail_server(sandbox: RunningSandbox) -> None:
    assert sandbox.settings_env()["ENABLE_WELCOME_EMAIL"] == "true"
    with RunningSandbox() as without:
        assert "SMTP_URL" not in without.settings_env()


def test_the_inbox_shows_a_mail_and_lets_nothing_in_it_run(sandbox: RunningSandbox) -> None:
    client = sandbox.app.test_client()
    assert "まだ届いていません" in client.get("/mails").text
    send(sandbox)
    page = client.get("/mails").text
    assert "&lt;b&gt;Hello&lt;/b&gt;" in page
    assert "sandbox title=" in client.get("/mails/1").text
    body = client.get("/mails/1/body.html")
    assert "<p>welcome</p>" in body.text
    assert "sandbox" in body.headers["Content-Security-Policy"]
    assert "script-src" not in body.headers["Content-Security-Policy"]
    assert "default-src 'none'" in body.headers["Content-Security-Policy"]
    assert client.get("/mails/1/raw").data.decode() == MAIL
    assert client.get("/mails/2").status_code == 404
    assert client.get("/sandbox/mails?to=hanako@example.jp").json[0]["subject"] == "<b>Hello</b>"  # type: ignore[index]


def test_a_reset_empties_the_inbox(sandbox: RunningSandbox) -> None:
    send(sandbox)
    sandbox.world.reset()
    assert sandbox.world.mail.all() == []
