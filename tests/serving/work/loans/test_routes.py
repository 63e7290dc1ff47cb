"""Routes of the loan desk."""

from __future__ import annotations

from serving.doors.roles import required_scope
from serving.work.loans.routes import ROUTES


def test_reading_and_writing_have_scopes_of_their_own() -> None:
    scopes = {(r.method, r.path.rpartition("/")[2]): required_scope(r.method, r.path) for r in ROUTES}
    reading = {key for key, scope in scopes.items() if scope == "credit_risk"}
    assert reading == {(m, n) for m, n in scopes if m == "GET" or n == "preview"}
    assert {scope for key, scope in scopes.items() if key not in reading} == {"applications:write"}
    assert all(r.summary["zh"] and r.summary["en"] for r in ROUTES)
