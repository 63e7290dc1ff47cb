"""Estimators that exist nowhere else, one per file."""
