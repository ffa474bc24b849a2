#!/usr/bin/env bash
# nameparser 2.6.0 (PyPI): takes names apart; since 2.0 Japanese ones as well.
#
# Expected: one person's name in kanji, hiragana and katakana is taken apart the
#   same way: the family name first.
# Seen:     kanji and hiragana are, katakana is turned round: ミホン ハナコ has
#   the first name ミホン. A customer's name and its reading, which Japanese
#   forms ask for in katakana, thus get opposite parts.
#   Seen: 見本 花子 -> family 見本, みほん はなこ -> family みほん, ミホン ハナコ -> family ハナコ
#
# Who meets it: who fills first and last name, and the two phonetic fields, from
#   one field each.
# What to do: give the policy an order for katakana: Policy(script_orders=
#   {**dict(DEFAULT_SCRIPT_ORDERS), Script.KATAKANA: FAMILY_FIRST}), as is done
#   last below, or split readings at the space yourself.
# Source: the note at Script.KATAKANA in nameparser/_policy.py: it is on purpose,
#   as foreigners' names are written in katakana too, their first name first.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-2.6.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "nameparser==$version"

"$work/venv/bin/python" -W ignore - <<'PY'
import sys
from importlib.metadata import version

from nameparser import DEFAULT_SCRIPT_ORDERS, FAMILY_FIRST, HumanName, Parser, Policy, Script

wanted = {"見本 花子": "見本", "みほん はなこ": "みほん", "ミホン ハナコ": "ハナコ"}
print("nameparser", version("nameparser"))
print("expected: the family is the first word three times")
seen = {name: HumanName(name).last for name in wanted}
print("seen: " + ", ".join(f"{name} -> family {family}" for name, family in seen.items()))
orders = {**dict(DEFAULT_SCRIPT_ORDERS), Script.KATAKANA: FAMILY_FIRST}
cure = Parser(policy=Policy(script_orders=orders)).parse("ミホン ハナコ").family
print("seen: with an order for katakana: family", cure)
if seen != wanted or cure != "ミホン":
    sys.exit("CHANGED: names in one of the three scripts are taken apart differently now")
PY
