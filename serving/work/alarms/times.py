"""Instants of the alarm store in the form of the interface."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(instant: int) -> str:
    """Return microseconds since 1970 UTC as an ISO instant.

    >>> iso(1_000_000)
    '1970-01-01T00:00:01+00:00'
    """
    return datetime.fromtimestamp(instant / 1e6, UTC).isoformat()
