#!/usr/bin/env bash
# PyYAML==6.0.4 (PyPI), YAML 1.1.
#
# Expected: a table of the prefectures' codes 01 to 47 gives keys of one kind:
#   all text, or all numbers.
# Seen:     08 and 09 are text, the other 45 are numbers. A leading zero means
#   octal, and 8 and 9 are no octal figures. Looking up int("08") finds every
#   prefecture but Ibaraki and Tochigi; looking up the text finds only those two.
#   Seen: text keys: 08 09; found by number: 45 of 47, found by text: 2 of 47
#
# Who meets it: who keeps a map from JIS codes (also the figures in Shopify's
#   JP-08) to names in a YAML file; shipping zones, tax, statistics.
# What to do: quote every code. An area's phone prefix (0120 is read as 80) or a
#   shop's hours (10:30 is read as 630, 09:30 is text) need it too.
# Source: the resolver for int in yaml/resolver.py, which follows YAML 1.1.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-6.0.4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "PyYAML==$version"

"$work/venv/bin/python" - <<'PY'
import sys

import yaml

codes = [f"{number:02d}" for number in range(1, 48)]
table = yaml.safe_load("".join(f"{code}: prefecture {code}\n" for code in codes))
text = [key for key in table if isinstance(key, str)]
by_number = sum(table.get(int(code)) == f"prefecture {code}" for code in codes)
by_text = sum(table.get(code) == f"prefecture {code}" for code in codes)
print("PyYAML", yaml.__version__)
print("expected: 47 keys of one kind")
print(f"seen: text keys: {' '.join(text)}; found by number: {by_number} of 47,"
      f" found by text: {by_text} of 47")
others = yaml.safe_load("[0120, 10:30, 09:30]")
print("seen: 0120, 10:30 and 09:30 are read as", others)
if text != ["08", "09"] or (by_number, by_text) != (45, 2) or others != [80, 630, "09:30"]:
    sys.exit("CHANGED: codes with a leading zero are read differently now")
PY
