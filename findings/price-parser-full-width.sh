#!/usr/bin/env bash
# price-parser==0.5.1 (PyPI): reads amounts as people and pages write them.
#
# Expected: １，９８０円 (1,980 yen, typed full-width) is 1980 or is not read. The
#   full-width figures alone (１９８０円) are read as 1980.
# Seen:     it is 1 yen: the figures are known full-width, the comma between
#   them is not, and what stands behind it is dropped. 1万円 (ten thousand yen)
#   is 1 yen as well. Nothing tells that part of the text was passed over.
#   Seen: 1,980円 -> 1980, １９８０円 -> 1980, １，９８０円 -> 1, 1万円 -> 1
#
# Who meets it: imports of spending or points from sheets filled in by hand.
# What to do: unicodedata.normalize("NFKC", text) before it; with 万 in the text
#   count yourself.
# Source: parse_number and extract_price_text in price_parser/parser.py.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-0.5.1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "price-parser==$version"

"$work/venv/bin/python" - <<'PY'
import sys
import unicodedata
from importlib.metadata import version

from price_parser import Price

def amount(text):
    return str(Price.fromstring(text).amount)

wanted = {"1,980円": "1980", "１９８０円": "1980", "１，９８０円": "1", "1万円": "1"}
print("price-parser", version("price-parser"))
print("expected: 1980, 1980, 1980 and 10000, or None")
seen = {text: amount(text) for text in wanted}
print("seen: " + ", ".join(f"{text} -> {read}" for text, read in seen.items()))
cure = amount(unicodedata.normalize("NFKC", "１，９８０円"))
print("seen: after NFKC:", cure)
if seen != wanted or cure != "1980":
    sys.exit("CHANGED: full-width amounts or 万 are read differently now")
PY
