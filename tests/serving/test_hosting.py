"""The Bento: requests go to the guarded application, everything else to BentoML."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from serving.settings import load_settings


@pytest.fixture
def visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the calls of an application and a store that replace those of a worker."""
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path))
    monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "true")
    called: list[str] = []

    async def guard(scope: Any, receive: Any, send: Any) -> None:
        called.append(f"guard {scope['type']}")

    def recorded(name: str) -> SimpleNamespace:
        def end() -> None:
            called.append(f"{name} stops")

        return SimpleNamespace(start=lambda: called.append(f"{name} starts"), stop=end, close=end)

    parts = {name.upper(): recorded(name) for name in ("store", "decisions", "doors", "records")}
    application = SimpleNamespace(GUARD=guard, SETTINGS=load_settings(environment={}), **parts)
    monkeypatch.setitem(sys.modules, "serving.application", application)
    return called


def test_requests_go_to_the_guard_and_the_rest_to_bentoml(visits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.service import Chehang, Hosted

    async def bento(scope: Any, receive: Any, send: Any) -> None:
        visits.append(f"bento {scope['type']}")

    monkeypatch.setattr(Hosted.__mro__[1], "to_asgi", lambda service, is_main: bento)
    monkeypatch.setattr("serving.limits.protocol.install", lambda settings: visits.append(f"limits of {settings.host}"))
    front = Chehang.to_asgi()
    for kind in ("http", "lifespan", "websocket"):
        asyncio.run(front({"type": kind}, None, None))
    assert visits == ["limits of 127.0.0.1", "guard http", "bento lifespan", "bento websocket"]


def test_a_worker_follows_the_store_as_long_as_it_lives(visits: list[str]) -> None:
    from serving.service import Chehang

    worker = Chehang.inner()
    assert (
        visits == ["decisions starts", "doors starts", "store starts", "records starts"] and Chehang.name == "chehang"
    )
    worker.stop()
    assert visits[4:] == ["records stops", "store stops", "decisions stops", "doors stops"]
