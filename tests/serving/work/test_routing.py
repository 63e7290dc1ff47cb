"""Endpoints of the daily work: parameters, bodies, scopes, and questions to other endpoints."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from serving.asgi import App, Problem
from serving.doors.caller import Caller
from serving.work.inner import InnerRequests
from serving.work.routing import WorkContext, WorkRequest, WorkRoute, work_routes

TEXTS = {"zh": "线索", "en": "Leads"}


class Page(BaseModel):
    """A query string."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1)


class Note(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str


class Content(BaseModel):
    """An answer."""

    content: dict[str, Any]


def show(request: WorkRequest) -> Content:
    """Answer with what was received."""
    request.check_store(request.path["lead_id"][:2])
    return Content(content={**request.path, "page": request.parameters.page})


def write(request: WorkRequest) -> Content:
    """Ask the other endpoint, and answer with both."""
    other = request.ask("GET", f"/v1/leads/{request.path['lead_id']}", query="page=7")
    return Content(content={"text": request.body.text, "other": other["content"]})


ROUTES = (
    WorkRoute("GET", "/v1/leads/{lead_id}", TEXTS, show, Content, parameters=Page),
    WorkRoute("POST", "/v1/leads/{lead_id}", TEXTS, write, Content, body=Note),
)


def answer(
    method: str, path: str, body: Any = None, *, caller: Caller | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Send a request to an application with the two routes."""
    inner = InnerRequests()
    context = WorkContext(*[SimpleNamespace()] * 2, inner, *[SimpleNamespace()] * 2)  # type: ignore[arg-type]

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return Response(error.content(), error.status)

    app = Starlette(routes=work_routes(ROUTES, context), exception_handlers={Problem: problem})
    inner.app = app

    async def with_caller(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "caller": caller} if caller else scope, receive, send)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(with_caller if caller else as_app(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            return await client.request(
                method, path, content=None if body is None else json.dumps(body), headers=headers
            )

    return asyncio.run(send())


def as_app(app: Starlette) -> App:
    """Return the application with the type of the protocol."""
    return app


JSON = {"content-type": "application/json"}


def test_path_query_and_body_arrive_and_other_endpoints_answer() -> None:
    """The POST asks the GET of the same application."""
    assert answer("GET", "/v1/leads/S1-7?page=3").json() == {"content": {"lead_id": "S1-7", "page": 3}}
    content = answer("POST", "/v1/leads/S1-7", {"text": "call back"}, headers=JSON).json()["content"]
    assert content == {"text": "call back", "other": {"lead_id": "S1-7", "page": 7}}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "field"),
    [
        ("GET", "/v1/leads/S1?page=0", None, None, 422, "page"),
        ("GET", "/v1/leads/S1?pages=2", None, None, 422, "pages"),
        ("POST", "/v1/leads/S1", {"text": 5}, JSON, 422, "text"),
        ("POST", "/v1/leads/S1", {"text": "a", "more": 1}, JSON, 422, "more"),
        ("POST", "/v1/leads/S1", {"text": "a"}, {"content-type": "text/plain"}, 415, None),
    ],
)
def test_bad_input_is_refused_by_name(
    method: str, path: str, body: Any, headers: Any, status: int, field: str | None
) -> None:
    """The error names the field."""
    response = answer(method, path, body, headers=headers)
    assert response.status_code == status
    details = response.json()["error"]["details"]
    assert [d["field"] for d in details] == ([] if field is None else [field])


def test_a_caller_sees_its_stores_only_and_needs_the_scope_of_what_it_asks() -> None:
    """The second endpoint is asked as the same caller."""
    allowed = Caller("k", "Li", "sales", frozenset({"lead_scoring", "leads:write"}), frozenset({"S1"}))
    assert answer("GET", "/v1/leads/S1-1", caller=allowed).status_code == 200
    assert answer("GET", "/v1/leads/S2-1", caller=allowed).json()["error"]["code"] == "wrong_store"
    writing_only = allowed._replace(scopes=frozenset({"leads:write"}))
    refused = answer("POST", "/v1/leads/S1-1", {"text": "a"}, caller=writing_only, headers=JSON)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "missing_scope")
