#!/usr/bin/env bash
# SQLite==3.54.1's FTS5, by apsw 3.54.1.0 (PyPI), which brings its own SQLite.
#
# Expected: a full-text index over customers' names finds 花子 in 見本花子, at
#   the latest with the trigram tokenizer, which is there for parts of words.
# Seen:     neither finds it. unicode61 takes a run of kanji for one word; the
#   trigram one has no entry shorter than three characters, and family names and
#   given names in Japan mostly have two. An empty answer, no error.
#   Seen: unicode61 見本花子 1, 花子 0, 見本 0, 本花子 0; trigram 見本花子 1, 花子 0, 見本 0, 本花子 1
#
# Who meets it: who adds a search box to a customer list on SQLite; a trial with
#   an address or a name of three or more characters works.
# What to do: LIKE '%花子%', which a trigram index allows though it does not
#   speed up two characters; or index the name with a space after each character
#   under unicode61 and ask for "花 子" as a phrase.
# Source: "The Trigram Tokenizer" in SQLite's page on FTS5, which says that
#   shorter strings match nothing.
#
# Another version of apsw to try may be given as the first argument.
set -euo pipefail
version=${1:-3.54.1.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "apsw==$version"

"$work/venv/bin/python" - <<'PY'
import sys

import apsw

connection = apsw.Connection(":memory:")
print("apsw", apsw.apsw_version(), "SQLite", apsw.sqlite_lib_version())
print("expected: 1 everywhere")
words = ("見本花子", "花子", "見本", "本花子")
seen = {}
for tokenizer in ("unicode61", "trigram"):
    connection.execute(f"CREATE VIRTUAL TABLE {tokenizer} USING fts5(name, tokenize='{tokenizer}')")
    connection.execute(f"INSERT INTO {tokenizer} VALUES ('見本花子')")
    seen[tokenizer] = [
        connection.execute(f"SELECT count(*) FROM {tokenizer} WHERE name MATCH ?", (word,)).get
        for word in words]
like = connection.execute("SELECT count(*) FROM trigram WHERE name LIKE '%花子%'").get
print("seen: " + "; ".join(
    f"{tokenizer} " + ", ".join(f"{word} {count}" for word, count in zip(words, counts))
    for tokenizer, counts in seen.items()))
print("seen: by LIKE on the trigram table:", like)
if seen != {"unicode61": [1, 0, 0, 0], "trigram": [1, 0, 0, 1]} or like != 1:
    sys.exit("CHANGED: names of two characters are found differently now")
PY
