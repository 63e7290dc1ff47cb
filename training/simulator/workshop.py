"""Simulated workshop records: routine visits, repairs of faults, and the delay of their reports.

A routine service falls due every 7,500 km (electric: 12,000 km) or 12 months; owners come to 82% of them. A fault is
repaired some days after it happened. A record is reported after a delay (median 1.5 days for routine work, 8 days with
a long tail for faults), so that the last weeks of the data are incomplete. Each visit has a labour line. About one
odometer reading in 300 is a typing error, ten times too large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.tables import ENERGY_TYPES
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.catalogue import Catalogue
from training.simulator.draws import Random, concatenate, fen, labels, numbered, take
from training.simulator.faults import COMPONENTS, Faults
from training.simulator.fleet import Fleet
from training.simulator.seasons import DAY, HOUR, MONTH, SHOP_HOURS, Window
from training.simulator.stores import Stores
from training.simulator.units import unit_ids

VISIT_PROBABILITY = 0.82
TYPING_ERROR_RATE = 1 / 300
# routine work: share of visits, share of visits of electric cars, text of the workshop line, hours, yuan
ROUTINE = {
    "oil_and_filter": (1.0, 0.0, "更换机油及机油滤清器", 0.5, 420),
    "inspection": (0.5, 1.0, "全车例行检查", 0.4, 80),
    "air_filter": (0.35, 0.0, "更换空气滤清器", 0.2, 110),
    "cabin_filter": (0.3, 0.45, "更换空调滤清器", 0.2, 120),
    "brake_fluid": (0.15, 0.2, "更换制动液", 0.6, 260),
    "tyres": (0.2, 0.25, "轮胎换位及动平衡", 0.7, 160),
    "wipers": (0.18, 0.2, "更换雨刮片", 0.1, 130),
}
_NAMES = (*COMPONENTS, *ROUTINE)
_TEXTS = (*(row[5] for row in COMPONENTS.values()), *(row[2] for row in ROUTINE.values()), "工时费")
_HOURS = np.array([row[6] for row in COMPONENTS.values()] + [row[3] for row in ROUTINE.values()] + [0.0])
_YUAN: FloatArray = np.array([row[7] for row in COMPONENTS.values()] + [row[4] for row in ROUTINE.values()] + [0.0])
_LABOUR = len(_NAMES)
_LABOUR_RATE = 140.0  # yuan per hour


@dataclass(frozen=True)
class Lines:
    """Lines of workshop orders, one array element per line. Drawn by `build_lines`.

    Attributes
    ----------
    car : ndarray of int64
        Position in the fleet.
    work : ndarray of int64
        Position in the keys of `faults.COMPONENTS` followed by those of ROUTINE; one more for a labour line.
    at, reported_at : ndarray of int64
        Visit, and arrival of the record in the books, microseconds since 1970 UTC.
    hours : ndarray of float64
        Working hours.
    fault : ndarray of bool
        Whether the line repairs a fault.
    """

    car: IntArray
    work: IntArray
    at: IntArray
    reported_at: IntArray
    hours: FloatArray
    fault: BoolArray


def build_lines(rng: Random, fleet: Fleet, faults: Faults, *, catalogue: Catalogue, window: Window) -> Lines:
    """Draw the lines that have been reported by the end of the data, in order of the visits.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("workshop")`.
    fleet : Fleet
        As returned by `training.simulator.fleet.build_fleet(rng, world)`.
    faults : Faults
        As returned by `training.simulator.faults.draw_faults` for this fleet.
    catalogue : Catalogue
        `world.catalogue`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(size)`, such as `world.window`.

    Returns
    -------
    Lines
        By line, in order of visit: `car`, `work` (codes), `at`, `reported_at` (int64, microseconds since 1970 UTC),
        `hours` and `fault` (bool).

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.faults import build_hazard, draw_faults
    >>> from training.simulator.fleet import build_fleet
    >>> from training.simulator.workshop import build_lines
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> fleet, rng = build_fleet(world.size.stream("fleet"), world), world.size.stream("workshop")
    >>> hazard = build_hazard(rng, fleet, world.catalogue, world.window)
    >>> faults = draw_faults(rng, fleet, hazard, world.window)
    >>> lines = build_lines(rng, fleet, faults, catalogue=world.catalogue, window=world.window)
    >>> bool((lines.reported_at < world.window.end).all())
    True
    """
    lines = concatenate([_routine(rng, fleet, catalogue, window), _repairs(rng, fleet, faults, window)])
    rows = np.flatnonzero((lines.at < fleet.observed_until(window)[lines.car]) & (lines.reported_at < window.end))
    return take(lines, rows[np.argsort(lines.at[rows], kind="stable")])


def _routine(rng: Random, fleet: Fleet, catalogue: Catalogue, window: Window) -> Lines:
    electric = catalogue.energy[fleet.model] == ENERGY_TYPES.index("battery_electric")
    months = np.where(electric, 12_000, 7_500) / np.maximum(fleet.monthly_km, 100)
    every = (np.minimum(months, 12.0) * MONTH).astype(np.int64)
    start, end = fleet.observed_from(window), fleet.observed_until(window)
    # A car in service before the window is somewhere between two visits when the window begins.
    phase = (np.where(fleet.entered_at < window.start, rng.random(len(fleet)), 1.0) * every).astype(np.int64)
    count = np.maximum((end - start - phase) // every + 1, 0)
    car = np.repeat(np.arange(len(fleet)), count)
    number = np.arange(len(car)) - np.repeat(np.cumsum(count) - count, count)
    due = start[car] + phase[car] + number * every[car]
    about = due + (rng.normal(4, 9, len(car)) * DAY).astype(np.int64)
    attended = (rng.random(len(car)) < VISIT_PROBABILITY) & (about > start[car] + DAY)
    car, at = car[attended], _shop_time(rng, about[attended], window)
    reported = at + _delay(rng, len(car), median_days=1.5, spread=0.8)
    parts = [_routine_lines(rng, name, car, at, reported, electric=electric[car]) for name in ROUTINE]
    hours = np.zeros(len(car))
    for part, chosen in parts:
        hours[chosen] += part.hours
    labour = Lines(car, np.full(len(car), _LABOUR), at, reported, hours, np.zeros(len(car), dtype=np.bool_))
    return concatenate([part for part, _ in parts] + [labour])


def _routine_lines(
    rng: Random, name: str, car: IntArray, at: IntArray, reported: IntArray, *, electric: BoolArray
) -> tuple[Lines, IntArray]:
    share, share_electric = ROUTINE[name][:2]
    chosen = np.flatnonzero(rng.random(len(car)) < np.where(electric, share_electric, share))
    n, work = len(chosen), _NAMES.index(name)
    hours = np.full(n, _HOURS[work])
    part = Lines(car[chosen], np.full(n, work), at[chosen], reported[chosen], hours, np.zeros(n, dtype=np.bool_))
    return part, chosen


def _repairs(rng: Random, fleet: Fleet, faults: Faults, window: Window) -> Lines:
    n = len(faults.car)
    about = faults.at + (rng.gamma(1.5, 3.0, n) * DAY).astype(np.int64)
    at = np.maximum(_shop_time(rng, about, window), faults.at + HOUR)
    reported = at + _delay(rng, n, median_days=8.0, spread=0.9)
    hours = np.round(_HOURS[faults.component] * rng.lognormal(0, 0.2, n), 1)
    part = Lines(faults.car, faults.component, at, reported, hours, np.ones(n, dtype=np.bool_))
    labour = Lines(faults.car, np.full(n, _LABOUR), at, reported, hours, np.zeros(n, dtype=np.bool_))
    return concatenate([part, labour])


def _shop_time(rng: Random, about: IntArray, window: Window) -> IntArray:
    return window.at_hours(rng, window.day(about), SHOP_HOURS)


def _delay(rng: Random, count: int, *, median_days: float, spread: float) -> IntArray:
    return HOUR + (median_days * rng.lognormal(0, spread, count) * DAY).astype(np.int64)


def service_frame(
    rng: Random, lines: Lines, fleet: Fleet, *, catalogue: Catalogue, stores: Stores, other_texts: pl.Series
) -> pl.DataFrame:
    """Return the table `service_records` (columns: `features.tables.SERVICE_RECORDS`), one row per line.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("workshop")`.
    lines : Lines
        As returned by `training.simulator.workshop.build_lines`.
    fleet : Fleet
        The fleet from which `lines` was drawn.
    catalogue : Catalogue
        `world.catalogue`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    stores : Stores
        `world.stores`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    other_texts : polars.Series of String, length of `lines`
        Text of a line; null for the ordinary text of its work.

    Returns
    -------
    polars.DataFrame
        In the order of `lines`: `cost` in fen, `odometer_km` in km, `labour_hours` in hours, instants as int64
        microseconds since 1970 UTC. A labour line has the hours of its visit and no component.
    """
    n, labour = len(lines.car), lines.work == _LABOUR
    cost = np.where(labour, lines.hours * _LABOUR_RATE, _YUAN[lines.work] * rng.lognormal(0, 0.15, n))
    error_factor = np.where(rng.random(n) < TYPING_ERROR_RATE, 10.0, 1.0)
    odometer = np.minimum(np.round(fleet.kilometres(lines.car, lines.at)) * error_factor, 2_000_000)
    return pl.DataFrame(
        {
            "record_id": numbered("R", np.arange(1, n + 1), width=9),
            "serviced_at": pl.Series(lines.at),
            "reported_at": pl.Series(lines.reported_at),
            "vehicle_id": unit_ids(fleet.unit[lines.car]),
            "store_id": stores.ids(fleet.store[lines.car]),
            "model": labels(catalogue.names, fleet.model[lines.car]),
            "component": labels(_NAMES, np.where(labour, -1, lines.work)),
            "fault": pl.Series(lines.fault),
            "line_text": pl.select(pl.coalesce(other_texts, labels(_TEXTS, lines.work))).to_series(),
            "odometer_km": pl.Series(odometer),
            "labour_hours": pl.Series(np.where(labour, lines.hours, 0.0)),
            "cost": pl.Series(fen(np.asarray(np.round(cost, 1), dtype=np.float64))),
        }
    )
