"""Figures of a report on rows few enough to compute them by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from features.errors import DataError
from ml.problem import AmountProblem, BinaryProblem
from ml.report.sections import TimeSeries
from tests.reports import keyed
from tests.training.studies.labelled_rows import TASK, ColumnEstimator, labelled_rows
from training.studies.report_sections import LOG_ODDS, importance_section
from training.studies.row_fairness import fairness_sections
from training.studies.row_report import BUILDERS, amount_report, binary_report, evaluate
from training.studies.row_sections import HoldoutPredictions


def test_every_section_has_the_counted_figures() -> None:
    report = evaluate(labelled_rows(), ColumnEstimator())
    assert report.metrics["roc_auc"].value == pytest.approx(0.9) and report.metrics["roc_auc"].baseline == 0.5
    assert report.metrics["brier"].value == pytest.approx(0.9 * 0.01 + 0.1 * 0.81)
    assert report.metrics["brier"].baseline == pytest.approx(0.25)
    parts = keyed(report, "rows")
    assert parts["train"] == {"rows": 80, "positives": 40} and parts["test"]["positives"] == 20
    assert report.protocol == (
        "split in time order (train 80, calibrate 20, test 40): train from 2024-01, calibrate from 2024-01, "
        "test from 2024-03"
    )
    north = {"rows": 20, "observed": 0.5, "predicted": pytest.approx(0.5), "roc_auc": None}
    assert keyed(report, "by_city")["north"] == north, "twenty rows are too few for a metric"
    assert keyed(report, "by_month") == {"2024-03": {"rows": 40, "observed": 0.5, "predicted": pytest.approx(0.5)}}
    assert keyed(report, "drift") == {"2024-03": {"psi": pytest.approx(0.0)}}
    bins = report.rows("calibration")
    assert [b["rows"] for b in bins] == [4] * 10
    assert bins[0] == {"rows": 4, "predicted": pytest.approx(0.1), "observed": 0.5}
    assert keyed(report, "importance") == {"x": {"importance": 1.0}}
    assert report.notes == ("eighty rows", "the column itself")


def test_small_months_have_no_drift_and_no_means() -> None:
    examples = labelled_rows()
    report = evaluate(examples, ColumnEstimator(), rows=examples.parts["test"][:8])
    assert keyed(report, "by_month") == {"2024-03": {"rows": 8, "observed": None, "predicted": None}}
    assert "drift" not in report


def test_bands_and_fairness() -> None:
    report = evaluate(labelled_rows(), ColumnEstimator())
    assert keyed(report, "bands")["approve"] == {"share": 0.5, "bad_rate": 0.1, "rows": 20}
    assert keyed(report, "bands")["decline"] == {"share": 0.0, "bad_rate": None, "rows": 0}
    limits = {"approve_at_most": {"probability": 0.5}, "decline_above": {"probability": 0.95}}
    assert keyed(report, "cut_offs") == limits
    by_sex = keyed(report, "fairness_by_sex")
    assert by_sex["f"]["approval_rate"] == by_sex["m"]["approval_rate"] == 0.5
    # Twenty of each are too few to compare.
    assert keyed(report, "fairness")["sex"] == {"approval_ratio": None, "passes_four_fifths": None}
    flat = report.tracked_figures()
    assert flat["approve.share"] == 0.5 and flat["psi/2024-03"] == pytest.approx(0) and "decline.bad_rate" not in flat


def test_without_decisions_there_are_no_bands() -> None:
    problem = replace(cast("BinaryProblem", TASK.problem), decisions=None)
    report = labelled_rows(definition=replace(TASK, problem=problem)).evaluate(ColumnEstimator())
    assert {"bands", "cut_offs", "fairness"}.isdisjoint(section.name for section in report.sections)


def test_observed_counts_lie_within_the_interval_of_the_expected() -> None:
    cells = evaluate(labelled_rows(), ColumnEstimator()).rows("expected_by_city")
    assert [(c["value"], c["rows"], c["observed"]) for c in cells] == [("north", 20, 10), ("south", 20, 10)]
    assert all(c["expected"] == pytest.approx(10.0) and c["within"] for c in cells)


def test_test_rows_of_one_class_are_refused() -> None:
    examples = labelled_rows()
    with pytest.raises(DataError, match=r"all 18 test rows have the label 0"):
        evaluate(examples, ColumnEstimator(), rows=examples.parts["test"][2:20])


def test_without_time_there_are_no_months() -> None:
    report = evaluate(labelled_rows(timeless=True), ColumnEstimator())
    assert not {"by_month", "drift", "expected_by_city"} & {s.name for s in report.sections}
    assert report.protocol.startswith("random split by hash") and report.protocol.endswith(": eighty rows")


def test_an_amount_is_in_yuan_and_has_no_bands() -> None:
    examples = labelled_rows()
    report = amount_report(
        HoldoutPredictions.of(examples, ColumnEstimator(), examples.parts["test"]), ColumnEstimator()
    )
    assert [s.name for s in report.sections] == [
        "metrics", "rows", "calibration", "by_month", "drift", "by_city", "importance",
    ]  # fmt: skip
    months = report["by_month"]
    assert (
        isinstance(months, TimeSeries)
        and months.y.label() == "mean price (yuan)"
        and months.y.label("zh") == "平均价格（元）"
    )


def test_the_problem_decides_which_report_is_built() -> None:
    assert {BinaryProblem: binary_report, AmountProblem: amount_report} == BUILDERS


def test_without_protected_columns_there_is_no_fairness() -> None:
    examples = labelled_rows()
    test = HoldoutPredictions.of(examples, ColumnEstimator(), examples.parts["test"])
    assert [s.name for s in fairness_sections(test)] == ["fairness", "fairness_by_sex"]
    assert fairness_sections(replace(test, X=test.X.drop("sex"))) == []


def test_the_most_important_feature_comes_first() -> None:
    section = importance_section({"weak": 0.1, "strong": 0.5}, x=LOG_ODDS)
    assert [f.name for f in section.rows] == ["strong", "weak"]
    assert section.summary is not None and section.summary.en == "most important: “strong”, “weak”"
