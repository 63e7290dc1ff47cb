"""The application: endpoints of all tasks and groups, routes for operators, and HTML pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from anyio.to_thread import run_sync
from fastapi import FastAPI, Request, Response
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import Route

from ml.registry import TASKS
from serving.asgi import App, Problem
from serving.decisions.routes import decision_routes
from serving.decisions.writer import LogWriter
from serving.desk.app import Desk, Doors
from serving.endpoints import MountedEndpoint, mounted_endpoints, routes
from serving.feedback.pushes import ChangeCounters, LocalCounters, with_fresh_stock
from serving.feedback.routes import feedback_routes
from serving.feedback.store import FeedbackStore
from serving.metrics import REGISTRY
from serving.metrics.exposition import exposition
from serving.model_store import ModelStore
from serving.named_routes import NamedRoutes, named_endpoints
from serving.openapi import describe
from serving.query_strings import parse_parameters
from serving.settings import Settings
from serving.work.entries import WorkEntries
from serving.work.inner import InnerRequests
from serving.work.records import Records, no_records
from serving.work.registry import ROUTES
from serving.work.routing import WorkContext, work_routes

Page = Callable[[Request], Awaitable[Response]]


def build_app(
    store: ModelStore,
    settings: Settings,
    endpoints: Sequence[MountedEndpoint] | None = None,
    *,
    decisions: LogWriter | None = None,
    counters: ChangeCounters | None = None,
    records: Records | None = None,
    doors: Doors | None = None,
) -> FastAPI:
    """Build the application; `serving.guard.Guard` adds request limits and metrics to it.

    Parameters
    ----------
    store : ModelStore
        ``serving.model_store.ModelStore(...)``, which holds the champions that answer; call its `start` to load them.
    settings : Settings
        As returned by `serving.settings.load_settings`; `max_batch_rows` and `configs` are used.
    endpoints : sequence of MountedEndpoint, optional
        By default all, as returned by `serving.endpoints.mounted_endpoints`.
    decisions : LogWriter, optional
        Writer of the decision log; None logs nothing.
    counters : ChangeCounters, optional
        Tell all workers of a server that stock was pushed, such as a `serving.shared_file.SharedFile`; None: of this
        process alone.
    records : Records, optional
        Rows of the dealership's tables for the daily work; by default none.
    doors : Doors, optional
        Sessions of the desk; None: it needs no log-in.

    Returns
    -------
    FastAPI
        An ASGI application with the routes of the endpoints (`serving.endpoints.routes`), those of named models
        (`serving.named_routes.NamedRoutes`), of events and stock (`serving.feedback.routes`), of the daily work
        (`serving.work.registry`), the pages of the desk (`serving.desk.registry`), `/healthz`, `/readyz`, `/metrics`,
        `/openapi.json`, and `/docs` and `/`, which lead to the desk.
        Without a champion, an endpoint answers with status 503.

    Examples
    --------
    >>> from serving.model_store import ModelStore
    >>> from serving.settings import load_settings
    >>> app = build_app(ModelStore(poll_seconds=1.0), load_settings())
    >>> {"/openapi.json", "/docs", "/"} < {getattr(route, "path", "") for route in app.routes}
    True
    """
    app = FastAPI(title="Chehang", openapi_url=None, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False
    endpoints = mounted_endpoints() if endpoints is None else endpoints
    configs, max_rows = settings.configs, settings.max_batch_rows
    counters = LocalCounters() if counters is None else counters
    adapt = partial(with_fresh_stock, store=store, counters=counters)
    app.router.routes.extend(adapt(routes(endpoints, store, configs, max_rows=max_rows, decisions=decisions)))
    app.router.routes.extend(feedback_routes(settings, counters))
    default: App = app.router.default
    options: dict[str, Any] = {"max_rows": max_rows, "decisions": decisions, "adapt": adapt}
    app.router.default = NamedRoutes(endpoints, store, configs, default=default, **options)
    app.router.routes.extend(decision_routes(decisions, store))
    context = WorkContext(
        records=no_records() if records is None else records,
        entries=WorkEntries(FeedbackStore(settings.feedback_store), None if decisions is None else decisions.keys),
        inner=InnerRequests(),
        store=store,
        settings=settings,
    )
    app.router.routes.extend(work_routes(ROUTES, context))
    context.inner.app = app
    app.router.routes.extend(Desk(context, doors).routes())
    app.router.routes.extend(_operator_routes(store, settings, endpoints))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Problem, _problem)
    return app


def _json(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="application/json")


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    request.scope["error_code"] = error.code
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return Response(error.content(), error.status, headers=headers, media_type="application/json")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problems = {
        404: Problem(404, "not_found", "there is no such path; /docs lists all paths"),
        405: Problem(405, "wrong_method", "this path has another method; the header Allow lists its methods"),
    }
    default = Problem(error.status_code, "refused", "the request is not valid; /docs describes valid requests")
    problem = problems.get(error.status_code, default)
    request.scope["error_code"] = problem.code
    return Response(problem.content(), problem.status, headers=error.headers, media_type="application/json")


def _operator_routes(store: ModelStore, settings: Settings, endpoints: Sequence[MountedEndpoint]) -> list[Route]:
    # The probes healthz, readyz and metrics ignore query parameters: load balancers add some against caches.
    async def healthz(request: Request) -> Response:
        return _json(b'{"status":"alive"}')

    async def readyz(request: Request) -> Response:
        names = (*TASKS, *store.names)
        versions = {name: loaded.version for name in names if (loaded := store.current(name))}
        absent = [name for name in names if name not in versions]
        if not (store.has_checked and versions):
            raise Problem(503, "not_ready", "; ".join(store.missing_champion(name) for name in absent or TASKS))
        return _json(to_json({"status": "ready", "champions": versions, "without_champion": absent}))

    async def metrics(request: Request) -> Response:
        return Response(await run_sync(exposition, REGISTRY), media_type="text/plain; version=0.0.4")

    async def openapi(request: Request) -> Response:
        parse_parameters(request.scope["query_string"])
        champions = {name: store.current(name) for name in (*TASKS, *store.names)}
        present = [*endpoints, *(e for name in store.names for e in named_endpoints(endpoints, name))]
        document = partial(describe, champions, present, max_rows=settings.max_batch_rows)
        return _json(to_json(await run_sync(document)))

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
        Route("/docs", _redirect("/desk/docs")),
        Route("/", _redirect("/desk")),
        Route("/favicon.ico", _redirect("/desk/static/icon.svg")),
    ]


def _redirect(path: str) -> Page:
    async def leave(request: Request) -> Response:
        return RedirectResponse(path, 303)

    return leave
