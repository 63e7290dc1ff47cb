"""ASGI applications of the endpoints: a single request, a batch, and an example request."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from anyio.to_thread import run_sync
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.routing import Route

from features.errors import ConfigError, DataError, FeatureError
from ml.endpoint import Endpoint
from ml.entry import split_name
from ml.registry import TASKS, endpoints
from serving.asgi import App, Problem, Receive, Scope, Send, send_html, send_json
from serving.bodies import not_computable, parse_request
from serving.decisions.answers import DecisionAnswers
from serving.decisions.entries import NewEntry
from serving.decisions.recording import models_json
from serving.decisions.writer import LogWriter
from serving.doors.caller import Caller
from serving.doors.requested_stores import check_stores
from serving.limits.computations import compute, slices
from serving.limits.lists import parse_batch, parse_list
from serving.model_store import LoadedChampion, ModelStore
from serving.query_strings import AnswerOptions, parse_options, parse_parameters
from serving.watching.answers import AnswerCounter
from serving.watching.stages import begin_stage

Champions = Mapping[str, LoadedChampion]
log = logging.getLogger("chehang.serving")
BATCH_BODY = re.compile(rb'\s*\{\s*"items"\s*:')  # no request has a field named items


@dataclass(frozen=True)
class MountedEndpoint:
    """An endpoint and the task or group that it belongs to, which together determine its path.

    Returned by `serving.endpoints.mounted_endpoints`.

    Attributes
    ----------
    owner : str
        Name of the task, of one of its models (`credit_risk.north`) or of the group.
    endpoint : Endpoint
        Request model, answer model and the function that answers, an `ml.endpoint.Endpoint`.
    """

    owner: str
    endpoint: Endpoint[Any, Any, Any]

    @property
    def name(self) -> str:
        """Owner and endpoint path, such as `fault_rate/power`."""
        return f"{self.owner}/{self.endpoint.path}".removesuffix("/")

    @property
    def path(self) -> str:
        """URL path of a single request, such as `/v1/fault_rate/power`."""
        return f"/v1/{self.name}"

    @property
    def required_tasks(self) -> tuple[str, ...]:
        """Tasks that must have a champion: the owner, if it is a task, and the endpoint's required tasks."""
        own = (self.owner,) if self.owner in TASKS else ()
        return (*own, *self.endpoint.required_tasks)

    @property
    def version_field(self) -> str | None:
        """Response field with the version of the champion, or of several champions by task; None without a champion."""
        champions = len(self.required_tasks) + len(self.endpoint.optional_tasks)
        return (None, "model_version", "model_versions")[min(champions, 2)]

    @property
    def has_batch(self) -> bool:
        """Whether a batch of requests may be sent."""
        return self.endpoint.max_rows != 1


def mounted_endpoints() -> tuple[MountedEndpoint, ...]:
    """Return all endpoints of all tasks and groups, in the order of `ml.registry.endpoints`.

    >>> mounted_endpoints()[0].path
    '/v1/recommendation'
    """
    return tuple(MountedEndpoint(owner, endpoint) for owner, endpoint in endpoints())


def routes(
    endpoints: Sequence[MountedEndpoint],
    store: ModelStore,
    configs: Path,
    *,
    max_rows: int,
    decisions: LogWriter | None = None,
) -> list[Route]:
    """Return the routes of endpoints.

    An endpoint with invalid rules answers 503 on its own routes, and the log has the reason; others are not affected.

    Parameters
    ----------
    endpoints : sequence of MountedEndpoint
        For example all of them, as returned by `mounted_endpoints`.
    store : ModelStore
        ``serving.model_store.ModelStore(...)``, which holds the champions that answer.
    configs : Path
        Folder of the endpoints' rules, such as `loans/products.yaml`; `configs` in the repository.
    max_rows : int
        Largest number of requests in one batch; an endpoint's own smaller limit holds.
    decisions : LogWriter, optional
        Writer of the decision log; None logs nothing.

    Returns
    -------
    list of Route
        Starlette routes of each endpoint: `POST <path>`, `POST <path>/batch` if it has batches, `GET <path>/example`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from serving.endpoints import mounted_endpoints
    >>> from serving.model_store import ModelStore
    >>> [r.path for r in routes(mounted_endpoints(), ModelStore(poll_seconds=1), Path("configs"), max_rows=9)][:2]
    ['/v1/recommendation', '/v1/recommendation/batch']
    """
    # Reads rules that several endpoints share once.
    read = cache(lambda rules, data_set: rules(configs, data_set) if data_set else rules(configs))
    all_routes: list[Route] = []
    for mounted in endpoints:
        try:
            rules = read(mounted.endpoint.rules, split_name(mounted.owner).data_set)
            single = SingleApp(mounted, store, rules, max_rows=max_rows, decisions=decisions)
            apps: tuple[App, App, App] = (single, BatchApp(single), ExampleApp(single))
        except ConfigError as e:
            log.error("%s is disabled: %s", mounted.name, e)
            # The error names a file of this machine, which is not for callers.
            reason = "its rules are invalid; the log of the service names the file, what is wrong and what to do"
            apps = (DisabledApp(f"{mounted.name} is disabled, because {reason}"),) * 3
        all_routes.append(Route(mounted.path, apps[0], methods=["POST"]))
        if mounted.has_batch:
            all_routes.append(Route(f"{mounted.path}/batch", apps[1], methods=["POST"]))
        all_routes.append(Route(f"{mounted.path}/example", apps[2], methods=["GET"]))
    return all_routes


class DisabledApp:
    """Answers every request with 503 and the reason why the endpoint is disabled."""

    def __init__(self, message: str) -> None:
        self.message = message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise Problem(503, "endpoint_disabled", self.message)


class Schema(NamedTuple):
    """Request model and version field for one set of champion versions; returned by `SingleApp.schema`.

    Attributes
    ----------
    versions : mapping of str to int
        Version number of each task's champion.
    model : type of BaseModel
        Pydantic model of one request.
    ending : bytes
        Last part of a JSON response: the version field and the closing brace.
    models : bytes
        The champions and their promotions as JSON, for the decision log.
    """

    versions: Mapping[str, int]
    model: type[BaseModel]
    ending: bytes
    models: bytes


class SingleApp:
    """`POST <path>`: answers one request, or a batch if the endpoint has batches and the body is `{"items": [...]}`.

    `routes` makes one for each endpoint, and Starlette calls it as an ASGI application behind `serving.guard.Guard`,
    which passes the whole body in one message. Fast requests without reasons are answered in the event loop, all others
    in a thread. Errors are raised as `serving.asgi.Problem`.

    Parameters
    ----------
    mounted : MountedEndpoint
        One of `mounted_endpoints`.
    store : ModelStore
        ``serving.model_store.ModelStore(...)``, which holds the champions that answer.
    rules : object
        Rules of the endpoint, as returned by ``mounted.endpoint.rules(configs)`` with the folder of the rules; None if
        it has no rules.
    max_rows : int
        Largest number of requests in one batch.
    decisions : LogWriter, optional
        Writer of the decision log; None logs nothing. Only answers of endpoints that decide are logged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from serving.endpoints import SingleApp, mounted_endpoints
    >>> from serving.model_store import ModelStore
    >>> mounted = next(m for m in mounted_endpoints() if m.path == "/v1/loans/schedule")
    >>> single = SingleApp(mounted, ModelStore(poll_seconds=1), mounted.endpoint.rules(Path("configs")), max_rows=9)
    >>> single.champions()
    {}
    """

    def __init__(
        self,
        mounted: MountedEndpoint,
        store: ModelStore,
        rules: Any,
        *,
        max_rows: int,
        decisions: LogWriter | None = None,
    ) -> None:
        self.endpoint = mounted.endpoint
        # Endpoints look champions up by task, whatever the name of the model that answers.
        self._required = [(split_name(name).task, name) for name in mounted.required_tasks]
        self._models = {**dict(self._required), **{name: name for name in self.endpoint.optional_tasks}}
        self.version_field = mounted.version_field
        self.has_batch = mounted.has_batch
        self.max_rows = min(max_rows, self.endpoint.max_rows or max_rows)
        self.store = store
        self.rules = rules
        self.is_bulk = self.endpoint.long_list is not None
        self._counter = AnswerCounter(mounted.owner, mounted.endpoint)
        self._schema: Schema | None = None
        self._decisions = (
            DecisionAnswers(mounted.path, mounted.endpoint, decisions) if mounted.endpoint.decision else None
        )

    def champions(self) -> dict[str, LoadedChampion]:
        """Return the loaded champions by task: of all required tasks, and of the optional tasks that have one.

        Empty for an endpoint that needs no champion.

        Raises
        ------
        Problem
            Status 503: a required task has no champion.
        """
        champions = {}
        for task, name in self._required:
            loaded = self.store.current(name)
            if loaded is None:
                raise Problem(503, "no_champion", self.store.missing_champion(name))
            champions[task] = loaded
        for name in self.endpoint.optional_tasks:
            if (loaded := self.store.current(name)) is not None:
                champions[name] = loaded
        return champions

    async def schema(self, champions: Mapping[str, LoadedChampion]) -> Schema:
        """Return the request model and the version field for these champions; await the result.

        The schema is cached until the version of a champion changes.

        Parameters
        ----------
        champions : mapping of str to LoadedChampion
            As returned by the method `champions`.

        Returns
        -------
        Schema
            `versions` (version number by task), `model` (pydantic class of one request) and `ending` (bytes that end
            the JSON of an answer, such as ``b',"model_version":3}'``).

        Examples
        --------
        >>> import asyncio
        >>> from pathlib import Path
        >>> from serving.endpoints import SingleApp, mounted_endpoints
        >>> from serving.model_store import ModelStore
        >>> mounted = next(m for m in mounted_endpoints() if m.path == "/v1/loans/schedule")
        >>> single = SingleApp(mounted, ModelStore(poll_seconds=1), mounted.endpoint.rules(Path("configs")), max_rows=9)
        >>> asyncio.run(single.schema(single.champions())).model.__name__
        'ScheduleRequest'
        """
        versions = {self._models[task]: loaded.version for task, loaded in champions.items()}
        schema = self._schema
        if schema is None or schema.versions != versions:
            model = await run_sync(self.endpoint.request, champions, abandon_on_cancel=True)
            names = {self._models[task]: loaded for task, loaded in champions.items()}
            schema = self._schema = Schema(versions, model, self._ending(versions), models_json(names))
        return schema

    def _ending(self, versions: Mapping[str, int]) -> bytes:
        """Return the version field and the closing brace, which replace the last brace of an answer."""
        if self.version_field is None:
            return b"}"
        content = versions if self.version_field == "model_versions" else next(iter(versions.values()))
        return b',"%b":%b}' % (self.version_field.encode(), to_json(content))

    def _options(self, scope: Scope) -> AnswerOptions:
        """Return the options of the query string, after the checks of a request that decides."""
        decisions = self._decisions
        options = parse_options(scope["query_string"], explains=self.endpoint.explains, decides=decisions is not None)
        if decisions is not None:
            decisions.check(scope, preview=options.preview)
        return options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        champions = self.champions()
        schema = await self.schema(champions)
        body = (await receive())["body"]
        if self.has_batch and BATCH_BODY.match(body):
            return await self.send_batch(scope, body, send)
        caller: Caller | None = scope.get("caller")
        options, runs_in_thread = self._options(scope), self.endpoint.runs_in_thread
        if runs_in_thread is None:
            requests, answer = await compute(
                scope, self._parse_and_answer, champions, schema, body, options.explain, caller
            )
        else:
            requests = [parse_request(schema.model, body)]
            begin_stage(scope, "computing")
            if options.explain or runs_in_thread(requests[0]):
                answers = await compute(scope, self._answers, champions, requests, options.explain, caller)
            else:
                answers = self._answers(champions, requests, False, caller)
            answer = answers[0]
        if self.endpoint.page is not None and b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            return await send_html(send, self.endpoint.page(answer))
        if self._decisions is None:
            content = answer.model_dump_json().encode()[:-1]
        else:
            content = await self._decisions.single(
                scope, schema.models, requests[0], answer, body, preview=options.preview
            )
        await send_json(send, content + schema.ending)

    async def send_batch(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer the batch in `body`, JSON `{"items": [...]}`, through `send`; the answers are computed in a thread.

        Called by this class and `BatchApp` with the `scope` and `send` of their ASGI call; not for direct use.

        Raises
        ------
        Problem
            Status 503: no champion, or the decision log cannot be written. Status 422: a request is invalid.
        """
        champions = self.champions()
        schema = await self.schema(champions)
        options = self._options(scope)
        content, entries = await compute(scope, self._batch, champions, schema, body, options, scope)
        if self._decisions is not None:
            await self._decisions.write(entries)
        await send_json(send, content)

    def _parse_and_answer(
        self, champions: Champions, schema: Schema, body: bytes, explain: bool, caller: Caller | None
    ) -> tuple[list[BaseModel], BaseModel]:
        field = self.endpoint.long_list
        request = parse_list(schema.model, body, field=field) if field else parse_request(schema.model, body)
        return [request], self._answers(champions, [request], explain, caller)[0]

    def _batch(
        self, champions: Champions, schema: Schema, body: bytes, options: AnswerOptions, scope: Scope
    ) -> tuple[bytes, list[NewEntry]]:
        """Return the JSON of a batch, and the log entries of its decisions."""
        requests = parse_batch(schema.model, body, max_rows=self.max_rows)
        answers: list[BaseModel] = []
        parts = []
        for rows in slices(requests):
            answers += self._answers(champions, rows, options.explain, scope.get("caller"))
            if self._decisions is None:
                parts.append(to_json(answers[-len(rows) :])[1:-1])
        if self._decisions is None:
            return b'{"items":[%b]' % b",".join(parts) + schema.ending, []
        content, entries = self._decisions.batch(scope, schema.models, requests, answers, preview=options.preview)
        return content + schema.ending, entries

    def _answers(
        self, champions: Champions, requests: Sequence[BaseModel], explain: bool, caller: Caller | None
    ) -> Sequence[BaseModel]:
        if caller is not None and caller.stores is not None:
            check_stores(caller.stores, requests)
        try:
            answers: Sequence[BaseModel] = self.endpoint.respond(self.rules, champions, requests, explain)
        except FeatureError as e:
            raise not_computable(e) from None
        except DataError as e:
            problem = Problem(422, "not_possible", str(e)) if self.endpoint.public_errors else not_computable(e)
            raise problem from None
        self._counter.add(answers)
        return answers


class BatchApp:
    """`POST <path>/batch`: answers a batch of requests."""

    is_bulk = True

    def __init__(self, single: SingleApp) -> None:
        self.single = single

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.single.send_batch(scope, (await receive())["body"], send)


class ExampleApp:
    """`GET <path>/example`: returns a valid request."""

    def __init__(self, single: SingleApp) -> None:
        self.single = single

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parse_parameters(scope["query_string"])
        await send_json(send, to_json(self.single.endpoint.example(self.single.champions())))
