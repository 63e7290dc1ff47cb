"""Mean cost of a fault: lines of a visit add up, comebacks add up, counted claims are divided."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from ml.fault_rate.fault_costs import mean_fault_costs


def test_the_lines_of_a_fault_add_up() -> None:
    records = pl.DataFrame(
        {
            "vehicle_id": ["V", "V", "V", "W", "W", None, None],
            "serviced_at": [10 * DAY, 10 * DAY + 1, 12 * DAY, 10 * DAY, 10 * DAY, 10 * DAY, 11 * DAY],
            "component": ["brakes", None, "brakes", "pump", "pump", "pump", "pump"],
            "fault": [True, False, True, True, True, True, True],
            "count": [None, None, None, None, None, 4, 0],
            "cost": [30_000, 20_000, 10_000, 5_000, 5_000, 90_000, None],
        }
    )
    # Brakes: one fault of V on two visits, 500 + 100 yuan. Pump: W's 100 yuan, and 900 yuan for four claims.
    assert mean_fault_costs(records) == {"brakes": 600.0, "pump": 200.0}
    assert mean_fault_costs(records, comeback_days=0) == {"brakes": 300.0, "pump": 200.0}


def test_no_cost_is_no_figure() -> None:
    records = pl.DataFrame({"serviced_at": [0], "component": ["pump"], "fault": [True]})
    assert mean_fault_costs(records) == {}
    assert mean_fault_costs(records.with_columns(cost=pl.lit(None, dtype=pl.Int64))) == {}
