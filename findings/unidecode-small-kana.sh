#!/usr/bin/env bash
# Unidecode==1.4.0 (PyPI): Latin letters for any text.
#
# Expected: kana, which are written as they are spoken, come out as the Latin
#   spelling in use (Junichi, Shoko, Hattori), unlike kanji, of which the README
#   says that they get Chinese readings.
# Seen:     each sign is taken alone. A small one never melts with the one before
#   it and the small っ, which doubles a consonant, is a full "tsu". No Japanese
#   reader would write or search for these.
#   Seen: じゅんいち -> ziyunichi, しょうこ -> shiyouko, はっとり -> hatsutori, ハナコ -> hanako
#
# Who meets it: who makes Latin names, file names or search keys of the readings
#   in a customer list; python-slugify can be set to use it too. A trial with
#   Hanako is right, since it has no small sign.
# What to do: a library made for kana (jaconv.kana2alphabet, pykakasi, wanakana).
# Source: unidecode/x030.py, a table of one text for one character.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-1.4.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "Unidecode==$version"

"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

from unidecode import unidecode

wanted = {"じゅんいち": "ziyunichi", "しょうこ": "shiyouko", "はっとり": "hatsutori",
          "ハナコ": "hanako"}
print("Unidecode", version("Unidecode"))
print("expected: junichi, shoko or shouko, hattori, hanako")
seen = {kana: unidecode(kana) for kana in wanted}
print("seen: " + ", ".join(f"{kana} -> {latin}" for kana, latin in seen.items()))
if seen != wanted:
    sys.exit("CHANGED: kana are spelled differently now")
PY
