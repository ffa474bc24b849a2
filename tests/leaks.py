"""What must never stand in a log: everything that is known of any invented person, and every secret, of all tests.

The people are not listed here. They are found where the tests keep them: in the payloads, in the sandbox's lists, and
in the source of the tests themselves, wherever a field that holds a person is given a value.
"""

from __future__ import annotations

import ast
import functools
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.people import HANDFUL, people
from sandbox.webhooks_delivery import ADMIN_KEY, OLD_SECRET

ROOT = Path(__file__).resolve().parent.parent
#: Whose words may stand in a log: the service's own, and the sentences of Smaregi as the sandbox says them.
SPEAKERS = ("app.py", "clients", "config", "handlers", "japan", "ledger", "sandbox/smaregi_fields.py")

#: The fields that hold a person, in the words of Shopify, of Smaregi, of HubSpot and our own.
PERSONAL = frozenset(
    {
        *("email", "mail", "mailaddress", "mailaddress2", "mailaddress3"),
        *("phone", "phonenumber", "mobilenumber", "mobilephone", "birthdate", "birth_date", "facts.birth_date"),
        *("name", "lastname", "last_name", "firstname", "first_name", "company", "companyname", "note"),
        *("lastkana", "last_kana", "custom.last_name_kana", "shopify_last_name_kana"),
        *("firstkana", "first_kana", "custom.first_name_kana", "shopify_first_name_kana"),
        *("address", "address1", "address2", "city", "zip", "postcode"),
    }
)
SECRET = re.compile(r"secret|token|password", re.IGNORECASE)

ANY_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
#: Every invented phone is 090-0000-xxxx, however it is written.
ANY_PHONE = re.compile(r"(?:\+?81[- ]?|0)90[- ]?0000[- ]?\d{4}")

#: Made by chance, and now and then one of its parts is what somebody typed to look for a telephone number.
_WEBHOOK_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def leaks(text: str) -> list[str]:
    """What a log should not say and this one does: each e-mail, phone number, personal value or secret in it."""
    text = _WEBHOOK_ID.sub("", text)
    found = {*ANY_MAIL.findall(text), *ANY_PHONE.findall(text)}
    for value in known_values():
        # A word of Latin letters is a name only where it stands by itself; in Japanese nothing does.
        if value in text and (not value.isascii() or re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)):
            found.add(value)
    return sorted(found)


def leaks_of(report: pytest.TestReport, folder: Path | None) -> str | None:
    """What the logs of one test say of a person, in words for the one who runs it; None when all is well.

    Its logs are what it let out on its way (in this process), and every ``*.log`` in its folder (its processes').
    pytest's own copy of the records is left out: it is made before ours are masked.
    """
    logs = {name: text for name, text in report.sections if not name.startswith("Captured log")}
    if folder is not None:
        logs |= {path.name: path.read_text(errors="replace") for path in folder.rglob("*.log")}
    told = [f"{name}: {', '.join(found)}" for name, text in logs.items() if (found := leaks(text))]
    return "the log names a person or a secret of the tests (tests/leaks.py):\n" + "\n".join(told) if told else None


@functools.cache
def known_values() -> frozenset[str]:
    """Every value that tells of an invented person, and every secret of the tests and the sandbox."""
    told = {value.strip() for value in itertools.chain(_of_payloads(), _of_people(), _of_tests())}
    words = "\n".join(_words())
    # What is said anyway cannot be told from a name: "new", "未入力". Of mails and phones the pattern knows all.
    return frozenset(
        value
        for value in told
        if len(value) > 1 + value.isascii()
        and value not in words
        and not (ANY_MAIL.fullmatch(value) or ANY_PHONE.fullmatch(value))
    )


def _words() -> Iterator[str]:
    """Every text in the source of those who speak, but for the pages of explanation."""
    for name in SPEAKERS:
        path = ROOT / name
        for source in [path] if path.is_file() else path.rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                    yield node.value


def _of_payloads() -> Iterator[str]:
    for path in (ROOT / "tests" / "payloads").rglob("*.json"):
        try:
            yield from personal(json.loads(path.read_text()))
        except (ValueError, RecursionError):
            continue  # one of those that nobody can read


def _of_people() -> Iterator[str]:
    for person in itertools.chain(itertools.islice(people(1), 500), (one.person for one in HANDFUL.values())):
        yield from personal(asdict(person))
    config = SandboxConfig()
    yield from (getattr(config, f.name) for f in fields(config) if SECRET.search(f.name) and f.type in ("str", str))
    yield from (OLD_SECRET, ADMIN_KEY)


def personal(told: Any) -> Iterator[str]:
    """The values of the fields that hold a person, wherever they lie in this."""
    if isinstance(told, list):
        for each in told:
            yield from personal(each)
    if isinstance(told, Mapping):
        for key, value in told.items():
            if isinstance(value, str) and str(key).lower() in PERSONAL:
                yield value
            yield from personal(value)


def _of_tests() -> Iterator[str]:
    for path in (ROOT / "tests").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            for name, value in _named(node):
                is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
                if is_text and (name.lower() in PERSONAL or SECRET.search(name)):
                    yield ast.literal_eval(value)


def _named(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is given a name here: in a dict, in a call, or by an assignment."""
    match node:
        case ast.Dict():
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield str(key.value), value
        case ast.Call():
            yield from ((keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg)
        case ast.Assign(targets=[ast.Name(id=name)]):
            yield name, node.value
