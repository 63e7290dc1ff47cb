"""One server for all tests that only ask it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.serving.running import Server, serving

if TYPE_CHECKING:
    from tests.conftest import Trained


@pytest.fixture(scope="session")
def server(credit_risk: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Version 1 of the small lender answers."""
    with serving(credit_risk.home, tmp_path_factory.mktemp("server") / "server.log") as server:
        yield server


@pytest.fixture
def client(server: Server) -> httpx.Client:
    """Asks the shared server."""
    return server.client


@pytest.fixture
def example(server: Server) -> dict[str, Any]:
    """A request that the champion answers."""
    return server.example()
