"""Decimal and thousands marks, as the values of a column prove them or sources.yaml sets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.errors import ConfigError, DataError
from features.sources import ColumnSource, ExtraFeatures, SourcesConfig, read_tables
from features.sources.number_marks import LearntReading, configured_reading, learn_reading
from features.sources.numbers import CONTINENTAL, ENGLISH, MULTIPLE, PERCENT, NumberMarks, read_numbers


def learn(values: list[str | None], kind: str = "money", **options: Any) -> LearntReading:
    options = {"factor": 100, **options} if kind == "money" else options
    unit, is_shown = options.pop("unit", None), options.pop("is_shown", True)
    spec = ColumnSource(source="x", **options)
    return learn_reading(pl.Series(values, dtype=pl.String), spec, kind, unit=unit, is_shown=is_shown)


def numbers(values: list[str | None], kind: str = "money", **options: Any) -> list[float | str | None]:
    read = read_numbers(pl.Series(values, dtype=pl.String), learn(values, kind, **options).reading).to_list()
    return [r["value"] if r["rule"] is None else r["rule"] for r in read]


AMBIGUOUS = "ambiguous decimal or thousands mark"


@pytest.mark.parametrize(
    ("values", "marks", "expected"),
    [
        (["1.234,56", "1.234", "12"], CONTINENTAL, [1_234.56, 1_234, 12]),
        (["12,5", "1.234"], CONTINENTAL, [12.5, 1_234]),
        (["1.234.567", "12.345"], CONTINENTAL, [1_234_567, 12_345]),
        (["12 000,50", "1.234"], CONTINENTAL, [12_000.5, 1_234]),
        (["12,345", "1,234,567"], ENGLISH, [12_345, 1_234_567]),
        (["12,345", "7.50"], ENGLISH, [12_345, 7.5]),
        (["12,00,000", "1.234"], ENGLISH, [1_200_000, 1.234]),
        (["$24,995", "$8,136"], ENGLISH, [24_995, 8_136]),
        (["1234.567", "1.234"], ENGLISH, [1_234.567, 1.234]),
    ],
)
def test_values_with_one_reading_decide_on_those_with_two(
    values: list[str | None], marks: NumberMarks, expected: list[float]
) -> None:
    assert learn(values).reading.marks == marks and numbers(values) == expected


def test_without_proof_a_point_before_three_digits_is_never_a_fraction_of_a_fen() -> None:
    assert numbers(["1.234", "12.500", None]) == [AMBIGUOUS, AMBIGUOUS, None]
    (note,) = learn(["1.234", "12.500"]).notes
    assert "such as '1.234'" in note and 'are quarantined; set `thousands: "."` or `decimal: "."`' in note
    assert numbers(["1.234"], thousands=".") == [1_234] and numbers(["1.234"], decimal=".") == [1.234]
    assert numbers(["1.234"], factor=1_000_000) == [1.234]  # 万元: 12,340 yuan, whole fen
    assert numbers(["1.234"], "integer") == [AMBIGUOUS]


def test_without_proof_other_numbers_are_read_and_noted() -> None:
    assert numbers(["1.234", "12.500"], "number") == [1.234, 12.5]
    assert 'set `thousands: "."` if the point groups thousands' in learn(["1.234"], "number").notes[0]
    assert numbers(["1,234", "12,500"], "number") == [1_234, 12_500]
    assert 'set `decimal: ","` if decimals follow it' in learn(["1,234"], "number").notes[0]
    assert learn(["1,234"]).notes == ("1 number with marks is read, such as '1,234' as 1234",)
    assert numbers(["1.234", "1,234"], "number") == [AMBIGUOUS] * 2
    assert learn(["0.125", "1.234"], "number") == learn(["7", "8.5"], "number") and learn(["7"]).is_plain


def test_thousands_alone_do_not_make_a_fraction_of_a_fen() -> None:
    assert numbers(["$1,234", "1.234"], thousands=",") == [1_234, AMBIGUOUS]
    assert "set `decimal` if these are decimals" in learn(["$1,234", "1.234"], thousands=",").notes[0]
    assert numbers(["1,234", "1.234", "1.5"], thousands=",") == [1_234, 1.234, 1.5]
    assert numbers(["1,234", "1.234"], thousands=",", decimal=".") == [1_234, 1.234]
    assert numbers(["1,234", "1.234"], "number", thousands=",") == [1_234, 1.234]
    assert numbers(["1.234", "1,234"], thousands=".") == [1_234, AMBIGUOUS]


def test_values_that_contradict_each_other_are_named_and_only_certain_ones_are_read() -> None:
    values: list[str | None] = ["1,234,567", "1.234,56", "12,345", "12 000", "12.5"]
    assert numbers(values) == [1_234_567, 1_234.56, AMBIGUOUS, 12_000, AMBIGUOUS]
    note = learn(values).notes[0]
    assert "contradict each other on the decimal mark, such as '1,234,567' and '1.234,56'" in note
    assert numbers(["1.5", "2,5", "1.234"], "number") == [1.5, 2.5, AMBIGUOUS]  # no thousands mark in the column


def test_a_rare_contradiction_is_quarantined_and_does_not_decide() -> None:
    values = [f"{i}.25" for i in range(40)] + ["1,5"]
    assert numbers(values, "number")[-2:] == [39.25, "wrong type"]
    assert numbers(["2,5"] * 40 + ["1.234", "3.75"], "number")[-2:] == [1_234, "wrong type"]  # rows count, not values


def test_percentages_are_fractions_where_all_values_are_percentages() -> None:
    assert numbers(["12%", "3.5 %", "0"], "number") == [0.12, 0.035, 0]
    assert numbers(["12%", "0.5"], "number") == [PERCENT, 0.5]
    assert numbers(["12%"], "number", factor=0.01) == [PERCENT] and numbers(["12%"], "integer") == [PERCENT]
    assert numbers(["12%", "7 ％"], "number", factor=0.01, strip="%") == [12, 7]


def test_multiples_are_read_unless_the_factor_may_have_them() -> None:
    assert numbers(["12.5万", "3万元", "5"]) == [125_000, 30_000, 5]
    assert (
        "2 numbers with a multiple such as 万 are multiplied; the other 1 number has no such word"
        in learn(["12.5万", "3万元", "5"]).notes
    )
    assert numbers(["12.5万"], factor=1_000_000) == [MULTIPLE]
    assert numbers(["12.5万"], factor=1_000_000, strip="万") == [12.5]


def test_amounts_of_several_currencies_are_not_mixed() -> None:
    several = "amount in one of several currencies"
    assert numbers(["$5", "€6", "7"]) == [several, several, 7]
    assert "several currencies (EUR, USD)" in learn(["$5", "€6"]).notes[0]
    assert numbers(["¥5", "6元", "RMB 7", "CNY8"]) == [5, 6, 7, 8] and numbers(["$5", "€6"], strip=["$", "€"]) == [5, 6]


def test_notes_show_the_shape_of_personal_values_only() -> None:
    assert learn(["$24,995"], is_shown=False).notes[0] == "1 number with marks is read, such as '$99,999'"
    assert "'9.999'" in learn(["1.234"], is_shown=False).notes[0]


def test_the_configured_marks_and_texts_are_exact() -> None:
    assert configured_reading(ColumnSource(source="x", thousands=["’"])).marks == NumberMarks(".", ("'",))
    assert configured_reading(ColumnSource(source="x", thousands="\u00a0")).marks == NumberMarks(".", (" ",))
    assert numbers(["12,000", "12 000", "1.5"], thousands=",") == [12_000, "wrong type", 1.5]
    assert numbers(["1.234,5", "12,5", "1,234.5"], decimal=",") == ["wrong type", 12.5, "wrong type"]
    assert numbers(["KSh 8,136,000", "$5"], strip="KSh") == [8_136_000, "wrong type"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decimal": ",", "thousands": ","}, "both ','"),
        ({"thousands": [".", ","]}, "has both . and ,"),
        ({"thousands": "1"}, "part of the number"),
        ({"strip": "5%"}, "may be part of the number"),
        ({"strip": "."}, "with `decimal` and `thousands`"),
        ({"decimal": ",", "map": {"a": 1}}, "`decimal` reads numbers, and `map` lists its own"),
        ({"strip": "$", "unit": "s"}, "`strip` reads numbers and `unit` timestamps"),
        ({"decimal": ";"}, "decimal"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ColumnSource(source="x", **options)


CURRENCY = ["$24,995", "KSh 8,136,000", "¥12,000", "12 000", "12,00,000", "1.234,56", "1.234", "(500)"]


def read_margins(
    tmp_path: Path, values: list[Any], *, share: float = 1, extra: tuple[str, ...] = (), **options: Any
) -> tuple[list[int | None], Any]:
    """Return `gross_margin` of sales, which may be negative, and the report."""
    rows = {"sale_id": [f"S{i}" for i in range(len(values))], "sold_at": ["2024-01-02"] * len(values), "m": values}
    pl.DataFrame(rows).write_parquet(tmp_path / "sales.parquet")
    columns = {"gross_margin": {"from": "m", "factor": 100, **options}, **dict.fromkeys(extra, "m")}
    table = {"parquet": str(tmp_path / "sales.parquet"), "columns": columns}
    config = SourcesConfig(tables={"sales": table}, max_quarantined_share=share)
    features = {"sales": ExtraFeatures(numeric=extra)}
    tables = read_tables(config, ["sales"], extra=features, quarantine_folder=tmp_path / "quarantine")
    frame = tables.frames["sales"].collect().sort("sale_id")
    return dict(zip(frame["sale_id"], frame["gross_margin"], strict=True)), tables.reports["sales"]


def test_mixed_conventions_are_read_where_certain_and_quarantined_otherwise(tmp_path: Path) -> None:
    margins, report = read_margins(tmp_path, CURRENCY)
    assert margins == {"S3": 1_200_000, "S4": 120_000_000, "S5": 123_456, "S7": -50_000}
    assert report.rules == {
        "gross_margin: amount in one of several currencies": 3,
        "gross_margin: ambiguous decimal or thousands mark": 1,
    }
    margins, report = read_margins(tmp_path, CURRENCY, thousands=[",", " "], strip=["$", "KSh", "¥"])
    assert margins == {
        "S0": 2_499_500, "S1": 813_600_000, "S2": 1_200_000, "S3": 1_200_000, "S4": 120_000_000,
        "S7": -50_000,
    }  # fmt: skip
    assert report.rules == {
        "gross_margin: wrong type": 1,
        "gross_margin: ambiguous decimal or thousands mark": 1,
    }
    options = {"decimal": ".", "thousands": [",", " "], "strip": ["$", "KSh", "¥"]}
    margins, report = read_margins(tmp_path, CURRENCY, **options)
    assert margins["S6"] == 123 and report.rules == {"gross_margin: wrong type": 1}
    assert "gross_margin: 1 amount has a fraction of a fen, which is rounded" in report.notes


def test_the_error_names_the_rule_and_an_option(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ambiguous decimal or thousands mark in 2 rows.*thousands: "):
        read_margins(tmp_path, ["1.234", "12.500", "7"], share=0.02)


def test_values_of_extra_features_are_not_shown_and_options_without_effect_are_noted(tmp_path: Path) -> None:
    _, report = read_margins(tmp_path, ["1,234", "7"], extra=("km",))
    assert "column `m` (km): 1 number with marks is read, such as '9,999'" in report.notes
    margins, report = read_margins(tmp_path, [1.5, 2.5], decimal=",")
    assert margins == {"S0": 150, "S1": 250}
    assert report.notes == ("column `m` (gross_margin): `decimal` has no effect, because the column has type Float64",)


def test_a_number_of_nulls_is_missing_however_its_text_is_written(tmp_path: Path) -> None:
    margins, _ = read_margins(tmp_path, ["$9,999.00", "9999", "$5"], nulls=[9999])
    assert margins == {"S0": None, "S1": None, "S2": 500}


def test_marks_are_refused_for_columns_that_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("lead_id,created_at,model\nL1,2024-01-02,a\n")
    table = {"csv": str(tmp_path / "leads.csv"), "columns": {"model": {"from": "model", "strip": "km"}}}
    with pytest.raises(ConfigError, match="`strip` reads numbers, and this is a text column: remove `strip`"):
        read_tables(SourcesConfig(tables={"leads": table}), ["leads"], quarantine_folder=tmp_path / "quarantine")


@settings(deadline=None)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1), st.sampled_from([",", ".", " ", "'"]))
def test_a_column_of_grouped_numbers_with_decimals_is_read_back(values: list[int], group: str) -> None:
    decimal = "," if group == "." else "."
    texts = [f"{v:,}".replace(",", group) + f"{decimal}25" for v in values]
    expected = [float(f"{v}.25") for v in values]
    assert numbers([*texts], "number") == expected
