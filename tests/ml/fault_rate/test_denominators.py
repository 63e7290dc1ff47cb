"""Exposure from a table of denominators, by hand: vehicles in use, sales and complaints."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.aggregations import DAY
from features.errors import DataError
from ml.fault_rate.denominators import build_denominator_exposure
from ml.fault_rate.exposure import FleetExposure
from ml.fault_rate.model_years import UNKNOWN_BUILD, build_of_model_year
from ml.fault_rate.months import at_month_end

JANUARY, FEBRUARY, MARCH, APRIL = (d * DAY for d in (0, 31, 59, 90))  # of 1970


def records(*rows: tuple[str, str, int, int], **columns: Any) -> pl.DataFrame:
    """Model, component, instant and count of each row; every row is a fault."""
    frame = pl.DataFrame(rows, schema=["model", "component", "serviced_at", "count"], orient="row")
    return frame.with_columns(fault=pl.lit(value=True), **columns)


def monthly(table: dict[str, Any], rows: pl.DataFrame) -> FleetExposure:
    """Exposure of the three months from January on: 12 weeks and 6 days, so that the weeks begin on the 7th."""
    return build_denominator_exposure(pl.DataFrame(table), at_month_end(rows), as_of=APRIL, since=0, monthly=True)


FAULTS = records(("A", "brakes", JANUARY, 3), ("A", "brakes", FEBRUARY, 4), ("A", "brakes", MARCH, 5))


def test_vehicles_in_use_hold_until_the_next_figure() -> None:
    table = {"model": ["A", "A"], "month": [JANUARY, MARCH], "count": [100, 50]}
    exposure = monthly(table, FAULTS)
    years = exposure.at_risk[0][exposure.at_risk[0] > 0] * 365.25
    assert years.round(6).tolist() == [3100, 2800, 1550]
    assert exposure.counts(0)[exposure.at_risk > 0].tolist() == [3, 4, 5]
    assert exposure.basis == "exposure" and "vehicles in use" in exposure.notes[0]


def test_vehicles_sold_add_up_and_count_half_in_their_month() -> None:
    table = {"model": ["A", "A"], "month": [JANUARY, MARCH], "count": [100, 50], "kind": ["sales", "sales"]}
    exposure = monthly(table, FAULTS)
    years = exposure.at_risk[0][exposure.at_risk[0] > 0] * 365.25
    assert years.round(6).tolist() == [50 * 31, 100 * 28, 125 * 31]
    assert "vehicles sold before its first month are not in it" in exposure.notes[0]


def test_complaints_count_in_their_own_month() -> None:
    table = {"model": ["A", "A"], "month": [JANUARY, MARCH], "count": [100, 50], "kind": ["complaints"] * 2}
    exposure = monthly(table, FAULTS)
    assert exposure.at_risk[0][exposure.at_risk[0] > 0].tolist() == [100, 50]
    assert exposure.basis == "reports"
    assert "left out: 4 faults of a model, model year or month without exposure" in exposure.notes


def test_days_of_a_month_are_spread_over_weeks() -> None:
    """Daily faults: 28 vehicles in use in February are 28 vehicle-days a day, and nothing is lost at month ends."""
    table = pl.DataFrame({"model": "A", "month": [JANUARY, FEBRUARY, MARCH], "count": [31, 28, 31]})
    daily = records(("A", "brakes", 40 * DAY, 2))
    exposure = build_denominator_exposure(table, daily, as_of=84 * DAY, since=0)
    assert (exposure.at_risk[0, :4] * 365.25).round(6).tolist() == [217.0] * 4
    assert (exposure.at_risk[0, 4] * 365.25).round(6) == 3 * 31 + 4 * 28
    assert exposure.at_risk.sum() * 365.25 == pytest.approx(31 * 31 + 28 * 28 + 25 * 31)


def test_a_component_may_have_its_own_denominator() -> None:
    table = {"model": ["A", "A", "B"], "month": [JANUARY] * 3, "count": [100, 10, 7], "component": [None, "pump", None]}
    rows = records(("A", "brakes", JANUARY, 1), ("A", "pump", JANUARY, 1), ("B", "pump", FEBRUARY, 1))
    exposure = monthly(table, rows)
    brakes, pump = (exposure.at_risk_of(c)[:, 3] * 365.25 / 31 for c in range(2))
    assert brakes.round(6).tolist() == [100, 7] and pump.round(6).tolist() == [10, 7]


def test_model_years_meet_model_years() -> None:
    table = {"model": ["A", "A", "A", "B"], "model_year": [2020, 2021, None, 2020], "month": [JANUARY] * 4,
             "count": [10, 20, 30, 40]}  # fmt: skip
    rows = records(("A", "brakes", JANUARY, 1), ("A", "brakes", JANUARY, 2), ("B", "brakes", FEBRUARY, 3))
    rows = rows.with_columns(model_year=pl.Series([2020, 2021, None]))
    exposure = monthly(table, rows)
    builds = [build_of_model_year(2020), build_of_model_year(2021), UNKNOWN_BUILD]
    assert exposure.strata.select("model", "build").rows() == list(zip("AAB", builds, strict=True))
    assert (exposure.at_risk[:, 3] * 365.25 / 31).round(6).tolist() == [10, 20, 40]
    assert exposure.build_axis == "model_year"
    # Without years in the records the total row stands for the model, not the sum with its parts.
    plain = monthly(table, rows.drop("model_year"))
    assert (plain.at_risk[:, 3] * 365.25 / 31).round(6).tolist() == [30, 40]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": ["sales", None]}, "denominators.kind: must be the same in all rows, got in_use and sales"),
        ({"model": ["X", "Y"]}, "no fault is of a model with an exposure"),
        ({"month": [APRIL, APRIL]}, "no fault is of a model with an exposure"),
    ],
)
def test_denominators_that_cannot_be_used_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        monthly({"model": ["A", "B"], "month": [JANUARY, JANUARY], "count": [1, 1]} | change, FAULTS)


@given(st.lists(st.integers(1, 1_000), min_size=12, max_size=12), st.integers(0, 100), st.integers(1, 36))
def test_every_day_of_the_weeks_has_its_share_of_the_month(counts: list[int], first: int, weeks: int) -> None:
    edges = np.arange(13).astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    table = pl.DataFrame({"model": "A", "month": edges[:-1], "count": counts, "kind": "complaints"})
    begin, end = first * DAY, (first + 7 * weeks) * DAY
    exposure = build_denominator_exposure(table, records(("A", "brakes", end - 1, 1)), as_of=end, since=begin)
    share = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin), 0, None) / np.diff(edges)
    assert exposure.at_risk.sum() == pytest.approx((share * np.array(counts)).sum())
