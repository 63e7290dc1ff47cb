"""Forecasts of a demand panel from the origins of a test, each made once, beside their outcomes; and their files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import DataError
from ml.demand_forecast import candidates
from ml.demand_forecast.estimator import answers, ended, living
from ml.demand_forecast.forecast import GRID, Forecast
from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.metrics import interval_coverage
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.past import Past
from ml.demand_forecast.trees import OPEN
from ml.domain.arrays import FloatArray
from ml.metrics import demand as metrics

TEST_PANEL, TEST_ANSWERS, TEST_ORIGINS = "test_panel", "test_rows.parquet", "test_origins.json"


@dataclass(frozen=True)
class OriginForecasts:
    """Forecasts of one forecaster; each origin knows its own past alone.

    Metrics, totals of levels, costs of orders and the kept test rows ask for the same origins.

    Attributes
    ----------
    panel : Panel
        All periods, those after the origins included.
    forecaster : Forecaster
    """

    panel: Panel
    forecaster: Forecaster
    _cache: dict[int, tuple[Forecast, Past]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def at(self, origin: int) -> tuple[Forecast, Past]:
        """Return the forecast from one origin (a column of the panel), and the past that it was made from."""
        if origin not in self._cache:
            history = self.panel.until(origin)
            past = self.forecaster.past(history)
            self._cache[origin] = living(self.forecaster.forecast(history, past=past), history), past
        return self._cache[origin]

    def each(self, origins: Iterable[int]) -> Iterator[tuple[int, Forecast, Past]]:
        """Yield origin, forecast and past in turn."""
        for origin in origins:
            yield origin, *self.at(origin)


def holdout_forecasts(forecasts: OriginForecasts, origins: range) -> pl.DataFrame:
    """What was said from each origin, beside what happened.

    Returns
    -------
    DataFrame
        `series` (row of the panel), `origin` and `target` (columns), `available`, `label`, and the answers: of what
        was to be sold in the part of the period that had stock. Only known outcomes of series that were alive and had
        stock for a tenth of the period.
    """
    return pl.concat(
        [rows_of_origin(forecasts.panel, origin, forecast) for origin, forecast, _ in forecasts.each(origins)]
    )


def known_outcomes(panel: Panel, origin: int, horizon: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return series and steps ahead of the outcomes from an origin that are known and had stock."""
    y = panel.sold[:, origin : origin + horizon]
    there = np.isfinite(y) & (panel.available[:, origin : origin + horizon] >= OPEN)
    s, h = np.nonzero(there & ~ended(panel.until(origin))[:, None])
    return s, h


def rows_of_origin(panel: Panel, origin: int, forecast: Forecast) -> pl.DataFrame:
    """Return the forecasts from one origin beside the outcomes; columns as in `holdout_forecasts`."""
    forecast = forecast.while_stocked(panel.available[:, origin : origin + forecast.mean.shape[1]])
    s, h = known_outcomes(panel, origin, forecast.mean.shape[1])
    where = {"series": s, "origin": np.full(len(s), origin), "target": origin + h}
    told = {"available": panel.available[s, origin + h], "label": panel.sold[s, origin + h]}
    quantiles = forecast.quantiles(GRID)[s, h]
    return pl.concat([pl.DataFrame(where | told), answers(forecast.mean[s, h], quantiles)], how="horizontal")


@dataclass(frozen=True)
class ForecastOutcomes:
    """What was said from each origin, and what happened.

    Attributes
    ----------
    rows : DataFrame
        See `holdout_forecasts`.
    inside, below : ndarray
        Of each row: how much of it lies inside the 80 % interval; at most each decile.
    baseline : DataFrame
        What the series' own past says of the same rows.
    points : mapping of str to ndarray
        What each single forecast says of the same rows.
    """

    rows: pl.DataFrame
    inside: FloatArray
    below: FloatArray
    kind: NDArray[np.int64]
    baseline: pl.DataFrame
    points: Mapping[str, FloatArray]

    def only(self, keep: NDArray[np.bool_]) -> ForecastOutcomes:
        """Some of the rows."""
        return ForecastOutcomes(
            self.rows.filter(keep), self.inside[keep], self.below[keep], self.kind[keep], self.baseline.filter(keep),
            {n: v[keep] for n, v in self.points.items()},
        )  # fmt: skip


def measured(forecasts: OriginForecasts, origins: range) -> ForecastOutcomes:
    """Everything that the report is made of."""
    panel = forecasts.panel
    parts: dict[str, list[Any]] = {n: [] for n in ("rows", "inside", "below", "kind", "baseline", "points")}
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
        parts["baseline"].append(own_past(past, origin, s) * pl.Series(open_for[s, h]))
        single = candidates.every(past, origin, horizon, candidates.NAIVE) | dict(forecast.parts)
        parts["points"].append({n: (v * open_for)[s, h] for n, v in single.items()})
    names = set.intersection(*(set(p) for p in parts["points"]))
    return ForecastOutcomes(
        rows=pl.concat(parts["rows"]),
        inside=np.concatenate(parts["inside"]),
        below=np.concatenate(parts["below"]),
        kind=np.concatenate(parts["kind"]),
        baseline=pl.concat(parts["baseline"]),
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


def write_holdout(folder: Path, panel: Panel, origins: range, forecasts: pl.DataFrame) -> None:
    """Write the panel, the origins, and the forecasts from them.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    try:
        for name, content in panel.to_files(TEST_PANEL).items():
            (folder / name).write_bytes(content)
        (folder / TEST_ORIGINS).write_text(json.dumps(list(origins)))
        forecasts.write_parquet(folder / TEST_ANSWERS)
    except OSError as e:
        raise DataError(f"the test part could not be written to {folder}: {e.strerror}; free space there") from None


def read_holdout(folder: Path) -> tuple[Panel, range, pl.DataFrame]:
    """Return the panel, the origins and the forecasts that `write_holdout` wrote."""
    files = {f"{TEST_PANEL}.{k}": (folder / f"{TEST_PANEL}.{k}").read_bytes() for k in ("json", "npz")}
    origins = json.loads((folder / TEST_ORIGINS).read_text())
    return (
        Panel.from_files(files, TEST_PANEL),
        range(origins[0], origins[-1] + 1),
        pl.read_parquet(folder / TEST_ANSWERS),
    )
