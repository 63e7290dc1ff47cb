"""The Bento: one service that hosts the application.

BentoML runs the processes and their life; every request goes straight to the mounted application, past BentoML's own
routes, access log, tracing and metrics, whose labels are raw paths.
"""

from __future__ import annotations

import logging
from typing import Any

import bentoml
from starlette.routing import Route

from serving.api import build_app
from serving.model_store import ModelStore
from serving.security import Guard, Receive, Scope, Send
from serving.settings import load_settings

logging.getLogger("chehang.serving").setLevel(logging.INFO)
SETTINGS = load_settings()
STORE = ModelStore(poll_seconds=SETTINGS.poll_seconds)
APP = build_app(STORE, SETTINGS)
PATHS = [route.path for route in APP.router.routes if isinstance(route, Route)]
GUARDED = Guard(APP, max_body_bytes=SETTINGS.max_body_bytes, paths=PATHS)


class Front:
    """Hands HTTP to the application, and everything else (start and stop) to BentoML."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (GUARDED if scope["type"] == "http" else self.app)(scope, receive, send)


@bentoml.asgi_app(APP, path="/")
@bentoml.service(
    name="chehang",
    workers=SETTINGS.workers,
    traffic={"timeout": SETTINGS.timeout_seconds},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},  # its layer is added whatever is configured, and costs more than the answer
)
class Chehang:
    """Answers with the promoted models."""

    def __init__(self) -> None:
        STORE.start()


Chehang.add_asgi_middleware(Front)  # type: ignore[attr-defined]
