"""After how many km or months a routine service falls due: the house's rules, or what the records say."""

from __future__ import annotations

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from features.tables import ENERGY_TYPES
from features.yaml_config import Section
from ml.domain.maintenance.service_turns import fit_limits

ENOUGH_GAPS = 20


class Interval(Section):
    """Whichever comes first since the last routine service."""

    km: float = Field(gt=0, le=200_000, allow_inf_nan=False)
    months: int = Field(gt=0, le=120)


class ServiceRules(Section):
    """Intervals by model, by energy type, and of all others, the first that there is.

    Attributes
    ----------
    default : Interval
        Of vehicles that no other names.
    energy_types, models : mapping of str to Interval
        Of these; a model comes before its energy type.
    estimate_from_records : bool
        Whether a model that `models` does not name takes the interval that its records follow, where they have 20 gaps
        between visits with readings of the odometer.
    components : tuple of str, optional
        Work that counts as a routine service; all routine work if not given.
    """

    default: Interval = Interval(km=7_500, months=12)
    energy_types: dict[str, Interval] = Field(default_factory=dict)
    models: dict[str, Interval] = Field(default_factory=dict)
    estimate_from_records: bool = False
    components: tuple[str, ...] | None = Field(None, min_length=1)

    @field_validator("energy_types")
    @classmethod
    def _known(cls, given: dict[str, Interval]) -> dict[str, Interval]:
        strange = [name for name in given if name not in ENERGY_TYPES]
        if strange:
            raise ValueError(f"no such energy type '{strange[0]}'; one of {', '.join(ENERGY_TYPES)}")
        return given


def with_limits(cars: pl.DataFrame, rules: ServiceRules) -> pl.DataFrame:
    """Vehicles with the interval of their rule: columns `limit_km` and `limit_months`.

    Parameters
    ----------
    cars : DataFrame
        `model` and `energy_type`.

    Examples
    --------
    >>> cars = pl.DataFrame({"model": ["A", "B", None], "energy_type": ["hybrid", "battery_electric", None]})
    >>> rules = ServiceRules(energy_types={"battery_electric": Interval(km=12_000, months=24)})
    >>> with_limits(cars, rules).select("limit_km", "limit_months").rows()
    [(7500.0, 12), (12000.0, 24), (7500.0, 12)]
    """

    def looked_up(field: str, kind: pl.DataType) -> pl.Expr:
        def of(column: str, intervals: dict[str, Interval]) -> pl.Expr:
            table = {name: getattr(i, field) for name, i in intervals.items()}
            return pl.col(column).replace_strict(
                list(table), list(table.values()), default=None, return_dtype=kind
            ) if table else pl.lit(None, dtype=kind)  # fmt: skip

        default = pl.lit(getattr(rules.default, field), dtype=kind)
        return pl.coalesce(of("model", rules.models), of("energy_type", rules.energy_types), default)

    return cars.with_columns(limit_km=looked_up("km", pl.Float64()), limit_months=looked_up("months", pl.Int64()))


def estimate_intervals(rules: ServiceRules, cars: pl.DataFrame, gaps: pl.DataFrame) -> ServiceRules:
    """The rules with an interval for every model whose records tell one.

    Parameters
    ----------
    rules : ServiceRules
        Those of the house; where records leave open which is right, theirs is kept.
    cars : DataFrame
        `model`, `limit_km` and `limit_months` by row.
    gaps : DataFrame
        `row` of the vehicle, `days` and `km` between two routine visits; km may be null.
    """
    told = gaps.filter((pl.col("days") > 0) & (pl.col("km") > 0)).join(cars, on="row").drop_nulls("model")
    found = dict(rules.models)
    for (model,), some in told.sort("row", "days").group_by("model", maintain_order=True):
        if model not in rules.models and some.height >= ENOUGH_GAPS:
            usual = (float(np.median(some["limit_km"])), int(np.median(some["limit_months"])))
            km, months = fit_limits(some["days"], some["km"], usual=usual)
            found[str(model)] = Interval(km=km, months=months)
    return rules.model_copy(update={"models": found})
