"""Columns computed from other columns of the same row."""
