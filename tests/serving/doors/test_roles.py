"""Roles and scopes: the decided table, and no path without a scope."""

from __future__ import annotations

import pytest

from features.errors import ConfigError
from ml.registry import ENTRIES, GROUPS
from serving.doors.roles import ROLES, SCOPES, check_routes, required_scope, scopes_of


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/v1/credit_risk", "credit_risk"),
        ("POST", "/v1/credit_risk.north/batch", "credit_risk"),
        ("GET", "/v1/fault_rate/power/example", "fault_rate"),
        ("POST", "/v1/loans/offers", "loans"),
        ("GET", "/v1/decisions/d_1", "decisions:read"),
        ("HEAD", "/v1/decisions/d_1", "decisions:read"),
        ("POST", "/v1/decisions/d_1/override", "decisions:override"),
        ("POST", "/v1/events", "events:write"),
        ("PUT", "/v1/stock", "stock:write"),
        ("GET", "/metrics", "metrics"),
        ("GET", "/openapi.json", "docs"),
        ("GET", "/desk", "desk"),
        ("POST", "/desk/leads/assign", "desk"),
        ("GET", "/desks", None),
        ("GET", "/v1/leads/L1", "lead_scoring"),
        ("POST", "/v1/leads/assignments", "leads:write"),
        ("POST", "/v1/applications/payment_grid/preview", "credit_risk"),
        ("POST", "/v1/search", "desk"),
        ("GET", "/v1/", None),
        ("GET", "/v1//credit_risk", None),
        ("GET", "/v1/Credit_Risk", None),
        ("GET", "//docs", None),
        ("GET", "/docs/", None),
        ("GET", "/v1/credit_risk2", None),
    ],
)
def test_the_scope_of_a_path(method: str, path: str, scope: str | None) -> None:
    assert required_scope(method, path) == scope


def test_every_task_is_a_scope_and_every_scope_is_of_a_role() -> None:
    assert {*ENTRIES, *GROUPS} < set(SCOPES) and len(SCOPES) == len(set(SCOPES))
    assert frozenset().union(*ROLES.values()) == set(SCOPES) == ROLES["admin"]
    assert "credit_risk" not in ROLES["storefront"] | ROLES["sales"] | ROLES["planner"] | ROLES["after_sales"]
    assert "personal:read" not in ROLES["manager"] and "decisions:make" not in ROLES["data_scientist"]


def test_a_key_is_limited_to_scopes_of_its_role() -> None:
    assert scopes_of("sales", ["lead_scoring"]) == {"lead_scoring"}
    with pytest.raises(ConfigError, match="scope credit_risk: the role sales does not have it; its scopes are: recomm"):
        scopes_of("sales", ["credit_risk"])
    with pytest.raises(ConfigError, match="scope 'credit' is unknown; did you mean credit_risk"):
        scopes_of("admin", ["credit"])


def test_a_route_without_a_scope_is_refused_when_the_service_starts() -> None:
    with pytest.raises(ConfigError, match="/v2/credit_risk has no scope"):
        check_routes(["/v1/credit_risk", "/v2/credit_risk"])
