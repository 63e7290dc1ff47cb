"""Outlying sales of a series: reported, never altered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.demand_forecast.panel import Panel

WINDOW = 6  # periods on either side
MIN_NEIGHBOURS = 6  # observed neighbours needed to judge a period
MIN_DISTANCE = 6.0  # robust standard deviations from the neighbours' median
MIN_UNITS = 3.0  # and at least so many units, so that small counts are not outliers


@dataclass(frozen=True)
class Outlier:
    """One outlying period of one series, as returned by `outliers`.

    Attributes
    ----------
    series, column : int
        Row and column in the panel.
    sold : float
        Units sold in the period.
    expected : float
        Median of the neighbouring periods, units.
    distance : float
        Distance from the median in robust standard deviations of the square root of sales.
    """

    series: int
    column: int
    sold: float
    expected: float
    distance: float


def outliers(panel: Panel) -> list[Outlier]:
    """Return the periods whose sales are far from the median of their neighbours, the furthest first.

    Neighbours are the six periods on either side and the same period one season before and after. Distances are
    measured on square roots, whose variance does not depend on the mean for counts, in units of the series' median
    absolute deviation (times 1.4826, at least half a unit).

    Parameters
    ----------
    panel : Panel
        As returned by `ml.demand_forecast.panel.build_panel`.

    Returns
    -------
    list of Outlier
        Row and column of the panel, units sold, and the neighbours' median in units; empty if there are none.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.demand_forecast.panel import Panel
    >>> sold = np.array([[4.0, 5, 4, 5, 4, 60, 5, 4, 5, 4, 5, 4]])
    >>> panel = Panel(pl.DataFrame({"model": ["a"]}), keys=("model",), frequency="month", first=0,
    ...     sold=sold, available=np.ones_like(sold))
    >>> [(o.column, o.sold, o.expected) for o in outliers(panel)]
    [(5, 60.0, 4.0)]
    """
    root = np.sqrt(panel.sold)
    n, periods = root.shape
    offsets = [k for k in range(-WINDOW, WINDOW + 1) if k] + [-panel.season, panel.season]
    shifted = np.full((len(offsets), n, periods), np.nan, dtype=np.float32)
    for i, k in enumerate(offsets):
        a, b = max(0, k), min(periods, periods + k)
        if a < b:
            shifted[i, :, a - k : b - k] = root[:, a:b]
    has_neighbours = np.isfinite(shifted).sum(axis=0) >= MIN_NEIGHBOURS
    expected = np.full((n, periods), np.nan)
    expected[has_neighbours] = np.nanmedian(shifted[:, has_neighbours], axis=0)
    deviation = np.abs(root - expected)
    spread = np.full(n, 0.5)
    has_deviation = np.isfinite(deviation).any(axis=1)
    spread[has_deviation] = np.maximum(0.5, 1.4826 * np.nanmedian(deviation[has_deviation], axis=1))
    distance = deviation / spread[:, None]
    units = np.abs(panel.sold - expected**2)
    minimum = np.full((n, periods), MIN_UNITS) if panel.is_count else 0.5 * np.nan_to_num(expected**2)
    s, t = np.nonzero(np.nan_to_num(distance) > MIN_DISTANCE)
    candidates = [
        Outlier(int(i), int(j), float(panel.sold[i, j]), float(expected[i, j] ** 2), float(distance[i, j]))
        for i, j in zip(s, t, strict=True)
        if units[i, j] >= minimum[i, j]
    ]
    return sorted(candidates, key=lambda o: -o.distance)
