"""The pages of the models on a store with three versions, as somebody of a role sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from serving.asgi import App, Problem
from serving.desk.app import Desk
from serving.doors.caller import Caller
from serving.doors.roles import ROLES
from serving.feedback.store import FeedbackStore
from serving.settings import Settings
from serving.work.entries import WorkEntries
from serving.work.inner import InnerRequests
from serving.work.models import ROUTES
from serving.work.records import no_records
from serving.work.routing import WorkContext, work_routes
from tests.serving.in_process import Champions
from tests.serving.work.models.conftest import prepare_home


class Pages:
    """Asks for pages as somebody of a role, without doors."""

    def __init__(self, home: Path, role: str) -> None:
        self.home = home
        self._caller = Caller("k_1", "Lin Yue", role, ROLES[role], None)
        entries = WorkEntries(FeedbackStore(f"sqlite:///{home}/feedback.db"), None)
        context = WorkContext(no_records(), entries, InnerRequests(), Champions({}), Settings())
        routes = [*work_routes(ROUTES, context), *Desk(context, None).routes()]
        app = Starlette(routes=routes, exception_handlers={Problem: _refuse})
        context.inner.app = app

        async def with_caller(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "caller": self._caller, "request_id": "r_1"}, receive, send)

        self._app: App = with_caller

    def get(self, path: str, language: str = "en") -> httpx.Response:
        """Return a page."""
        return self._send("GET", path, {"lang": language})

    def post(self, path: str, data: Mapping[str, str]) -> httpx.Response:
        """Return the answer of a form, in English."""
        return self._send("POST", path, {"lang": "en"}, data=dict(data))

    def _send(self, method: str, path: str, query: Mapping[str, str], **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as client:
                url = httpx.URL(path)
                return await client.request(method, url.copy_merge_params(dict(query)), **options)

        return asyncio.run(send())


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return Response(error.content(), error.status, media_type="application/json")


@pytest.fixture
def pages_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Pages]:
    """Return a function that returns the pages of a role: ``pages_of("manager")``."""
    home = prepare_home(tmp_path / "home", monkeypatch)
    return lambda role: Pages(home, role)
