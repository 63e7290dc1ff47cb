"""Surveillance study: the records that are read, and too short histories."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

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


@pytest.mark.parametrize("timezone", ["Asia/Shanghai", "UTC", "America/New_York"])
def test_local_dates_mean_the_same_in_every_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timezone: str
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    lines = ["0,V1,2024-05-01,brakes,0", "1,V1,2024-05-08,brakes,1", "2,V1,2024-05-29,brakes,0"]
    (tmp_path / "records.csv").write_text("\n".join(["record_id,vehicle_id,serviced_at,component,fault", *lines]))
    fleet = "vehicle_id,model,entered_service_at,built_at\nV1,A,2024-04-20,2024-04-02"
    (tmp_path / "fleet.csv").write_text(fleet)
    tables = "{service_records: {csv: records.csv}, fleet: {csv: fleet.csv}}"
    (tmp_path / "sources.yaml").write_text(f"timezone: {timezone}\ntables: {tables}")
    (tmp_path / "fault_rate.yaml").write_text("task: fault_rate\ntime: serviced_at")
    study = SurveillanceData.read(load_config("fault_rate", tmp_path / "fault_rate.yaml"))
    # Quarter 217 of 91.3125 days begins at day 19,814.8: the 2nd of April 2024 is day 19,815.
    assert study.exposure.strata["build"].to_list() == [217]
    assert (study.exposure.weeks, study.exposure.week.tolist()) == (4, [0])
