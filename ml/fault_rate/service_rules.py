"""Service intervals (km and months): the rules of `configs/service_due.yaml`, or estimates from the records."""

from __future__ import annotations

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from features.tables import ENERGY_TYPES
from features.yaml_config import Section
from ml.domain.maintenance.service_turns import fit_limits

MIN_GAPS = 20


class Interval(Section):
    """Distance (km) and time (months) between routine services; the limit that is reached first counts."""

    km: float = Field(gt=0, le=200_000, allow_inf_nan=False)
    months: int = Field(gt=0, le=120)


class ServiceRules(Section):
    """Service intervals: that of the model, else of the energy type, else the default.

    The part `rules` of `configs/service_due.yaml`, loaded as `training.runs.service_due.ServiceDueConfig.rules`.

    Attributes
    ----------
    default : Interval
        Interval of all other vehicles.
    energy_types, models : mapping of str to Interval
        Interval by energy type, by model.
    estimate_from_records : bool
        Whether a model that `models` does not list takes the interval estimated from its routine visits, if it has at
        least 20 gaps between visits with odometer readings.
    components : tuple of str, optional
        Routine work that counts as a service, such as ``("oil_and_filter",)``; all routine work by default.
    """

    default: Interval = Interval(km=7_500, months=12)
    energy_types: dict[str, Interval] = Field(default_factory=dict)
    models: dict[str, Interval] = Field(default_factory=dict)
    estimate_from_records: bool = False
    components: tuple[str, ...] | None = Field(None, min_length=1)

    @field_validator("energy_types")
    @classmethod
    def _known_energy_types(cls, intervals: dict[str, Interval]) -> dict[str, Interval]:
        unknown = [name for name in intervals if name not in ENERGY_TYPES]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is not an energy type; give one of {', '.join(ENERGY_TYPES)}")
        return intervals


def with_limits(cars: pl.DataFrame, rules: ServiceRules) -> pl.DataFrame:
    """Return the vehicles with their service interval: columns `limit_km` and `limit_months` added.

    Parameters
    ----------
    cars : DataFrame
        `model` and `energy_type` (null where unknown).
    rules : ServiceRules
        Service intervals, for example ``ServiceRules()``: 7,500 km or 12 months.

    Examples
    --------
    >>> import polars as pl
    >>> cars = pl.DataFrame({"model": ["A", "B", None], "energy_type": ["hybrid", "battery_electric", None]})
    >>> rules = ServiceRules(energy_types={"battery_electric": Interval(km=12_000, months=24)})
    >>> with_limits(cars, rules).select("limit_km", "limit_months").rows()
    [(7500.0, 12), (12000.0, 24), (7500.0, 12)]
    """

    def limit(field: str, dtype: pl.DataType) -> pl.Expr:
        def by(column: str, intervals: dict[str, Interval]) -> pl.Expr:
            table = {name: getattr(i, field) for name, i in intervals.items()}
            return pl.col(column).replace_strict(
                list(table), list(table.values()), default=None, return_dtype=dtype
            ) if table else pl.lit(None, dtype=dtype)  # fmt: skip

        default = pl.lit(getattr(rules.default, field), dtype=dtype)
        return pl.coalesce(by("model", rules.models), by("energy_type", rules.energy_types), default)

    return cars.with_columns(limit_km=limit("km", pl.Float64()), limit_months=limit("months", pl.Int64()))


def estimate_intervals(rules: ServiceRules, cars: pl.DataFrame, gaps: pl.DataFrame) -> ServiceRules:
    """Return the rules with an estimated interval for every model that `rules.models` does not list.

    Parameters
    ----------
    rules : ServiceRules
        Configured intervals, `ml.fault_rate.service_rules.ServiceRules`; where the records do not distinguish
        intervals, the nearest to the configured one wins.
    cars : DataFrame
        `row`, `model`, `limit_km` and `limit_months`, from `with_limits`.
    gaps : DataFrame
        `row` of the vehicle, `days` and `km` between two routine visits (km may be null), from
        `ml.fault_rate.routine.ServiceHistory.gaps`.

    Returns
    -------
    ServiceRules
        A model with fewer than 20 gaps keeps its configured interval.

    Examples
    --------
    >>> import polars as pl
    >>> cars = pl.DataFrame({"row": [0], "model": ["A"], "limit_km": [7_500.0], "limit_months": [12]})
    >>> gaps = pl.DataFrame({"row": [0] * 20, "days": [150] * 20, "km": [10_000.0] * 20})
    >>> estimate_intervals(ServiceRules(), cars, gaps).models
    {'A': Interval(km=10000.0, months=12)}
    """
    measured = gaps.filter((pl.col("days") > 0) & (pl.col("km") > 0)).join(cars, on="row").drop_nulls("model")
    models = dict(rules.models)
    for (model,), rows in measured.sort("row", "days").group_by("model", maintain_order=True):
        if model not in rules.models and rows.height >= MIN_GAPS:
            configured = (float(np.median(rows["limit_km"])), int(np.median(rows["limit_months"])))
            km, months = fit_limits(rows["days"], rows["km"], default=configured)
            models[str(model)] = Interval(km=km, months=months)
    return rules.model_copy(update={"models": models})
