"""Evidence of every cell as rows, at the end of any test week of a version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from features.errors import ConfigError
from ml.fault_rate.answer import respond
from ml.fault_rate.request import FaultRequest
from ml.model import Model
from tests.conftest import Trained
from tests.training.studies.promoted import champion
from training.config import TaskConfig, load_config
from training.studies.surveillance_score import score_cells


@pytest.fixture
def model(fault_rate: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    return champion(fault_rate, "fault_rate", monkeypatch)


@pytest.fixture
def config(fault_rate: Trained) -> TaskConfig:
    return load_config("fault_rate", fault_rate.config)


def test_a_row_equals_the_answer_of_the_service(model: Model, config: TaskConfig) -> None:
    rows = score_cells(model, config, data=None, as_of=None)
    assert rows.height == model.estimator.snapshot.cells.height
    for row in rows.gather_every(5).to_dicts():
        question = FaultRequest(model=row["model"], component=row["component"])
        cell = respond(model.estimator, [question])[0].cell
        assert cell is not None and (row["detected_on"] is not None) == cell.alarm
        for name in ("count", "expected", "rate_ratio", "low", "high", "log_evidence"):
            assert row[name] == pytest.approx(getattr(cell, name)), name


def test_as_of_is_the_end_of_the_last_week_before_it(model: Model, config: TaskConfig) -> None:
    snapshot = model.estimator.snapshot
    day = datetime.combine(snapshot.evaluation_days[3].item(), datetime.min.time(), ZoneInfo(snapshot.timezone))
    for instant in (day, day + timedelta(days=6, hours=23)):
        rows = score_cells(model, config, data=None, as_of=instant)
        assert rows["as_of"].unique().to_list() == [day]
        assert rows["count"].to_list() == snapshot.count[:, 3].tolist()
        assert rows["log_evidence"].to_list() == snapshot.log_e[:, :4].max(axis=1).tolist()
        early = rows["detected_on"].drop_nulls()
        assert early.is_empty() or early.max() <= day.date()  # type: ignore[operator]


def test_other_data_and_earlier_weeks_are_refused(model: Model, config: TaskConfig) -> None:
    with pytest.raises(ConfigError, match="--as-of: the first week"):
        score_cells(model, config, data=None, as_of=datetime(1990, 1, 1, tzinfo=UTC))
    with pytest.raises(ConfigError, match=r"--data: .*chehang alarms"):
        score_cells(model, config, data=Path("records.csv"), as_of=None)
