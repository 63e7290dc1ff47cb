"""The BentoML service that runs the application.

BentoML starts, supervises and stops the processes. Requests bypass it: its tracing, time limit (a task and a timer per
request) and routing take as long as an answer, and its errors have another format.

Only the workers import the application. The supervisor imports this file as well; without the local imports it would
load MLflow and all models, which takes seconds and hundreds of megabytes.
"""

from __future__ import annotations

import os
from pathlib import Path

import bentoml
from _bentoml_sdk import Service  # type: ignore[import-untyped]

from serving.asgi import App, Receive, Scope, Send
from serving.metrics import REGISTRY
from serving.settings import load_settings
from serving.supervision import end_with_parent
from serving.watching.logs import configure

if "CHEHANG_METRICS" in os.environ:  # a process of the server, and not one that imports this file for its class
    configure(load_settings().log_format, worker=bentoml.server_context.worker_index)


class Hosted(Service):  # type: ignore[misc]
    """A BentoML service that passes HTTP requests to the guarded application; BentoML makes it for `Chehang`."""

    def to_asgi(self, is_main: bool = True) -> App:
        """Return the ASGI application of a worker: requests go to `GUARD`, lifespan events to BentoML.

        Called by BentoML; not for direct use. `is_main` is false for dependent services, which this service does not
        have.
        """
        if path := os.environ.get("CHEHANG_METRICS"):
            REGISTRY.attach(Path(path), bentoml.server_context.worker_index, process=os.getpid())
        from serving.application import GUARD, SETTINGS
        from serving.limits.protocol import install

        install(SETTINGS)
        bento: App = super().to_asgi(is_main)

        async def front(scope: Scope, receive: Receive, send: Send) -> None:
            await (GUARD if scope["type"] == "http" else bento)(scope, receive, send)

        return front


@bentoml.service(name="chehang", workers=load_settings().workers, metrics={"enabled": False}, service_class=Hosted)
class Chehang:
    """The service; BentoML makes one instance in each worker process, which loads the champions."""

    def __init__(self) -> None:
        from serving.application import DECISIONS, DOORS, RECORDS, STORE

        end_with_parent()
        DECISIONS.start()
        if DOORS is not None:
            DOORS.start()
        STORE.start()
        RECORDS.start()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def stop(self) -> None:
        """Stop following champions and keys, and write the decisions that wait. Called by BentoML for a worker."""
        from serving.application import DECISIONS, DOORS, RECORDS, STORE

        RECORDS.stop()
        STORE.stop()
        DECISIONS.close()
        if DOORS is not None:
            DOORS.stop()
