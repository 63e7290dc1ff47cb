"""Remedies of months without a year and of row numbers, followed as they are written."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import DataError
from features.sources.config import SourcesConfig
from features.sources.reading import read_tables
from features.sources.remedies_of_periods import COMBINED
from features.yaml_config.parsing import parse_yaml


def read(folder: Path, columns: dict[str, Any], **entry: Any) -> pl.DataFrame:
    table = {"csv": str(folder / "a.csv"), "columns": columns, **entry}
    config = SourcesConfig.model_validate({"timezone": "UTC", "tables": {"leads": table}})
    return read_tables(config, ["leads"], quarantine_folder=folder).frames["leads"].collect()


@pytest.mark.parametrize("months", [("1", "12"), ("Jan", "Dec"), ("January", "December")])
def test_months_are_combined_with_the_column_of_the_year(tmp_path: Path, months: tuple[str, str]) -> None:
    (tmp_path / "a.csv").write_text(f"id,Year,Month\n1,2023,{months[0]}\n2,2024,{months[1]}\n")
    with pytest.raises(DataError, match="these are months without a year: if `Year` has the year") as raised:
        read(tmp_path, {"lead_id": "id", "created_at": "Month"})
    combine, column = re.findall(r"`((?:combine|created_at): .*?)`", str(raised.value))[:2]
    assert list(parse_yaml(combine, "")["combine"]) == [COMBINED]
    with pytest.raises(DataError, match="map the combined column"):
        read(tmp_path, {"lead_id": "id", "created_at": "Month"}, **parse_yaml(combine, ""))
    frame = read(tmp_path, {"lead_id": "id", **parse_yaml(column, "")}, **parse_yaml(combine, ""))
    days = [dt.datetime.fromtimestamp(us / 1e6, tz=dt.UTC).date() for us in frame["created_at"]]
    assert days == [dt.date(2023, 1, 1), dt.date(2024, 12, 1)]


def test_row_numbers_name_the_columns_that_are_called_dates(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i},2024-01-02\n" for i in range(1, 41))
    (tmp_path / "a.csv").write_text("id,rownum,application_date\n" + rows)
    with pytest.raises(
        DataError, match="row numbers, not dates: map another source column, such as `application_date`"
    ):
        read(tmp_path, {"lead_id": "id", "created_at": "rownum"})
    assert read(tmp_path, {"lead_id": "id", "created_at": "application_date"}).height == 40


def test_without_a_column_that_helps_the_message_is_general(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,Month\n1,1\n2,12\n")
    with pytest.raises(DataError, match="these are month numbers: with the column of the year"):
        read(tmp_path, {"lead_id": "id", "created_at": "Month"})
