"""The demand champion, questions to it on behalf of the whole group, and results that are kept per version."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from anyio import from_thread

from ml.home import file_state, model_file
from serving.asgi import Problem
from serving.work.routing import WorkContext, WorkRequest

if TYPE_CHECKING:
    from ml.demand_forecast.estimator import DemandEstimator
    from serving.model_store import ModelStore

TASK = "demand_forecast"
RULES = "order_planning.yaml"
BATCH = 50  # questions in one batch: a longer one may exceed the time of a request
MAX_RESULTS = 64
Result = TypeVar("Result")
_results: WeakKeyDictionary[ModelStore, VersionResults] = WeakKeyDictionary()


class VersionResults:
    """Results by name and key; a new key replaces the result of the old one.

    Examples
    --------
    >>> results = VersionResults()
    >>> results.get("plan", 1, lambda: "first"), results.get("plan", 1, lambda: "second")
    ('first', 'first')
    >>> results.get("plan", 2, lambda: "second")
    'second'
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._results: OrderedDict[str, tuple[Hashable, Any]] = OrderedDict()

    def get(self, name: str, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return ``compute()``, once for each key of a name.

        Parameters
        ----------
        name : str
            Name of the result.
        key : hashable
            Everything that the result depends on.
        compute : callable
            Takes nothing.
        """
        entry = self._results.get(name)
        if entry is None or entry[0] != key:
            entry = (key, compute())
            with self._lock:
                self._results[name] = entry
                self._results.move_to_end(name)
                while len(self._results) > MAX_RESULTS:
                    self._results.popitem(last=False)
        return cast("Result", entry[1])


def results_of(context: WorkContext) -> VersionResults:
    """Return the results that are kept beside the champions of a process.

    Parameters
    ----------
    context : WorkContext
        Of the process.
    """
    return _results.setdefault(context.store, VersionResults())


def version_key(context: WorkContext) -> tuple[Hashable, ...]:
    """Return the key of results that follow from the demand champion and the planning rules alone.

    Parameters
    ----------
    context : WorkContext
        Of the process.

    Raises
    ------
    Problem
        Status 503: there is no champion.
    """
    champion = context.store.current(TASK)
    if champion is None:
        raise Problem(503, "no_champion", context.store.missing_champion(TASK))
    return champion.version, id(champion.model), rules_state(context)


def rules_state(context: WorkContext) -> Hashable:
    """Return a value that changes with the file of planning rules; None without it.

    Parameters
    ----------
    context : WorkContext
        Of the process.
    """
    path = model_file(context.configs, RULES)
    return file_state(path) if path.is_file() else None


def demand_estimator(context: WorkContext) -> DemandEstimator:
    """Return the estimator of the demand champion.

    Parameters
    ----------
    context : WorkContext
        Of the process.

    Raises
    ------
    Problem
        Status 503: there is no champion.
    """
    version_key(context)
    champion = context.store.current(TASK)
    assert champion is not None
    return cast("DemandEstimator", champion.estimator)


def ask_for_group(request: WorkRequest, path: str, body: Any, *, query: str = "") -> Any:
    """Return the JSON of an endpoint for all stores, whatever the stores of the caller.

    Orders of one store depend on the stock of the others. The caller must be shown the rows of its own stores only.

    Parameters
    ----------
    request : WorkRequest
        Of the caller.
    path : str
        Path of a POST endpoint.
    body : object
        Content of its JSON body.
    query : str
        Query string.
    """
    scope = {**request.scope, "caller": None}
    return from_thread.run(partial(request.context.inner.ask, scope, "POST", path, body, query=query))


def ask_in_parts(request: WorkRequest, path: str, items: Sequence[Any]) -> list[Any]:
    """Return the answers of a batch endpoint for all stores, `BATCH` questions at a time.

    Parameters
    ----------
    request : WorkRequest
        Of the caller.
    path : str
        Path without `/batch`.
    items : sequence of object
        Questions.
    """
    answers: list[Any] = []
    for begin in range(0, len(items), BATCH):
        part = list(items[begin : begin + BATCH])
        answers += ask_for_group(request, f"{path}/batch", {"items": part})["items"]
    return answers
