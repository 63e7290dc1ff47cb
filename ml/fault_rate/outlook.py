"""Outlook of vehicles over a horizon: baseline faults, survival in the fleet, and earlier repairs of the part."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray
from ml.domain.faults.inspection_campaign import Outlook
from ml.domain.faults.remaining_life import AGES, leaving_rates, survival
from ml.fault_rate.exposure import YEAR_DAYS
from ml.fault_rate.rate_ratios import normal_ratio
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.vehicles import Vehicles, baseline_faults, slice_edges

Leaving = Literal["fleet", "rules", "unknown"]


def vehicle_outlook(
    snapshot: Snapshot, rows: npt.NDArray[np.int64], model: str, component: str, rules: AlarmRules, *, days: float
) -> Outlook:
    """Return the outlook of some vehicles of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        With vehicles.
    rows : ndarray of int
        Rows of `snapshot.vehicles.frame`, as returned by `ml.fault_rate.vehicles.vehicle_rows`.
    model, component : str
        A row of `snapshot.cells`, whose normal rate multiplies the baseline rates.
    rules : AlarmRules
        Its `leaving_rate`, `discount_rate` and `repair_years` count.
    days : float
        Horizon in days from the day of the vehicles, above 0.

    Raises
    ------
    ValueError
        The snapshot has no vehicles.
    """
    vehicles = snapshot.vehicles
    if vehicles is None:
        raise ValueError("the snapshot has no vehicles")
    edges = slice_edges(days)
    baseline = baseline_faults(vehicles, rows, component, snapshot.baseline_rates, edges=edges)
    age = (vehicles.day - vehicles.frame["built"].to_numpy()[rows]) / YEAR_DAYS
    rates, _ = exit_rates(vehicles, rules)
    since_repair = (vehicles.day - last_faults(vehicles, rows, component)) / YEAR_DAYS
    return Outlook(
        edges=edges / YEAR_DAYS,
        baseline=baseline * snapshot.scale * normal_ratio(snapshot, model, component),
        in_service=survival(rates, age, edges / YEAR_DAYS),
        discount_rate=rules.discount_rate,
        repaired_until=np.nan_to_num(np.maximum(rules.repair_years - since_repair, 0.0), nan=0.0),
    )


def exit_rates(vehicles: Vehicles, rules: AlarmRules) -> tuple[FloatArray, Leaving]:
    """Return the rate at which vehicles leave service by age band, and its source.

    Parameters
    ----------
    vehicles : Vehicles
        Its exits count where the rules have no `leaving_rate`.
    rules : AlarmRules
        A `leaving_rate` of 0.1 means that a tenth of the vehicles leaves in a year.

    Returns
    -------
    rates : ndarray of shape (6,)
        Exits per vehicle-year; all 0 where the source is 'unknown', because the fleet has fewer than 20 exits.
    source : {'fleet', 'rules', 'unknown'}
    """
    bands = len(AGES) + 1
    if rules.leaving_rate is not None:
        return np.full(bands, -np.log1p(-rules.leaving_rate)), "rules"
    rates = leaving_rates(vehicles.exits, vehicles.exit_years)
    return (np.zeros(bands), "unknown") if rates is None else (rates, "fleet")


def last_faults(vehicles: Vehicles, rows: npt.NDArray[np.int64], component: str) -> FloatArray:
    """Return the day of the last fault of a component of each vehicle; NaN without one.

    Parameters
    ----------
    vehicles : Vehicles
        Its `faults` are searched.
    rows : ndarray of int
        Rows of `vehicles.frame`.
    component : str
        Component of the fault; each fault is taken as repaired on its day.
    """
    faults = vehicles.faults.filter(component=component)
    days = np.full(vehicles.frame.height, np.nan)
    days[faults["row"].to_numpy()] = faults["day"].to_numpy()
    return np.asarray(days[rows])


def years_to_next_service(vehicles: Vehicles, rows: npt.NDArray[np.int64]) -> FloatArray | None:
    """Return the years until each vehicle is likely to come for its next routine service.

    Parameters
    ----------
    vehicles : Vehicles
        The column `next_visit` of its frame is read.
    rows : ndarray of int
        Rows of `vehicles.frame`.

    Returns
    -------
    ndarray of shape (n_rows,) or None
        None where the records have too few routine visits to tell.
    """
    days = vehicles.frame["next_visit"][rows]
    if days.null_count():
        return None
    return np.asarray((days.to_numpy() - vehicles.day) / YEAR_DAYS)
