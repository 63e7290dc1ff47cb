"""The pages of home, dashboard and search on the group of two stores, without doors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.asgi import Problem
from serving.desk.app import Desk
from serving.work import overview
from serving.work.inner import InnerRequests
from serving.work.records import Records
from serving.work.routing import WorkContext, work_routes
from tests.serving.work.overview.area_answers import ANSWERS
from tests.serving.work.overview.dealership import context


class Pages:
    """Asks for pages; the endpoints of other areas answer as in `area_answers`.

    Parameters
    ----------
    tables : Records, optional
        By default the two stores.
    champions : mapping, optional
        Champions by task.
    answers : mapping, optional
        Answers of other areas that replace those of `ANSWERS`; None: the endpoint is absent.
    """

    def __init__(
        self,
        tables: Records | None = None,
        champions: Mapping[str, Any] | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> None:
        base = context(tables, champions)
        work = WorkContext(base.records, base.entries, InnerRequests(), base.store, base.settings)
        present = {path: answer for path, answer in {**ANSWERS, **(answers or {})}.items() if answer is not None}
        others = [_route(path, answer) for path, answer in present.items() if not path.startswith("/v1/overview")]
        self.app = Starlette(
            routes=[*others, *work_routes(overview.ROUTES, work), *Desk(work, None).routes()],
            exception_handlers={Problem: _refuse, 404: _nothing},
        )
        work.inner.app = self.app

    def get(self, path: str, language: str = "en") -> httpx.Response:
        """Return a page."""
        return self._send("GET", path, language)

    def post(self, path: str, data: Mapping[str, str], language: str = "en") -> httpx.Response:
        """Return the answer of a form."""
        return self._send("POST", path, language, data=dict(data))

    def _send(self, method: str, path: str, language: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            headers = {"accept-language": language}
            async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as client:
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(send())


def words(response: httpx.Response) -> str:
    """Return a page with single blanks."""
    return " ".join(response.text.split())


def rows_of(response: httpx.Response, column: int = 0) -> Sequence[str]:
    """Return the cells of a column of a CSV file, without its heading."""
    lines = response.content.decode("utf-8-sig").splitlines()
    return [line.split(",")[column] for line in lines[1:]]


def _route(path: str, answer: Any) -> Route:
    async def respond(request: Request) -> Response:
        if isinstance(answer, Problem):
            raise answer
        return JSONResponse(answer)

    return Route(path, respond)


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return Response(error.content(), error.status)


async def _nothing(request: Request, error: Exception) -> Response:
    return Response(Problem(404, "not_found", "there is no such path").content(), 404)
