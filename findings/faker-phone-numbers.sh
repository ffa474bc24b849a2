#!/usr/bin/env bash
# Faker==40.63.0 (PyPI) with the locale ja_JP, checked by phonenumbers 9.0.43.
#
# Expected: invented phone numbers look like Japanese ones and ring nowhere, as
#   the invented e-mail addresses by email() lie under example.com, .net or .org.
# Seen:     three in four are mobile numbers that may be somebody's: nine in ten
#   of these are in a range that is in use. Of the rest nine in ten have no zero
#   in front, so that they are no number of any kind as dialled in Japan.
#   Seen: 1478 of 2000 mobile, 1374 of these in use; 522 others, 49 with a leading 0
#
# Who meets it: who fills a trial shop with customers and then sends text
#   messages, or tries rules for phone numbers on them.
# What to do: f.numerify("090-0000-####"), a range that is not in use.
# Source: faker/providers/phone_number/ja_JP/__init__.py, four patterns.
#
# Another version of Faker to try may be given as the first argument.
set -euo pipefail
version=${1:-40.63.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "Faker==$version" 'phonenumbers==9.0.43'

"$work/venv/bin/python" - <<'PY'
import sys

import faker
import phonenumbers

def in_use(number):
    return phonenumbers.is_valid_number(phonenumbers.parse(number, "JP"))

invent = faker.Faker("ja_JP")
invent.seed_instance(1)
numbers = [invent.phone_number() for _ in range(2000)]
mobile = [number for number in numbers if number[:3] in ("070", "080", "090")]
others = [number for number in numbers if number not in mobile]
used = sum(in_use(number) for number in mobile)
zero = sum(number.startswith("0") for number in others)
domains = {invent.email().split("@")[1] for _ in range(200)}
print("Faker", faker.VERSION)
print("expected: none in use, all others with a leading 0")
print(f"seen: {len(mobile)} of 2000 mobile, {used} of these in use;"
      f" {len(others)} others, {zero} with a leading 0")
print("seen: addresses under", ", ".join(sorted(domains)))
print("seen: 090-0000-1234 in use:", in_use("090-0000-1234"))
if used < len(mobile) * 0.8 or zero > len(others) * 0.2 or in_use("090-0000-1234"):
    sys.exit("CHANGED: invented phone numbers look different now")
PY
