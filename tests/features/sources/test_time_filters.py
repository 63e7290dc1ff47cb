"""`since`, `before`, `until` and `sample` on the rows of a table, in its time zone."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import ConfigError, DataError
from features.sources import ExtraFeatures, RawTables, SourcesConfig, read_tables
from features.sources.time_filters import first_instant, local_moment

LEADS = """lead_id,created_at,customer_id
L1,2024-03-30 23:59,C1
L2,2024-03-31 00:00,C2
L3,2024-03-31 18:00,C1
L4,2024-03-31 23:59:59,C2
L5,2024-04-01 00:00,C3
"""


def read(
    folder: Path,
    content: str = LEADS,
    *,
    undated: bool = False,
    parquet: bool = False,
    quarantined: float = 0.5,
    **entry: Any,
) -> RawTables:
    path = folder / "leads.csv"
    path.write_text(content)
    source = {"csv": str(path)}
    if parquet:
        pl.read_csv(path, try_parse_dates=False).write_parquet(folder / "leads.parquet")
        source = {"parquet": str(folder / "leads.parquet")}
    config = SourcesConfig(max_quarantined_share=quarantined, tables={"leads": source | entry})
    return read_tables(config, ["leads"], quarantine_folder=folder / "q", undated=["leads"] if undated else [])


def leads(tables: RawTables) -> list[str]:
    return sorted(tables.frames["leads"].collect()["lead_id"])


@pytest.mark.parametrize("parquet", [False, True])
@pytest.mark.parametrize(
    ("entry", "left", "note"),
    [
        ({"since": "2024-03-31"}, "L2 L3 L4 L5", "1 row before 2024-03-31 was left out by `since`"),
        ({"before": "2024-03-31"}, "L1", "4 rows at or after 2024-03-31 were left out by `before`"),
        ({"until": "2024-03-31"}, "L1 L2 L3 L4", "1 row after 2024-03-31 was left out by `until`"),
        ({"until": "2024-03-31 18:00"}, "L1 L2 L3", "2 rows after 2024-03-31 18:00 were left out by `until`"),
        ({"before": "2024-03-31 18:00"}, "L1 L2", "3 rows at or after 2024-03-31 18:00 were left out by `before`"),
        (
            {"since": "2024-03-31T18:00+08:00"},
            "L3 L4 L5",
            "2 rows before 2024-03-31 18:00+08:00 were left out by `since`",
        ),
    ],
)
def test_limits_are_local_and_counted(
    tmp_path: Path, parquet: bool, entry: dict[str, str], left: str, note: str
) -> None:
    tables = read(tmp_path, parquet=parquet, **entry)
    assert leads(tables) == left.split()
    report = tables.reports["leads"]
    assert report.notes == (note,)
    assert report.rows_read + report.rows_left_out == 5 and report.rows_read == len(left.split())


def test_the_time_zone_is_that_of_the_table(tmp_path: Path) -> None:
    assert leads(read(tmp_path, since="2024-03-31T00:00+08:00", timezone="UTC")) == ["L1", "L2", "L3", "L4", "L5"]
    assert leads(read(tmp_path, since="2024-03-31", timezone="UTC")) == ["L2", "L3", "L4", "L5"]


def test_rows_whose_time_cannot_be_read_are_quarantined_and_not_filtered(tmp_path: Path) -> None:
    tables = read(tmp_path, LEADS + "L6,soon,C1\nL7,,C1\n", quarantined=0.7, since="2024-04-01")
    report = tables.reports["leads"]
    assert leads(tables) == ["L5"]
    assert (report.rows_read, report.rows_quarantined, report.rows_left_out) == (3, 2, 4)


def test_rows_that_need_no_time_pass_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "cars.csv").write_text("vehicle_id,listed_at\nV1,2024-01-01\nV2,\nV3,2024-03-01\n")
    config = SourcesConfig(tables={"vehicles": {"csv": str(tmp_path / "cars.csv"), "since": "2024-02-01"}})
    tables = read_tables(config, ["vehicles"], quarantine_folder=tmp_path)
    assert tables.frames["vehicles"].collect()["vehicle_id"].to_list() == ["V2", "V3"]
    assert tables.reports["vehicles"].notes == (
        "1 row before 2024-02-01 was left out by `since`",
        "1 row without a value in listed_at passes `since`",
    )


def test_a_filter_that_leaves_nothing_names_itself_and_the_dates_of_the_table(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path, since="2025-01-01")
    assert str(error.value).endswith(
        "the filters leave none of the 5 rows: 5 rows before 2025-01-01 were left out by `since`. created_at runs from "
        "2024-03-30 23:59 to 2024-04-01 in the table: correct the filters"
    )
    with pytest.raises(
        DataError, match=r"whose `lead_id` is not 'X' .*by `only`. The values of `lead_id` are 'L1', 'L2'"
    ):
        read(tmp_path, only={"lead_id": ["X"]})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"since": "2024-04-02", "until": "2024-04-01"}, "leads.since: 2024-04-02 is not before `until: 2024-04-01`"),
        ({"since": "2024-04-01", "before": "2024-04-01"}, "leads.since: 2024-04-01 is not before `before: 2024-04-01`"),
        (
            {"sample": {"share": 0.5, "by": ["customer"]}},
            "leads.sample.by: `customer` is no mapped column; did",
        ),
        (
            {"duplicate_keys": "latest", "latest_by": "creatd_at"},
            "leads.latest_by: the source has no column `creatd",
        ),
    ],
)
def test_a_wrong_filter_is_refused_before_the_table_is_read(
    tmp_path: Path, entry: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, **entry)
    assert message in str(error.value)


def test_a_table_read_without_its_time_has_no_limit_on_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"leads.until: the table is read without a time column"):
        read(tmp_path, until="2024-04-01", undated=True)


def test_one_day_is_since_and_until_the_same_date(tmp_path: Path) -> None:
    assert leads(read(tmp_path, since="2024-03-31", until="2024-03-31")) == ["L2", "L3", "L4"]


@pytest.mark.parametrize("parquet", [False, True])
def test_a_sample_has_all_rows_of_a_key_or_none(tmp_path: Path, parquet: bool) -> None:
    rows = "".join(f"L{i},2024-01-01,C{i % 200:03d}\n" for i in range(1_000))
    tables = read(
        tmp_path, LEADS.splitlines()[0] + "\n" + rows, parquet=parquet, sample={"share": 0.3, "by": ["customer_id"]}
    )
    frame = tables.frames["leads"].collect()
    sizes = frame.group_by("customer_id").len()["len"].unique().to_list()
    assert sizes == [5] and 40 <= frame["customer_id"].n_unique() <= 80
    (note,) = tables.reports["leads"].notes
    assert (
        note == f"{1_000 - frame.height:,} rows were left out by `sample`: 0.3 of the values of customer_id are drawn"
    )


def test_a_table_without_time_is_sampled_by_its_key(tmp_path: Path) -> None:
    rows = "".join(f"L{i},2024-01-01,C1\n" for i in range(1_000))
    tables = read(tmp_path, LEADS.splitlines()[0] + "\n" + rows, sample=0.1, undated=True)
    assert 70 <= tables.reports["leads"].rows_valid <= 130


def test_a_sample_without_a_row_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"draws none of the 5 rows, with a share of 1e-06 of the values of lead_id: raise"
    ):
        read(tmp_path, sample=1e-6)


def test_a_sample_is_drawn_from_the_rows_within_the_limits(tmp_path: Path) -> None:
    rows = "".join(f"L{i},2024-0{1 + i % 2}-01,C1\n" for i in range(1_000))
    report = read(tmp_path, LEADS.splitlines()[0] + "\n" + rows, since="2024-02-01", sample=0.2).reports["leads"]
    assert 70 <= report.rows_read <= 130 and report.rows_read + report.rows_left_out == 1_000
    assert report.notes[0] == "500 rows before 2024-02-01 were left out by `since`"
    assert report.notes[1].startswith(f"{500 - report.rows_read} rows were left out by `sample`")


def test_a_number_is_no_key_of_a_sample(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("lead_id,created_at,age\nL1,2024-01-01,30\n")
    source = {"csv": str(tmp_path / "leads.csv"), "sample": {"share": 0.5, "by": ["age"]}}
    with pytest.raises(ConfigError, match=r"sample.by: `age` is a number, not a key: use a column such as lead_id"):
        read_tables(
            SourcesConfig(tables={"leads": source}),
            ["leads"],
            extra={"leads": ExtraFeatures(numeric=["age"])},
            quarantine_folder=tmp_path,
        )


def test_limits_in_a_zone_with_summer_time_begin_at_local_midnight() -> None:
    berlin = first_instant(date(2024, 3, 31), timezone="Europe/Berlin")
    assert local_moment(berlin, timezone="UTC") == "2024-03-30 23:00"
    next_day = first_instant(date(2024, 3, 31), timezone="Europe/Berlin", days_later=1)
    assert (next_day - berlin) / 3_600_000_000 == 23
    assert local_moment(first_instant(datetime(1969, 12, 31, 5), timezone="UTC"), timezone="UTC") == "1969-12-31 05:00"


def test_a_period_may_end_on_the_last_day_of_the_calendar(tmp_path: Path) -> None:
    assert leads(read(tmp_path, until="9999-12-31")) == ["L1", "L2", "L3", "L4", "L5"]
