"""The three tables, the same on SQLite and PostgreSQL; `namespace` and `user_id` lead every key.

Times are whole microseconds since 1970 in UTC: exact, and they sort alike on every database. `body` is JSON in
ASCII, so that any character a signal may hold (NUL too) passes every database. Change nothing here without a new
revision in `migrations/versions`.
"""
# ruff: noqa: TID253 - imported by open_store only, never by `import popi_sdk`

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects import postgresql

REVISION = "0001"
"""The newest revision in `migrations/versions`, which this code reads and writes."""
REVISION_TABLE = "popi_revision"
"""Holds the revision of a database; not Alembic's usual name, which the app's own migrations may use."""

metadata = MetaData()


def _name(column: str) -> Column[str]:
    # Compared byte by byte: two names that only look alike are two names, whatever the database's locale.
    kind = String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")
    return Column(column, kind, primary_key=True)


profiles = Table(
    "popi_profiles",
    metadata,
    _name("namespace"),
    _name("user_id"),
    Column("sequence", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("signal_count", Integer, nullable=False),
    Column("last_version", Integer, nullable=False),
    Column("inferred_version", Integer),
    Column("pinned_version", Integer),
    Column("first_unseen_at", BigInteger),
    Column("last_observed_at", BigInteger),
    sqlite_with_rowid=False,
)

# No index in sequence: one user's signals are read through the key and sorted, and without statistics PostgreSQL
# would prefer a shorter index to the key where it looks for one signal.
signals = Table(
    "popi_signals",
    metadata,
    _name("namespace"),
    _name("user_id"),
    Column("signal_id", String(200), primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("at", BigInteger),
    Column("observed_at", BigInteger, nullable=False),
    Column("source", String(20), nullable=False),
    Column("allow_training", Boolean, nullable=False),
    Column("body", Text, nullable=False),
)

summaries = Table(
    "popi_summaries",
    metadata,
    _name("namespace"),
    _name("user_id"),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("pinned", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
