#!/usr/bin/env bash
# email-validator==2.4.0 (PyPI), also behind pydantic's EmailStr.
#
# Expected: one of its many options lets in an address with two dots in a row or
#   a dot before the @. docomo and au gave out such addresses to their customers
#   until 2009, and some still have them.
# Seen:     none does. All options together let in an address without a local
#   part and one on a bare IP address, but not these; only a spelling in quotes,
#   which the owner never typed, passes with allow_quoted_local.
#   Seen: hana..ko@docomo.ne.jp False, hanako.@docomo.ne.jp False, @example.jp True, hanako@[192.0.2.1] True
#
# Who meets it: shops in Japan with customers of long standing; the shop platform
#   or the till has the address, the service in between calls it no address.
# What to do: take what the other systems hold as it is and keep the check for
#   new sign-ups; or put the local part in quotes for the check alone.
# Source: the checks of dots in email_validator/syntax.py. RFC 5321 is on
#   the library's side.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-2.4.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "email-validator==$version"

"$work/venv/bin/python" - <<'PY'
import inspect
import sys
from importlib.metadata import version

from email_validator import EmailNotValidError, validate_email

options = {name: True for name in inspect.signature(validate_email).parameters
           if name.startswith("allow_")} | {"check_deliverability": False}

def passes(address):
    try:
        validate_email(address, **options)
    except EmailNotValidError:
        return False
    return True

wanted = {"hana..ko@docomo.ne.jp": False, "hanako.@docomo.ne.jp": False, "@example.jp": True,
          "hanako@[192.0.2.1]": True, '"hana..ko"@docomo.ne.jp': True}
print("email-validator", version("email-validator"))
print("all of:", ", ".join(options))
print("expected: True for the first two")
seen = {address: passes(address) for address in wanted}
print("seen: " + ", ".join(f"{address} {answer}" for address, answer in seen.items()))
if seen != wanted:
    sys.exit("CHANGED: the options let in other addresses now")
PY
