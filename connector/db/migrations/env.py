"""Alembic's entry: runs the migrations on the connection it is given."""

from alembic import context

from connector.db.schema import load_tables

context.configure(
    connection=context.config.attributes["connection"], target_metadata=load_tables(), compare_server_default=True
)
with context.begin_transaction():
    context.run_migrations()
