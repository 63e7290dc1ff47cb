"""The one shape of the questions beside the tasks' own."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ml.endpoint import Endpoint
from ml.registry import ENDPOINTS, TASKS, endpoints
from tests.conftest import ROOT


def test_every_endpoint_has_a_path_of_its_own_and_needs_tasks_that_there_are() -> None:
    listed = [e for name in ENDPOINTS for e in endpoints(name, ROOT / "configs")]
    assert all(isinstance(e, Endpoint) for e in listed)
    paths = [e.path for e in listed]
    assert len(paths) == len(set(paths)) > len(ENDPOINTS) and not set(paths) & set(TASKS)
    for endpoint in listed:
        assert {*endpoint.needs, *endpoint.uses} <= set(TASKS), endpoint.path
        assert set(endpoint.summary) == {"zh", "en"}, endpoint.path


def test_an_endpoint_does_not_change() -> None:
    endpoint = endpoints("loan_offers", ROOT / "configs")[0]
    with pytest.raises(FrozenInstanceError):
        endpoint.path = "elsewhere"  # type: ignore[misc]
