"""Faults and exposure of some weeks as rows: what baseline rates are tested on."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ml.fault_rate.baseline_rates import AGES
from ml.fault_rate.exposure import WEEK_DAYS, Field
from ml.fault_rate.surveillance import Watch

CODES = 64  # more than there are bands of anything


def rows_of_weeks(field: Field, watched: Watch, begin: int, end: int) -> pl.DataFrame:
    """What some weeks held, by model, component, age, distance and month.

    Returns
    -------
    DataFrame
        `model`, `energy_type`, `component`, `age` (years, mean of the row's vehicles), `monthly_km` (a distance inside
        the band; null where not known), `month` (0 to 11), `vehicle_years` at risk (of recent weeks, as many as were
        reported by now), `label` (faults), `period` (month, counted from the epoch), `as_of` (us, its begin) and
        `group` (the cell of model and component: whole cells are drawn for intervals).
    """
    strata = field.strata
    days = (field.first_day + WEEK_DAYS * (np.arange(begin, end) + 0.5)).astype("datetime64[D]")
    period = days.astype("datetime64[M]").astype(np.int64)
    complete = np.ones(end - begin)
    if watched.delay is not None:
        complete = watched.delay.complete(WEEK_DAYS * (field.weeks - np.arange(begin, end) - 0.5) - 0.5)
    exposure = field.exposure[:, begin:end] * complete[None, :]
    band = np.searchsorted(AGES, field.age[:, begin:end], side="right")
    kinds = strata.select("model", "energy_type", "driven").unique(maintain_order=True).with_row_index("kind")
    kind = strata.join(
        kinds, on=["model", "energy_type", "driven"], how="left", nulls_equal=True, maintain_order="left"
    )
    code = (kind["kind"].to_numpy().astype(np.int64)[:, None] * CODES + band) * 10_000 + period[None, :]
    codes, where = np.unique(code[exposure > 0], return_inverse=True)
    at_risk = np.bincount(where, weights=exposure[exposure > 0])
    age = np.bincount(where, weights=(exposure * field.age[:, begin:end])[exposure > 0]) / at_risk
    of_kind = kinds[(codes // 10_000 // CODES).tolist()]
    km = _inside(field.distance_limits)
    shared = of_kind.select("model", "energy_type").with_columns(
        age=pl.Series(age),
        monthly_km=pl.Series([None if d < 0 else km[d] for d in of_kind["driven"]], dtype=pl.Float64),
        month=pl.Series(codes % 10_000 % 12),
        vehicle_years=pl.Series(at_risk),
        period=pl.Series(codes % 10_000),
    )
    parts = []
    for c, name in enumerate(field.components):
        faults = field.counts(c)[:, begin:end]
        label = np.bincount(where, weights=faults[exposure > 0], minlength=len(codes))
        parts.append(shared.with_columns(component=pl.lit(name), label=pl.Series(label)))
    rows: pl.DataFrame = pl.concat(parts)
    begins = rows["period"].to_numpy().astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    return rows.with_columns(
        as_of=pl.Series(begins), group=pl.struct("model", "component").rank("dense").cast(pl.UInt64)
    )


def _inside(limits: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """A distance inside each band."""
    if not len(limits):
        return [1.0]
    middles = (limits[:-1] + limits[1:]) / 2
    return [float(limits[0] / 2), *map(float, middles), float(limits[-1] * 2)]
