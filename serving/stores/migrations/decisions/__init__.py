"""Migrations of the store `decisions`, in the order of their `down_revision`."""
