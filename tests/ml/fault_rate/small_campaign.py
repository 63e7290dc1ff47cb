"""A small fleet with a constant fault rate, as a snapshot for inspection plans."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from ml.fault_rate.baseline_rates import BaselineRates, combinations
from ml.fault_rate.vehicles import Vehicles

TODAY = 20_000
SURE = (4e6, 1e6)  # posterior of a rate ratio of 4 without uncertainty
FLEET: dict[str, Any] = {
    "vehicle_id": "V", "model": "M", "energy_type": None, "built": TODAY - 1_000, "monthly_km": 500.0, "visit": None,
    "next_visit": None, "km": None,
}  # fmt: skip
TYPES = {
    "vehicle_id": pl.String, "model": pl.String, "energy_type": pl.String, "built": pl.Int64, "monthly_km": pl.Float64,
    "visit": pl.Int64, "next_visit": pl.Int64, "km": pl.Float64,
}  # fmt: skip


def rates(yearly: float, *, fast: float = 1.0) -> BaselineRates:
    """`yearly` faults of suspension and brakes up to 1,000 km a month, `fast` times as many above."""
    table = combinations(2)
    one = yearly * np.where(table[:, 1] == 1, fast, 1.0)
    return BaselineRates(
        components=("brakes", "suspension"), distance_limits=np.array([1_000.0]), rates=np.array([one, one]),
        seasonal=False, pairs=(("M", ""),), component_present=np.ones((2, 1), dtype=bool),
        model_kinds=("constant", "constant"), deviance=np.ones((2, 3)),
    )  # fmt: skip


def snapshot(
    *cars: dict[str, Any], yearly: float = 0.1, fast: float = 1.0, repaired: dict[int, int] | None = None,
    costs: dict[str, float] | None = None, exits: float = 0.0,
) -> Any:  # fmt: skip
    """Return what a plan reads of a snapshot; `repaired` has the days since the last suspension fault, by vehicle."""
    rows = [FLEET | {"vehicle_id": f"V{i}"} | car for i, car in enumerate(cars)]
    faults = [(row, "suspension", TODAY - days) for row, days in (repaired or {}).items()]
    vehicles = Vehicles(
        TODAY,
        pl.DataFrame(rows, schema=TYPES),
        pl.DataFrame(faults, schema={"row": pl.Int64, "component": pl.String, "day": pl.Int64}, orient="row"),
        np.full(6, exits),
        np.full(6, 1_000.0),
    )
    return SimpleNamespace(
        vehicles=vehicles, baseline_rates=rates(yearly, fast=fast), scale=1.0,
        alarms=pl.DataFrame(schema={"model": pl.String, "component": pl.String}), row=lambda model, component: 0,
        own_shape=np.ones(1), own_rate=np.ones(1),
        costs={"suspension": 1_000.0, "brakes": 1_000.0} if costs is None else costs,
    )  # fmt: skip
