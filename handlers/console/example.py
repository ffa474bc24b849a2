"""What each setting means, as `.env.example` says it: it stands once, where whoever fills it in reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

EXAMPLE: Final = Path(__file__).parent.parent.parent / ".env.example"


def meanings(example: str | None = None) -> Iterator[tuple[str, str, str]]:
    """Each setting of the example, in its order: its name, the heading it stands under, and its sentence.

    The sentence is the comment above it; settings that follow each other without a comment share one.
    """
    group, comment, fresh = "", "", True
    for line in (EXAMPLE.read_text(encoding="utf-8") if example is None else example).splitlines():
        if heading := re.fullmatch(r"# --- (.+?) -+", line):
            group, comment, fresh = heading[1], "", True
        elif line.startswith("# "):
            comment, fresh = (line[2:] if fresh else f"{comment} {line[2:]}"), False
        elif name := re.match(r"([A-Z_]+)=", line):
            yield name[1], group, comment
            fresh = True
