"""The shape of the endpoints of the daily work, and the application that answers one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from anyio import from_thread
from anyio.to_thread import run_sync
from pydantic import BaseModel, ValidationError
from starlette.routing import Route

from serving.asgi import Problem, Receive, Scope, Send, send_json
from serving.bodies import check_complexity, invalid_request, parse_request
from serving.doors.caller import Caller
from serving.query_strings import parse_parameters
from serving.work.clock import DeskClock
from serving.work.entries import WorkEntries
from serving.work.inner import InnerRequests
from serving.work.records import Records

if TYPE_CHECKING:
    from serving.model_store import ModelStore
    from serving.settings import Settings

Method = Literal["GET", "POST", "PUT"]


@dataclass(frozen=True)
class WorkContext:
    """What the endpoints of the daily work share; one of each worker process.

    Attributes
    ----------
    records : Records
        Rows of the dealership's tables.
    entries : WorkEntries
        Who did what.
    inner : InnerRequests
        Asks other endpoints.
    store : ModelStore
        Champions.
    settings : Settings
        Of the service.
    """

    records: Records
    entries: WorkEntries
    inner: InnerRequests
    store: ModelStore
    settings: Settings

    @property
    def clock(self) -> DeskClock:
        """Return the clock of the desk."""
        return self.records.clock

    @property
    def configs(self) -> Path:
        """Return the folder of the configurations."""
        return self.settings.configs


@dataclass(frozen=True)
class WorkRequest:
    """A request to a `WorkRoute`.

    Attributes
    ----------
    context : WorkContext
        Rows, entries, clock and settings.
    path : mapping of str to str
        Values of the parameters of the path.
    parameters, body : BaseModel or None
        Query string and JSON body, as instances of the models of the route.
    caller : Caller or None
        Who asks; None without doors.
    scope : mapping
        ASGI scope.
    """

    context: WorkContext
    path: Mapping[str, str] = field(default_factory=dict)
    parameters: Any = None
    body: Any = None
    caller: Caller | None = None
    scope: Scope = field(default_factory=dict)

    @property
    def stores(self) -> frozenset[str] | None:
        """Return the stores whose records the caller may see; None for all."""
        return None if self.caller is None else self.caller.stores

    def may(self, scope: str) -> bool:
        """Return whether the caller has a scope."""
        return self.caller is None or scope in self.caller.scopes

    def check_store(self, store_id: str | None) -> None:
        """Raise `Problem` 403 if the caller may not see records of a store; None is the group as a whole."""
        if self.stores is not None and store_id not in self.stores:
            raise Problem(403, "wrong_store", "this key does not hold for this store")

    def ask(self, method: str, path: str, body: Any = None, *, query: str = "") -> Any:
        """Return the JSON of another endpoint, as the same caller.

        Parameters
        ----------
        method, path : str
            Such as `POST`, `/v1/lead_scoring/queue`.
        body : object, optional
            Content of the JSON body.
        query : str
            Query string, such as `preview=true`.

        Raises
        ------
        Problem
            The endpoint refuses the request.
        """
        return from_thread.run(partial(self.context.inner.ask, self.scope, method, path, body, query=query))


@dataclass(frozen=True)
class WorkRoute:
    """An endpoint of the daily work.

    Attributes
    ----------
    method : {'GET', 'POST', 'PUT'}
        HTTP method.
    path : str
        URL path with parameters in braces, such as `/v1/leads/{lead_id}`. Its scope is in `serving.doors.roles`.
    summary : mapping
        What it answers, by language (`zh`, `en`).
    respond : callable
        ``(WorkRequest) -> answer``; it runs in a thread.
    answer : type of BaseModel
        Model of the answer.
    parameters : type of BaseModel, optional
        Model of the query string; None: there are no parameters.
    body : type of BaseModel, optional
        Model of the JSON body of a POST or PUT; None: no body.
    example : mapping, optional
        Body of a valid request, for the documentation.
    """

    method: Method
    path: str
    summary: Mapping[str, str]
    respond: Callable[[WorkRequest], BaseModel]
    answer: type[BaseModel]
    parameters: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    example: Mapping[str, Any] | None = None

    @property
    def operation(self) -> str:
        """Return the name of the operation in the OpenAPI document, such as `get_leads_lead_id`."""
        parts = [part.strip("{}") for part in self.path.removeprefix("/v1/").split("/")]
        return "_".join([self.method.lower(), *parts])


class WorkApp:
    """ASGI application of the routes of one path.

    Parameters
    ----------
    context : WorkContext
        Of the process.
    routes : mapping of str to WorkRoute
        By method.
    """

    def __init__(self, context: WorkContext, routes: Mapping[str, WorkRoute]) -> None:
        self._context = context
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes["GET" if scope["method"] == "HEAD" else scope["method"]]
        request = WorkRequest(
            context=self._context,
            path=dict(scope.get("path_params", {})),
            parameters=_parameters(route, scope["query_string"]),
            body=await _body(route, scope, receive),
            caller=scope.get("caller"),
            scope=scope,
        )
        answer = await run_sync(_respond, route, request, abandon_on_cancel=True)
        await send_json(send, answer)


def work_routes(routes: Sequence[WorkRoute], context: WorkContext) -> list[Route]:
    """Return the Starlette routes of endpoints; those of one path share an application.

    Parameters
    ----------
    routes : sequence of WorkRoute
        For example `serving.work.registry.ROUTES`.
    context : WorkContext
        Of the process.
    """
    by_path: dict[str, dict[str, WorkRoute]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    return [Route(path, WorkApp(context, group), methods=list(group)) for path, group in by_path.items()]


def _respond(route: WorkRoute, request: WorkRequest) -> bytes:
    return route.respond(request).model_dump_json().encode()


def _parameters(route: WorkRoute, query: bytes) -> BaseModel | None:
    model = route.parameters
    values = parse_parameters(query, () if model is None else tuple(model.model_fields))
    if model is None:
        return None
    try:
        return model.model_validate_strings({name: value for name, value in values.items() if value != ""})
    except ValidationError as e:
        raise invalid_request(e) from None


async def _body(route: WorkRoute, scope: Scope, receive: Receive) -> BaseModel | None:
    if route.body is None:
        return None
    kind = dict(scope["headers"]).get(b"content-type", b"")
    if kind.split(b";")[0].strip().lower() != b"application/json":
        raise Problem(415, "not_json", "the header Content-Type must be application/json")
    content: bytes = (await receive()).get("body", b"")
    check_complexity(content)
    return parse_request(route.body, content)
