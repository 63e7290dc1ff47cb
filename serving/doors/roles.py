"""Roles, their scopes, and the scope that each path needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from features.errors import ConfigError
from ml.entry import split_name
from ml.registry import ENTRIES, GROUPS

TASK_SCOPES = (*ENTRIES, *GROUPS)
# Outcomes are labels of later trainings: beside `events:write` they need a scope of their own.
# `decisions:make` allows binding answers of endpoints that decide; without it they answer with ?preview=true only.
OTHER_SCOPES = (
    "decisions:make",
    "decisions:read",
    "decisions:override",
    "personal:read",
    "events:write",
    "lead_outcomes:write",
    "loan_outcomes:write",
    "stock:write",
    "metrics",
    "docs",
    "models:read",
    "models:write",
    "desk",
    "dashboard",
    "leads:write",
    "applications:write",
    "orders:write",
    "alarms:write",
    "rules:write",
)
SCOPES = (*TASK_SCOPES, *OTHER_SCOPES)

ROLES: Mapping[str, frozenset[str]] = {
    "storefront": frozenset({"recommendation", "loans", "decisions:make", "events:write", "stock:write", "docs"}),
    "finance_officer": frozenset(
        {
            *("credit_risk", "loans", "residual_value", "decisions:make", "decisions:read", "decisions:override"),
            *("personal:read", "events:write", "loan_outcomes:write", "docs", "desk", "applications:write"),
        }
    ),
    "sales": frozenset(
        {
            *("lead_scoring", "recommendation", "loans", "residual_value", "decisions:make", "personal:read"),
            *("events:write", "lead_outcomes:write", "docs", "desk", "leads:write"),
        }
    ),
    "planner": frozenset({"demand_forecast", "residual_value", "stock:write", "docs", "desk", "orders:write"}),
    "after_sales": frozenset({"fault_rate", "personal:read", "events:write", "docs", "desk", "alarms:write"}),
    "manager": frozenset(
        {
            *(*TASK_SCOPES, "decisions:make", "decisions:read", "metrics", "docs", "desk", "dashboard"),
            *("models:read", "leads:write", "lead_outcomes:write", "events:write"),
            *("orders:write", "alarms:write", "rules:write"),
        }
    ),
    "data_scientist": frozenset({*TASK_SCOPES, "metrics", "docs", "desk", "models:read", "models:write"}),
    "admin": frozenset(SCOPES),
}

# The last three only lead to pages of the desk, which need a session, and to its icon.
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/", "/docs", "/favicon.ico"})
_OPERATOR_PATHS = {"/metrics": "metrics", "/openapi.json": "docs"}
_OTHER_SCOPE_OF = {"events": "events:write", "stock": "stock:write"}
# Of the nouns of the daily work: scope to read, and scope to write.
_WORK_SCOPES = {
    "leads": ("lead_scoring", "leads:write"),
    "applications": ("credit_risk", "applications:write"),
    "inventory": ("demand_forecast", "orders:write"),
    "alarms": ("fault_rate", "alarms:write"),
    "models": ("models:read", "models:write"),
    "storefront": ("recommendation", "rules:write"),
    "overview": ("dashboard", "dashboard"),
    "today": ("desk", "desk"),
    "search": ("desk", "desk"),
    "work_entries": ("desk", "desk"),
}
# POST requests that only read: their questions do not fit into an address, or must not stand in one.
_READING_POSTS = ("/preview", "/search")


def required_scope(method: str, path: str) -> str | None:
    """Return the scope that a request needs; None if no path like this exists.

    Parameters
    ----------
    method : str
        HTTP method.
    path : str
        Decoded path, ``scope["path"]`` of an ASGI scope.

    Returns
    -------
    str or None
        One of `SCOPES`. A task's scope holds for all its paths and its named models.

    Examples
    --------
    >>> required_scope("POST", "/v1/credit_risk.north/batch"), required_scope("GET", "/metrics")
    ('credit_risk', 'metrics')
    >>> required_scope("GET", "/v1/leads/L1"), required_scope("POST", "/v1/leads/assignments")
    ('lead_scoring', 'leads:write')
    >>> required_scope("POST", "/v1/decisions/d_1/override"), required_scope("GET", "/v1/nothing") is None
    ('decisions:override', True)
    """
    if path[:4] != "/v1/":
        return "desk" if path == "/desk" or path.startswith("/desk/") else _OPERATOR_PATHS.get(path)
    noun, _, _ = path[4:].partition("/")
    if "." in noun:
        noun = split_name(noun).task
    if noun in TASK_SCOPES:
        return noun
    if noun == "decisions":
        return "decisions:read" if method in ("GET", "HEAD") else "decisions:override"
    if noun in _WORK_SCOPES:
        reading, writing = _WORK_SCOPES[noun]
        return reading if method in ("GET", "HEAD") or path.endswith(_READING_POSTS) else writing
    return _OTHER_SCOPE_OF.get(noun)


def scopes_of(role: str, scopes: Sequence[str] = ()) -> frozenset[str]:
    """Return the scopes of a key: all of its role, or some of them.

    Parameters
    ----------
    role : str
        One of `ROLES`.
    scopes : sequence of str
        Scopes of the role to which the key is limited; none for all.

    Raises
    ------
    ConfigError
        The role is unknown, or it does not have a scope.

    Examples
    --------
    >>> sorted(scopes_of("after_sales", ["fault_rate"]))
    ['fault_rate']
    >>> scopes_of("sale")
    Traceback (most recent call last):
    features.errors.ConfigError: role 'sale' is unknown; did you mean sales? The roles are: storefront, ...
    """
    if role not in ROLES:
        raise ConfigError(_unknown("role", role, ROLES))
    for scope in scopes:
        if scope not in SCOPES:
            raise ConfigError(_unknown("scope", scope, SCOPES))
        if scope not in ROLES[role]:
            names = ", ".join(s for s in SCOPES if s in ROLES[role])
            raise ConfigError(f"scope {scope}: the role {role} does not have it; its scopes are: {names}")
    return frozenset(scopes) if scopes else ROLES[role]


def check_routes(paths: Collection[str]) -> None:
    """Raise an error if a path of the application has no scope: a new route must not be open to every key.

    Raises
    ------
    ConfigError
        The message names the path.

    Examples
    --------
    >>> check_routes(["/healthz", "/v1/loans/offers"])
    >>> check_routes(["/v1/secrets"])
    Traceback (most recent call last):
    features.errors.ConfigError: /v1/secrets has no scope in serving/doors/roles.py: add it there
    """
    for path in paths:
        if path not in OPEN_PATHS and required_scope("GET", path) is None:
            raise ConfigError(f"{path} has no scope in serving/doors/roles.py: add it there")


def _unknown(kind: str, name: str, names: Collection[str]) -> str:
    similar = get_close_matches(name, names, n=1)
    hint = f"; did you mean {similar[0]}? The" if similar else "; the"
    return f"{kind} '{name}' is unknown{hint} {kind}s are: {', '.join(names)}"
