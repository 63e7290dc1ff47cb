"""Checks of the gate, on a model whose predictions are constant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from ml.champions import GateCheck
from ml.metrics import Interval
from ml.model import Model
from ml.problem import RowMetric
from ml.registry import TASKS
from ml.report.report import Report
from ml.report.sections import Metric
from training.studies.gate_checks import (
    baseline_value,
    gain_check,
    guard_checks,
    prediction_check,
    training_overlap_note,
)
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
    assert passed and detail.startswith("gain over the baseline: +0.6000 (95% interval +0.4")
    assert detail.endswith("), above 0 is better, on 100 test rows, no champion to compare with")


def test_a_surveillance_need_not_beat_one_rate_and_must_not_be_worse(tmp_path: Path) -> None:
    def check(value: float, baseline: float) -> GateCheck:
        ROWS.with_columns(pl.lit(baseline).alias(BASELINE)).write_parquet(tmp_path / TEST_ROWS)
        return row_gate_checks(METRICS, model(value), None, tmp_path, must_gain=False)[0]

    assert check(1.0, 1.0).passed and check(1.0, 0.0).passed
    worse = check(0.0, 1.0)
    assert not worse.passed and worse.name.endswith("is not worse than the baseline") and "it is worse" in worse.detail


def test_a_champion_is_compared_on_the_same_rows_and_named(tmp_path: Path) -> None:
    passed, detail = first(tmp_path, model(1.0), model(0.0))
    assert passed and detail.startswith("gain over version 3: +0.6000 (95% interval +0.4")
    assert detail.endswith("on 100 test rows (the champion was trained on 50% of them, which favours the champion)")
    assert not first(tmp_path, model(0.0), model(1.0))[0] and not first(tmp_path, model(1.0), model(1.0))[0]
    assert first(tmp_path, model(1.0), model(None)) == (
        False, "version 3 cannot predict the test rows: x: no such column",
    )  # fmt: skip


def test_metric_limits_are_checked_and_unknown_metrics_fail() -> None:
    gate = {"roc_auc": {"at_least": 0.7, "at_most": None}, "kappa": {"at_most": 1.0}}
    checks = guard_checks(model(1.0, config={"gate": gate}), lambda name: 0.6)
    assert (checks[0].passed, checks[0].detail) == (
        False,
        "0.6000, allowed: at least 0.7000; 0.1000 too low (higher is better): train on more or newer data, or change "
        "gate.roc_auc.at_least and train again",
    )
    assert not checks[1].passed and "is not a metric of the task; choose from roc_auc" in checks[1].detail
    assert baseline_value(model(1.0), "roc_auc") == 0.9
    without = Report(task="credit_risk", protocol="", sections=(metrics_section([Metric(name="roc_auc", value=0.9)]),))
    with pytest.raises(DataError, match="no roc_auc of the baseline; train a new version"):
        baseline_value(model(1.0, evaluation=without.as_dict()), "roc_auc")


def _limit(task: str, name: str, figure: float, **limits: float) -> GateCheck:
    card = {"config": {"gate": {name: limits}}}
    return guard_checks(Model(TASKS[task], None, card, version=1), lambda metric: figure)[0]


def test_a_failed_limit_says_what_by_how_much_in_which_unit_and_what_to_do() -> None:
    passed = _limit("credit_risk", "expected_calibration_error", 0.0103, at_most=0.05)
    assert (passed.name, passed.passed) == ("expected calibration error within its limits", True)
    assert passed.detail == "1.03%, allowed: at most 5.00%"
    failed = _limit("credit_risk", "expected_calibration_error", 0.07, at_most=0.05)
    start = "7.00%, allowed: at most 5.00%; 2.00 percentage points too high (lower is better): train on more"
    assert failed.detail.startswith(start)
    price = _limit("residual_value", "mean_absolute_error", 5_000.0, at_most=4_000.0)
    assert price.detail.startswith("5,000 yuan, allowed: at most 4,000; 1,000 yuan too high (lower is better)")
    assert not _limit("credit_risk", "brier", float("nan"), at_most=0.1).passed


def test_a_limit_on_a_bias_holds_for_both_signs_and_says_so() -> None:
    low = _limit("demand_forecast", "bias", -0.031, at_most=0.15)
    assert (low.name, low.passed) == ("bias, absolute value, within its limits", True)
    assert low.detail == "predictions 3.1% too low, allowed: at most 15.0% too high or too low"
    high = _limit("demand_forecast", "bias", 0.2, at_most=0.15)
    start = "predictions 20.0% too high, allowed: at most 15.0% too high or too low; 5.00 percentage points above"
    assert not high.passed and high.detail.startswith(start)
    assert not _limit("demand_forecast", "bias", -0.2, at_most=0.15).passed


def test_without_an_interval_the_figure_alone_decides_and_the_check_says_so(tmp_path: Path) -> None:
    one_group = ROWS.with_columns(pl.lit(1).alias("group"))
    passed, detail = first(tmp_path, model(1.0), model(0.0), one_group)
    assert passed and detail.startswith("gain over version 3: +0.6000, above 0 is better, on 100 test rows")
    assert "no interval, because every resample" in detail and "compared by the figure alone" in detail
    passed, detail = first(tmp_path, model(0.0), model(1.0), one_group)
    assert not passed and "it is worse" in detail
    passed, detail = first(tmp_path, model(1.0), None, one_group)
    assert not passed and "it is, 0.1000 on the wrong side of the baseline" in detail


def test_a_gain_that_may_be_chance_fails_with_a_remedy() -> None:
    chance = gain_check("roc_auc", Interval(0.01, -0.01, 0.03), other="the champion", over="version 1", rows="9 rows")
    assert not chance.passed and "the gain may be due to chance: train on more or newer data" in chance.detail
    worse = gain_check("roc_auc", Interval(-0.02, -0.03, -0.01), other="the champion", over="version 1", rows="9 rows")
    assert not worse.passed and "; it is worse: " in worse.detail


def test_a_prediction_error_fails_the_check_in_one_line() -> None:
    def compare() -> tuple[bool, str]:
        raise ValueError("two\nlines")

    check = prediction_check("predictions agree", compare)
    assert (check.passed, check.detail) == (False, "two; lines")


@pytest.mark.parametrize(("last", "remark"), [(None, ""), (0, ""), (9, " (the champion was trained on 50%")])
def test_a_champion_trained_on_test_rows_is_noted(last: int | None, remark: str) -> None:
    champion = replace(model(1.0), card={"data": {"last_training_instant": last}})
    assert training_overlap_note(champion, np.array([5, 12])).startswith(remark)
