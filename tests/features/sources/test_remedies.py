"""Remedies of broken rules: each one, followed, makes every value of the column readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import DataError
from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.column_source import ColumnSource
from features.sources.column_values import ColumnValues, written
from features.sources.config import SourcesConfig
from features.sources.numbers import AMBIGUOUS
from features.sources.reading import read_tables
from features.sources.remedies import remedy
from features.sources.remedies_of_numbers import marks_remedy, number_remedy, range_remedy, whole_number_remedy
from features.sources.remedies_of_times import future_remedy, time_remedy
from features.sources.remedies_of_values import category_remedy, closest, flag_remedy, missing_markers
from features.sources.rules import kind_of
from features.sources.table_report import TableReport
from features.sources.violations import Violation, in_source
from features.sources.yaml_lines import column_line, flow, scalar
from features.tables import TABLES
from features.yaml_config.parsing import parse_yaml


def values_of(table: str, name: str, values: list[Any], **spec: Any) -> ColumnValues:
    contract = TABLES[table].columns[name]
    source = ColumnSource.model_validate({"from": "src", **spec})
    column = MappedColumn(name, kind_of(TABLES[table], name), source, in_contract=True, required=contract.required)
    return ColumnValues(TABLES[table], column, pl.LazyFrame({"src": values}, strict=False), timezone="UTC")


def entry(text: str, name: str, position: int = 0) -> dict[str, Any]:
    """Return the entry of sources.yaml that a message proposes, as YAML reads it."""
    lines = [part for part in text.split("`") if part.startswith(f"{name}: ")]
    content: dict[str, Any] = parse_yaml(lines[position], "message")[name]
    return content


@pytest.mark.parametrize(
    ("values", "readings"),
    [
        ([1, 2, 2], [{1: True, 2: False}, {1: False, 2: True}]),
        (["good", "bad"], [{"bad": True, "good": False}, {"bad": False, "good": True}]),
        (
            ["Fully Paid", "Charged Off"],
            [{"Charged Off": True, "Fully Paid": False}, {"Charged Off": False, "Fully Paid": True}],
        ),
    ],
)
def test_two_outcomes_are_mapped_in_both_readings_and_not_guessed(values: list[Any], readings: list[Any]) -> None:
    text = flag_remedy(values_of("loan_outcomes", "defaulted", values), False)
    assert text.startswith("which value means defaulted?") and "nulls" not in text
    assert [entry(text, "defaulted", i)["map"] for i in range(2)] == readings
    for i in range(2):
        assert values_of("loan_outcomes", "defaulted", values, **entry(text, "defaulted", i)).fits()


def test_outcomes_beside_yes_and_no_keep_the_readings_that_are_beyond_doubt() -> None:
    text = flag_remedy(values_of("loan_outcomes", "defaulted", ["Y", "N", "pending"]), False)
    assert entry(text, "defaulted")["map"] == {"N": False, "Y": True, "pending": "..."}
    text = flag_remedy(values_of("loan_outcomes", "defaulted", [0, 1, 9]), False)
    assert entry(text, "defaulted")["map"] == {0: False, 1: True, 9: "..."}
    text = flag_remedy(values_of("loan_outcomes", "defaulted", list(range(40))), False)
    assert "40 different values" in text and "more than yes and no: map another source column" in text
    assert "pending" not in flag_remedy(values_of("loan_outcomes", "defaulted", ["pending", "Y"]), True)


def test_categories_are_mapped_with_the_closest_value_and_the_others_are_left_to_the_reader() -> None:
    text = category_remedy(values_of("vehicles", "body_type", ["SUV", "seddan", "lorry", "mpv"]), False)
    assert entry(text, "body_type")["map"] == {"SUV": "suv", "lorry": "...", "seddan": "sedan"}
    assert entry(text, "body_type")["map_other"] == "keep"
    assert "sedan, suv, mpv, hatchback" in text
    many = [f"type {i}" for i in range(30)]
    assert "the other 18 values become null" in category_remedy(values_of("vehicles", "body_type", many), False)
    assert closest("Battery Electric", ("battery_electric", "hybrid")) == "battery_electric"


@pytest.mark.parametrize(
    ("name", "values", "changes"),
    [
        ("annual_rate", [6.5, 7.25, 4.0], {"factor": 0.01}),
        ("annual_rate", ["6.5", "7.25"], {"factor": 0.01}),
        ("monthly_income", [-1, 5, 9, 5, 9], {"nulls": [-1]}),
        ("term_months", [999, 12, 24, 36, 999, 12, 12], {"nulls": [999]}),
    ],
)
def test_a_value_outside_the_range_has_a_unit_or_marker_with_which_all_fit(
    name: str, values: list[Any], changes: dict[str, Any]
) -> None:
    column = values_of("applications", name, values)
    assert entry(range_remedy(column, False), name) == {"from": "src"} | changes
    assert column.fits(**changes)


def test_a_unit_that_leaves_one_value_outside_is_not_proposed() -> None:
    text = range_remedy(values_of("applications", "annual_rate", [6.5, 101.0, 250.0, 3.0, -2.0, -8.0]), False)
    assert "`" not in text
    assert "`" not in range_remedy(values_of("applications", "annual_rate", [6.5, 1.0, -1.0]), True)


def test_amounts_with_fractions_are_in_yuan_or_ten_thousand_yuan() -> None:
    text = whole_number_remedy(values_of("applications", "loan_amount", [0.9, 12.5]), False)
    assert [entry(text, "loan_amount", i)["factor"] for i in range(2)] == [100, 1_000_000]
    text = whole_number_remedy(values_of("applications", "loan_amount", [9e6 + 0.5]), False)
    assert "`loan_amount: {from: src, factor: 100}`" in text  # 万元 would exceed the range
    assert "1000000" not in text
    text = whole_number_remedy(values_of("applications", "term_months", [0.5, 3.0]), False)
    assert entry(text, "term_months") == {"from": "src", "factor": 12} and "rounds them" in text


def test_words_among_numbers_are_markers_unless_they_hold_digits_or_are_most_of_the_values() -> None:
    column = values_of("applications", "loan_amount", ["5", "n/a", "7", "unknown", "9"])
    assert entry(number_remedy(column, False), "loan_amount")["nulls"] == ["n/a", "unknown"]
    assert "nulls" not in number_remedy(values_of("applications", "loan_amount", ["5", "about 9 or 10"]), False)
    assert "nulls" not in number_remedy(values_of("applications", "loan_amount", ["a lot", "5"] + ["much"] * 9), False)
    assert missing_markers(values_of("leads", "lead_id", ["a"]), False) == ""


def test_miles_and_thousands_are_converted_and_not_only_stripped() -> None:
    miles = ["10 miles", "100 miles"]
    text = number_remedy(values_of("vehicles", "mileage_km", miles), False)
    assert entry(text, "mileage_km") == {"from": "src", "strip": ["miles"], "factor": 1.609344}
    checked = values_of("vehicles", "mileage_km", miles, **entry(text, "mileage_km")).checked()
    assert checked is not None and sorted(checked["mileage_km"]) == pytest.approx([16.09344, 160.9344])
    text = number_remedy(values_of("leads", "price", ["12.5k", "90k"], factor=100), False)
    assert entry(text, "price") == {"from": "src", "factor": 100_000, "strip": ["k"]}  # 12.5k yuan are 1,250,000 fen


def test_a_word_that_may_change_a_number_is_stripped_under_a_condition() -> None:
    text = number_remedy(values_of("vehicles", "mileage_km", ["10 ri", "100 ri"]), False)
    assert text.endswith("then every value fits, if 'ri' is no multiple and no unit but km")
    text = number_remedy(values_of("vehicles", "mileage_km", ["10 miles", "100"]), False)
    assert text == "some numbers are in another unit or a multiple ('miles'): write all in one unit in the source"


def test_a_point_that_may_be_either_gets_both_entries() -> None:
    text = number_remedy(values_of("leads", "price", ["1.234 xx", "5.678 xx"], factor=100), False)
    assert text.startswith("if the point is a decimal mark, ") and "; if it separates thousands, " in text
    assert [entry(text, "price", i)["decimal"] for i in range(2)] == [".", ","]


def test_markers_of_personal_columns_are_shown_where_they_mean_missing_everywhere() -> None:
    incomes = [5_000, 6_000, 7_000, -999]
    text = range_remedy(values_of("applications", "monthly_income", incomes), True)
    assert text == "if -999 means missing, `monthly_income: {from: src, nulls: [-999]}`"
    assert "-998" not in range_remedy(values_of("applications", "monthly_income", [5_000, 6_000, 7_000, -998]), True)
    text = number_remedy(values_of("applications", "monthly_income", ["5000", "6000", "无"], factor=100), True)
    assert entry(text, "monthly_income")["nulls"] == ["无"]


def test_the_other_of_two_outcomes_has_the_other_meaning() -> None:
    text = flag_remedy(values_of("loan_outcomes", "defaulted", ["J", "N"]), False)
    assert text == "if J means defaulted, `defaulted: {from: src, map: {J: true, N: false}}`"


@pytest.mark.parametrize(
    ("values", "format"),
    [
        (["Aug 29, 2025", "Sep 1, 2025"], "%b %d, %Y"),
        (["29-Aug-25", "01-Sep-25"], "%d-%b-%y"),
        (["31.12.2024", "01.02.2024"], "%d.%m.%Y"),
        (["12/31/2024 14:05", "01/02/2024 09:00"], "%m/%d/%Y %H:%M"),
        (["2024年3月5日", "2024年12月31日"], "%Y年%m月%d日"),
    ],
)
def test_dates_have_the_format_that_reads_all_of_them(values: list[str], format: str) -> None:
    column = values_of("leads", "created_at", values)
    assert entry(time_remedy(column, False), "created_at")["format"] == format
    assert column.fits(format=format)


def test_day_and_month_that_may_be_either_are_both_proposed() -> None:
    text = time_remedy(values_of("leads", "created_at", ["01/02/2024", "03/04/2024"]), False)
    assert entry(text, "created_at", 0)["format"] == "%d/%m/%Y" and "if the day comes first" in text
    assert entry(text, "created_at", 1)["format"] == "%m/%d/%Y" and "if the month comes first" in text


def test_a_mark_that_can_be_read_in_two_ways_has_both_entries_though_other_values_break_other_rules() -> None:
    text = marks_remedy(AMBIGUOUS, values_of("leads", "price", ["1.234", "(500)", "2.345"], factor=100))
    assert "if the point is a decimal mark" in text and entry(text, "price", 0)["decimal"] == "."
    assert "if the point separates thousands" in text and entry(text, "price", 1)["thousands"] == ["."]


def test_texts_that_are_no_dates_get_no_entry() -> None:
    assert "`created_at" not in time_remedy(values_of("leads", "created_at", ["soon", "later"]), False)
    assert "allow_future" in future_remedy(values_of("leads", "created_at", ["2099-01-01"]), False)


def read(folder: Path, text: str, table: str, **source: Any) -> TableReport:
    (folder / "table.csv").write_text(text)
    config = SourcesConfig(max_quarantined_share=0.5, tables={table: {"csv": str(folder / "table.csv"), **source}})
    return read_tables(config, [table], quarantine_folder=folder).reports[table]


def test_a_report_explains_the_rules_below_the_limit_too(tmp_path: Path) -> None:
    columns = {"application_id": "id", "defaulted": "bad"}
    report = read(tmp_path, "id,bad\n1,Y\n2,N\n3,?\n", "loan_outcomes", columns=columns)
    (violation,) = report.violations
    assert (violation.title, violation.rows, violation.example) == (
        "defaulted (source column `bad`): wrong type", 1, "'?'",
    )  # fmt: skip
    assert violation.remedy == (
        '`defaulted: {from: bad, map: {"?": ..., N: false, Y: true}}` with true for the values that mean defaulted, '
        "false for the others and null where it is not known yet; at sources: tables.loan_outcomes.columns"
    )
    assert report.rules == {violation.label: 1}


def test_a_missing_key_can_be_numbered_or_left_out(tmp_path: Path) -> None:
    columns = {"application_id": "id", "defaulted": "bad"}
    report = read(tmp_path, "id,bad\n1,Y\n2,N\n,N\n", "loan_outcomes", columns=columns)
    assert report.violations[0].remedy == (
        "fill in `id`, or number the rows with `application_id: {row_number: true}` at sources: "
        "tables.loan_outcomes.columns, or leave these rows out with `drop: {id: [null]}` at sources: "
        "tables.loan_outcomes"
    )
    dropped = read(tmp_path, "id,bad\n1,Y\n2,N\n,N\n", "loan_outcomes", columns=columns, drop={"id": [None]})
    assert dropped.violations == () and dropped.rows_valid == 2


def test_repeated_keys_and_unlisted_values_have_their_remedies(tmp_path: Path) -> None:
    columns = {"application_id": "id", "defaulted": {"from": "bad", "map": {"G": False}}}
    with pytest.raises(DataError) as raised:
        read(tmp_path, "id,bad\n1,G\n2,B\n3,B\n", "loan_outcomes", columns=columns)
    assert "map: {G: false, B: ...}" in str(raised.value) and "`map_other`" in str(raised.value)
    repeated = read(
        tmp_path, "id,bad\n1,Y\n1,N\n2,N\n3,N\n", "loan_outcomes", columns={"application_id": "id", "defaulted": "bad"}
    )
    assert "`duplicate_keys: latest`" in str(repeated.violations[0].remedy)


def test_a_rule_on_several_columns_has_no_values() -> None:
    mapping = ColumnMapping((), key=("store_id", "model"), time=None, problems=(), unused=())
    text = remedy("duplicate key", TABLES["stock"], mapping, None, field="tables.stock", hidden=False)
    assert text == "keep one row for each combination of store_id, model"


def test_a_violation_reads_as_a_sentence_with_the_column_of_the_source() -> None:
    assert in_source("price", None) == "price"
    violation = Violation("price", "Preis", "wrong type", 1, "'a lot'", "correct it")
    assert violation.sentence == "price (source column `Preis`): wrong type in 1 row, for example 'a lot' (correct it)"


@pytest.mark.parametrize(
    "content",
    [
        {
            "from": "a b",
            "map": {1: True, "1": False, "no": None, 2.5: "x: y"},
            "nulls": ["-", "", "null", "ü", "#", "a, b"],
        },
        {"format": "%d/%m/%Y", "strip": ["$", "kr.", "'", '"'], "factor": 0.01},
    ],
)
def test_a_line_of_yaml_reads_back_as_it_was_meant(content: dict[str, Any]) -> None:
    assert parse_yaml(f"x: {flow(content)}", "message")["x"] == content
    assert scalar("yes") == "yes" and scalar("true") == '"true"'
    assert column_line("p", ColumnSource(source="q")) == "`p: {from: q}`" and written(ColumnSource(source="q")) == {
        "from": "q"
    }


def test_a_format_that_changes_nothing_is_not_proposed() -> None:
    days = ["2023-01-01", "2023-01-02", "2023-01-03", "9999-12-31"]
    text = time_remedy(values_of("leads", "created_at", days), False)
    assert text == (
        "correct 9999-12-31 in the source, or leave these rows out with `drop: {src: [9999-12-31]}` beside `columns`"
    )
    assert "9999" not in time_remedy(values_of("leads", "created_at", days), True)
    text = time_remedy(values_of("leads", "closed_at", days), False)
    assert text.startswith("if 9999-12-31 means missing, `closed_at: {from: src, nulls: [")
    assert values_of("leads", "closed_at", days, **entry(text, "closed_at")).fits()
