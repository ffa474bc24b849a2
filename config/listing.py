"""Every setting as it may be shown: what is set, from where, and what it means; of a secret only whether it is set.

What a setting means stands once, in `.env.example`, where whoever fills it in reads it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.settings import Settings

EXAMPLE: Final = Path(__file__).parent.parent / ".env.example"

Source = Literal["environment", ".env", "default"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting; ``value`` is None for a secret and for what is not set."""

    name: str
    group: str
    value: str | None
    is_secret: bool
    is_set: bool
    source: Source
    meaning: str


def listing(settings: Settings, environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> list[Shown]:
    """Every setting, in the order of `.env.example`. ``env_file`` is the `.env` that was read, if any."""
    in_environment = {name.upper() for name, value in (os.environ if environ is None else environ).items() if value}
    in_file = {name.upper() for name, value in _read(env_file).items() if value}
    shown = []
    for name, group, meaning in meanings(EXAMPLE.read_text(encoding="utf-8")):
        field = Settings.model_fields[name.lower()]
        value = getattr(settings, name.lower())
        source: Source = "environment" if name in in_environment else ".env" if name in in_file else "default"
        secret = _is_secret(field)
        told = None if secret or value in (None, ()) else _in_words(name, value)
        shown.append(Shown(name, group, told, secret, value not in (None, ()), source, meaning))
    return shown


def meanings(example: str) -> Iterator[tuple[str, str, str]]:
    """Each setting of `.env.example`: its name, the heading it stands under, and its sentence.

    A sentence is the comment above; a name that follows another without a comment shares it.
    """
    group, comment, fresh = "", [""], True
    for line in example.splitlines():
        if heading := re.match(r"# --- (.+?) -+$", line):
            group, comment, fresh = heading[1].partition(":")[0], [], True
        elif line.startswith("# "):
            comment = [*([] if fresh else comment), line[2:]]
            fresh = False
        elif name := re.match(r"([A-Z_]+)=", line):
            yield name[1], group, " ".join(comment)
            fresh = True


def _read(env_file: Path | None) -> Mapping[str, str | None]:
    return dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}


def _is_secret(field: FieldInfo) -> bool:
    """Whether a ``SecretStr`` stands anywhere in the field's type."""

    def stands_in(kind: object) -> bool:
        return kind is SecretStr or any(stands_in(part) for part in get_args(kind))

    return stands_in(field.annotation)


def _in_words(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if name == "DATABASE_URL" and "@" in text:
        parts = urlsplit(text)  # its password is a secret, and its user is nobody's business either
        return parts._replace(netloc=f"…@{parts.netloc.rpartition('@')[2]}", query="").geturl()
    return text
