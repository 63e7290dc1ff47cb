"""The one shape of the questions beside the tasks' own."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from ml.endpoint import Endpoint
from ml.registry import ENDPOINTS, TASKS
from tests.conftest import ROOT


def test_every_endpoint_has_a_path_of_its_own_and_needs_tasks_that_there_are() -> None:
    endpoints = [e for make in ENDPOINTS.values() for e in make(ROOT / "configs")]
    assert all(isinstance(e, Endpoint) for e in endpoints)
    paths = [e.path for e in endpoints]
    assert len(paths) == len(set(paths)) > len(ENDPOINTS) and not set(paths) & set(TASKS)
    for endpoint in endpoints:
        assert {*endpoint.needs, *endpoint.uses} <= set(TASKS), endpoint.path
        assert set(endpoint.summary) == {"zh", "en"}, endpoint.path


def test_an_endpoint_does_not_change(tmp_path: Path) -> None:
    endpoint = ENDPOINTS["loan_offers"](ROOT / "configs")[0]
    with pytest.raises(FrozenInstanceError):
        endpoint.path = "elsewhere"  # type: ignore[misc]
