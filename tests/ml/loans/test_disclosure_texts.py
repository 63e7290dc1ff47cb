"""Amounts, rates, dates and day counts as they are printed."""

from __future__ import annotations

from datetime import date

from ml.domain.loans.calendar import DENOMINATORS
from ml.loans.disclosure_texts import DAY_COUNTS, amount, basis_points, day_text, money, percent, yearly


def test_amounts() -> None:
    assert (amount(5), amount(123_456_789)) == ("0.05", "1,234,567.89")
    assert (money(5).zh, money(5).en) == ("0.05 元", "¥0.05")


def test_rates() -> None:
    assert (percent(0.1), percent(0.123456), percent(0.0)) == ("10.00%", "12.3456%", "0.00%")
    assert (yearly(0.120651), yearly(0.0), basis_points(0.120651)) == ("12.07%", "0.00%", 1207)


def test_dates_are_written_out() -> None:
    assert (day_text(date(2028, 2, 29)).zh, day_text(date(2028, 2, 29)).en) == ("2028 年 2 月 29 日", "29 Feb. 2028")


def test_every_day_count_has_words() -> None:
    assert set(DAY_COUNTS) == set(DENOMINATORS)
