"""A log line for a share of the requests."""

from __future__ import annotations

import time
from random import random

from serving.asgi import Scope
from serving.watching.lines import json_line, time_text
from serving.watching.logs import LineHandler

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))


class RequestLog:
    """Writes a line for each of a share of the requests, and for each that is answered with a status of 500 or more.

    A line has no path, no query and no body: its route is a template, and who called is the identifier of the key.

    Parameters
    ----------
    handler : LineHandler
        As returned by `serving.watching.logs.configure`.
    share : float
        Share of the requests, above 0 and at most 1.
    is_json : bool
        Whether lines are JSON.
    worker : int
        Number of the worker.
    """

    def __init__(self, handler: LineHandler, *, share: float, is_json: bool, worker: int) -> None:
        self._handler = handler
        self._share = share
        self._is_json = is_json
        self._worker = worker

    def write(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        """Write the line of a request that has been answered, if it is one of the share."""
        if status < 500 and self._share < 1 and random() >= self._share:
            return
        method, caller = scope["method"] if scope["method"] in _METHODS else "other", scope.get("caller")
        fields = {
            "request_id": scope.get("request_id"),
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1e3, 3),
            "key_id": None if caller is None else caller.key_id,
            "code": scope.get("error_code"),
        }
        head = {"time": time_text(time.time()), "level": "info", "logger": "chehang.requests"}
        if self._is_json:
            line = json_line({**head, "message": f"{method} {route}", "worker": self._worker, **fields})
        else:
            values = " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
            line = f"{head['time']} INFO    [{self._worker}] chehang.requests: {values}"
        self._handler.write_line(line)
