"""Demand on public data, from rolling origins: nothing later than the origin is used.

Parameters were chosen on the origin four months before the later car hold-out (trees) and by reasoning (point, prior
weights); see the notes beside the assertions for what the same run's naive forecasts reach.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml.demand_forecast import candidates
from ml.demand_forecast.forecaster import DECILES, Forecaster, weighted_quantile_loss
from ml.demand_forecast.panel import Panel, lay_out
from ml.demand_forecast.params import DemandParams

pytestmark = pytest.mark.realdata
DRIVERS = ("search", "comments", "replies")
TREES = {"n_estimators": 600, "bags": 4, "min_data_in_leaf": 150}


def province_sales(folder: Path) -> Panel:
    """60 models in 22 provinces over 24 months, with searches and comments."""
    month = ["model", "regYear", "regMonth"]
    sales, search, replies = (
        pl.read_parquet(folder / "demand_ccf60" / f"train_{n}_data.parquet") for n in ("sales", "search", "user_reply")
    )
    rows = sales.join(search.select("province", *month, "popularity"), on=["province", *month]).join(replies, on=month)
    rows = rows.select(
        "model",
        store_id="province",
        body="bodyType",
        period=(pl.col("regYear").cast(pl.Int64) - 1970) * 12 + pl.col("regMonth") - 1,
        rows=pl.lit(1),
        known=pl.lit(1),
        quantity=pl.col("salesVolume").cast(pl.Float64),
        search=pl.col("popularity").cast(pl.Float64),
        comments=pl.col("carCommentVolum").cast(pl.Float64),
        replies=pl.col("newsReplyVolum").cast(pl.Float64),
    )
    how = {"keys": ["store_id", "model"], "attributes": ["body"], "drivers": DRIVERS, "one_row_each": True}
    return lay_out(rows, None, frequency="month", **how)[0]


def relative_score(forecast: np.ndarray, actual: np.ndarray) -> float:
    """1 - mean over series of RMSE over mean."""
    return float(1 - np.mean(np.sqrt(((forecast - actual) ** 2).mean(axis=1)) / actual.mean(axis=1)))


@pytest.mark.parametrize(("origin", "validation", "bar"), [(20, 4, 0.735), (12, 1, 0.52)])
def test_cars_by_province_four_months_ahead(data_folder: Path, origin: int, validation: int, bar: float) -> None:
    """Measured: 0.737 and 0.535; the mean of four months reaches 0.665 and 0.208, last year 0.494 and 0.409."""
    panel = province_sales(data_folder)
    params = DemandParams(
        attributes=("body",),
        drivers=DRIVERS,
        horizon=4,
        validation_origins=validation,
        candidates=("exponential_smoothing", "theta"),
        weighting="series",
        point="median",
        trees=TREES,
    )
    model = Forecaster(params).fit(panel, until=origin)
    actual = panel.sold[:, origin : origin + 4]
    found = relative_score(model.forecast(panel, origin=origin).point(params.point), actual)
    naive = candidates.naive(model.past(panel.until(origin)), origin, 4)
    print(f"score {found:.4f}", {n: round(relative_score(v, actual), 4) for n, v in naive.items()})
    assert found >= bar


def test_car_parts_twelve_months_ahead(data_folder: Path) -> None:
    """Measured: loss 0.873, RMSE 1.088 (Chronos-2 0.966; the recent mean as every decile far above)."""
    rows = pl.read_parquet(data_folder / "demand_carparts" / "carparts_long.parquet").filter(pl.col("y").is_not_nan())
    year, month = (pl.col("month").str.slice(a, b).cast(pl.Int64) for a, b in ((0, 4), (5, 2)))
    rows = rows.select(
        model="part", period=(year - 1970) * 12 + month - 1, rows=pl.lit(1), known=pl.lit(1), quantity="y"
    )
    panel, _ = lay_out(rows, None, keys=["model"], frequency="month", one_row_each=True)
    params = DemandParams(series=("model",), horizon=12, validation_origins=2, country=None, candidates=("tsb",))
    model = Forecaster(params).fit(panel, until=39)
    told, actual = model.forecast(panel, origin=39), panel.sold[:, 39:51]
    known = np.isfinite(actual)
    deciles = told.quantiles(DECILES)
    loss = weighted_quantile_loss(actual[known], deciles[known], DECILES)
    error = float(np.sqrt(np.mean((actual - told.mean)[known] ** 2)))
    print(f"loss {loss:.4f}, RMSE {error:.4f}")
    assert loss <= 0.93 and error <= 1.15
    assert (deciles >= 0).all() and (np.diff(deciles, axis=-1) >= 0).all()
