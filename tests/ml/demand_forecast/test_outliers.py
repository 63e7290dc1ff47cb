"""Outlying outcomes are reported and not changed."""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.demand_forecast.outliers import outliers
from ml.demand_forecast.panel import Panel


def panel(*series: list[float]) -> Panel:
    sold = np.array(series, dtype=float)
    names = pl.DataFrame({"model": [f"m{i}" for i in range(len(sold))]})
    return Panel(names, ("model",), "month", 0, sold, np.ones_like(sold))


def test_the_furthest_comes_first_and_the_panel_does_not_change() -> None:
    quiet = [9.0, 10.0, 11.0, 10.0] * 5
    one, other = list(quiet), list(quiet)
    one[7], other[12] = 60.0, 200.0
    sales = panel(quiet, one, other)
    before = sales.sold.copy()
    assert [(o.series, o.column, o.sold) for o in outliers(sales)] == [(2, 12, 200.0), (1, 7, 60.0)]
    assert np.array_equal(sales.sold, before)


def test_two_units_in_a_series_of_zeros_and_a_yearly_peak_are_no_outliers() -> None:
    rare = [0.0] * 20
    rare[10] = 2.0
    peaks = [50.0 if month % 12 == 0 else 10.0 for month in range(48)]
    assert outliers(panel(rare)) == [] and outliers(panel([1.0, 9.0])) == []
    assert not {o.column for o in outliers(panel(peaks))} - set(range(0, 48, 12))
