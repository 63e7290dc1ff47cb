"""Rows with the same key: quarantined, or the latest of them is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from features.sources import RawTables, SourcesConfig, read_tables
from features.sources.duplicates import LatestRow, find_duplicates
from features.sources.typed_rows import TypedRows

HEADER = "lead_id,created_at,channel,changed\n"


def read(folder: Path, rows: str, *, parquet: bool = False, **entry: Any) -> RawTables:
    (folder / "leads.csv").write_text(HEADER + rows)
    source = {"csv": str(folder / "leads.csv")}
    if parquet:
        pl.read_csv(folder / "leads.csv", try_parse_dates=True).write_parquet(folder / "leads.parquet")
        source = {"parquet": str(folder / "leads.parquet")}
    config = SourcesConfig(max_quarantined_share=0.5, tables={"leads": source | {"duplicate_keys": "latest"} | entry})
    return read_tables(config, ["leads"], quarantine_folder=folder / "q")


def channels(tables: RawTables) -> dict[str, str]:
    return dict(tables.frames["leads"].collect().sort("lead_id").select("lead_id", "channel").rows())


REVISIONS = """L1,2024-01-01,phone,2024-03-01
L2,2024-01-02,app,2024-03-02
L1,2024-01-01,app,2024-02-01
L1,2024-01-01,walk_in,2024-01-15
L3,2024-01-02,app,2024-03-02
"""


@pytest.mark.parametrize("parquet", [False, True])
def test_the_later_row_of_the_source_replaces_the_others(tmp_path: Path, parquet: bool) -> None:
    tables = read(tmp_path, REVISIONS, parquet=parquet)
    assert channels(tables) == {"L1": "walk_in", "L2": "app", "L3": "app"}
    report = tables.reports["leads"]
    assert (report.rows_read, report.rows_valid, report.rows_quarantined) == (5, 3, 0)
    assert report.notes == (
        "2 older rows of the same key were replaced by the later row of the source (`duplicate_keys: latest`)",
    )


@pytest.mark.parametrize("parquet", [False, True])
def test_the_row_with_the_largest_value_of_a_column_replaces_the_others(tmp_path: Path, parquet: bool) -> None:
    tables = read(tmp_path, REVISIONS, parquet=parquet, latest_by="changed")
    assert channels(tables) == {"L1": "phone", "L2": "app", "L3": "app"}
    assert tables.reports["leads"].notes[0].startswith("2 older rows of the same key were replaced by the row with the")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("9", "10"),
        ("2023-12-31", "2024-01-01"),
        ("2024/01/31 9:00", "2024/02/01"),
        ("a", "b"),
        ("", "1"),
        ("0.5", "12"),
    ],
)
@pytest.mark.parametrize("order", [False, True])
def test_numbers_dates_and_texts_are_compared_as_what_they_are(
    tmp_path: Path, older: str, newer: str, order: bool
) -> None:
    rows = [f"L1,2024-01-01,phone,{older}\n", f"L1,2024-01-01,app,{newer}\n"]
    tables = read(tmp_path, "".join(rows if order else rows[::-1]), latest_by="changed")
    assert channels(tables) == {"L1": "app"}


def test_a_mapped_column_is_compared_in_the_format_of_its_mapping(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("id,at,how\nL1,02/01/2024,app\nL1,31/12/2023,phone\n")
    columns = {"lead_id": "id", "created_at": {"from": "at", "format": "%d/%m/%Y"}, "channel": "how"}
    source = {"csv": str(tmp_path / "leads.csv"), "columns": columns, "duplicate_keys": "latest", "latest_by": "at"}
    tables = read_tables(SourcesConfig(tables={"leads": source}), ["leads"], quarantine_folder=tmp_path)
    assert channels(tables) == {"L1": "app"}


@pytest.mark.parametrize("value", ["31/12/2023", "3.1.2024", "5 Jan 2024", "12/31/23 10:00"])
def test_dates_that_do_not_sort_as_text_are_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(DataError, match=r"`latest_by: changed` has values such as '.*', which do not sort by time"):
        read(tmp_path, f"L1,2024-01-01,app,{value}\nL2,2024-01-01,app,{value}\n", latest_by="changed")


def test_identical_rows_are_exact_duplicates_even_if_another_version_lies_between(tmp_path: Path) -> None:
    rows = "L1,2024-01-01,phone,1\nL1,2024-01-01,app,2\nL1,2024-01-01,phone,3\n"
    tables = read(tmp_path, rows)
    assert channels(tables) == {"L1": "phone"}
    assert tables.reports["leads"].rules == {"exact duplicate": 1}
    assert tables.reports["leads"].notes[0].startswith("1 older row")


def test_equal_values_are_decided_by_the_position_with_a_note(tmp_path: Path) -> None:
    tables = read(tmp_path, "L1,2024-01-01,phone,5\nL1,2024-01-01,app,5\nL2,2024-01-01,app,1\n", latest_by="changed")
    assert channels(tables) == {"L1": "app", "L2": "app"}
    assert tables.reports["leads"].notes[1] == (
        "1 key has different rows with the same `changed`: the later row of the source is read"
    )


def test_a_newer_row_that_breaks_the_contract_is_reported(tmp_path: Path) -> None:
    rows = "L1,2024-01-01,phone,1\nL1,2024-01-01,pigeon,2\nL2,2024-01-01,pigeon,1\nL2,2024-01-01,app,2\n"
    tables = read(tmp_path, rows)
    assert channels(tables) == {"L1": "phone", "L2": "app"}
    report = tables.reports["leads"]
    assert report.rows_quarantined == 2
    assert report.notes == ("1 key has a newer row that breaks the contract; the older row is read",)


def test_without_the_option_all_versions_are_quarantined(tmp_path: Path) -> None:
    tables = read(tmp_path, REVISIONS + "L4,2024-01-02,app,1\nL5,2024-01-02,app,1\n", duplicate_keys="quarantine")
    assert channels(tables) == dict.fromkeys(("L2", "L3", "L4", "L5"), "app")
    assert tables.reports["leads"].rules == {"lead_id: duplicate key": 3}


@pytest.mark.parametrize("latest", [False, True])
def test_different_keys_with_the_same_hash_are_no_duplicates(latest: bool) -> None:
    rows = pl.DataFrame({"__row__": [0, 1], "id": ["a", "b"], "__key__": [7, 7]})
    order = LatestRow(rows.lazy().select("__row__", pl.col("__row__").alias("__order__")), None) if latest else None
    result = find_duplicates(TypedRows(rows.lazy(), ("id",), ()), rows, rows.clear(), ("id",), latest=order)
    assert [len(s) for s in (result.repeated, result.contradictory, result.replaced)] == [0, 0, 0]


def test_a_missing_value_of_the_order_is_the_oldest() -> None:
    rows = pl.DataFrame({"__row__": [0, 1, 2], "id": ["a"] * 3, "n": [1, 2, 3], "__key__": [7] * 3})
    order = LatestRow(pl.LazyFrame({"__row__": [0, 1, 2], "__order__": [5, 9, None]}), "changed")
    result = find_duplicates(TypedRows(rows.lazy(), ("id", "n"), ()), rows, rows.clear(), ("id",), latest=order)
    assert result.replaced.sort().to_list() == [0, 2]


VERSIONS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.none() | st.integers(0, 3)), min_size=1, max_size=8
)


@given(VERSIONS)
def test_the_latest_row_is_the_one_that_a_loop_finds(versions: list[tuple[str, int, int | None]]) -> None:
    n = range(len(versions))
    keys, contents, orders = zip(*versions, strict=True)
    rows = pl.DataFrame({"__row__": n, "id": keys, "n": contents, "__key__": [ord(k) for k in keys]})
    order = pl.LazyFrame({"__row__": n, "__order__": orders}, schema={"__row__": pl.Int64, "__order__": pl.Int64})
    result = find_duplicates(
        TypedRows(rows.lazy(), ("id", "n"), ()), rows, rows.clear(), ("id",), latest=LatestRow(order, "changed")
    )
    latest: dict[str, tuple[int, int]] = {}
    for i, (key, _, value) in enumerate(versions):
        latest[key] = max(latest.get(key, (-2, 0)), (-1 if value is None else value, i))
    winners = {i for _, i in latest.values()}
    same = {i for i in n if i not in winners and versions[i][1] == versions[latest[keys[i]][1]][1]}
    assert set(result.repeated) == same and set(result.replaced) == set(n) - winners - same


def test_the_latest_row_is_proposed_only_where_it_would_work(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"or set `duplicate_keys: latest` at .*leaves out the 2 others, or, if"):
        read(tmp_path, REVISIONS, duplicate_keys="quarantine")
    different = "".join(f"L{i % 2},2024-01-01,app,{i}\n" for i in range(12))
    columns = {"lead_id": "lead_id", "campaign": "changed"}
    with pytest.raises(DataError) as error:
        read(tmp_path, different, duplicate_keys="quarantine", columns=columns)
    assert "`duplicate_keys" not in str(error.value) and "`lead_id: {row_number: true}`" in str(error.value)
