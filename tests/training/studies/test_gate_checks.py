"""Checks of the gate, on a model whose predictions are constant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from ml.model import Model
from ml.problem import RowMetric
from ml.registry import TASKS
from ml.report.report import Report
from ml.report.sections import Metric
from training.studies.gate_checks import baseline_value, guard_checks, prediction_check, training_overlap_note
from training.studies.measures import metrics_section
from training.studies.row_gate import row_gate_checks
from training.studies.row_report import BASELINE, TEST_ROWS


def _accuracy(y: np.ndarray, p: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    return float(np.average((p > 0.5) == y, weights=sample_weight))


class Constant:
    """Predict one number for every row, or raise a DataError."""

    signature: Any = None

    def __init__(self, value: float | None) -> None:
        self.value = value

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        if self.value is None:
            raise DataError("x: no such column")
        return pl.DataFrame({"p": [self.value] * X.height})


@pytest.fixture(autouse=True)
def _no_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the prediction of the example request, which other tests check."""
    monkeypatch.setattr("training.studies.row_gate.predict_example", lambda model: [None])


METRICS = {"roc_auc": RowMetric(_accuracy, better="higher")}
ROWS = pl.DataFrame({"label": [1.0] * 80 + [0.0] * 20, "group": range(100), "as_of": range(100)})


def model(value: float | None, **card: Any) -> Model:
    metrics = metrics_section([Metric(name="roc_auc", value=None, baseline=0.9)])
    report = Report(task="credit_risk", protocol="", sections=(metrics,))
    content = {
        "config": {"bootstraps": 20, "gate": {}}, "evaluation": report.as_dict(), "data": {"last_training_instant": 49},
        "example": {},
    }  # fmt: skip
    return Model(TASKS["credit_risk"], Constant(value), {**content, **card}, version=3)


def first(folder: Path, candidate: Model, champion: Model | None, rows: pl.DataFrame = ROWS) -> tuple[bool, str]:
    rows.write_parquet(folder / TEST_ROWS)
    check = row_gate_checks(METRICS, candidate, champion, folder)[0]
    return check.passed, check.detail


def test_without_a_champion_the_candidate_is_compared_with_the_baseline(tmp_path: Path) -> None:
    passed, detail = first(tmp_path, model(1.0), None)
    assert not passed and "baseline 0.9000; no champion to compare with" in detail
    worse = ROWS.with_columns(pl.lit(0.0).alias(BASELINE))
    passed, detail = first(tmp_path, model(1.0), None, worse)
    assert passed and detail.startswith("gain over the baseline: 0.6000 [")


def test_a_champion_is_compared_on_the_same_rows_and_named(tmp_path: Path) -> None:
    passed, detail = first(tmp_path, model(1.0), model(0.0))
    assert passed and detail.startswith("gain over version 3: 0.6000 [")
    assert detail.endswith("on 100 test rows (the champion was trained on 50% of them, which favours the champion)")
    assert not first(tmp_path, model(0.0), model(1.0))[0] and not first(tmp_path, model(1.0), model(1.0))[0]
    assert first(tmp_path, model(1.0), model(None)) == (
        False, "version 3 cannot predict the test rows: x: no such column",
    )  # fmt: skip


def test_metric_limits_are_checked_and_unknown_metrics_fail() -> None:
    gate = {"roc_auc": {"at_least": 0.7, "at_most": None}, "kappa": {"at_most": 1.0}}
    checks = guard_checks(model(1.0, config={"gate": gate}), lambda name: 0.6)
    assert (checks[0].passed, checks[0].detail) == (False, "0.6000, allowed: at least 0.7")
    assert not checks[1].passed and "is not a metric of the task; choose from roc_auc" in checks[1].detail
    assert baseline_value(model(1.0), "roc_auc") == 0.9
    without = Report(task="credit_risk", protocol="", sections=(metrics_section([Metric(name="roc_auc", value=0.9)]),))
    with pytest.raises(DataError, match="no roc_auc of the baseline; train a new version"):
        baseline_value(model(1.0, evaluation=without.as_dict()), "roc_auc")


def test_a_prediction_error_fails_the_check_in_one_line() -> None:
    def compare() -> tuple[bool, str]:
        raise ValueError("two\nlines")

    check = prediction_check("predictions agree", compare)
    assert (check.passed, check.detail) == (False, "two; lines")


@pytest.mark.parametrize(("last", "remark"), [(None, ""), (0, ""), (9, " (the champion was trained on 50%")])
def test_a_champion_trained_on_test_rows_is_noted(last: int | None, remark: str) -> None:
    champion = replace(model(1.0), card={"data": {"last_training_instant": last}})
    assert training_overlap_note(champion, np.array([5, 12])).startswith(remark)
