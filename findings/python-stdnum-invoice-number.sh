#!/usr/bin/env bash
# python-stdnum==2.2 (PyPI): checks of official numbers, country by country.
#
# Expected: the check it offers as Japan's VAT number takes the number that is
#   printed on Japanese invoices, T and 13 figures, as its checks for countries
#   in Europe take their numbers with the letters in front.
# Seen:     "vat" of Japan is the corporate number under another name. With the
#   T it is always InvalidLength; the same number without the T is valid. Figures
#   typed full-width are taken, the T in front of them is not.
#   Seen: de DE136695976 ok; jp T5835678256246 InvalidLength; jp 5835678256246 ok; jp ５８３５６７８２５６２４６ ok
#
# Who meets it: services that check the invoice registration number of business
#   customers, on every invoice in Japan since October 2023, by
#   get_cc_module(country, "vat").
# What to do: cut one leading T (T, t, Ｔ) for Japan. A sole trader's number is no
#   corporate number and may fail the check figure: look it up at the tax agency.
# Source: stdnum/jp/__init__.py (vat is an alias of cn) and stdnum/jp/cn.py.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-2.2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "python-stdnum==$version"

"$work/venv/bin/python" - <<'PY'
import sys

import stdnum
from stdnum.exceptions import ValidationError

def answer(country, number):
    try:
        stdnum.get_cc_module(country, "vat").validate(number)
    except ValidationError as error:
        return type(error).__name__
    return "ok"

# Both numbers are the examples in the library's own description.
wanted = {("de", "DE136695976"): "ok", ("jp", "T5835678256246"): "InvalidLength",
          ("jp", "5835678256246"): "ok", ("jp", "５８３５６７８２５６２４６"): "ok"}
print("python-stdnum", stdnum.__version__)
print("expected: ok four times")
seen = {key: answer(*key) for key in wanted}
print("seen: " + "; ".join(f"{country} {number} {said}" for (country, number), said in seen.items()))
if seen != wanted:
    sys.exit("CHANGED: Japan's invoice number is checked differently now")
PY
