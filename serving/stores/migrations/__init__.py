"""Alembic migrations, a folder for each store; `serving.stores.open_store` applies them.

A migration is a module with the texts `revision` and `down_revision` (None in the first) and a function `upgrade`,
which changes the tables through ``alembic.op``. Released migrations never change: a later one changes their tables.
There are no downgrades: an older service runs on a backup.
"""
