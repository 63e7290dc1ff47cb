"""An application with a feedback store, events to send to it, and the rows that it then has."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from serving.api import build_app
from serving.asgi import App
from serving.guard import Guard, routes_of
from serving.model_store import ModelStore
from serving.settings import Settings

AT = "2026-03-01T09:00:00+08:00"
AT_US = 1_772_326_800_000_000


def application(folder: Path, *, configs: Path | None = None, store: ModelStore | None = None, **options: Any) -> App:
    """Return the guarded application with a feedback store in the folder."""
    settings = Settings(feedback_store=f"sqlite:///{folder}/feedback.db", configs=configs or folder)
    app = build_app(store or ModelStore(poll_seconds=60), settings, **options)
    return Guard(app, max_body_bytes=1_000_000, max_bulk_bytes=8_000_000, timeout_seconds=20, **routes_of(app))


def send(app: App, method: str, path: str, body: Any) -> httpx.Response:
    """Send a request; a body of bytes is sent as it is."""

    async def answer() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
            content = {"content": body} if isinstance(body, bytes) else {"json": body}
            return await client.request(method, path, headers={"content-type": "application/json"}, **content)  # type: ignore[arg-type]

    return asyncio.run(answer())


def post(app: App, *events: dict[str, Any]) -> httpx.Response:
    """Send events."""
    return send(app, "POST", "/v1/events", {"events": list(events)})


def event(kind: str, number: object, **fields: Any) -> dict[str, Any]:
    """Return an event with an id and an instant."""
    return {"type": kind, "event_id": f"e{number}", "at": AT, **fields}


def view(number: object, **fields: Any) -> dict[str, Any]:
    """Return a view of a vehicle by a visitor."""
    return event("view", number, **{"visitor_id": "w", "vehicle_id": "V1", **fields})


def shown(number: object, request: str = "r1", **fields: Any) -> dict[str, Any]:
    """Return a page of two vehicles."""
    vehicles = [{"vehicle_id": f"V{k}", "place": k, "propensity": 1 / k} for k in (1, 2)]
    return event("shown", number, **{"request_id": request, "visitor_id": "w", "vehicles": vehicles, **fields})


def rows(folder: Path, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return the rows of a table, in order."""
    with closing(sqlite3.connect(folder / "feedback.db")) as connection:
        sql = f"SELECT {', '.join(columns) or '*'} FROM {table} ORDER BY 1"
        return list(connection.execute(sql))
