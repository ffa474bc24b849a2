"""A member's code as bars that a till reads from a phone: Code 128, as a PNG of black and white alone.

The bars come from the library; the picture is written here, for its writer of pictures would bring an imaging library
of 10 MiB into the worker and round the bars to millimetres.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import Final

#: So many pixels to the narrowest bar: shown at half its size, it is sharp on a phone's screen.
PIXELS: Final = 4
#: ISO/IEC 15417: ten narrow bars of white on each side, else no scanner finds the beginning.
QUIET: Final = 12
HEIGHT: Final = 216
#: A code longer than this makes bars that are wider than a phone.
LONGEST: Final = 20

_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
_MARGIN: Final = 24


def bars(code: str) -> str:
    """The modules from left to right, ``1`` for a black one, without the quiet zones."""
    # Not before it is needed: it imports an imaging library where there is one. It ships no types.
    from barcode.codex import Code128  # type: ignore[import-untyped]  # noqa: PLC0415

    modules: str = Code128(code).build()[0]
    return modules


def drawable(code: str | None) -> bool:
    """Whether this code can be shown as bars."""
    return bool(code and len(code) <= LONGEST and _PRINTABLE.fullmatch(code))


def png(code: str) -> bytes:
    """The barcode as a PNG, with white around it, so that it can be read on a dark page as well."""
    white = "0" * (QUIET * PIXELS)
    line = white + "".join(module * PIXELS for module in bars(code)) + white
    width = len(line)
    line = line.ljust(-(-width // 8) * 8, "0")
    # In a picture of one bit to the pixel 1 is white.
    black = b"\0" + bytes(0xFF ^ int(line[i : i + 8], 2) for i in range(0, len(line), 8))
    blank = b"\0" + b"\xff" * (len(line) // 8)
    rows = blank * _MARGIN + black * (HEIGHT - 2 * _MARGIN) + blank * _MARGIN
    head = struct.pack(">IIBBBBB", width, HEIGHT, 1, 0, 0, 0, 0)
    parts = (_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(rows, 9)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def width_of(code: str) -> int:
    """How wide the barcode is to be shown, in CSS pixels: half its own width."""
    return (len(bars(code)) + 2 * QUIET) * PIXELS // 2


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
