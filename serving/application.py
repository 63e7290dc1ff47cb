"""The guarded application of one worker process, with its model store and the settings of its environment."""

from __future__ import annotations

import logging

from threadpoolctl import threadpool_limits

from serving.api import build_app
from serving.guard import Guard, routes_of
from serving.model_store import ModelStore
from serving.settings import load_settings

logging.getLogger("chehang.serving").setLevel(logging.INFO)
logging.getLogger("uvicorn.access").propagate = False  # /metrics counts requests; a log line for each costs more

# One arithmetic thread per worker: the matrices of a request are small, and threads of several workers that wait for
# each other in a busy loop cost ten times the time they save.
threadpool_limits(1)

SETTINGS = load_settings()
STORE = ModelStore(poll_seconds=SETTINGS.poll_seconds, configs=SETTINGS.configs)
APP = build_app(STORE, SETTINGS)
GUARD = Guard(
    APP,
    max_body_bytes=SETTINGS.max_body_bytes,
    max_bulk_bytes=SETTINGS.max_bulk_bytes,
    timeout_seconds=SETTINGS.timeout_seconds,
    **routes_of(APP),
)
