"""Alembic's entry: runs the migrations on the connection that isco_rag.store.database hands over."""

from alembic import context

from isco_rag.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # One transaction around all: a migration that fails halfway leaves nothing.
    transaction_per_migration=False,
)
context.run_migrations()
