"""Headers below titles, with other separators, and with repeated or blank names."""

from __future__ import annotations

from typing import Any

import pytest

from features.errors import DataError
from features.sources.csv_header import Header, find_header

NAMES = ("lead_id", "created_at", "price")


def _header(text: str, **options: Any) -> Header:
    return find_header(
        text, **{"separator": None, "skip_rows": None, "names": NAMES, "mapped": (), "where": "leads"} | options
    )


@pytest.mark.parametrize(
    "title",
    [
        "Sales report 2024\n",
        "Sales report, January, all stores\n\n",
        '"Report of ""Autohaus""\nprinted 2024-01-02"\n',
        "Company,,\nPrinted,2024-01-05,\n,,\n",
        "a\nb\nc\n\n\n",
    ],
)
def test_lines_above_the_header_are_recognised_by_the_names_of_the_table(title: str) -> None:
    header = _header(title + "lead_id,created_at,price\nL1,2024-01-01,5\n")
    n = title.count("\n")
    assert (header.names, header.line, header.n_lines) == (NAMES, n + 1, n + 1)
    assert f"`skip_rows: {n}` confirms this" in header.notes[0]
    assert _header(title + "lead_id,created_at,price\n", skip_rows=n).notes == ()


def test_a_single_cell_above_rows_of_several_is_a_title_whatever_the_names() -> None:
    assert _header("Bericht\n\nNummer,Preis\n1,5\n2,6\n").names == ("Nummer", "Preis")


def test_skip_rows_is_checked_against_the_names_of_the_table() -> None:
    assert _header("title\na,b,c\n", skip_rows=0).names == ("title",)
    for skip_rows, line in ((0, 1), (2, 3)):
        with pytest.raises(
            DataError, match=rf"line {line} has none of the table's columns, line 2 has: set `skip_rows: 1`"
        ):
            _header("title\nlead_id,created_at,price\nL1,2024-01-01,5\n", skip_rows=skip_rows)
    with pytest.raises(DataError, match=r"`skip_rows: 9` leaves no line of the header"):
        _header("title\nlead_id,created_at,price\n", skip_rows=9)


def test_a_header_without_names_of_the_table_stays_the_first_line() -> None:
    assert _header("a,b,c\nx,y,z\n1,2,3\n").line == 1


def test_values_that_equal_one_name_make_no_header() -> None:
    assert _header("kind,amount\nprice,5\n").line == 1


@pytest.mark.parametrize(("separator", "written"), [(";", '";"'), ("\t", '"\\t"'), ("|", '"|"')])
def test_another_separator_is_proposed_after_it_was_tried(separator: str, written: str) -> None:
    text = "lead_id,created_at,price\nL1,2024-01-01,1\nL2,2024-01-02,2\n".replace(",", separator)
    with pytest.raises(DataError) as raised:
        _header(text)
    assert f"is 1 column with the separator ',': set `separator: {written}`, which gives 3 columns there and" in str(
        raised.value
    )
    assert "in the next 2 lines" in str(raised.value)
    assert _header(text, separator=separator).names == NAMES


def test_a_separator_that_does_not_fit_the_lines_is_not_proposed() -> None:
    assert _header("a;b\n1\n2\n").names == ("a;b",)


def test_a_decimal_comma_does_not_hide_the_separator() -> None:
    with pytest.raises(DataError, match='set `separator: ";"`'):
        _header("lead_id;created_at;price\nL1;2024-01-01;1,5\nL2;2024-01-02;2,5\n")


def test_an_explicit_separator_takes_precedence_over_that_of_the_file_with_a_note() -> None:
    header = _header("sep=,\nlead_id;price\nL1;5\n", separator=";")
    assert header.names == ("lead_id", "price") and header.separator == ";"
    assert header.notes == ("`separator: ';'` takes precedence over the file's first line, `sep=,`",)


def test_repeated_and_blank_names_become_different_and_repetitions_are_noted() -> None:
    header = _header("lead_id,price,,price,price\n")
    assert header.names == ("lead_id", "price", "column 3", "price (2)", "price (3)")
    assert header.notes == ("the header has `price` in the fields 2, 4, 5: `price` is the first, `price (2)` the next",)


def test_blanks_around_a_name_stay_where_sources_yaml_has_them() -> None:
    assert _header(" lead_id ,price \n", mapped=["price "]).names == ("lead_id", "price ")


def test_a_name_with_a_line_break_is_one_header() -> None:
    header = _header('lead_id,"price\n(yuan)"\nL1,5\n')
    assert header.names == ("lead_id", "price\n(yuan)") and header.n_lines == 2
