"""Champion of a task that the tests have trained."""

from __future__ import annotations

import pytest

from ml import champions
from ml.model import Model
from tests.conftest import Trained


def champion(owner: Trained, task: str, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(owner.home))
    version = champions.champion(task)
    assert version is not None
    return champions.load(version)
