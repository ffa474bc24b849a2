#!/usr/bin/env bash
# phonenumbers==9.0.43 (PyPI), the Python port of libphonenumber.
#
# Expected: what stands behind a number is read as an extension or passed over,
#   in Japanese as in other languages: "ext 12", "#12" and the Russian word for
#   it are read, and words before the number ("TEL") are passed over.
# Seen:     内線12 (extension 12) behind a number makes the whole of it "not a
#   phone number", and so do (代表) (main line), (自宅) (home) and （母） (mother),
#   all of them everyday on forms. The number is lost with the note.
#   Seen: read: "03-0000-1234 ext 12", "03-0000-1234 доб 12", "TEL 03-0000-1234", "自宅03-0000-1234"
#   Seen: refused: "03-0000-1234 内線12", "03-0000-1234(代表)", "03-0000-1234(自宅)", "090-0000-1234（母）"
#
# Who meets it: imports of customers from forms and tills with one free field.
# What to do: cut the text at the first 内線 or bracket behind the last figure
#   before parsing, and keep the rest as a note; PhoneNumberMatcher also finds the
#   number within the text.
# Source: _create_extn_pattern in phonenumbers/phonenumberutil.py, which lists
#   the words for an extension, and _VALID_PHONE_NUMBER beside it.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-9.0.43}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "phonenumbers==$version"

"$work/venv/bin/python" - <<'PY'
import sys

import phonenumbers

abroad = ["03-0000-1234 ext 12", "03-0000-1234 доб 12", "TEL 03-0000-1234", "自宅03-0000-1234"]
japanese = ["03-0000-1234 内線12", "03-0000-1234(代表)", "03-0000-1234(自宅)", "090-0000-1234（母）"]

def parses(text):
    try:
        phonenumbers.parse(text, "JP")
    except phonenumbers.NumberParseException:
        return False
    return True

print("phonenumbers", phonenumbers.__version__)
print("expected: all eight are read")
read = [text for text in abroad + japanese if parses(text)]
refused = [text for text in abroad + japanese if not parses(text)]
print("seen: read:", ", ".join(f'"{text}"' for text in read))
print("seen: refused:", ", ".join(f'"{text}"' for text in refused))
found = [match.raw_string for match in phonenumbers.PhoneNumberMatcher(
    japanese[0], "JP", phonenumbers.Leniency.POSSIBLE)]
print("seen: PhoneNumberMatcher finds", found, "in", japanese[0])
if read != abroad or refused != japanese or found != ["03-0000-1234"]:
    sys.exit("CHANGED: a note in Japanese behind a number is treated differently now")
PY
