"""The guarded application of a worker, with the settings of its environment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import serving
from ml.registry import TASKS
from tests.conftest import ROOT
from tests.serving.in_process import ask, problem


@pytest.fixture(scope="module")
def worker() -> Iterator[ModuleType]:
    """Import the module as a worker with a small body limit does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHEHANG_MAX_BODY_BYTES", "1000")
        patch.setenv("CHEHANG_CONFIGS", str(ROOT / "configs"))
        # Another test may have imported the module with other settings; it is restored afterwards.
        patch.delitem(sys.modules, "serving.application", raising=False)
        patch.delattr(serving, "application", raising=False)
        import serving.application as module

        yield module
        del sys.modules["serving.application"], serving.application


def test_every_task_and_endpoint_is_reached_through_the_guard(worker: ModuleType) -> None:
    assert worker.SETTINGS.max_body_bytes == 1_000
    assert {f"/v1/{task}" for task in TASKS} | {"/v1/loans/offers"} <= set(worker.GUARD.post_apps)
    others = set(worker.GUARD.paths) - set(worker.GUARD.post_apps)
    assert {"/healthz", "/openapi.json", "/v1/credit_risk/example"} <= others
    alive = ask(worker.GUARD, "/healthz")
    assert alive.json() == {"status": "alive"} and alive.headers["x-request-id"]


def test_before_the_store_was_looked_at_nothing_is_ready(worker: ModuleType) -> None:
    assert "being loaded" in problem(ask(worker.GUARD, "/readyz"), 503)["message"]
    assert "being loaded" in problem(ask(worker.GUARD, "/v1/credit_risk", b"{}"), 503)["message"]
    assert ask(worker.GUARD, "/v1/loans/schedule/example").status_code == 200, "rules alone need no champion"


def test_the_guard_keeps_the_limit_of_the_settings(worker: ModuleType) -> None:
    assert "at most 1,000 bytes" in problem(ask(worker.GUARD, "/v1/credit_risk", b" " * 1_001), 413)["message"]
