#!/usr/bin/env bash
# jaconv==0.5.0 (PyPI): width and kana conversion for Japanese.
#
# Expected: normalize(), described as turning full-width signs and figures into
#   half-width ones, makes "-" of the full-width hyphen, as plain NFKC does.
# Seen:     the full-width hyphen-minus (U+FF0D) becomes ー, the sign of a long
#   vowel, before NFKC gets to it, while the minus sign that looks the same
#   (U+2212) becomes "-". One and the same street number thus has two spellings
#   after the step that was to give it one; a range loses its 〜 to ー as well.
#   Seen: U+FF0D 4ー2ー8, U+2212 4-2-8; NFKC alone makes 4-2-8 of the first; 1〜3丁目 -> 1ー3丁目
#
# Who meets it: who normalises addresses, phone numbers or postcodes with it;
#   which of the two hyphens is typed depends on the keyboard's software.
# What to do: unicodedata.normalize("NFKC", text) for fields with figures, and
#   turn the other hyphens between figures into "-" yourself. normalize() is for
#   running text, where that sign mostly is a long vowel.
# Source: normalize() in jaconv/jaconv.py.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-0.5.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "jaconv==$version"

"$work/venv/bin/python" - <<'PY'
import sys
import unicodedata
from importlib.metadata import version

import jaconv

typed = {"U+FF0D": "４\uff0d２\uff0d８", "U+2212": "４\u2212２\u2212８"}
print("jaconv", version("jaconv"))
print("expected: 4-2-8 for both hyphens")
seen = {hyphen: jaconv.normalize(text) for hyphen, text in typed.items()}
plain = unicodedata.normalize("NFKC", typed["U+FF0D"])
area = jaconv.normalize("1〜3丁目")
print("seen: " + ", ".join(f"{hyphen} {text}" for hyphen, text in seen.items())
      + f"; NFKC alone makes {plain} of the first; 1〜3丁目 -> {area}")
if seen != {"U+FF0D": "4ー2ー8", "U+2212": "4-2-8"} or plain != "4-2-8" or area != "1ー3丁目":
    sys.exit("CHANGED: normalize() treats the hyphens differently now")
PY
