"""A group of two stores over 90 days, and rows of its parts whose values a test names one by one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from features.tables import BODY_TYPES, ENERGY_TYPES
from training.simulator.applicants import Applicants
from training.simulator.applications import Applications
from training.simulator.catalogue import BRANDS, build_catalogue
from training.simulator.draws import NEVER
from training.simulator.fleet import Fleet
from training.simulator.journeys import Journeys
from training.simulator.leads import Funnel
from training.simulator.people import Demographics, People
from training.simulator.sales import Sales
from training.simulator.seasons import Window
from training.simulator.size import Size
from training.simulator.stock_and_sales import Trade
from training.simulator.stores import Market, Stores
from training.simulator.units import Units
from training.simulator.world import World

TINY = Size(stores=1, customers=100, months=3)
WINDOW = Window.of(TINY)  # January to March 2023: 90 days
START, END = WINDOW.start, WINDOW.end
CATALOGUE = build_catalogue(WINDOW)
CURRENT, MODELS = CATALOGUE.current, len(CATALOGUE.names)
ITEMS = len(CATALOGUE.item_model)
_DTYPES = {"IntArray": np.int64, "FloatArray": np.float64, "Float32Array": np.float32, "BoolArray": np.bool_}

STORES = Stores(
    city=np.array([0, 1]),
    assortment=np.array([0, 3]),  # brands 0 to 2, and 3 to 5
    salespeople=np.array([4, 4]),
    weight=np.array([0.5, 0.5]),
    purchase_log_odds=np.zeros(2),
    response_time_factor=np.ones(2),
)
MARKET = Market(
    appeal=np.zeros((MODELS, WINDOW.months)),
    promotion=np.zeros((2, CURRENT, WINDOW.months)),
    supply=np.ones((CURRENT, WINDOW.months)),
)


def _rows(kind: type[Any], count: int, columns: dict[str, Any]) -> Any:
    """Fill a table's columns: a scalar for every row, a list as it is, zero where nothing is named."""
    values = {}
    for field in fields(kind):
        value = columns.get(field.name, 0)
        if field.type in _DTYPES:
            array = np.asarray(value, dtype=_DTYPES[str(field.type)])
            value = array if array.ndim > 1 else np.broadcast_to(array, count).copy()
        values[field.name] = value
    assert columns.keys() <= values.keys()
    return kind(**values)


def make_demographics(count: int, **columns: Any) -> Demographics:
    """Facts of persons: born in 1970, men who live alone, clerks with 8,600 yuan a month."""
    demographics: Demographics = _rows(Demographics, count, {"household": 1, "income": 8_600, **columns})
    return demographics


def make_people(count: int, **columns: Any) -> People:
    """Customers of the first store, at its door, with a budget of 100,000 yuan and no tastes."""
    tastes = {
        "body": np.zeros((count, len(BODY_TYPES))),
        "energy": np.zeros((count, len(ENERGY_TYPES))),
        "brand": np.zeros((count, len(BRANDS))),
    }
    people: People = _rows(
        People,
        count,
        {"customers": count, "demographics": make_demographics(count), "budget": 100_000, **tastes, **columns},
    )
    return people


def make_journeys(count: int, **columns: Any) -> Journeys:
    """Journeys of persons 0, 1, ... after model 0 in its basic trim."""
    share = np.zeros((count, CURRENT), dtype=np.float32)
    share[:, 0] = 1.0
    journeys: Journeys = _rows(Journeys, count, {"person": np.arange(count), "share": share, **columns})
    return journeys


def make_funnel(count: int, **columns: Any) -> Funnel:
    """Journeys without a lead."""
    funnel: Funnel = _rows(Funnel, count, {"created_at": NEVER, "called_at": NEVER, "hours": np.inf, **columns})
    return funnel


def make_units(count: int, **columns: Any) -> Units:
    """Unsold new cars of item 0."""
    units: Units = _rows(Units, count, {"journey": -1, "owner": -1, "sold_at": NEVER, **columns})
    return units


def make_sales(count: int, **columns: Any) -> Sales:
    """Sales of cars 0, 1, ... to journeys 0, 1, ..."""
    sales: Sales = _rows(Sales, count, {"unit": np.arange(count), "journey": np.arange(count), **columns})
    return sales


def make_fleet(count: int, **columns: Any) -> Fleet:
    """Cars of model 0 with 1,200 km a month, on the road from the first day of the window on."""
    usual = {"unit": np.arange(count), "built_at": START, "entered_at": START, "left_at": NEVER, "monthly_km": 1_200}
    fleet: Fleet = _rows(Fleet, count, {**usual, **columns})
    return fleet


def make_applicants(count: int, **columns: Any) -> Applicants:
    """Applicants without an order, on the first day of the window."""
    usual = {"submitted_at": START, "ordered_at": NEVER, "person": -1, "unit": -1, "item": -1, "channel": -1}
    applicants: Applicants = _rows(Applicants, count, {**usual, "demographics": make_demographics(count), **columns})
    return applicants


def make_applications(count: int, **columns: Any) -> Applications:
    """Applications whose every term of the log-odds of default is zero."""
    usual = {"score": 640, "income": 8_600, "term": 24, "housing": 1, "loan": 60_000, "price": 100_000}
    applications: Applications = _rows(Applications, count, {**usual, **columns})
    return applications


def make_world(**parts: Any) -> World:
    """The group with the parts that a test names; the others are empty or of one row."""
    none, nobody = np.zeros(0, dtype=np.int64), np.zeros((WINDOW.months, len(STORES.city) * CURRENT), dtype=np.int64)
    trade = Trade(none, none, none, none, closing=nobody, days_in_stock=nobody, received=nobody)
    usual = {
        "size": TINY, "window": WINDOW, "catalogue": CATALOGUE, "stores": STORES, "market": MARKET,
        "people": make_people(1), "journeys": make_journeys(1), "funnel": make_funnel(1), "buyers": none,
        "expected": nobody.astype(np.float64), "trade": trade, "units": make_units(1),
        "sales": make_sales(0, unit=[], journey=[]), "registered_at": none,
    }  # fmt: skip
    return World(**{**usual, **parts})
