"""Count the requests of a worker by route, task, status and error."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection
from typing import Protocol

from ml.entry import split_name
from ml.registry import GROUPS, TASKS
from serving.asgi import Scope
from serving.metrics import ERRORS, IN_FLIGHT, LATENCY, REFUSALS, REGISTRY, REQUESTS, SECONDS
from serving.watching.request_log import RequestLog

UNMATCHED = "unmatched"  # label of all paths that do not exist
DOORS_STATUSES = (401, 403, 429)


class NamedPaths(Protocol):
    """The paths of named models that requests have used so far."""

    @property
    def paths(self) -> Collection[str]:
        """Return the paths; they grow while the service runs."""


class RequestCounter:
    """Counts requests in the metrics; `serving.guard.Guard` calls it at the begin and the end of each.

    It costs about a microsecond a request: the event loop alone writes these series, so that they need no lock.

    Parameters
    ----------
    paths : collection of str
        Paths of all routes, with parameters in braces: `/v1/decisions/{decision_id}`.
    named : NamedPaths, optional
        Has further paths, those of named models.
    request_log : RequestLog, optional
        Writes a line for a share of the requests.

    Examples
    --------
    >>> from serving.metrics import REQUESTS
    >>> counter = RequestCounter(["/v1/credit_risk", "/v1/decisions/{decision_id}"])
    >>> counter.labels("/v1/credit_risk"), counter.labels("/v1/decisions/7"), counter.labels("/v1/secret")
    (('/v1/credit_risk', 'credit_risk'), ('/v1/decisions/{decision_id}', ''), ('unmatched', ''))
    """

    def __init__(
        self, paths: Collection[str], named: NamedPaths | None = None, request_log: RequestLog | None = None
    ) -> None:
        self._log = request_log
        self._named = named
        self._labels = {path: (path, _task(path)) for path in paths}
        self._numbers = REGISTRY.slot.numbers
        self._positions: dict[tuple[str, int], tuple[int, int]] = {}
        self._in_flight = 0
        self._in_flight_position = IN_FLIGHT.position()
        self._templates = [(_pattern(path), path) for path in paths if "{" in path]

    def labels(self, path: str) -> tuple[str, str]:
        """Return the labels `route` and `task` of a path."""
        labels = self._labels.get(path)
        if labels is not None:
            return labels
        if self._named is not None and path in self._named.paths:
            return self._labels.setdefault(path, (path, _task(path)))
        template = next((template for pattern, template in self._templates if pattern.fullmatch(path)), UNMATCHED)
        return template, ""

    def begin(self) -> None:
        """Count a request that has arrived."""
        self._in_flight += 1
        self._numbers[self._in_flight_position] = self._in_flight

    def end(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request that has been answered, with the code in ``scope["error_code"]`` if that is an error."""
        numbers, path = self._numbers, scope["path"]
        self._in_flight -= 1
        numbers[self._in_flight_position] = self._in_flight
        positions = self._positions.get((path, status))
        if positions is None:
            positions = self._find(path, status)
        count, latency = positions
        numbers[count] += 1
        numbers[latency + bisect_left(SECONDS, seconds)] += 1
        numbers[latency + len(SECONDS) + 1] += seconds
        if status >= 400:
            code = scope.get("error_code", "")
            ERRORS.add(1, self.labels(path)[0], code)
            if status in DOORS_STATUSES:
                REFUSALS.add(1, code)
        if self._log is not None:
            self._log.write(scope, self.labels(path)[0], status, seconds)

    def _find(self, path: str, status: int) -> tuple[int, int]:
        """Return the positions of count and latency, and remember those of paths that exist."""
        route, task = self.labels(path)
        positions = REQUESTS.position(route, task, str(status)), LATENCY.position(route, task)
        if path in self._labels:
            self._positions[path, status] = positions
        return positions


def _task(path: str) -> str:
    """Return the task, named model or group of a path below /v1; empty for a path of the service itself."""
    parts = path.split("/", 3)
    name = parts[2] if len(parts) > 2 and parts[1] == "v1" else ""
    base = split_name(name).task
    return name if base in TASKS or base in GROUPS else ""


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, re.split(r"\{[^}]*\}", template))))
