"""The Bento: one service that hosts the application.

BentoML runs the processes and their life. Requests do not pass through it: its tracing, time limit (a task and a timer
for each request) and routing cost as much as an answer, and its errors have another shape.

The application is imported by the workers only. The supervisor reads this file too, and would import MLflow and all
models for nothing: seconds of every start, and hundreds of megabytes.
"""

from __future__ import annotations

import bentoml
from _bentoml_sdk import Service  # type: ignore[import-untyped]

from serving.asgi import App, Receive, Scope, Send
from serving.settings import load_settings


class Hosted(Service):  # type: ignore[misc]
    """A BentoML service whose HTTP requests go to the guarded application."""

    def to_asgi(self, is_main: bool = True) -> App:
        """Hand requests to the application, start and stop to BentoML."""
        from serving.application import GUARD

        bento: App = super().to_asgi(is_main)

        async def front(scope: Scope, receive: Receive, send: Send) -> None:
            await (GUARD if scope["type"] == "http" else bento)(scope, receive, send)

        return front


@bentoml.service(name="chehang", workers=load_settings().workers, service_class=Hosted)
class Chehang:
    """Answers with the promoted models."""

    def __init__(self) -> None:
        from serving.application import STORE

        STORE.start()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def stop(self) -> None:
        """Look at the store no more."""
        from serving.application import STORE

        STORE.stop()
