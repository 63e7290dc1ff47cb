"""Routes of named models, such as `/v1/credit_risk.north`: made at the first request for a registered model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import Route

from ml.entry import split_name
from ml.registry import GROUPS, TASKS
from serving.asgi import App, Problem, Receive, Scope, Send
from serving.decisions.writer import LogWriter
from serving.endpoints import MountedEndpoint, routes
from serving.model_store import ModelStore


def named_endpoints(endpoints: Sequence[MountedEndpoint], name: str) -> list[MountedEndpoint]:
    """Return the endpoints of a task under the name of one of its models.

    Parameters
    ----------
    endpoints : sequence of MountedEndpoint
        As returned by `serving.endpoints.mounted_endpoints`.
    name : str
        Such as `credit_risk.north`.

    Examples
    --------
    >>> from serving.endpoints import mounted_endpoints
    >>> [mounted.path for mounted in named_endpoints(mounted_endpoints(), "demand_forecast.north")]
    ['/v1/demand_forecast.north', '/v1/demand_forecast.north/orders']
    """
    return [replace(mounted, owner=name) for mounted in endpoints if mounted.owner == split_name(name).task]


class NamedRoutes:
    """Answers the paths of named models; the default application of the router, for paths that no route matches.

    Models that are registered while the service runs are answered without a restart. An unknown name is answered with
    status 404 and the names that exist, a model without a champion with 503, as a task without one.

    Parameters
    ----------
    endpoints : sequence of MountedEndpoint
        As returned by `serving.endpoints.mounted_endpoints`.
    store : ModelStore
        Knows the registered names and holds the champions.
    configs : Path
        Folder of the endpoints' rules; a file of the data set, such as `order_planning.north.yaml`, comes first.
    max_rows : int
        Largest number of requests in one batch.
    default : ASGI application
        Answers all other paths.
    decisions : LogWriter, optional
        Writer of the decision log; None logs nothing.
    adapt : callable, optional
        Takes the routes of a model and returns them with further steps before their applications.

    Attributes
    ----------
    paths : set of str
        Paths of the models that requests have named so far: labels of the metrics.
    """

    def __init__(
        self,
        endpoints: Sequence[MountedEndpoint],
        store: ModelStore,
        configs: Path,
        *,
        max_rows: int,
        default: App,
        decisions: LogWriter | None = None,
        adapt: Callable[[list[Route]], list[Route]] = list,
    ) -> None:
        self.paths: set[str] = set()
        self._endpoints = endpoints
        self._store = store
        self._configs = configs
        self._max_rows = max_rows
        self._default = default
        self._decisions = decisions
        self._adapt = adapt
        self._apps: dict[str, dict[str, App]] = {}  # by path and method
        self._names: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; raises `Problem` for an unknown name and `HTTPException` for another method."""
        apps = self._apps_at(scope["path"])
        if apps is None:
            name = _name_in(scope["path"])
            if name is not None and name not in self._store.names:
                raise self._unknown(name)
            return await self._default(scope, receive, send)
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method not in apps:
            raise HTTPException(405, headers={"Allow": ", ".join(apps)})
        await apps[method](scope, receive, send)

    def post_app(self, path: str) -> App | None:
        """Return the application of the POST requests to a path of a registered model; None if there is none."""
        apps = self._apps_at(path)
        return None if apps is None else apps.get("POST")

    def _apps_at(self, path: str) -> dict[str, App] | None:
        apps = self._apps.get(path)
        if apps is not None:
            return apps
        name = _name_in(path)
        if name is not None and name not in self._names and name in self._store.names:
            self._add(name)
        return self._apps.get(path)

    def _add(self, name: str) -> None:
        endpoints = named_endpoints(self._endpoints, name)
        options: dict[str, Any] = {"max_rows": self._max_rows, "decisions": self._decisions}
        for route in self._adapt(routes(endpoints, self._store, self._configs, **options)):
            method = "POST" if "POST" in (route.methods or ()) else "GET"
            self._apps.setdefault(route.path, {})[method] = route.app
            self.paths.add(route.path)
        self._names.add(name)

    def _unknown(self, name: str) -> Problem:
        base = split_name(name).task
        if base in GROUPS:
            text = f"{base} has no models of data sets; its paths begin with /v1/{base}/"
            return Problem(404, "no_model", text)
        if not self._store.has_checked or self._store.is_unreadable:
            return Problem(503, "no_champion", self._store.missing_champion(name))
        names = ", ".join([base, *(other for other in self._store.names if split_name(other).task == base)])
        return Problem(404, "no_model", f"{base} has no model of this data set; its models are: {names}")


def _name_in(path: str) -> str | None:
    """Return the name of a model with a data set in a path, such as `/v1/credit_risk.north/batch`; else None."""
    parts = path.split("/", 3)
    if len(parts) < 3 or parts[1] != "v1":
        return None
    base, data_set = split_name(parts[2])
    return parts[2] if data_set and (base in TASKS or base in GROUPS) else None
