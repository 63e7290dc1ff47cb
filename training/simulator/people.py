"""Customers and anonymous visitors: demographics, budgets and tastes.

Each person has an income, a budget that depends on it, a favourite body and energy type, and an affinity to each brand.
Tastes are the coefficients of the true utility (see `tastes`); the table `customers` contains them as stated to a
salesperson: rounded and partly missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.tables import BODY_TYPES, ENERGY_TYPES
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.catalogue import BRANDS
from training.simulator.draws import Random, numbered, pick, pick_rows
from training.simulator.seasons import DAY, MINUTE, YEAR, Window
from training.simulator.stores import Stores

VISITORS_PER_CUSTOMER = 0.25
EXISTING_SHARE = 0.35
OCCUPATIONS = (
    "企业职员", "技术人员", "工人", "个体经营", "教师医护", "公务员", "销售", "网约车司机", "自由职业", "退休",
)  # fmt: skip
OCCUPATION_WEIGHTS = np.array([0.27, 0.14, 0.15, 0.13, 0.08, 0.06, 0.07, 0.04, 0.05, 0.01])
OCCUPATION_INCOMES = np.array([1.0, 1.35, 0.78, 1.25, 1.05, 1.0, 1.1, 0.8, 0.85, 0.6])
AGE_EDGES = np.array([20, 25, 35, 45, 55, 65, 71])
AGE_WEIGHTS = np.array([0.11, 0.41, 0.27, 0.14, 0.06, 0.01])
BODY_WEIGHTS = np.array([0.31, 0.40, 0.06, 0.10, 0.03, 0.03, 0.0, 0.04])
ENERGY_WEIGHTS = np.array([0.34, 0.15, 0.17, 0.08, 0.26])


@dataclass(frozen=True)
class Demographics:
    """Demographics of persons; every attribute has shape (n_persons,). Drawn by `draw_demographics`.

    One is `world.people.demographics`, with `world` =
    `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    birth : ndarray of int64
        Date of birth, microseconds since 1970 UTC.
    woman : ndarray of bool
        True for women.
    household : ndarray of int64
        Number of persons in the household.
    occupation : ndarray of int64
        Position in OCCUPATIONS.
    income : ndarray of float64
        Yuan per month.
    """

    birth: IntArray
    woman: BoolArray
    household: IntArray
    occupation: IntArray
    income: FloatArray


@dataclass(frozen=True)
class People:
    """Customers, followed by visitors who never register. Drawn by `build_people`; `world.people` of a simulated group.

    One is `world.people`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    customers : int
        Number of customers, the first persons.
    demographics : Demographics
        Demographics of each person.
    store : ndarray of int64, shape (n_persons,)
        Position of the home store.
    distance, budget : ndarray of float64, shape (n_persons,)
        Distance to the home store in km; budget for a new car in yuan.
    body, energy, brand : ndarray of float64, shape (n_persons, n_types)
        Utility of each of `features.tables.BODY_TYPES`, `features.tables.ENERGY_TYPES` and `catalogue.BRANDS`.
    used_aversion : ndarray of float64, shape (n_persons,)
        Utility subtracted for a used car.
    existing : ndarray of bool, shape (n_persons,)
        Registered before the window.
    app : ndarray of bool, shape (n_persons,)
        Prefers the app to the website.
    """

    customers: int
    demographics: Demographics
    store: IntArray
    distance: FloatArray
    budget: FloatArray
    body: FloatArray
    energy: FloatArray
    brand: FloatArray
    used_aversion: FloatArray
    existing: BoolArray
    app: BoolArray

    def __len__(self) -> int:
        return len(self.store)


def draw_demographics(rng: Random, count: int, *, at: int, younger: FloatArray | float = 0.0) -> Demographics:
    """Draw the demographics of persons.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("people")`.
    count : int
        Number of persons.
    at : int
        Instant at which ages are drawn, microseconds since 1970 UTC.
    younger : float or ndarray of shape (count,), default 0
        Probability that a person is drawn from the next younger age band.

    Returns
    -------
    Demographics
        By person: `birth` (int64, microseconds since 1970 UTC), `woman`, `household` (persons), `occupation` (position
        in `training.simulator.people.OCCUPATIONS`) and `income` (yuan per month).

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.people import draw_demographics
    >>> demographics = draw_demographics(np.random.default_rng(0), 3, at=1_704_067_200_000_000)
    >>> demographics.income.round().tolist()
    [8681.0, 7383.0, 6687.0]
    """
    band = pick(rng, AGE_WEIGHTS, count)
    band = np.where((rng.random(count) < younger) & (band > 0), band - 1, band)
    age = AGE_EDGES[band] + rng.random(count) * (AGE_EDGES[band + 1] - AGE_EDGES[band])
    occupation = np.where(age > 60, np.where(rng.random(count) < 0.7, 9, 3), pick(rng, OCCUPATION_WEIGHTS, count))
    career = 0.75 + 0.5 * np.exp(-(((age - 42) / 15) ** 2))
    income = 8_600 * career * OCCUPATION_INCOMES[occupation] * rng.lognormal(0, 0.42, count)
    household = 1 + rng.binomial(4, np.clip(0.25 + 0.012 * (age - 22), 0.2, 0.55))
    return Demographics(
        birth=np.asarray((at - age * YEAR) // DAY * DAY, dtype=np.int64),
        woman=rng.random(count) < 0.38,
        household=household,
        occupation=occupation,
        income=np.clip(income, 2_500, 120_000),
    )


def build_people(rng: Random, customers: int, *, stores: Stores, window: Window) -> People:
    """Draw customers and visitors.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("people")`.
    customers : int
        Number of customers; a quarter as many visitors are added.
    stores : Stores
        As returned by `training.simulator.stores.build_stores(size.stream("stores"), size.stores)`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    People
        `customers` (number); by person: `demographics`, `store`, `distance` (km), `budget` (yuan), `body`, `energy`,
        `brand` (utilities), `used_aversion`, `existing` and `app`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.people import build_people
    >>> from training.simulator.seasons import Window
    >>> from training.simulator.stores import build_stores
    >>> size = Size(stores=1, customers=100, months=3)
    >>> stores = build_stores(size.stream("stores"), size.stores)
    >>> len(build_people(size.stream("people"), size.customers, stores=stores, window=Window.of(size)))
    125
    """
    count = customers + int(customers * VISITORS_PER_CUSTOMER)
    demographics = draw_demographics(rng, count, at=window.start)
    log_income_ratio = np.log(demographics.income / 9_000)
    budget = np.clip(np.exp(11.95 + 0.62 * log_income_ratio + rng.normal(0, 0.28, count)), 45_000, 900_000)
    low_budget = -np.log(budget / 155_000)
    return People(
        customers=customers,
        demographics=demographics,
        store=pick(rng, stores.weight, count),
        distance=rng.lognormal(2.1, 0.9, count),
        budget=budget,
        body=_body_tastes(rng, demographics),
        energy=_energy_tastes(rng, demographics, window),
        brand=rng.normal(0, 0.75, (count, len(BRANDS))),
        used_aversion=1.4 - 1.1 * low_budget + rng.normal(0, 0.9, count),
        existing=(np.arange(count) < customers) & (rng.random(count) < EXISTING_SHARE),
        app=rng.random(count) < 0.45,
    )


def _body_tastes(rng: Random, demographics: Demographics) -> FloatArray:
    weights = np.tile(BODY_WEIGHTS, (len(demographics.birth), 1))
    large = demographics.household >= 4
    weights[:, BODY_TYPES.index("mpv")] *= np.where(large, 4.0, 0.6)
    weights[:, BODY_TYPES.index("suv")] *= np.where(large, 1.4, 1.0)
    weights[:, BODY_TYPES.index("hatchback")] *= np.where(demographics.woman, 1.6, 0.8)
    return _tastes(rng, weights, lift=2.0)


def _energy_tastes(rng: Random, demographics: Demographics, window: Window) -> FloatArray:
    weights = np.tile(ENERGY_WEIGHTS, (len(demographics.birth), 1))
    age = (window.start - demographics.birth) / YEAR
    weights[:, ENERGY_TYPES.index("battery_electric")] *= np.where(age < 35, 1.4, 0.8)
    weights[:, ENERGY_TYPES.index("combustion")] *= np.where(age < 35, 0.8, 1.25)
    return _tastes(rng, weights, lift=1.6)


def _tastes(rng: Random, weights: FloatArray, *, lift: float) -> FloatArray:
    tastes = rng.normal(0, 0.45, weights.shape)
    tastes[np.arange(len(weights)), pick_rows(rng, weights)] += lift
    return tastes


def customer_ids(person: IntArray, *, customers: int) -> pl.Series:
    """Return the identifiers of persons (positions in `People`) as a String column; null from `customers` on.

    `customers` is the number of customers; persons after them are anonymous visitors.

    Parameters
    ----------
    person : ndarray of int64
        Positions in `world.people`.
    customers : int
        Number of customers, `world.people.customers`.

    Returns
    -------
    polars.Series of String

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.people import customer_ids
    >>> customer_ids(np.array([0, 100]), customers=100).to_list()
    ['K0000001', None]
    """
    return numbered("K", np.where(person < customers, person + 1, -1), width=7)


def draw_registrations(rng: Random, people: People, *, first_contact: IntArray, window: Window) -> IntArray:
    """Draw the registration of each customer.

    Existing customers register within four years before the window, others at their first contact; customers without a
    contact in the window register at a uniformly drawn instant of it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("leads")`.
    people : People
        As returned by `training.simulator.people.build_people`.
    first_contact : ndarray of int64, shape (n_persons,)
        First contact of each person, microseconds since 1970 UTC, as returned by
        `training.simulator.leads.first_registration`; `training.simulator.draws.NEVER` for none.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    ndarray of int64, shape (people.customers,)
        Microseconds since 1970 UTC.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.draws import NEVER
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> never = np.full(len(world.people), NEVER)
    >>> rng = world.size.stream("leads")
    >>> len(draw_registrations(rng, world.people, first_contact=never, window=world.window))
    100
    """
    n = people.customers
    before = window.start - rng.integers(MINUTE, int(4 * YEAR), n)
    within = rng.integers(window.start, window.end, n)
    registered = np.where(first_contact[:n] < window.end, first_contact[:n], within)
    return np.where(people.existing[:n], before, registered)
