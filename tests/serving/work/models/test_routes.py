"""Routes of the models."""

from __future__ import annotations

from serving.doors.roles import ROLES, required_scope
from serving.work.models.routes import ROUTES


def test_only_data_scientists_and_administrators_change_champions() -> None:
    """Managers read."""
    writing = {required_scope(r.method, r.path) for r in ROUTES if r.method == "POST"}
    reading = {required_scope(r.method, r.path) for r in ROUTES if r.method == "GET"}
    assert (writing, reading) == ({"models:write"}, {"models:read"})
    assert {role for role, scopes in ROLES.items() if "models:write" in scopes} == {"data_scientist", "admin"}


def test_every_route_has_texts_in_both_languages() -> None:
    """The documentation shows both."""
    assert all(route.summary["zh"] != route.summary["en"] for route in ROUTES)
