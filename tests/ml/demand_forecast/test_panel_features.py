"""Features of the global model, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from ml.demand_forecast.panel import Panel
from ml.demand_forecast.panel_features import LAG, PanelFeatures


def features(sold: list[list[float]], *, available: list[list[float]] | None = None, **options: Any) -> PanelFeatures:
    """Monthly series: stores S0, S1, ... all of brand x but the last, which is of brand y."""
    values = np.array(sold, dtype=np.float64)
    n = len(values)
    series = pl.DataFrame({"store_id": [f"S{i}" for i in range(n)], "brand": ["x"] * (n - 1) + ["y"]})
    in_stock = np.ones(values.shape) if available is None else np.array(available)
    price = np.full(values.shape, 100.0)
    panel = Panel(series, ("store_id",), "month", 600, values, in_stock, {"price": price})
    return PanelFeatures(panel, (("brand",), ()), country=None, **options)


THREE = features([[2.0, 4.0, 6.0], [np.nan, 8.0, 10.0], [1.0, 1.0, 1.0]])


def test_the_pseudocount_is_a_fifth_of_a_unit_or_a_hundredth_of_the_mean() -> None:
    assert THREE.pseudocount == 0.2
    assert features([[0.5, 1.5], [1.0, 1.0]]).pseudocount == pytest.approx(0.01)


def test_demand_equals_sales_in_stock_and_exceeds_them_without() -> None:
    np.testing.assert_allclose(THREE.demand[0], [2.0, 4.0, 6.0])
    empty = [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    sold = [[4.0, 4.0, 0.0], [4.0, 4.0, 4.0]]
    assert features(sold, available=empty).demand[0, 2] > 1.0
    assert features(sold, available=empty, uncensor=False).demand[0, 2] == 0.0


def test_a_group_adds_its_living_series() -> None:
    (brand, of_brand, _), (everything, total, lags) = THREE.group_lags
    assert brand.tolist() == [0, 0, 1] and everything.tolist() == [0, 0, 0]
    np.testing.assert_allclose(of_brand, [[2.0, 12.0, 16.0], [1.0, 1.0, 1.0]])
    np.testing.assert_allclose(total, [[3.0, 13.0, 17.0]])
    assert lags[0, 2, LAG["lag1"]] == 13.0 and np.isnan(lags[0, 0, LAG["lag1"]])


def test_the_baseline_of_a_young_series_is_shrunk_to_its_group_mean() -> None:
    # S1 begins in column 1. Before it, the only other series of its brand sold 2; plus the pseudocount.
    assert THREE.baseline[1, 1] == pytest.approx(2.0 + 0.2)
    # One month of 8; the brand's two series sold 7 per month on average (2, then 12).
    assert THREE.baseline[1, 2] == pytest.approx((1 * 8 + 7 / 2) / 2 + 0.2)
    # No sales of any series before the first month.
    assert THREE.baseline[0, 0] == pytest.approx(0.2 + 0.2)


def columns(panel_features: PanelFeatures, s: int, t: int, h: int, **changed: Any) -> dict[str, float]:
    row = panel_features.table(np.array([s]), np.array([t]), np.array([h]), **changed)
    assert row.shape == (1, len(panel_features.names)) and row.dtype == np.float32
    return dict(zip(panel_features.names, row[0].tolist(), strict=True))


def test_a_row_of_the_table_by_its_names() -> None:
    row = columns(THREE, 0, 3, 2)
    baseline = THREE.baseline[0, 3]
    assert row["lag1"] == pytest.approx(np.log((6 + 0.2) / baseline))
    assert row["short"] == pytest.approx(np.log((4 + 0.2) / baseline))
    assert (row["age"], row["share_with_demand"], row["since_demand"], row["horizon"]) == (3, 1, 1, 2)
    assert (row["price_then"], row["price_change"]) == (100.0, 0.0)
    assert row["is_brand"] == 0 and columns(THREE, 2, 3, 1)["is_brand"] == 1
    assert np.isnan(row["same_season"])


def test_a_what_if_price_replaces_the_future_price() -> None:
    row = columns(THREE, 0, 3, 1, changed={"price": np.array([90.0])})
    assert (row["price_then"], row["price_change"]) == (90.0, -10.0)


def test_a_month_without_a_sale_counts_from_the_last_one() -> None:
    idle = features([[3.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    row = columns(idle, 0, 4, 1)
    assert row["since_demand"] == 4 and row["share_with_demand"] == 0.25


def test_codes_of_attributes_are_those_of_training() -> None:
    trained = features([[1.0, 1.0], [1.0, 1.0]], categories={"brand": ["y", "z"]})
    assert columns(trained, 0, 2, 1)["is_brand"] == -1 and columns(trained, 1, 2, 1)["is_brand"] == 0
    assert [trained.names[i] for i in trained.categorical] == ["is_brand"]


def test_features_do_not_change_with_later_sales() -> None:
    later = features([[2.0, 4.0, 99.0], [np.nan, 8.0, 99.0], [1.0, 1.0, 99.0]])
    for s in range(3):
        assert columns(later, s, 2, 1) == pytest.approx(columns(THREE, s, 2, 1), nan_ok=True)
