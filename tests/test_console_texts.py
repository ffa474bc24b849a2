"""Every text of the console has its Japanese, and what is served is the newest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from handlers.console import texts

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def test_every_text_has_its_japanese() -> None:
    assert texts.problems() == []


def test_texts_of_templates_modules_and_settings_are_all_collected() -> None:
    found = texts.collected()
    assert found["Sign in"].endswith("login.html")
    assert found["This is not the password."].endswith("login.py")
    assert found["waiting"].endswith("words.py")
    assert found["A released API version."] == ".env.example"


@pytest.fixture
def piece(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mocker: Any) -> Any:
    """A folder with two pieces, and two texts to be translated."""
    mocker.patch.object(texts, "collected", return_value={"Customer": "a.html", "%(n)s left": "b.py"})
    monkeypatch.setattr(texts, "PIECES", tmp_path)
    monkeypatch.setattr(texts, "SERVED", tmp_path / "LC_MESSAGES" / "messages.mo")

    def write(name: str, **said: str) -> None:
        english = {"customer": "Customer", "left": "%(n)s left", "other": "Not any more"}
        lines = [f'msgid "{english[key]}"\nmsgstr "{value}"\n' for key, value in said.items()]
        (tmp_path / f"{name}.po").write_text(HEAD + "\n".join(lines), encoding="utf-8")

    return write


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"customer": "顧客"}, "b.py: '%(n)s left' has no Japanese"),
        ({"customer": "顧客", "left": ""}, "one.po: '%(n)s left' has no Japanese"),
        ({"customer": "顧客", "left": "残り %(m)s"}, "one.po: '%(n)s left' has other %(names)s in Japanese"),
        ({"customer": "顧客", "left": "残り %(n)s", "other": "なし"}, "one.po: 'Not any more' stands nowhere any more"),
    ],
)
def test_what_is_missing_or_wrong_is_named(piece: Any, said: dict[str, str], problem: str) -> None:
    piece("one", **said)
    texts.main([])
    assert problem in texts.problems()


def test_one_text_is_not_said_in_two_ways(piece: Any) -> None:
    piece("one", customer="顧客", left="残り %(n)s")
    piece("two", customer="お客様")
    assert any("said differently in one.po" in problem for problem in texts.problems())


def test_what_is_served_is_made_anew_by_the_command_and_missed_without_it(
    piece: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    piece("one", customer="顧客", left="残り %(n)s")
    assert texts.main(["--check"]) == 1
    assert "run python -m handlers.console.texts" in capsys.readouterr().out
    assert texts.main([]) == 0
    first = texts.SERVED.read_bytes()
    assert texts.main([]) == 0
    assert texts.SERVED.read_bytes() == first
    piece("one", customer="会員", left="残り %(n)s")
    assert texts.main(["--check"]) == 1


def test_japanese_is_written_with_its_own_signs() -> None:
    for catalog in texts.pieces().values():
        for message in catalog:
            if message.id and isinstance(message.string, str):
                assert not re.search(r"[ｦ-ﾟ]", message.string), message.string
