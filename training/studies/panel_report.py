"""Evaluation report of demand forecasts: rolling-origin metrics, baselines, calibration, segments and levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import DataError
from ml.bilingual import Text
from ml.demand_forecast.coherence import aggregation_levels, node_quantiles
from ml.demand_forecast.drivers import WORDS, topic
from ml.demand_forecast.estimator import DemandEstimator, level_name
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.panel import Panel
from ml.domain.arrays import FloatArray
from ml.domain.demand.demand_class import CLASSES
from ml.labels import Labels
from ml.metrics import bootstrap
from ml.metrics import demand as metrics
from ml.problem import RowMetric
from ml.report.columns import Interval, axis, column
from ml.report.metric_titles import VEHICLES, metric_axis
from ml.report.report import Report
from ml.report.sections import Bars, Calibration, CalibrationBin, Importance, Section, Table, TimeSeries
from training.studies.measures import compare, measure
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import ForecastOutcomes, OriginForecasts, forecast_outcomes
from training.studies.panel_order_costs import order_sections
from training.studies.report_sections import (
    GAIN_SHARE,
    ROWS,
    gain_row,
    gains_section,
    group_column,
    importance_section,
    parts_section,
    score_column,
)
from training.studies.report_words import BASELINES, PANEL

MIN_SEGMENT_ROWS = 30  # minimum number of outcomes of a reported segment

_LOSS, _ERROR = score_column("weighted_quantile_loss"), score_column("weighted_absolute_error")
_INSIDE = column("coverage_80", "80% 区间覆盖率", "coverage of the 80% interval", "share")
_PERIOD = column("month", "目标期", "target period")
_LIMITS = Interval(low="coverage_80_low", high="coverage_80_high")
_COVERAGE = column("coverage_80", "80% 区间覆盖率", "coverage of the 80% interval", "share", interval=_LIMITS)
_MEANS = (
    ROWS,
    column("predicted", "预测均值", "mean forecast", "number", unit=VEHICLES),
    column("observed", "实际均值", "mean outcome", "number", unit=VEHICLES),
)


def evaluate_demand(study: PanelData, estimator: DemandEstimator) -> Report:
    """Return the report on the forecasts from the held-out origins.

    Parameters
    ----------
    study : PanelData
        Panel, held-out origins and configuration: ``training.studies.panel.PanelStudyData.read(config)``, with `config`
        of ``training.config.load_config("demand_forecast")``.
    estimator : DemandEstimator
        Fitted before the first held-out origin: ``study.fit().evaluated``.

    Returns
    -------
    Report
        Sections: metrics with 95 % intervals and naive baselines, gain over the best single forecast, calibration,
        segments, totals by level, and order costs. `metrics` by name has `value`, `low`, `high` and `baseline`;
        ``report["metrics"]`` returns a section by name.

    Raises
    ------
    DataError
        No outcome is observed after the held-out origins.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.panel import PanelStudyData
    >>> study = PanelStudyData.read(load_config("demand_forecast"))  # doctest: +SKIP
    >>> report = evaluate_demand(study, study.fit().evaluated)  # doctest: +SKIP
    >>> report.metrics["weighted_quantile_loss"].value  # doctest: +SKIP
    """
    panel, config = study.panel, study.config
    forecasts = study.origin_forecasts(estimator.forecaster)
    outcomes = forecast_outcomes(forecasts, study.origins)
    rows, groups = outcomes.rows, outcomes.rows["series"].to_numpy()
    y = rows["label"].to_numpy()
    if len(y) == 0:
        raise DataError("demand_forecast: no outcome is observed in the test periods; provide a longer history")
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
        _importance(estimator, config.labels),
    ]
    notes = (*study.notes, *_notes(study, estimator, rows))
    return Report(task=config.task, protocol=_protocol(study, rows), sections=tuple(sections), notes=notes)


def _protocol(study: PanelData, rows: pl.DataFrame) -> str:
    panel, q, origins = study.panel, study.params, study.origins
    from_until = f"{panel.name(origins[0])} to {panel.name(origins[-1])}"
    return (
        f"rolling origins: fitted before {panel.name(origins[0])}, {len(origins)} forecasts ({from_until}) of "
        f"{q.horizon} {q.frequency}s each, from the periods before the origin; {rows['series'].n_unique():,} series"
    )


def _baseline_sections(outcomes: ForecastOutcomes, y: FloatArray, groups: Any, n: int) -> list[Section]:
    """Weighted absolute error of each single forecast, and the gain over the best of them."""
    name = _ERROR.name
    errors = {n: metrics.weighted_absolute_error(y, p) for n, p in outcomes.components.items()}
    best = min(errors, key=lambda name: errors[name])
    metric = RowMetric(metrics.weighted_absolute_error, better="lower")
    gain = compare(metric, y, outcomes.rows["p50"].to_numpy(), outcomes.components[best], groups=groups, n=n)
    row = gain_row(name, best, errors[best], gain)
    title = Text(zh="各单一预测的误差（越低越好）", en="Error of each single forecast (lower is better)")
    columns = (column("forecast", "预测方法", "forecast", words=BASELINES), _ERROR)
    rows = tuple({"forecast": f, name: errors[f]} for f in sorted(errors, key=lambda f: errors[f]))
    return [
        gains_section(
            "gain_over_best_forecast", row, zh="相对最好单一预测的提升", en="Gain over the best single forecast"
        ),
        Bars(name="single_forecasts", title=title, columns=columns, y=metric_axis(name), drawn=(name,), rows=rows),
    ]


def _calibration(outcomes: ForecastOutcomes) -> Calibration:
    """Share of outcomes not above each decile of the forecast."""
    below = [float(outcomes.below[:, i].mean()) for i in range(len(metrics.DECILES))]
    furthest = max(abs(b - d) for b, d in zip(below, metrics.DECILES, strict=True))
    return Calibration(
        name="calibration",
        title=Text(zh="分位数校准", en="Calibration of the deciles"),
        summary=Text(
            zh=f"各十分位与实际占比最多相差 {furthest:.1%}",
            en=f"observed shares differ from the deciles by at most {furthest:.1%}",
        ),
        x=axis("预测分位", "decile of the forecast", "share"),
        y=axis("不高于该分位的实际占比", "share of outcomes not above the decile", "share"),
        rows=tuple(CalibrationBin(predicted=d, observed=b) for d, b in zip(metrics.DECILES, below, strict=True)),
    )


def _segment_sections(study: PanelData, outcomes: ForecastOutcomes) -> list[Table]:
    """Mean forecast, mean outcome, loss and interval coverage by demand class, history, horizon and `segments`."""
    panel, rows = study.panel, outcomes.rows
    s, origin = rows["series"].to_numpy(), rows["origin"].to_numpy()
    age = origin - panel.begin[s]
    ages = np.where(age <= 0, 0, np.where(age < panel.season, 1, 2))
    segments: dict[str, tuple[NDArray[Any], Any]] = {
        "demand_class": (outcomes.demand_class, CLASSES),
        "history": (ages, ("no history", "less than a season", "a season or more")),
        "horizon": (rows["target"].to_numpy() - origin, [str(h + 1) for h in range(study.params.horizon)]),
    }
    for by in study.config.segments:
        if by in panel.series.columns:
            values = panel.series[by].fill_null("unknown").to_numpy()
            names, code = np.unique(values.astype(str), return_inverse=True)
            segments[by] = (code[s], names.tolist())
    return [
        Table(
            name=f"by_{by}",
            title=Text(
                zh=f"按{first.title.zh}的预测、实际与区间",
                en=f"Forecast, outcome and interval coverage by {first.title.en}",
            ),
            columns=(first, *_MEANS, _LOSS, _COVERAGE),
            rows=tuple(
                {"value": str(name), **_measures(outcomes.filter(code == i))}
                for i, name in enumerate(names)
                if (code == i).sum() >= MIN_SEGMENT_ROWS and rows["label"].to_numpy()[code == i].sum() > 0
            ),
        )
        for by, (code, names) in segments.items()
        for first in [group_column(by, names, labels=study.config.labels)]
    ]


def _level_section(study: PanelData, forecasts: OriginForecasts) -> Table:
    """Error and interval coverage of the totals of each aggregation level.

    In periods with stock-outs the outcome is the expected demand. All nodes share the few held-out periods, so that
    their errors are dependent.
    """
    panel, q, forecaster = study.panel, study.params, forecasts.forecaster
    demand = np.where(np.isfinite(panel.sold), forecaster.features(panel).demand, 0.0)
    levels = aggregation_levels(panel, q.level_columns)
    outcomes: list[list[Any]] = [[] for _ in levels]
    for origin, forecast, _ in forecasts.each(study.origins):
        nodes = node_quantiles(forecast, forecaster.dependence_, forecaster.codes(panel), levels)
        for level, node, parts in zip(levels, nodes, outcomes, strict=True):
            actual = np.zeros(node.mean.shape)
            np.add.at(actual, level.code, demand[:, origin : origin + q.horizon])
            low, high = (node.quantiles[..., np.abs(GRID - p).argmin()] for p in (0.1, 0.9))
            inside = (actual >= low) & (actual <= high)
            parts.append((actual.ravel(), node.mean.ravel(), inside.ravel()))
    rows = []
    for level, parts in zip(levels, outcomes, strict=True):
        actual, mean, inside = (np.concatenate(v) for v in zip(*parts, strict=True))
        rows.append(
            {
                "value": level_name(level.columns),
                "rows": len(actual),
                "predicted": float(mean.mean()),
                "observed": float(actual.mean()),
                "weighted_absolute_error": float(np.abs(mean - actual).sum() / max(actual.sum(), 1e-9)),
                "coverage_80": float(inside.mean()),
            }
        )
    words = {level_name(level.columns): _level_text(level.columns, study.config.labels) for level in levels}
    columns = (column("value", "汇总层级", "aggregation level", words=words), *_MEANS, _ERROR, _INSIDE)
    title = Text(zh="各汇总层级的总量", en="Totals by aggregation level")
    return Table(name="by_level", title=title, columns=columns, rows=tuple(rows))


def _level_text(columns: Sequence[str], labels: Labels) -> Text:
    names = [labels.column(name) for name in columns]
    if not names:
        return PANEL["everything"]
    return Text(zh=" × ".join(n.zh for n in names), en=" by ".join(n.en for n in names))


def _measures(outcomes: ForecastOutcomes) -> dict[str, float]:
    y, series = outcomes.rows["label"].to_numpy(), outcomes.rows["series"].to_numpy()
    quantiles = outcomes.rows.select(f"p{10 * i}" for i in range(1, 10)).to_numpy()
    coverage = bootstrap(_mean, y, outcomes.coverage, groups=series, n=100, seed=0)
    return {
        "rows": len(y),
        "predicted": float(outcomes.rows["mean"].mean()),  # type: ignore[arg-type]
        "observed": float(y.mean()),
        "weighted_quantile_loss": metrics.weighted_quantile_loss(y, quantiles),
        "coverage_80": coverage.value,
        "coverage_80_low": coverage.low,
        "coverage_80_high": coverage.high,
    }


def _mean(y: FloatArray, p: FloatArray, *, sample_weight: FloatArray) -> float:
    return float(np.average(p, weights=sample_weight))


def _month_sections(panel: Panel, outcomes: ForecastOutcomes) -> list[TimeSeries]:
    """Mean forecast, mean outcome and loss by target period."""
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
            name="by_month", title=Text(zh="各期每序列平均销量", en="Mean sales per series by period"), summary=span,
            columns=(_PERIOD, *_MEANS), y=axis("每序列平均销量", "mean sales per series", "number", unit=VEHICLES),
            drawn=("observed", "predicted"), rows=tuple(means),
        ),
        TimeSeries(
            name="loss_by_month", title=Text(zh="各期分位数损失", en="Quantile loss by period"), summary=span,
            columns=(_PERIOD, _LOSS), y=metric_axis(_LOSS.name), drawn=(_LOSS.name,), rows=tuple(losses),
        ),
    ]  # fmt: skip


def _importance(estimator: DemandEstimator, labels: Labels) -> Importance:
    """Return the share of the trees' gain by topic, the same topics as the drivers of a forecast."""
    groups = ["_".join(columns) or "all" for columns in estimator.features.groups]
    drivers = tuple(estimator.panel.drivers)
    shares: dict[str, float] = {}
    for name, share in estimator.importance().items():
        key = topic(name, groups=groups, drivers=drivers) or "level"
        shares[key] = shares.get(key, 0.0) + share
    words = {key: Text(zh=zh, en=en) for key, (zh, en) in WORDS.items()}
    words["level"] = Text(zh="基准需求与提前期", en="baseline demand and periods ahead")
    return importance_section(shares, x=GAIN_SHARE, labels=labels, words=words)


def _notes(study: PanelData, estimator: DemandEstimator, rows: pl.DataFrame) -> list[str]:
    notes = [
        "intervals of the metrics are over series: they do not cover changes of all series, such as a market downturn"
    ]
    short = float((rows["available"] < 1).mean())  # type: ignore[arg-type]
    if short:
        notes.append(
            f"{short:.1%} of the outcomes had stock-outs: their forecasts are exposure-adjusted, and for interval "
            "coverage their sales are a lower bound of demand"
        )
    if estimator.trained_until > study.panel.first + study.origins[0]:
        notes.append("the training data of this version contain some of the test periods: its metrics are optimistic")
    flagged = study.flagged
    if flagged:
        worst = flagged[0]
        name = ", ".join(str(v) for v in study.panel.series.select(study.panel.keys).row(worst.series))
        notes.append(
            f"{len(flagged):,} outlying outcomes were left unchanged; the largest: {name}, {worst.sold:g} sold in "
            f"{study.panel.name(worst.column)}, median of neighbouring periods {worst.expected:.1f}"
        )
    return notes
