"""Dates as people write them."""

from __future__ import annotations

from datetime import date

import polars as pl

from ml.dates import date_column, date_text


def test_dates_have_no_leading_zeros_and_both_languages() -> None:
    text = date_text(date(2025, 11, 30))
    assert (text.zh, text.en) == ("2025年11月30日", "30 November 2025")
    days = pl.DataFrame({"day": [date(2024, 3, 5), None]})
    assert days.select(date_column("day", "zh")).to_series().to_list() == ["2024年3月5日", None]
