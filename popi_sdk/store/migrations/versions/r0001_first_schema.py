"""Profiles, signals and summaries."""
# ruff: noqa: TID253 - run by Alembic only

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "popi_profiles",
        _name("namespace"),
        _name("user_id"),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("signal_count", sa.Integer, nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.Column("inferred_version", sa.Integer),
        sa.Column("pinned_version", sa.Integer),
        sa.Column("first_unseen_at", sa.BigInteger),
        sa.Column("last_observed_at", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "popi_signals",
        _name("namespace"),
        _name("user_id"),
        sa.Column("signal_id", sa.String(200), primary_key=True),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", sa.BigInteger),
        sa.Column("observed_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("allow_training", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "popi_summaries",
        _name("namespace"),
        _name("user_id"),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("pinned", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


def _name(column: str) -> "sa.Column[str]":
    kind = sa.String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")
    return sa.Column(column, kind, primary_key=True)
