"""A source's rows as contract columns, with a flag for every rule they break; their validation and its error."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from features.errors import DataError
from features.sources.column_mapping import ColumnMapping, map_columns
from features.sources.config import ExtraFeatures
from features.sources.quarantine_limit import quarantine_error
from features.sources.scans import ROW
from features.sources.table_source import TableSource
from features.sources.typed_rows import TypedRows, convert_rows, select_mapped, source_columns
from features.sources.validation import ValidationResult, validate_rows
from features.sources.violations import explained_violations
from features.tables import APPLICATIONS

NOW = 1_000
DATA: dict[str, list[Any]] = {
    "application_id": ["A", "B", "C", "D", "D", "E", "E", None],
    "submitted_at": [1, 2, 2_000, 4, 4, 5, 5, 6],
    "term_months": ["12", "many", "12", "36", "36", "12", "24", "12"],
    "monthly_income": [100, 200, 300, 400, 400, 500, 500, 600],
}
COLUMNS = {"submitted_at": {"from": "submitted_at", "unit": "us"}}


def rows_of(data: dict[str, list[Any]], **source: Any) -> tuple[pl.LazyFrame, ColumnMapping, TypedRows]:
    table = TableSource(csv="a.csv", columns=COLUMNS, **source)
    mapping = map_columns(APPLICATIONS, table, [*data], extra=ExtraFeatures(), undated=False, file="sources.yaml")
    rows = pl.LazyFrame(data).with_row_index(ROW)
    converted = convert_rows(
        select_mapped(rows, table, mapping),
        APPLICATIONS,
        mapping,
        timezone="UTC",
        now=NOW,
        field="tables",
        where="a.csv",
    )
    return rows, mapping, converted


@pytest.fixture
def validation() -> ValidationResult:
    return validate_rows(rows_of(DATA)[2], ("application_id",), check_empty=("term_months", "housing")[:1])


def test_values_take_their_contract_s_type_and_each_broken_rule_its_flag() -> None:
    _, mapping, converted = rows_of(DATA, drop={"application_id": ["A"]})
    assert source_columns(mapping) == ["application_id", "submitted_at", "term_months", "monthly_income"]
    frame = converted.frame.collect()
    assert frame["term_months"].to_list()[:2] == [None, 12] and frame.schema["term_months"] == pl.Int64
    broken = {f.label for f in converted.flags if frame[f.name].any()}
    assert broken == {"application_id: missing value", "submitted_at: in the future", "term_months: wrong type"}


def test_one_of_identical_rows_is_valid_and_none_of_those_that_share_a_key(
    validation: ValidationResult,
) -> None:
    assert (validation.rows_read, validation.rows_valid) == (8, 2)
    assert validation.excluded.to_list() == [1, 2, 4, 5, 6, 7]
    assert validation.rules["application_id: duplicate key"] == 2 and validation.rules["exact duplicate"] == 1
    assert validation.empty == ()


def test_a_fingerprint_depends_on_the_values_but_not_on_the_order_of_rows(validation: ValidationResult) -> None:
    turned = {name: values[::-1] for name, values in DATA.items()}
    assert validate_rows(rows_of(turned)[2], ("application_id",)).fingerprint == validation.fingerprint
    other = {**DATA, "monthly_income": [101, *DATA["monthly_income"][1:]]}
    assert validate_rows(rows_of(other)[2], ("application_id",)).fingerprint != validation.fingerprint


def test_a_column_of_nulls_is_empty_and_one_of_invalid_values_is_not() -> None:
    nothing = {**DATA, "term_months": [None] * 8, "monthly_income": ["?"] * 8}
    assert validate_rows(
        rows_of(nothing)[2], ("application_id",), check_empty=("term_months", "monthly_income")
    ).empty == ("term_months",)


def error_of(data: dict[str, list[Any]], share: float) -> str:
    rows, mapping, converted = rows_of(data)
    validation = validate_rows(converted, ("application_id",))
    violations = explained_violations(APPLICATIONS, mapping, rows, validation, timezone="UTC", field="tables.x")
    return str(
        quarantine_error("applications", validation, violations, share=share, file="sources.yaml", quarantine=None)
    )


def test_the_error_names_the_worst_rules_with_an_example_and_a_remedy_and_nothing_personal() -> None:
    message = error_of(DATA, 0.02)
    assert (
        "applications: 5 of 8 rows (62.5%) break the contract, and max_quarantined_share in sources.yaml is 2.0%"
        in message
    )
    assert "application_id: duplicate key in 2 rows, for example 'E' (keep one row for each application_id" in message
    assert "and 1 more rule. The rows are in None" in message
    message = error_of({**DATA, "monthly_income": [-1] * 8}, 0.0)
    assert "monthly_income" in message and "for example <personal>" in message and "-1" not in message


def test_a_column_of_a_type_that_cannot_hold_it_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"a\.csv: column `term_months` has type List\(Int64\), which cannot be converted"
    ):
        rows_of({**DATA, "term_months": [[1]] * 8})
