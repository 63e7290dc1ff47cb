"""Forecasts of a panel from held-out origins, with their outcomes, and the files of the holdout."""

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
from ml.demand_forecast.estimator import ended_series, forecast_columns, zero_ended_series
from ml.demand_forecast.forecast import GRID, Forecast
from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.metrics import interval_coverage
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.panel_features import PanelFeatures
from ml.demand_forecast.trees import MIN_AVAILABLE
from ml.domain.arrays import FloatArray
from ml.metrics import demand as metrics

TEST_PANEL, TEST_FORECASTS, TEST_ORIGINS = "test_panel", "test_rows.parquet", "test_origins.json"


@dataclass(frozen=True)
class OriginForecasts:
    """Cached forecasts of one forecaster from several origins; each uses the periods before its origin only.

    Metrics, totals by level, order costs and the stored holdout need the same forecasts.

    Parameters
    ----------
    panel : Panel
        All periods, including those after the origins: `training.studies.panel_data.PanelData.panel`.
    forecaster : Forecaster
        Fitted: ``data.fit_forecaster()``, or the attribute `forecaster` of a
        `ml.demand_forecast.estimator.DemandEstimator`.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.panel_data import PanelData
    >>> data = PanelData.read(load_config("demand_forecast"))  # doctest: +SKIP
    >>> forecasts = OriginForecasts(data.panel, data.fit_forecaster())  # doctest: +SKIP
    >>> forecast, features = forecasts.at(data.origins[0])  # doctest: +SKIP
    """

    panel: Panel
    forecaster: Forecaster
    _cache: dict[int, tuple[Forecast, PanelFeatures]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def at(self, origin: int) -> tuple[Forecast, PanelFeatures]:
        """Return the forecast from one origin and the features that it was computed from.

        Parameters
        ----------
        origin : int
            Column of the panel, the first period to forecast: above 0, at most `panel.periods`.

        Returns
        -------
        tuple of Forecast and PanelFeatures
            Forecast of all series, ended series at 0: `mean`, shape (n_series, horizon), and
            `quantiles(probabilities)`, units per period; features of the panel before the origin.
        """
        if origin not in self._cache:
            history = self.panel.until(origin)
            features = self.forecaster.features(history)
            self._cache[origin] = (
                zero_ended_series(self.forecaster.forecast(history, features=features), history),
                features,
            )
        return self._cache[origin]

    def each(self, origins: Iterable[int]) -> Iterator[tuple[int, Forecast, PanelFeatures]]:
        """Yield the origin, the forecast and its features for each origin.

        Parameters
        ----------
        origins : iterable of int
            Columns of the panel, such as `training.studies.panel_data.PanelData.origins`.

        Yields
        ------
        tuple of int, Forecast and PanelFeatures
            `mean` of a forecast has the units per period, shape (n_series, horizon), and ``quantiles(probabilities)``
            its quantiles; ended series are at 0.
        """
        for origin in origins:
            yield origin, *self.at(origin)


def holdout_forecasts(forecasts: OriginForecasts, origins: range) -> pl.DataFrame:
    """Return the forecasts from each origin with their outcomes.

    Parameters
    ----------
    forecasts : OriginForecasts
        ``training.studies.panel_forecasts.OriginForecasts(data.panel, data.fit_forecaster())``, with `data` of
        ``training.studies.panel_data.PanelData.read(training.config.load_config("demand_forecast"))``.
    origins : range
        Columns of the panel, ``data.origins``, for example.

    Returns
    -------
    DataFrame
        One row per observed outcome of a living series in stock for at least a tenth of the period: `series` (row of
        the panel), `origin` and `target` (columns), `available` (share of the period in stock), `label` (units sold),
        `mean` and `p05` ... `p95` (exposure-adjusted for stock-outs, units).

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.panel_data import PanelData
    >>> data = PanelData.read(load_config("demand_forecast"))  # doctest: +SKIP
    >>> forecasts = OriginForecasts(data.panel, data.fit_forecaster())  # doctest: +SKIP
    >>> rows = holdout_forecasts(forecasts, data.origins)  # doctest: +SKIP
    """
    return pl.concat(
        [_rows_of_origin(forecasts.panel, origin, forecast) for origin, forecast, _ in forecasts.each(origins)]
    )


def _observed_outcomes(panel: Panel, origin: int, horizon: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return series and periods ahead (from 0) of the outcomes after an origin that are observed and had stock."""
    y = panel.sold[:, origin : origin + horizon]
    is_valid = np.isfinite(y) & (panel.available[:, origin : origin + horizon] >= MIN_AVAILABLE)
    s, h = np.nonzero(is_valid & ~ended_series(panel.until(origin))[:, None])
    return s, h


def _rows_of_origin(panel: Panel, origin: int, forecast: Forecast) -> pl.DataFrame:
    """Return the forecasts from one origin with their outcomes; columns as in `holdout_forecasts`."""
    forecast = forecast.exposure_adjusted(panel.available[:, origin : origin + forecast.mean.shape[1]])
    s, h = _observed_outcomes(panel, origin, forecast.mean.shape[1])
    keys = {"series": s, "origin": np.full(len(s), origin), "target": origin + h}
    outcomes = {"available": panel.available[s, origin + h], "label": panel.sold[s, origin + h]}
    quantiles = forecast.quantiles(GRID)[s, h]
    return pl.concat(
        [pl.DataFrame(keys | outcomes), forecast_columns(forecast.mean[s, h], quantiles)], how="horizontal"
    )


@dataclass(frozen=True)
class ForecastOutcomes:
    """Forecasts from all held-out origins with their outcomes, row by row, as returned by `forecast_outcomes`.

    Attributes
    ----------
    rows : DataFrame
        One row per outcome: `series` (row of the panel), `origin` and `target` (columns), `available` (share of the
        period in stock), `label` (units sold), `mean` and `p05` ... `p95` (units).
    coverage : ndarray of shape (n_rows,)
        Share of each outcome's probability step inside the 80 % interval, 0 to 1.
    below : ndarray of shape (n_rows, 9)
        Share of each outcome's probability step below each decile of its forecast.
    demand_class : ndarray of shape (n_rows,)
        Position of the series' class in `ml.domain.demand.demand_class.CLASSES`, int64.
    baseline : DataFrame
        Naive forecasts of the same rows: `mean` and `p05` ... `p95`, units, exposure-adjusted for stock-outs.
    components : mapping of str to ndarray of shape (n_rows,)
        Mean forecasts of each single model by name, units, exposure-adjusted for stock-outs.
    """

    rows: pl.DataFrame
    coverage: FloatArray
    below: FloatArray
    demand_class: NDArray[np.int64]
    baseline: pl.DataFrame
    components: Mapping[str, FloatArray]

    def filter(self, mask: NDArray[np.bool_]) -> ForecastOutcomes:
        """Return the rows where a mask is true.

        Parameters
        ----------
        mask : ndarray of bool, shape (n_rows,)
            Such as ``outcomes.rows["label"].to_numpy() > 0``, with `outcomes` this object.

        Returns
        -------
        ForecastOutcomes
            All attributes, restricted to these rows.
        """
        return ForecastOutcomes(
            self.rows.filter(mask), self.coverage[mask], self.below[mask], self.demand_class[mask],
            self.baseline.filter(mask), {n: v[mask] for n, v in self.components.items()},
        )  # fmt: skip


def forecast_outcomes(forecasts: OriginForecasts, origins: range) -> ForecastOutcomes:
    """Return the forecasts from all origins with their outcomes, coverage, and naive and single forecasts.

    Parameters
    ----------
    forecasts : OriginForecasts
        ``training.studies.panel_forecasts.OriginForecasts(data.panel, data.fit_forecaster())``, with `data` of
        ``training.studies.panel_data.PanelData.read(training.config.load_config("demand_forecast"))``.
    origins : range
        Columns of the panel, ``data.origins``, for example.

    Returns
    -------
    ForecastOutcomes
        `rows` as returned by `holdout_forecasts` (units per period); the other attributes (`coverage` and `below`,
        shares 0 to 1; `demand_class`; `baseline` and `components`, units) in the order of its rows.
    """
    panel = forecasts.panel
    parts: dict[str, list[Any]] = {n: [] for n in ForecastOutcomes.__dataclass_fields__}
    for origin, forecast, features in forecasts.each(origins):
        horizon = forecast.mean.shape[1]
        s, h = _observed_outcomes(panel, origin, horizon)
        y = panel.sold[:, origin : origin + horizon]
        parts["rows"].append(_rows_of_origin(panel, origin, forecast))
        available = panel.available[:, origin : origin + horizon]
        parts["coverage"].append(interval_coverage(y, forecast, available=available)[s, h])
        below = [interval_coverage(y, forecast, low=0.0, high=p, available=available)[s, h] for p in metrics.DECILES]
        parts["below"].append(np.column_stack(below))
        parts["demand_class"].append(forecast.demand_class[s])
        parts["baseline"].append(naive_forecasts(features, origin, s) * pl.Series(available[s, h]))
        single = candidates.candidate_forecasts(features, origin, horizon, candidates.NAIVE) | dict(forecast.components)
        parts["components"].append({n: (v * available)[s, h] for n, v in single.items()})
    names = set.intersection(*(set(p) for p in parts["components"]))
    return ForecastOutcomes(
        rows=pl.concat(parts["rows"]),
        coverage=np.concatenate(parts["coverage"]),
        below=np.concatenate(parts["below"]),
        demand_class=np.concatenate(parts["demand_class"]),
        baseline=pl.concat(parts["baseline"]),
        components={n: np.concatenate([p[n] for p in parts["components"]]) for n in sorted(names)},
    )


def naive_forecasts(features: PanelFeatures, origin: int, series: NDArray[np.intp]) -> pl.DataFrame:
    """Return naive forecasts: mean and quantiles of each series' last season; the overall mean for a new series.

    Parameters
    ----------
    features : PanelFeatures
        ``ml.demand_forecast.panel_features.PanelFeatures(panel.until(origin), groups=((),))``, or the second element of
        ``training.studies.panel_forecasts.OriginForecasts(panel, forecaster).at(origin)``.
    origin : int
        Column of the first forecast period.
    series : ndarray of int, shape (n_rows,)
        Rows of the panel, from 0, repeated as needed.

    Returns
    -------
    DataFrame
        `mean` and `p05` ... `p95`, units per period, one row per row of `series`.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.demand_forecast.panel import Panel
    >>> from ml.demand_forecast.panel_features import PanelFeatures
    >>> sold = np.array([[4.0, 6, 5, 5, 6]])
    >>> panel = Panel(pl.DataFrame({"model": ["a"]}), ("model",), "month", 672, sold, np.ones_like(sold))
    >>> naive_forecasts(PanelFeatures(panel, groups=((),)), 5, np.array([0])).select("mean", "p50").rows()
    [(5.2, 5.0)]
    """
    panel = features.panel
    values = features.demand[:, max(0, origin - panel.season) : origin].copy()
    columns = np.arange(origin - values.shape[1], origin)
    values[columns[None, :] < panel.begin[:, None]] = np.nan
    new = ~np.isfinite(values).any(axis=1)
    values[new, -1] = float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
    quantiles = np.nanquantile(values, GRID, axis=1).T
    return forecast_columns(np.nanmean(values, axis=1)[series], quantiles[series])


def write_holdout(folder: Path, panel: Panel, origins: range, forecasts: pl.DataFrame) -> None:
    """Write the panel, the held-out origins, and the forecasts of `holdout_forecasts`, for `read_holdout`.

    Parameters
    ----------
    folder : Path
        Existing folder; it gets `test_panel.json`, `test_panel.npz`, `test_origins.json` and `test_rows.parquet`.
    panel : Panel
        All periods, including those after the origins: `training.studies.panel_data.PanelData.panel`.
    origins : range
        Columns of the panel: `training.studies.panel_data.PanelData.origins`.
    forecasts : DataFrame
        As returned by `training.studies.panel_forecasts.holdout_forecasts`.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    try:
        for name, content in panel.to_files(TEST_PANEL).items():
            (folder / name).write_bytes(content)
        (folder / TEST_ORIGINS).write_text(json.dumps(list(origins)))
        forecasts.write_parquet(folder / TEST_FORECASTS)
    except OSError as e:
        raise DataError(
            f"{folder}: the held-out rows cannot be written ({e.strerror}): free space or correct the permissions"
        ) from None


def read_holdout(folder: Path) -> tuple[Panel, range, pl.DataFrame]:
    """Return the panel, the origins and the forecasts that `write_holdout` wrote.

    Parameters
    ----------
    folder : Path
        The folder given to `write_holdout`; FileNotFoundError if it lacks one of the files.

    Returns
    -------
    panel : Panel
        All periods: `series` (key columns) and `sold` (units, shape (n_series, n_periods)).
    origins : range
        Columns of the panel.
    forecasts : DataFrame
        `series` (row of the panel), `origin` and `target` (columns), `available` (share of the period in stock),
        `label` (units sold), `mean` and `p05` ... `p95` (units).

    Examples
    --------
    >>> from ml import champions
    >>> with champions.report_files(champions.champion("demand_forecast")) as folder:  # doctest: +SKIP
    ...     panel, origins, forecasts = read_holdout(folder)
    """
    files = {f"{TEST_PANEL}.{k}": (folder / f"{TEST_PANEL}.{k}").read_bytes() for k in ("json", "npz")}
    origins = json.loads((folder / TEST_ORIGINS).read_text())
    return (
        Panel.from_files(files, TEST_PANEL),
        range(origins[0], origins[-1] + 1),
        pl.read_parquet(folder / TEST_FORECASTS),
    )
