#!/usr/bin/env bash
# werkzeug==3.1.9 (PyPI), the basis of Flask.
#
# Expected: a browser that asks for ja-JP first and English after it gets "ja"
#   of a site that has "ja" and "en".
# Seen:     it gets English. An exact match is looked for first in the whole
#   list, "en" at 0.8 is one, "ja-JP" at 1.0 is none; the shortening of ja-JP to
#   ja comes only when nothing at all matched, so ja-JP alone does give "ja".
#   Seen: ja-JP,en-US;q=0.9,en;q=0.8 -> en; ja-JP -> ja; ja-JP,ja;q=0.9,en;q=0.8 -> ja
#
# Who meets it: Flask sites in two languages that use best_match; the visitors
#   whose system sends ja-JP without a plain ja.
# What to do: offer best_match the long tags too (["ja-JP", "ja", "en"]), or walk
#   through the header's values in order and compare the first part of each.
# Source: LanguageAccept.best_match in werkzeug/datastructures/accept.py. Its
#   description says so; what follows for the visitor is the surprise.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-3.1.9}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "werkzeug==$version"

"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

wanted = {"ja-JP,en-US;q=0.9,en;q=0.8": "en", "ja-JP": "ja", "ja-JP,ja;q=0.9,en;q=0.8": "ja"}
print("werkzeug", version("werkzeug"))
print("expected: ja three times")
seen = {header: parse_accept_header(header, LanguageAccept).best_match(["ja", "en"])
        for header in wanted}
print("seen: " + "; ".join(f"{header} -> {language}" for header, language in seen.items()))
cure = parse_accept_header(next(iter(wanted)), LanguageAccept).best_match(["ja-JP", "ja", "en"])
print("seen: with ja-JP offered too:", cure)
if seen != wanted or cure != "ja-JP":
    sys.exit("CHANGED: best_match chooses differently now")
PY
