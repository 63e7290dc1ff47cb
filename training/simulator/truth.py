"""The truth that the tables were drawn from, for tests and benchmarks alone.

Instants are int64 microseconds in UTC in columns `*_at`, as in the tables.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.tables import BODY_TYPES, ENERGY_TYPES
from ml.domain.arrays import IntArray
from training.simulator.applicants import Applicants
from training.simulator.applications import application_ids
from training.simulator.books import stocked_cells
from training.simulator.catalogue import BRANDS, BRANDS_PER_STORE, Catalogue
from training.simulator.draws import NEVER, labels, masked, numbered
from training.simulator.event_log import KIND, Log, event_ids
from training.simulator.faults import (
    BAD_COMPONENT,
    BAD_MODEL,
    COMPONENTS,
    RATE_RATIO,
    Faults,
    Hazard,
    bad_range,
    expected_faults,
)
from training.simulator.fleet import Fleet
from training.simulator.leads import FLOOR, lead_ids, lead_rows
from training.simulator.lending import Loans
from training.simulator.people import People, customer_ids
from training.simulator.seasons import MONTH, Window
from training.simulator.stock_and_sales import FIRST, LOST, SECOND
from training.simulator.stores import Market, Stores
from training.simulator.units import unit_ids
from training.simulator.world import World


def credit_truth(who: Applicants, loans: Loans) -> pl.DataFrame:
    """By application, declined ones included: true and best observable probability, what would have happened."""
    return pl.DataFrame(
        {
            "application_id": application_ids(np.arange(len(who))),
            "probability_of_default": loans.probability,
            "observable_probability": loans.expected,
            "hidden": loans.hidden,
            "would_default": loans.default_at < NEVER,
            "taken": loans.originated_at < NEVER,
            "population_shift": who.shift,
        }
    )


def demand_truth(world: World) -> pl.DataFrame:
    """By store, model and month: who wanted it, who got it, and the demand to be expected.

    `demand` counts first choices; `sold` of them were served, `lost` bought nothing, `switched` bought another model;
    `switched_in` came from other models. `expected_demand` is the sum of the true chances to want it.
    """
    trade, journeys, catalogue, window = world.trade, world.journeys, world.catalogue, world.window
    month, store, model = stocked_cells(world)
    shape = world.expected.shape
    cell = store * catalogue.current + model
    first_choice = journeys.store[world.buyers] * catalogue.current + journeys.first[world.buyers]
    when = window.month(journeys.decided_at[world.buyers])
    first, lost, second = (trade.outcome == kind for kind in (FIRST, LOST, SECOND))
    counts = {
        "demand": _count(when, first_choice, shape),
        "sold": _count(when[first], first_choice[first], shape),
        "lost": _count(when[lost], first_choice[lost], shape),
        "switched": _count(when[second], first_choice[second], shape),
        "switched_in": _count(when[second], trade.cell[second], shape),
    }
    return pl.DataFrame(
        {
            "store_id": world.stores.ids(store),
            "model": labels(catalogue.names, model),
            "month_at": window.month_starts[month],
            **{name: count[month, cell] for name, count in counts.items()},
            "expected_demand": world.expected[month, cell],
        }
    )


def _count(month: IntArray, cell: IntArray, shape: tuple[int, ...]) -> IntArray:
    flat = np.bincount(month * shape[1] + cell, minlength=shape[0] * shape[1])
    return np.asarray(flat.reshape(shape), dtype=np.int64)


def taste_truth(people: People) -> pl.DataFrame:
    """By visitor: the coefficients of the true utility (see `tastes`)."""
    person = np.arange(len(people))
    named = [
        ("body", BODY_TYPES, people.body),
        ("energy", ENERGY_TYPES, people.energy),
        ("brand", BRANDS, people.brand),
    ]
    weights = {f"{kind}_{name}": w[:, k] for kind, names, w in named for k, name in enumerate(names)}
    return pl.DataFrame(
        {
            "visitor_id": numbered("W", person + 1, width=8),
            "customer_id": customer_ids(person, customers=people.customers),
            "budget": people.budget,
            "used_aversion": people.used_aversion,
            **weights,
        }
    )


def appeal_truth(catalogue: Catalogue, market: Market, window: Window) -> pl.DataFrame:
    """By model and month: the utility that everybody adds to it."""
    models, months = market.appeal.shape
    return pl.DataFrame(
        {
            "model": labels(catalogue.names, np.repeat(np.arange(models), months)),
            "month_at": np.tile(window.month_starts[:-1], models),
            "appeal": market.appeal.ravel(),
        }
    )


def store_truth(stores: Stores) -> pl.DataFrame:
    """By store: brands, effect on the log-odds of a purchase, factor on the hours until a call."""
    store = np.arange(len(stores.city))
    carried = {f"brand_{k + 1}": labels(BRANDS, (stores.assortment + k) % len(BRANDS)) for k in range(BRANDS_PER_STORE)}
    return pl.DataFrame(
        {"store_id": stores.ids(store), **carried, "selling": stores.selling, "slowness": stores.slowness}
    )


def lead_truth(world: World) -> pl.DataFrame:
    """By lead: the terms of its equation (see `leads`), the decision and its day.

    `decides_at` may lie beyond the end of the data; `wants` says whether the decision is a purchase, stock permitting.
    """
    journeys, funnel = world.journeys, world.funnel
    rows = lead_rows(funnel, window=world.window)
    hours = funnel.hours[rows]
    return pl.DataFrame(
        {
            "lead_id": lead_ids(np.arange(len(rows))),
            "base_probability": funnel.base[rows],
            "decay_per_hour": funnel.decay[rows],
            "floor": np.full(len(rows), FLOOR),
            "response_hours": masked(hours, np.isfinite(hours)),
            "conversion_probability": funnel.probability[rows],
            "wants": funnel.wants[rows],
            "used": journeys.used[rows],
            "intent": journeys.intent[rows],
            "decides_at": journeys.decided_at[rows],
        }
    )


def exposure_truth(log: Log) -> pl.DataFrame:
    """By impression: utility to the person who saw it, and its chance of being looked at."""
    rows = np.flatnonzero(log.kind == KIND["impression"])
    return pl.DataFrame({"event_id": event_ids(rows), "utility": log.utility[rows], "view_probability": log.view[rows]})


def injection_truth(window: Window) -> pl.DataFrame:
    """The one injected fault."""
    low, high = bad_range(window)
    return pl.DataFrame(
        {
            "model": [BAD_MODEL],
            "component": [BAD_COMPONENT],
            "built_from_at": [low],
            "built_until_at": [high],
            "rate_ratio": [RATE_RATIO],
        }
    )


def fault_truth(faults: Faults, fleet: Fleet) -> pl.DataFrame:
    """Every fault that happened, whether reported by now or not."""
    order = np.argsort(faults.at, kind="stable")
    return pl.DataFrame(
        {
            "vehicle_id": unit_ids(fleet.unit[faults.car[order]]),
            "component": labels(list(COMPONENTS), faults.component[order]),
            "happened_at": faults.at[order],
        }
    )


def fault_exposure_truth(
    faults: Faults, fleet: Fleet, hazard: Hazard, *, catalogue: Catalogue, window: Window
) -> pl.DataFrame:
    """By model, component and whether affected: cars, car-months, faults expected without the injection, faults."""
    group = fleet.model * 2 + hazard.bad
    groups = 2 * len(catalogue.names)
    months = np.maximum(fleet.observed_until(window) - fleet.observed_from(window), 0) / MONTH
    there = np.flatnonzero(np.bincount(group, minlength=groups))
    parts = []
    for component, name in enumerate(COMPONENTS):
        mine = faults.component == component
        expected = expected_faults(fleet, hazard, component, window)
        parts.append(
            pl.DataFrame(
                {
                    "model": labels(catalogue.names, there // 2),
                    "component": [name] * len(there),
                    "affected": there % 2 == 1,
                    "vehicles": np.bincount(group, minlength=groups)[there],
                    "vehicle_months": np.bincount(group, weights=months, minlength=groups)[there],
                    "expected_faults": np.bincount(group, weights=expected, minlength=groups)[there],
                    "faults": np.bincount(group[faults.car[mine]], minlength=groups)[there],
                }
            )
        )
    return pl.concat(parts)
