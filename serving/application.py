"""The guarded application of one worker process, with its model store and the settings of its environment."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from features.errors import ConfigError
from ml.home import home
from serving.api import build_app
from serving.asgi import App
from serving.decisions.log_keys import log_keys
from serving.decisions.writer import LogWriter
from serving.doors.opening import open_doors
from serving.doors.origins import Origins
from serving.doors.roles import check_routes
from serving.guard import Guard, routes_of
from serving.limits.computations import Computations
from serving.metrics import REGISTRY
from serving.model_store import ModelStore
from serving.settings import Settings, load_settings
from serving.shared_file import FILE_NAME, SharedFile
from serving.watching.logs import LineHandler
from serving.watching.request_log import RequestLog
from serving.work.clock import instant_of
from serving.work.records import Records, reader_of

logging.getLogger("chehang.serving").setLevel(logging.INFO)

# One arithmetic thread per worker: the matrices of a request are small, and threads of several workers that wait for
# each other in a busy loop cost ten times the time they save.
threadpool_limits(1)


def _request_log(settings: Settings) -> RequestLog | None:
    if not settings.log_requests:
        return None
    handler, is_json = LineHandler(sys.stdout.fileno()), settings.log_format == "json"
    return RequestLog(handler, share=settings.log_requests, is_json=is_json, worker=REGISTRY.worker)


def _tracing(settings: Settings) -> Any:
    if settings.otlp_endpoint is None:
        return None
    try:
        from serving.watching.tracing import Tracing
    except ImportError:
        raise ConfigError("otlp_endpoint: traces need: pip install 'chehang[telemetry]'") from None
    return Tracing(settings.otlp_endpoint, share=settings.trace_share, worker=REGISTRY.worker)


SETTINGS = load_settings()
STORE = ModelStore(poll_seconds=SETTINGS.poll_seconds, configs=SETTINGS.configs)
DECISIONS = LogWriter(SETTINGS.decision_store, log_keys())
# `serving.__main__` sets the folder of the server, and makes the file anew.
SHARED = SharedFile(Path(os.environ.get("BENTOML_HOME") or home() / "serving") / FILE_NAME)
READ, CHANGES = reader_of(SETTINGS.configs / "sources.yaml")
RECORDS = Records(READ, changes=CHANGES, fixed=instant_of(SETTINGS.desk_now))
DOORS = open_doors(SETTINGS, SHARED)
APP = build_app(STORE, SETTINGS, decisions=DECISIONS, counters=SHARED, records=RECORDS, doors=DOORS)
ROUTES = routes_of(APP)
check_routes(ROUTES["paths"])
GUARD: App = Guard(
    APP,
    max_body_bytes=SETTINGS.max_body_bytes,
    max_bulk_bytes=SETTINGS.max_bulk_bytes,
    timeout_seconds=SETTINGS.timeout_seconds,
    computations=Computations(max_computations=SETTINGS.max_computations, max_queue=SETTINGS.max_queue),
    request_log=_request_log(SETTINGS),
    tracing=_tracing(SETTINGS),
    doors=DOORS,
    **ROUTES,
)
if SETTINGS.cors_origins:
    GUARD = Origins(GUARD, SETTINGS.cors_origins)
