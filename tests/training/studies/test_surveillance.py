"""Faults as a study: what is read, until when, and what is too little."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from features.errors import ConfigError, DataError
from tests.conftest import Trained
from training.config import load_config
from training.studies.surveillance import load_faults


def test_faults_need_time_and_weeks_after_the_reference(fault_rate: Trained) -> None:
    with pytest.raises(ConfigError, match="time: serviced_at"):
        load_faults(load_config("fault_rate", fault_rate.config, settings=["time=none"]))
    study = load_faults(load_config("fault_rate", fault_rate.config, settings=["params.reference_weeks=500"]))
    with pytest.raises(DataError, match=r"reference_weeks: .* nothing to watch"):
        study.fit()


def test_nothing_is_read_before_the_first_record(fault_rate: Trained) -> None:
    config = load_config("fault_rate", fault_rate.config)
    with pytest.raises(DataError, match="--as-of: must be later than the first record"):
        load_faults(config, as_of=datetime(1990, 1, 1, tzinfo=UTC))
