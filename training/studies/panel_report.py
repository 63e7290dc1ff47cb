"""How good forecasts of demand are: from origins that roll on, beside naive ones, by class, horizon, age and month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import DataError
from ml.demand_forecast import candidates
from ml.demand_forecast.coherence import levels_of, node_quantiles
from ml.demand_forecast.estimator import DemandEstimator, answers, level_name
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.metrics import interval_coverage
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.past import Past
from ml.domain.arrays import FloatArray
from ml.domain.demand.demand_class import CLASSES
from ml.metrics import Interval, bootstrap
from ml.metrics import demand as metrics
from ml.problem import RowMetric
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import OriginForecasts, known_outcomes, rows_of_origin
from training.studies.panel_order_costs import order_costs
from training.studies.row_report import Report, compare

SMALLEST = 30  # outcomes that a segment must have to be reported


@dataclass(frozen=True)
class Tested:
    """What was said from each origin, and what happened.

    Attributes
    ----------
    rows : DataFrame
        See `holdout_forecasts`.
    inside, below : ndarray
        Of each row: how much of it lies inside the 80 % interval; at most each decile.
    naive : DataFrame
        What the series' own past says of the same rows.
    points : mapping of str to ndarray
        What each single forecast says of the same rows.
    """

    rows: pl.DataFrame
    inside: FloatArray
    below: FloatArray
    kind: NDArray[np.int64]
    naive: pl.DataFrame
    points: Mapping[str, FloatArray]

    def only(self, keep: NDArray[np.bool_]) -> Tested:
        """Some of the rows."""
        return Tested(
            self.rows.filter(keep), self.inside[keep], self.below[keep], self.kind[keep], self.naive.filter(keep),
            {n: v[keep] for n, v in self.points.items()},
        )  # fmt: skip


def evaluate_demand(study: PanelData, estimator: DemandEstimator) -> Report:
    """Measure forecasts from the test's origins.

    Raises
    ------
    DataError
        Nothing was sold in the test part.
    """
    panel, config = study.panel, study.config
    forecasts = study.forecasts_of(estimator)
    measurement = measured(forecasts, study.origins)
    rows, groups = measurement.rows, measurement.rows["series"].to_numpy()
    y = rows["label"].to_numpy()
    if len(y) == 0:
        raise DataError("demand_forecast: no outcome is known in the test part; give a longer history")
    orders = order_costs(study, forecasts)
    figures: dict[str, dict[str, float | None]] = {}
    for name, metric in study.problem.metrics.items():
        interval = bootstrap(metric.compute, y, metric.of(rows), groups=groups, n=config.bootstraps, seed=0)
        figures[name] = _as_dict(interval) | {"naive": float(metric.compute(y, metric.of(measurement.naive)))}
    return Report(
        task=config.task,
        protocol=_protocol(study, rows),
        rows={
            "train": {"rows": int(np.isfinite(panel.sold[:, : study.origins[0]]).sum())},
            "test": {"rows": len(y), "series": len(np.unique(groups)), "origins": len(study.origins)},
        },
        metrics=figures,
        baselines=_baselines(measurement, y, groups, config.bootstraps),
        segments=_segments(study, measurement) | {"level": _levels(study, forecasts)},
        by_month=_months(panel, measurement),
        calibration=[
            {"predicted": p, "observed": float(measurement.below[:, i].mean())} for i, p in enumerate(metrics.DECILES)
        ],
        decisions={"orders": orders} if orders else {},
        fairness={},
        importance=estimator.importance(),
        notes=[*study.notes, *_notes(study, estimator, rows)],
    )


def measured(forecasts: OriginForecasts, origins: range) -> Tested:
    """Everything that the report is made of."""
    panel = forecasts.panel
    parts: dict[str, list[Any]] = {n: [] for n in ("rows", "inside", "below", "kind", "naive", "points")}
    for origin, forecast, past in forecasts.each(origins):
        horizon = forecast.mean.shape[1]
        s, h = known_outcomes(panel, origin, horizon)
        y = panel.sold[:, origin : origin + horizon]
        parts["rows"].append(rows_of_origin(panel, origin, forecast))
        open_for = panel.available[:, origin : origin + horizon]
        parts["inside"].append(interval_coverage(y, forecast, available=open_for)[s, h])
        below = [interval_coverage(y, forecast, low=0.0, high=p, available=open_for)[s, h] for p in metrics.DECILES]
        parts["below"].append(np.column_stack(below))
        parts["kind"].append(forecast.kind[s])
        parts["naive"].append(own_past(past, origin, s) * pl.Series(open_for[s, h]))
        single = candidates.every(past, origin, horizon, candidates.NAIVE) | dict(forecast.parts)
        parts["points"].append({n: (v * open_for)[s, h] for n, v in single.items()})
    names = set.intersection(*(set(p) for p in parts["points"]))
    return Tested(
        rows=pl.concat(parts["rows"]),
        inside=np.concatenate(parts["inside"]),
        below=np.concatenate(parts["below"]),
        kind=np.concatenate(parts["kind"]),
        naive=pl.concat(parts["naive"]),
        points={n: np.concatenate([p[n] for p in parts["points"]]) for n in sorted(names)},
    )


def own_past(past: Past, origin: int, series: NDArray[np.intp]) -> pl.DataFrame:
    """The naive answer: as often as in the last season of the series itself; the mean of everything for a new one."""
    panel = past.panel
    values = past.demand[:, max(0, origin - panel.season) : origin].copy()
    columns = np.arange(origin - values.shape[1], origin)
    values[columns[None, :] < panel.begin[:, None]] = np.nan
    new = ~np.isfinite(values).any(axis=1)
    values[new, -1] = float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
    quantiles = np.nanquantile(values, GRID, axis=1).T
    return answers(np.nanmean(values, axis=1)[series], quantiles[series])


def _as_dict(found: Interval) -> dict[str, float | None]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _protocol(study: PanelData, rows: pl.DataFrame) -> str:
    panel, q, origins = study.panel, study.params, study.origins
    from_until = f"{panel.name(origins[0])} to {panel.name(origins[-1])}"
    return (
        f"rolling origins: learnt before {panel.name(origins[0])}, asked {len(origins)} times ({from_until}) for "
        f"{q.horizon} {q.frequency}s each, knowing what lay before; {rows['series'].n_unique():,} series"
    )


def _baselines(found: Tested, y: FloatArray, groups: Any, n: int) -> dict[str, Any]:
    """Relative absolute error of each single forecast, and the gain over the best of them."""
    alone = {name: metrics.weighted_absolute_error(y, p) for name, p in found.points.items()}
    best = min(alone, key=lambda name: alone[name])
    metric = RowMetric(metrics.weighted_absolute_error, better="lower")
    gain = compare(metric, y, found.rows["p50"].to_numpy(), found.points[best], groups=groups, n=n)
    return {"gain over the best single forecast": {"of": best, **_as_dict(gain)}} | {
        f"weighted_absolute_error of {name} alone": value for name, value in alone.items()
    }


def _segments(study: PanelData, found: Tested) -> dict[str, dict[str, dict[str, float]]]:
    """By class of demand first: what was said and what happened, the loss, and whether the 80 % interval held."""
    panel, rows = study.panel, found.rows
    s, origin = rows["series"].to_numpy(), rows["origin"].to_numpy()
    age = origin - panel.begin[s]
    ages = np.where(age <= 0, 0, np.where(age < panel.season, 1, 2))
    named: dict[str, tuple[NDArray[Any], Any]] = {
        "demand_class": (found.kind, CLASSES),
        "history": (ages, ("none: new", "less than a season", "a season and more")),
        "horizon": (rows["target"].to_numpy() - origin, [str(h + 1) for h in range(study.params.horizon)]),
    }
    for column in study.config.segments:
        if column in panel.series.columns:
            values = panel.series[column].fill_null("unknown").to_numpy()
            names, code = np.unique(values.astype(str), return_inverse=True)
            named[column] = (code[s], names.tolist())
    return {
        column: {
            str(name): _measures(found.only(code == i))
            for i, name in enumerate(names)
            if (code == i).sum() >= SMALLEST and rows["label"].to_numpy()[code == i].sum() > 0
        }
        for column, (code, names) in named.items()
    }


def _levels(study: PanelData, forecasts: OriginForecasts) -> dict[str, dict[str, float]]:
    """Of every level the series add up to: relative error of its totals, and whether their 80 % interval held.

    Where stock ran out the demand behind sales takes their place. The nodes of a level share few periods.
    """
    panel, q, forecaster = study.panel, study.params, forecasts.forecaster
    demand = np.where(np.isfinite(panel.sold), forecaster.past(panel).demand, 0.0)
    levels = levels_of(panel, q.adding_up)
    tested: list[list[Any]] = [[] for _ in levels]
    for origin, forecast, _ in forecasts.each(study.origins):
        nodes = node_quantiles(forecast, forecaster.dependence_, forecaster.codes(panel), levels)
        for level, node, parts in zip(levels, nodes, tested, strict=True):
            actual = np.zeros(node.mean.shape)
            np.add.at(actual, level.code, demand[:, origin : origin + q.horizon])
            low, high = (node.quantiles[..., np.abs(GRID - p).argmin()] for p in (0.1, 0.9))
            inside = (actual >= low) & (actual <= high)
            parts.append((actual.ravel(), node.mean.ravel(), inside.ravel()))
    found = {}
    for level, parts in zip(levels, tested, strict=True):
        actual, mean, inside = (np.concatenate(v) for v in zip(*parts, strict=True))
        found[level_name(level.columns)] = {
            "rows": len(actual),
            "predicted": float(mean.mean()),
            "observed": float(actual.mean()),
            "weighted_absolute_error": float(np.abs(mean - actual).sum() / max(actual.sum(), 1e-9)),
            "interval_80_holds": float(inside.mean()),
        }
    return found


def _measures(found: Tested) -> dict[str, float]:
    y, series = found.rows["label"].to_numpy(), found.rows["series"].to_numpy()
    quantiles = found.rows.select(f"p{10 * i}" for i in range(1, 10)).to_numpy()
    inside = bootstrap(_mean, y, found.inside, groups=series, n=100, seed=0)
    return {
        "rows": len(y),
        "predicted": float(found.rows["mean"].mean()),  # type: ignore[arg-type]
        "observed": float(y.mean()),
        "weighted_quantile_loss": metrics.decile_loss(y, quantiles),
        "coverage_80": inside.value,
        "coverage_80_low": inside.low,
        "coverage_80_high": inside.high,
    }


def _mean(y: FloatArray, p: FloatArray, *, sample_weight: FloatArray) -> float:
    return float(np.average(p, weights=sample_weight))


def _months(panel: Panel, found: Tested) -> dict[str, dict[str, float]]:
    target = found.rows["target"].to_numpy()
    result = {}
    for column in np.unique(target):
        rows = found.rows.filter(target == column)
        y = rows["label"].to_numpy()
        if y.sum() > 0:
            quantiles = rows.select(f"p{10 * i}" for i in range(1, 10)).to_numpy()
            result[panel.name(int(column))] = {
                "rows": len(y),
                "observed": float(y.mean()),
                "predicted": float(rows["mean"].mean()),  # type: ignore[arg-type]
                "weighted_quantile_loss": metrics.decile_loss(y, quantiles),
            }
    return result


def _notes(study: PanelData, estimator: DemandEstimator, rows: pl.DataFrame) -> list[str]:
    notes = ["intervals are over series: what moves all of them alike, such as a market that turns, is not in them"]
    short = float((rows["available"] < 1).mean())  # type: ignore[arg-type]
    if short:
        notes.append(
            f"in {short:.1%} of the outcomes stock ran out for a part of the time: losses are of what the rest could "
            "sell, and for intervals such an outcome stands for itself and all above"
        )
    if estimator.learnt_until > study.panel.first + study.origins[0]:
        notes.append("this version has learnt from some of the tested periods, which flatters it")
    flagged = study.flagged
    if flagged:
        worst = flagged[0]
        who = ", ".join(str(v) for v in study.panel.series.select(study.panel.keys).row(worst.series))
        notes.append(
            f"{len(flagged):,} outcomes are out of line with their own series and were left as they are; the furthest: "
            f"{who} in {study.panel.name(worst.column)}: {worst.sold:g} against {worst.expected:.1f}"
        )
    return notes
