"""The list of the endpoints of the daily work."""

from __future__ import annotations

from serving.work.registry import ROUTES


def test_each_path_and_method_is_listed_once() -> None:
    """The first of two would answer, and the second never."""
    pairs = [(route.method, route.path) for route in ROUTES]
    assert len(pairs) == len(set(pairs))
