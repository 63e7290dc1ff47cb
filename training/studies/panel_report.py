"""How good forecasts of demand are: from origins that roll on, beside naive ones, by class, horizon, age and month."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import DataError
from ml.bilingual import Text
from ml.demand_forecast.coherence import levels_of, node_quantiles
from ml.demand_forecast.estimator import DemandEstimator, level_name
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.panel import Panel
from ml.domain.arrays import FloatArray
from ml.domain.demand.demand_class import CLASSES
from ml.metrics import bootstrap
from ml.metrics import demand as metrics
from ml.problem import RowMetric
from ml.report.columns import Interval, axis, column
from ml.report.report import Report
from ml.report.sections import Bars, Calibration, CalibrationBin, Section, Table, TimeSeries
from training.studies.measures import compare, measure
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import ForecastOutcomes, OriginForecasts, measured
from training.studies.panel_order_costs import order_sections
from training.studies.report_sections import (
    ROWS,
    gain_row,
    gains_section,
    group_column,
    importance_section,
    parts_section,
)

SMALLEST = 30  # outcomes that a segment must have to be reported
VEHICLES = Text(zh="辆", en="vehicles")

_LOSS = column("weighted_quantile_loss", "加权分位数损失", "weighted quantile loss", "score")
_ERROR = column("weighted_absolute_error", "加权绝对误差", "weighted absolute error", "share")
_INSIDE = column("interval_80_holds", "落在 80% 区间内", "inside the 80% interval", "share")
_PERIOD = column("month", "目标期", "target period")
_LIMITS = Interval(low="coverage_80_low", high="coverage_80_high")
_COVERAGE = column("coverage_80", "80% 区间覆盖率", "coverage of the 80% interval", "share", interval=_LIMITS)
_MEANS = (
    ROWS,
    column("predicted", "预测均值", "mean forecast", "number", unit=VEHICLES),
    column("observed", "实际均值", "mean outcome", "number", unit=VEHICLES),
)


def evaluate_demand(study: PanelData, estimator: DemandEstimator) -> Report:
    """Measure forecasts from the test's origins.

    Raises
    ------
    DataError
        Nothing was sold in the test part.
    """
    panel, config = study.panel, study.config
    forecasts = study.forecasts_of(estimator.forecaster)
    outcomes = measured(forecasts, study.origins)
    rows, groups = outcomes.rows, outcomes.rows["series"].to_numpy()
    y = rows["label"].to_numpy()
    if len(y) == 0:
        raise DataError("demand_forecast: no outcome is known in the test part; give a longer history")
    parts = {
        "train": {"rows": int(np.isfinite(panel.sold[:, : study.origins[0]]).sum())},
        "test": {"rows": len(y), "series": len(np.unique(groups)), "origins": len(study.origins)},
    }
    counts = (column("series", "序列", "series", "count"), column("origins", "预测起点", "origins", "count"))
    sections: list[Section] = [
        measure(study.problem.metrics, y, rows, baseline=outcomes.baseline, groups=groups, n=config.bootstraps),
        *_baseline_sections(outcomes, y, groups, config.bootstraps),
        parts_section(parts, *counts),
        _calibration(outcomes),
        *_month_sections(panel, outcomes),
        *_segment_sections(study, outcomes),
        _level_section(study, forecasts),
        *order_sections(study, forecasts),
        importance_section(estimator.importance()),
    ]
    notes = (*study.notes, *_notes(study, estimator, rows))
    return Report(task=config.task, protocol=_protocol(study, rows), sections=tuple(sections), notes=notes)


def _protocol(study: PanelData, rows: pl.DataFrame) -> str:
    panel, q, origins = study.panel, study.params, study.origins
    from_until = f"{panel.name(origins[0])} to {panel.name(origins[-1])}"
    return (
        f"rolling origins: learnt before {panel.name(origins[0])}, asked {len(origins)} times ({from_until}) for "
        f"{q.horizon} {q.frequency}s each, knowing what lay before; {rows['series'].n_unique():,} series"
    )


def _baseline_sections(outcomes: ForecastOutcomes, y: FloatArray, groups: Any, n: int) -> list[Section]:
    """Relative absolute error of each single forecast, and the gain over the best of them."""
    name = _ERROR.name
    alone = {n: metrics.weighted_absolute_error(y, p) for n, p in outcomes.points.items()}
    best = min(alone, key=lambda name: alone[name])
    metric = RowMetric(metrics.weighted_absolute_error, better="lower")
    gain = compare(metric, y, outcomes.rows["p50"].to_numpy(), outcomes.points[best], groups=groups, n=n)
    row = gain_row(name, best, alone[best], gain)
    title = Text(zh="各单一预测的误差（越低越好）", en="Error of each single forecast alone (lower is better)")
    columns = (column("forecast", "预测方法", "forecast"), _ERROR)
    rows = tuple({"forecast": f, name: alone[f]} for f in sorted(alone, key=lambda f: alone[f]))
    return [
        gains_section(
            "gain_over_best_forecast", row, zh="相对最好单一预测的提升", en="Gain over the best single forecast"
        ),
        Bars(name="single_forecasts", title=title, columns=columns, y=_ERROR, drawn=(name,), rows=rows),
    ]


def _calibration(outcomes: ForecastOutcomes) -> Calibration:
    """Share of outcomes at most each decile of the forecast, beside the decile."""
    below = [float(outcomes.below[:, i].mean()) for i in range(len(metrics.DECILES))]
    furthest = max(abs(b - d) for b, d in zip(below, metrics.DECILES, strict=True))
    return Calibration(
        name="calibration",
        title=Text(zh="分位数校准", en="Calibration of the deciles"),
        summary=Text(
            zh=f"各十分位与实际占比最多相差 {furthest:.1%}", en=f"deciles and shares differ by at most {furthest:.1%}"
        ),
        x=axis("预测分位", "decile of the forecast", "share"),
        y=axis("不超过它的实际占比", "share of outcomes at most this decile", "share"),
        rows=tuple(CalibrationBin(predicted=d, observed=b) for d, b in zip(metrics.DECILES, below, strict=True)),
    )


def _segment_sections(study: PanelData, outcomes: ForecastOutcomes) -> list[Table]:
    """By class of demand first: forecast and outcome, the loss, and whether the 80 % interval held."""
    panel, rows = study.panel, outcomes.rows
    s, origin = rows["series"].to_numpy(), rows["origin"].to_numpy()
    age = origin - panel.begin[s]
    ages = np.where(age <= 0, 0, np.where(age < panel.season, 1, 2))
    named: dict[str, tuple[NDArray[Any], Any]] = {
        "demand_class": (outcomes.kind, CLASSES),
        "history": (ages, ("none: new", "less than a season", "a season and more")),
        "horizon": (rows["target"].to_numpy() - origin, [str(h + 1) for h in range(study.params.horizon)]),
    }
    for by in study.config.segments:
        if by in panel.series.columns:
            values = panel.series[by].fill_null("unknown").to_numpy()
            names, code = np.unique(values.astype(str), return_inverse=True)
            named[by] = (code[s], names.tolist())
    return [
        Table(
            name=f"by_{by}",
            title=Text(zh=f"按 {by} 的预测、实际与区间", en=f"Forecast, outcome and interval by {by}"),
            columns=(group_column(by), *_MEANS, _LOSS, _COVERAGE),
            rows=tuple(
                {"value": str(name), **_measures(outcomes.only(code == i))}
                for i, name in enumerate(names)
                if (code == i).sum() >= SMALLEST and rows["label"].to_numpy()[code == i].sum() > 0
            ),
        )
        for by, (code, names) in named.items()
    ]


def _level_section(study: PanelData, forecasts: OriginForecasts) -> Table:
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
    rows = []
    for level, parts in zip(levels, tested, strict=True):
        actual, mean, inside = (np.concatenate(v) for v in zip(*parts, strict=True))
        rows.append(
            {
                "value": level_name(level.columns),
                "rows": len(actual),
                "predicted": float(mean.mean()),
                "observed": float(actual.mean()),
                "weighted_absolute_error": float(np.abs(mean - actual).sum() / max(actual.sum(), 1e-9)),
                "interval_80_holds": float(inside.mean()),
            }
        )
    columns = (group_column("level"), *_MEANS, _ERROR, _INSIDE)
    title = Text(zh="各汇总层级的总量", en="Totals of each level")
    return Table(name="by_level", title=title, columns=columns, rows=tuple(rows))


def _measures(outcomes: ForecastOutcomes) -> dict[str, float]:
    y, series = outcomes.rows["label"].to_numpy(), outcomes.rows["series"].to_numpy()
    quantiles = outcomes.rows.select(f"p{10 * i}" for i in range(1, 10)).to_numpy()
    inside = bootstrap(_mean, y, outcomes.inside, groups=series, n=100, seed=0)
    return {
        "rows": len(y),
        "predicted": float(outcomes.rows["mean"].mean()),  # type: ignore[arg-type]
        "observed": float(y.mean()),
        "weighted_quantile_loss": metrics.weighted_quantile_loss(y, quantiles),
        "coverage_80": inside.value,
        "coverage_80_low": inside.low,
        "coverage_80_high": inside.high,
    }


def _mean(y: FloatArray, p: FloatArray, *, sample_weight: FloatArray) -> float:
    return float(np.average(p, weights=sample_weight))


def _month_sections(panel: Panel, outcomes: ForecastOutcomes) -> list[TimeSeries]:
    """Mean forecast and mean outcome by target period, and the loss."""
    target = outcomes.rows["target"].to_numpy()
    means, losses = [], []
    for period in np.unique(target):
        part = outcomes.rows.filter(target == period)
        y = part["label"].to_numpy()
        if y.sum() > 0:
            name, quantiles = panel.name(int(period)), part.select(f"p{10 * i}" for i in range(1, 10)).to_numpy()
            mean = float(part["mean"].mean())  # type: ignore[arg-type]
            means.append({"month": name, "rows": len(y), "observed": float(y.mean()), "predicted": mean})
            losses.append({"month": name, _LOSS.name: metrics.weighted_quantile_loss(y, quantiles)})
    first, last = (means[0]["month"], means[-1]["month"]) if means else ("", "")
    span = Text(zh=f"{first} 至 {last}", en=f"{first} to {last}") if means else None
    return [
        TimeSeries(
            name="by_month", title=Text(zh="各期每序列平均销量", en="Mean sales of a series by period"), summary=span,
            columns=(_PERIOD, *_MEANS), y=axis("每序列平均销量", "mean sales of a series", "number", unit=VEHICLES),
            drawn=("observed", "predicted"), rows=tuple(means),
        ),
        TimeSeries(
            name="loss_by_month", title=Text(zh="各期分位数损失", en="Quantile loss by period"), summary=span,
            columns=(_PERIOD, _LOSS), y=_LOSS, drawn=(_LOSS.name,), rows=tuple(losses),
        ),
    ]  # fmt: skip


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
