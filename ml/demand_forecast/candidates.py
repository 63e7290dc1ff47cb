"""Forecasts without learning across series: naive ones of our own, and classical ones by statsforecast."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.demand_forecast.lags import WINDOWS
from ml.demand_forecast.params import STATISTICAL
from ml.demand_forecast.past import LAG, Past
from ml.domain.arrays import FloatArray

NAIVE = ("moving_average", "same_season", "pooled_season")
SEASONAL = ("same_season", "pooled_season")


def naive(past: Past, origin: int, horizon: int) -> dict[str, FloatArray]:
    """Recent mean, the same season before, and a share of everything's same season before; NaN where not known.

    Shape (n_series, horizon) each. Seasons before are scaled by how everything has grown over a season.
    """
    p = past.panel
    h = np.arange(1, horizon + 1)
    back = origin + h - 1 - (-(-h // p.season)) * p.season
    s = np.arange(len(p.sold))[:, None]
    recent = past.own[:, origin, LAG["short"]].astype(np.float64)
    found = {"moving_average": np.repeat(recent[:, None], horizon, axis=1)}
    everything = past.of_groups[-1][1][0]
    window = WINDOWS[p.frequency][1]
    now = everything[max(0, origin - WINDOWS[p.frequency][0]) : origin]
    before = everything[max(0, origin - len(now) - p.season) : max(0, origin - p.season)]
    growth = now.sum() / before.sum() if len(before) == len(now) > 0 and before.sum() > 0 else 1.0
    known = (back[None, :] >= p.begin[:, None]) & (back >= 0)[None, :]
    same = np.where(known, past.demand[s, np.maximum(back, 0)[None, :]], np.nan) * growth
    total = np.where(back >= 0, everything[np.maximum(back, 0)], np.nan) * growth
    mine = past.own[:, origin, LAG["middle"]].astype(np.float64)
    of_all = everything[max(0, origin - window) : origin].mean() if origin else np.nan
    found["same_season"] = same
    found["pooled_season"] = mine[:, None] / max(of_all, 1e-12) * total[None, :]
    return found


def statistical(
    past: Past, origin: int, horizon: int, names: Collection[str], *, rows: NDArray[np.intp] | None = None
) -> dict[str, FloatArray]:
    """Classical forecasts of each series by itself; NaN for those too short (fewer than four periods)."""
    from statsforecast import models as sf

    p = past.panel
    makers: dict[str, Any] = {
        "exponential_smoothing": lambda: sf.SimpleExponentialSmoothingOptimized(),
        "theta": lambda: sf.Theta(season_length=1),
        "croston": lambda: sf.CrostonSBA(),
        "tsb": lambda: sf.TSB(alpha_d=0.2, alpha_p=0.2),
        "adida": lambda: sf.ADIDA(),
        "auto_ets": lambda: sf.AutoETS(season_length=p.season),
        "auto_arima": lambda: sf.AutoARIMA(season_length=p.season),
    }
    found = {name: np.full((len(p.sold), horizon), np.nan) for name in names}
    if not names:
        return found
    for s in np.arange(len(p.sold)) if rows is None else rows:
        y = past.demand[s, p.begin[s] : origin]
        if len(y) < 4:
            continue
        for name in names:
            told = makers[name]().forecast(y=y, h=horizon)["mean"]
            found[name][s] = np.maximum(np.nan_to_num(np.asarray(told, dtype=np.float64), nan=float(y.mean())), 0.0)
    return found


def every(
    past: Past, origin: int, horizon: int, names: Sequence[str], *, rows: NDArray[np.intp] | None = None
) -> dict[str, FloatArray]:
    """Those candidates of the given names; where one does not know, the level stands."""
    found = {n: v for n, v in naive(past, origin, horizon).items() if n in names}
    found |= statistical(past, origin, horizon, [n for n in names if n in STATISTICAL], rows=rows)
    level = past.level[:, origin][:, None] - past.unit
    return {n: np.where(np.isfinite(v), v, level) for n, v in found.items()}
