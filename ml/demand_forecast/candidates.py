"""Univariate forecasts to combine with the trees: naive ones, and classical ones by statsforecast."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.demand_forecast.lags import WINDOWS
from ml.demand_forecast.panel_features import LAG, PanelFeatures
from ml.demand_forecast.params import STATISTICAL
from ml.domain.arrays import FloatArray

NAIVE = ("moving_average", "same_season", "pooled_season")
SEASONAL = ("same_season", "pooled_season")


def naive(features: PanelFeatures, origin: int, horizon: int) -> dict[str, FloatArray]:
    """Return the naive forecasts by name.

    `moving_average` is the mean of the short window. `same_season` is demand one season before, times the growth of
    all series together over a season. `pooled_season` is the series' share of total demand times the total of one
    season before, with the same growth.

    Parameters
    ----------
    features : PanelFeatures
        `ml.demand_forecast.panel_features.PanelFeatures(panel, params.groups)`; the last grouping holds all series.
    origin : int
        Column of the first period to forecast, at most `features.panel.periods`; only earlier columns are used.
    horizon : int
        Periods to forecast.

    Returns
    -------
    dict of str to ndarray of shape (n_series, horizon)
        Keys `NAIVE`, units per period, series in the order of the panel; NaN where the season before is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.demand_forecast.panel import Panel
    >>> from ml.demand_forecast.panel_features import PanelFeatures
    >>> sold = np.array([[4.0, 6, 5, 5, 6]])
    >>> panel = Panel(pl.DataFrame({"model": ["a"]}), keys=("model",), frequency="month", first=672,
    ...     sold=sold, available=np.ones_like(sold))
    >>> naive(PanelFeatures(panel, groups=((),)), 5, 2)["moving_average"].tolist()
    [[5.5, 5.5]]
    """
    p = features.panel
    h = np.arange(1, horizon + 1)
    back = origin + h - 1 - (-(-h // p.season)) * p.season
    s = np.arange(len(p.sold))[:, None]
    recent = features.series_lags[:, origin, LAG["short"]].astype(np.float64)
    forecasts = {"moving_average": np.repeat(recent[:, None], horizon, axis=1)}
    total = features.group_lags[-1][1][0]
    window = WINDOWS[p.frequency][1]
    latest = total[max(0, origin - WINDOWS[p.frequency][0]) : origin]
    season_before = total[max(0, origin - len(latest) - p.season) : max(0, origin - p.season)]
    has_growth = len(season_before) == len(latest) > 0 and season_before.sum() > 0
    growth = latest.sum() / season_before.sum() if has_growth else 1.0
    observed = (back[None, :] >= p.begin[:, None]) & (back >= 0)[None, :]
    same = np.where(observed, features.demand[s, np.maximum(back, 0)[None, :]], np.nan) * growth
    seasonal_total = np.where(back >= 0, total[np.maximum(back, 0)], np.nan) * growth
    series_mean = features.series_lags[:, origin, LAG["middle"]].astype(np.float64)
    total_mean = total[max(0, origin - window) : origin].mean() if origin else np.nan
    forecasts["same_season"] = same
    forecasts["pooled_season"] = series_mean[:, None] / max(total_mean, 1e-12) * seasonal_total[None, :]
    return forecasts


def statistical(
    features: PanelFeatures,
    origin: int,
    horizon: int,
    names: Collection[str],
    *,
    rows: NDArray[np.intp] | None = None,
) -> dict[str, FloatArray]:
    """Return forecasts of statsforecast's models, each series fitted by itself.

    Parameters
    ----------
    features : PanelFeatures
        `ml.demand_forecast.panel_features.PanelFeatures(panel, params.groups)`; `demand` is forecast.
    origin : int
        Column of the first period to forecast, at most `features.panel.periods`; only earlier columns are used.
    horizon : int
        Periods to forecast.
    names : collection of str
        exponential_smoothing, theta, croston, tsb, adida, auto_ets or auto_arima; KeyError for another name.
    rows : ndarray of int, optional
        Rows of the panel to fit; all if omitted.

    Returns
    -------
    dict of str to ndarray of shape (n_series, horizon)
        By name, units per period, not below 0; NaN for other rows and for series with fewer than four periods.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.demand_forecast.panel import Panel
    >>> from ml.demand_forecast.panel_features import PanelFeatures
    >>> sold = np.array([[4.0, 6, 5, 5, 6]])
    >>> panel = Panel(pl.DataFrame({"model": ["a"]}), keys=("model",), frequency="month", first=672,
    ...     sold=sold, available=np.ones_like(sold))
    >>> statistical(PanelFeatures(panel, groups=((),)), 5, 2, ["theta"])["theta"].round(1).tolist()
    [[5.7, 5.9]]
    """
    from statsforecast import models as sf

    p = features.panel
    models: dict[str, Any] = {
        "exponential_smoothing": lambda: sf.SimpleExponentialSmoothingOptimized(),
        "theta": lambda: sf.Theta(season_length=1),
        "croston": lambda: sf.CrostonSBA(),
        "tsb": lambda: sf.TSB(alpha_d=0.2, alpha_p=0.2),
        "adida": lambda: sf.ADIDA(),
        "auto_ets": lambda: sf.AutoETS(season_length=p.season),
        "auto_arima": lambda: sf.AutoARIMA(season_length=p.season),
    }
    forecasts = {name: np.full((len(p.sold), horizon), np.nan) for name in names}
    if not names:
        return forecasts
    for s in np.arange(len(p.sold)) if rows is None else rows:
        y = features.demand[s, p.begin[s] : origin]
        if len(y) < 4:
            continue
        for name in names:
            mean = np.asarray(models[name]().forecast(y=y, h=horizon)["mean"], dtype=np.float64)
            forecasts[name][s] = np.maximum(np.nan_to_num(mean, nan=float(y.mean())), 0.0)
    return forecasts


def candidate_forecasts(
    features: PanelFeatures,
    origin: int,
    horizon: int,
    names: Sequence[str],
    *,
    rows: NDArray[np.intp] | None = None,
) -> dict[str, FloatArray]:
    """Return the naive and classical forecasts of `names`; missing values are filled with the series' baseline.

    Parameters
    ----------
    features : PanelFeatures
        `ml.demand_forecast.panel_features.PanelFeatures(panel, params.groups)`; the last grouping holds all series.
    origin : int
        Column of the first period to forecast, at most `features.panel.periods`; only earlier columns are used.
    horizon : int
        Number of periods to forecast.
    names : sequence of str
        moving_average, same_season, pooled_season (naive), exponential_smoothing, theta, croston, tsb, adida, auto_ets
        or auto_arima.
    rows : ndarray of int, optional
        Rows of the panel to which the classical models are fitted; all if omitted.

    Returns
    -------
    dict of str to ndarray of shape (n_series, horizon)
        By name, finite, units per period; the baseline for series that are not in `rows`.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.demand_forecast.panel import Panel
    >>> from ml.demand_forecast.panel_features import PanelFeatures
    >>> sold = np.array([[4.0, 6, 5, 5, 6]])
    >>> panel = Panel(pl.DataFrame({"model": ["a"]}), keys=("model",), frequency="month", first=672,
    ...     sold=sold, available=np.ones_like(sold))
    >>> forecasts = candidate_forecasts(PanelFeatures(panel, groups=((),)), 5, 2, ["moving_average", "theta"])
    >>> {name: values.round(1).tolist() for name, values in forecasts.items()}
    {'moving_average': [[5.5, 5.5]], 'theta': [[5.7, 5.9]]}
    """
    forecasts = {n: v for n, v in naive(features, origin, horizon).items() if n in names}
    classical = [n for n in names if n in STATISTICAL]
    forecasts |= statistical(features, origin, horizon, classical, rows=rows)
    baseline = features.baseline[:, origin][:, None] - features.pseudocount
    return {n: np.where(np.isfinite(v), v, baseline) for n, v in forecasts.items()}
