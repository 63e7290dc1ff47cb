"""An application with an endpoint that decides, and the entries that it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from ml.registry import TASKS
from serving.api import build_app
from serving.asgi import App, Receive, Scope, Send
from serving.decisions.entries import Entry
from serving.decisions.log_keys import LogKeys
from serving.decisions.reading import read_parts
from serving.decisions.writer import LogWriter
from serving.doors.caller import Caller
from serving.endpoints import MountedEndpoint
from serving.guard import Guard, routes_of
from serving.model_store import LoadedChampion
from serving.settings import Settings
from tests.serving.decisions.logs import KEYS, log_in, rows
from tests.serving.in_process import Champions, ask, champion
from tests.serving.running import until

PATH = "/v1/credit_risk"
REASON = {"code": "AMOUNT", "zh": "金额偏高。", "en": "The amount is high."}
BINDING = {"offers": {"__all__": {"offer_id"}}}


class Application(BaseModel):
    """A request."""

    model_config = ConfigDict(extra="forbid")

    amount: int = Field(ge=0)
    store_id: str | None = None
    application_id: str | None = None


class Offer(BaseModel):
    """An offer."""

    offer_id: str | None
    valid_until: str = "2026-12-31"


class Answer(BaseModel):
    """An answer: up to 100 is approved."""

    band: str
    offers: list[Offer]
    reasons: list[dict[str, str]] | None


def respond(rules: Any, champions: Any, requests: Sequence[Any], explain: bool) -> list[Answer]:
    """Approve amounts up to 100."""
    return [
        Answer(
            band="approve" if r.amount <= 100 else "decline",
            offers=[Offer(offer_id=f"o{r.amount}")],
            reasons=[REASON] if explain else None,
        )
        for r in requests
    ]


def content(request: Application, answer: Answer) -> Mapping[str, Any]:
    """Return what the log keeps."""
    return {"outcome": answer.band, "store_id": request.store_id, "reasons": answer.reasons}


def endpoint(**changes: Any) -> MountedEndpoint:
    """Return the endpoint of credit risk with `respond` as its answer."""
    own = replace(
        TASKS["credit_risk"].endpoint,
        request=lambda champions: Application,
        response=Answer,
        respond=respond,
        decision=content,
        binding_fields=BINDING,
        distribution=None,
        **changes,
    )
    return MountedEndpoint("credit_risk", own)


@dataclass(frozen=True)
class Desk:
    """An application behind a guard that knows its caller, and its log."""

    app: App
    writer: LogWriter
    folder: Path

    def post(self, body: Mapping[str, Any], path: str = PATH, **headers: str) -> httpx.Response:
        """Send a request."""
        return ask(self.app, path, json.dumps(body).encode(), **headers)

    def entries(self) -> list[Entry]:
        """Return all entries."""
        return rows(log_in(self.folder))

    def contents(self) -> list[dict[str, Any]]:
        """Return the content of all entries."""
        return [json.loads(entry.content) for entry in self.entries()]

    def personal(self, sequence: int, keys: LogKeys = KEYS) -> dict[str, Any]:
        """Return the decrypted personal fields of an entry."""
        with log_in(self.folder).connect() as connection:
            part = read_parts(connection, [sequence])[sequence]
        return dict(json.loads(keys.decrypt(part)[16:]))


@contextmanager
def desk(
    folder: Path,
    *mounted: MountedEndpoint,
    caller: Caller | None = None,
    keys: LogKeys | None = KEYS,
    champions: Mapping[str, LoadedChampion] | None = None,
) -> Iterator[Desk]:
    """Yield an application with a started log; a caller is what the doors recognise for every request."""
    writer = LogWriter(f"sqlite:///{folder}/decisions.db", keys)
    writer.start()
    until(lambda: writer._engine is not None)
    store = Champions({"credit_risk": champion()} if champions is None else champions)
    app = build_app(store, Settings(), list(mounted) or [endpoint()], decisions=writer)
    guard = Guard(app, max_body_bytes=1_000_000, max_bulk_bytes=8_000_000, timeout_seconds=5, **routes_of(app))

    async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
        if caller is not None:
            scope["caller"] = caller
        await guard(scope, receive, send)

    try:
        yield Desk(admitted, writer, folder)
    finally:
        writer.close()
