"""How good a model is on rows it has never seen: with intervals, beside the naive answer, by segment and month."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.home import write_whole
from ml.metrics import (
    Interval,
    bootstrap,
    paired_bootstrap_difference,
    population_stability_index,
    reference_bins,
)
from ml.problem import RowMetric
from training.split import Rows
from training.studies.row_baselines import best_single_column, logistic_regression
from training.studies.row_data import Examples

SMALLEST_SEGMENT = 30
TEST_ROWS, NAIVE = "test_rows.parquet", "naive_answer"
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Report:
    """Evaluation of one estimator.

    Attributes
    ----------
    protocol : str
        In one line: how the rows were held out.
    rows : mapping
        Rows and positives of each part.
    metrics : mapping of str to dict
        `value`, `low`, `high` (95 % bootstrap over groups of equal rows) and `naive`: the same metric of the task's
        naive answer; None for a metric that reads more than the naive answer gives.
    baselines : mapping
        Every metric of logistic regression on the same columns with the gain over it, and the best single column.
    segments : mapping of column to value to numbers
        Primary metric, mean prediction and observed rate of each value.
    by_month : mapping
        Rows, observed rate, mean prediction and PSI (against the training part) of each month.
    expected_against_actual : list of dict
        By value of each segment and month: rows, expected and observed yeses, and whether the latter lie within the
        95 % that chance allows.
    calibration : list of dict
        Mean prediction and observed rate of equal-mass bins.
    decisions, fairness : mapping
        Bands and their observed bad rates; approval and error rates by protected attribute.
    """

    task: str
    protocol: str
    rows: Mapping[str, Mapping[str, int]]
    metrics: Mapping[str, Mapping[str, float | None]]
    baselines: Mapping[str, Any]
    segments: Mapping[str, Mapping[str, Mapping[str, float]]]
    by_month: Mapping[str, Mapping[str, float]]
    calibration: Sequence[Mapping[str, float]]
    decisions: Mapping[str, Any]
    fairness: Mapping[str, Any]
    importance: Mapping[str, float]
    notes: Sequence[str]
    expected_against_actual: Sequence[Mapping[str, Any]] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain content, for JSON."""
        return asdict(self)

    def flat(self) -> dict[str, float]:
        """Finite numbers for MLflow: the metric itself, its interval, and the bands."""
        flat: dict[str, float | None] = {}
        for name, found in self.metrics.items():
            flat |= {name: found["value"], f"{name}.low": found["low"], f"{name}.high": found["high"]}
            flat[f"{name}.naive"] = found["naive"]
        for band, found in self.decisions.get("bands", {}).items():
            flat |= {f"{band}.share": found["share"], f"{band}.bad_rate": found["bad_rate"]}
        for month, found in self.by_month.items():
            flat |= {f"{name}/{month}": found[name] for name in ("psi", "ndcg_at_10") if name in found}
        return {k: float(v) for k, v in flat.items() if v is not None and np.isfinite(v)}

    def write(self, folder: Path) -> None:
        """Write `report.json`."""
        content = json.dumps(self.as_dict(), ensure_ascii=False, indent=1, allow_nan=False, default=str)
        write_whole(folder / "report.json", content.encode())


def evaluate(examples: Examples, estimator: Any, *, rows: Rows | None = None) -> Report:
    """Evaluate on the test part.

    Parameters
    ----------
    examples : Examples
        Labelled rows and their parts.
    estimator : Estimator
        Fitted on the train part, calibrated on the calibrate part.
    rows : ndarray, optional
        Other rows to evaluate on; the test part if not given.

    Raises
    ------
    DataError
        The rows have one class only.
    """
    config = examples.config
    positions = examples.parts["test"] if rows is None else rows
    X, y = examples.rows(positions)
    binary, problem = examples.binary, examples.problem
    if binary and len(np.unique(y)) < 2:
        raise DataError(
            f"label: the {len(y)} test rows have one class only (all {y[0]:g}); give more data or other split shares"
        )
    answers = estimator.predict(X)
    p = answers.to_series(0).to_numpy()
    learnt_from = examples.rows(examples.testable(examples.parts["train"]))
    naive = problem.naive(*learnt_from, X)
    return Report(
        task=config.task,
        protocol=_protocol(examples),
        rows={n: _counts(examples.label[r], binary) for n, r in (*examples.parts.items(), ("test", positions))},
        metrics=measure(
            problem.metrics, y, answers, naive=naive, groups=examples.groups[positions], n=config.bootstraps
        ),
        baselines=_baselines(examples, estimator, positions, y, answers) if binary else {},
        segments={c: _segments(examples, X[c], y, p) for c in config.segments if c in X.columns},
        expected_against_actual=[] if config.timeless or not binary else _expected(config.segments, X, y, p),
        by_month={} if config.timeless else _by_month(estimator.predict(learnt_from[0]), X, y, p),
        calibration=_calibration(y, p),
        decisions=_decisions(answers, y, estimator),
        fairness=_fairness(examples, X, y, answers),
        importance=estimator.importance(X[: min(X.height, 5_000)]),
        notes=[*examples.notes, *estimator.notes],
    )


def measure(
    metrics: Mapping[str, RowMetric],
    y: FloatArray,
    answers: pl.DataFrame,
    *,
    naive: FloatArray,
    groups: NDArray[np.uint64],
    n: int,
) -> dict[str, dict[str, float | None]]:
    """Compute every metric with its interval, and that of the naive answer."""
    found: dict[str, dict[str, float | None]] = {}
    for name, metric in metrics.items():
        interval: Interval = bootstrap(metric.compute, y, metric.of(answers), groups=groups, n=n, seed=0)
        found[name] = {
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "naive": None if metric.reads else float(metric.compute(y, naive)),
        }
    return found


def compare(
    metric: RowMetric, y: FloatArray, candidate: FloatArray, champion: FloatArray, *, groups: Any, n: int
) -> Interval:
    """Gain of the candidate over the champion on the same rows; above zero is better for any metric."""
    sign = 1.0 if metric.better == "higher" else -1.0
    found = paired_bootstrap_difference(metric.compute, y, candidate, champion, groups=groups, n=n, seed=0)
    low, high = sorted((sign * found.low, sign * found.high))
    return Interval(sign * found.value, low, high, found.level)


def _protocol(examples: Examples) -> str:
    counts = ", ".join(f"{n} {len(r):,}" for n, r in examples.parts.items())
    if examples.config.timeless:
        return f"random split by hash, equal rows kept together ({counts}): {examples.notes[0]}"
    as_of = examples.frame["as_of"].to_numpy()
    starts = [_month(np.array([as_of[examples.parts[n]].min()]))[0] for n in ("train", "calibrate", "test")]
    return f"in time order ({counts}); train from {starts[0]}, calibrate from {starts[1]}, test from {starts[2]}"


def _counts(y: FloatArray, binary: bool) -> dict[str, int]:
    return {"rows": len(y), **({"positives": int(y.sum())} if binary else {})}


def _month(as_of: NDArray[np.int64]) -> list[str]:
    return [str(m) for m in as_of.astype("datetime64[us]").astype("datetime64[M]")]


def _baselines(
    examples: Examples, estimator: Any, positions: Rows, y: FloatArray, answers: pl.DataFrame
) -> dict[str, Any]:
    """Logistic regression on the columns of the model, and the best of them alone."""
    plain = logistic_regression(examples, examples.testable(examples.parts["train"]), positions)
    groups, n = examples.groups[positions], examples.config.bootstraps
    found: dict[str, Any] = {}
    for name, metric in examples.problem.metrics.items():
        if not metric.reads:
            gain = compare(metric, y, metric.of(answers), plain, groups=groups, n=n)
            found[name] = {
                "value": float(metric.compute(y, plain)), "gain": gain.value, "low": gain.low, "high": gain.high
            }  # fmt: skip
    return {"logistic_regression": found, **best_single_column(examples, positions)}


def _expected(segments: Sequence[str], X: pl.DataFrame, y: FloatArray, p: FloatArray) -> list[dict[str, Any]]:
    month = pl.Series("month", _month(X["as_of"].to_numpy()))
    found: list[dict[str, Any]] = []
    for column in [c for c in segments if c in X.columns]:
        cells = pl.DataFrame([X[column].cast(pl.String).fill_null("(missing)").alias("value"), month]).with_columns(
            rows=1, expected=pl.Series(p), observed=pl.Series(y), variance=pl.Series(p * (1 - p))
        )
        summed = cells.group_by("value", "month").sum().sort("value", "month")
        for row in summed.to_dicts():
            slack = 1.96 * float(np.sqrt(row.pop("variance"))) + 0.5
            within = abs(row["observed"] - row["expected"]) <= slack
            found.append({"column": column, **row, "observed": int(row["observed"]), "within": bool(within)})
    return found


def _segments(examples: Examples, column: pl.Series, y: FloatArray, p: FloatArray) -> dict[str, dict[str, float]]:
    primary, metric = next(iter(examples.problem.metrics.items()))
    found: dict[str, dict[str, float]] = {}
    values = column.cast(pl.String).fill_null("(missing)").to_numpy()
    for value in sorted(set(values)):
        inside = values == value
        numbers = {"rows": int(inside.sum()), "observed": float(y[inside].mean()), "predicted": float(p[inside].mean())}
        if inside.sum() >= SMALLEST_SEGMENT and (not examples.binary or len(np.unique(y[inside])) == 2):
            numbers[primary] = float(metric.compute(y[inside], p[inside]))
        found[str(value)] = numbers
    return found


def _by_month(before: pl.DataFrame, X: pl.DataFrame, y: FloatArray, p: FloatArray) -> dict[str, dict[str, float]]:
    reference = reference_bins(before.to_series(0).to_numpy())
    months = np.array(_month(X["as_of"].to_numpy()))
    return {
        month: {
            "rows": int((months == month).sum()),
            "observed": float(y[months == month].mean()),
            "predicted": float(p[months == month].mean()),
            "psi": float(population_stability_index(reference, p[months == month])),
        }
        for month in sorted(set(months))
    }


def _calibration(y: FloatArray, p: FloatArray) -> list[dict[str, float]]:
    bins = np.array_split(np.argsort(p, kind="stable"), min(CALIBRATION_BINS, len(p)))
    return [{"rows": len(b), "predicted": float(p[b].mean()), "observed": float(y[b].mean())} for b in bins]


def _decisions(answers: pl.DataFrame, y: FloatArray, estimator: Any) -> dict[str, Any]:
    if "band" not in answers.columns:
        return {}
    band = answers["band"].to_numpy()
    bands = {
        name: {
            "share": float((band == name).mean()),
            "bad_rate": float(y[band == name].mean()) if (band == name).any() else None,
            "rows": int((band == name).sum()),
        }
        for name in ("approve", "refer", "decline")
    }
    return {
        "bands": bands,
        "approve_at_most": estimator.policy_["approve"],
        "decline_above": estimator.policy_["decline"],
    }


def _fairness(examples: Examples, X: pl.DataFrame, y: FloatArray, answers: pl.DataFrame) -> dict[str, Any]:
    """Approval and error rates at the cut-off by each attribute that the model does not see."""
    config = examples.config
    attributes = [c for c in (*config.definition.table.columns, *config.protected) if c in X.columns]
    protected = {*config.definition.table.protected, *config.protected}
    if "band" not in answers.columns:
        return {}
    approved = (answers["band"] == "approve").to_numpy().astype(float)
    return {a: _by_attribute(X[a], y, approved) for a in dict.fromkeys(attributes) if a in protected}


def _by_attribute(column: pl.Series, y: FloatArray, approved: FloatArray) -> dict[str, Any]:
    from fairlearn.metrics import MetricFrame

    frame = MetricFrame(
        metrics={
            "rows": lambda t, a: len(t),
            "approval_rate": lambda t, a: float(np.mean(a)),
            "bad_rate_of_approved": _bad_rate_of_approved,
            "good_not_approved": _good_not_approved,
        },
        y_true=y,
        y_pred=approved,
        sensitive_features=column.cast(pl.String).fill_null("(missing)").to_numpy(),
    )
    groups = {str(k): {m: _finite(v) for m, v in row.items()} for k, row in frame.by_group.T.to_dict().items()}
    rates = [g["approval_rate"] for g in groups.values() if g["rows"] >= SMALLEST_SEGMENT]
    ratio = min(rates) / max(rates) if rates and max(rates) > 0 else None
    return {"groups": groups, "approval_ratio": ratio, "passes_four_fifths": None if ratio is None else ratio >= 0.8}


def _bad_rate_of_approved(y: FloatArray, approved: FloatArray) -> float:
    inside = np.asarray(approved) == 1
    return float(np.asarray(y)[inside].mean()) if inside.any() else float("nan")


def _good_not_approved(y: FloatArray, approved: FloatArray) -> float:
    good = np.asarray(y) == 0
    return float(1 - np.asarray(approved)[good].mean()) if good.any() else float("nan")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
