"""Reports of row tasks on the test rows, for binary outcomes and for amounts."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from features.errors import DataError
from ml.bilingual import Text
from ml.problem import AmountProblem, BinaryProblem, RowEstimator
from ml.report.columns import axis, column
from ml.report.report import Report
from ml.report.sections import Bars, Gains, Section, Table
from training.split import Rows
from training.studies.measures import compare
from training.studies.report_sections import (
    LOG_ODDS,
    LOG_PRICE,
    MONTH,
    ROW_UNIT,
    ROWS,
    gain_row,
    gains_section,
    group_column,
    importance_section,
    parts_section,
    score_column,
)
from training.studies.report_words import BANDS, MISSING, feature_words
from training.studies.row_baselines import best_single_column, logistic_regression
from training.studies.row_data import LabelledRows
from training.studies.row_fairness import fairness_sections
from training.studies.row_given_up import given_up_sections
from training.studies.row_grades import grade_sections
from training.studies.row_sections import (
    HoldoutPredictions,
    calibration_section,
    month_sections,
    protocol,
    segment_sections,
)

TEST_ROWS, BASELINE = "test_rows.parquet", "baseline_prediction"
AMOUNT = axis("平均价格", "mean price", "amount", unit=Text(zh="元", en="yuan"))
_CASES = Text(zh="个", en="cases")
_BAND_COLUMNS = (
    column("band", "预审结果", "band", words=BANDS),
    ROWS,
    column("share", "申请占比", "share of applications", "share", tracked=True),
    column("bad_rate", "该档违约率", "default rate of the band", "share", tracked=True),
)
_EXPECTED_COLUMNS = (
    MONTH,
    ROWS,
    column("expected", "预期数", "expected number", "number", unit=_CASES),
    column("observed", "实际数", "observed number", "count", unit=_CASES),
    column("within", "在 95% 区间内", "within the 95% interval", "flag"),
)


def binary_report(test: HoldoutPredictions, estimator: RowEstimator) -> Report:
    """Return the report of a task whose label is 0 or 1.

    Parameters
    ----------
    test : HoldoutPredictions
        As returned by `training.studies.row_sections.HoldoutPredictions.of(examples, estimator, positions)`, with
        `examples` of `training.studies.row_data.LabelledRows.read`, `estimator` of `examples.fit_rows` and `positions`
        such as `examples.parts["test"]`.
    estimator : RowEstimator
        Fitted: `examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])`, with `examples` of
        `training.studies.row_data.LabelledRows.read`.

    Returns
    -------
    Report
        Sections: metrics, gains over logistic regression, best single feature, rows by part, calibration, decisions,
        months, segments, fairness and importance; rates are fractions. `metrics` by name has `value`, `low` and `high`
        (95% interval) and `baseline`; `rows(section name)` returns the rows of a section as dicts.

    Raises
    ------
    DataError
        All test rows have the same label.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> from training.studies.row_data import LabelledRows
    >>> from training.studies.row_sections import HoldoutPredictions
    >>> examples = LabelledRows.read(load_config("credit_risk"))  # doctest: +SKIP
    >>> estimator = examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])  # doctest: +SKIP
    >>> test = HoldoutPredictions.of(examples, estimator, examples.parts["test"])  # doctest: +SKIP
    >>> binary_report(test, estimator).metrics["roc_auc"].value  # doctest: +SKIP
    """
    examples = test.examples
    if len(np.unique(test.y)) < 2:
        raise DataError(f"label: all {len(test.y)} test rows have the label {test.y[0]:g}; add rows or change split")
    parts = {
        name: {"rows": len(rows), "positives": int(examples.label[rows].sum())}
        for name, rows in (*examples.parts.items(), ("test", test.positions))
    }
    problem = examples.problem
    assert isinstance(problem, BinaryProblem)
    rate = axis(problem.rate.zh, problem.rate.en, "share")
    sections: list[Section] = [
        test.metrics(),
        _gains(test),
        *_best_column(test),
        parts_section(parts, column("positives", problem.cases.zh, problem.cases.en, "count", unit=ROW_UNIT)),
        calibration_section(test, rate),
        *_decisions(test),
        *grade_sections(test, estimator),
        *given_up_sections(test, estimator),
        *month_sections(test, rate),
        *segment_sections(test, rate),
        *_expected_sections(test, problem.cases),
        *fairness_sections(test),
    ]
    return _report(test, estimator, sections)


def _gains(test: HoldoutPredictions) -> Gains:
    """Return the gains over logistic regression on the same features."""
    examples = test.examples
    plain = logistic_regression(examples, examples.testable(examples.parts["train"]), test.positions)
    rows = []
    for name, metric in examples.problem.metrics.items():
        if metric.columns:
            continue
        gain = compare(
            metric, test.y, metric.select(test.predictions), plain, groups=test.groups, n=examples.config.bootstraps
        )
        rows.append(gain_row(name, "logistic regression", float(metric.compute(test.y, plain)), gain))
    zh, en = "相对逻辑回归的提升（相同特征）", "Gain over logistic regression on the same features"
    return gains_section("gain_over_logistic_regression", *rows, zh=zh, en=en)


def _best_column(test: HoldoutPredictions) -> list[Table]:
    best = best_single_column(test.examples, test.positions)
    if best is None:
        return []
    name, auc = best
    title = Text(zh="最佳单一特征", en="Best single feature")
    words = feature_words([name], test.examples.config.labels)
    summary = Text(zh=f"{words[name].zh}（AUC {auc:.4f}）", en=f"{words[name].en} (AUC {auc:.4f})")
    columns, row = (
        (column("column", "特征", "feature", words=words), score_column("roc_auc")),
        {"column": name, "roc_auc": auc},
    )
    return [Table(name="best_single_column", title=title, summary=summary, columns=columns, rows=(row,))]


def _decisions(test: HoldoutPredictions) -> list[Section]:
    """Return the bands of the test rows with their observed bad rates, and the cut-offs between the bands."""
    if test.decisions is None:
        return []
    band = test.decisions.band
    rows: list[dict[str, Any]] = []
    for name in ("approve", "refer", "decline"):
        inside = band == name
        bad_rate = float(test.y[inside].mean()) if inside.any() else None
        rows.append({"band": name, "rows": int(inside.sum()), "share": float(inside.mean()), "bad_rate": bad_rate})
    bands = Bars(
        name="bands",
        title=Text(zh="测试集预审结果", en="Decision bands of the test rows"),
        columns=_BAND_COLUMNS,
        y=axis("申请占比；该档违约率", "share of applications; default rate of the band", "share"),
        drawn=("share", "bad_rate"),
        rows=tuple(rows),
    )
    approve, decline = test.decisions.approve_at_most, test.decisions.decline_above
    summary = Text(
        zh=f"违约概率不超过 {approve:.2%} 预审通过，超过 {decline:.2%} 预审拒绝",
        en=f"approve up to a default probability of {approve:.2%}, decline above {decline:.2%}",
    )
    limits = Table(
        name="cut_offs",
        title=Text(zh="预审阈值", en="Cut-offs"),
        summary=summary,
        columns=(
            column("limit", "阈值", "cut-off", words=BANDS),
            column("probability", "违约概率", "default probability", "share"),
        ),
        rows=({"limit": "approve_at_most", "probability": approve}, {"limit": "decline_above", "probability": decline}),
    )
    return [bands, limits]


def _expected_sections(test: HoldoutPredictions, cases: Text) -> list[Table]:
    """Return expected and observed positives by segment and month, with a check of the 95% interval of the count."""
    config = test.examples.config
    if config.timeless:
        return []
    return [_expected_section(test, c, cases) for c in config.segments if c in test.X.columns]


def _expected_section(test: HoldoutPredictions, by: str, cases: Text) -> Table:
    values, months = test.X[by].cast(pl.String).fill_null(MISSING), test.months.tolist()
    counts = {"expected": test.p, "observed": test.y, "variance": test.p * (1 - test.p)}
    cells = pl.DataFrame({"value": values, "month": months, **counts}).with_columns(rows=1)
    rows = []
    for row in cells.group_by("value", "month").sum().sort("value", "month").to_dicts():
        slack = 1.96 * float(np.sqrt(row.pop("variance"))) + 0.5
        within = abs(row["observed"] - row["expected"]) <= slack
        rows.append({**row, "observed": int(row["observed"]), "within": bool(within)})
    share = f"{sum(row['within'] for row in rows) / len(rows):.0%}"
    first = group_column(by, values.unique().to_list(), labels=test.examples.config.labels)
    title = Text(
        zh=f"按{first.title.zh}和月份分组的预期与实际{cases.zh}数",
        en=f"Expected and observed {cases.en} by {first.title.en} and month",
    )
    summary = Text(
        zh=f"{len(rows)} 个单元格中，{share} 的实际数落在 95% 区间内",
        en=f"observed count within its 95% interval in {share} of {len(rows)} cells",
    )
    columns = (first, *_EXPECTED_COLUMNS)
    return Table(name=f"expected_by_{by}", title=title, summary=summary, columns=columns, rows=tuple(rows))


def amount_report(test: HoldoutPredictions, estimator: RowEstimator) -> Report:
    """Return the report of a task whose label is an amount in yuan.

    Parameters
    ----------
    test : HoldoutPredictions
        As returned by `training.studies.row_sections.HoldoutPredictions.of(examples, estimator, positions)`, with
        `examples` of `training.studies.row_data.LabelledRows.read`, `estimator` of `examples.fit_rows` and `positions`
        such as `examples.parts["test"]`.
    estimator : RowEstimator
        Fitted: `examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])`, with `examples` of
        `training.studies.row_data.LabelledRows.read`.

    Returns
    -------
    Report
        Sections: metrics, rows by part, calibration, months, segments and importance; amounts in yuan. `metrics` by
        name has `value`, `low` and `high` (95% interval) and `baseline`.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> from training.studies.row_data import LabelledRows
    >>> from training.studies.row_sections import HoldoutPredictions
    >>> examples = LabelledRows.read(load_config("residual_value"))  # doctest: +SKIP
    >>> estimator = examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])  # doctest: +SKIP
    >>> test = HoldoutPredictions.of(examples, estimator, examples.parts["test"])  # doctest: +SKIP
    >>> amount_report(test, estimator).metrics  # doctest: +SKIP
    """
    examples = test.examples
    parts = {name: {"rows": len(rows)} for name, rows in (*examples.parts.items(), ("test", test.positions))}
    sections: list[Section] = [
        test.metrics(),
        parts_section(parts),
        calibration_section(test, AMOUNT),
        *month_sections(test, AMOUNT),
        *segment_sections(test, AMOUNT),
    ]
    return _report(test, estimator, sections)


def _report(test: HoldoutPredictions, estimator: RowEstimator, sections: list[Section]) -> Report:
    examples = test.examples
    effect = LOG_ODDS if examples.binary else LOG_PRICE
    importance = importance_section(estimator.importance(test.X[:5_000]), x=effect, labels=examples.config.labels)
    task, notes = examples.config.task, (*examples.notes, *estimator.notes)
    learned = examples.problem.sections(estimator, examples.frame[examples.parts["train"]])
    return Report(task=task, protocol=protocol(examples), sections=(*sections, *learned, importance), notes=notes)


BUILDERS = {BinaryProblem: binary_report, AmountProblem: amount_report}


def evaluate(examples: LabelledRows, estimator: RowEstimator, *, rows: Rows | None = None) -> Report:
    """Return the report of a fitted estimator on the test rows.

    Parameters
    ----------
    examples : LabelledRows
        As returned by `training.studies.row_data.LabelledRows.read(config)`, with `config` of
        `training.config.load_config("credit_risk")`.
    estimator : RowEstimator
        Fitted: `examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])`, with `examples` of
        `training.studies.row_data.LabelledRows.read`.
    rows : ndarray of int, optional
        Positions of the rows to evaluate; default: `examples.parts["test"]`.

    Returns
    -------
    Report
        `metrics` by name (`value`, 95% interval `low` and `high`, `baseline`), `sections` with breakdowns (each has
        `name`, `title` and `rows`), and `notes`.

    Raises
    ------
    DataError
        The label is binary, and all rows have the same label.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> examples = LabelledRows.read(load_config("credit_risk"))  # doctest: +SKIP
    >>> estimator = examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])  # doctest: +SKIP
    >>> evaluate(examples, estimator).metrics["roc_auc"].value  # doctest: +SKIP
    """
    positions = examples.parts["test"] if rows is None else rows
    return BUILDERS[type(examples.problem)](HoldoutPredictions.of(examples, estimator, positions), estimator)
