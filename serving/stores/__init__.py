"""Databases that the service writes: keys, decisions and feedback, in SQLite files or in PostgreSQL."""

from serving.stores.engines import StoreUnavailable, open_store, store_errors, transaction, writing, writing_connection

__all__ = ["StoreUnavailable", "open_store", "store_errors", "transaction", "writing", "writing_connection"]
