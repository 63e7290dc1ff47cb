"""Composition of storefront pages from a ranking."""
