"""Routes from the registry: `POST /v1/<task>`, its batch and example, and what operators and people look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from starlette.exceptions import HTTPException
from starlette.routing import Route

from features.errors import DataError
from ml.registry import TASKS
from ml.task import Task
from serving.metrics import exposition
from serving.model_store import Loaded, ModelStore
from serving.openapi import describe
from serving.security import problem
from serving.settings import Settings

PAGES = Path(__file__).parent / "pages"
NOTHING_OUTSIDE = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def build_app(store: ModelStore, settings: Settings) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    store : ModelStore
        Where champions come from.
    settings : Settings
        Limits.
    """
    app = FastAPI(title="Chehang 车行", openapi_url=None, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False
    for task in TASKS.values():
        answers = _Answers(task, store, settings)
        path = f"/v1/{task.name}"
        app.router.routes.extend(
            [
                Route(path, answers.one, methods=["POST"]),
                Route(f"{path}/batch", answers.batch, methods=["POST"]),
                Route(f"{path}/example", answers.example, methods=["GET"]),
            ]
        )
    app.router.routes.extend(_operators(store, settings))
    app.add_exception_handler(HTTPException, _http_error)
    return app


class _Answers:
    """The three routes of one task."""

    def __init__(self, task: Task, store: ModelStore, settings: Settings) -> None:
        self.task = task
        self.store = store
        self.settings = settings

    async def one(self, request: Request) -> Response:
        loaded = self.store.current(self.task.name)
        if loaded is None:
            return self._no_champion()
        try:
            asked = loaded.request.model_validate_json(await request.body())
        except ValidationError as e:
            return _invalid(e, loaded)
        explain = _explain(request)
        if explain is None:
            return _json(
                422, problem("invalid", "explain must be true or false", [_detail("explain", "true or false")])
            )
        try:
            answer = await self._respond(loaded, [asked], explain)
        except DataError as e:
            return _json(422, problem("invalid", str(e)))
        content = answer[0].model_dump()
        content["model_version"] = loaded.version
        return _json(200, to_json(content))

    async def batch(self, request: Request) -> Response:
        loaded = self.store.current(self.task.name)
        if loaded is None:
            return self._no_champion()
        cap = self.settings.max_batch_rows
        try:
            content = from_json(await request.body(), allow_inf_nan=True)
        except ValueError as e:
            return _json(422, problem("invalid", f"the body is not JSON: {e}", [_detail("body", "JSON")]))
        items = content.get("items") if isinstance(content, dict) and set(content) == {"items"} else None
        if not isinstance(items, list) or not 1 <= len(items) <= cap:
            rule = f"must be {{'items': [...]}} with 1 to {cap} requests"
            return _json(422, problem("invalid", f"the body {rule}", [_detail("items", rule)]))
        try:
            asked = TypeAdapter(list[loaded.request]).validate_json(to_json(items, inf_nan_mode="constants"))  # type: ignore[name-defined]
        except ValidationError as e:
            return _invalid(e, loaded, within="items")
        explain = _explain(request)
        if explain is None:
            return _json(
                422, problem("invalid", "explain must be true or false", [_detail("explain", "true or false")])
            )
        answers = await run_sync(self._answer, loaded, asked, explain)
        return _json(200, to_json({"items": [a.model_dump() for a in answers], "model_version": loaded.version}))

    async def _respond(self, loaded: Loaded, asked: Sequence[BaseModel], explain: bool) -> list[Any]:
        if explain:
            return await run_sync(self._answer, loaded, asked, True)
        return self._answer(loaded, asked, False)

    def _answer(self, loaded: Loaded, asked: Sequence[BaseModel], explain: bool) -> list[Any]:
        return self.task.respond(loaded.model.estimator, asked, explain=explain)

    async def example(self, request: Request) -> Response:
        loaded = self.store.current(self.task.name)
        return self._no_champion() if loaded is None else _json(200, to_json(loaded.model.card["example"]))

    def _no_champion(self) -> Response:
        name = self.task.name
        return _json(503, problem("no_champion", f"{name} has no champion; make one with: chehang promote {name}"))


def _explain(request: Request) -> bool | None:
    given = request.query_params.get("explain", "true").lower()
    return {"true": True, "1": True, "false": False, "0": False}.get(given)


def _invalid(error: ValidationError, loaded: Loaded, within: str | None = None) -> Response:
    """Name every wrong field and its rule; values are never repeated, they may be personal."""
    details = []
    for found in error.errors(include_url=False, include_input=False, include_context=False)[:20]:
        place = ".".join(str(p) for p in ((within,) if within else ()) + found["loc"]) or "body"
        details.append({"field": place, "rule": found["type"], "message": found["msg"]})
    message = f"{details[0]['field']}: {details[0]['message']}"
    return _json(422, problem("invalid", message, details))


def _detail(field: str, rule: str) -> dict[str, str]:
    return {"field": field, "rule": rule, "message": rule}


def _json(status: int, content: bytes) -> Response:
    return Response(content, status, media_type="application/json")


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    told = {
        404: ("not_found", "no such path; see /docs"),
        405: ("wrong_method", "this path takes another method; see /docs"),
    }
    return _json(status, problem(*told.get(status, ("refused", "the request was refused"))))


def _operators(store: ModelStore, settings: Settings) -> list[Route]:
    async def healthz(request: Request) -> Response:
        return _json(200, b'{"status":"alive"}')

    async def readyz(request: Request) -> Response:
        versions = {name: loaded.version for name in TASKS if (loaded := store.current(name))}
        absent = [name for name in TASKS if name not in versions]
        if not store.ready:
            commands = ", ".join(f"chehang promote {name}" for name in absent)
            return _json(503, problem("not_ready", f"no champion is loaded; make one with: {commands}"))
        return _json(200, to_json({"status": "ready", "champions": versions, "without_champion": absent}))

    async def metrics(request: Request) -> Response:
        return Response(exposition(), media_type="text/plain; version=0.0.4")

    async def openapi(request: Request) -> Response:
        return _json(200, to_json(describe({n: store.current(n) for n in TASKS}, settings)))

    def page(name: str) -> Any:
        content = (PAGES / name).read_bytes()

        async def show(request: Request) -> Response:
            return Response(content, media_type="text/html", headers={"content-security-policy": NOTHING_OUTSIDE})

        return show

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
        Route("/docs", page("docs.html")),
        Route("/", page("index.html")),
    ]
