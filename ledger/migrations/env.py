"""Alembic's way in: it is handed our database, so that there is one place that knows how to connect."""

from __future__ import annotations

from alembic import context

from ledger.database import Database
from ledger.tables import metadata

database: Database = context.config.attributes["database"]
with database.writing() as connection:
    if database.on_postgresql:
        # Two releases starting at once take turns; the second finds nothing left to do.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7246901)")
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=not database.on_postgresql)
    with context.begin_transaction():
        context.run_migrations()
