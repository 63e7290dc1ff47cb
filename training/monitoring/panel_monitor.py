"""Monitoring of forecasts: bias, error and coverage of the next period's forecast once the month has closed."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.periods import period_start
from ml import champions
from ml.bilingual import Text
from ml.demand_forecast.estimator import DemandEstimator, ended_series, forecast_columns
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.trees import MIN_AVAILABLE
from ml.domain.arrays import IntArray
from ml.instants import instant
from ml.model import Model
from ml.report.columns import axis
from training.config import TaskConfig
from training.monitoring.months import month_begin, month_name, month_numbers
from training.monitoring.ratios import RatioRows, ratio_series
from training.monitoring.rules import MonitorRules
from training.monitoring.series import Findings, MonitoredPeriod, MonitoredSeries
from training.progress import Progress
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import OriginForecasts, read_holdout

COVERAGE_FLOOR = 0.1  # of the share of outcomes inside the 80 % interval
MAX_ORIGINS = 60
_BIAS = axis("预测 / 实际销量", "forecast / sales", "number")
_ERROR = axis("绝对误差占销量比例", "absolute error as share of sales", "share")
_COVERAGE = axis("落在 80% 区间内的比例", "share inside the 80% interval", "share")


def panel_findings(
    model: Model,
    config: TaskConfig,
    rules: MonitorRules,
    version: champions.Version,
    *,
    as_of: int,
    progress: Progress | None = None,
) -> Findings:
    """Return bias, error and coverage of the forecasts of the next period, for complete months after the training.

    Parameters
    ----------
    model : Model
        ``ml.champions.load(version)``.
    config : TaskConfig
        With the sources to read and the parameters of the version.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.
    version : Version
        ``ml.champions.version_or_champion("demand_forecast")``.
    as_of : int
        Microseconds since 1970 UTC: later sales are not used.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    Findings
        Series that are not judged yet; each forecast uses the periods before its own only.

    Raises
    ------
    ConfigError, DataError
        The sales cannot be read.
    """
    estimator = model.estimator
    assert isinstance(estimator, DemandEstimator)
    with champions.report_files(version) as folder:
        old_panel, _, stored = read_holdout(folder)
    data = PanelData.read(config, until=as_of, progress=progress)
    panel, timezone = data.panel, data.params.timezone
    starts = period_start(np.arange(panel.first, panel.first + panel.periods + 1), panel.frequency, timezone=timezone)
    months = month_numbers(starts, timezone=timezone)
    closed = int(months[-1]) - 1  # the period after the last one lies in a later month
    trained = max(estimator.trained_until - panel.first, 0)
    columns = [
        c for c in range(max(trained, panel.periods - MAX_ORIGINS), panel.periods) if c > 0 and months[c] <= closed
    ]
    reference = _rows(stored, _months(stored, old_panel.first, panel.frequency, timezone))
    period = MonitoredPeriod(
        month=month_name(closed),
        reference_first=month_name(int(reference[1].min())),
        reference_last=month_name(int(reference[1].max())),
        reference_rows=reference[0].height,
        rows=int((months[:-1] == closed).sum()) * len(panel.sold),
        as_of=instant(as_of).isoformat(timespec="seconds"),
    )
    if not columns:
        text = Text(
            zh="预测误差：训练之后还没有完整的月份", en="forecast error: no month has closed since the training"
        )
        return Findings(period, (), (text, _NO_DRIFT), tuple(data.notes))
    (progress or (lambda text: None))(f"forecasting {len(columns)} closed periods")
    forecasts = _next_forecasts(OriginForecasts(panel, estimator.forecaster), columns)
    new = _rows(forecasts, _months(forecasts, panel.first, panel.frequency, timezone))
    series = _series(reference, new, sorted(set(new[1].tolist())), rules)
    notes = (*data.notes, f"newest complete period begins {instant(month_begin(closed, timezone=timezone)).date()}")
    return Findings(period, tuple(series), (_NO_DRIFT,), notes)


_NO_DRIFT = Text(
    zh="特征漂移：需求预测只用销量、库存和价格的历史，预测误差已反映其变化",
    en="drift of features: forecasts use the history of sales, stock and prices only; their error shows changes",
)


def _next_forecasts(forecasts: OriginForecasts, columns: list[int]) -> pl.DataFrame:
    """Return the forecast of each column of the panel from the columns before it, with its outcome."""
    panel, parts = forecasts.panel, []
    for origin, forecast, _ in forecasts.each(columns):
        available, sold = panel.available[:, origin], panel.sold[:, origin]
        share = np.ones_like(forecast.mean)
        share[:, 0] = available
        adjusted = forecast.exposure_adjusted(share)
        rows = np.flatnonzero(np.isfinite(sold) & (available >= MIN_AVAILABLE) & ~ended_series(panel.until(origin)))
        keys = pl.DataFrame(
            {"series": rows, "origin": np.full(len(rows), origin), "target": np.full(len(rows), origin)}
        )
        figures = forecast_columns(adjusted.mean[rows, 0], adjusted.quantiles(GRID)[rows, 0])
        parts.append(pl.concat([keys.with_columns(label=pl.Series(sold[rows])), figures], how="horizontal"))
    return pl.concat(parts)


def _months(rows: pl.DataFrame, first: int, frequency: str, timezone: str) -> IntArray:
    """Return the month of the target period of each row."""
    starts = period_start(rows["target"].to_numpy() + first, frequency, timezone=timezone)  # type: ignore[arg-type]
    return month_numbers(starts, timezone=timezone)


def _rows(forecasts: pl.DataFrame, months: IntArray) -> tuple[pl.DataFrame, IntArray]:
    """Return the forecasts of the next period, and their months."""
    is_next = forecasts["target"] == forecasts["origin"]
    return forecasts.filter(is_next), months[is_next.to_numpy()]


def _series(
    reference: tuple[pl.DataFrame, IntArray], new: tuple[pl.DataFrame, IntArray], months: list[int], rules: MonitorRules
) -> list[MonitoredSeries]:
    def rows(part: tuple[pl.DataFrame, IntArray], numerator: pl.Expr, denominator: pl.Expr) -> RatioRows:
        frame = part[0].select(a=numerator.cast(pl.Float64), b=denominator.cast(pl.Float64))
        return RatioRows(frame["a"].to_numpy(), frame["b"].to_numpy(), part[1])

    sold, inside = pl.col("label"), pl.col("label").is_between(pl.col("p10"), pl.col("p90"))
    parts = {
        "bias": (pl.col("mean"), sold, _BIAS, rules.smallest_rate_change, "either"),
        "error": ((pl.col("mean") - sold).abs(), sold, _ERROR, rules.smallest_rate_change, "higher"),
        "coverage": (inside, sold * 0 + 1, _COVERAGE, COVERAGE_FLOOR, "lower"),
    }
    return [
        ratio_series(
            f"forecast.{name}", rows(reference, a, b), rows(new, a, b), months, rules, axis=title, floor=floor,
            relative=name != "coverage", alarm=alarm,  # type: ignore[arg-type]
        )
        for name, (a, b, title, floor, alarm) in parts.items()
    ]  # fmt: skip
