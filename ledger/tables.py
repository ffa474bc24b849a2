"""The tables, in SQLAlchemy Core; `migrations/` brings a database to this shape, and a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ledger.columns import Instant, Json, SealedBytes, SealedJson, SealedText, Serial

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("webhook_id", Text, nullable=False),
    Column("event_id", Text),
    Column("api_version", Text),
    Column("triggered_at", Instant),
    Column("received_at", Instant, nullable=False),
    Column("customer_id", BigInteger),
    Column("updated_at", Instant),
    Column("verdict", Text, nullable=False),
    Column("why", Text),
    Column("secret", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    # Emptied when it is old, or its customer was erased; the row stays, for its key refuses repeats.
    Column("body", SealedBytes, nullable=False),
    Column("body_gone_at", Instant),
    UniqueConstraint("shop", "topic", "webhook_id"),
)
Index("ix_deliveries_customer", deliveries.c.customer_id, deliveries.c.id)
Index("ix_deliveries_verdict", deliveries.c.verdict, deliveries.c.received_at)

customers = Table(
    "customers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
    Column("state", SealedJson, nullable=False),
    Column("updated_at", Instant),
    Column("triggered_at", Instant),
    Column("read_through", Instant),
    Column("first_topic", Text, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("lane", Text, primary_key=True),
    Column("state", Text, nullable=False),
    # `wanted` counts the reasons to carry; a claim notes it in `carrying`. They differ when something came meanwhile.
    Column("wanted", Integer, nullable=False, server_default=text("1")),
    Column("carrying", Integer),
    Column("due_at", Instant, nullable=False),
    Column("held", Boolean, nullable=False, server_default=text("false")),
    Column("since", Instant, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("token", Text),
    Column("lease_until", Instant),
    Column("doubt", Boolean, nullable=False, server_default=text("false")),
    # Until then a write that nobody waits for any more may still reach the far side.
    Column("unsure_until", Instant),
    Column("ref", Text),
    Column("sent", SealedJson),
    Column("memo", SealedJson),
    Column("corrections", SealedJson),
    Column("kind", Text),
    Column("why", SealedText),
    Column("choices", SealedJson),
    Column("request_id", Text, nullable=False, server_default=text("''")),
    Column("settled_at", Instant),
)
_pending, _running = text("state = 'pending'"), text("state = 'running'")
Index("ix_tasks_due", tasks.c.lane, tasks.c.held, tasks.c.due_at, sqlite_where=_pending, postgresql_where=_pending)
_new = text("state = 'pending' AND ref IS NULL")
Index("ix_tasks_due_new", tasks.c.lane, tasks.c.held, tasks.c.due_at, sqlite_where=_new, postgresql_where=_new)
Index("ix_tasks_lease", tasks.c.lease_until, sqlite_where=_running, postgresql_where=_running)
Index("ix_tasks_lane_state", tasks.c.lane, tasks.c.state, tasks.c.customer_id)
# Written only when something fails, or is tried again: never while a delivery is taken in.
_failed = text("state = 'failed'")
Index(
    "ix_tasks_failed",
    tasks.c.lane,
    tasks.c.kind,
    tasks.c.since,
    tasks.c.customer_id,
    sqlite_where=_failed,
    postgresql_where=_failed,
)
Index("ix_tasks_ref", tasks.c.lane, tasks.c.ref)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("lane", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("duration_ms", Double, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("did", Text),
    Column("kind", Text),
    Column("why", SealedText),
    Column("status", Integer),
    Column("vendor_request_id", Text),
    Column("request_id", Text, nullable=False),
    # From the delivery until the customer was in sync everywhere; on the attempt that brought this about.
    Column("total_ms", Double),
)
Index("ix_attempts_customer", attempts.c.customer_id, attempts.c.id)

lanes = Table(
    "lanes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("breaker", Text, nullable=False, server_default=text("'closed'")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("openings", Integer, nullable=False, server_default=text("0")),
    Column("opened_at", Instant),
    Column("retry_at", Instant),
    Column("paused_until", Instant),
    Column("kind", Text),
    Column("why", Text),
)

members = Table(
    "members",
    metadata,
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("number", Text),
    Column("status", Text, nullable=False),
    Column("mails", SealedJson, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
Index("ix_members_code", members.c.code)
Index("ix_members_number", members.c.number)
Index("ix_members_seen", members.c.seen_at)

# With keys, the e-mails here and in `mail_holds` are keyed hashes (`Seal.hashed`): they are only looked up.
member_mails = Table(
    "member_mails",
    metadata,
    Column("mail", Text, primary_key=True),
    Column("member_id", Text, primary_key=True),
)
Index("ix_member_mails_member", member_mails.c.member_id)

mail_holds = Table(
    "mail_holds",
    metadata,
    Column("mail", Text, primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)

# What we last wrote to the mail flag of a customer's member, and when: apart from the marks of what was sent, which a
# resync or a new link blanks. No row, as for whom an older version carried: nothing is known. See ``FlagWritten``.
mail_flags = Table(
    "mail_flags",
    metadata,
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("flag", Text, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("member_id", Text),
    Column("over", Text),
    Column("changed", Boolean, nullable=False, server_default=text("false")),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Json),
    Column("held_until", Instant),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", SealedText),
    Column("renew_at", Instant),
    Column("expires_at", Instant),
    Column("held_until", Instant),
)

paces = Table(
    "paces",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next_at", Double, nullable=False),
)

tallies = Table(
    "tallies",
    metadata,
    Column("day", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("count", Integer, nullable=False),
)

# Who was erased by hand, when, by whom and why; `refs` is what is left to delete at the far sides.
erasures = Table(
    "erasures",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("erased_at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("refs", Json, nullable=False),
    Column("undone_at", Instant),
    Column("undone_by", Text),
)
Index("ix_erasures_customer", erasures.c.customer_id)

# Who was sent the welcome mail, for good, so that nobody is sent it twice. `marked_at` without `sent_at`: it may have
# been sent. No address stands here.
mails = Table(
    "mails",
    metadata,
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("variant", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("marked_at", Instant),
    Column("sent_at", Instant),
    Column("refusals", Integer, nullable=False, server_default=text("0")),
)

# By which words a customer is found (`words.py`); with keys they are keyed hashes. Byte by byte on each database: what
# begins with a word stands behind it, whatever the database's own language is.
_Word = Text().with_variant(Text(collation="C"), "postgresql")
search_words = Table(
    "search_words",
    metadata,
    Column("word", _Word, primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
Index("ix_search_words_customer", search_words.c.customer_id)
# Every act by hand, with who did it. It holds ids and counts, and the name somebody signed in with: no customer's data.
audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("customer_id", BigInteger),
    Column("details", Json, nullable=False),
)
Index("ix_audit_customer", audit.c.customer_id, audit.c.id)
Index("ix_audit_who", audit.c.who, audit.c.id)

# What happened in each hour, added up from deliveries and attempts by ``rollups.py``: it outlives what is pruned.
hours = Table(
    "hours",
    metadata,
    Column("hour", Instant, primary_key=True, autoincrement=False),
    Column("deliveries", Integer, nullable=False),
    Column("counts", Json, nullable=False),
)

# What those who run the shop are told of: one row from the moment it rises until it is over, without personal data.
# `news` is what nobody has been told yet ('rise' or 'over'), `sending` what is on its way at this moment.
alerts = Table(
    "alerts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("lane", Text),
    Column("customer_id", BigInteger),
    Column("cause", Text),
    Column("why", Text),
    Column("count", Integer, nullable=False),
    Column("customers", Json, nullable=False),
    Column("facts", Json, nullable=False),
    Column("since", Instant, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("gone_since", Instant),
    Column("over_at", Instant),
    Column("news", Text),
    Column("told_at", Instant),
    Column("over_told_at", Instant),
    Column("told_to", Json, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("next_try_at", Instant),
    Column("trouble", Text),
    Column("token", Text),
    Column("held_until", Instant),
    Column("sending", Text),
)
_open, _untold = text("over_at IS NULL"), text("news IS NOT NULL")
Index("uq_alerts_open", alerts.c.key, unique=True, sqlite_where=_open, postgresql_where=_open)
Index("ix_alerts_untold", alerts.c.next_try_at, sqlite_where=_untold, postgresql_where=_untold)
