"""Who applies for a loan: buyers, shoppers who do not buy in the end, and customers of partner dealers.

The group's finance desk also takes applications from partner dealers: persons without a customer number, with a
vehicle that is not in our books. Over the window the population shifts: `shift` goes from 0 to 1 along a logistic
curve around the middle of the window, and with it come younger applicants, thinner files, smaller down payments,
longer terms and more used cars.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.catalogue import Catalogue
from training.simulator.draws import NEVER, Random, pick, sigmoid
from training.simulator.journeys import Journeys
from training.simulator.leads import Funnel
from training.simulator.people import Facts, People, draw_facts
from training.simulator.sales import Sales
from training.simulator.seasons import MINUTE, SHOP_HOURS, Window
from training.simulator.stores import Stores
from training.simulator.tastes import reference_prices
from training.simulator.units import COMMERCIAL_SHARE, HANDOVER, Units

BUYERS_WHO_APPLY = 0.28
OTHERS_WHO_APPLY = 0.06
PARTNERS_PER_CUSTOMER = 1.05
SHIFT_CENTRE, SHIFT_WIDTH = 0.55, 0.07  # of the window


@dataclass(frozen=True)
class Applicants:
    """Applicants in the order of their application.

    Attributes
    ----------
    submitted_at, ordered_at : ndarray of int64
        Instants (us); `ordered_at` is NEVER unless the applicant bought from us.
    person, store, unit, item, channel : ndarray of int64
        -1 where there is none; `channel` is a position in CHANNELS.
    partner, used, commercial : ndarray of bool
        Came by a partner dealer; the vehicle is used; it will drive for hire.
    energy : ndarray of int64
        Position in ENERGY_TYPES.
    price : ndarray of float64
        Yuan.
    facts : Facts
        Facts of the applicant.
    shift : ndarray of float64
        How far the population has shifted, 0 to 1.
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
    facts: Facts
    shift: FloatArray

    def __len__(self) -> int:
        return len(self.submitted_at)


def population_shift(at: IntArray, window: Window) -> FloatArray:
    """How far the population has shifted at instants (us).

    Examples
    --------
    >>> from training.simulator.size import Size
    >>> window = Window.of(Size())
    >>> population_shift(np.array([window.start, window.end]), window).round(2).tolist()
    [0.0, 1.0]
    """
    passed = (at - window.start) / (window.end - window.start)
    return sigmoid((passed - SHIFT_CENTRE) / SHIFT_WIDTH)


def build_applicants(
    rng: Random,
    *,
    sales: Sales,
    units: Units,
    journeys: Journeys,
    funnel: Funnel,
    people: People,
    catalogue: Catalogue,
    stores: Stores,
    window: Window,
) -> Applicants:
    """Draw who applies."""
    parts = [
        _buyers(rng, sales, units=units, journeys=journeys, funnel=funnel, people=people, catalogue=catalogue),
        _others(rng, sales, journeys=journeys, funnel=funnel, people=people, catalogue=catalogue, window=window),
        _partners(rng, people, catalogue=catalogue, stores=stores, window=window),
    ]
    shifts = [population_shift(part["submitted_at"], window) for part in parts]
    order = np.argsort(np.concatenate([part["submitted_at"] for part in parts]), kind="stable")
    facts = {f.name: np.concatenate([getattr(part["facts"], f.name) for part in parts])[order] for f in fields(Facts)}
    plain = [f.name for f in fields(Applicants) if f.name not in ("facts", "shift")]
    joined = {name: np.concatenate([part[name] for part in parts])[order] for name in plain}
    return Applicants(**joined, facts=Facts(**facts), shift=np.concatenate(shifts)[order])


def _facts_of(people: People, person: IntArray) -> Facts:
    return Facts(**{f.name: getattr(people.facts, f.name)[person] for f in fields(Facts)})


def _buyers(
    rng: Random, sales: Sales, *, units: Units, journeys: Journeys, funnel: Funnel, people: People, catalogue: Catalogue
) -> dict[str, Any]:
    row = np.flatnonzero(rng.random(len(sales)) < BUYERS_WHO_APPLY)
    unit, journey = sales.unit[row], sales.journey[row]
    ordered = sales.sold_at[row] - HANDOVER
    item = units.item[unit]
    return {
        "submitted_at": ordered - rng.integers(20 * MINUTE, 90 * MINUTE, len(row)),
        "ordered_at": ordered,
        "person": journeys.person[journey],
        "store": units.store[unit],
        "unit": unit,
        "item": item,
        "channel": funnel.channel[journey],
        "partner": np.zeros(len(row), dtype=np.bool_),
        "used": units.used[unit],
        "commercial": units.commercial[unit],
        "energy": catalogue.energy[catalogue.item_model[item]],
        "price": sales.price[row],
        "facts": _facts_of(people, journeys.person[journey]),
    }


def _others(
    rng: Random,
    sales: Sales,
    *,
    journeys: Journeys,
    funnel: Funnel,
    people: People,
    catalogue: Catalogue,
    window: Window,
) -> dict[str, Any]:
    bought = np.zeros(len(journeys), dtype=np.bool_)
    bought[sales.journey] = True
    chance = rng.random(len(journeys)) < OTHERS_WHO_APPLY
    row = np.flatnonzero(chance & ~bought & funnel.lead & (journeys.decided_at < window.end))
    model = journeys.first[row]
    item, used = catalogue.item(model, journeys.trim[row]), model >= catalogue.current
    return {
        "submitted_at": journeys.decided_at[row] - rng.integers(20 * MINUTE, 90 * MINUTE, len(row)),
        "ordered_at": np.full(len(row), NEVER, dtype=np.int64),
        "person": journeys.person[row],
        "store": journeys.store[row],
        "unit": np.full(len(row), -1, dtype=np.int64),
        "item": item,
        "channel": funnel.channel[row],
        "partner": np.zeros(len(row), dtype=np.bool_),
        "used": used,
        "commercial": rng.random(len(row)) < COMMERCIAL_SHARE,
        "energy": catalogue.energy[model],
        "price": np.where(used, reference_prices(catalogue)[model], catalogue.item_price[item]),
        "facts": _facts_of(people, journeys.person[row]),
    }


def _partners(rng: Random, people: People, *, catalogue: Catalogue, stores: Stores, window: Window) -> dict[str, Any]:
    n = int(people.customers * PARTNERS_PER_CUSTOMER)
    submitted = window.at_hours(rng, pick(rng, window.season[: window.days], n), SHOP_HOURS)
    shift = population_shift(submitted, window)
    used = rng.random(n) < 0.22 + 0.12 * shift
    facts = draw_facts(rng, n, at=window.start, younger=0.35 * shift)
    wish = np.exp(11.85 + 0.55 * np.log(facts.income / 9_000) + rng.normal(0, 0.3, n)) * np.where(used, 0.55, 1.0)
    none = np.full(n, -1, dtype=np.int64)
    return {
        "submitted_at": submitted,
        "ordered_at": np.full(n, NEVER, dtype=np.int64),
        "person": none,
        "store": pick(rng, stores.weight, n),
        "unit": none,
        "item": none,
        "channel": none,
        "partner": np.ones(n, dtype=np.bool_),
        "used": used,
        "commercial": rng.random(n) < COMMERCIAL_SHARE + 0.02 * shift,
        "energy": catalogue.energy[rng.integers(0, catalogue.current, n)],
        "price": np.round(np.clip(wish, 25_000, 900_000), -2),
        "facts": facts,
    }
