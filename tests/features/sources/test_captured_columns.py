"""Optional contract columns found by name alone: listed, and left out as a whole where they mean something else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import ConfigError, DataError
from features.sources.captured_columns import capture_note, columns_to_set_aside
from features.sources.column_mapping import ColumnMapping, map_columns
from features.sources.config import ExtraFeatures, SourcesConfig
from features.sources.reading import RawTables, read_tables
from features.sources.table_report import TableReport
from features.sources.table_source import TableSource
from features.sources.typed_rows import Flag, TypedRows, convert_rows
from features.sources.validated_rows import Readings, validate_columns
from features.sources.validation import ValidationResult, validate_rows
from features.tables import APPLICATIONS, LEADS

TEN = {"lead_id": [f"L{i}" for i in range(10)], "created_at": ["2024-01-01"] * 10}


def read(folder: Path, data: dict[str, Any], *, share: float = 0.2, table: str = "leads", **options: Any) -> RawTables:
    pl.DataFrame(data).write_parquet(folder / "source.parquet")
    reading = {n: options.pop(n) for n in ("extra", "targets") if n in options}
    source = {"parquet": str(folder / "source.parquet"), **options}
    config = SourcesConfig(max_quarantined_share=share, tables={table: source})
    return read_tables(config, [table], quarantine_folder=folder / "quarantine", **reading)


def report(folder: Path, data: dict[str, Any], **options: Any) -> TableReport:
    return read(folder, data, **options).reports["leads"]


def test_columns_found_by_name_are_listed_in_one_line_and_those_mapped_or_required_are_not() -> None:
    columns = ["lead_id", "created_at", "channel", "price", "converted", "Modell"]
    source = TableSource(csv="a", columns={"model": "Modell", "channel": "channel"})
    mapping = map_columns(LEADS, source, columns, extra=ExtraFeatures(), undated=False, file="s", targets=["converted"])
    assert capture_note([c.name for c in mapping.columns if c.by_name]) == (
        "taken by their names: price, converted (a column of yours with another meaning? `price: null` leaves it out)"
    )
    assert [c.name for c in mapping.columns if c.may_be_set_aside] == ["price"]  # converted is a target


def test_many_columns_of_a_table_in_the_contract_s_form_are_counted(tmp_path: Path) -> None:
    names = ["store_id", "campaign", "model", "vehicle_id", "salesperson_id", "price", "budget", "gross_margin"]
    data = TEN | dict.fromkeys(names, [1] * 10)
    listed = report(tmp_path, data)
    assert len(listed.by_name) == 8 and "store_id" in listed.all_notes[0]  # eight names are a list
    counted = report(tmp_path, data | {"acquisition_cost": [1] * 10})
    assert counted.all_notes[0] == "taken by their names: all 9 optional columns, as the contract names them"
    other = report(tmp_path, data | {"acquisition_cost": [1] * 10, "our_code": [1] * 10})
    assert "acquisition_cost" in other.all_notes[0]  # a source with columns of its own is listed


def test_a_column_whose_values_do_not_convert_is_left_out_and_no_row_is_lost(tmp_path: Path) -> None:
    data = TEN | {"price": ["cheap"] * 9 + ["5"], "model": ["a"] * 10}
    leads = report(tmp_path, data)
    assert leads.columns == ("lead_id", "created_at", "model") and (leads.rows_valid, leads.rules) == (10, {})
    assert leads.notes[0] == (
        "price set aside (taken by its name): wrong type in 9 of 10 rows, for example 'cheap'. If it is the contract's "
        "price: correct the values in the source, or map another source column. If it has another meaning: "
        "`price: null` leaves it out"
    )
    assert leads.by_name == ("model",) and leads.all_notes[0].startswith("taken by its name: model (")
    assert not (tmp_path / "quarantine" / "leads.parquet").exists()
    assert report(tmp_path, data, columns={"price": None}).notes == ()  # the second remedy


def test_a_column_outside_its_range_is_left_out_with_the_unit_that_fits(tmp_path: Path) -> None:
    data = TEN | {"distance_km": [25_000.0] * 10}
    note = report(tmp_path, data).notes[0]
    assert "not between 0 and 20000 in 10 of 10 rows, for example 25000.0" in note
    assert "if the source has metres, `distance_km: {from: distance_km, factor: 0.001}`: then every value fits" in note
    mapped = read(tmp_path, data, columns={"distance_km": {"from": "distance_km", "factor": 0.001}})
    assert mapped.frames["leads"].collect()["distance_km"].to_list() == [25.0] * 10  # the first remedy


def test_a_type_that_cannot_be_converted_is_left_out(tmp_path: Path) -> None:
    leads = report(tmp_path, TEN | {"price": [dt.date(2024, 1, 1)] * 10})
    assert "price" not in leads.columns and "its type Date is no money" in leads.notes[0]
    with pytest.raises(DataError, match="column `price` has type Date"):
        read(tmp_path, TEN | {"price": [dt.date(2024, 1, 1)] * 10}, columns={"price": "price"})


def test_a_few_broken_values_quarantine_their_rows(tmp_path: Path) -> None:
    leads = report(tmp_path, TEN | {"price": ["5"] * 8 + ["cheap"] * 2})  # 2 of 10 values are the accepted share
    assert (leads.rows_valid, leads.rows_quarantined, leads.rules) == (8, 2, {"price: wrong type": 2})
    assert "price" in leads.columns


def test_the_share_counts_values_not_rows(tmp_path: Path) -> None:
    leads = report(tmp_path, TEN | {"price": [None] * 8 + ["5", "cheap"]})  # 1 of 2 values, 1 of 10 rows
    assert "price" not in leads.columns and leads.rows_valid == 10


def test_columns_that_exceed_the_limit_together_are_left_out_together(tmp_path: Path) -> None:
    price, budget = ["5"] * 8 + ["cheap"] * 2, ["low", "low"] + ["5"] * 8  # 2 of 10 values each, 4 of 10 rows
    leads = report(tmp_path, TEN | {"price": price, "budget": budget})
    assert leads.columns == ("lead_id", "created_at") and leads.rows_valid == 10
    assert [n.split(" ")[0] for n in leads.notes] == ["price", "budget"]


def test_a_broken_key_still_stops_the_run_and_keeps_columns_that_are_not_the_reason(tmp_path: Path) -> None:
    data = TEN | {"created_at": ["soon"] * 5 + ["2024-01-01"] * 5, "price": ["5"] * 9 + ["cheap"]}
    with pytest.raises(DataError, match=r"created_at: wrong type in 5 rows.*price: wrong type in 1 row"):
        read(tmp_path, data)


def test_targets_are_never_left_out(tmp_path: Path) -> None:
    data = TEN | {"converted": ["good", "bad"] * 5}
    assert "converted" not in report(tmp_path, data).columns
    with pytest.raises(DataError, match=r"which value means converted\? If bad does, `converted: \{from: converted, "):
        read(tmp_path, data, targets={"leads": ["converted"]})


def test_an_extra_feature_replaces_the_contract_column_of_its_name(tmp_path: Path) -> None:
    extra = {"leads": ExtraFeatures(numeric=("price",), categorical=("budget",))}
    data = TEN | {"price": [-0.5] * 10, "budget": ["low"] * 10}
    raw = read(tmp_path, data, extra=extra)
    assert raw.frames["leads"].collect().row(0)[2:] == (-0.5, "low")  # no range, no whole number of fen
    assert raw.reports["leads"].notes == (
        "price is read as your extra feature, not as the contract column of that name",
        "budget is read as your extra feature, not as the contract column of that name",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gender", "`gender` is a protected attribute: it measures fairness and is never a feature; remove it"),
        ("decision", "`decision` is filled in after the row's own instant"),
        ("customer_id", "`customer_id` identifies or dates the rows"),
        ("submitted_at", "`submitted_at` identifies or dates the rows"),
        ("application_id", "list `own_application_id` in its place"),
    ],
)
def test_an_extra_feature_cannot_replace_a_column_that_must_not_be_a_feature(name: str, message: str) -> None:
    source, columns = TableSource(csv="a"), ["application_id", "submitted_at", name]
    extra = ExtraFeatures(categorical=(name,))
    problem = map_columns(APPLICATIONS, source, columns, extra=extra, undated=False, file="s").problems[0]
    assert isinstance(problem, ConfigError) and message in str(problem)


def test_without_broken_values_no_row_is_read_again(tmp_path: Path) -> None:
    rows = pl.LazyFrame({"__row__": [0], "lead_id": ["a"], "flag": [False]})
    flags = (Flag("flag", "lead_id", "missing value"),)
    typed = TypedRows(rows, ("lead_id",), flags)
    validation = validate_rows(typed, ("lead_id",))
    mapping = map_columns(LEADS, TableSource(csv="a"), ["lead_id"], extra=ExtraFeatures(), undated=True, file="s")
    unreadable = pl.scan_parquet(tmp_path / "none.parquet")
    assert columns_to_set_aside(mapping, typed, validation, unreadable, share=0.0) == []


def test_columns_are_validated_again_without_those_that_do_not_fit() -> None:
    rows = pl.LazyFrame(TEN | {"price": ["cheap"] * 10, "model": ["a"] * 10}).with_row_index("__row__")
    columns = ["lead_id", "created_at", "price", "model"]
    mapping = map_columns(LEADS, TableSource(csv="a"), columns, extra=ExtraFeatures(), undated=False, file="s")
    place: dict[str, Any] = {"timezone": "UTC", "field": "tables.leads"}
    mappings = []

    def validate(mapping: ColumnMapping, readings: Readings) -> tuple[TypedRows, ValidationResult]:
        mappings.append([c.name for c in mapping.columns])
        typed = convert_rows(rows, LEADS, mapping, now=None, where="a", numbers=readings.dates, **place)
        return typed, validate_rows(typed, ("lead_id",))

    validated = validate_columns(rows, LEADS, mapping, validate=validate, share=0.02, **place)
    assert mappings == [[*columns[:2], "model", "price"], [*columns[:2], "model"]]
    assert validated.validation.rows_valid == 10 and validated.typed.columns == ("lead_id", "created_at", "model")
    assert validated.explain(validated.validation, None, None) == ()
