"""The Bento: requests go to the guarded application, everything else to BentoML."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the calls of an application and a store that replace those of a worker."""
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path))
    monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "true")
    called: list[str] = []

    async def guard(scope: Any, receive: Any, send: Any) -> None:
        called.append(f"guard {scope['type']}")

    store = SimpleNamespace(start=lambda: called.append("start"), stop=lambda: called.append("stop"))
    decisions = SimpleNamespace(start=lambda: called.append("start log"), close=lambda: called.append("close log"))
    application = SimpleNamespace(GUARD=guard, STORE=store, DECISIONS=decisions)
    monkeypatch.setitem(sys.modules, "serving.application", application)
    return called


def test_requests_go_to_the_guard_and_the_rest_to_bentoml(visits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.service import Chehang, Hosted

    async def bento(scope: Any, receive: Any, send: Any) -> None:
        visits.append(f"bento {scope['type']}")

    monkeypatch.setattr(Hosted.__mro__[1], "to_asgi", lambda service, is_main: bento)
    front = Chehang.to_asgi()
    for kind in ("http", "lifespan", "websocket"):
        asyncio.run(front({"type": kind}, None, None))
    assert visits == ["guard http", "bento lifespan", "bento websocket"]


def test_a_worker_follows_the_store_as_long_as_it_lives(visits: list[str]) -> None:
    from serving.service import Chehang

    worker = Chehang.inner()
    assert visits == ["start log", "start"] and Chehang.name == "chehang"
    worker.stop()
    assert visits[2:] == ["stop", "close log"]
