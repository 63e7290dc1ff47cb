"""Migrations of the store `keys`, in the order of their `down_revision`."""
