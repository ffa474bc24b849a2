#!/usr/bin/env bash
# namedivider-python==0.4.2 (PyPI): splits 見本花子 into family and given name.
#
# Expected: a name that is divided already comes back in the same two parts, and
#   one in Latin letters is divided at its space or refused.
# Seen:     the space counts as a letter. 見本 花子 gets the given name " 花子"
#   with the space in front of it (the full-width space likewise), and Mihon
#   Hanako is divided after its first letter. Neither is refused, and shown
#   joined by a space again they look right at a glance.
#   Seen: '見本花子' -> 見本|花子, '見本 花子' -> 見本| 花子
#   Seen: 'Mihon Hanako' -> M|ihon Hanako
#
# Who meets it: imports whose name column is divided for some customers only,
#   which is the rule where a till and a shop are brought together.
# What to do: divide at the space where there is one (str.split takes the
#   full-width one too), and call the library only for the rest that is kanji.
# Source: divide_name in namedivider/divider/basic_name_divider.py, which works
#   on the text as it is.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-0.4.2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "namedivider-python==$version"

"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

from namedivider import BasicNameDivider

divider = BasicNameDivider()
wanted = {"見本花子": ("見本", "花子"), "見本 花子": ("見本", " 花子"),
          "見本\u3000花子": ("見本", "\u3000花子"), "Mihon Hanako": ("M", "ihon Hanako")}
print("namedivider-python", version("namedivider-python"))
print("expected: 見本|花子 three times, Mihon|Hanako or an error")
seen = {}
for name in wanted:
    parts = divider.divide_name(name)
    seen[name] = (parts.family, parts.given)
print("seen: " + ", ".join(f"{name!r} -> {'|'.join(parts)}" for name, parts in seen.items()))
if seen != wanted:
    sys.exit("CHANGED: names that are divided already are treated differently now")
PY
