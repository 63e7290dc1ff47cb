"""A home folder with all stores."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.backup.homes import make_home


@pytest.fixture(scope="package")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the home that tests copy, once."""
    folder = tmp_path_factory.mktemp("backup")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHEHANG_HOME", "")
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_home(folder)
    return folder


@pytest.fixture
def home(made_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a copy of the home; the environment names it."""
    shutil.copytree(made_home, tmp_path / "original")
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "original" / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield tmp_path / "original" / "home"
