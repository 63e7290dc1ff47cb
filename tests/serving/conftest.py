"""One server with the champions of all six tasks, for all tests that only send requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from ml import champions
from ml.registry import TASKS
from tests.conftest import ROOT, Trained, made_once, shared_folder
from tests.serving.running import Server, serving
from training import tracking


@pytest.fixture(scope="session")
def dealership(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a CHEHANG_HOME in which the small model of every task is champion, made once per run for all workers."""
    home = shared_folder(tmp_path_factory) / "dealership"
    owners: dict[str, Trained] = {task: request.getfixturevalue(task) for task in TASKS}
    with made_once(home) as missing, pytest.MonkeyPatch.context() as patch:
        if missing:
            shutil.rmtree(home, ignore_errors=True)
        for task, owner in owners.items() if missing else ():
            patch.setenv("CHEHANG_HOME", str(owner.home))
            version = champions.version(task, 1)
            model = champions.load(version)
            patch.setenv("CHEHANG_HOME", str(home))
            tracking.register(model, metrics=version.metrics, params={}, tags={})
            champions.promote(task, 1, who="a test", reason="trained elsewhere", force=True)
    return home


@pytest.fixture(scope="session")
def configs(recommendation: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the configurations, with all vehicles of the recommendation data in stock."""
    folder = tmp_path_factory.mktemp("server") / "configs"
    shutil.copytree(ROOT / "configs", folder, ignore=shutil.ignore_patterns("examples"))
    shutil.copy(recommendation.config.parent / "sources.yaml", folder / "sources.yaml")
    vehicles = pl.read_parquet(recommendation.config.parent / "vehicles.parquet")
    vehicles.with_columns(sold_at=pl.lit(None, dtype=pl.Int64)).write_parquet(folder / "vehicles.parquet")
    return folder


@pytest.fixture(scope="session")
def server(dealership: Path, configs: Path) -> Iterator[Server]:
    """Return a server with six champions, each of version 1."""
    with serving(dealership, configs.parent / "server.log", CHEHANG_CONFIGS=str(configs)) as server:
        yield server


@pytest.fixture
def client(server: Server) -> httpx.Client:
    """Return the client of the shared server."""
    return server.client


@pytest.fixture
def example(server: Server) -> dict[str, Any]:
    """Return a valid credit application."""
    return server.example()
