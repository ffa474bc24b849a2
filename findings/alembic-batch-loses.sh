#!/usr/bin/env bash
# alembic==1.20.1 with SQLAlchemy 2.1.9 (PyPI), on SQLite.
#
# Expected: batch_alter_table, which rebuilds a SQLite table to change one
#   column, leaves everything else of the table as it was, or warns.
# Seen:     COLLATE NOCASE is gone from the column and from its unique index,
#   AUTOINCREMENT is gone, and the trigger is gone, all without a warning. After
#   it Hanako@example.jp and hanako@example.jp are two customers, and the number
#   of a deleted last customer is given to the next one.
#   Seen: before: NOCASE yes, AUTOINCREMENT yes, trigger yes; after: no, no, no; warnings: 0
#
# Who meets it: small services on SQLite at their first migration that drops or
#   alters a column.
# What to do: read sqlite_master before and after each batch step in a test;
#   name what must survive in reflect_args (Column with collation), table_kwargs
#   (sqlite_autoincrement=True), and make triggers and indexes anew.
# Source: alembic/operations/batch.py builds the new table from what SQLAlchemy
#   reflects of SQLite, and that is none of the three.
#
# Another version of alembic to try may be given as the first argument.
set -euo pipefail
version=${1:-1.20.1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "alembic==$version" 'SQLAlchemy==2.1.9'

"$work/venv/bin/python" - <<'PY'
import sys
import warnings

import alembic
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.operations import Operations

def traits(connection):
    rows = connection.exec_driver_sql("SELECT type, sql FROM sqlite_master").all()
    sql = " ".join(text or "" for _, text in rows)
    return ["NOCASE" in sql, "AUTOINCREMENT" in sql, "trigger" in [kind for kind, _ in rows]]

def told(answers):
    return ["yes" if answer else "no" for answer in answers]

with sqlalchemy.create_engine("sqlite://").connect() as connection:
    for statement in (
        "CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " email TEXT COLLATE NOCASE NOT NULL, fax TEXT)",
        "CREATE UNIQUE INDEX customer_email ON customer (email COLLATE NOCASE)",
        "CREATE TABLE change (customer INTEGER)",
        "CREATE TRIGGER noted AFTER UPDATE ON customer"
        " BEGIN INSERT INTO change VALUES (new.id); END",
    ):
        connection.exec_driver_sql(statement)
    before = traits(connection)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with Operations(MigrationContext.configure(connection)).batch_alter_table("customer") as batch:
            batch.drop_column("fax")
    after = traits(connection)
print("alembic", alembic.__version__, "SQLAlchemy", sqlalchemy.__version__)
print("expected: the same before and after, or a warning")
print("seen: before: NOCASE {}, AUTOINCREMENT {}, trigger {};".format(*told(before)),
      f"after: {', '.join(told(after))}; warnings: {len(warned)}")
if not (all(before) and not any(after) and not warned):
    sys.exit("CHANGED: a batch step keeps more of the table now, or warns")
PY
