"""Every setting as it may be shown: what is set, and from where; of a secret only whether it is set."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.settings import Settings

Source = Literal["environment", ".env", "given", "default"]

#: How the names of settings begin that were meant for us, and not for another program that reads the same file.
_OURS: Final = tuple(sorted({name.upper().partition("_")[0] + "_" for name in Settings.model_fields if "_" in name}))


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting; ``value`` is None for a secret and for what is not set."""

    name: str
    value: str | None
    is_secret: bool
    is_set: bool
    source: Source


def listing(settings: Settings, environ: Mapping[str, str], env_file: Mapping[str, str | None]) -> list[Shown]:
    """Every setting. ``env_file`` is what stands in `.env`; Flask's commands copy that into the environment."""
    return [_shown(settings, name, field, environ, env_file) for name, field in Settings.model_fields.items()]


def unknown(env_file: Mapping[str, str | None]) -> Sequence[str]:
    """Names in `.env` that begin like a setting's and are none: slips of the pen, most likely."""
    known = {name.upper() for name in Settings.model_fields}
    return [name for name in env_file if name.upper() not in known and name.upper().startswith(_OURS)]


def read_env_file() -> Mapping[str, str | None]:
    """What stands in `.env`, if it is read at all."""
    path = Path(".env")
    return dotenv_values(path) if path.is_file() and not os.environ.get("FLASK_SKIP_DOTENV") else {}


def _shown(
    settings: Settings, name: str, field: FieldInfo, environ: Mapping[str, str], env_file: Mapping[str, str | None]
) -> Shown:
    value, secret, there = getattr(settings, name), _is_secret(field.annotation), name.upper()
    source: Source = "default" if name not in settings.model_fields_set else "given"
    if source == "given":
        if env_file.get(there) is not None and environ.get(there, env_file[there]) == env_file[there]:
            source = ".env"
        elif there in environ:
            source = "environment"
    is_set = value not in (None, ())
    return Shown(there, _in_words(value) if is_set and not secret else None, secret, is_set, source)


def _is_secret(kind: object) -> bool:
    """Whether a ``SecretStr`` stands anywhere in this type."""
    return kind is SecretStr or any(_is_secret(part) for part in get_args(kind))


def _in_words(value: object) -> str:
    text = ("false", "true")[value] if isinstance(value, bool) else str(value)
    if "://" in text and "@" in text:
        parts = urlsplit(text)  # a password in an address is a secret
        text = parts._replace(netloc=f"…@{parts.netloc.rpartition('@')[2]}", query="").geturl()
    return text
