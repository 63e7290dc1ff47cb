"""Numbers in text: one grammar, with the marks of a column."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.sources.currencies import CURRENCY, currency_of
from features.sources.numbers import (
    AMBIGUOUS,
    CONTINENTAL,
    ENGLISH,
    MULTIPLE,
    PERCENT,
    NumberMarks,
    NumberReading,
    count_marks,
    read_numbers,
)


def read(text: str, reading: NumberReading | None = None) -> float | str | None:
    result = read_numbers(pl.Series([text, None]), reading or NumberReading())
    assert result[1] == {"value": None, "rule": None}
    number = result[0]
    assert (number["value"] is None) != (number["rule"] is None)
    return number["rule"] if number["value"] is None else number["value"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12000", 12_000),
        ("-5.25", -5.25),
        (".5", 0.5),
        ("1.5E+03", 1_500),
        ("12,345", 12_345),
        ("1,234,567.89", 1_234_567.89),
        ("12,00,000", 1_200_000),
        ("1,23,45,678.50", 12_345_678.5),
        ("12 000", 12_000),
        ("12\u00a0000.50", 12_000.5),
        ("1\u202f234\u202f567", 1_234_567),
        ("12'000", 12_000),
        ("12’000.5", 12_000.5),
        ("$24,995", 24_995),
        ("-$500", -500),
        ("$-500", -500),
        ("US$ 1,200", 1_200),
        ("KSh 8,136,000", 8_136_000),
        ("Rs. 500", 500),
        ("¥12,000", 12_000),
        ("￥１２，０００．５", 12_000.5),
        ("12000元", 12_000),
        ("人民币 500", 500),
        ("CNY 12000", 12_000),
        ("12000 EUR", 12_000),
        ("(500)", -500),
        ("($1,500.50)", -1_500.5),
        ("$(500)", -500),
        ("（５００）", -500),
        ("500-", -500),
        ("500.00 -", -500),
        ("500 USD-", -500),
        ("−500", -500),
        ("- 500", -500),
        ("CHF 500.-", 500),
        ("12.5万", 125_000),
        ("3万元", 30_000),
        ("1.2亿", 120_000_000),
        ("0.07万", 700),
        ("(2万)", -20_000),
        ("₹ 5.49 Lakh", 549_000),
        ("1.5 crore", 15_000_000),
        ("92,000/-", 92_000),
        ("'1,234", 1_234),
        ("inf", math.inf),
    ],
)
def test_a_number_is_read_with_its_sign_currency_and_groups(text: str, number: float) -> None:
    assert read(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *("a lot", "12k", "1,2,3", "12,34", "1,2345", "0,123", "--5", "(-5)", "((5))", "5)", "$", "-", "12 00", "1 2"),
        *("12 000,5", "1.2.3", "12²", "½", "5 L", "XYZ 5", "USDX5", "1e3万", "12万5千", "1 234,567", "12,000 000"),
        *("5 km", "#REF!"),
    ],
)
def test_anything_else_is_no_number(text: str) -> None:
    assert read(text) == "wrong type"


def test_percent_signs_and_multiples_are_read_where_the_reading_says_so() -> None:
    assert read("12%") == PERCENT and read("12 %", NumberReading(percent=True)) == 0.12
    assert read("６％", NumberReading(percent=True)) == 0.06
    assert read("3万", NumberReading(multiples=False)) == MULTIPLE


def test_units_of_the_contract_are_read_and_others_are_not() -> None:
    reading = NumberReading(units=("km", "公里"))
    assert read("12,345 km", reading) == 12_345 and read("500公里", reading) == 500
    assert read("3.5万公里", reading) == 35_000 and read("3.5 万 km", reading) == 35_000
    assert read("500 mi", reading) == "wrong type" and read("km", reading) == "wrong type"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.234,56", 1_234.56),
        ("12.000 €", 12_000),
        ("-3,5", -3.5),
        (",5", 0.5),
        ("500,-", 500),
        ("1.000.000", 1_000_000),
        ("12 000,50", 12_000.5),
        ("12.5", "wrong type"),
        ("1,234,567", "wrong type"),
        ("1,234.5", "wrong type"),
        ("7", 7),
    ],
)
def test_a_column_with_decimal_commas_is_read_with_them_alone(text: str, number: float | str) -> None:
    assert read(text, NumberReading(marks=CONTINENTAL)) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.234,56", 1_234.56), ("1,234,567", 1_234_567), ("12,00,000", 1_200_000), ("12 000", 12_000), ("7", 7)]
    + [(text, AMBIGUOUS) for text in ("1.234", "12,345", "12.5", "12,5", "$12,345")],
)
def test_in_a_column_that_contradicts_itself_a_number_must_prove_its_marks(text: str, number: float | str) -> None:
    assert read(text, NumberReading(marks=None)) == number
    assert read("12.5", NumberReading(marks=None, single_marks=True)) == 12.5


def test_configured_marks_and_texts_are_exact() -> None:
    swiss = NumberReading(marks=NumberMarks(".", ("'",)), strip=("CHF", "pro Tag"))
    assert read("CHF 12'000.50 pro Tag", swiss) == 12_000.5
    assert read("12,000", swiss) == read("12 000", swiss) == read("$5", swiss) == read("5%", swiss) == "wrong type"
    only_comma = NumberReading(marks=NumberMarks(","))
    assert read("12,5", only_comma) == 12.5 and read("1.234,5", only_comma) == "wrong type"


def test_counts_of_what_proves_the_marks_and_what_does_not() -> None:
    bodies = pl.Series(["1", "12.5", "0.125", "1234.567", "1,234.5", "12,5", "1.234.567", "1.234", "-12,345"])
    counts = {"english": 4, "continental": 2, "groups": 2, "point": 1, "comma": 1}
    assert count_marks(bodies) == counts


def test_a_currency_has_one_code_however_it_is_written() -> None:
    assert {currency_of(c) for c in ("¥", "元", "RMB", "CNY")} == {"CNY"} and currency_of("AED") == "AED"
    assert "US\\$" in CURRENCY.split("|") and CURRENCY.split("|").index("US\\$") < CURRENCY.split("|").index("\\$")


def grouped(digits: str, mark: str) -> str:
    return f"{int(digits):,}".replace(",", mark)


@settings(deadline=None)
@given(
    st.integers(0, 10**12),
    st.integers(0, 99),
    st.sampled_from(
        [
            (ENGLISH, ",", "."),
            (ENGLISH, " ", "."),
            (ENGLISH, "'", "."),
            (CONTINENTAL, ".", ","),
            (CONTINENTAL, " ", ","),
        ]
    ),
    st.sampled_from(["{}", "${}", "{} EUR", "-{}", "{}-", "({})", "¥({})", "- {} €"]),
)
def test_every_number_that_is_written_with_marks_is_read_back(
    whole: int, cents: int, marks: tuple[NumberMarks, str, str], form: str
) -> None:
    mark, group, decimal = marks
    text = form.format(f"{grouped(str(whole), group)}{decimal}{cents:02}")
    sign = -1 if "-" in form or "(" in form else 1
    assert read(text, NumberReading(marks=mark)) == sign * float(f"{whole}.{cents:02}")


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_back(number: float) -> None:
    assert read(repr(number)) == number
    assert read(f"${number!r}") == number or "e" not in repr(number)


@settings(deadline=None)
@given(st.text(max_size=12))
def test_no_text_is_an_error(text: str) -> None:
    for reading in (NumberReading(), NumberReading(marks=None), NumberReading(marks=CONTINENTAL, percent=True)):
        read_numbers(pl.Series([text.strip() or None], dtype=pl.String), reading)
