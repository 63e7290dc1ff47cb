"""Orders by the last sales and by mean plus safety stock, by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from ml.demand_forecast.order_practices import practice_orders
from ml.demand_forecast.panel import Panel

ROWS = np.array([0, 1])


def estimator(frequency: Any = "month", first: int = 600) -> Any:
    """Two series; the first sold 3 and 5 in its last periods, the second 2 and none (a period without a row)."""
    sold = np.array([[4.0] * 10 + [3.0, 5.0], [2.0] * 11 + [np.nan]])
    series = pl.DataFrame({"model": ["a", "b"]})
    panel = Panel(series, ("model",), frequency, first, sold, np.ones_like(sold))
    return SimpleNamespace(panel=panel, features=SimpleNamespace(demand=np.nan_to_num(sold)))


def orders(model: Any, *, days: float, position: tuple[float, float] = (0.0, 0.0), ratio: float = 0.5) -> Any:
    return practice_orders(
        model, ROWS, np.array(position), ratio=np.full(2, ratio), protection=2.0, days=days
    )  # fmt: skip


def test_the_last_sales_cover_the_review_period() -> None:
    month = orders(estimator(), days=14)
    assert (month.orders["last_sales"].tolist(), month.last_periods) == ([5.0, 0.0], 1)
    assert orders(estimator(), days=31).last_periods == 1 and orders(estimator(), days=32).last_periods == 2
    week = orders(estimator("week", first=2_600), days=14)
    assert (week.orders["last_sales"].tolist(), week.last_periods) == ([8.0, 2.0], 2)
    assert orders(estimator("week", first=2_600), days=700).last_periods == 12  # no more than the history has


def test_mean_plus_safety_stock_less_the_stock() -> None:
    # Means of 4 and 22 / 12 over a year, for two periods; a probability of one half needs no safety stock.
    half = orders(estimator(), days=14, position=(3.0, 9.0))
    assert half.orders["safety_stock"].tolist() == [5.0, 0.0] and half.orders["no_orders"].tolist() == [0.0, 0.0]
    safe = orders(estimator(), days=14, ratio=0.975)
    deviation = np.std([4.0] * 10 + [3.0, 5.0])
    assert safe.orders["safety_stock"][0] == np.ceil(8 + 1.96 * deviation * np.sqrt(2)) == pytest.approx(10)
