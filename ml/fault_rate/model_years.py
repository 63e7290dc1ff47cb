"""Model years on the build axis, which counts quarters: a model year stands for the third quarter of its year."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import polars as pl

from features.aggregations import DAY
from features.plurals import count_text
from ml.domain.arrays import IntArray

UNKNOWN_BUILD = -10_000  # quarters from 1970: of vehicles without a build date and a model year
FIRST_YEAR, QUARTERS, QUARTER_DAYS = 1970, 4, 365.25 / 4
EPOCH = date(1970, 1, 1)


def build_of_model_year(model_year: Any) -> Any:
    """Return the build quarter, counted from January 1970, of model years: an int, an array or an expression.

    >>> build_of_model_year(1970), build_of_model_year(2022)
    (2, 210)
    """
    return (model_year - FIRST_YEAR) * QUARTERS + 2


def model_year_of_build(build: int) -> int:
    """Return the year of a build quarter counted from January 1970.

    >>> model_year_of_build(210), model_year_of_build(2)
    (2022, 1970)
    """
    return FIRST_YEAR + build // QUARTERS


def with_build_dates(fleet: pl.DataFrame) -> tuple[pl.DataFrame, bool, tuple[str, ...]]:
    """Return the fleet with a build date in the middle of the model year where no vehicle has a build date.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id` and, optionally, `built_at` (int64, microseconds of the local clock since 1970) and `model_year`.

    Returns
    -------
    fleet : DataFrame
        With `built_at` if it has a `model_year`.
    by_model_year : bool
        Whether builds have the resolution of model years.
    notes : tuple of str
        How many vehicles have no model year: they count as built when they entered service.

    Examples
    --------
    >>> cars, by_model_year, _ = with_build_dates(pl.DataFrame({"vehicle_id": ["V"], "model_year": [2022]}))
    >>> by_model_year, pl.from_epoch(cars["built_at"], time_unit="us").dt.date().to_list()
    (True, [datetime.date(2022, 8, 15)])
    """
    has_date = "built_at" in fleet.columns and fleet["built_at"].null_count() < fleet.height
    if has_date or "model_year" not in fleet.columns or fleet["model_year"].null_count() == fleet.height:
        return fleet, False, ()
    middle = pl.date(pl.col("model_year"), 8, 15).cast(pl.Int32).cast(pl.Int64) * DAY
    without = fleet["model_year"].null_count()
    notes = ["built_at is missing: builds are model years"]
    if without:
        notes.append(f"{count_text(without, 'vehicle')} without model_year: the year of the start of use is taken")
    return fleet.with_columns(built_at=middle), True, tuple(notes)


def affected_builds(builds: IntArray | None, axis: str) -> dict[str, date | int | None]:
    """Return the limits of a range of builds: days, and model years where builds are model years.

    Parameters
    ----------
    builds : ndarray of int or None
        Build quarters counted from January 1970, in ascending order; None where all builds are affected alike.
    axis : {'quarter', 'model_year'}
        `FleetExposure.build_axis`.

    Returns
    -------
    dict
        `built_from` and `built_until` (date; from the first day and before the second), `model_year_from` and
        `model_year_until` (int; the first and the last); None where unknown.

    Examples
    --------
    >>> import numpy as np
    >>> list(affected_builds(np.array([206, 210]), "model_year").values())
    [datetime.date(2021, 1, 1), datetime.date(2023, 1, 1), 2021, 2022]
    >>> list(affected_builds(np.array([208, 209]), "quarter").values())
    [datetime.date(2022, 1, 1), datetime.date(2022, 7, 2), None, None]
    """
    limits = ("built_from", "built_until", "model_year_from", "model_year_until")
    if builds is None:
        return dict.fromkeys(limits)
    first, last = int(builds[0]), int(builds[-1])
    if axis == "model_year":
        years = model_year_of_build(first), model_year_of_build(last)
        return dict(zip(limits, (date(years[0], 1, 1), date(years[1] + 1, 1, 1), *years), strict=True))
    days = (math.floor(quarter * QUARTER_DAYS) for quarter in (first, last + 1))
    return dict(zip(limits, (*(EPOCH + timedelta(days=day) for day in days), None, None), strict=True))
