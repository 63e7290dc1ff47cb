"""Migrations of the store `feedback`, in the order of their `down_revision`."""
