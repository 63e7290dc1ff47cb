"""Report sections of row tasks, for binary outcomes and for amounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.periods import month_labels
from features.plurals import count_text
from ml.bilingual import Text
from ml.domain.arrays import FloatArray
from ml.metrics import population_stability_index, reference_bins, stability_noise
from ml.problem import BinaryProblem, Decisions, RowEstimator
from ml.report.columns import Axis, Column, axis, column
from ml.report.formats import format_figure
from ml.report.sections import Bars, Calibration, CalibrationBin, Metrics, Threshold, TimeSeries
from training.split import Rows
from training.studies.measures import measure
from training.studies.report_sections import MONTH, ROWS, group_column, score_column
from training.studies.report_words import MISSING
from training.studies.row_data import LabelledRows

MIN_SEGMENT_ROWS = 30  # rows of a group whose metric or rate is reported
MIN_MEAN_ROWS = 20  # rows of a group whose observed and predicted mean are reported
MODERATE_SHIFT = 0.1  # months whose index would reach this limit by chance have none
CALIBRATION_BINS = 10
_PSI_THRESHOLDS = (
    Threshold(value=MODERATE_SHIFT, title=Text(zh="0.10：轻度漂移", en="0.10: moderate shift")),
    Threshold(value=0.25, title=Text(zh="0.25：显著漂移", en="0.25: large shift")),
)
DRAWN = ("observed", "predicted")


@dataclass(frozen=True)
class HoldoutPredictions:
    """Test rows with their labels, predictions and baseline predictions; returned by `of`.

    Make one with ``HoldoutPredictions.of(examples, estimator, examples.parts["test"])``, where
    ``examples = LabelledRows.read(load_config("credit_risk"))`` and
    ``estimator = examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])``, after
    ``from training.config import load_config``, ``from training.studies.row_data import LabelledRows`` and
    ``from training.studies.row_sections import HoldoutPredictions``.

    Attributes
    ----------
    examples : LabelledRows
        All labelled rows, as returned by `LabelledRows.read`.
    positions : ndarray of int, shape (n_rows,)
        Positions of the test rows in `examples`.
    X : DataFrame
        Key, `as_of` (int64, microseconds since 1970 UTC), features and other columns of the test rows.
    y : ndarray of shape (n_rows,)
        Labels: 0 and 1, or amounts (yuan).
    predictions : DataFrame
        Predictions of the estimator, all columns; the first is the probability (0 to 1) or the amount (yuan).
    train_p : ndarray of shape (n_train_rows,)
        Predictions of the training rows, first column: probabilities or amounts (yuan).
    baseline : ndarray of shape (n_rows,)
        Baseline predictions, in the unit of `y`.
    decisions : Decisions or None
        Decisions on the test rows: `band` ('approve', 'refer' or 'decline' of each row), `approve_at_most` and
        `decline_above` (probabilities); None if the problem has none.
    """

    examples: LabelledRows
    positions: Rows
    X: pl.DataFrame
    y: FloatArray
    predictions: pl.DataFrame
    train_p: FloatArray
    baseline: FloatArray
    decisions: Decisions | None = None

    @classmethod
    def of(cls, examples: LabelledRows, estimator: RowEstimator, positions: Rows) -> HoldoutPredictions:
        """Predict some rows with a fitted estimator.

        Parameters
        ----------
        examples : LabelledRows
            As returned by `training.studies.row_data.LabelledRows.read(config)`, with `config` of
        `training.config.load_config("credit_risk")`.
        estimator : RowEstimator
            Fitted: `examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])`, with `examples` of
        `training.studies.row_data.LabelledRows.read`.
        positions : ndarray of int
            Positions of the rows, such as `examples.parts["test"]`.

        Returns
        -------
        HoldoutPredictions
            Rows, labels and predictions in the order of `positions`.
        """
        X, y = examples.rows(positions)
        train_X, train_y = examples.rows(examples.testable(examples.parts["train"]))
        train_p = estimator.predict(train_X).to_series(0).to_numpy()
        problem, predictions = examples.problem, estimator.predict(X)
        decide = problem.decisions if isinstance(problem, BinaryProblem) else None
        decisions = None if decide is None else decide(estimator, predictions)
        return cls(examples, positions, X, y, predictions, train_p, problem.baseline(train_X, train_y, X), decisions)

    @property
    def p(self) -> FloatArray:
        """Prediction of each test row: probability (0 to 1) or amount (yuan), ndarray of shape (n_rows,)."""
        return np.asarray(self.predictions.to_series(0).to_numpy())

    @property
    def groups(self) -> NDArray[np.uint64]:
        """Hash of the features of each test row, uint64, shape (n_rows,); intervals resample groups of equal rows."""
        return self.examples.groups[self.positions]

    @property
    def months(self) -> NDArray[np.str_]:
        """Month of each test row in the table's time zone, ndarray of str, shape (n_rows,), such as '2024-03'."""
        return month_labels(self.X["as_of"].to_numpy(), timezone=self.examples.timezone)

    def metrics(self) -> Metrics:
        """Return the metrics section: value, 95% bootstrap interval and baseline of each metric.

        Returns
        -------
        Metrics
            `rows`, one for each metric of the problem: `name`, `value`, `low`, `high` and `baseline`, in the unit of
            the metric.
        """
        config, problem = self.examples.config, self.examples.problem
        return measure(
            problem.metrics, self.y, self.predictions, baseline=self.baseline, groups=self.groups, n=config.bootstraps
        )


def protocol(examples: LabelledRows) -> str:
    """Return a line on the split: number of rows of each part and, if the data has time, their first months.

    Parameters
    ----------
    examples : LabelledRows
        As returned by `training.studies.row_data.LabelledRows.read(config)`, with `config` of
        `training.config.load_config("credit_risk")`.

    Returns
    -------
    str
        Such as 'split in time order (train 600, calibrate 200, test 200): train from 2023-01, calibrate from 2023-10,
        test from 2024-01'.
    """
    counts = ", ".join(f"{n} {len(r):,}" for n, r in examples.parts.items())
    if examples.config.timeless:
        return f"random split by hash, identical rows in one part ({counts}): {examples.notes[0]}"
    as_of = examples.frame["as_of"].to_numpy()
    first = [as_of[examples.parts[n]].min() for n in ("train", "calibrate", "test")]
    starts = month_labels(first, timezone=examples.timezone)
    return f"split in time order ({counts}): train from {starts[0]}, calibrate from {starts[1]}, test from {starts[2]}"


def _outcome_columns(quantity: Axis) -> tuple[Column, Column]:
    """Return the report columns `observed` and `predicted` of a mean outcome."""
    return (
        column("observed", "实际", "observed", quantity.format, unit=quantity.unit),
        column("predicted", "预测", "predicted", quantity.format, unit=quantity.unit),
    )


def calibration_section(test: HoldoutPredictions, quantity: Axis) -> Calibration:
    """Return the calibration section: mean prediction and observed mean in ten bins of equal size, lowest first.

    Parameters
    ----------
    test : HoldoutPredictions
        As returned by `training.studies.row_sections.HoldoutPredictions.of(examples, estimator, positions)`, with
        `examples` of `training.studies.row_data.LabelledRows.read`, `estimator` of `examples.fit_rows` and `positions`
        such as `examples.parts["test"]`.
    quantity : Axis
        Title, format and unit of the outcome, made by `ml.report.columns.axis`: a share for labels 0 and 1,
        `training.studies.row_report.AMOUNT` for yuan.

    Returns
    -------
    Calibration
        Each of `rows` has `predicted` and `observed` (means, in the unit of the label) and `rows` (number).
    """
    y, p = test.y, test.p
    bins = np.array_split(np.argsort(p, kind="stable"), min(CALIBRATION_BINS, len(p)))
    rows = [CalibrationBin(predicted=float(p[b].mean()), observed=float(y[b].mean()), rows=len(b)) for b in bins]
    ends = [(format_figure(r.predicted, quantity.format), format_figure(r.observed, quantity.format)) for r in rows]
    (low_p, low_y), (high_p, high_y) = ends[0], ends[-1]
    x, y_axis = (
        axis(f"{zh}{quantity.title.zh}", f"{en} {quantity.title.en}", quantity.format, unit=quantity.unit)
        for en, zh in (("predicted", "预测"), ("observed", "实际"))
    )
    title = Text(zh="预测校准", en="Calibration")
    summary = Text(
        zh=f"预测最低的一组：预测 {low_p}，实际 {low_y}；最高的一组：预测 {high_p}，实际 {high_y}",
        en=f"lowest bin: predicted {low_p}, observed {low_y}; highest bin: predicted {high_p}, observed {high_y}",
    )
    return Calibration(name="calibration", title=title, summary=summary, x=x, y=y_axis, rows=tuple(rows))


def segment_sections(test: HoldoutPredictions, quantity: Axis) -> list[Bars]:
    """Return a section for each segment column: observed mean, predicted mean and primary metric by its value.

    Parameters
    ----------
    test : HoldoutPredictions
        As returned by `training.studies.row_sections.HoldoutPredictions.of(examples, estimator, positions)`, with
        `examples` of `training.studies.row_data.LabelledRows.read`, `estimator` of `examples.fit_rows` and `positions`
        such as `examples.parts["test"]`.
    quantity : Axis
        Title, format and unit of the outcome, made by `ml.report.columns.axis`: a share for labels 0 and 1,
        `training.studies.row_report.AMOUNT` for yuan.

    Returns
    -------
    list of Bars
        In the order of `segments` in the configuration; empty if none of them is a column. Columns: `value`, `rows`,
        `observed` and `predicted` (means, in the unit of the label, left out in groups of fewer than 20 rows) and the
        primary metric by its name, left out in groups of fewer than 30 rows; largest group first.
    """
    return [_segment_section(test, c, quantity) for c in test.examples.config.segments if c in test.X.columns]


def _segment_section(test: HoldoutPredictions, by: str, quantity: Axis) -> Bars:
    primary, metric = next(iter(test.examples.problem.metrics.items()))
    values = test.X[by].cast(pl.String).fill_null(MISSING).to_numpy()
    rows: list[dict[str, Any]] = []
    for value in sorted(set(values)):
        y, p = test.y[values == value], test.p[values == value]
        row: dict[str, Any] = {"value": str(value), "rows": len(y)}
        if len(y) >= MIN_MEAN_ROWS:
            row |= {"observed": float(y.mean()), "predicted": float(p.mean())}
        if len(y) >= MIN_SEGMENT_ROWS and (not test.examples.binary or len(np.unique(y)) == 2):
            row[primary] = float(metric.compute(y, metric.select(test.predictions.filter(values == value))))
        rows.append(row)
    rows.sort(key=lambda row: -row["rows"])
    largest = rows[0]
    observed, predicted = (format_figure(largest.get(n), quantity.format) for n in ("observed", "predicted"))
    first = group_column(by, [r["value"] for r in rows], labels=test.examples.config.labels)
    title = Text(
        zh=f"按{first.title.zh}分组的{quantity.title.zh}（实际与预测）",
        en=f"{quantity.title.en.capitalize()} by {first.title.en} (observed and predicted)",
    )
    summary = Text(
        zh=f"共 {len(rows)} 组；行数最多的一组“{first.shown(largest['value'], 'zh')}”：实际 {observed}，"
        f"预测 {predicted}",
        en=f"{count_text(len(rows), 'group')}; largest group {first.shown(largest['value'])}: observed {observed}, "
        f"predicted {predicted}",
    )
    return Bars(
        name=f"by_{by}", title=title, summary=summary, rows=tuple(rows), y=quantity, drawn=DRAWN,
        columns=(first, ROWS, *_outcome_columns(quantity), score_column(primary)),
    )  # fmt: skip


def month_sections(test: HoldoutPredictions, quantity: Axis) -> list[TimeSeries]:
    """Return observed and predicted mean by month, and the drift of the predictions.

    Parameters
    ----------
    test : HoldoutPredictions
        As returned by `training.studies.row_sections.HoldoutPredictions.of(examples, estimator, positions)`, with
        `examples` of `training.studies.row_data.LabelledRows.read`, `estimator` of `examples.fit_rows` and `positions`
        such as `examples.parts["test"]`.
    quantity : Axis
        Title, format and unit of the outcome, made by `ml.report.columns.axis`: a share for labels 0 and 1,
        `training.studies.row_report.AMOUNT` for yuan.

    Returns
    -------
    list of TimeSeries
        'by_month' (columns `month`, `rows`, `observed` and `predicted` means, in the unit of the label; the means are
        left out in months of fewer than 30 rows) and 'drift' (columns `month` and `psi`, the population stability
        index, which is left out in months too small to tell a shift from chance; no section if all are); empty if
        the data has no time.
    """
    if test.examples.config.timeless:
        return []
    reference, y, p = reference_bins(test.train_p), test.y, test.p
    names = sorted(set(test.months.tolist()))
    inside = {name: test.months == name for name in names}
    rows = tuple({"month": name, "rows": int(i.sum()), **_month_means(y[i], p[i])} for name, i in inside.items())
    outcomes = TimeSeries(
        name="by_month", title=Text(
            zh=f"各月{quantity.title.zh}（实际与预测）",
            en=f"{quantity.title.en.capitalize()} by month (observed and predicted)",
        ),
        summary=_means(f"{names[0]} – {names[-1]}", y, p, quantity), rows=rows, y=quantity, drawn=DRAWN,
        columns=(MONTH, ROWS, *_outcome_columns(quantity)),
    )  # fmt: skip
    psi = {
        name: float(population_stability_index(reference, p[i]))
        if stability_noise(reference, int(i.sum())) < MODERATE_SHIFT
        else None
        for name, i in inside.items()
    }
    return [outcomes, _drift_section(psi)] if any(value is not None for value in psi.values()) else [outcomes]


def _month_means(y: FloatArray, p: FloatArray) -> dict[str, float]:
    """Return the observed and the predicted mean of a month; empty below 30 rows, whose means are chance."""
    return {"observed": float(y.mean()), "predicted": float(p.mean())} if len(y) >= MIN_SEGMENT_ROWS else {}


def _means(period: str, y: FloatArray, p: FloatArray, quantity: Axis) -> Text:
    """Return a sentence with the observed and the predicted mean over a period."""
    unit = "" if quantity.unit is None else f" {quantity.unit.en}"
    observed, predicted = (format_figure(float(v.mean()), quantity.format) for v in (y, p))
    return Text(
        zh=f"{period} 合计：实际 {observed}{quantity.unit.zh if quantity.unit else ''}，预测 {predicted}",
        en=f"{period} together: observed {observed}{unit}, predicted {predicted}{unit}",
    )


def _drift_section(psi: dict[str, float | None]) -> TimeSeries:
    """Return the drift section; the summary counts the months without an index."""
    values = {name: value for name, value in psi.items() if value is not None}
    worst = max(values, key=lambda name: values[name])
    zh = f"最大 PSI {values[worst]:.3f}（{worst}）；0.10 起为中度漂移，0.25 起为大幅漂移"
    en = f"largest population stability index {values[worst]:.3f} in {worst} (0.10: moderate shift, 0.25: large shift)"
    if len(values) < len(psi):
        zh += f"；{len(psi) - len(values)} 个月数据太少，不作比较"
        en += f"; {count_text(len(psi) - len(values), 'month')} with too few rows to compare"
    return TimeSeries(
        name="drift",
        title=Text(
            zh="各月预测分布相对训练集的漂移", en="Drift of the predictions by month, compared with the training rows"
        ),
        summary=Text(zh=zh, en=en),
        columns=(MONTH, column("psi", "PSI", "PSI", "score", tracked=True)),
        y=axis("群体稳定性指数（PSI）", "population stability index (PSI)", "score"),
        drawn=("psi",),
        thresholds=_PSI_THRESHOLDS,
        rows=tuple({"month": name} if value is None else {"month": name, "psi": value} for name, value in psi.items()),
    )
