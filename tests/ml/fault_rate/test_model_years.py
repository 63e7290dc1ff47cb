"""Model years on the build axis: a raised year is named as a year."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from ml.fault_rate.exposure import build_exposure
from ml.fault_rate.model_years import (
    UNKNOWN_BUILD,
    affected_builds,
    build_of_model_year,
    model_year_of_build,
    with_build_dates,
)
from ml.fault_rate.reports import build_report_exposure
from ml.fault_rate.surveillance import run_surveillance

WEEK = 7 * DAY


@pytest.mark.parametrize("year", [1950, 1969, 1970, 2023, 2100])
def test_a_year_survives_the_build_axis(year: int) -> None:
    assert model_year_of_build(build_of_model_year(year)) == year
    fleet, by_model_year, _ = with_build_dates(pl.DataFrame({"vehicle_id": ["V"], "model_year": [year]}))
    quarter = fleet["built_at"][0] / DAY // (365.25 / 4)
    assert by_model_year and model_year_of_build(int(quarter)) == year


def test_build_dates_come_first() -> None:
    fleet = pl.DataFrame({"vehicle_id": ["V", "W"], "model_year": [2020, 2021], "built_at": [18_000 * DAY, None]})
    assert with_build_dates(fleet)[0].equals(fleet) and not with_build_dates(fleet)[1]
    unbuilt = fleet.with_columns(built_at=pl.lit(None, dtype=pl.Int64), model_year=pl.Series([2020, None]))
    cars, by_model_year, notes = with_build_dates(unbuilt)
    assert by_model_year and cars["built_at"].null_count() == 1
    assert notes[-1] == "1 vehicle without model_year: the year of the start of use is taken"


def test_limits_of_a_range() -> None:
    assert set(affected_builds(None, "quarter").values()) == {None}
    one = affected_builds(np.array([build_of_model_year(2021)]), "model_year")
    assert (one["built_from"], one["built_until"]) == (date(2021, 1, 1), date(2022, 1, 1))
    assert (one["model_year_from"], one["model_year_until"]) == (2021, 2021)


def _fleet(years: tuple[int, ...], cars: int) -> pl.DataFrame:
    """As many cars of each model and year, in use since long before."""
    rows = [(f"{m}{y}-{i}", m, y, 15_000 * DAY) for m in "AB" for y in years for i in range(cars)]
    return pl.DataFrame(rows, schema=["vehicle_id", "model", "model_year", "entered_service_at"], orient="row")


def test_an_alarm_of_a_fleet_names_the_model_year() -> None:
    fleet, since = _fleet((2019, 2020, 2021, 2022), 50), 19_000 * DAY
    rows = []
    for week in range(80):
        for m in "AB":
            for y in (2019, 2020, 2021, 2022):
                faults = 6 if week >= 50 and (m, y) == ("A", 2021) else 1
                rows += [(f"{m}{y}-{(week * 7 + i) % 50}", since + week * WEEK + i * 3_600) for i in range(faults)]
    records = pl.DataFrame(rows, schema=["vehicle_id", "serviced_at"], orient="row")
    records = records.with_columns(component=pl.lit("brakes"), fault=pl.lit(value=True))
    exposure = build_exposure(fleet, records, as_of=since + 80 * WEEK, since=since, comeback_days=0)
    assert exposure.build_axis == "model_year" and exposure.strata.height == 8
    (alarm,) = run_surveillance(exposure, start=50, alpha=0.05, longest_delay=60).alarms().to_dicts()
    assert (alarm["model"], alarm["model_year_from"], alarm["model_year_until"]) == ("A", 2021, 2021)


def test_records_without_a_model_year_count_without_one() -> None:
    """The unknown year is a stratum of its own, in the last age band, and never an affected year."""
    rows, since = [], 19_000 * DAY
    for week in range(80):
        for y in (2019, 2020, None):
            raised = 8 if week >= 50 and y is None else 0
            rows += [
                ("A", y, "pump", 2 + raised, since + week * WEEK + DAY),
                ("A", y, "seat", 10, since + week * WEEK + DAY),
            ]
            rows += [("B", y, "pump", 2, since + week * WEEK + DAY), ("B", y, "seat", 10, since + week * WEEK + DAY)]
    records = pl.DataFrame(rows, schema=["model", "model_year", "component", "count", "serviced_at"], orient="row")
    records = records.with_columns(fault=pl.lit(value=True))
    exposure = build_report_exposure(records, as_of=since + 80 * WEEK, since=since)
    unknown = (exposure.strata["build"] == UNKNOWN_BUILD).to_numpy()
    assert unknown.sum() == 2 and (exposure.age[unknown] == 99.0).all() and (exposure.age[~unknown] < 5).all()
    alarm = run_surveillance(exposure, start=50, alpha=0.05, longest_delay=60).alarms().row(0, named=True)
    assert (alarm["model"], alarm["component"], alarm["model_year_from"]) == ("A", "pump", None)
    assert alarm["count"] == 30 * (3 * 2 + 8)  # of all builds, in the test weeks
