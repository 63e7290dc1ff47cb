"""Pushes of the stock: who counts them, and how a worker sees them before it answers its next request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from anyio.to_thread import run_sync
from starlette.routing import Route

from ml.registry import TASKS
from serving.asgi import App, Receive, Scope, Send
from serving.model_store import ModelStore

STOCK = "stock"  # name of the counter


class ChangeCounters(Protocol):
    """Counters that all workers of a server share; `serving.shared_file.SharedFile` has them."""

    def count(self, name: str) -> int:
        """Return the present number."""

    def increase(self, name: str) -> None:
        """Add 1."""


class LocalCounters:
    """Counters of one process, for an application without a server.

    Examples
    --------
    >>> counters = LocalCounters()
    >>> counters.increase("stock")
    >>> counters.count("stock")
    1
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def count(self, name: str) -> int:
        """Return the present number; 0 at the start."""
        return self._numbers.get(name, 0)

    def increase(self, name: str) -> None:
        """Add 1."""
        self._numbers[name] = self.count(name) + 1


class FreshStock:
    """An ASGI application that brings the stock of a model up to date before a request, if a push has come.

    Parameters
    ----------
    app : ASGI application
        Answers the requests.
    counters : ChangeCounters
        Its counter `stock` grows with every push.
    update : callable
        Reads the changes; it is called in a thread.
    """

    def __init__(self, app: App, counters: ChangeCounters, update: Callable[[], None]) -> None:
        self.app = app
        self.is_bulk = getattr(app, "is_bulk", False)
        self._counters = counters
        self._update = update
        self._number = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        number = self._counters.count(STOCK)
        if number != self._number:
            await run_sync(self._update)
            self._number = number
        await self.app(scope, receive, send)


def with_fresh_stock(routes: Sequence[Route], store: ModelStore, counters: ChangeCounters) -> list[Route]:
    """Return routes whose applications follow pushes of the stock, where the task of the path has a stock.

    Parameters
    ----------
    routes : sequence of Route
        As returned by `serving.endpoints.routes`.
    store : ModelStore
        Holds the champions, and updates their stock.
    counters : ChangeCounters
        Its counter `stock` grows with every push.
    """
    return [_with_fresh_stock(route, store, counters) for route in routes]


def _with_fresh_stock(route: Route, store: ModelStore, counters: ChangeCounters) -> Route:
    name = route.path.split("/")[2]  # /v1/<name>/...
    if name not in TASKS or not getattr(TASKS[name].refresh, "follows_pushed_stock", False):
        return route
    app = FreshStock(route.app, counters, partial(store.update_live_data, name))
    return Route(route.path, app, methods=list(route.methods or ()))
