"""A search replaces hyperparameters by dotted name and refuses invalid values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from features.errors import ConfigError
from training.config import load_config
from training.tune import with_params


def _study(task: str) -> Any:
    config = load_config(task)
    return SimpleNamespace(config=config, with_params=lambda params: params)


def test_a_dotted_name_replaces_one_hyperparameter() -> None:
    study = _study("fault_rate")
    changed: Any = with_params(study, {"params.reference_weeks": 40})
    assert changed.reference_weeks == 40
    assert changed.model_copy(update={"reference_weeks": study.config.params.reference_weeks}) == (study.config.params)


def test_an_invalid_value_names_the_search_space() -> None:
    with pytest.raises(ConfigError, match=r"tune\.space: params\.reference_weeks"):
        with_params(_study("fault_rate"), {"params.reference_weeks": -1})
