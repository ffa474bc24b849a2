#!/usr/bin/env bash
# dateparser==1.5.0 (PyPI): reads dates in some two hundred languages.
#
# Expected: S60.4.1 (1 April of the 60th year of Showa, 1985), the way a birth
#   date is typed on Japanese forms, is read as 1985 or is not read.
# Seen:     it is 4 January 2060: with no language given, the Azerbaijani rules
#   take the S, and day and month change places. H10.4.1 (1998) falls to the
#   Swedish rules and is 2010, while H5.3.2 and 昭和60年4月1日 are not read at
#   all. A sample of dates may look refused while others turn wrong silently.
#   Seen: S60.4.1 -> 2060-01-04 (az), H10.4.1 -> 2010-04-01 (sv), H5.3.2 -> None, 昭和60年4月1日 -> None
#
# Who meets it: imports of customers' birthdays that use it as a catch-all.
# What to do: pass languages=["ja", "en"], with which all four are not read, and
#   read the eras yourself before (Showa 1 is 1926, Heisei 1 1989, Reiwa 1 2019).
# Source: what DateDataParser tells of the locale it used; no era is mentioned
#   in the ja data of dateparser/data/date_translation_data.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-1.5.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "dateparser==$version"

"$work/venv/bin/python" -W ignore - <<'PY'
import sys
from importlib.metadata import version

import dateparser
from dateparser.date import DateDataParser

wanted = {"S60.4.1": "2060-01-04 (az)", "H10.4.1": "2010-04-01 (sv)",
          "H5.3.2": "None", "昭和60年4月1日": "None"}
print("dateparser", version("dateparser"))
print("expected: 1985-04-01, 1998-04-01, 1993-03-02 and 1985-04-01, or None")
seen = {}
for typed in wanted:
    data = DateDataParser().get_date_data(typed)
    seen[typed] = f"{data.date_obj:%Y-%m-%d} ({data.locale})" if data.date_obj else "None"
print("seen: " + ", ".join(f"{typed} -> {date}" for typed, date in seen.items()))
told = {dateparser.parse(typed, languages=["ja", "en"]) for typed in wanted}
print("seen: with languages ja and en:", told)
if seen != wanted or told != {None}:
    sys.exit("CHANGED: dates of the Japanese eras are read differently now")
PY
