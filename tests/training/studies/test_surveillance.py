"""Surveillance study: the records that are read, and too short histories."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from features.errors import DataError
from tests.conftest import Trained
from training.config import load_config
from training.studies.by_problem import SurveillanceStudy
from training.studies.surveillance import SurveillanceStudyData
from training.studies.surveillance_data import SurveillanceData


def test_test_weeks_must_follow_the_reference_weeks(fault_rate: Trained) -> None:
    config = load_config("fault_rate", fault_rate.config, settings=["params.reference_weeks=500"])
    study = SurveillanceStudy().load(config)
    assert isinstance(study, SurveillanceData)
    with pytest.raises(DataError, match=r"reference_weeks: .* no test week"):
        study.fit()


def test_as_of_must_follow_the_first_record(fault_rate: Trained) -> None:
    config = load_config("fault_rate", fault_rate.config)
    with pytest.raises(DataError, match="--as-of: must be later than the first record"):
        SurveillanceStudyData.read(config, as_of=datetime(1990, 1, 1, tzinfo=UTC))
