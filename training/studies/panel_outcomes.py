"""Forecasts from each origin of the test beside their outcomes, and beside those from each series' own past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.demand_forecast import candidates
from ml.demand_forecast.estimator import answers
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.metrics import interval_coverage
from ml.demand_forecast.past import Past
from ml.domain.arrays import FloatArray
from ml.metrics import demand as metrics
from training.studies.panel_forecasts import OriginForecasts, known_outcomes, rows_of_origin


@dataclass(frozen=True)
class ForecastOutcomes:
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

    def only(self, keep: NDArray[np.bool_]) -> ForecastOutcomes:
        """Some of the rows."""
        return ForecastOutcomes(
            self.rows.filter(keep), self.inside[keep], self.below[keep], self.kind[keep], self.naive.filter(keep),
            {n: v[keep] for n, v in self.points.items()},
        )  # fmt: skip


def measured(forecasts: OriginForecasts, origins: range) -> ForecastOutcomes:
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
    return ForecastOutcomes(
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
