"""Wide tables as rows, read through the sources as a dealership configures them."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import ConfigError, DataError
from features.sources import RawTables, SourcesConfig, read_tables
from features.sources.table_source import Unpivot
from features.sources.unpivot import unpivot_rows, unpivoted_columns

DAY = 86_400_000_000
MONTHS = "model,Jan-2023,Feb-2023,Mar-2023\nA,3,0,\nB,, ,5\n"
PIVOT = {"index": ["model"], "variable": "month", "value": "quantity"}
COLUMNS = {"sale_id": {"row_number": True}, "sold_at": {"from": "month", "format": "%b-%Y"}}


def read(folder: Path, content: str | None = MONTHS, *, share: float = 0.0, **entry: Any) -> RawTables:
    source: dict[str, Any] = {"columns": COLUMNS, "unpivot": PIVOT} | entry
    if content is not None:
        (folder / "sales.csv").write_text(content, encoding="utf-8")
        source["csv"] = str(folder / "sales.csv")
    config = SourcesConfig(timezone="UTC", max_quarantined_share=share, tables={"sales": source})
    return read_tables(config, ["sales"], quarantine_folder=folder / "quarantine")


def sales(tables: RawTables, *columns: str) -> list[tuple[Any, ...]]:
    frame = tables.frames["sales"].collect().sort(pl.col("sale_id").cast(pl.Int64))
    return frame.select(columns or ("sale_id", "model", "sold_at", "quantity")).rows()


def us(*day: int) -> int:
    return (date(*day) - date(1970, 1, 1)).days * DAY


def test_months_as_columns_become_rows_and_blank_cells_do_not(tmp_path: Path) -> None:
    tables = read(tmp_path)
    assert sales(tables) == [
        ("1", "A", us(2023, 1, 1), 3.0),
        ("2", "A", us(2023, 2, 1), 0.0),
        ("6", "B", us(2023, 3, 1), 5.0),
    ]
    report = tables.reports["sales"]
    assert report.notes[0] == "3 blank cells of the wide table were left out by `unpivot`"
    assert (report.rows_read, report.rows_left_out) == (3, 3)


def test_the_columns_that_become_rows_may_be_named_instead(tmp_path: Path) -> None:
    on = {"on": ["Jan-2023", "Mar-2023"], "variable": "month", "value": "quantity"}
    assert sales(read(tmp_path, unpivot=on), "model", "quantity") == [("A", 3.0), ("B", 5.0)]


def test_month_numbers_are_combined_with_the_column_of_the_year(tmp_path: Path) -> None:
    content = "year,model,1,2,12\n2022,A,1,2,3\n2023,A,4,,6\n"
    columns = {"sale_id": {"row_number": True}, "sold_at": {"from": "period", "format": "%Y %m"}}
    unpivot = {"index": ["year", "model"], "variable": "month", "value": "quantity"}
    tables = read(tmp_path, content, columns=columns, unpivot=unpivot, combine={"period": ["year", "month"]})
    assert sales(tables, "sold_at", "quantity") == [
        (us(2022, 1, 1), 1.0), (us(2022, 2, 1), 2.0), (us(2022, 12, 1), 3.0), (us(2023, 1, 1), 4.0),
        (us(2023, 12, 1), 6.0),
    ]  # fmt: skip


def test_days_as_columns_take_their_date_from_a_joined_calendar(tmp_path: Path) -> None:
    """The layout of the M5 competition: d_1, d_2, ... with the dates in another file."""
    (tmp_path / "calendar.csv").write_text("date,d\n2011-01-29,d_1\n2011-01-30,d_2\n")
    content = "item_id,store_id,d_1,d_2\nHOBBIES_1,CA_1,0,4\n"
    tables = read(
        tmp_path,
        content,
        unpivot={"index": ["item_id", "store_id"], "variable": "d", "value": "quantity"},
        join=[{"csv": str(tmp_path / "calendar.csv"), "on": ["d"]}],
        columns={"sale_id": {"row_number": True}, "sold_at": "date", "model": "item_id"},
    )
    assert sales(tables, "sold_at", "model", "store_id", "quantity") == [
        (us(2011, 1, 29), "HOBBIES_1", "CA_1", 0.0),
        (us(2011, 1, 30), "HOBBIES_1", "CA_1", 4.0),
    ]


def test_makes_as_columns_with_totals_are_noted_with_the_filter_that_leaves_them_out(tmp_path: Path) -> None:
    content = "Month,Audi,BMW,VW,All makes\n2023-01,1,2,3,6\n2023-02,4,5,6,15\nQuarter,5,7,9,21\n"
    entry: dict[str, Any] = {
        "unpivot": {"index": ["Month"], "variable": "brand", "value": "quantity"},
        "columns": {"sale_id": {"row_number": True}, "sold_at": {"from": "Month", "format": "%Y-%m"}},
    }
    notes = read(tmp_path, content, share=0.5, **entry).reports["sales"].notes
    assert notes[:2] == (
        "column `All makes` equals the sum of the other columns that become rows: leave it out with "
        "`drop: {brand: ['All makes']}`",
        "the row with `Month` 'Quarter' equals the sum of the other rows: leave it out with "
        "`drop: {Month: ['Quarter']}`",
    )
    tables = read(tmp_path, content, drop={"brand": ["All makes"], "Month": ["Quarter"]}, **entry)
    assert sales(tables, "brand", "quantity") == [
        ("Audi", 1.0), ("BMW", 2.0), ("VW", 3.0), ("Audi", 4.0), ("BMW", 5.0), ("VW", 6.0)
    ]  # fmt: skip
    assert tables.reports["sales"].notes == (
        "3 rows whose `brand` is 'All makes' were left out by `drop`",
        "3 rows whose `Month` is 'Quarter' were left out by `drop`",
    )


def test_an_error_of_quarantined_totals_names_the_filter(tmp_path: Path) -> None:
    content = "model,Jan-2023,Feb-2023,Mar-2023,YTD\nA,1,2,3,6\nB,2,2,2,6\n"
    with pytest.raises(DataError) as error:
        read(tmp_path, content)
    assert str(error.value).endswith(
        "Note: column `YTD` equals the sum of the other columns that become rows: leave it out with "
        "`drop: {month: ['YTD']}`"
    )
    assert len(sales(read(tmp_path, content, drop={"month": ["YTD"]}))) == 6


def test_a_total_is_recognised_with_decimal_commas(tmp_path: Path) -> None:
    content = 'Month,Audi,BMW,VW,alle\n2023-01,"1,5",2,"1.000,5",1004\n'
    columns: dict[str, Any] = {
        "sale_id": {"row_number": True},
        "sold_at": {"from": "Month", "format": "%Y-%m"},
        "quantity": {"from": "n", "decimal": ",", "thousands": "."},
    }
    unpivot = {"index": ["Month"], "variable": "brand", "value": "n"}
    tables = read(tmp_path, content, columns=columns, unpivot=unpivot)
    assert [q for (q,) in sales(tables, "quantity")] == [1.5, 2.0, 1000.5, 1004.0]
    assert tables.reports["sales"].notes[0].startswith("column `alle` equals the sum of the other columns")


def test_subtotals_are_noted_by_their_name(tmp_path: Path) -> None:
    content = "store_id,model,1,2\nS1,A,1,2\nS1,合计,9,9\nS2,B,3,4\nS2,合计,9,9\n"
    columns = {"sale_id": {"row_number": True}, "sold_at": {"constant": "2023-01-01"}}
    unpivot = {"index": ["store_id", "model"], "variable": "month", "value": "quantity"}
    notes = read(tmp_path, content, columns=columns, unpivot=unpivot).reports["sales"].notes
    assert notes == (
        "2 rows of the wide table with `model` '合计' seem to be totals by their name: leave them out with "
        "`drop: {model: ['合计']}`",
    )


def test_parquet_and_a_database_give_the_same_rows_as_csv(tmp_path: Path) -> None:
    wide = pl.DataFrame(
        {"model": ["A", "B"], "Jan-2023": [3, None], "Feb-2023": [0, None], "Mar-2023": [float("nan"), 5.0]}
    )
    wide.write_parquet(tmp_path / "wide.parquet")
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute('create table wide (model text, "Jan-2023" int, "Feb-2023" int, "Mar-2023" real)')
        database.executemany("insert into wide values (?, ?, ?, ?)", [("A", 3, 0, None), ("B", None, None, 5.0)])
    expected = sales(read(tmp_path))
    assert sales(read(tmp_path, None, parquet=str(tmp_path / "wide.parquet"))) == expected
    url = f"sqlite:///{tmp_path}/shop.db"
    assert sales(read(tmp_path, None, sql="select * from wide order by model", url=url)) == expected


def test_columns_of_text_and_numbers_are_read_as_text(tmp_path: Path) -> None:
    wide = pl.DataFrame({"model": ["A", "B"], "Jan-2023": [3.0, 4.0], "Feb-2023": ["5", "-"], "Mar-2023": [None, None]})
    wide.write_parquet(tmp_path / "wide.parquet")
    tables = read(tmp_path, None, parquet=str(tmp_path / "wide.parquet"), share=0.5)
    assert sales(tables, "model", "quantity") == [("A", 3.0), ("A", 5.0), ("B", 4.0)]
    assert tables.reports["sales"].rules == {"quantity: wrong type": 1}


def test_a_quarantined_cell_has_the_row_of_the_wide_table(tmp_path: Path) -> None:
    read(tmp_path, "model,Jan-2023,Feb-2023\nA,3,4\nB,5,x\n", share=0.5)
    rows = pl.read_parquet(tmp_path / "quarantine" / "sales.parquet")
    assert rows.select("source_row", "model", "month", "quantity").rows() == [(2, "B", "Feb-2023", "x")]


@pytest.mark.parametrize(
    ("unpivot", "message"),
    [
        (PIVOT | {"index": ["modell"]}, r"has no column `modell`, used in `unpivot.index`; did you mean `model`\?"),
        ({"on": ["Jan-2024"], "variable": "month", "value": "q"}, r"no column `Jan-2024`, used in `unpivot.on`"),
        (PIVOT | {"variable": "model"}, r"`unpivot.variable` adds column `model`, which the source already has"),
        (PIVOT | {"value": "model"}, r"`unpivot.value` adds column `model`, which the source already has"),
        (
            PIVOT | {"index": ["model", "Jan-2023", "Feb-2023", "Mar-2023"]},
            r"lists every column, so none becomes a row",
        ),
    ],
)
def test_a_wrong_entry_is_one_clear_error(tmp_path: Path, unpivot: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, unpivot=unpivot)


def test_a_table_of_blank_cells_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"leave none of the 2 rows: 2 blank cells of the wide table were left out"):
        read(tmp_path, "model,Jan-2023,Feb-2023\nA,,\n")


@given(st.lists(st.lists(st.none() | st.integers(-9, 9), min_size=3, max_size=3), min_size=1, max_size=5))
def test_rows_pivot_back_to_the_table(cells: list[list[int | None]]) -> None:
    wide = pl.DataFrame(cells, schema={"a": pl.Int64, "b": pl.Int64, "c": pl.Int64}, orient="row").with_row_index("row")
    index, on = unpivoted_columns(["a", "b", "c"], Unpivot(on=["a", "b", "c"], variable="name", value="x"), where="t")
    rows = unpivot_rows(wide.lazy(), index, on, Unpivot(on=on, variable="name", value="x"), row="row").collect()
    assert rows.sort("row")["x"].to_list() == [value for line in cells for value in line]
    assert rows.sort("row")["name"].to_list() == on * len(cells)
