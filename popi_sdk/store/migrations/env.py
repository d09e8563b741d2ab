"""Runs the revisions on the connection that `popi_sdk.store.upgrade` hands over, in its transaction."""
# ruff: noqa: TID253 - run by Alembic only

from alembic import context

from popi_sdk.store import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    version_table=schema.REVISION_TABLE,
    render_as_batch=True,  # SQLite changes a table by copying it.
)
context.run_migrations()
