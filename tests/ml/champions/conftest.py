"""A store with three versions, made once and copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ml.champions.registry import copied, make_store


@pytest.fixture(scope="package")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that tests copy."""
    home = tmp_path_factory.mktemp("registry") / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHEHANG_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_store(home)
    return home


@pytest.fixture
def registry(made_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a copy, whose original is somewhere else; versions have no model, so none is loaded."""
    home = copied(made_store, tmp_path / "copy")
    monkeypatch.setenv("CHEHANG_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("ml.champions.moves.load", lambda version: None)
    return home
