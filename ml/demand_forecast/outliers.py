"""Outcomes out of line with their own series: shown to people, never altered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.demand_forecast.panel import Panel

WINDOW = 6  # periods on either side
FEWEST = 6  # known neighbours that are needed
FAR = 6.0  # robust standard deviations
LEAST = 3.0  # units, or shares of a series' median, that an outlier must be off


@dataclass(frozen=True)
class Outlier:
    """One outcome.

    Attributes
    ----------
    series, column : int
        Where it stands in the panel.
    expected : float
        Median of its neighbours.
    distance : float
        In robust standard deviations of the root of demand.
    """

    series: int
    column: int
    sold: float
    expected: float
    distance: float


def outliers(panel: Panel) -> list[Outlier]:
    """Outcomes far from the median of their neighbours and of the seasons before and after; the furthest first.

    Roots of counts vary alike at any level, so distances are measured on them, against the spread of the series (its
    median absolute deviation) or half a unit, whichever is more.

    Examples
    --------
    >>> import polars as pl
    >>> sold = np.array([[4.0, 5, 4, 5, 4, 60, 5, 4, 5, 4, 5, 4]])
    >>> found = outliers(Panel(pl.DataFrame({"model": ["a"]}), ("model",), "month", 0, sold, np.ones_like(sold)))
    >>> [(o.column, o.sold, o.expected) for o in found]
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
    enough = np.isfinite(shifted).sum(axis=0) >= FEWEST
    expected = np.full((n, periods), np.nan)
    expected[enough] = np.nanmedian(shifted[:, enough], axis=0)
    off = np.abs(root - expected)
    spread = np.full(n, 0.5)
    some = np.isfinite(off).any(axis=1)
    spread[some] = np.maximum(0.5, 1.4826 * np.nanmedian(off[some], axis=1))
    distance = off / spread[:, None]
    units = np.abs(panel.sold - expected**2)
    size = np.full((n, periods), LEAST) if panel.whole else 0.5 * np.nan_to_num(expected**2)
    s, t = np.nonzero(np.nan_to_num(distance) > FAR)
    found = [
        Outlier(int(i), int(j), float(panel.sold[i, j]), float(expected[i, j] ** 2), float(distance[i, j]))
        for i, j in zip(s, t, strict=True)
        if units[i, j] >= size[i, j]
    ]
    return sorted(found, key=lambda o: -o.distance)
