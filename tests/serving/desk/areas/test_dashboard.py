"""The dashboard."""

from __future__ import annotations

import io
import re
from pathlib import Path

import polars as pl
import pytest

from serving.desk.areas import dashboard
from tests.serving.desk.areas.overview_desk import Pages, rows_of, words
from tests.serving.work.overview.dealership import SALES, records
from tests.serving.work.overview.forecasts import champion, use_reports, write_holdout


@pytest.fixture(autouse=True)
def _reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_holdout(tmp_path)
    use_reports(monkeypatch, tmp_path)


def pages(**tables: list[dict[str, object]]) -> Pages:
    """Return the pages of two stores with a demand champion."""
    return Pages(records(**tables), {"demand_forecast": champion()})


def test_the_heading_says_what_was_sold_and_how_many_stores_are_off_their_forecast() -> None:
    """In the last thirty days, and in March."""
    page = words(pages().get("/desk/dashboard"))
    assert "<h1>Last 30 days: 2 vehicles sold, about as many as before; all 2 stores are within their forecast" in page
    page = words(pages().get("/desk/dashboard?period=2026-03", "zh"))
    assert "<h1>2026 年 3 月售出 2 辆，与上期相当；2 家门店都在预期区间内" in page


def test_every_tile_has_its_definition_interval_and_the_period_before() -> None:
    """Eight figures; each definition opens without script."""
    page = words(pages().get("/desk/dashboard"))
    assert page.count('<details class="define') >= len(dashboard.TILES)
    assert "Share of leads sold within 30 days of their creation" in page
    assert "1 before, within chance" in page
    assert re.search(r"95% interval \d+–\d+%", page)


def test_without_a_champion_the_stores_are_listed_and_the_remedy_is_named() -> None:
    """And the heading says nothing about a forecast."""
    page = words(Pages(records()).get("/desk/dashboard"))
    assert "run chehang train demand_forecast" in page and ">S1</a>" in page
    assert "forecast</h1>" not in page


def test_a_thousand_stores_are_paged_and_a_name_is_only_text() -> None:
    """Fifty a page; the address of a page can be sent."""
    sales = [{**SALES[0], "sale_id": f"N{i}", "store_id": f"S{i:04}<b>'\"&"} for i in range(1000)]
    response = pages(sales=sales, leads=[], vehicles=[], applications=[]).get("/desk/dashboard?page=20&sort=store_id")
    assert "951–1,000 of 1,000" in words(response)
    assert "S0999&lt;b&gt;" in response.text and "<b>'" not in response.text


def test_the_table_is_exported_with_its_numbers_in_cells_of_their_own() -> None:
    """CSV and Excel; the furthest store is first."""
    answer = pages().get("/desk/dashboard?period=2026-03&export=csv")
    assert rows_of(answer) == ["S2", "S1"]
    assert answer.headers["content-disposition"] == 'attachment; filename="stores.csv"'
    heading = answer.content.decode("utf-8-sig").splitlines()[0]
    assert heading.startswith("Store,Region,") and "Forecast, vehicles" in heading
    table = pl.read_excel(io.BytesIO(pages().get("/desk/dashboard?period=2026-03&export=xlsx", "zh").content))
    assert table.columns[0] == "门店" and table.height == 2


@pytest.mark.parametrize("period", ["2026-04", "7d", "x"])
def test_a_period_that_is_not_over_is_an_error_page(period: str) -> None:
    """With the rule of the endpoint."""
    assert pages().get(f"/desk/dashboard?period={period}").status_code == 422
