"""Series of sales and stock that do not match are counted; if none matches, the mapping is wrong."""

from __future__ import annotations

import polars as pl
import pytest

from features.errors import DataError
from training.studies.panel_stock import unmatched_series


def frame(*series: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame({"store_id": [s for s, _ in series], "model": [m for _, m in series]})


def test_series_without_a_partner_are_counted_in_both_directions():
    sold = frame(("S1", "A"), ("S1", "A"), ("S1", "B"), ("S2", "A"))
    stocked = frame(("S1", "A"), ("S2", "B"), ("S3", "A"))
    assert unmatched_series(sold, stocked, ["store_id", "model"]) == [
        "stock: 2 of 3 series of sales have no stock, such as 'S1' 'B'; "
        "2 of 3 series of stock have no sales, such as 'S2' 'B'"
    ]
    assert unmatched_series(sold, sold, ["store_id", "model"]) == []


def test_stock_of_which_no_series_has_sales_is_an_error_with_examples_of_both():
    with pytest.raises(DataError, match="sales has 'S1' 'A', stock has '1' 'A'; map store_id and model alike"):
        unmatched_series(frame(("S1", "A")), frame(("1", "A")), ["store_id", "model"])
