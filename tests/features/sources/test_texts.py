"""Source values as text, and keys as other programs write them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError
from features.sources import SourcesConfig, read_tables
from features.sources.texts import as_key, as_text, is_text


def column(values: list[Any]) -> tuple[pl.Expr, pl.DataType]:
    series = pl.Series(values)
    return pl.lit(series), series.dtype


def keys(values: list[Any]) -> list[str | None]:
    return pl.select(as_key(*column(values))).to_series().to_list()


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([5, None], ["5", None]),
        ([5.0, 2.5, 1e300], ["5", "2.5", "1e+300"]),
        ([Decimal("5.00"), Decimal("2.50")], ["5", "2.5"]),
        ([" 5 ", "  ", ""], ["5", None, None]),
        ([True, False], ["true", "false"]),
    ],
)
def test_equal_values_of_different_types_are_the_same_text(values: list[Any], texts: list[str | None]) -> None:
    assert pl.select(as_text(*column(values))).to_series().to_list() == texts


def test_numbers_and_booleans_are_no_text() -> None:
    assert is_text(pl.String()) and not is_text(pl.Int8()) and not is_text(pl.Boolean())


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1038", "1038"),
        ("1038.0", "1038"),
        ("1038.00", "1038"),
        ("-5.0", "-5"),
        ("0.0", "0"),
        ("'1038", "1038"),
        ("'007", "007"),
        ('="007"', "007"),
        ("1.038E+03", "1038"),
        ("1.2345678901e+10", "12345678901"),
        ("9007199254740991.0", "9007199254740991"),
        ("12345678901234567.00", "12345678901234567"),
    ],
)
def test_a_key_is_the_same_whichever_program_wrote_it(text: str, key: str) -> None:
    assert keys([text, "A"]) == [key, "A"]


@pytest.mark.parametrize("text", ["007", "007.0", "1.5", "1.10", "A1.0", "1E5", "1.5E+00", "'", "'a'", "v1.0.0"])
def test_any_other_key_stays_as_it_is_written(text: str) -> None:
    assert keys([text]) == [text]


@pytest.mark.parametrize("text", ["1.23457E+15", "1E+05", "1.2345678901234568e+16", "12345678901234567.0"])
def test_a_key_whose_digits_are_lost_is_no_key(text: str) -> None:
    assert keys([text, "5.0"]) == [None, "5"]


def test_keys_of_number_columns_are_whole_numbers_and_too_large_floats_are_lost() -> None:
    assert keys([1038.0, 1.5, float(2**53), None]) == ["1038", "1.5", None, None]
    assert keys([2**60, None]) == [str(2**60), None]


@settings(deadline=None)
@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_a_float_and_its_integer_are_one_key(number: int) -> None:
    if number:
        assert keys([f"{number}.0", str(float(number)), str(number)])[::2] == [str(number)] * 2
        assert keys([float(number)]) == [str(number)]


def test_rewritten_keys_are_counted_and_lost_ones_are_quarantined_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "outcomes.csv").write_text("id,bad,note\n1,0,x\n2.0,1,x\n'3,0,x\n1.23457E+15,0,x\n")
    table = {"csv": str(tmp_path / "outcomes.csv"), "columns": {"application_id": "id", "defaulted": "bad"}}
    options: dict[str, Any] = {"quarantine_folder": tmp_path / "quarantine", "undated": ["loan_outcomes"]}
    config = SourcesConfig(tables={"loan_outcomes": table}, max_quarantined_share=0.5)
    tables = read_tables(config, ["loan_outcomes"], **options)
    assert tables.frames["loan_outcomes"].collect()["application_id"].to_list() == ["1", "2", "3"]
    report = tables.reports["loan_outcomes"]
    assert report.rules == {"application_id: digits lost to rounding": 1}
    assert report.notes[0].startswith("application_id: 2 keys are read without the marks of another program")
    with pytest.raises(DataError, match=r"digits lost to rounding .*export the column as text"):
        read_tables(SourcesConfig(tables={"loan_outcomes": table}), ["loan_outcomes"], **options)


def test_keys_may_be_dates_and_categories() -> None:
    days = pl.Series([19_723, None], dtype=pl.Date)
    frame = pl.select(as_key(pl.lit(days), pl.Date()).alias("day"))
    assert frame["day"].to_list() == ["2024-01-01", None]
    groups = pl.Series(["'7", "A"], dtype=pl.Categorical)
    assert pl.select(as_key(pl.lit(groups), pl.Categorical())).to_series().to_list() == ["7", "A"]
