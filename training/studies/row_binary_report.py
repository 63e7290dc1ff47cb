"""The report of a yes/no outcome: separation, calibration, decisions and fairness."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from features.errors import DataError
from ml.bilingual import Text
from ml.problem import RowEstimator
from ml.report.columns import Axis, Column
from ml.report.report import Report
from ml.report.sections import Bars, Gain, Gains, Section, Table
from training.studies.measures import compare
from training.studies.report_sections import MONTH, ROWS, count, group, importance_section, parts_section, score
from training.studies.row_baselines import best_single_column, logistic_regression
from training.studies.row_fairness import fairness_sections
from training.studies.row_sections import (
    MISSING,
    HoldoutAnswers,
    calibration_section,
    month_sections,
    outcome_columns,
    protocol,
    segment_sections,
)

RATE = Axis(title=Text(zh="正例占比", en="share of positives"), format="share")


def binary_report(test: HoldoutAnswers, estimator: RowEstimator) -> Report:
    """Return the report of a task whose label is 0 or 1.

    Raises
    ------
    DataError
        The test rows have one class only.
    """
    examples = test.examples
    if len(np.unique(test.y)) < 2:
        raise DataError(
            f"label: the {len(test.y)} test rows have one class only (all {test.y[0]:g}); give more data or other "
            "split shares"
        )
    parts = {
        name: {"rows": len(rows), "positives": int(examples.label[rows].sum())}
        for name, rows in (*examples.parts.items(), ("test", test.positions))
    }
    sections: list[Section] = [
        test.metrics(),
        _gains(test),
        *_best_column(test),
        parts_section(parts, [count("positives", zh="正例", en="positives")]),
        calibration_section(test, RATE),
        *_decisions(test, estimator),
        *month_sections(test, RATE),
        *segment_sections(test, RATE),
        *_expected_sections(test),
        *fairness_sections(test),
        importance_section(estimator.importance(test.X[:5_000])),
    ]
    return Report(
        task=examples.config.task,
        protocol=protocol(examples),
        sections=tuple(sections),
        notes=(*examples.notes, *estimator.notes),
    )


def _gains(test: HoldoutAnswers) -> Gains:
    """Compare with logistic regression on the columns of the model."""
    examples = test.examples
    plain = logistic_regression(examples, examples.testable(examples.parts["train"]), test.positions)
    rows = []
    for name, metric in examples.problem.metrics.items():
        if metric.reads:
            continue
        gain = compare(metric, test.y, metric.of(test.answers), plain, groups=test.groups, n=examples.config.bootstraps)
        value = float(metric.compute(test.y, plain))
        rows.append(
            Gain(
                metric=name, baseline="logistic regression", baseline_value=value, gain=gain.value, low=gain.low,
                high=gain.high,
            )
        )  # fmt: skip
    title = Text(zh="相对逻辑回归的提升（相同列）", en="Gain over logistic regression on the same columns")
    return Gains(name="gain_over_logistic_regression", title=title, rows=tuple(rows))


def _best_column(test: HoldoutAnswers) -> list[Table]:
    best = best_single_column(test.examples, test.positions)
    if best is None:
        return []
    name, auc = best
    return [
        Table(
            name="best_single_column",
            title=Text(zh="最好的单列", en="Best single column"),
            summary=Text(zh=f"{name}（AUC {auc:.4f}）", en=f"{name} (AUC {auc:.4f})"),
            columns=(Column(name="column", title=Text(zh="列", en="column")), score("roc_auc")),
            rows=({"column": name, "roc_auc": auc},),
        )
    ]


def _decisions(test: HoldoutAnswers, estimator: Any) -> list[Section]:
    """Bands of the test rows with their observed bad rates, and the probabilities that separate them."""
    if "band" not in test.answers.columns:
        return []
    band = test.answers["band"].to_numpy()
    rows: list[dict[str, Any]] = []
    for name in ("approve", "refer", "decline"):
        inside = band == name
        bad_rate = float(test.y[inside].mean()) if inside.any() else None
        rows.append({"band": name, "rows": int(inside.sum()), "share": float(inside.mean()), "bad_rate": bad_rate})
    bands = Bars(
        name="bands",
        title=Text(zh="预审分档", en="Bands on the test rows"),
        columns=(
            Column(name="band", title=Text(zh="档", en="band")),
            ROWS,
            Column(name="share", title=Text(zh="申请占比", en="share of applications"), format="share", tracked=True),
            Column(name="bad_rate", title=Text(zh="坏账率", en="bad rate"), format="share", tracked=True),
        ),
        y=Axis(title=Text(zh="占比", en="share of applications; bad rate within the band"), format="share"),
        drawn=("share", "bad_rate"),
        rows=tuple(rows),
    )
    approve, decline = estimator.policy_["approve"], estimator.policy_["decline"]
    limits = Table(
        name="cut_offs",
        title=Text(zh="分档概率", en="Cut-offs"),
        summary=Text(
            zh=f"不超过 {approve:.2%} 通过，超过 {decline:.2%} 拒绝",
            en=f"approve up to {approve:.2%}, decline above {decline:.2%}",
        ),
        columns=(
            Column(name="limit", title=Text(zh="界限", en="limit")),
            Column(name="probability", title=Text(zh="违约概率", en="probability"), format="score"),
        ),
        rows=(
            {"limit": "approve_at_most", "probability": approve},
            {"limit": "decline_above", "probability": decline},
        ),
    )
    return [bands, limits]


def _expected_sections(test: HoldoutAnswers) -> list[Table]:
    """Expected and observed positives by value of each segment and month, beside the 95 % that chance allows."""
    config = test.examples.config
    if config.timeless:
        return []
    return [_expected_section(test, c) for c in config.segments if c in test.X.columns]


def _expected_section(test: HoldoutAnswers, column: str) -> Table:
    cells = pl.DataFrame(
        {
            "value": test.X[column].cast(pl.String).fill_null(MISSING),
            "month": test.months.tolist(),
            "expected": test.p,
            "observed": test.y,
            "variance": test.p * (1 - test.p),
        }
    ).with_columns(rows=1)
    rows = []
    for row in cells.group_by("value", "month").sum().sort("value", "month").to_dicts():
        slack = 1.96 * float(np.sqrt(row.pop("variance"))) + 0.5
        within = abs(row["observed"] - row["expected"]) <= slack
        rows.append({**row, "observed": int(row["observed"]), "within": bool(within)})
    share = f"{sum(row['within'] for row in rows) / len(rows):.0%}"
    observed, expected = outcome_columns(Axis(title=RATE.title, format="number"))
    return Table(
        name=f"expected_by_{column}",
        title=Text(zh=f"按 {column} 和月份的预期与实际", en=f"Expected and observed positives by {column} and month"),
        summary=Text(
            zh=f"{len(rows)} 格中 {share} 在 95% 随机范围内", en=f"{share} of {len(rows)} cells within 95% of chance"
        ),
        columns=(
            group(column),
            MONTH,
            ROWS,
            expected.model_copy(update={"name": "expected", "title": Text(zh="预期", en="expected")}),
            observed.model_copy(update={"format": "count"}),
            Column(name="within", title=Text(zh="在随机范围内", en="within chance"), format="flag"),
        ),
        rows=tuple(rows),
    )
