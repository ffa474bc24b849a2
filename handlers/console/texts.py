"""The Japanese of every text: pieces, one for each part of the console, put together into the file that is served.

``python -m handlers.console.texts`` writes that file anew and names what is missing; with ``--check`` it only looks.
The English text is the key. A text in a module that knows no reader (a table of causes) is marked with ``marked``, and
translated where it is shown.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from handlers.console.example import meanings

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

HERE: Final = Path(__file__).parent
HANDLERS: Final = HERE.parent
TRANSLATIONS: Final = HERE / "translations"
PIECES: Final = TRANSLATIONS / "ja"
SERVED: Final = PIECES / "LC_MESSAGES" / "messages.mo"
_MARKS: Final = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "_l": None, "marked": None}
# When it was compiled is nobody's business: the bytes are to be those of the texts alone.
_NO_DATE: Final = datetime(2000, 1, 1, tzinfo=UTC)
_PLACE: Final = re.compile(r"%\((\w+)\)[sd]")

Text = str | tuple[str, ...]


def marked(text: str) -> str:
    """The text as it is: a mark for those who collect what has to be translated."""
    return text


def collected() -> dict[Text, str]:
    """Every text of the console, with the file in which it stands first."""
    return {text: where for where, text in _found()}


def _found() -> Iterator[tuple[str, Text]]:
    from babel.messages.extract import extract_from_file  # noqa: PLC0415 - not what a web process carries

    sources = [(path, "python") for path in sorted(HANDLERS.rglob("*.py"))]
    sources += [(path, "jinja2.ext:babel_extract") for path in sorted((HERE / "templates").rglob("*.html"))]
    for path, method in sources:
        for _line, text, _comments, _context in extract_from_file(method, path, keywords=_MARKS):
            yield str(path.relative_to(HANDLERS)), text if isinstance(text, str) else tuple(text)
    for _name, group, meaning in meanings():
        heading, _colon, more = group.partition(":")
        yield from ((".env.example", said.strip()) for said in (heading, more, meaning) if said)


def pieces() -> dict[str, Catalog]:
    """Each piece by its file's name."""
    from babel.messages.pofile import read_po  # noqa: PLC0415

    read = {}
    for path in sorted(PIECES.glob("*.po")):
        with path.open("rb") as file:
            read[path.name] = read_po(file, locale="ja", abort_invalid=True)
    return read


def together(read: dict[str, Catalog]) -> Catalog:
    """All pieces as one; of a text that stands in two, the first."""
    from babel.messages.catalog import Catalog  # noqa: PLC0415

    whole = Catalog(locale="ja", domain="messages", fuzzy=False, header_comment="")
    for catalog in read.values():
        for message in catalog:
            if message.id and message.id not in whole:
                whole.add(message.id, message.string)
    return whole


def compiled(catalog: Catalog) -> bytes:
    """The file that is served: the same bytes for the same texts."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415

    catalog.creation_date = catalog.revision_date = _NO_DATE
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def problems() -> list[str]:
    """What is wrong with the texts, each in a line; nothing when all is well."""
    read, wanted = pieces(), collected()
    told: list[str] = []
    given: dict[Text, tuple[str, Text]] = {}
    for name, catalog in read.items():
        for message in catalog:
            if not message.id:
                continue
            key = _key(message.id)
            said = _key(message.string)
            if key in given and given[key][1] != said:
                told.append(f"{name}: {key!r} is said differently in {given[key][0]}")
            given.setdefault(key, (name, said))
            if not all(said if isinstance(said, tuple) else (said,)):
                told.append(f"{name}: {key!r} has no Japanese")
            elif _places(key) != _places(said):
                told.append(f"{name}: {key!r} has other %(names)s in Japanese")
            if key not in wanted:
                told.append(f"{name}: {key!r} stands nowhere any more")
    told += [f"{where}: {text!r} has no Japanese" for text, where in wanted.items() if text not in given]
    if not told and (not SERVED.exists() or SERVED.read_bytes() != compiled(together(read))):
        told.append("the texts that are served are not the newest: run python -m handlers.console.texts")
    return told


def _key(text: object) -> Text:
    return text if isinstance(text, str) else tuple(text) if isinstance(text, (list, tuple)) else ""


def _places(text: Text) -> set[str]:
    return set(_PLACE.findall(" ".join(text) if isinstance(text, tuple) else text))


def main(arguments: Sequence[str]) -> int:
    """Write the file that is served, unless ``--check``; how it ended, for the shell."""
    if "--check" not in arguments:
        SERVED.parent.mkdir(parents=True, exist_ok=True)
        SERVED.write_bytes(compiled(together(pieces())))
    told = problems()
    print("\n".join(told) or "every text has its Japanese")  # noqa: T201 - it is a command
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
