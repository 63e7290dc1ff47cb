"""Tables that come in several files, and dates that come in several columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import ConfigError, DataError
from features.sources.config import ExtraFeatures, SourcesConfig
from features.sources.reading import read_tables
from features.sources.table_source import TableSource

DAY = 86_400_000_000
SALES = {"model": ["a", "a", "b"], "year": [1970, 1970, 1971], "month": [1, 2, 1], "sold": [3, 4, 5]}
SEARCH = {"model": ["a", "a"], "year": [1970, 1970], "month": [1, 2], "search": [10.0, 20.0]}


def read(folder: Path, sales: Any, search: Any, **options: Any) -> pl.DataFrame:
    pl.DataFrame(sales).write_parquet(folder / "sales.parquet")
    pl.DataFrame(search).write_parquet(folder / "search.parquet")
    source = {
        "parquet": str(folder / "sales.parquet"),
        "join": [{"parquet": str(folder / "search.parquet"), "on": ["model", "year", "month"]}],
        "combine": {"when": ["year", "month"]},
        "max_unmatched_share": 0.5,
        "columns": {
            "sale_id": {"row_number": True},
            "sold_at": {"from": "when", "format": "%Y %m"},
            "quantity": "sold",
        },
    }
    config = SourcesConfig(timezone="UTC", tables={"sales": TableSource.model_validate(source | options)})
    tables = read_tables(
        config, ["sales"], extra={"sales": ExtraFeatures(numeric=["search"])}, quarantine_folder=folder / "quarantine"
    )
    return tables.frames["sales"].collect().sort("sale_id")


def test_a_second_file_adds_columns_and_two_columns_make_a_date(tmp_path: Path) -> None:
    rows = read(tmp_path, SALES, SEARCH)
    assert rows["search"].to_list() == [10.0, 20.0, None]
    assert (rows["sold_at"] // DAY).to_list() == [0, 31, 365]
    assert rows["quantity"].to_list() == [3.0, 4.0, 5.0]


def test_keys_of_different_types_meet(tmp_path: Path) -> None:
    search = pl.DataFrame(SEARCH).with_columns(pl.col("year").cast(pl.String))
    assert read(tmp_path, SALES, search)["search"].to_list() == [10.0, 20.0, None]


def test_csv_joins_csv(tmp_path: Path) -> None:
    pl.DataFrame(SALES).write_csv(tmp_path / "sales.csv")
    (tmp_path / "extra.csv").write_text("model,search\na,7\n")
    joined = [{"csv": str(tmp_path / "extra.csv"), "on": ["model"]}]
    rows = read(tmp_path, SALES, SEARCH, parquet=None, csv=str(tmp_path / "sales.csv"), join=joined)
    assert rows["search"].to_list() == [7.0, 7.0, None]


@pytest.mark.parametrize(
    ("search", "options", "message"),
    [
        (SEARCH | {"month": [1, 1]}, {}, r"2 rows have model a, year 1970, month 1: `join.on` must identify one row"),
        ({"model": ["a"], "search": [1.0]}, {}, "has no column `year`, used in `join.on`"),
        (SEARCH | {"sold": [1, 2]}, {}, "column `sold` is also in"),
        (SEARCH, {"combine": {"month": ["year", "month"]}}, "adds column `month`, which the source already has"),
        (SEARCH, {"combine": {"when": ["year", "week"]}}, "has no column `week`, used in `combine.when`"),
        (SEARCH, {"join": [{"parquet": "nowhere.parquet", "on": ["model"]}]}, "no such file"),
    ],
)
def test_columns_and_keys_that_do_not_match_are_named(
    tmp_path: Path, search: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, SALES, search, **options)


def test_a_query_joins_by_itself(tmp_path: Path) -> None:
    with pytest.raises((ConfigError, ValueError), match="join the tables in `sql`"):
        TableSource.model_validate(
            {"sql": "SELECT 1", "url": "sqlite:///x.db", "join": [{"csv": "b.csv", "on": ["a"]}]}
        )
