"""Filters, order, pages and addresses of a table."""

from __future__ import annotations

from typing import Any

import pytest

from serving.desk.tables.columns import Choice, TableColumn
from serving.desk.tables.view import TableView

COLUMNS = (
    TableColumn("name", "parts.table.all", is_title=True, second="remark", link="/desk/cars/{name}"),
    TableColumn("price", "parts.table.all", "money", unit="parts.yuan", filter="range"),
    TableColumn("share", "parts.table.all", "percent", filter="range"),
    TableColumn("day", "parts.table.all", "date", filter="range"),
    TableColumn("state", "parts.table.all", "state", states={"a": Choice("A"), "b": Choice("B")}, filter="choice"),
    TableColumn("store", "parts.table.all", filter="choice"),
)
ROWS: list[dict[str, Any]] = [
    {"name": "甲", "price": 3.0, "share": 0.05, "day": "2025-06-01", "state": "a", "store": "北", "remark": "red"},
    {"name": "乙", "price": None, "share": 0.10, "day": "2025-06-02", "state": "b", "store": "南", "remark": None},
    {"name": "丙", "price": 1.0, "share": None, "day": None, "state": "b", "store": "北", "remark": "blue"},
]
VIEW = TableView("cars", COLUMNS, ROWS, page_rows=2)


def names(query: dict[str, str]) -> list[str]:
    return [row["name"] for row in VIEW.select(query, "zh", str)]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ({}, "甲乙丙"),
        ({"sort": "price"}, "丙甲乙"),  # a missing value is last
        ({"sort": "-price"}, "甲丙乙"),  # in both directions
        ({"sort": "none"}, "甲乙丙"),
        ({"sort": "name"}, "丙甲乙"),
        ({"q": "RED"}, "甲"),
        ({"q": "b"}, "乙丙"),  # a state's word, and a second line
        ({"state": "b"}, "乙丙"),
        ({"store": "北", "sort": "-name"}, "甲丙"),
        ({"price_from": "2"}, "甲"),
        ({"price_to": "2"}, "丙"),
        ({"share_from": "10"}, "乙"),  # typed as percent
        ({"day_from": "2025-06-02"}, "乙"),
        ({"day_to": "nonsense"}, "甲乙丙"),
    ],
)
def test_rows_are_filtered_and_ordered_by_the_address(query: dict[str, str], order: str) -> None:
    assert "".join(names(query)) == order


def test_a_page_has_its_rows_and_the_addresses_of_the_others() -> None:
    page = VIEW.page({"page": "2", "sort": "-price", "lang": "zh", "q": ""}, "/desk/cars", "zh", str)
    assert ([r["name"] for r in page.rows], page.first, page.last, page.total, page.pages) == (["乙"], 3, 3, 3, 2)
    assert page.page_link(1) == "/desk/cars?lang=zh&sort=-price"
    assert page.sort_link(COLUMNS[1]) == "/desk/cars?lang=zh&sort=price"  # the other way
    assert page.sort_link(COLUMNS[0]) == "/desk/cars?lang=zh&sort=name"
    assert page.direction(COLUMNS[1]) == "descending"
    assert page.export_link("csv") == "/desk/cars?lang=zh&sort=-price&export=csv"
    assert page.link(COLUMNS[0], {"name": "甲/1"}) == "/desk/cars/%E7%94%B2%2F1"
    assert not page.is_filtered


def test_a_page_beyond_the_last_is_the_last_and_no_rows_are_page_one() -> None:
    assert VIEW.page({"page": "99"}, "/x", "zh", str).number == 2
    assert VIEW.page({"page": "-1"}, "/x", "zh", str).number == 1
    empty = VIEW.page({"q": "zzz"}, "/x", "zh", str)
    assert (empty.first, empty.last, empty.total, empty.is_filtered) == (0, 0, 0, True)
    assert empty.clear_link == "/x"


def test_two_tables_of_a_page_do_not_share_names_of_the_address() -> None:
    view = TableView("cars", COLUMNS, ROWS, prefix="c.", page_rows=2)
    page = view.page({"c.sort": "price", "sort": "other"}, "/x", "zh", str)
    assert [r["name"] for r in page.rows] == ["丙", "甲"]
    assert page.page_link(2) == "/x?sort=other&c.sort=price&c.page=2"
    assert page.export_link("xlsx") == "/x?sort=other&c.sort=price&export=xlsx&table=cars"


def test_near_pages_have_links_and_gaps() -> None:
    view = TableView("cars", COLUMNS, ROWS * 10, page_rows=2)
    assert view.page({"page": "8"}, "/x", "zh", str).near == [1, None, 6, 7, 8, 9, 10, None, 15]


def test_choices_are_those_that_occur() -> None:
    page = VIEW.page({}, "/x", "zh", str)
    assert page.choices == {"state": [("a", "A"), ("b", "B")], "store": [("北", "北"), ("南", "南")]}


def test_a_page_far_into_ten_thousand_rows() -> None:
    rows = [{**ROWS[i % 3], "name": f"车{i}", "price": float(i)} for i in range(10_000)]
    page = TableView("cars", COLUMNS, rows).page({"sort": "-price", "page": "100", "q": "车"}, "/x", "zh", str)
    assert [row["price"] for row in page.rows[:2]] == [5_049.0, 5_048.0]
    assert (len(page.rows), page.pages) == (50, 200)
