#!/usr/bin/env bash
# python-barcode==0.16.1 (PyPI), EAN-13 and JAN (its Japanese part).
#
# Expected: 13 figures whose last one, the check figure, does not fit the others
#   are refused: finding slips of the finger is what that figure is there for.
# Seen:     the last figure is cut off and replaced by the one that fits. With
#   one figure mistyped, a card or a label is printed that every scanner takes,
#   for another number than the one handed in. EAN-8 and UPC-A do the same.
#   Seen: 4912345678904 -> 4912345678904, 4912345678914 -> 4912345678911, 4912345678900 -> 4912345678904
#
# Who meets it: who prints members' cards or shelf labels from a sheet typed by
#   hand, and relies on the library to notice.
# What to do: compare get_fullcode() with what was put in, or check it before
#   (stdnum.ean.validate).
# Source: EuropeanArticleNumber13.__init__ in barcode/ean.py. Its description says
#   that what is too long is trimmed; no_checksum=True keeps the figure, unchecked.
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
from importlib.metadata import version

import barcode

# The right one, one with its twelfth figure mistyped, one with its last mistyped.
wanted = {"4912345678904": "4912345678904", "4912345678914": "4912345678911",
          "4912345678900": "4912345678904"}
print("python-barcode", version("python-barcode"))
print("expected: the first as it is, an error for the other two")
seen = {number: barcode.get("jan", number).get_fullcode() for number in wanted}
print("seen: " + ", ".join(f"{number} -> {printed}" for number, printed in seen.items()))
short = barcode.get("ean8", "49123450").get_fullcode()
print("seen: EAN-8 49123450 ->", short)
if seen != wanted or short == "49123450":
    sys.exit("CHANGED: a wrong check figure is no longer replaced")
PY
