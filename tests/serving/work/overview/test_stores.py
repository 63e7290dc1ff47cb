"""Stores ranked by their distance from what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.work.overview.key_figures import Scope
from serving.work.overview.periods import period_named
from serving.work.overview.stores import StoreTable, store_figures
from tests.serving.work.overview.dealership import LEADS, SALES, at, context, records
from tests.serving.work.overview.forecasts import champion, use_reports, write_holdout


@pytest.fixture(autouse=True)
def _reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_holdout(tmp_path)
    use_reports(monkeypatch, tmp_path)


def table(period: str = "2026-03", stores: frozenset[str] | None = None, tables: Any = None) -> StoreTable:
    """Return the stores of a period."""
    work = context(tables, {"demand_forecast": champion()})
    return store_figures(Scope(work, stores), period_named(period, work.clock.local()))


def test_the_store_that_is_the_furthest_in_standard_deviations_is_first() -> None:
    """S2 sold 0 of 2 (1.41 deviations), S1 2 of 4 (1 deviation)."""
    result = table()
    assert [(s.store_id, s.sold_of_expected, s.deviation) for s in result.items] == [("S2", 0, -1.0), ("S1", 2, -0.5)]
    assert [s.verdict for s in result.items] == ["inside", "inside"]
    assert (result.outside, result.problem) == (0, None)
    assert result.compared is not None and str(result.compared.last) == "2026-03-31"
    assert result.expectation is not None and "version 5" in result.expectation.en


def test_sales_outside_the_interval_are_the_first_remark() -> None:
    """Twenty sold where four were expected."""
    sales = [{**SALES[0], "sale_id": f"N{i}"} for i in range(20)]
    first = table(tables=records(sales=sales)).items[0]
    assert (first.store_id, first.verdict) == ("S1", "above")
    assert [r.code for r in first.remarks] == ["sales_high", "stock_low"]
    assert "20 sold, above the expected 0 to 8" in first.remarks[0].text.en


def test_a_difference_that_chance_explains_is_no_remark_and_a_group_of_one_store_is_not_compared_with_itself() -> None:
    """None of a hundred leads buys in S2, and half do in S1."""
    leads = [{**LEADS[3], "lead_id": f"L{i}", "store_id": "S2"} for i in range(100)]
    leads += [{**LEADS[0], "lead_id": f"M{i}", "converted_at": at("2026-02-11 09:00")} for i in range(100)]
    codes = {s.store_id: [r.code for r in s.remarks] for s in table(tables=records(leads=leads)).items}
    assert "conversion_low" in codes["S2"] and "conversion_low" not in codes["S1"]
    only = table(stores=frozenset({"S2"}), tables=records(leads=leads)).items
    assert [(s.store_id, s.remarks) for s in only] == [("S2", [])]


def test_a_period_without_a_forecast_month_says_so_and_lists_the_stores() -> None:
    """By name."""
    result = table("2025-12")
    assert [s.store_id for s in result.items] == ["S1", "S2"]
    assert result.problem is not None and "forecast no whole month" in result.problem.en


def test_a_thousand_stores_and_a_strange_name() -> None:
    """A name is data."""
    sales = [{**SALES[0], "sale_id": f"N{i}", "store_id": f"S{i}<b>'\"&"} for i in range(1000)]
    result = table(tables=records(sales=sales, leads=[], vehicles=[], applications=[]))
    assert len(result.items) == 1000
    assert result.items[0].remarks == [] or "%3Cb%3E" in result.items[0].remarks[0].link
