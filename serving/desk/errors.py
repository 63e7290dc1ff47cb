"""Errors as pages that say what happened and what to do."""

from __future__ import annotations

from typing import Any

from serving.asgi import Problem
from serving.desk.page import PageRequest, View
from serving.doors.roles import ROLES

# The catalogue has texts for these codes (`frame.error.<code>.title`, `.remedy`); others have that of their status.
CODES = (
    "changed", "feedback_unavailable", "invalid", "log_unavailable", "missing_scope", "no_champion", "no_log_keys",
    "not_found", "records_loading", "wrong_store", "wrong_form", "too_many_requests", "endpoint_disabled", "busy",
    "timeout",
)  # fmt: skip
RETRY_SECONDS = 5
BY_STATUS = {403: "missing_scope", 404: "not_found", 409: "changed", 422: "invalid", 429: "too_many_requests"}


def error_view(problem: Problem, request: PageRequest) -> View:
    """Return the page of an error.

    Parameters
    ----------
    problem : Problem
        Raised by the page, or by an endpoint that it asked.
    request : PageRequest
        Of the page.
    """
    code = problem.code if problem.code in CODES else BY_STATUS.get(problem.status, "failed")
    context: dict[str, Any] = {
        "code": code,
        "message": problem.message,
        "details": list(problem.details),
        "roles": _roles(problem) if code == "missing_scope" else [],
        "request_id": request.scope.get("request_id", ""),
    }
    template = "frame/error_part.html" if request.is_fragment else "frame/error.html"
    # A header and no element of the page, so that a reader may stop it.
    headers = {"refresh": str(RETRY_SECONDS)} if code == "records_loading" and not request.is_fragment else {}
    return View(template, context, problem.status, headers)


def _roles(problem: Problem) -> list[str]:
    """Return the roles that have the scope that the person lacks."""
    scopes = {word.strip(";,.()") for word in problem.message.split()}
    return [role for role, names in ROLES.items() if scopes & names and "desk" in names]
