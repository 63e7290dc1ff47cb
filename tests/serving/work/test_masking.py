"""Rows as they were at an instant."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from features.tables import TABLES
from serving.work.masking import rows_at


def frame(name: str, *rows: dict[str, Any]) -> pl.DataFrame:
    """Return a table with all columns of its contract."""
    schema = {column: contract.dtype for column, contract in TABLES[name].columns.items()}
    return pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows], schema=schema)


def test_a_lead_that_is_sold_later_is_open_and_has_no_margin() -> None:
    """At 50 it was contacted once, at 20; it is sold at 80."""
    lead = {"lead_id": "L", "created_at": 10, "first_contact_at": 20, "last_contact_at": 70, "contact_count": 3}
    rows = rows_at("leads", frame("leads", {**lead, "converted": True, "converted_at": 80, "gross_margin": 900}), 50)
    row = rows.row(0, named=True)
    assert (row["converted"], row["converted_at"], row["gross_margin"], row["contact_count"]) == (None,) * 4
    assert row["first_contact_at"] == 20


def test_a_lead_that_was_lost_before_stays_lost() -> None:
    """What was recorded by the instant is kept."""
    rows = rows_at("leads", frame("leads", {"lead_id": "L", "created_at": 10, "closed_at": 40, "converted": False}), 50)
    assert rows["converted"].to_list() == [False]
    assert rows["closed_at"].to_list() == [40]


def test_a_loan_is_neither_good_nor_bad_before_its_window_ends() -> None:
    """A default is known when it happens, the absence of one at the end of the window."""
    good = {"application_id": "good", "originated_at": 10, "observed_at": 90, "defaulted": False}
    bad = {**good, "application_id": "bad", "defaulted": True, "defaulted_at": 40}
    later = {**bad, "application_id": "later", "defaulted_at": 60}
    rows = rows_at("loan_outcomes", frame("loan_outcomes", good, bad, later), 50)
    assert dict(rows.select("application_id", "defaulted").iter_rows()) == {"good": None, "bad": True, "later": None}


@pytest.mark.parametrize(
    ("name", "time"), [("sales", "sold_at"), ("applications", "submitted_at"), ("stock", "snapshot_at")]
)
def test_later_rows_are_absent(name: str, time: str) -> None:
    """A row begins to exist at its time."""
    key = {column: "k" for column in TABLES[name].key if column != time}
    rows = rows_at(name, frame(name, {**key, time: 50}, {**key, time: 51}), 50)
    assert rows[time].to_list() == [50]


def test_no_instant_of_the_future_remains_in_any_table() -> None:
    """Every instant column of every row is null or not later, but for dates that are planned."""
    planned = {"observed_at"}  # the end of an observation window that is still open
    for name, table in TABLES.items():
        instants = [n for n, c in table.columns.items() if c.unit == "us" and n not in planned]
        early = {**dict.fromkeys(table.key, "k"), **dict.fromkeys(instants, 10)}
        rows = [{**early, n: 90} for n in instants if table.columns[n].outcome]
        if not rows:
            continue
        masked = rows_at(name, frame(name, *rows), 50)
        for column in instants:
            assert (masked[column].drop_nulls() <= 50).all(), (name, column)
