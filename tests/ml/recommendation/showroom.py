"""Four vehicles and three visitors, small enough to compute results by hand."""

from __future__ import annotations

from typing import Any

import polars as pl

from features.aggregations import DAY
from features.engines import to_engine
from ml.recommendation.params import RecommendationParams
from ml.recommendation.training_tables import TrainingTables

PARAMS = RecommendationParams(price_bands=(10.0,), lookback_days=30, half_life_days=1.0, horizon_days=7.0)
VEHICLES = pl.DataFrame(
    {
        "vehicle_id": ["C1", "C2", "U1", "U2"],
        "kind": ["catalogue", "catalogue", "unit", "unit"],
        "condition": ["new", "new", "used", "new"],
        "model": ["A", "B", "A", "A"],
        "body_type": ["suv", "sedan", "suv", "suv"],
        "price": [15_000_000, 8_000_000, 5_000_000, 15_000_000],
        "listed_at": [0, 20 * DAY, 0, 0],
        "store_id": [None, None, "S1", "S1"],
    }
)
EVENTS = pl.DataFrame(
    {
        "customer_id": ["K", "K", "K", "L"],
        "event_at": [10 * DAY, 11 * DAY, 14 * DAY, 40 * DAY],
        "session_id": ["a", "b", "c", "d"],
        "vehicle_id": ["C1", "U1", "C2", "C1"],
        "event_type": ["view", "view", "view", "view"],
        "store_id": ["S1", "S1", "S2", "S9"],
    }
)
CUSTOMERS = pl.DataFrame(
    {
        "customer_id": ["K", "M"],
        "created_at": [0, 30 * DAY],
        "budget_low": [None, None],
        "budget_high": [10_000_000, None],
        "preferred_body_type": ["suv", None],
    },
    schema_overrides={"budget_low": pl.Int64, "budget_high": pl.Int64},
)


def training_tables(**options: Any) -> TrainingTables:
    """Return the training tables."""
    frames = {"events": EVENTS.lazy(), "vehicles": VEHICLES.lazy(), "customers": CUSTOMERS.lazy()}
    return TrainingTables.gather(to_engine(frames), PARAMS, **options)
