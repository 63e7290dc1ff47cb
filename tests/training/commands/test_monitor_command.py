"""`chehang monitor`: errors of its options; the runs are tested in tests/training/monitoring."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError, ModelNotFound
from tests.conftest import Trained
from training.commands.monitor import monitor


def test_an_instant_without_offset_is_refused() -> None:
    with pytest.raises(ConfigError, match="--as-of: must be a date and time with a UTC offset"):
        monitor("credit_risk", as_of="2026-01-01")


def test_a_model_without_champion_is_refused(
    credit_risk: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    with pytest.raises(ModelNotFound, match="no model version yet"):
        monitor("credit_risk", config=credit_risk.config)
