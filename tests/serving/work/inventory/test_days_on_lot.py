"""Days until the sale, with cars that are still for sale."""

from __future__ import annotations

import numpy as np
import polars as pl

from serving.work.clock import DAY
from serving.work.inventory.days_on_lot import DaysOnLot, days_on_lot


def test_cars_that_still_stand_lengthen_the_estimate() -> None:
    """Two sold after 10 and 20 days, two still stand after 30: half are gone after 20 days, and none after 30."""
    lot = DaysOnLot(np.array([10.0, 20.0, 30.0, 30.0]), np.array([True, True, False, False]))
    assert lot.remaining(0) == 20 and lot.remaining(20) is None
    assert DaysOnLot(np.array([5.0]), np.array([False])).remaining(0) is None


def test_rounding_does_not_shift_the_median() -> None:
    """Half of 4,000 cars are sold after 2,000 days."""
    days = np.arange(1.0, 4_001.0)
    assert DaysOnLot(days, np.ones(4_000, dtype=bool)).remaining(0) == 2_000


def test_the_pace_of_a_store_is_of_the_last_year() -> None:
    """Older sales and withdrawn cars do not count."""
    rows = {
        "condition": ["used"] * 4, "kind": ["unit"] * 4, "store_id": ["a"] * 4, "listed_at": [0, 380 * DAY, 0, 0],
        "sold_at": [20 * DAY, 390 * DAY, None, None], "withdrawn_at": [None, None, 30 * DAY, None],
    }  # fmt: skip
    _, paces, longest = days_on_lot(pl.DataFrame(rows), 400 * DAY)
    assert [(p.store_id, p.sold, p.median_days) for p in paces] == [("a", 1, 10.0)] and longest == 10
