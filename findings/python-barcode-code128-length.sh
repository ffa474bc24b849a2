#!/usr/bin/env bash
# python-barcode==0.16.1 (PyPI), Code 128.
#
# Expected: the shortest code. A letter and five figures (A12345, a member's
#   number) take start, A, 1, switch to pairs, 23, 45, check and stop.
# Seen:     one symbol (11 modules) more: the switch to pairs comes at the first
#   figure, so that of an odd run the last one is left over and needs a switch
#   back. An even run (A123456) and figures alone are as short as can be, hence
#   a card with one figure more is printed narrower than one with a figure less.
#   Seen: A12345 101 modules (shortest 90), A123456 90 modules (shortest 90)
#
# Who meets it: who prints members' numbers on small cards or receipts, where the
#   width decides whether a scanner at the till reads it.
# What to do: fill the numbers up to an even count of figures.
# Source: Code128._maybe_switch_charset in barcode/codex.py; the shortest length
#   is computed below over all ways of switching (sets B and C).
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-0.16.1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "python-barcode==$version"

"$work/venv/bin/python" - <<'PY'
import sys
from functools import cache
from importlib.metadata import version

from barcode import Code128

@cache
def symbols(rest, charset):
    """The fewest data and switch symbols for the rest, being in set B or C."""
    if not rest:
        return 0
    ways = []
    if charset == "B":
        ways.append(1 + symbols(rest[1:], "B"))
    if len(rest) > 1 and rest[:2].isdigit():
        ways.append((1 if charset == "C" else 2) + symbols(rest[2:], "C"))
    if charset == "C":
        ways.append(2 + symbols(rest[1:], "B"))
    return min(ways)

def shortest(text):
    """Modules: start and check with 11 each, the stop with 13."""
    return 11 * (2 + min(symbols(text, "B"), symbols(text, "C"))) + 13

wanted = {"A12345": (101, 90), "A123456": (90, 90), "M0012345": (112, 101), "12345": (79, 79)}
print("python-barcode", version("python-barcode"))
print("expected: as many modules as the shortest code has")
seen = {text: (len(Code128(text).build()[0]), shortest(text)) for text in wanted}
print("seen: " + ", ".join(f"{text} {got} modules (shortest {least})"
                           for text, (got, least) in seen.items()))
if seen != wanted:
    sys.exit("CHANGED: the lengths are others now")
PY
