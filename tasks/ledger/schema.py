"""The ledger's tables. Amounts are whole nano-dollars, so that sums in SQL are exact.

Attempts belong to a request; rows and runs refer to results through `uses`. Two unique indexes
carry the promises: one open attempt per request, and one accepted attempt per request.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

SCHEMA_VERSION = 2
OPEN = ("waiting", "intent", "submitted", "uncertain")

metadata = MetaData()

meta = Table("meta", metadata, Column("name", String, primary_key=True), Column("value", String))

owners = Table(
    "owners",
    metadata,
    Column("id", String, primary_key=True),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", Float, nullable=False),
    Column("heartbeat", Float, nullable=False),  # by the database's clock
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("template", String, nullable=False),
    Column("template_digest", String, nullable=False),
    Column("table_digest", String, nullable=False),
    Column("folder", String, nullable=False),
    Column("state", String, nullable=False),  # open | stopping | ended
    Column("stop_reason", String),
    Column("flow_run_id", String),
    Column("owner", String),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
)

run_rows = Table(
    "run_rows",
    metadata,
    Column("run", String, primary_key=True),
    Column("row", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", String),  # null while it has not ended
    Column("reason", Text),
    Column("step", String),
    Column("error", String),
    Column("finished", Integer),  # order of finishing, for the breaker
    Column("sent", Integer, nullable=False, server_default="0"),
    Column("inputs", Text),
    Column("round", Integer, nullable=False, server_default="0"),  # raised by every `retry`
)

Index("run_rows_by_finish", run_rows.c.run, run_rows.c.finished)

requests = Table(
    "requests",
    metadata,
    Column("key", String, primary_key=True),
    Column("fields", Text, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String, primary_key=True),
    Column("key", String, nullable=False),
    Column("run", String, nullable=False),
    Column("row", String, nullable=False),
    Column("step", String, nullable=False),
    Column("item", Integer, nullable=False),
    Column("take", Integer, nullable=False),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("model", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("realm", String, nullable=False),
    Column("state", String, nullable=False),  # waiting intent submitted uncertain settled
    Column("outcome", String),  # accepted rejected refused failed cancelled lost unsent given_up
    Column("owner", String),
    Column("body_digest", String),
    Column("job", String),
    Column("receipt", Text),
    Column("checks", String),
    Column("low_nanos", BigInteger),
    Column("high_nanos", BigInteger),
    Column("units", String),
    Column("amount_nanos", BigInteger),
    Column("grade", String),
    Column("error_class", String),
    Column("error", Text),
    Column("result", Text),
    Column("fitted", Text),
    Column("created_at", Float, nullable=False),
    Column("submitted_at", Float),
    Column("settled_at", Float),
)

Index(
    "one_open_attempt",
    attempts.c.key,
    unique=True,
    sqlite_where=text("state IN ('waiting', 'intent', 'submitted', 'uncertain')"),
    postgresql_where=text("state IN ('waiting', 'intent', 'submitted', 'uncertain')"),
)
Index(
    "one_accepted_attempt",
    attempts.c.key,
    unique=True,
    sqlite_where=text("outcome = 'accepted'"),
    postgresql_where=text("outcome = 'accepted'"),
)
Index(
    "one_attempt_per_job",
    attempts.c.provider,
    attempts.c.realm,
    attempts.c.job,
    unique=True,
    sqlite_where=text("job IS NOT NULL"),
    postgresql_where=text("job IS NOT NULL"),
)
Index("attempts_by_key", attempts.c.key)
Index("attempts_by_row", attempts.c.run, attempts.c.row, attempts.c.step, attempts.c.item)

uses = Table(
    "uses",
    metadata,
    Column("run", String, primary_key=True),
    Column("row", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("attempt", String, nullable=False),
    Column("key", String, nullable=False),
    Column("reused", Boolean, nullable=False),
)

# What a run may cost: at one provider, or with ALL in all.
ALL = ""
caps = Table(
    "caps",
    metadata,
    Column("run", String, primary_key=True),
    Column("provider", String, primary_key=True),
    Column("cap_nanos", BigInteger, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("run", String, primary_key=True),
    Column("row", String, primary_key=True),
    Column("provider", String, primary_key=True),  # as in caps
    Column("owner", String, nullable=False),
    Column("amount_nanos", BigInteger, nullable=False),
)

# Whoever polls a job that another process has submitted: nobody cancels it under their hands.
waiters = Table(
    "waiters",
    metadata,
    Column("attempt", String, primary_key=True),
    Column("owner", String, primary_key=True),
)

# Schema version -> what leads to it from the one before; new tables are made anyway. No run had a
# cap before version 2, so its reservations are empty.
MIGRATIONS = {
    2: (
        "ALTER TABLE attempts ADD COLUMN round INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE run_rows ADD COLUMN round INTEGER NOT NULL DEFAULT 0",
        "DROP TABLE reservations",
    ),
}
