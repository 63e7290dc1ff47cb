"""How good a watch of faults is: usual rates on weeks they were not learnt from, and how soon it would know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from features.aggregations import DAY
from ml.domain.faults.detection_power import weeks_until_known
from ml.fault_rate.baseline_rates import AGES
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.exposure import WEEK_DAYS, Field
from ml.fault_rate.surveillance import Watch
from ml.instants import instant
from training.studies.row_report import Report, measure

if TYPE_CHECKING:
    from training.studies.surveillance import FaultStudy

RATIOS = (1.5, 2.0, 3.0)
SOON = 26
CODES = 64  # more than there are bands of anything
KEYS = ("model", "energy_type", "component")
BINS = 10


def rows_of_weeks(field: Field, watched: Watch, begin: int, end: int) -> pl.DataFrame:
    """What some weeks held, by model, component, age, distance and month.

    Returns
    -------
    DataFrame
        `model`, `energy_type`, `component`, `age` (years, mean of the row's vehicles), `monthly_km` (a distance inside
        the band; null where not known), `month` (0 to 11), `vehicle_years` at risk (of recent weeks, as many as were
        reported by now), `label` (faults), `period` (month, counted from the epoch), `as_of` (us, its begin) and
        `group` (the cell of model and component: whole cells are drawn for intervals).
    """
    strata = field.strata
    days = (field.first_day + WEEK_DAYS * (np.arange(begin, end) + 0.5)).astype("datetime64[D]")
    period = days.astype("datetime64[M]").astype(np.int64)
    complete = np.ones(end - begin)
    if watched.delay is not None:
        complete = watched.delay.complete(WEEK_DAYS * (field.weeks - np.arange(begin, end) - 0.5) - 0.5)
    exposure = field.exposure[:, begin:end] * complete[None, :]
    band = np.searchsorted(AGES, field.age[:, begin:end], side="right")
    kinds = strata.select("model", "energy_type", "driven").unique(maintain_order=True).with_row_index("kind")
    kind = strata.join(
        kinds, on=["model", "energy_type", "driven"], how="left", nulls_equal=True, maintain_order="left"
    )
    code = (kind["kind"].to_numpy().astype(np.int64)[:, None] * CODES + band) * 10_000 + period[None, :]
    codes, where = np.unique(code[exposure > 0], return_inverse=True)
    at_risk = np.bincount(where, weights=exposure[exposure > 0])
    age = np.bincount(where, weights=(exposure * field.age[:, begin:end])[exposure > 0]) / at_risk
    of_kind = kinds[(codes // 10_000 // CODES).tolist()]
    km = _inside(field.distance_limits)
    shared = of_kind.select("model", "energy_type").with_columns(
        age=pl.Series(age),
        monthly_km=pl.Series([None if d < 0 else km[d] for d in of_kind["driven"]], dtype=pl.Float64),
        month=pl.Series(codes % 10_000 % 12),
        vehicle_years=pl.Series(at_risk),
        period=pl.Series(codes % 10_000),
    )
    parts = []
    for c, name in enumerate(field.components):
        faults = field.counts(c)[:, begin:end]
        label = np.bincount(where, weights=faults[exposure > 0], minlength=len(codes))
        parts.append(shared.with_columns(component=pl.lit(name), label=pl.Series(label)))
    rows: pl.DataFrame = pl.concat(parts)
    begins = rows["period"].to_numpy().astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    return rows.with_columns(
        as_of=pl.Series(begins), group=pl.struct("model", "component").rank("dense").cast(pl.UInt64)
    )


def _inside(limits: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """A distance inside each band."""
    if not len(limits):
        return [1.0]
    middles = (limits[:-1] + limits[1:]) / 2
    return [float(limits[0] / 2), *map(float, middles), float(limits[-1] * 2)]


def evaluate_faults(study: FaultStudy, estimator: FaultEstimator, watched: Watch) -> Report:
    """Measure usual rates on the weeks watched, beside one rate for all, and say how soon a fault would be known."""
    config, start = study.config, study.params.reference_weeks
    rows = study.tested()
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


def naive_answers(study: FaultStudy, watched: Watch, rows: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What one rate for all, of the reference weeks, expects of some rows."""
    learnt = rows_of_weeks(study.field, watched, 0, study.params.reference_weeks)
    return study.problem.naive(learnt, learnt["label"].to_numpy(), rows)


def _protocol(study: FaultStudy, rows: int) -> str:
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
