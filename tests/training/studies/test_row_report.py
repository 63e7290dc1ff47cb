"""Figures of a report on rows whose every figure can be computed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from ml.metrics import mean_absolute_error
from ml.problem import RowMetric
from tests.training.small_report import BANDS, small_report
from tests.training.studies.labelled_rows import TASK, ColumnEstimator, labelled_rows
from training.studies.row_report import compare, evaluate, measure


def test_every_part_of_a_report_is_what_one_counts() -> None:
    report = evaluate(labelled_rows(), ColumnEstimator())
    assert report.metrics["roc_auc"]["value"] == pytest.approx(0.9) and report.metrics["roc_auc"]["naive"] == 0.5
    assert report.metrics["brier"]["value"] == pytest.approx(0.9 * 0.01 + 0.1 * 0.81)
    assert report.metrics["brier"]["naive"] == pytest.approx(0.25)
    assert report.rows["train"] == {"rows": 80, "positives": 40} and report.rows["test"]["positives"] == 20
    assert report.protocol == (
        "in time order (train 80, calibrate 20, test 40); train from 2024-01, calibrate from 2024-01, test from 2024-03"
    )
    assert report.segments["city"]["north"] == {"rows": 20, "observed": 0.5, "predicted": pytest.approx(0.5)}
    month = report.by_month["2024-03"]
    assert month["rows"] == 40 and month["psi"] == pytest.approx(0.0) and list(report.by_month) == ["2024-03"]
    assert [b["rows"] for b in report.calibration] == [4] * 10
    assert report.calibration[0] == {"rows": 4, "predicted": pytest.approx(0.1), "observed": 0.5}
    assert report.importance == {"x": 1.0} and report.notes == ["eighty rows", "the column itself"]


def test_bands_and_fairness() -> None:
    report = evaluate(labelled_rows(), ColumnEstimator())
    assert report.decisions["bands"]["approve"] == {"share": 0.5, "bad_rate": 0.1, "rows": 20}
    assert report.decisions["bands"]["decline"] == {"share": 0.0, "bad_rate": None, "rows": 0}
    assert (report.decisions["approve_at_most"], report.decisions["decline_above"]) == (0.5, 0.95)
    by_sex = report.fairness["sex"]
    assert by_sex["groups"]["f"]["approval_rate"] == by_sex["groups"]["m"]["approval_rate"] == 0.5
    # Twenty of each are too few to compare.
    assert by_sex["approval_ratio"] is None and by_sex["passes_four_fifths"] is None


def test_expected_against_actual_allows_what_chance_does() -> None:
    cells = evaluate(labelled_rows(), ColumnEstimator()).expected_against_actual
    assert [(c["value"], c["rows"], c["observed"]) for c in cells] == [("north", 20, 10), ("south", 20, 10)]
    assert all(c["expected"] == pytest.approx(10.0) and c["within"] for c in cells)


def test_one_class_alone_is_no_test() -> None:
    examples = labelled_rows()
    with pytest.raises(DataError, match=r"the 18 test rows have one class only \(all 0\)"):
        evaluate(examples, ColumnEstimator(), rows=examples.parts["test"][2:20])


def test_without_time_there_are_no_months() -> None:
    report = evaluate(labelled_rows(timeless=True), ColumnEstimator())
    assert report.by_month == {} and report.expected_against_actual == []
    assert report.protocol.startswith("random split by hash") and report.protocol.endswith(": eighty rows")


def test_an_error_that_falls_is_a_gain() -> None:
    y, candidate, champion = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]), np.array([2.0, 3.0, 5.0])
    lower = RowMetric(mean_absolute_error, better="lower")
    gain = compare(lower, y, candidate, champion, groups=np.arange(3), n=20)
    assert gain.value == pytest.approx(4 / 3 + 1 / 3 - 2 / 3) and gain.low == gain.high == gain.value
    higher = compare(RowMetric(mean_absolute_error, better="higher"), y, candidate, champion, groups=np.arange(3), n=20)
    assert higher.value == -gain.value


def test_what_reads_more_than_the_first_column_has_no_naive_answer() -> None:
    y, answers = np.array([1.0, 2.0]), pl.DataFrame({"value": [1.0, 2.0], "low": [0.0, 3.0]})
    metrics = {
        "error": RowMetric(mean_absolute_error, better="lower"),
        "of_low": RowMetric(lambda y, p, sample_weight=None: float((p[:, 0] > y).mean()), "lower", ("low",)),
    }
    figures = measure(metrics, y, answers, naive=np.array([3.0, 3.0]), groups=np.arange(2, dtype=np.uint64), n=20)
    assert (figures["error"]["value"], figures["error"]["naive"]) == (0.0, 1.5)
    assert (figures["of_low"]["value"], figures["of_low"]["naive"]) == (0.5, None)


def test_a_report_flattens_to_finite_numbers_and_is_written_as_json(tmp_path: Path) -> None:
    months = {"2024-01": {"psi": 0.1, "rows": 3}, "2024-02": {"psi": float("inf")}}
    report = small_report(decisions={"bands": BANDS}, by_month=months)
    assert report.flat() == {
        "roc_auc": 0.75, "roc_auc.low": 0.7, "roc_auc.high": 0.8, "roc_auc.naive": 0.5, "approve.share": 0.5,
        "approve.bad_rate": 0.0125, "refer.share": 0.5, "refer.bad_rate": 0.2, "decline.share": 0.0, "psi/2024-01": 0.1,
    }  # fmt: skip
    with pytest.raises(ValueError, match="Out of range"):
        report.write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    small_report().write(tmp_path)
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["metrics"] == {"roc_auc": {"value": 0.75, "low": 0.7, "high": 0.8, "naive": 0.5}}
    assert TASK.primary_metric in content["metrics"]
