#!/usr/bin/env bash
# pykakasi==2.3.0 (PyPI): reads kanji aloud as kana and Latin letters.
#
# Expected: the common variants in family names are read like their plain form
#   (髙橋 like 高橋, 山﨑 like 山崎), or are passed through untouched.
# Seen:     a kanji it does not know spoils its neighbours. At the end of a name
#   the part before it is said twice (山﨑 is "yamayama"); at the beginning all
#   that follows is swallowed (髙橋 is nothing at all). No error either way, and
#   the pieces' "orig" no longer add up to what was put in.
#   Seen: 山﨑 -> 'yamayama', pieces add up to the input: False
#   Seen: 髙橋 -> '', pieces add up to the input: False
#
# Who meets it: who makes the reading or the Latin name of a customer from the
#   kanji. 髙 and 﨑 are among the most frequent variants on Japanese forms.
# What to do: map the variants to their plain form first, and check that the
#   "orig" parts joined give the input again before using a reading.
# Source: Kakasi.convert in pykakasi/kakasi.py.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-2.3.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "pykakasi==$version"

"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import pykakasi

reader = pykakasi.kakasi()
print("pykakasi", version("pykakasi"))
print("expected: the variant reads like the plain form, or stays as it is")
wanted = {"山崎": ("yamazaki", True), "山﨑": ("yamayama", False),
          "高橋": ("takahashi", True), "髙橋": ("", False)}
seen = {}
for name in wanted:
    parts = reader.convert(name)
    whole = "".join(part["orig"] for part in parts) == name
    seen[name] = ("".join(part["hepburn"] for part in parts), whole)
    print(f"seen: {name} -> {seen[name][0]!r}, pieces add up to the input: {whole}")
if seen != wanted:
    sys.exit("CHANGED: a variant kanji no longer repeats or swallows its neighbours")
PY
