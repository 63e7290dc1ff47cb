"""Loan applicants of the simulation: buyers, shoppers who do not buy, and customers of partner dealers.

Applications of partner dealers concern persons without a customer number and vehicles that are not in the group's
tables. The population drifts during the simulated period: `shift` rises from 0 to 1 along a logistic curve around its
middle. With it applicants become younger, credit files thinner, down payments smaller, terms longer and used cars more
frequent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.draws import NEVER, Random, concatenate, pick, sigmoid, take
from training.simulator.people import Demographics, draw_demographics
from training.simulator.seasons import DAY, MINUTE, SHOP_HOURS, Window
from training.simulator.tastes import reference_prices
from training.simulator.units import COMMERCIAL_SHARE, HANDOVER
from training.simulator.world import World

BUYER_APPLICATION_SHARE = 0.28
SHOPPER_APPLICATION_SHARE = 0.06
PARTNERS_PER_CUSTOMER = 1.05
SHIFT_CENTRE, SHIFT_WIDTH = 0.55, 0.07  # shares of the simulated period


@dataclass(frozen=True)
class Applicants:
    """Applicants, ordered by the instant of application; one array element per applicant. Drawn by `build_applicants`.

    `training.simulator.applicants.build_applicants(world.size.stream("applicants"), world)` makes one, with `world` =
    `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    submitted_at, ordered_at : ndarray of int64
        Microseconds since 1970 UTC; `ordered_at` is `draws.NEVER` unless the applicant buys from the group.
    person, store, unit, item : ndarray of int64
        Positions in `world.people`, `world.stores`, `world.units` and the catalogue's items; -1 for none.
    channel : ndarray of int64
        Position in `features.tables.CHANNELS`, -1 for none.
    partner, used, commercial : ndarray of bool
        Whether the application comes from a partner dealer; the vehicle is used; it is for commercial use.
    energy : ndarray of int64
        Position in `features.tables.ENERGY_TYPES`.
    price : ndarray of float64
        Price of the vehicle, yuan.
    demographics : Demographics
        Date of birth, income, household and occupation of each applicant.
    shift : ndarray of float64
        Share of the population shift that is reached at submission, 0 to 1.
    """

    submitted_at: IntArray
    ordered_at: IntArray
    person: IntArray
    store: IntArray
    unit: IntArray
    item: IntArray
    channel: IntArray
    partner: BoolArray
    used: BoolArray
    commercial: BoolArray
    energy: IntArray
    price: FloatArray
    demographics: Demographics
    shift: FloatArray

    def __len__(self) -> int:
        return len(self.submitted_at)


def population_shift(at: IntArray, window: Window) -> FloatArray:
    """Return the share of the population's change that has taken place at instants, float64 from 0 to 1.

    Parameters
    ----------
    at : ndarray of int64
        Microseconds since 1970 UTC.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    ndarray of float64
        0 before the change to 1 after it, in the shape of `at`.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import population_shift
    >>> from training.simulator.seasons import Window
    >>> window = Window.of(Size())
    >>> population_shift(np.array([window.start, window.end]), window).round(2).tolist()
    [0.0, 1.0]
    """
    elapsed_share = (at - window.start) / (window.end - window.start)
    return sigmoid((elapsed_share - SHIFT_CENTRE) / SHIFT_WIDTH)


def _shift(at: IntArray, world: World) -> FloatArray:
    return population_shift(at, world.window) if world.changes.population_shift else np.zeros(len(at))


def build_applicants(rng: Random, world: World) -> Applicants:
    """Draw the applicants of the simulated period.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("applicants")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    Applicants
        In order of `submitted_at` (int64, microseconds since 1970 UTC): buyers of the group, shoppers with a lead who
        do not buy, customers of partner dealers. Further `ordered_at`, `person`, `store`, `unit`, `item`, `channel`,
        `partner`, `used`, `commercial`, `energy`, `price` (yuan), `demographics` and `shift`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.world import build_world
    >>> size = Size(stores=1, customers=100, months=3)
    >>> applicants = build_applicants(size.stream("applicants"), build_world(size))
    >>> len(applicants), int(applicants.partner.sum())
    (110, 105)
    """
    applicants = concatenate([_buyers(rng, world), _shoppers(rng, world), _partners(rng, world)])
    return take(applicants, np.argsort(applicants.submitted_at, kind="stable"))


def _buyers(rng: Random, world: World) -> Applicants:
    sales, units, journeys = world.sales, world.units, world.journeys
    row = np.flatnonzero(rng.random(len(sales)) < BUYER_APPLICATION_SHARE)
    unit, journey = sales.unit[row], sales.journey[row]
    ordered = sales.sold_at[row] - HANDOVER
    submitted = ordered - rng.integers(20 * MINUTE, 90 * MINUTE, len(row))
    item = units.item[unit]
    return Applicants(
        submitted_at=submitted,
        ordered_at=ordered,
        person=journeys.person[journey],
        store=units.store[unit],
        unit=unit,
        item=item,
        channel=world.funnel.channel[journey],
        partner=np.zeros(len(row), dtype=np.bool_),
        used=units.used[unit],
        commercial=units.commercial[unit],
        energy=world.catalogue.energy[world.catalogue.item_model[item]],
        price=sales.price[row],
        demographics=take(world.people.demographics, journeys.person[journey]),
        shift=_shift(submitted, world),
    )


def _shoppers(rng: Random, world: World) -> Applicants:
    journeys, funnel, catalogue, window = world.journeys, world.funnel, world.catalogue, world.window
    bought = np.zeros(len(journeys), dtype=np.bool_)
    bought[world.sales.journey] = True
    chance = rng.random(len(journeys)) < SHOPPER_APPLICATION_SHARE
    row = np.flatnonzero(chance & ~bought & funnel.lead & (journeys.decided_at < window.end))
    submitted = journeys.decided_at[row] - rng.integers(20 * MINUTE, 90 * MINUTE, len(row))
    model = journeys.first[row]
    item, used = catalogue.item(model, journeys.trim[row]), model >= catalogue.current
    return Applicants(
        submitted_at=submitted,
        ordered_at=np.full(len(row), NEVER, dtype=np.int64),
        person=journeys.person[row],
        store=journeys.store[row],
        unit=np.full(len(row), -1, dtype=np.int64),
        item=item,
        channel=funnel.channel[row],
        partner=np.zeros(len(row), dtype=np.bool_),
        used=used,
        commercial=rng.random(len(row)) < COMMERCIAL_SHARE,
        energy=catalogue.energy[model],
        price=np.where(used, reference_prices(catalogue)[model], catalogue.item_price[item]),
        demographics=take(world.people.demographics, journeys.person[row]),
        shift=_shift(submitted, world),
    )


def _partners(rng: Random, world: World) -> Applicants:
    catalogue, window = world.catalogue, world.window
    n = int(world.people.customers * PARTNERS_PER_CUSTOMER)
    submitted = window.at_hours(rng, pick(rng, window.season[: window.days], n), SHOP_HOURS)
    shift = _shift(submitted, world)
    used = rng.random(n) < 0.22 + 0.12 * shift
    demographics = draw_demographics(rng, n, at=window.start, younger=0.35 * shift)
    if not world.changes.population_shift:
        demographics = replace(demographics, birth=demographics.birth + (submitted - window.start) // DAY * DAY)
    price = np.exp(11.85 + 0.55 * np.log(demographics.income / 9_000) + rng.normal(0, 0.3, n)) * np.where(
        used, 0.55, 1.0
    )
    none = np.full(n, -1, dtype=np.int64)
    return Applicants(
        submitted_at=submitted,
        ordered_at=np.full(n, NEVER, dtype=np.int64),
        person=none,
        store=pick(rng, world.stores.weight, n),
        unit=none,
        item=none,
        channel=none,
        partner=np.ones(n, dtype=np.bool_),
        used=used,
        commercial=rng.random(n) < COMMERCIAL_SHARE + 0.02 * shift,
        energy=catalogue.energy[rng.integers(0, catalogue.current, n)],
        price=np.round(np.clip(price, 25_000, 900_000), -2),
        demographics=demographics,
        shift=shift,
    )
