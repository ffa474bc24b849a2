"""The letter: Jinja templates in Japanese and English, each file of which the merchant may replace by their own.

A folder for each language (``ja``, ``en``) holds ``subject.txt``, ``body.txt`` and ``body.html``. A file of the
merchant's own folder goes before ours of the same name. Templates are not trusted with more than they need: they run in
Jinja's sandbox, and in HTML everything a customer wrote is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from clients.errors import StopLane
from clients.mail.barcode import drawable, width_of
from japan import is_blank

Variant: TypeAlias = Literal["member", "linked", "wait"]

OURS: Final = Path(__file__).with_name("templates")
PARTS: Final = ("subject.txt", "body.txt", "body.html")
VARIANTS: Final[tuple[Variant, ...]] = ("member", "linked", "wait")
#: A subject is one line; longer ones are cut off by every mail program anyway.
LONGEST_SUBJECT: Final = 200


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom the letter is for: what a template may speak of. ``code`` is what the till scans."""

    variant: Variant
    code: str | None
    last_name: str
    first_name: str
    locale: str | None

    @property
    def barcode(self) -> str | None:
        """The code to be shown as bars: a new member's. Who has a card has its bars in the purse."""
        return self.code if self.variant == "member" and drawable(self.code) else None


@dataclass(frozen=True, slots=True)
class Letter:
    """What was made of the templates for one reader."""

    language: str
    subject: str
    text: str
    html: str


class Letters:
    """The templates: ours, and before them those in ``folder``. ``shop_name`` is the merchant's, as readers know it."""

    def __init__(self, folder: Path | None, *, shop_name: str) -> None:
        self._folder = folder
        self._shop_name = shop_name
        folders = [*([folder] if folder else []), OURS]
        self._templates = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(one) for one in folders]),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """Japanese, English, and whatever else the merchant has a whole folder for."""
        own = self._folder.iterdir() if self._folder and self._folder.is_dir() else ()
        more = sorted(one.name for one in own if all((one / part).is_file() for part in PARTS))
        return tuple(dict.fromkeys(("ja", "en", *more)))

    def language_for(self, locale: str | None) -> str:
        """The language of this locale; Japanese where nobody told us, English where we have none of theirs."""
        if not locale:
            return "ja"
        wish = locale.replace("_", "-").lower()
        named = {language.lower(): language for language in self.languages}
        return named.get(wish) or named.get(wish.partition("-")[0]) or "en"

    def write(self, reader: Reader, *, picture: str | None = None, language: str | None = None) -> Letter:
        """The letter; ``picture`` is the barcode's address in the HTML. Raises ``StopLane``: a template is wrong."""
        language = language or self.language_for(reader.locale)
        barcode = reader.barcode if picture else None
        told: dict[str, Any] = {
            "variant": reader.variant,
            "code": reader.code or "",
            "last_name": _one_line(reader.last_name),
            "first_name": _one_line(reader.first_name),
            "shop_name": self._shop_name,
            "barcode": picture if barcode else None,
            "barcode_width": width_of(barcode) if barcode else 0,
        }
        subject, text, html = (self._fill(f"{language}/{part}", told) for part in PARTS)
        return Letter(language, _one_line(subject)[:LONGEST_SUBJECT], text, html)

    def check(self) -> None:
        """Write every letter once for an invented reader. Raises ``StopLane`` naming the file and the mend."""
        if self._folder is not None and not self._folder.is_dir():
            raise StopLane("MAIL_TEMPLATES is not a folder: make it, or leave the setting empty", kind="mail.template")
        for language in self.languages:
            for reader in samples():
                letter = self.write(reader, picture="cid:barcode", language=language)
                for part, made in (("subject.txt", letter.subject), ("body.txt", letter.text)):
                    if not made.strip():
                        raise _wrong(f"{language}/{part}", f"it is empty for a reader of the variant {reader.variant}")

    def _fill(self, name: str, told: Mapping[str, Any]) -> str:
        try:
            return self._templates.get_template(name).render(told)
        except TemplateSyntaxError as e:
            raise _wrong(e.name or name, f"line {e.lineno}: {e.message}") from None
        except UndefinedError as e:
            known = ", ".join(sorted(told))
            raise _wrong(name, f"{_without_values(e)}; there are {known}") from None
        except TemplateNotFound as e:
            raise _wrong(name, f"there is no template {e.name}") from None
        except TemplateError as e:
            raise _wrong(name, type(e).__name__) from None
        except (OSError, UnicodeDecodeError) as e:
            raise _wrong(name, f"it cannot be read as UTF-8 ({type(e).__name__})") from None
        except Exception as e:  # noqa: BLE001 - a template may call anything; its error may quote a customer
            raise _wrong(name, f"it ends in an error ({type(e).__name__})") from None


def samples() -> Iterator[Reader]:
    """An invented reader of each variant, and one without a name."""
    for variant in VARIANTS:
        code = {"member": "6995325702001", "linked": "CARD00012345"}.get(variant)
        for last_name, first_name in (("見本", "花子"), ("", "")):
            yield Reader(variant, code, last_name, first_name, None)


def _one_line(text: str) -> str:
    """Without line breaks and other controls, which have no place in a name and none in a header; "" for the unseen."""
    if is_blank(text):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _without_values(e: UndefinedError) -> str:
    return (e.message or "a name in it is not known").partition("\n")[0]


def _wrong(name: str, why: str) -> StopLane:
    return StopLane(f"the mail template {name} is wrong ({why}): mend it in MAIL_TEMPLATES", kind="mail.template")
