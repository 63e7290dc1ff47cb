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
from tests.serving.running import DEVELOPMENT_KEY, WITH_KEY


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Import the module as a worker with a small body limit does."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHEHANG_HOME", str(home))
        patch.setenv("BENTOML_HOME", str(home / "serving"))
        patch.setenv("CHEHANG_DEVELOPMENT_KEY", DEVELOPMENT_KEY)
        patch.setenv("CHEHANG_MAX_BODY_BYTES", "1000")
        patch.setenv("CHEHANG_MAX_BULK_BYTES", "1000")
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
    assert "being loaded" in problem(ask(worker.GUARD, "/v1/credit_risk", b"{}", **WITH_KEY), 503)["message"]
    assert ask(worker.GUARD, "/v1/loans/schedule/example", **WITH_KEY).status_code == 200, (
        "rules alone need no champion"
    )


def test_the_guard_keeps_the_limit_of_the_settings(worker: ModuleType) -> None:
    assert (
        "at most 1,000 bytes" in problem(ask(worker.GUARD, "/v1/credit_risk", b" " * 1_001, **WITH_KEY), 413)["message"]
    )


def test_without_a_key_only_probes_are_answered_and_the_key_is_asked_for_before_the_path_is_looked_up(
    worker: ModuleType,
) -> None:
    for path in ("/metrics", "/openapi.json", "/v1/credit_risk/example", "/v1/nothing", "/nothing"):
        assert problem(ask(worker.GUARD, path), 401)["code"] == "no_key"
    assert problem(ask(worker.GUARD, "/nothing", **WITH_KEY), 404)["code"] == "not_found"
