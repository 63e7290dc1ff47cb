"""How good a watch of faults is: usual rates on weeks they were not learnt from, and how soon it would know."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from features.aggregations import DAY
from ml.domain.faults.detection_power import weeks_until_known
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.exposure import WEEK_DAYS
from ml.fault_rate.surveillance import Watch
from ml.instants import instant
from training.studies.row_report import Report, measure
from training.studies.surveillance_data import SurveillanceData
from training.studies.surveillance_rows import rows_of_weeks

RATIOS = (1.5, 2.0, 3.0)
SOON = 26
KEYS = ("model", "energy_type", "component")
BINS = 10


def evaluate_faults(study: SurveillanceData, estimator: FaultEstimator, watched: Watch) -> Report:
    """Measure usual rates on the weeks watched, beside one rate for all, and say how soon a fault would be known."""
    config, start = study.config, study.params.reference_weeks
    rows = study.test_weeks()
    learnt = rows_of_weeks(study.field, watched, 0, start)
    y = rows["label"].to_numpy()
    answers = estimator.predict(rows)
    naive = naive_answers(study, watched, rows)
    told = rows.with_columns(expected=answers["expected"])
    return Report(
        task=config.task,
        protocol=_protocol(study, len(rows)),
        rows={
            "train": {"rows": learnt.height, "faults": int(learnt["label"].sum())},
            "test": {"rows": rows.height, "faults": int(y.sum())},
        },
        metrics=measure(
            study.problem.metrics, y, answers, naive=naive, groups=rows["group"].to_numpy(), n=config.bootstraps
        ),
        baselines={},
        segments={c: _by(told, c) for c in dict.fromkeys(("component", *config.segments)) if c in told.columns},
        by_month={
            str(np.datetime64(int(p), "M")): {"rows": int(n), "observed": float(o), "predicted": float(e)}
            for p, n, o, e in told.group_by("period")
            .agg(pl.len(), pl.col("label").sum(), pl.col("expected").sum())
            .sort("period")
            .iter_rows()
        },
        calibration=_calibration(told),
        decisions={"false_alarms": study.params.false_alarms, "power": _power(estimator)},
        fairness={},
        importance=estimator.importance(),
        notes=[*study.notes, *_notes(watched)],
    )


def naive_answers(study: SurveillanceData, watched: Watch, rows: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What one rate for all, of the reference weeks, expects of some rows."""
    learnt = rows_of_weeks(study.field, watched, 0, study.params.reference_weeks)
    return study.problem.naive(learnt, learnt["label"].to_numpy(), rows)


def _protocol(study: SurveillanceData, rows: int) -> str:
    start, field = study.params.reference_weeks, study.field
    begin = instant(int((field.first_day + WEEK_DAYS * start) * DAY)).date()
    return (
        f"usual rates learnt from the {start} weeks before {begin}, tested on the {field.weeks - start} weeks from "
        f"then on ({rows:,} cells of model, component, age, distance and month)"
    )


def _by(told: pl.DataFrame, column: str) -> dict[str, dict[str, float]]:
    """Faults and expected faults by value: sums, not means."""
    sums = told.group_by(column).agg(pl.len(), pl.col("label").sum(), pl.col("expected").sum()).sort(column)
    return {
        str(value if value is not None else "(missing)"): {
            "rows": int(n), "observed": float(observed), "predicted": float(expected)
        }
        for value, n, observed, expected in sums.iter_rows()
    }  # fmt: skip


def _calibration(told: pl.DataFrame) -> list[dict[str, float]]:
    """Faults a vehicle-year, expected and observed, in bins of equal expected faults."""
    rate = told.filter(pl.col("expected") > 0).with_columns(rate=pl.col("expected") / pl.col("vehicle_years"))
    rate = rate.sort("rate").with_columns(so_far=pl.col("expected").cum_sum() / pl.col("expected").sum())
    bins = rate.with_columns(bin=(pl.col("so_far") * BINS).ceil().clip(1, BINS)).group_by("bin")
    sums = bins.agg(pl.col("label", "expected", "vehicle_years").sum()).sort("bin")
    return [
        {"predicted": e / years, "observed": n / years}
        for n, e, years in sums.select("label", "expected", "vehicle_years").iter_rows()
    ]


def _power(estimator: FaultEstimator) -> list[dict[str, float | None]]:
    """Weeks until a raised rate would be known, in the cell of which a fault of median size is expected."""
    now = estimator.trained
    there = np.flatnonzero(now.weekly > 0)
    if not len(there):
        return []
    row = int(there[np.argsort(now.weekly[there])[len(there) // 2]])
    found = []
    for ratio in RATIOS:
        power = weeks_until_known(
            np.full(104, now.weekly[row]), ratio=ratio, bar=float(now.bar[row]), proneness=now.proneness, samples=500
        )
        found.append(
            {
                "rate_ratio": ratio,
                "expected_weekly": float(now.weekly[row]),
                "median_weeks": power.quantile(0.5),
                "known_in_26_weeks": power.share(SOON),
            }
        )
    return found


def _notes(watched: Watch) -> list[str]:
    chosen = watched.usual.usual.chosen
    told = [f"{kind} for {chosen.count(kind)}" for kind in ("regression", "trees", "constant") if kind in chosen]
    notes = [f"usual rates by {', '.join(told)} of {len(chosen)} components, whichever was better on held-out weeks"]
    unknown = [n for n, kind in zip(watched.field.components, chosen, strict=True) if kind == "unknown"]
    if unknown:
        notes.append(
            f"no vehicle had {', '.join(unknown)} in the reference weeks: nothing is expected of them, no alarm"
        )
    if not watched.usual.usual.seasonal:
        notes.append("less than a year of reference: seasons are not told apart")
    notes.append(f"models differ by a factor of {np.exp(np.sqrt(watched.proneness)):.2f} for good (upper limit)")
    return notes
