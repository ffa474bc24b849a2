"""`flask mail`: the merchant looks at the mail and tries the mail server, before anybody is sent one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import mail as box
from sandbox.config import SandboxConfig
from sandbox.world import World
from tests.building import house_of, make_app

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command with these settings: its exit code, and what it printed."""

    def go(*arguments: str, **settings: Any) -> tuple[int, str]:
        app = make_app(f"sqlite:///{tmp_path / 'ledger.db'}", **settings)
        told = app.test_cli_runner().invoke(args=arguments)
        house_of(app).close()
        return told.exit_code, told.output

    return go


@pytest.mark.parametrize(("lang", "words"), [("ja", "会員登録"), ("en", "Thank you for joining")])
def test_a_preview_is_shown_without_any_setting(run: Run, lang: str, words: str) -> None:
    code, told = run("mail", "preview", "--lang", lang)
    assert code == 0
    assert words in told


@pytest.mark.parametrize(("variant", "has_bars"), [("member", True), ("linked", False), ("wait", False)])
def test_a_preview_is_written_whole_into_a_folder(run: Run, tmp_path: Path, variant: str, has_bars: bool) -> None:
    code, _ = run(
        "mail", "preview", "--variant", variant, "--out", str(tmp_path / "mail"), mail_from="例屋 <shop@example.jp>"
    )
    assert code == 0
    html = (tmp_path / "mail" / "body.html").read_text(encoding="utf-8")
    assert "例屋" in html
    assert ('src="member.png"' in html) == (tmp_path / "mail" / "member.png").exists() == has_bars
    assert (tmp_path / "mail" / "subject.txt").read_text(encoding="utf-8").count("\n") == 1


def test_a_preview_names_the_template_that_is_wrong(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ja").mkdir()
    (tmp_path / "ja" / "subject.txt").write_text("{{ nickname }}", encoding="utf-8")
    code, told = run("mail", "preview", mail_templates=str(tmp_path))
    assert code == 1
    assert "ja/subject.txt" in told
    assert "nickname" in told


def test_a_language_that_there_is_not_is_told_with_those_there_are(run: Run) -> None:
    code, told = run("mail", "preview", "--lang", "ko")
    assert code == 1
    assert "ja, en" in told


def test_a_trial_is_sent_to_the_merchants_own_address(run: Run) -> None:
    world = World(SandboxConfig())
    with box.MailServer(world) as server:
        settings = {"smtp_url": server.url, "mail_from": "shop@example.jp"}
        code, told = run("mail", "test", "shop@example.jp", **settings)
        assert (code, run("mail", "test", "no address", **settings)[0]) == (0, 1)
    assert "SANDBOX000001" in told
    assert "ENABLE_WELCOME_EMAIL is false" in told
    (mail,) = world.mail.all()
    assert mail.to == ("shop@example.jp",)
    assert len(mail.pictures) == 1


def test_a_trial_without_a_mail_server_says_what_to_set(run: Run) -> None:
    code, told = run("mail", "test", "shop@example.jp")
    assert code == 1
    assert "SMTP_URL" in told


def test_a_mail_is_not_resynced_and_the_command_says_why(run: Run) -> None:
    code, told = run("resync", "--all", "--lane", "mail")
    assert code == 1
    assert "sent once" in told
