"""A tracking store with three versions, created once and copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ml.champions.registry import copy_home, make_store


@pytest.fixture(scope="package")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create the store that tests copy; return its home folder."""
    home = tmp_path_factory.mktemp("registry") / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHEHANG_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_store(home)
    return home


@pytest.fixture
def registry(made_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home folder of a copy; its versions have no model files, so `load` is replaced."""
    home = copy_home(made_store, tmp_path / "copy")
    monkeypatch.setenv("CHEHANG_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("ml.champions.moves.load", lambda version: None)
    return home
