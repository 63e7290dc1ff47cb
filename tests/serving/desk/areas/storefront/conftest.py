"""The pages of the storefront on a small dealership, asked without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from serving.desk.app import Desk
from serving.desk.areas import storefront as pages
from serving.work import journal, storefront
from serving.work.inner import InnerRequests
from serving.work.routing import WorkContext, work_routes
from tests.serving.work.storefront.conftest import context, estimator

__all__ = ["context", "estimator"]
Send = Callable[..., httpx.Response]


@pytest.fixture
def send(context: WorkContext) -> Send:
    """Return a function that opens a page, or sends a form; redirects are not followed."""
    inner = InnerRequests()
    own = replace(context, inner=inner)
    app = Starlette(routes=[*work_routes((*storefront.ROUTES, *journal.ROUTES), own)])
    inner.app = app
    app.router.routes.extend(Desk(own, None, pages.PAGES).routes())

    def request(path: str, form: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as client:
                if form is None:
                    return await client.get(path, headers={"accept-language": options.get("language", "en")})
                return await client.post(path, data=form, headers={"origin": "http://desk.example"})

        return asyncio.run(answer())

    return request
